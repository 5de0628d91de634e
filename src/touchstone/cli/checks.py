"""`touchstone checks`: which automated checks there are, what each measures and what it cannot tell."""

from __future__ import annotations

import json
import re

import click

from touchstone.cli.language import chosen, say


@click.group(name="checks", help=say("List and show the automated checks.", "查看自动化检查项。"))
def command() -> None:
    """The group; its commands follow."""


FORMAT = click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", help=say("output", "输出格式")
)


@command.command("list", help=say("One line for each installed check.", "逐行列出已安装的检查项。"))
@FORMAT
def list_checks(form: str) -> None:
    """Print all installed checks."""
    from touchstone.checks.cards import card_of
    from touchstone.checks.registry import installed_checks

    cards = [card_of(check) for check in installed_checks().values()]
    if form == "json":
        click.echo(json.dumps([card.to_json() for card in cards], ensure_ascii=False, indent=2))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(
        say("check", "检查项"), say("version", "版本"), say("title", "名称"), say("metrics", "指标"), box=None
    )
    for card in cards:
        table.add_row(card.id, card.version, card.title.render(chosen()), ", ".join(card.metrics))
    Console().print(table)


@command.command("show", help=say("Everything one check says about itself.", "显示一项检查的全部说明。"))
@click.argument("check_id")
@FORMAT
def show(check_id: str, form: str) -> None:
    """Print one check's card."""
    from touchstone.checks.cards import card_of
    from touchstone.checks.registry import installed_check

    check = installed_check(check_id)
    card = card_of(check)
    if form == "json":
        click.echo(json.dumps(card.to_json(), ensure_ascii=False, indent=2))
        return
    language = chosen()
    click.echo(f"{card.id}  {card.title.render(language)}  ({say('version', '版本')} {card.version})\n")
    for title, text in (
        (say("Measures", "测量内容"), card.measures),
        (say("Cannot tell", "不能说明"), card.cannot_tell),
        (say("Remedy", "改进建议"), card.remedy),
    ):
        click.echo(f"{title}\n  {text.render(language)}\n")
    click.echo(say("Threats: ", "对应威胁：") + ", ".join(card.threats))
    click.echo(say("Source: ", "方法来源：") + card.source)
    click.echo(say("\nMetrics", "\n指标"))
    for metric in check.metrics:
        click.echo(f"  {metric.id}  [{metric.unit}, {metric.better}]  {metric.title.render(language)}")
    click.echo(say("\nParameters", "\n参数"))
    for name, field in check.parameters.model_fields.items():
        click.echo(f"  {name} = {field.default!r}  {field.description or ''}")


@command.command(
    "affected",
    help=say(
        "The checks and controls that a change of some parts of a system puts in question.",
        "列出系统某些部分变更后受影响的检查项与控制项。",
    ),
    epilog=say(
        "Parts: model, data.test, data.train, data.reference, data.outside, components, deployment, training,"
        " registers.KIND, documents, declaration.",
        "部分：model、data.test、data.train、data.reference、data.outside、components、deployment、training、"
        "registers.种类、documents、declaration。",
    ),
)
@click.argument("parts", nargs=-1, required=True, metavar="PART...")
@click.option("--profile", help=say("profile whose controls are listed", "列出其控制项的档案"))
@FORMAT
def affected(parts: tuple[str, ...], profile: str | None, form: str) -> None:
    """Print what has to be run again before PARTs go into service."""
    from touchstone.assessment.impact import impact_of
    from touchstone.checks.dependence import affected as affected_checks
    from touchstone.checks.registry import installed_checks
    from touchstone.standard.catalog import load_standard
    from touchstone.system.parts import PATTERN
    from touchstone.system.registers.kinds import REGISTERS

    kinds = {f"registers.{kind}" for kind in REGISTERS}
    for part in parts:
        if not re.fullmatch(PATTERN, part) or (part.startswith("registers.") and part not in kinds):
            raise click.UsageError(say(f"{part} is no part of a system", f"{part} 不是系统的组成部分"))
    installed = installed_checks()
    found = {"checks": sorted(affected_checks(parts, installed.values()))}
    if profile is not None:
        found["controls"] = list(impact_of(parts, load_standard().profile(profile), installed))
    if form == "json":
        click.echo(json.dumps(found, indent=2))
        return
    for name in (*found["checks"], *found.get("controls", ())):
        click.echo(name)
