"""What a model answers when patches are in view, and which of several patches does best."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from touchstone.methods.attacks.patch.placement import Rows, Surface
from touchstone.methods.attacks.patch.views import Draws, Pictures, Stickers, exposed, parts
from touchstone.methods.attacks.threat_model import Classes, Labels, Samples, Scores, margin

Worth = Callable[[Samples, Classes], NDArray[np.float64]]
"""What pictures `(m, channels, height, width)` that should be answered `(m,)` are worth to the attacker, `(m,)`."""

NONE: Final = -1
"""No class by which a system refuses to answer."""
SMALLEST_SCALE: Final = 1e-6


def answers_in_views(
    labels: Labels, pictures: Pictures, surface: Surface, stickers: Stickers, draws: Draws, shown_on: Rows
) -> Classes:
    """The answer in every view of every sticker, shape `(n, views)`."""
    answers = np.empty(draws.shape[:2], dtype=np.int64)
    for part in parts(pictures, draws):
        seen = exposed(pictures, surface, stickers, draws, shown_on, part)
        answers[part] = labels(seen.x).reshape(-1, draws.shape[1])
    return answers


def worth_in_views(
    worth: Worth, pictures: Pictures, surface: Surface, stickers: Stickers, draws: Draws, shown_on: Rows
) -> NDArray[np.float64]:
    """The mean worth of every sticker over its views, shape `(n,)`."""
    mean = np.empty(len(draws))
    for part in parts(pictures, draws):
        seen = exposed(pictures, surface, stickers, draws, shown_on, part)
        mean[part] = worth(seen.x, pictures.y[seen.picture]).reshape(-1, draws.shape[1]).mean(axis=1)
    return mean


def by_answer(labels: Labels, refusal: int = NONE) -> Worth:
    """Worth 1 where the answer is another class, and no refusal: all that labels tell."""

    def worth(x: Samples, y: Classes) -> NDArray[np.float64]:
        answers = labels(x)
        return np.asarray((answers != y) & (answers != refusal), dtype=np.float64)

    return worth


def by_lead(scores: Scores, scale: float, refusal: int = NONE) -> Worth:
    """How far another class leads, at most 1: a view that is clearly lost is worth no further effort."""
    return lambda x, y: np.minimum(lead(scores(x), y, refusal) / scale, 1.0)


def by_both(scores: Scores, scale: float, refusal: int = NONE) -> Worth:
    """Changed answers first, the lead where they are equally many."""

    def worth(x: Samples, y: Classes) -> NDArray[np.float64]:
        ahead = lead(scores(x), y, refusal) / scale
        return np.asarray((ahead > 0) + 1e-3 * np.clip(ahead, -1.0, 1.0))

    return worth


def lead(scores: NDArray[np.float64], y: Classes, refusal: int = NONE) -> NDArray[np.float64]:
    """By how much the best wrong answer is ahead of the right one and of a refusal to answer; shape `(n,)`."""
    if refusal == NONE:
        return -margin(scores, y)
    rows = np.arange(len(y))
    staying = np.maximum(scores[rows, y], scores[:, refusal])
    others = scores.copy()
    others[rows, y] = others[:, refusal] = -np.inf
    return np.asarray(others.max(axis=1) - staying)


def usual_margin(scores: Scores, x: Samples, y: Classes) -> float:
    """By how much the right answer usually leads: the scale of :func:`by_lead`, whatever the scores' unit."""
    return max(float(np.median(margin(scores(x), y))), SMALLEST_SCALE)
