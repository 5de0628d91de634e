"""`touchstone report`: render the reports of a bundle again."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from touchstone.cli.language import say


@click.command(
    name="report",
    help=say(
        "Render HTML (English and Chinese), JSON and JUnit reports from BUNDLE into a folder.",
        "由 BUNDLE 生成 HTML（中英文）、JSON 与 JUnit 报告。",
    ),
)
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option("--output", type=click.Path(path_type=Path), default=Path(), help=say("folder to write to", "输出目录"))
@click.option("--profile", help=say("judge against this profile instead", "改按此档案判定"))
def command(bundle: Path, output: Path, profile: str | None) -> None:
    """Write the reports and print their paths."""
    from touchstone.laboratory.rejudging import find_bundle, judge_again
    from touchstone.laboratory.reporting import material_of, write_reports
    from touchstone.standard.catalog import load_standard

    found = find_bundle(bundle)
    judged = None if profile is None else judge_again(found, load_standard().profile(profile))
    issued = datetime.now(UTC).isoformat(timespec="seconds")
    for path in write_reports(output, material_of(found, issued, judged=judged)):
        click.echo(path)
