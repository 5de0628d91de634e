"""What a model as a whole rests on: accuracy lost when a part tells nothing about the sample any more."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from touchstone.methods.attacks.threat_model import Classes, Samples
from touchstone.methods.explanation.parts import Parts

Labels = Callable[[Samples], Classes]


def replacement_losses(
    labels: Labels, x: Samples, target: Classes, others: Samples, parts: Parts, generator: np.random.Generator
) -> NDArray[np.float64]:
    """Right answers lost (1), gained (-1) or neither (0), shape `(n, P)`, when a part comes from another sample.

    The mean over samples is the permutation importance (Breiman 2001; Fisher, Rudin and Dominici 2019, JMLR 20), with
    donors drawn from `others` instead of permuted, so that given `others` the samples stay independent and the mean
    has exact bounds.
    """
    right = (labels(x) == target).astype(np.float64)
    losses = np.empty((len(x), parts.count))
    for part in range(parts.count):
        donors = others[generator.integers(len(others), size=len(x))]
        losses[:, part] = right - (labels(np.where(parts.of == part, donors, x)) == target)
    return losses
