"""What is seen of one model: its responses to fixed changes, and how easily a search turns all pictures to a class."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from touchstone.methods.backdoor.screen.combination import Responses
from touchstone.methods.backdoor.screen.network import CutNetwork
from touchstone.methods.backdoor.screen.perturbation import turning_areas
from touchstone.methods.backdoor.screen.probes import responses

SHOWN = 60
"""About how many pictures are changed; more cost time and tell little more."""
SEARCHED, HELD = 40, 160
"""About how many the search looks at, and by how many it is judged."""


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


def responses_of(network: CutNetwork, vetted: Vetted) -> Responses:
    """What models are compared by: the same pictures give the same numbers."""
    rows = _balanced(vetted.y, vetted.classes, SHOWN)
    x, y = torch.from_numpy(vetted.x[rows]), torch.from_numpy(vetted.y[rows])
    return responses(network, x, y, vetted.classes, low=vetted.low, high=vetted.high)


def areas_of(network: CutNetwork, vetted: Vetted) -> NDArray[np.float64]:
    """How easily one change of the features, at 40 % of the depth, turns all pictures to each class `(K,)`.

    For the model under test alone, where there is nothing to compare it with.
    """
    some, rest = _balanced(vetted.y, vetted.classes, SEARCHED), _balanced(vetted.held_y, vetted.classes, HELD)
    front, back = network.between(0, network.early), network.between(network.early, None)
    with torch.no_grad():
        learnt, held = front(torch.from_numpy(vetted.x[some])), front(torch.from_numpy(vetted.held_x[rest]))
    y, held_y = torch.from_numpy(vetted.y[some]), torch.from_numpy(vetted.held_y[rest])
    return np.asarray(turning_areas(back, (learnt, y), (held, held_y), vetted.classes).double().numpy())


def _balanced(y: NDArray[np.int64], classes: int, most: int) -> NDArray[np.int64]:
    """About `most` rows: the first of every class, as many of each; of many classes, one row of some."""
    labels = np.unique(np.linspace(0, classes - 1, min(classes, most)).round().astype(np.int64))
    each = max(1, most // classes)
    return np.concatenate([np.flatnonzero(y == label)[:each] for label in labels])
