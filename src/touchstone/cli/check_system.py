"""`touchstone check-system`: is this description complete and true to its files? Nothing of it is executed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from touchstone.cli.language import chosen, say

if TYPE_CHECKING:
    from touchstone.system.subject import Subject


@click.command(
    name="check-system",
    help=say(
        "Validate the system.yaml at PATH (or in that folder) and hash every file it names. Executes nothing.",
        "校验 PATH 处（或该目录中）的 system.yaml，并计算所列文件的摘要。不执行任何内容。",
    ),
)
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help=say("output", "输出格式"))
def command(path: Path, form: str) -> None:
    """Open the system and print what was found."""
    from touchstone.system.subject import open_system

    subject = open_system(path)
    if form == "json":
        click.echo(json.dumps(_summary(subject), ensure_ascii=False, indent=2))
    else:
        _print(subject)


def _summary(subject: Subject) -> dict[str, Any]:
    """What `--format json` prints."""
    from touchstone.system.questions import open_questions

    identity = subject.description.system
    return {
        "system": {"name": identity.name, "version": identity.version, "supplier": identity.supplier.name},
        "digest": subject.digest,
        "access": subject.access.value,
        "files": [
            {"path": file.path, "format": file.format, "size": file.size, "digest": file.digest}
            for file in subject.files
        ],
        "facts": subject.facts,
        "questions": [{"en": question.en, "zh": question.zh} for question in open_questions(subject.description)],
    }


def _print(subject: Subject) -> None:
    from touchstone.system.questions import open_questions

    language = chosen()
    identity = subject.description.system
    click.echo(say("OK", "通过") + f"  {identity.name} {identity.version}  {subject.digest}")
    if identity.synthetic:
        click.echo(say("demonstration: model or data are made up", "演示：模型或数据为虚构"))

    click.echo("\n" + say("Files", "文件"))
    widest = max((len(file.path) for file in subject.files), default=0)
    for file in subject.files:
        click.echo(f"  {file.path:<{widest}}  {file.format:<12}  {file.size:>12}  {file.digest[7:19]}")

    click.echo("\n" + say("Facts", "事实"))
    for name, value in sorted(subject.facts.items()):
        origin = "" if name in subject.description.facts else say("  (from the description)", "  （由描述得出）")
        click.echo(f"  {name}: {json.dumps(value, ensure_ascii=False)}{origin}")

    questions = open_questions(subject.description)
    if questions:
        click.echo(
            "\n" + say("Still open; what is left out is reported as not tested", "尚待回答；未提供的部分将记为未测")
        )
    for question in questions:
        click.echo(f"  {question.render(language)}")
