"""Inputs on which a model is so nearly undecided that the smallest change of its weights changes an answer.

A canary lies on the way between two inputs of one's own with different answers, a little on one side of the boundary:
far enough that rounding to a shorter number format does not turn the answer, no farther. Asked from time to time, in
random selections, they tell from labels alone whether a model behind an endpoint is still the one that was tested.
Ordinary inputs do not: tampering that keeps accuracy changes hardly any of their answers.

Points on the boundary of a classifier as its fingerprint: Cao, Jia and Gong 2021 (IPGuard), Le Merrer, Pérez and
Trédan 2020 ("Adversarial frontier stitching"); sensitive samples against tampering in the cloud: He, Zhang and Lee
2019 ("Sensitive-Sample Fingerprinting").
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from touchstone.methods.attacks.threat_model import Classes, Labels, Samples

Margins = Callable[[Samples, Classes], NDArray[np.float64]]
"""How far the scores of the given classes `(n,)` lie above those of the best other class, shape `(n,)`."""

HALVINGS: Final = 22
"""Steps of a bisection: below them float32 no longer tells points of the way apart."""
LINES_PER_CANARY: Final = 32
"""Ways looked at for each canary: most are lost to rounding, and the rest must spread over the pairs of classes."""
UNMEASURED_STEP: Final = 2.0**-9
"""How far a canary lies from the boundary where no score says how sure the model is, as a share of the way to it."""


@dataclass(frozen=True, slots=True)
class BoundaryLines:
    """Ways from inputs towards others of another answer, and where on them the answer first seen to change changes."""

    start: Samples
    end: Samples
    share: NDArray[np.float64]
    """The share of the way at which the answer still is that at the start."""
    label: Classes
    """The answer at the start."""
    other: Classes
    """The answer beyond the boundary."""

    def at(self, share: NDArray[np.float64]) -> Samples:
        """The points at these shares of the ways."""
        spread = share.reshape(-1, *[1] * (self.start.ndim - 1))
        return np.asarray(self.start + spread * (self.end.astype(np.float64) - self.start), dtype=np.float32)

    def __len__(self) -> int:
        return len(self.share)


def boundary_lines(labels: Labels, own: Samples, count: int, generator: np.random.Generator) -> BoundaryLines:
    """At most `count` ways between one's `own` inputs, spread evenly over ordered pairs of answers.

    Costs one question for each of the inputs and 23 for each way. Without two different answers there are none.
    """
    answers = labels(own)
    start, end = _pairs(answers, count, generator)
    lines = BoundaryLines(own[start], own[end], np.zeros(len(start)), answers[start], answers[end].copy())
    low, high, other = np.zeros(len(start)), np.ones(len(start)), answers[end].copy()
    for _ in range(HALVINGS if len(start) else 0):
        middle = (low + high) / 2
        answered = labels(lines.at(middle))
        alike = answered == lines.label
        low, high = np.where(alike, middle, low), np.where(alike, high, middle)
        other = np.where(alike, other, answered)
    return BoundaryLines(lines.start, lines.end, low, lines.label, other)


def _pairs(answers: Classes, count: int, generator: np.random.Generator) -> tuple[Classes, Classes]:
    """Rows to start from and to go to, the ordered pairs of different answers in turn."""
    rows = {int(label): np.flatnonzero(answers == label) for label in np.unique(answers)}
    pairs = [(one, other) for one in rows for other in rows if one != other]
    if not pairs:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    order = generator.permutation(len(pairs))
    drawn = [pairs[order[turn % len(pairs)]] for turn in range(count)]
    start = np.array([generator.choice(rows[one]) for one, _ in drawn], dtype=np.int64)
    end = np.array([generator.choice(rows[other]) for _, other in drawn], dtype=np.int64)
    return start, end


def stepped_back(lines: BoundaryLines, margins: Margins | None, margin: float) -> Samples:
    """The points of the ways nearest to the boundary at which the model is sure by `margin`.

    Where no margins can be seen, points a fixed small step before it. A start that is itself less sure stays.
    """
    if margins is None:
        return lines.at(lines.share * (1.0 - UNMEASURED_STEP))
    low, high = np.zeros(len(lines)), lines.share.copy()
    for _ in range(HALVINGS if len(lines) else 0):
        middle = (low + high) / 2
        sure = margins(lines.at(middle), lines.label) >= margin
        low, high = np.where(sure, middle, low), np.where(sure, high, middle)
    return lines.at(low)


def chosen(lines: BoundaryLines, points: Samples, readings: Sequence[Labels], count: int) -> NDArray[np.int64]:
    """Which points `(m, *shape)` of the ways become canaries: at most `count`, spread over pairs of classes.

    A canary is answered as its start is by every one of the `readings`: the model itself, and the model as rounding
    that is allowed makes it. What one reading turns is not asked of the next.
    """
    standing = np.arange(len(lines))
    for reading in readings:
        if len(standing):
            standing = standing[reading(points[standing]) == lines.label[standing]]
    queues: dict[tuple[int, int], list[int]] = {}
    for row in standing:
        queues.setdefault((int(lines.label[row]), int(lines.other[row])), []).append(int(row))
    picked: list[int] = []
    while queues and len(picked) < count:
        for pair in list(queues):
            picked.append(queues[pair].pop())
            if not queues[pair]:
                del queues[pair]
    return np.array(picked[:count], dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Canaries:
    """Canaries, the answers expected, and those expected of the same model in other forms."""

    inputs: Samples
    labels: Classes
    patterns: dict[str, Classes]
    """Answers of forms that are not the tested one and not tampering either, such as `int8`, by name."""
    benign_rate: float
    """Upper bound (95 %) of the chance that a canary turns although nothing but allowed rounding happened."""

    def some(self, rows: NDArray[np.int64]) -> Canaries:
        """Some of them."""
        patterns = {name: labels[rows] for name, labels in self.patterns.items()}
        return Canaries(self.inputs[rows], self.labels[rows], patterns, self.benign_rate)

    def __len__(self) -> int:
        return len(self.labels)
