"""`touchstone replicate`: a second laboratory repeats the recorded tests and signs how the results compare."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from touchstone.cli.language import chosen, say
from touchstone.cli.signing import PASSPHRASE_FILE


@click.command(
    "replicate",
    help=say(
        "Run the plan recorded in FOLDER again on the same system and sign how the results compare.",
        "在同一系统上重新执行 FOLDER 中记录的计划，并签名说明结果是否一致。",
    ),
    epilog=say(
        "Exit codes: 0 every metric was reproduced, 1 at least one was not, 2 wrong input.",
        "退出码：0 全部指标得以复现；1 至少一项未能复现；2 输入有误。",
    ),
)
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--system",
    required=True,
    type=click.Path(path_type=Path),
    help=say("the system that was tested", "受测系统"),
)
@click.option(
    "--key",
    required=True,
    help=say("key of the second laboratory", "第二实验室的密钥"),
)
@PASSPHRASE_FILE
@click.option("--laboratory", default="unnamed laboratory", help=say("name of who signs", "签发者名称"))
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    help=say("file to write [replications/ in FOLDER]", "输出文件［默认为 FOLDER 中的 replications/］"),
)
@click.option(
    "--jobs", type=click.IntRange(1, 256), default=1, show_default=True, help=say("checks at a time", "并行数")
)
def command(
    folder: Path,
    system: Path,
    key: str,
    passphrase_file: Path | None,
    laboratory: str,
    output: Path | None,
    jobs: int,
) -> None:
    """Print one line for each metric; exit 1 when one was not reproduced."""
    from rich.console import Console

    from touchstone.cli.progress import Watch
    from touchstone.cli.signing import signing_key
    from touchstone.evidence.replication import AGREEMENTS
    from touchstone.laboratory.replicating import replicate
    from touchstone.system.subject import open_system

    console = Console(highlight=False)
    signing = signing_key(key, passphrase_file)
    with Watch(console, chosen()) as watch:
        done = replicate(
            folder, open_system(system), signing, laboratory=laboratory, output=output, jobs=jobs, watcher=watch
        )
    for result in done.replication.results:
        part = "" if result.slice is None else f" [{result.slice}]"
        agreement = AGREEMENTS[result.agreement].render(chosen())
        console.print(
            f"{result.check} {result.metric}{part}: {result.original} / {result.replicated}  {agreement}", markup=False
        )
    console.print(f"{AGREEMENTS[done.replication.agreement].render(chosen())}\n{done.file}", markup=False)
    sys.exit(1 if done.replication.agreement == "not-reproduced" else 0)
