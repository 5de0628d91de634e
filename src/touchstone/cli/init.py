"""`touchstone init`: a first system.yaml, from the files that are there and a few questions."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from touchstone.cli.language import chosen, say

if TYPE_CHECKING:
    from touchstone.documents import FieldPath
    from touchstone.system.drafting import FactQuestion, Values


@click.command(
    name="init",
    help=say(
        "Write a commented system.yaml into FOLDER, looking at the given files without executing them.",
        "在 FOLDER 中写入带注释的 system.yaml；只查看所给文件，不执行它们。",
    ),
)
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False, exists=True), default=Path())
@click.option(
    "--from",
    "files",
    type=click.Path(path_type=Path, exists=True),
    multiple=True,
    help=say("a model or data file to look at; may be repeated", "要查看的模型或数据文件；可重复"),
)
@click.option("--output", default="system.yaml", help=say("name of the file to write", "要写入的文件名"))
@click.option("--yes", is_flag=True, help=say("ask nothing", "不提问"))
def command(folder: Path, files: tuple[Path, ...], output: str, yes: bool) -> None:
    """Guess, ask, write, and say what is left to do."""
    from touchstone.errors import UserError
    from touchstone.system.drafting import placeholders, write_draft
    from touchstone.system.guessing import guess
    from touchstone.text import Text

    values = guess(files, folder)
    if sys.stdin.isatty() and not yes:
        _ask(values)
    draft = write_draft(values, _fact_questions(), chosen())
    target = folder / output
    try:
        with target.open("x", encoding="utf-8", newline="\n") as stream:
            stream.write(draft)
    except FileExistsError:
        raise UserError(
            Text("exists and is not overwritten", "已存在，不会覆盖"),
            str(target),
            Text("choose another name with --output", "请用 --output 另选文件名"),
        ) from None
    except OSError as error:
        detail = error.strerror or ""
        raise UserError(Text(f"cannot be written: {detail}", f"无法写入：{detail}"), str(target)) from None
    left = placeholders(draft)
    click.echo(say(f"wrote {target}: {left} places to fill in", f"已写入 {target}：还有 {left} 处待填写"))
    click.echo(say(f"then run: touchstone check-system {target}", f"然后运行：touchstone check-system {target}"))


QUESTIONS: tuple[tuple[FieldPath, str, str], ...] = (
    (("system", "name"), "name of the system", "系统名称"),
    (("system", "version"), "version under test", "被测版本"),
    (("system", "supplier", "name"), "legal name of the supplier", "供方法定名称"),
    (("system", "intended_use"), "what it is for, for whom", "用途与适用对象"),
    (("system", "sector"), "sector", "行业"),
)


def _fact_questions() -> dict[str, FactQuestion]:
    """The vocabulary of the installed standard, as questions."""
    from touchstone.standard.catalog import load_standard
    from touchstone.system.drafting import FactQuestion

    questions: dict[str, FactQuestion] = {}
    for name, placed in load_standard().facts.items():
        values = ("true", "false") if placed.entry.values == "bool" else placed.entry.values
        questions[name] = FactQuestion(placed.entry.question.text, values)
    return questions


def _ask(values: Values) -> None:
    """Ask what no file can tell. An empty answer leaves the placeholder."""
    from touchstone.system.drafting import Known
    from touchstone.system.schema_problems import field_at

    click.echo(say("Leave empty what you do not know yet.", "暂不清楚的可留空。"), err=True)
    for path, en, zh in QUESTIONS:
        choices = field_at(path)[2].get("enum", [])
        prompt = say(en, zh) + (f" ({', '.join(choices)})" if choices else "")
        answer = click.prompt(
            prompt,
            default="",
            show_default=False,
            type=click.Choice([*choices, ""]) if choices else str,
            show_choices=False,
            err=True,
        )
        if answer:
            values[path] = Known(answer)
