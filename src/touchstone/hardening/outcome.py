"""What hardening gained and cost, as a record anyone can check, and the sentences that say it."""

from __future__ import annotations

import math
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

from touchstone.records import Number, Record
from touchstone.statistics import difference_bounds, proportion_bounds
from touchstone.text import Text


class Share(Record):
    """A share of samples, with one-sided 95 % Clopper-Pearson bounds."""

    count: int
    n: int
    low: Number
    high: Number

    @classmethod
    def of(cls, hits: NDArray[np.bool_]) -> Self:
        """The share of the samples `(n,)` that are true."""
        low, high = proportion_bounds(int(hits.sum()), len(hits))
        return cls(count=int(hits.sum()), n=len(hits), low=low, high=high)


class Change(Record):
    """One share before and after, on the same samples."""

    before: Share
    after: Share
    gained: int
    """Samples that are right after and were not before."""
    lost: int
    low: Number
    """One-sided 95 % bounds of the difference, from Clopper-Pearson bounds of gains and losses at half the error."""
    high: Number
    p_value: Number
    """Two-sided exact McNemar test: gains and losses are equally likely."""

    @classmethod
    def between(cls, before: NDArray[np.bool_], after: NDArray[np.bool_]) -> Self:
        """Compare the same samples `(n,)` before and after."""
        gained, lost, n = int((after & ~before).sum()), int((before & ~after).sum()), len(before)
        low, high = difference_bounds(gained, n, lost, n)  # half the error each: they need not be independent
        return cls(
            before=Share.of(before),
            after=Share.of(after),
            gained=gained,
            lost=lost,
            low=low,
            high=high,
            p_value=mcnemar(gained, lost),
        )

    @property
    def direction(self) -> Literal["up", "down", "open"]:
        """What the bounds allow to say."""
        return "up" if self.low > 0 else "down" if self.high < 0 else "open"


class TrainingEpoch(Record):
    """One epoch; the shares are those of the samples that were held out of the training data."""

    number: int
    robust: int
    clean: int


class TrainingCourse(Record):
    """How the weights were trained."""

    samples: int
    held_out: int
    epochs: tuple[TrainingEpoch, ...]
    kept: int
    """The epoch whose weights were kept; 0: those that were given."""


class Proof(Record):
    """What is proven of the first samples. Of smoothing, it is about the smoothed model with unlimited votes."""

    method: Literal["crown", "smoothing"]
    before: Share
    after: Share


class Effort(Record):
    """What an answer costs. Seconds are of one machine and moment."""

    passes: int
    seconds: Number


class Hardening(Record):
    """The whole comparison."""

    format: Literal["touchstone.hardening/v1"] = "touchstone.hardening/v1"
    before: str
    """Digest of the system that came in."""
    after: str
    """Digest of the system that came out."""
    recipe: str
    seed: int
    parameters: dict[str, str]
    norm: str
    radius: Number
    """Largest move, in the units of the inputs."""
    available: int
    """Test samples there are; those below were drawn among them."""
    clean: Change
    robust: Change
    attacks_before: tuple[str, ...]
    attacks_after: tuple[str, ...]
    knowledge: str
    training: TrainingCourse | None
    proof: Proof | None
    effort_before: Effort
    effort_after: Effort

    @property
    def conclusions(self) -> tuple[Text, ...]:
        """What a reader should know, the bad news included."""
        said = [_robustness(self.robust), _accuracy(self.clean)]
        if self.training is not None and self.training.kept == 0:
            said.append(
                Text(
                    "No epoch beat the weights that were given on the held-out samples, so they were kept.",
                    "在留出样本上没有任何一轮训练优于原有权重，因此保留原权重。",
                )
            )
        if self.effort_after.passes > self.effort_before.passes:
            said.append(
                Text(
                    f"Every answer now runs the model {self.effort_after.passes} times.",
                    f"现在每次回答需运行模型 {self.effort_after.passes} 次。",
                )
            )
        if self.knowledge == "black box":
            said.append(
                Text(
                    "The model gives no gradients: the attacks knew its answers only; other attackers may know more.",
                    "模型不提供梯度：攻击只知道其回答，更强的攻击者可能知道更多。",
                )
            )
        return tuple(said)


def mcnemar(gained: int, lost: int) -> float:
    """Exact two-sided p-value of McNemar's test (1947, Psychometrika 12:153)."""
    from scipy.stats import binomtest

    return float(binomtest(gained, gained + lost).pvalue) if gained + lost else 1.0


def percent(share: Share) -> str:
    """A share for people."""
    return f"{share.count / share.n:.1%}" if share.n else "–"


def _difference(change: Change) -> str:
    low, high = (math.copysign(abs(float(bound)), float(bound)) * 100 for bound in (change.low, change.high))
    return f"{low:+.1f} … {high:+.1f}"


def _robustness(change: Change) -> Text:
    figures = f"{percent(change.before)} → {percent(change.after)}"
    bounds = _difference(change)
    if change.direction == "up":
        return Text(
            f"More samples withstand the attacks: {figures} (difference in points, 95 % bounds: {bounds}).",
            f"经受住攻击的样本增多：{figures}（差值的 95% 界，百分点：{bounds}）。",
        )
    if change.direction == "down":
        return Text(
            f"Fewer samples withstand the attacks than before: {figures} ({bounds} points). Do not use the result.",
            f"经受住攻击的样本反而减少：{figures}（{bounds} 百分点）。请勿采用该结果。",
        )
    return Text(
        f"No gain in robustness is shown: {figures} ({bounds} points includes zero).",
        f"未显示鲁棒性有提升：{figures}（{bounds} 百分点，区间含零）。",
    )


def _accuracy(change: Change) -> Text:
    figures = f"{percent(change.before)} → {percent(change.after)}"
    bounds = _difference(change)
    if change.direction == "down":
        return Text(
            f"It was paid for with accuracy on clean samples: {figures} ({bounds} points).",
            f"代价是干净样本上的准确率下降：{figures}（{bounds} 百分点）。",
        )
    if change.after.count < change.before.count:
        return Text(
            f"Accuracy on clean samples fell in this sample: {figures}; a loss of up to {-float(change.low):.1%} "
            "cannot be ruled out.",
            f"本样本中干净样本的准确率有所下降：{figures}；不能排除多达 {-float(change.low):.1%} 的损失。",
        )
    return Text(
        f"Accuracy on clean samples did not fall in this sample: {figures}; a loss of up to "
        f"{max(-float(change.low), 0.0):.1%} cannot be ruled out.",
        f"本样本中干净样本的准确率没有下降：{figures}；不能排除多达 {max(-float(change.low), 0.0):.1%} 的损失。",
    )
