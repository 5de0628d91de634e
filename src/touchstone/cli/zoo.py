"""`touchstone zoo`: build the small models, honest and backdoored, that detectors are developed and measured on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from touchstone.cli.language import say

if TYPE_CHECKING:
    from touchstone.zoo.collection import Record


@click.group("zoo", help=say("Models that detectors are measured on.", "用于度量检测方法的模型库。"))
def command() -> None:
    """Groups the zoo commands."""


@command.command(
    "build",
    help=say(
        "Train small picture classifiers into FOLDER, honest and backdoored, or go on where an earlier build stopped.",
        "在 FOLDER 中训练小型图像分类器（可信的与植入后门的），或接续此前中断的构建。",
    ),
    epilog=say(
        "Every model follows from the seed. One takes 5 to 10 seconds of one core.",
        "每个模型均由随机种子决定；单核训练一个约需 5 至 10 秒。",
    ),
)
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--tasks", metavar="NAME,NAME", help=say("only these tasks [all]", "仅限这些任务［默认全部］"))
@click.option(
    "--models",
    type=click.IntRange(1, 5000),
    default=720,
    show_default=True,
    help=say("about so many in all; a larger zoo contains the smaller one", "模型总数约数；较大的库包含较小的库"),
)
@click.option(
    "--jobs", type=click.IntRange(1, 256), default=2, show_default=True, help=say("models at a time", "并行数")
)
@click.option(
    "--seed", type=click.IntRange(0, 2**31 - 1), default=1, show_default=True, help=say("of everything", "随机种子")
)
def build(folder: Path, tasks: str | None, models: int, jobs: int, seed: int) -> None:
    """Print one line for each model, and at the end how many count."""
    from touchstone.system.models.torch import require_torch

    require_torch("zoo")
    from touchstone.zoo.building import build as build_zoo

    chosen = _tasks(tasks)
    manifest = build_zoo(folder, seed=seed, tasks=chosen, models=models, jobs=jobs, told=_tell)
    usable = [entry.record for entry in manifest.models if entry.state == "usable"]
    honest = sum(record.specification.attack is None for record in usable)
    others = len(manifest.models) - len(usable)
    click.echo(
        say(
            f"{honest} honest models, {len(usable) - honest} whose attack took, {others} that do not count",
            f"可信模型 {honest} 个，攻击生效 {len(usable) - honest} 个，不计入 {others} 个",
        )
    )


def _tasks(names: str | None) -> list[str]:
    from touchstone.zoo.tasks import TASKS

    chosen = list(TASKS) if names is None else names.split(",")
    unknown = [name for name in chosen if name not in TASKS]
    if unknown:
        told = ", ".join(TASKS)
        raise click.BadParameter(
            say(f"no task {unknown[0]!r}; there are {told}", f"无任务 {unknown[0]!r}；可选：{told}")
        )
    return chosen


def _tell(record: Record, done: int, planned: int) -> None:
    specification = record.specification
    success = "" if record.success is None else f", {specification.attack} {record.success:.2f}"
    click.echo(f"[{done}/{planned}] {record.name}: {record.accuracy:.3f}{success} ({record.seconds:.1f} s)")
