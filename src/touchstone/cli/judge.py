"""`touchstone judge`: the findings that follow from recorded evidence, against any profile, without testing."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from pathlib import Path

import click

from touchstone.cli.language import chosen, say


@click.command(
    name="judge",
    help=say(
        "Judge the observations in BUNDLE again, against the recorded profile or another one. Runs no test.",
        "对 BUNDLE 中的观测记录按原档案或其他档案重新判定，不执行任何测试。",
    ),
)
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option("--profile", help=say("profile to judge against [the recorded one]", "所依据的档案［默认为原档案］"))
@click.option(
    "--on",
    type=click.DateTime(["%Y-%m-%d"]),
    help=say("day on which reviews of documents must stand [the recorded one]", "文件评审须有效的日期［默认为原日期］"),
)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help=say("output", "输出格式"))
def command(bundle: Path, profile: str | None, on: datetime | None, form: str) -> None:
    """Print the verdicts; exit 0 when all required controls pass, else 1."""
    from touchstone.laboratory.rejudging import find_bundle, judge_again
    from touchstone.standard.catalog import load_standard

    against = None if profile is None else load_standard().profile(profile)
    found = find_bundle(bundle)
    judged_against, assessment = judge_again(found, against, on=None if on is None else on.date())
    if form == "json":
        click.echo(json.dumps(assessment.to_json(), ensure_ascii=False, indent=2))
    else:
        from rich.console import Console

        from touchstone.cli.progress import show_reach, show_verdicts
        from touchstone.laboratory.recording import read_recorded

        console, recorded = Console(highlight=False), read_recorded(found)
        show_verdicts(console, assessment, judged_against, recorded.cards, chosen())
        show_reach(console, recorded.circumstances, recorded.executions.values(), chosen())
    sys.exit(0 if assessment.verdict == "pass" else 1)
