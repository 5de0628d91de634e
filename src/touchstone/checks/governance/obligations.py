"""Does the operator know what it owes to whom, has decided where authorities collide, and filed what is due?

Threat: an obligation nobody noticed, two that contradict each other, a filing that lapsed: the system runs on without
a lawful basis (NIST AI RMF GOVERN 1.1; Algorithm Recommendation Provisions Art. 24).

Measured: from the facts of the description and of the register `obligations`, which obligations of the packs of law
apply at each stage; overlaps, gaps and conflicts among them that nobody decided; obligations of which it is not known
whether they apply; filings that are missing, overdue or ended.

Cannot tell: whether the packs hold every obligation, or whether a decision was a good one.

Source: the packs' own articles, each with the confidence we have in it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from touchstone.canonical import canonical_json
from touchstone.checks.declaration import Measurement, MetricDeclaration, Needs, Parameters, Run, check
from touchstone.checks.governance.applicable_law import declared_facts, regimes_of
from touchstone.checks.governance.obligation_controls import flawed_obligations, sound_obligations
from touchstone.checks.governance.obligation_records import ObligationRecords, audit_obligations, reading_of
from touchstone.checks.governance.obligation_report import obligation_report
from touchstone.checks.governance.recorded_days import newest_day
from touchstone.checks.register_controls import register_controls
from touchstone.records import Note
from touchstone.standard.law import ADVICE, regimes
from touchstone.system.registers.obligation_record import ObligationRecord
from touchstone.system.subject import Subject
from touchstone.text import Text


@check(
    id="law.obligations",
    version="1",
    title=Text("Obligations decided and filed", "监管义务的处理与备案"),
    measures=Text(
        "Computes from the facts which obligations of the packs of law apply, and where those of several authorities"
        " overlap, contradict each other or leave a gap. Counts what nobody decided, obligations that a missing fact"
        " leaves open, and filings that are missing, overdue or ended.",
        "依据事实计算法律数据包中适用的义务，以及各机关义务之间的重叠、冲突与空白；"
        "统计未作决定的事项、因事实缺失而无法确定的义务，以及缺失、逾期或届满的备案。",
    ),
    cannot_tell=Text(
        "A register shows what was recorded, not that it is true. The packs hold common obligations, not all of them:"
        " sector and local rules have to be added by a person. Whether a decision is a good one is not examined. "
        + ADVICE.en,
        "登记记录只说明记载了什么，不说明其真实。数据包只收录常见义务，行业与地方规定须由人工补充；"
        "不审查所作决定是否妥当。" + ADVICE.zh,
    ),
    remedy=Text(
        "State the facts that are asked for, decide each overlap, gap and conflict with an owner and a reason, and"
        " complete the filings that are named.",
        "说明所询问的事实；就各项重叠、空白与冲突指定责任人并作出附理由的决定；补办所列备案。",
    ),
    threats=(),
    source="NIST AI RMF GOVERN 1.1; Provisions on Algorithmic Recommendation Art. 24",
    needs=Needs(),
    metrics=(
        MetricDeclaration(
            "undecided_conflicts",
            "count",
            "lower",
            Text("overlaps, gaps, conflicts and obligations left undecided", "未决的重叠、空白、冲突与义务数"),
        ),
        MetricDeclaration(
            "overdue_filings", "count", "lower", Text("filings missing, overdue or ended", "缺失、逾期或届满的备案数")
        ),
        MetricDeclaration(
            "face_filing_working_days",
            "working_days",
            "lower",
            Text("working days until face data were filed", "人脸信息备案所用工作日"),
        ),
    ),
)
def obligations(subject: Subject, parameters: Parameters, run: Run) -> Measurement:
    """Compute what applies, compare it with what was decided and filed, and report it."""
    (record,) = subject.register(ObligationRecord)
    records = ObligationRecords(record, regimes_of(subject, record.packs), declared_facts(subject), newest_day(subject))
    audit = audit_obligations(records)
    report = run.exhibit("obligation_report.json", "application/json", canonical_json(obligation_report(records)))
    sound = sound_obligations(tuple(regimes().values()), run.generator("controls"))
    plants = tuple(flawed_obligations(sound, run.generator("plants")))
    return Measurement(
        audit.metrics,
        register_controls(audit_obligations, sound, plants),
        (report,),
        (*audit.notes, *_remarks(records)),
    )


def _remarks(records: ObligationRecords) -> Iterator[Note]:
    """How sure the packs are of what applies, and whether any of them is a demonstration."""
    found = reading_of(records).found
    counted = Counter(each.entry.confidence for each in (*found.applying, *found.undecided))
    listed = ", ".join(f"{grade}: {number}" for grade, number in sorted(counted.items()))
    yield Note(
        code="confidence-of-the-law",
        text=Text(f"{ADVICE.en} Obligations by confidence: {listed}", f"{ADVICE.zh}各置信度的义务数：{listed}"),
    )
    if shown := [regime.pack.title for regime in records.regimes if regime.pack.demonstration]:
        yield Note(
            code="demonstration-data",
            text=Text(
                f"{shown[0].en}: some of its numbers are placeholders and in no instrument",
                f"{shown[0].zh}：其中部分数值为占位，不见于任何文件",
            ),
        )
