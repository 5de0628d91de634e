"""Attributions from gradients, and from taking parts away.

`odds` answers inputs `(m, *shape)` and classes `(m,)` with log-odds `(m,)`; `slopes` answers with their gradients
`(m, *shape)`. A baseline, one for all `(*shape)` or one for each `(n, *shape)`, is an input that does not say what is
to be explained; gradient methods multiply with the distance from it, so that attributions of columns in different units
can be compared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from touchstone.methods.attacks.threat_model import Classes, Samples
from touchstone.methods.explanation.contrast import Starts
from touchstone.methods.explanation.parts import Parts

Odds = Callable[[Samples, Classes], NDArray[np.float64]]
Slopes = Callable[[Samples, Classes], Samples]
Attributions = NDArray[np.float64]

LEAST_PROBABILITY = 1e-6
"""Probabilities are kept this far from 0 and 1: an ensemble of trees may answer exactly that."""
MOST_ELEMENTS = 2**23
"""Elements of inputs made at once."""


def log_odds(probabilities: NDArray[np.float64], y: Classes) -> NDArray[np.float64]:
    """Log-odds `(n,)` of the classes `y` from probabilities `(n, K)`, within those of :data:`LEAST_PROBABILITY`."""
    chosen = np.clip(probabilities[np.arange(len(y)), y], LEAST_PROBABILITY, 1 - LEAST_PROBABILITY)
    return np.asarray(np.log(chosen / (1 - chosen)))


def gradient_times_input(slopes: Slopes, x: Samples, y: Classes, baseline: Samples) -> Samples:
    """First-order effect of going from the baseline to `x` (Shrikumar et al. 2016, arXiv 1605.01713)."""
    return slopes(x, y) * (x - baseline)


def integrated_gradients(slopes: Slopes, x: Samples, y: Classes, baseline: Samples, steps: int = 32) -> Samples:
    """Gradients averaged along the straight line from the baseline, by the midpoint rule.

    They add up to the difference of the log-odds, up to the error of that rule (Sundararajan, Taly and Yan 2017, ICML).
    """
    total = np.zeros_like(x)
    for step in range(steps):
        total += slopes(baseline + np.float32((step + 0.5) / steps) * (x - baseline), y)
    return total / np.float32(steps) * (x - baseline)


def smooth_gradients(
    slopes: Slopes,
    x: Samples,
    y: Classes,
    baseline: Samples,
    spread: NDArray[np.float64],
    generator: np.random.Generator,
    draws: int = 16,
) -> Samples:
    """Gradients averaged over Gaussian noise of standard deviation `spread` (SmoothGrad; Smilkov et al. 2017)."""
    total = np.zeros_like(x)
    for _ in range(draws):
        total += slopes((x + spread * generator.standard_normal(x.shape)).astype(np.float32), y)
    return total / np.float32(draws) * (x - baseline)


def gradient_shap(
    slopes: Slopes, x: Samples, y: Classes, starts: Starts, generator: np.random.Generator, draws: int = 32
) -> Samples:
    """Expected gradients: baselines are drawn from `starts`, and so is the place on the line.

    An estimate of Aumann-Shapley values without a single baseline (Erion et al. 2021, Nature Machine Intelligence 3).
    The places on the line are drawn one in each of `draws` equal sections, which lowers the variance and costs nothing.
    """
    total = np.zeros_like(x)
    each = (len(x), *[1] * (x.ndim - 1))
    for draw in range(draws):
        start = starts(generator)
        along = ((draw + generator.random(each)) / draws).astype(np.float32)
        total += (x - start) * slopes(start + along * (x - start), y)
    return total / np.float32(draws)


def occlusion(odds: Odds, x: Samples, y: Classes, baseline: Samples, parts: Parts) -> Attributions:
    """What the log-odds lose when one part is replaced by the baseline (Zeiler and Fergus 2014, ECCV)."""
    lost = np.empty((len(x), parts.count))
    gone = parts.elements(np.eye(parts.count, dtype=bool))
    baselines = np.broadcast_to(baseline, x.shape)
    for rows in chunks(len(x), parts.count * x[0].size):
        without = np.where(gone, baselines[rows, None], x[rows, None]).reshape(-1, *x.shape[1:])
        answers = odds(without, np.repeat(y[rows], parts.count)).reshape(-1, parts.count)
        lost[rows] = odds(x[rows], y[rows])[:, None] - answers
    return lost


def chunks(count: int, elements: int) -> Iterator[slice]:
    """Slices of so many samples that what is made of them, `elements` each, stays within :data:`MOST_ELEMENTS`."""
    size = max(1, MOST_ELEMENTS // max(elements, 1))
    for start in range(0, count, size):
        yield slice(start, min(start + size, count))
