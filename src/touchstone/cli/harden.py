"""`touchstone harden`: make a hardened system, and a report of what that gained and cost."""

from __future__ import annotations

import time
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import click

from touchstone.cli.language import chosen, say

if TYPE_CHECKING:
    from touchstone.hardening.harden import Stage
    from touchstone.methods.attacks.threat_model import Norm
    from touchstone.methods.robust_training.fine_tuning import Epoch
    from touchstone.records import Budget


def _share(_context: click.Context, _option: click.Parameter, value: str | None) -> Fraction | None:
    """A positive number, as a decimal or a fraction."""
    if value is None:
        return None
    try:
        found = Fraction(value)
    except (ValueError, ZeroDivisionError):
        found = Fraction(0)
    if found <= 0:
        raise click.BadParameter(
            say(f"{value!r} is not a positive number such as 4/255 or 0.1", f"{value!r} 不是正数（如 4/255 或 0.1）")
        )
    return found


@click.command(
    name="harden",
    help=say(
        "Make a hardened system of SYSTEM (a system.yaml or its folder), and compare both under the same attacks.",
        "由 SYSTEM（system.yaml 或其所在目录）生成加固后的系统，并在相同攻击下比较二者。",
    ),
    epilog=say(
        "Exit codes: 0 made and compared, even if nothing was gained (the report says so), 2 wrong input.",
        "退出码：0 已生成并比较（即使没有提升，报告会说明）；2 输入有误。",
    ),
)
@click.argument("system", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help=say("folder of the new system; must be empty or absent", "新系统的目录；须为空或不存在"),
)
@click.option(
    "--recipe",
    type=click.Choice(["adversarial-training", "smoothing"]),
    default="adversarial-training",
    show_default=True,
    help=say("train on attacked samples, or answer by majority under noise", "以受攻击样本训练，或在噪声下多数表决"),
)
@click.option(
    "--norm",
    type=click.Choice(["linf", "l2", "l1"]),
    help=say("how changes are measured; linf, for smoothing l2", "改动的度量；默认 linf，平滑为 l2"),
)
@click.option(
    "--eps",
    callback=_share,
    help=say(
        "radius as a share of the legal range (tables: of the interquartile range); 4/255, l2 1/2, tables 1/20",
        "半径，占合法取值范围的比例（表格为四分位距）；默认 4/255，l2 为 1/2，表格为 1/20",
    ),
)
@click.option("--epochs", type=click.IntRange(1, 1000), help=say("most epochs of training", "最多训练轮数"))
@click.option(
    "--budget",
    type=click.Choice(["quick", "standard", "full"]),
    default="quick",
    show_default=True,
    help=say("how long to train and attack", "训练与攻击的投入"),
)
@click.option("--seed", type=click.IntRange(0, 2**53 - 1), default=0, show_default=True, help=say("seed", "随机种子"))
@click.option(
    "--sigma",
    callback=_share,
    help=say(
        "smoothing: noise, as a share of the legal range; the radius", "平滑：噪声标准差占取值范围的比例；默认等于半径"
    ),
)
@click.option(
    "--samples",
    type=click.IntRange(1, 100_000),
    default=64,
    show_default=True,
    help=say("smoothing: noisy copies asked per answer", "平滑：每次回答查询的加噪副本数"),
)
@click.option(
    "--fine-tuning/--no-fine-tuning",
    default=True,
    show_default=True,
    help=say("smoothing: train under noise first", "平滑：是否先在噪声下训练"),
)
def command(
    system: Path,
    output: Path,
    recipe: str,
    norm: Norm | None,
    eps: Fraction | None,
    epochs: int | None,
    budget: Budget,
    seed: int,
    sigma: Fraction | None,
    samples: int,
    fine_tuning: bool,
) -> None:
    """Harden, compare, print what a reader should know."""
    from touchstone.api import open_system
    from touchstone.hardening.harden import harden
    from touchstone.hardening.instructions import EPOCHS, RADII, TABLE_RADIUS, Instructions, Recipe

    subject = open_system(system)
    way = norm or ("l2" if recipe == "smoothing" else "linf")
    table = subject.description.model.input.kind == "tabular"
    wanted = Instructions(
        recipe=Recipe(recipe),
        norm=way,
        eps=eps or (TABLE_RADIUS if table else RADII[way]),
        epochs=epochs or EPOCHS[budget],
        budget=budget,
        seed=seed,
        sigma=sigma,
        votes=samples,
        fine_tuning=fine_tuning,
    )
    hardened = harden(subject, wanted, output, _Progress())
    for text in hardened.report.conclusions:
        click.echo(text.render(chosen()))
    for name in ("system.yaml", "hardening.json", "hardening.en.html", "hardening.zh.html"):
        click.echo(str(output / name))


class _Progress:
    """One line for each stage and epoch, with the time that is left at this speed."""

    def __init__(self) -> None:
        self._began = time.perf_counter()

    def stage(self, stage: Stage) -> None:
        words = {
            "before": say("attacking the system as it is", "攻击原系统"),
            "training": say("training", "训练"),
            "after": say("attacking the new system", "攻击新系统"),
            "proof": say("proving what can be proven", "证明可证明的内容"),
        }
        self._began = time.perf_counter()
        click.echo(f"{words[stage]} …", err=True)

    def epoch(self, epoch: Epoch, most: int) -> None:
        spent = time.perf_counter() - self._began
        left = spent / epoch.number * (most - epoch.number) if epoch.number else 0.0
        robust, clean = epoch.score.robust, epoch.score.clean
        line = say(
            f"  epoch {epoch.number}/{most}: held-out right {clean}, disturbed {robust}; {left:.0f} s left at most",
            f"  第 {epoch.number}/{most} 轮：留出样本正确 {clean}，扰动下正确 {robust}；至多剩余 {left:.0f} 秒",
        )
        if epoch.number:
            click.echo(line, err=True)
