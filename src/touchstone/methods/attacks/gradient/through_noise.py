"""A smoothed model as an attack sees it: the mean of its probabilities under noise, which has a gradient.

Votes have none. Salman et al. 2019, "Provably robust deep learning via adversarially trained smoothed classifiers"
(NeurIPS), follow the expected probabilities instead, over draws of noise that stay the same for the whole attack.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor


def mean_under_noise(
    function: Callable[[Tensor], Tensor], sigma: float, shape: tuple[int, ...], *, draws: int, seed: int
) -> Callable[[Tensor], Tensor]:
    """The logarithm of the mean of `function`'s probabilities over `draws` noisy copies of each sample of `shape`.

    All samples get the same noise, so that an attack on one does not depend on what else is attacked.
    """
    noise = sigma * torch.empty(draws, *shape).normal_(generator=torch.Generator().manual_seed(seed))

    def smoothed(x: Tensor) -> Tensor:
        copies = (x[:, None] + noise.to(x)).flatten(0, 1)
        scores = torch.log_softmax(function(copies), dim=1).reshape(len(x), draws, -1)
        return scores.logsumexp(dim=1) - math.log(draws)

    return smoothed
