"""`touchstone standard`: read the standard: its profiles, its controls with their limits, and how profiles differ."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from touchstone.cli.language import chosen, say

if TYPE_CHECKING:
    from rich.console import Console

    from touchstone.records import Limit, Profile
    from touchstone.standard.catalog import Standard
    from touchstone.standard.pack import BasisEntry, ControlEntry, LimitEntry

FORMAT = click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", help=say("output", "输出格式")
)


@click.group(name="standard", help=say("List, show and compare controls and profiles.", "查看与比较控制项和档案。"))
def command() -> None:
    """The group; its commands follow."""


@command.command("list", help=say("One line for each profile, or for each control.", "逐行列出档案或控制项。"))
@click.option("--profiles", "kind", flag_value="profiles", default="profiles", help=say("the profiles", "列出档案"))
@click.option("--controls", "kind", flag_value="controls", help=say("the controls", "列出控制项"))
@FORMAT
def list_standard(kind: str, form: str) -> None:
    """Print all profiles or all controls."""
    from touchstone.standard.catalog import load_standard

    standard = load_standard()
    rows = _profile_rows(standard) if kind == "profiles" else _control_rows(standard)
    if form == "json":
        _print_json(rows)
        return
    columns = {
        "id": say("id", "编号"),
        "title": say("title", "名称"),
        "level": say("level", "级别"),
        "controls": say("controls", "控制项数"),
        "severity": say("severity", "严重程度"),
        "gate": say("gate", "一票否决"),
        "checks": say("checks", "检查项"),
    }
    shown = [columns[name] for name in rows[0]]
    _print_table(_console(), shown, [[_cell(value) for value in row.values()] for row in rows])
    click.echo(say(f"{standard.name}, {len(rows)} entries", f"{standard.name}，共 {len(rows)} 项"))


@command.command("show", help=say("One profile or one control in full.", "完整显示一个档案或一个控制项。"))
@click.argument("name")
@FORMAT
def show(name: str, form: str) -> None:
    """Print a profile with its controls, or a control with its limits, their basis and its cross-references."""
    from touchstone.standard.catalog import load_standard

    standard = load_standard()
    if name in standard.profiles:
        profile = standard.profile(name)
        if form == "json":
            _print_json(profile.to_json())
        else:
            _show_profile(standard, profile)
        return
    control = standard.control(name)
    if form == "json":
        _print_json(control.model_dump(mode="json"))
    else:
        _show_control(standard, control)


@command.command("diff", help=say("How the second profile differs from the first.", "第二个档案与第一个档案的差异。"))
@click.argument("first")
@click.argument("second")
@FORMAT
def diff(first: str, second: str, form: str) -> None:
    """Print controls that came or went, and limits that changed."""
    from touchstone.standard.catalog import load_standard
    from touchstone.standard.difference import difference

    standard = load_standard()
    found = difference(standard.profile(first), standard.profile(second))
    if form == "json":
        _print_json(
            {
                "added": found.added,
                "removed": found.removed,
                "limits": [
                    {
                        "control": change.control,
                        "metric": change.metric,
                        "change": change.kind,
                        "before": change.before and change.before.to_json(),
                        "after": change.after and change.after.to_json(),
                    }
                    for change in found.limits
                ],
            }
        )
        return
    click.echo(say("controls added: ", "新增控制项：") + (", ".join(found.added) or "–"))
    click.echo(say("controls removed: ", "移除控制项：") + (", ".join(found.removed) or "–"))
    if found.limits:
        _print_table(
            _console(),
            [say("control", "控制项"), say("metric", "指标"), first, second],
            [[change.control, change.metric, _demand(change.before), _demand(change.after)] for change in found.limits],
        )
    else:
        click.echo(say("no limit changed", "限值无变化"))


def _profile_rows(standard: Standard) -> list[dict[str, Any]]:
    profiles = [standard.profile(profile) for profile in standard.profiles]
    return [
        {
            "id": profile.id,
            "title": profile.title.render(chosen()),
            "level": profile.level,
            "controls": len(profile.requirements),
        }
        for profile in profiles
    ]


def _control_rows(standard: Standard) -> list[dict[str, Any]]:
    controls = [placed.entry for placed in standard.controls.values()]
    return [
        {
            "id": control.id,
            "title": control.title.text.render(chosen()),
            "level": control.min_level,
            "severity": control.severity,
            "gate": control.gate,
            "checks": control.checks,
        }
        for control in sorted(controls, key=lambda control: control.id)
    ]


def _show_profile(standard: Standard, profile: Profile) -> None:
    language, entry = chosen(), standard.profiles[profile.id].entry
    click.echo(f"{profile.id}  {profile.title.render(language)}  ({say('edition', '版本')} {profile.edition})")
    click.echo(profile.scope.render(language))
    level = standard.catalog.levels[profile.level].text.render(language)
    click.echo(say("Level: ", "级别：") + f"{profile.level}  {level}")
    if profile.whole_profile:
        whole, outside = profile.whole_profile, len(profile.outside_scope)
        click.echo(
            say(
                f"Part of {whole}; {outside} of its controls are not in this profile",
                f"属于 {whole} 的一部分；其中 {outside} 项控制不在本档案内",
            )
        )
    if profile.assumed_facts:
        facts = ", ".join(f"{name} = {_cell(value)}" for name, value in profile.assumed_facts.items())
        click.echo(say("Assumed: ", "假定事实：") + facts)
    for question in entry.intake:
        click.echo(say("To be asked: ", "须询问：") + question.text.render(language))
    for dimension, values in entry.operating_domain.items():
        titles = [f"{name} ({standard.conditions[name].entry.title.text.render(language)})" for name in values]
        click.echo(say(f"Operating domain, {dimension}: ", f"运行域 {dimension}：") + ", ".join(titles))
    for aspect, value in entry.adversary.items():
        click.echo(say(f"Adversary, {aspect}: ", f"攻击者 {aspect}：") + _cell(value))
    click.echo()
    _print_table(
        _console(),
        [say("control", "控制项"), say("title", "名称"), say("required", "必需"), say("limits", "限值")],
        [
            [
                requirement.control,
                requirement.title.render(language),
                _cell(requirement.required),
                "\n".join(
                    [
                        *(f"{limit.metric} {_demand(limit)}" for limit in requirement.limits),
                        *(
                            say(f"left out: {metric} ({reason.en})", f"略去：{metric}（{reason.zh}）")
                            for metric, reason in requirement.left_out.items()
                        ),
                    ]
                ),
            ]
            for requirement in profile.requirements
        ],
    )
    click.echo(say("* pilot limit: our own starting value", "* 试点限值：本标准自拟的起始值"))


def _show_control(standard: Standard, control: ControlEntry) -> None:
    language, console = chosen(), _console()
    click.echo(f"{control.id}  {control.title.text.render(language)}")
    click.echo(control.what.text.render(language))
    head = standard.catalog.heads[control.head].text.render(language)
    documents = [standard.documents[kind].entry.text.render(language) for kind in control.documents]
    for title, value in (
        (say("Head", "类别"), f"{control.head} {head}"),
        (say("Severity", "严重程度"), control.severity),
        (say("Blocks a certificate", "一票否决"), _cell(control.gate)),
        (say("Mandatory from", "起始强制级别"), control.min_level),
        (say("Applies when", "适用条件"), control.applies_when),
        (say("Checks", "检查项"), ", ".join(control.checks) or "–"),
        (say("Documents", "文件"), ", ".join(documents) or "–"),
        (say("Shown without a limit", "仅展示不设限值"), ", ".join(control.report_only) or "–"),
    ):
        click.echo(say(f"{title}: ", f"{title}：") + value)
    click.echo()
    _print_table(
        console,
        [say("metric", "指标"), say("limit", "限值"), say("basis", "依据")],
        [[limit.metric, _demand(limit), _basis(standard, limit.basis)] for limit in control.limits],
    )
    click.echo()
    relations = {
        "eq": say("equivalent in our judgement", "本标准判断为等同"),
        "sub": say("narrower than it", "范围小于该条款"),
        "sup": say("broader than it", "范围大于该条款"),
        "int": say("overlaps; no statement of compliance", "有交集；不表示符合"),
    }
    _print_table(
        console,
        [say("document", "文件"), say("place", "位置"), say("relation", "关系"), say("confidence", "位置可信度")],
        [
            [standard.references[reference].entry.title.text.render(language), locator, relations[relation], confidence]
            for reference, locator, relation, confidence in control.cross_references
        ],
    )


def _demand(limit: Limit | LimitEntry | None) -> str:
    """`<= 0.3 share, upper bound, if data.personal *`; the star marks a pilot limit."""
    from touchstone.records import plain

    if limit is None:
        return "–"
    bounds = {"upper": say(", upper bound", "，上界"), "lower": say(", lower bound", "，下界")}
    condition = say(f", if {limit.applies_when}", f"，当 {limit.applies_when}") if limit.applies_when else ""
    fallback = say(f", instead of {limit.fallback_for}", f"，替代 {limit.fallback_for}") if limit.fallback_for else ""
    star = " *" if limit.basis.kind == "pilot" else ""
    return f"{limit.op} {plain(limit.value)} {limit.unit}{bounds.get(limit.bound, '')}{condition}{fallback}{star}"


def _basis(standard: Standard, basis: BasisEntry) -> str:
    kinds = {
        "law": say("law", "法律法规"),
        "standard": say("standard", "标准"),
        "guidance": say("guidance", "指南"),
        "literature": say("literature", "文献"),
        "pilot": say("pilot limit, our own starting value", "试点限值，本标准自拟的起始值"),
    }
    reference = standard.references[basis.ref].entry.title.text.render(chosen()) if basis.ref else None
    note = basis.note.text.render(chosen()) if basis.note else None
    return say("; ", "；").join(part for part in (kinds[basis.kind], reference, basis.at, note) if part)


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return say("yes", "是") if value else say("no", "否")
    if isinstance(value, dict):
        return ", ".join(f"{name} {_cell(part)}" for name, part in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_cell(part) for part in value) or "–"
    return str(value)


def _console() -> Console:
    """Packs may come from others: their brackets are text, not markup."""
    from rich.console import Console

    return Console(markup=False, highlight=False, emoji=False)


def _print_table(console: Console, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich.table import Table

    table = Table(box=None)
    for position, column in enumerate(columns):
        table.add_column(column, no_wrap=position == 0, overflow="fold")
    for row in rows:
        table.add_row(*row)
    console.print(table)


def _print_json(value: Any) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))
