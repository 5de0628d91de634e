"""The four statistics of one model: cheap ones on all classes, then an inversion for the few that stand out."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from touchstone.methods.backdoor.screen.inversion import Trigger, invert
from touchstone.methods.backdoor.screen.network import CutNetwork
from touchstone.methods.backdoor.screen.perturbation import class_directions, scattering_area, turning_areas

STATISTICS = ("features", "orthogonal", "scattering", "inversion")
SUSPECTS = 3
"""Classes for which a trigger is sought: on models to develop with, two missed what three found, and all of them found
hardly more at three times the cost."""
ROWS = 40
"""About how many samples a search looks at; more cost time and tell little more."""
HELD_ROWS = 160
"""About how many it is judged by."""


@dataclass(frozen=True, slots=True)
class Vetted:
    """Honest pictures `(n, C, H, W)` and their classes: one half to search with, the other to see what it is worth."""

    x: NDArray[np.float32]
    y: NDArray[np.int64]
    held_x: NDArray[np.float32]
    held_y: NDArray[np.int64]
    classes: int
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Scores:
    """What the screen saw of one model."""

    statistics: NDArray[np.float64]
    """In the order of :data:`STATISTICS`, higher is more suspicious."""
    areas: NDArray[np.float64]
    """Of each class, how easily a change of features turns others to it `(K,)`."""
    triggers: tuple[Trigger, ...]
    """For the classes that stand out, the smallest first."""

    @property
    def target(self) -> int:
        """The class that a backdoor would turn to, if there is one."""
        return self.triggers[0].target


def screen(network: CutNetwork, vetted: Vetted, seed: int) -> Scores:
    """All four statistics. The same seed gives the same numbers."""
    some, rest = _balanced(vetted.y, vetted.classes, ROWS), _balanced(vetted.held_y, vetted.classes, HELD_ROWS)
    x, y = torch.from_numpy(vetted.x), torch.from_numpy(vetted.y)
    held_x, held_y = torch.from_numpy(vetted.held_x[rest]), torch.from_numpy(vetted.held_y[rest])
    front, middle = network.between(0, network.early), network.between(network.early, network.late)
    with torch.no_grad():
        early, held_early = front(x), front(held_x)
        late, held_late = middle(early), middle(held_early)
    areas = turning_areas(
        network.between(network.early, None), (early[some], y[some]), (held_early, held_y), vetted.classes, None
    )
    aside = class_directions(late, y, vetted.classes)
    orthogonal = turning_areas(
        network.between(network.late, None), (late[some], y[some]), (held_late, held_y), vetted.classes, aside
    )
    scattering = scattering_area(network, (x[some], y[some]), (held_x, held_y), vetted.classes)
    suspects = areas.argsort(descending=True)[:SUSPECTS].tolist()
    triggers = invert(network, x[some], y[some], suspects, low=vetted.low, high=vetted.high, seed=seed)
    triggers.sort(key=lambda trigger: trigger.size)
    statistics = (_lead(areas), _lead(orthogonal), scattering, -math.log(triggers[0].size))
    return Scores(np.array(statistics), areas.double().numpy(), tuple(triggers))


def _lead(areas: Tensor) -> float:
    """How far the first class stands out from the usual one: a model that is easily moved to every class is weak, not
    backdoored."""
    return float(areas.max() - areas.median())


def _balanced(y: NDArray[np.int64], classes: int, most: int) -> NDArray[np.int64]:
    """About `most` rows: the first of every class, as many of each; of many classes, one row of some."""
    labels = np.unique(np.linspace(0, classes - 1, min(classes, most)).round().astype(np.int64))
    each = max(1, most // classes)
    return np.concatenate([np.flatnonzero(y == label)[:each] for label in labels])
