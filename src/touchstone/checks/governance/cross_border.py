"""Has every flow of data that leaves the jurisdiction the basis that the law asks for?

Threat: data leave without an assessment, a filed contract or a certificate, or with one that ended, covers another
recipient or fewer persons; flows are split so that no single one reaches a threshold (2024 Provisions Art. 5, 7, 8).

Measured: each flow of the register `flows` is decided by the table of the jurisdiction it leaves, with the persons of
all flows since 1 January, and compared with the filings it names. A flow that cannot be decided counts as one without
a basis, and the question that is open is named. Access from abroad, model updates and evaluation data are flows too.

Cannot tell: whether all flows were entered, or what is true of them.

Source: the table's own articles, each with the confidence we have in it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date

from touchstone.canonical import canonical_json
from touchstone.checks.declaration import Measurement, MetricDeclaration, Needs, Parameters, Run, check
from touchstone.checks.governance.cross_border_controls import flawed_flows, sound_flows
from touchstone.checks.governance.cross_border_records import FlowFinding, FlowRecords, audit_flows, findings
from touchstone.checks.governance.decision_record import decision_record
from touchstone.checks.governance.flow_decisions import Declared
from touchstone.checks.governance.recorded_days import newest_day
from touchstone.checks.register_controls import register_controls
from touchstone.errors import UnavailableError
from touchstone.records import Note
from touchstone.standard.catalog import load_standard
from touchstone.standard.law import ADVICE, decision_tables
from touchstone.system.registers.filings import Filing
from touchstone.system.registers.flows import Flow
from touchstone.system.subject import Subject
from touchstone.text import Text


@check(
    id="law.cross_border",
    version="1",
    title=Text("Basis of data flows abroad", "数据出境依据"),
    measures=Text(
        "Decides each recorded flow abroad by the decision table of the jurisdiction it leaves, counting persons of all"
        " flows since 1 January, and compares it with the filings it names: kind, window, recipient, kind of data,"
        " persons. Flows that cannot be decided count as without basis, with the question to answer. Remote access,"
        " model updates and evaluation data are flows.",
        "依数据离开法域的判定表逐一判定所登记的出境流，人数自当年 1 月 1 日起合并累计，并与其所列手续核对："
        "类型、有效期、接收方、数据类型、人数。无法判定的视为无依据并列出待答问题。"
        "境外访问、模型更新、评测数据均属出境流。",
    ),
    cannot_tell=Text(
        "A register shows what was recorded, not that it is complete or true: exports of the same exporter through"
        " other systems count by law and have to be in it. Working days are Monday to Friday, public holidays are not"
        " known. The newest day in the registers stands for today. " + ADVICE.en,
        "登记记录只说明记载了什么，不说明其完整真实：同一出境方经其他系统的出境依法合并计算，须一并登记。"
        "工作日按周一至周五计，不含法定节假日调整。以登记记录中的最新日期作为当日。" + ADVICE.zh,
    ),
    remedy=Text(
        "Answer the question named, complete the procedure the decision record names, and enter its number, window,"
        " recipients, kinds of data and persons in `filings`; stop the flow until then.",
        "回答所列问题，办理判定记录所示手续，并在 `filings` 中登记其编号、有效期、接收方、数据类型与人数；"
        "办妥之前停止该出境流。",
    ),
    threats=(),
    source="CAC Provisions on Promoting and Regulating Cross-border Data Flows (2024) Art. 3-9; PIPL Art. 38-41",
    needs=Needs(),
    metrics=(
        MetricDeclaration(
            "flows_without_valid_basis", "count", "lower", Text("flows without a valid basis", "无有效依据的出境流数")
        ),
        MetricDeclaration(
            "hgr_security_review_done",
            "bool",
            "higher",
            Text(
                "every export that needs it passed the review of human genetic resources",
                "凡须人类遗传资源安全审查的出境均已通过",
            ),
        ),
    ),
)
def cross_border(subject: Subject, parameters: Parameters, run: Run) -> Measurement:
    """Decide every flow, compare it with its filings, and keep a record of each decision."""
    records = _records(subject)
    found = findings(records)
    audit = audit_flows(records, found)
    record = run.exhibit("decision_record.json", "application/json", canonical_json(decision_record(records, found)))
    sound = sound_flows(run.generator("controls"), records.tables)
    plants = tuple(flawed_flows(sound, run.generator("plants")))
    return Measurement(
        audit.metrics,
        register_controls(audit_flows, sound, plants),
        (record,),
        (*audit.notes, *_confidence(found)),
    )


def _records(subject: Subject) -> FlowRecords:
    flows = subject.register(Flow)
    exported, countries = _exported(subject), dict(_foreign(subject))
    if not flows and exported is None and not countries:
        raise UnavailableError(
            Text("no flow is recorded, and nothing says that data leave", "未登记出境流，亦无迹象表明数据出境"),
            "registers",
            Text(
                "state the fact `data.exported`, and enter every flow if it is true",
                "请声明事实 `data.exported`；若为 true，请登记全部出境流",
            ),
        )
    facts = subject.facts
    return FlowRecords(
        flows=flows,
        filings=subject.register_if_any(Filing),
        tables=decision_tables(),
        day=newest_day(subject) if flows else _newest_law(),
        declared=Declared(
            cii=_truth(facts.get("deploy.cii")),
            personal=_truth(facts.get("data.personal")),
            important=False if facts.get("data.important") in ("none", ["none"]) else None,
        ),
        files=frozenset(record.path for record in subject.files),
        personal=dict(_personal(subject)),
        exported=exported,
        countries=countries,
    )


def _truth(fact: object) -> bool | None:
    return fact if isinstance(fact, bool) else None


def _exported(subject: Subject) -> Text | None:
    """That the facts say that data leave."""
    if subject.facts.get("data.exported") is not True:
        return None
    return Text(
        "the fact `data.exported` is true, and no flow is recorded", "事实 `data.exported` 为真，却无出境流登记"
    )


def _foreign(subject: Subject) -> Iterator[tuple[str, Text]]:
    """Countries other than the supplier's that the description names, and what is there."""
    description = subject.description
    if description.system.supplier.country is None:
        return
    home = description.system.supplier.country.split("-")[0]
    for jurisdiction in description.deployment.jurisdictions:
        if jurisdiction.split("-")[0] != home:
            yield (
                jurisdiction.split("-")[0],
                Text("the system is deployed there, and no flow goes there", "系统部署于该地，却无出境流指向该地"),
            )


def _personal(subject: Subject) -> Iterator[tuple[str, bool]]:
    """Data sets that are declared to hold personal information, and whether a kind of it is sensitive."""
    kinds = load_standard().personal_information
    data = subject.description.data
    for role, data_set in (("train", data.train), ("test", data.test), ("reference", data.reference)):
        declared = [] if data_set is None else data_set.personal_information or []
        if declared:
            yield role, any(kinds[kind].entry.sensitive for kind in declared if kind in kinds)


def _newest_law() -> date:
    return max(date.fromisoformat(table.pack.as_of) for table in decision_tables().values())


def _confidence(found: Iterable[FlowFinding]) -> Iterator[Note]:
    """How sure the rules are that the decisions rest on."""
    counted = Counter(each.decided.decision.confidence for each in found if each.decided.decision is not None)
    if counted:
        listed = ", ".join(f"{grade}: {number}" for grade, number in sorted(counted.items()))
        yield Note(
            code="confidence-of-the-law",
            text=Text(f"{ADVICE.en} Flows by confidence: {listed}", f"{ADVICE.zh}各置信度的出境流数：{listed}"),
        )
