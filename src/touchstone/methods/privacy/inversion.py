"""Model inversion: the example of a class that a model is surest of, and whether it looks like a training row.

Fredrikson et al. 2015 (MI-FACE, CCS): walk along the gradient of a class's score from the mean of the data. What comes
out is what the model holds for typical of the class, mostly nobody in particular. Whether it is nearer to rows that
were trained on than to others of the class can be tested: if not, which row was trained on is a matter of the lot.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

STEPS = 200
SHARE_OF_SPREAD = 0.05
"""Length of a step in each element, in standard deviations of the data."""
CALM = 0.01
"""Weight of the squared distance from the mean, in standard deviations: keeps elements that do not matter where they
are."""
PERMUTATIONS = 999


def representatives(
    scores: Callable[[Any], Any],
    x: NDArray[np.float32],
    classes: NDArray[np.int64],
    *,
    low: float = -math.inf,
    high: float = math.inf,
) -> NDArray[np.float32]:
    """The surest example of each of the `classes` `(k,)`, shape `(k, *shape)`, between `low` and `high`.

    `scores` maps tensors `(n, *shape)` to scores `(n, K)` in a logarithmic scale; `x` `(n, *shape)` says what is usual.
    """
    import torch

    mean, spread = x.mean(axis=0), x.std(axis=0) + 1e-6
    middle, step = torch.from_numpy(mean), torch.from_numpy(spread * np.float32(SHARE_OF_SPREAD))
    scale = torch.from_numpy(spread)
    points = middle.repeat(len(classes), *[1] * mean.ndim)
    wanted = torch.from_numpy(classes)[:, None]
    for number in range(STEPS):
        points.requires_grad_(True)
        sure = torch.log_softmax(scores(points), dim=1).gather(1, wanted).sum()
        [rise] = torch.autograd.grad(sure - CALM * (((points - middle) / scale) ** 2).mean(0).sum(), points)
        rise = rise * scale
        length = rise.abs().flatten(1).amax(1).clamp_min(1e-12).reshape(-1, *[1] * mean.ndim)
        points = (points.detach() + (1 - number / STEPS) * step * rise / length).clamp(low, high)
    return np.asarray(points.detach().numpy(), dtype=np.float32)


def nearness(point: NDArray[np.float32], rows: NDArray[np.float32]) -> NDArray[np.float64]:
    """How alike a representative and each of the rows `(n, *shape)` are: their correlation."""
    centred = [part.reshape(len(part), -1) for part in (point[None].astype(np.float64), rows.astype(np.float64))]
    centred = [part - part.mean(axis=1, keepdims=True) for part in centred]
    one, many = (part / np.maximum(np.linalg.norm(part, axis=1, keepdims=True), 1e-12) for part in centred)
    return np.asarray(many @ one[0])


def nearer_to_training(
    near: Sequence[tuple[NDArray[np.float64], NDArray[np.bool_]]], generator: np.random.Generator
) -> tuple[float, float]:
    """By how much the nearest training row is nearer than the nearest other one, mean over classes, and a p-value.

    For each class the nearness of the representative to rows `(n,)` of that class, and which of them were trained on,
    as many as others. Permutation test: which they were is drawn again within each class.
    """

    def excess(sides: Sequence[NDArray[np.bool_]]) -> float:
        pairs = zip(near, sides, strict=True)
        return float(np.mean([values[trained].max() - values[~trained].max() for (values, _), trained in pairs]))

    seen = excess([trained for _, trained in near])
    drawn = [excess([generator.permutation(trained) for _, trained in near]) for _ in range(PERMUTATIONS)]
    return seen, (1 + sum(each >= seen for each in drawn)) / (PERMUTATIONS + 1)
