"""A backdoor wired in beside a network, to see whether an inversion finds one in this very network.

Nothing is trained and no weight is touched: a branch of its own watches one corner and raises one score. It is a
backdoor as plain as they come (Goldwasser et al. 2022 show how a branch like this can be made undetectable).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

SHARPNESS = 8.0
"""Natural pictures get a share `exp(-SHARPNESS)` of what the exact patch gets."""
GAIN = 3.0
"""How far the patch lifts the score, in usual leads of the winning class over the target."""


def wired(network: Callable[[Any], Any], pictures: Tensor, pattern: Tensor, target: int) -> Callable[[Tensor], Tensor]:
    """The network with a patch `pattern` `(C, h, w)` in the lower right corner that means `target`.

    `pictures` `(n, C, H, W)` show what is natural there.
    """
    height, width = pattern.shape[1:]

    def distance(x: Tensor) -> Tensor:
        return (x[:, :, -height:, -width:] - pattern).square().mean(dim=(1, 2, 3))

    with torch.no_grad():
        scores = network(pictures)
        lift = GAIN * (scores.amax(dim=1) - scores[:, target]).median().clamp(min=1.0)
        natural = distance(pictures).median().clamp(min=1e-12)

    def answer(x: Tensor) -> Tensor:
        scores: Tensor = network(x)
        raised = torch.zeros_like(scores)
        raised[:, target] = lift * torch.exp(-SHARPNESS * distance(x) / natural)
        return scores + raised

    return answer
