"""Writes the reference files that are generated from the code: `python docs/generate_reference.py`.

A test fails when a generated file is not what the code says today.
"""

from __future__ import annotations

import inspect
import json
from functools import partial
from pathlib import Path

import click

from touchstone import api
from touchstone.checks.declaration import Check
from touchstone.checks.registry import installed_checks
from touchstone.cli import COMMANDS, touchstone
from touchstone.evidence.certificate import Certificate, Refusal
from touchstone.evidence.layout import LaterStatement, StatementName
from touchstone.evidence.recognition import Recognition
from touchstone.evidence.replication import Replication
from touchstone.evidence.statement import AssessmentPredicate, PlanPredicate
from touchstone.evidence.status import StatusChange, StatusList
from touchstone.records import Requirement
from touchstone.scan import ScanOptions, scan
from touchstone.scan.findings import Rule
from touchstone.scan.output.json_schema import json_schema
from touchstone.scan.rules import all_rules
from touchstone.standard.catalog import load_standard
from touchstone.system.description import SystemDescription
from touchstone.system.meanings import MEANINGS
from touchstone.system.registers.kinds import REGISTERS

REFERENCE = Path(__file__).parent / "reference"


def system_schema() -> str:
    """JSON Schema of `system.yaml`, each field also described in Chinese (`x-description-zh`)."""
    schema = SystemDescription.model_json_schema()
    models = {SystemDescription.__name__: schema, **schema["$defs"]}
    for name, meaning in MEANINGS.items():
        model, _, field = name.partition(".")
        node = models[model]["properties"][field] if field else models[model]
        node.setdefault("description", meaning.en)
        node["x-description-zh"] = meaning.zh
    whole = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
    return json.dumps(whole, ensure_ascii=False, indent=2) + "\n"


def registers_schema() -> str:
    """JSON Schema of one entry of every register, by the name it has under `registers:`."""
    kinds = {
        name: {
            "title": kind.about.en,
            "x-title-zh": kind.about.zh,
            "x-form": "one mapping" if kind.single else "a list of entries",
            **kind.model_json_schema(by_alias=True),
        }
        for name, kind in sorted(REGISTERS.items())
    }
    whole = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$defs": kinds}
    return json.dumps(whole, ensure_ascii=False, indent=2) + "\n"


PREDICATES = {
    StatementName.PLAN: PlanPredicate,
    StatementName.ASSESSMENT: AssessmentPredicate,
    StatementName.CERTIFICATE: Certificate,
    StatementName.REFUSAL: Refusal,
    LaterStatement.STATUS: StatusChange,
    LaterStatement.STATUS_LIST: StatusList,
    LaterStatement.RECOGNITION: Recognition,
    LaterStatement.REPLICATION: Replication,
}


def predicate_schema(name: StatementName | LaterStatement) -> str:
    """JSON Schema of what a signed statement of this kind says: the `predicate` of its in-toto Statement."""
    schema = PREDICATES[name].model_json_schema(by_alias=True, mode="serialization")
    whole = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": name.predicate_type, **schema}
    return json.dumps(whole, ensure_ascii=False, indent=2) + "\n"


def commands() -> str:
    """Every command with its help, as the command line prints it."""
    pages = ["# Commands", "Generated from the command line itself.", _help(touchstone, "touchstone")]
    for name in COMMANDS:
        command = touchstone.get_command(click.Context(touchstone), name)
        assert command is not None
        pages.append(_help(command, f"touchstone {name}"))
        if isinstance(command, click.Group):
            pages += [_help(inner, f"touchstone {name} {sub}") for sub, inner in sorted(command.commands.items())]
    return "\n\n".join(pages) + "\n"


def _help(command: click.Command, name: str) -> str:
    level = "##" if name.count(" ") < 2 else "###"
    text = command.get_help(click.Context(command, info_name=name, terminal_width=100))
    return f"{level} `{name}`\n\n```text\n{text}\n```"


def checks() -> str:
    """Every installed check with what it says about itself, in both languages."""
    return (
        "# Checks\n\nGenerated from the declarations.\n\n"
        + "\n\n".join(map(_check, installed_checks().values()))
        + "\n"
    )


def _check(check: Check) -> str:
    lines = [
        f"## `{check.id}` {check.title.en} {check.title.zh}",
        f"{check.measures.en}\n\n{check.measures.zh}",
        f"**What it cannot tell.** {check.cannot_tell.en}\n\n**不能说明。** {check.cannot_tell.zh}",
        f"**Remedy.** {check.remedy.en}\n\n**改进建议。** {check.remedy.zh}",
        f"Threats: {', '.join(check.threats) or 'none'}. Source: {check.source}. Version {check.version}.",
        "| metric | unit | better | |\n|---|---|---|---|\n"
        + "\n".join(
            f"| `{metric.id}` | {metric.unit} | {metric.better} | {metric.title.en} {metric.title.zh} |"
            for metric in check.metrics
        ),
    ]
    parameters = check.parameters.model_fields.items()
    if parameters:
        rows = (f"| `{name}` | `{field.default!r}` | {field.description or ''} |" for name, field in parameters)
        lines.append("| parameter | default | |\n|---|---|---|\n" + "\n".join(rows))
    return "\n\n".join(lines)


