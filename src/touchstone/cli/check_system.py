"""`touchstone check-system`: is this description complete and true to its files? Nothing of it is executed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from touchstone.cli.language import chosen, say
from touchstone.text import Text

if TYPE_CHECKING:
    from touchstone.system.registers.entry import Entry
    from touchstone.system.subject import Subject


@click.command(
    name="check-system",
    help=say(
        "Validate the system.yaml at PATH (or in that folder) and its registers, and hash every file it names. "
        "Executes nothing.",
        "校验 PATH 处（或该目录中）的 system.yaml 及其登记记录，并计算所列文件的摘要。不执行任何内容。",
    ),
)
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help=say("output", "输出格式"))
def command(path: Path, form: str) -> None:
    """Open the system and print what was found."""
    from touchstone.laboratory.intake import open_declared
    from touchstone.standard.catalog import load_standard
    from touchstone.system.registers.handed_in import registers_of

    subject = open_declared(path, load_standard())
    registers = _registers(registers_of(subject))
    questions = _questions(subject)
    if form == "json":
        click.echo(json.dumps(_summary(subject, registers, questions), ensure_ascii=False, indent=2))
    else:
        _print(subject, registers, questions)


class _Register(NamedTuple):
    """What is shown of one register."""

    name: str
    entries: int
    newest_day: str | None


def _registers(registers: Mapping[str, tuple[Entry, ...]]) -> list[_Register]:
    from touchstone.system.registers.handed_in import newest_days

    newest = {name: day.isoformat() for name, day in newest_days(registers).items()}
    return [_Register(name, len(entries), newest.get(name)) for name, entries in registers.items()]


def _questions(subject: Subject) -> list[Text]:
    """What is left open: fields that would allow more tests, and facts that decide which controls apply."""
    from touchstone.standard.catalog import load_standard
    from touchstone.system.questions import open_questions

    facts = load_standard().facts
    unstated = [name for name in facts if subject.facts.get(name, "unknown") == "unknown"]
    return [
        *open_questions(subject.description),
        *(
            Text(f"facts.{name}: {facts[name].entry.question.en}", f"facts.{name}：{facts[name].entry.question.zh}")
            for name in unstated
        ),
    ]


def _summary(subject: Subject, registers: list[_Register], questions: list[Text]) -> dict[str, Any]:
    """What `--format json` prints."""
    identity = subject.description.system
    return {
        "system": {"name": identity.name, "version": identity.version, "supplier": identity.supplier.name},
        "digest": subject.digest,
        "access": subject.access.value,
        "files": [
            {"path": file.path, "format": file.format, "size": file.size, "digest": file.digest}
            for file in subject.files
        ],
        "registers": [register._asdict() for register in registers],
        "facts": subject.facts,
        "questions": [{"en": question.en, "zh": question.zh} for question in questions],
    }


def _print(subject: Subject, registers: list[_Register], questions: list[Text]) -> None:
    language = chosen()
    identity = subject.description.system
    click.echo(say("OK", "通过") + f"  {identity.name} {identity.version}  {subject.digest}")
    if identity.synthetic:
        click.echo(say("demonstration: model or data are made up", "演示：模型或数据为虚构"))

    click.echo("\n" + say("Files", "文件"))
    widest = max((len(file.path) for file in subject.files), default=0)
    for file in subject.files:
        click.echo(f"  {file.path:<{widest}}  {file.format:<12}  {file.size:>12}  {file.digest[7:19]}")

    if registers:
        click.echo("\n" + say("Registers", "登记记录"))
    widest = max((len(register.name) for register in registers), default=0)
    for name, entries, newest in registers:
        until = "" if newest is None else say(f"  up to {newest}", f"  截至 {newest}")
        click.echo(f"  {name:<{widest}}  {entries:>8} " + say("entry" if entries == 1 else "entries", "条") + until)

    click.echo("\n" + say("Facts", "事实"))
    for name, value in sorted(subject.facts.items()):
        origin = "" if name in subject.description.facts else say("  (from the description)", "  （由描述得出）")
        click.echo(f"  {name}: {json.dumps(value, ensure_ascii=False)}{origin}")

    if questions:
        click.echo(
            "\n" + say("Still open; what is left out is reported as not tested", "尚待回答；未提供的部分将记为未测试")
        )
    for question in questions:
        click.echo(f"  {question.render(language)}")
