"""`touchstone references`: train honest models that a suspect one can be compared with."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from touchstone.cli.language import say

if TYPE_CHECKING:
    from touchstone.training.references import Reference


@click.group("references", help=say("Honest models to compare a system with.", "用于比对的可信参考模型。"))
def command() -> None:
    """Groups the commands about references."""


@command.command(
    "train",
    help=say(
        "Train honest models of the architecture of SYSTEM on its own training data, or go on where an earlier run "
        "stopped. Test those data first: references learn a backdoor that is in them.",
        "以 SYSTEM 的结构在其自身训练数据上训练可信参考模型，或接续此前中断的训练。"
        "请先检验数据：数据中的后门会被参考模型一并学到。",
    ),
    epilog=say(
        "Exit codes: 0 there are enough references, 1 too few are accurate enough, 2 wrong input.",
        "退出码：0 参考模型数量足够；1 达到准确率要求的过少；2 输入有误。",
    ),
)
@click.argument("system", type=click.Path(path_type=Path))
@click.option(
    "--count",
    type=click.IntRange(19, 10_000),
    default=39,
    show_default=True,
    help=say("references; 19 can just give p = 0.05", "参考模型数；19 个恰可给出 p = 0.05"),
)
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help=say("folder to write", "输出目录"))
@click.option("--jobs", type=click.IntRange(1, 256), help=say("processes [all cores]", "并行进程数［默认全部核心］"))
@click.option(
    "--seed", type=click.IntRange(0, 2**31 - 1), default=1, show_default=True, help=say("of everything", "随机种子")
)
@click.option(
    "--tolerance",
    type=click.FloatRange(0, 1),
    default=0.03,
    show_default=True,
    help=say("how far a reference's accuracy may lie below the system's", "参考模型准确率可低于系统准确率的幅度"),
)
def train(system: Path, count: int, output: Path, jobs: int | None, seed: int, tolerance: float) -> int:
    """Say what it will cost, train, and say how many can be compared with."""
    from touchstone.methods.backdoor.conformal import least_references, smallest_p_value
    from touchstone.system.loading import description_file
    from touchstone.system.subject import open_system
    from touchstone.training.blueprint import blueprint_of
    from touchstone.training.references import planned, seconds_each, train_references

    description = description_file(system).absolute()
    blueprint = blueprint_of(open_system(description))
    specifications = planned(blueprint, count, seed)
    processes = jobs or os.cpu_count() or 1
    each = seconds_each(blueprint, specifications[0])
    minutes = each * count / processes / 60
    click.echo(
        say(
            f"{count} references on {len(blueprint.x)} rows: {each:.0f} s of a core each, about {minutes:.1f} minutes",
            f"以 {len(blueprint.x)} 行数据训练 {count} 个参考模型：单个约 {each:.0f} 秒，共约 {minutes:.1f} 分钟",
        )
    )

    def told(reference: Reference, done: int) -> None:
        click.echo(f"[{done}/{count}] {reference.accuracy:.3f} ({reference.seconds:.1f} s)")

    references = train_references(
        description, output, specifications, seed=seed, jobs=processes, told=told, tolerance=tolerance
    )
    usable = len(references)
    demanded = references.manifest.demanded_accuracy
    click.echo(
        say(
            f"{usable} of {count} reach an accuracy of {demanded:.3f}; smallest p-value {smallest_p_value(usable):.3f}",
            f"{count} 个中有 {usable} 个准确率达到 {demanded:.3f}；可给出的最小 p 值为 {smallest_p_value(usable):.3f}",
        )
    )
    if usable >= least_references():
        return 0
    click.echo(
        say(
            f"{least_references()} are needed to flag anything at 0.05. Raise --count, hand in more of the training "
            "data, or say with --tolerance what difference is acceptable.",
            f"要在 0.05 水平上作出判定至少需要 {least_references()} 个。请增大 --count、提交更多训练数据，"
            "或以 --tolerance 说明可接受的差距。",
        ),
        err=True,
    )
    return 1
