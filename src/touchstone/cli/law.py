"""`touchstone law`: what the packs of law say of flows of data abroad, and of an incident."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from touchstone.cli.language import chosen, say
from touchstone.text import Text

if TYPE_CHECKING:
    from touchstone.checks.governance.cross_border_records import FlowFinding
    from touchstone.standard.decision_table import Rule
    from touchstone.standard.reporting_duties import ReportingDuty
    from touchstone.system.description import FactValue

FORMAT = click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", help=say("output", "输出格式")
)


@click.group(
    "law",
    help=say(
        "What the packs of law say of flows of data and of incidents. Decision support, not legal advice.",
        "依法律数据包判定数据出境流与事件报告义务。仅供决策参考，不构成法律意见。",
    ),
)
def command() -> None:
    """Groups the commands about law."""


@command.command(
    "flows",
    help=say(
        "Decide every flow of the register FLOWS, and say which have no valid basis.",
        "判定登记记录 FLOWS 中的每一出境流，并指出无有效依据者。",
    ),
    epilog=say(
        "Exit codes: 0 all have a valid basis, 1 some have none, 2 wrong input.",
        "退出码：0 均有有效依据；1 有无依据者；2 输入有误。",
    ),
)
@click.argument("flows", type=click.Path(path_type=Path))
@click.option("--filings", type=click.Path(path_type=Path), help=say("register of filings", "手续登记记录"))
@FORMAT
def flows_of(flows: Path, filings: Path | None, form: str) -> int:
    """Decide the flows of a file, outside an assessment: receipts are not looked for."""
    from touchstone.checks.governance.cross_border_records import FlowRecords, findings
    from touchstone.checks.governance.decision_record import decision_record
    from touchstone.checks.governance.flow_decisions import Declared
    from touchstone.standard.law import decision_tables
    from touchstone.system.registers.filings import Filing
    from touchstone.system.registers.flows import Flow
    from touchstone.system.registers.reading import parse_register

    entries = parse_register(_content(flows), str(flows), Flow)
    filed = () if filings is None else parse_register(_content(filings), str(filings), Filing)
    records = FlowRecords(
        flows=entries,
        filings=filed,
        tables=decision_tables(),
        day=max((day for entry in (*entries, *filed) for day in entry.happened()), default=_newest_law()),
        declared=Declared(),
        files=frozenset(each.receipt for each in filed if each.receipt is not None),
    )
    found = findings(records)
    if form == "json":
        click.echo(json.dumps(decision_record(records, found), ensure_ascii=False, indent=2))
    else:
        for each in found:
            _print_flow(each)
        _print_advice()
    return int(any(each.flaw is not None for each in found))


@command.command(
    "duties",
    help=say(
        "Say who has to be told of an incident with these FACTS (a YAML mapping), and by when.",
        "依事件事实 FACTS（YAML 映射）列出应报告的对象与时限。",
    ),
    epilog=say(
        "Exit codes: 0 settled, 1 a fact is missing that decides a duty, 2 wrong input.",
        "退出码：0 已确定；1 尚缺决定义务的事实；2 输入有误。",
    ),
)
@click.argument("facts", type=click.Path(path_type=Path))
@click.option(
    "--in",
    "territories",
    multiple=True,
    default=("CN",),
    show_default=True,
    help=say("jurisdiction (repeatable)", "法域（可重复）"),
)
@FORMAT
def duties_of(facts: Path, territories: tuple[str, ...], form: str) -> int:
    """Compute the duties of one incident, the shortest clock first."""
    from touchstone.standard.reporting_duties import regimes_in, reporting_duties

    duties = reporting_duties(regimes_in(territories), _facts(facts, territories))
    if form == "json":
        click.echo(json.dumps(_duties(duties), ensure_ascii=False, indent=2))
    else:
        for duty in duties:
            _print_duty(duty)
        _print_advice()
    return int(any(not duty.certain for duty in duties))


def _content(path: Path) -> bytes:
    from touchstone.files import open_regular
    from touchstone.system.registers.reading import LARGEST_BYTES

    with open_regular(path) as stream:
        return stream.read(LARGEST_BYTES + 1)


def _newest_law() -> date:
    from touchstone.standard.law import decision_tables

    return max(date.fromisoformat(table.pack.as_of) for table in decision_tables().values())


def _facts(path: Path, territories: tuple[str, ...]) -> dict[str, FactValue]:
    """Facts from a file. Raises `UserError` for those that no pack asks for, and for jurisdictions without a pack."""
    from touchstone.checks.governance.applicable_law import known_of, without_law
    from touchstone.documents import read_yaml
    from touchstone.errors import DescriptionError, UserError
    from touchstone.standard.reporting_duties import regimes_in

    for territory in without_law(territories):
        raise UserError(
            Text(f"there is no pack of law for {territory}", f"没有 {territory} 的法律数据包"),
            "--in",
            Text("write CN, or a member state of the European Union", "请填写 CN 或欧盟成员国"),
        )
    document = read_yaml(path)
    if not isinstance(document.value, dict):
        raise UserError(
            Text("is not a mapping of facts", "不是事实映射"),
            str(path),
            Text("write lines such as `deploy.cii: true`", "请逐行写明，如 `deploy.cii: true`"),
        )
    known = known_of(regimes_in(territories), {}, document.value, events=True)
    if known.problems:
        raise DescriptionError(
            [
                UserError(Text(f"{name} {why.en}", f"{name}：{why.zh}"), document.at((name,)))
                for name, why in known.problems
            ]
        )
    return dict(known.facts)


def _print_flow(found: FlowFinding) -> None:
    language = chosen()
    flow, decision = found.decided.flow, found.decided.decision
    basis = "" if decision is None else ", ".join(_cited(rule) for rule in decision.fired)
    click.echo(f"{flow.id}  {found.decided.outcome}  {basis}".rstrip())
    if found.why is not None:
        click.echo(say("  no valid basis: ", "  无有效依据：") + found.why.render(language))


def _cited(rule: Rule) -> str:
    return f"{rule.id} {rule.basis.reference} {rule.basis.at} [{rule.basis.confidence}]"


def _print_duty(duty: ReportingDuty) -> None:
    language = chosen()
    when = say("at once", "立即") if duty.minutes == 0 else say(f"{duty.minutes} min", f"{duty.minutes} 分钟")
    click.echo(f"{when:>12}  {duty.to.render(language)}  ({duty.source.render(language)}) [{duty.confidence}]")
    for name, question in duty.questions:
        click.echo(say("              if ", "              尚待确认：") + f"{name}: {question.render(language)}")


def _print_advice() -> None:
    from touchstone.standard.law import ADVICE

    click.echo(ADVICE.render(chosen()))


def _duties(duties: tuple[ReportingDuty, ...]) -> dict[str, Any]:
    from touchstone.standard.law import ADVICE

    return {
        "schema": "touchstone.reporting-duties/v1",
        "advice": {"en": ADVICE.en, "zh": ADVICE.zh},
        "duties": [
            {
                "obligation": duty.obligation,
                "recipient": duty.recipient,
                "to": {"en": duty.to.en, "zh": duty.to.zh},
                "within_minutes": duty.minutes,
                "certain": duty.certain,
                "questions": [{"fact": name, "en": text.en, "zh": text.zh} for name, text in duty.questions],
                "article": duty.article,
                "confidence": duty.confidence,
            }
            for duty in duties
        ],
    }