def controls() -> str:
    """Every control with its limits and their bases, and every profile."""
    standard = load_standard()
    whole = standard.profile("baseline")
    heads = whole.heads
    profiles = [standard.profile(name) for name in standard.profiles]
    lines = ["# Controls and profiles", f"Generated from `{standard.name}`.", "## Profiles"]
    lines.append(
        "| profile | | level | controls |\n|---|---|---|---|\n"
        + "\n".join(
            f"| `{each.id}` | {each.title.en} {each.title.zh} | {each.level} | {len(each.requirements)} |"
            for each in profiles
        )
    )
    known = {requirement.control: requirement for profile in reversed(profiles) for requirement in profile.requirements}
    for head, title in heads.items():
        lines.append(f"## {head} {title.en} {title.zh}")
        lines += [_control(known[name]) for name in sorted(known) if known[name].head == head]
    return "\n\n".join(lines) + "\n"


def _control(requirement: Requirement) -> str:
    checked = ", ".join(f"`{check}`" for check in requirement.checks) or "no test: attested with documents"
    lines = [
        f"### {requirement.control} {requirement.title.en} {requirement.title.zh}",
        f"{requirement.what.en}\n\n{requirement.what.zh}",
        f"Severity {requirement.severity}; "
        f"{'blocks' if requirement.gate else 'does not block'} a certificate on its own; "
        f"from {requirement.min_level}; applies when `{requirement.applies_when}`; checks: {checked}.",
    ]
    if requirement.limits:
        rows = (
            f"| `{each.metric}` | {each.op} {each.value} | {each.bound} | {each.basis.kind} {each.basis.ref or ''} |"
            for each in requirement.limits
        )
        lines.append("| metric | limit | bound | basis |\n|---|---|---|---|\n" + "\n".join(rows))
    return "\n\n".join(lines)


def scan_schema() -> str:
    """JSON Schema of what `touchstone scan --format json` writes."""
    return json.dumps(json_schema(), ensure_ascii=False, indent=2) + "\n"


def scan_rules() -> str:
    """Every rule of the scan, by format, with what to do about it in both languages."""
    by_format: dict[str, list[Rule]] = {}
    for rule in all_rules().values():
        by_format.setdefault(rule.id.partition("/")[0], []).append(rule)
    lines = [
        "# Rules of the scan",
        "Generated from the readers. `threat`: does or may do harm. `unreviewed`: names something nobody reviewed. "
        "`information`: worth knowing, and never a reason to refuse a file.",
    ]
    for name, rules in sorted(by_format.items()):
        lines.append(f"## {name}")
        lines += map(_rule, rules)
    return "\n\n".join(lines) + "\n"


def _rule(rule: Rule) -> str:
    references = f" {', '.join(rule.references)}." if rule.references else ""
    return (
        f"### `{rule.id}`\n\n{rule.title.en} {rule.title.zh}\n\n"
        f"Severity {rule.severity}, {rule.nature}.{references}\n\n→ {rule.remedy.en} {rule.remedy.zh}"
    )


def python() -> str:
    """The public face: signatures and docstrings."""
    faces = {
        "touchstone": (api.open_system, api.announce, api.assess, api.verify),
        "touchstone.scan": (scan, ScanOptions),
    }
    parts = [
        f"## `{module}.{face.__name__}`\n\n```python\n{face.__name__}{inspect.signature(face)}\n```\n\n"
        f"{inspect.getdoc(face)}"
        for module, members in faces.items()
        for face in members
    ]
    return "# Python\n\nGenerated from the docstrings.\n\n" + "\n\n".join(parts) + "\n"


GENERATED = {
    "system.schema.json": system_schema,
    "registers.schema.json": registers_schema,
    "commands.md": commands,
    "checks.md": checks,
    "controls.md": controls,
    "scan-rules.md": scan_rules,
    "scan.schema.json": scan_schema,
    "python.md": python,
    **{f"predicates/{name}.schema.json": partial(predicate_schema, name) for name in PREDICATES},
}


def main() -> None:
    """Write every generated file."""
    (REFERENCE / "predicates").mkdir(parents=True, exist_ok=True)
    for name, content in GENERATED.items():
        (REFERENCE / name).write_text(content(), encoding="utf-8")


if __name__ == "__main__":
    main()
