"""What a network computes on the way to its scores: the features that rows are compared in.

Read is what goes into the last two stages with weights. The earlier one is averaged over places (of a picture, of a
series): that something is there matters more than where, and the fewer features, the more ten samples tell.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

MOST_FEATURES = 1024
"""Of one layer: features with places are averaged over neighbouring ones until they are as few."""
_AT_ONCE = 256
_WEIGHTED = (nn.Linear, nn.Conv1d, nn.Conv2d)
_ONLY_RESHAPES = (nn.Flatten, nn.Identity)


def read_places(network: nn.Sequential) -> tuple[int, ...]:
    """Before which modules features are read: the last one first, two at most.

    Modules that only reshape belong to what follows them. Linear modules in a row are one: the second only puts scores
    into another order. Raises `ValueError` for a network without weights.
    """
    places: list[int] = []
    start, previous = 0, None
    for place, module in enumerate(network):
        if isinstance(module, _ONLY_RESHAPES):
            continue
        again = isinstance(module, nn.Linear) and isinstance(previous, nn.Linear)
        if any(isinstance(part, _WEIGHTED) for part in module.modules()) and not again:
            places.append(start)
        start, previous = place + 1, module
    if not places:
        raise ValueError("a network without weights has no features")
    return tuple(places[:-3:-1])


def features(network: nn.Sequential, x: NDArray[np.float32]) -> tuple[NDArray[np.float64], ...]:
    """Features of inputs `(n, *shape)`, `(n, d)` for each of :func:`read_places`."""
    places = read_places(network)
    found: list[list[Tensor]] = [[] for _ in places]
    with torch.inference_mode():
        for portion in torch.split(torch.from_numpy(x), _AT_ONCE):
            value = portion
            for place in range(max(places) + 1):
                if place in places:
                    order = places.index(place)
                    found[order].append(_condensed(value, MOST_FEATURES if order == 0 else 1))
                value = network[place](value)
    return tuple(np.asarray(torch.cat(parts).double().numpy()) for parts in found)


def _condensed(value: Tensor, most: int) -> Tensor:
    """`(n, C, *places)` with the places averaged until there are at most so many numbers, or one for each channel."""
    if value.dim() > 2 and math.prod(value.shape[1:]) > most:
        axes = value.dim() - 2
        side = max(1, int((most / value.shape[1]) ** (1 / axes) + 1e-9))
        pool = functional.adaptive_avg_pool2d if axes == 2 else functional.adaptive_avg_pool1d
        value = pool(value, side)
    return value.flatten(1)
