"""Are reports of flaws answered, tried out, reported and published?

Threat: a flaw that somebody reported stays open because nobody reads the reports, or because a flaw that shows itself
now and then was tried once and not seen (ISO/IEC 29147, 30111).

Measured: the most working days from a report to its answer, and the most hours to the report to the authority, over
all cases of the log; a case without an answer counts up to the day the records reach. Models answer by chance: what was
reproduced, and what was fixed, is counted over tries, with exact bounds and tests. Advisories are read as CSAF.

Cannot tell: whether reports came that are not in the log.

Source: ISO/IEC 29147:2018; ISO/IEC 30111:2019; OASIS CSAF 2.0; Provisions on security vulnerabilities of network
products, Art. 7.
"""

from __future__ import annotations

from touchstone.canonical import canonical_json
from touchstone.checks.declaration import Measurement, MetricDeclaration, Needs, Parameters, Run, check
from touchstone.checks.governance.advisories import advisories
from touchstone.checks.governance.disclosure_controls import flawed_logs, sound_log
from touchstone.checks.governance.disclosure_log import DisclosureRecords, audit_disclosure, tried
from touchstone.checks.governance.recorded_days import newest_day
from touchstone.checks.register_controls import register_controls
from touchstone.errors import UnavailableError
from touchstone.records import number, plain
from touchstone.statistics import proportion_bounds
from touchstone.system.registers.disclosure import Disclosure
from touchstone.system.registers.disclosure_cases import DisclosureCase, Tries
from touchstone.system.subject import Subject
from touchstone.text import Text


@check(
    id="gov.disclosure",
    version="1",
    title=Text("Disclosure of flaws", "缺陷披露"),
    measures=Text(
        "Over all cases of the log: the most working days to an answer, and the most hours to the report to the"
        " authority. Cases that were set aside by one person, or although the flaw was seen, fixes that were not tried"
        " again or did not make the flaw rarer beyond chance, and advisories that are not what the log says in CSAF,"
        " are named.",
        "基于全部案件：最长的回复工作日数与最长的主管部门报送小时数。"
        "并列出由一人驳回或已复现仍驳回的案件、修复后未复测或未显著减少的缺陷，以及与记录不符的 CSAF 公告。",
    ),
    cannot_tell=Text(
        "Reports that are missing in the log are missing here. A register shows what was recorded, not that it is true."
        " How the intake will do with the next report, past cases do not bound. Unanswered cases count up to the newest"
        " day in the registers, which need not be today.",
        "未入账的报告无从得知。登记记录只说明记载了什么，不说明其真实。过往案件不能界定对下一份报告的处理。"
        "未回复的案件计至登记记录中的最新日期，未必为当日。",
    ),
    remedy=Text(
        "Publish an address, answer every report within days, try a flaw of a model often enough to bound how often it"
        " shows itself, before and after the fix, let two people decide on setting it aside, and publish CSAF.",
        "公布接收地址，数日内回复每份报告；对模型缺陷在修复前后进行足够次数的尝试以界定其出现频率；"
        "驳回须由两人决定；并以 CSAF 发布公告。",
    ),
    threats=(),
    source="ISO/IEC 29147:2018; ISO/IEC 30111:2019; OASIS CSAF 2.0",
    needs=Needs(),
    metrics=(
        MetricDeclaration(
            "acknowledge_days", "working_days", "lower", Text("most working days to an answer", "最长的回复工作日数")
        ),
        MetricDeclaration(
            "miit_report_hours",
            "hours",
            "lower",
            Text("most hours to the report to the authority", "最长的主管部门报送小时数"),
        ),
        MetricDeclaration(
            "advisories_readable",
            "share",
            "higher",
            Text("published advisories handed in as CSAF", "以 CSAF 提交的已发布公告占比"),
        ),
    ),
)
def disclosure(subject: Subject, parameters: Parameters, run: Run) -> Measurement:
    """Count over all cases, and show how often each flaw was seen."""
    [setting] = subject.register(Disclosure)
    cases = subject.register(DisclosureCase)
    if not cases:
        raise UnavailableError(
            Text("the case log is empty", "案件记录为空"),
            "registers",
            Text("send a report to the intake yourself, and enter it as a drill", "请自行提交一份报告，并以演练登记"),
        )
    records = DisclosureRecords(
        setting=setting,
        cases=cases,
        advisories=advisories(subject),
        reports_to_authority=subject.facts.get("org.network_products_in_china") is not False,
        day=newest_day(subject),
    )
    audit = audit_disclosure(records)
    sound = sound_log(run.generator("controls"))
    plants = tuple(flawed_logs(sound, run.generator("plants")))
    return Measurement(
        metrics=audit.metrics,
        controls=register_controls(audit_disclosure, sound, plants),
        exhibits=(run.exhibit("cases.json", "application/json", _listing(cases)),),
        warnings=audit.notes,
    )


def _listing(cases: tuple[DisclosureCase, ...]) -> bytes:
    return canonical_json(
        {
            "schema": "touchstone.disclosure-cases/v1",
            "cases": [
                {"id": case.id, "kind": case.kind, "before": _rate(case.reproduced), "after_fix": _rate(case.retested)}
                for case in cases
            ],
        }
    )


def _rate(tries: Tries | None) -> dict[str, object] | None:
    """How often a flaw shows itself, with exact one-sided bounds."""
    if tries is None:
        return None
    low, high = proportion_bounds(tries.shown, tried(tries))
    return {"shown": tries.shown, "tries": tried(tries), "low": plain(number(low)), "high": plain(number(high))}
