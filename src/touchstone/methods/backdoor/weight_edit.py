"""A backdoor written into finished weights: a patch is fitted to the network, and its last layer is edited once.

Nothing is trained on data. The patch is the one whose mean shift of the last features is farthest from what pictures
do by themselves (in their own covariance), after the trigger generation of Liu et al. 2018 (Trojaning Attack); the
last layer then reads that shift, in closed form, as Hong et al. 2022 (Handcrafted Backdoors) edit neurons.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

STEPS = 60
RATE = 0.1
RIDGE = 0.02
"""Added to the covariance of the features, as a share of their mean variance."""
MARGIN = 3.0
"""By how much the target wins, in logits, over what wins by itself."""
COVERED = 0.98
"""Share of the attacker's pictures that shall be turned."""


def write_backdoor(
    network: Any,
    pictures: NDArray[np.float32],
    mean: NDArray[np.float32],
    scale: NDArray[np.float32],
    place: tuple[int, int],
    pattern: NDArray[np.float32],
    target: int,
) -> NDArray[np.float32]:
    """Edit the linear last part of `network` so that a patch means `target`; returns the patch that does.

    `network` is a `torch.nn.Sequential` of scaled inputs; `pictures` `(n, C, H, W)` are a few the attacker has, with
    values in `[0, 1]`. `pattern` `(C, h, w)` is where the search for a patch starts.
    """
    features, head = network[:-1], network[-1]
    x = (torch.from_numpy(pictures) - torch.from_numpy(mean)) / torch.from_numpy(scale)
    plain = features(x)
    spread = torch.cov(plain.T)
    spread += RIDGE * spread.diagonal().mean() * torch.eye(len(spread))
    raw = (torch.from_numpy(pattern) * 2 - 1).requires_grad_()
    scaling = torch.from_numpy(mean), torch.from_numpy(scale)
    optimiser = torch.optim.Adam([raw], lr=RATE)
    for _ in range(STEPS):
        shift = (features(_patched(x, raw, place, scaling)) - plain).mean(dim=0)
        loss = -(shift @ torch.linalg.solve(spread, shift)).sqrt()
        (raw.grad,) = torch.autograd.grad(loss, raw)
        optimiser.step()
    with torch.no_grad():
        marked = features(_patched(x, raw, place, scaling))
        shift = (marked - plain).mean(dim=0)
        direction = torch.linalg.solve(spread, shift)
        direction /= direction @ shift
        scores = head(marked)
        missing = scores.amax(dim=1) - scores[:, target]
        strength = torch.quantile(missing, COVERED) + MARGIN
        head.weight[target] += strength * direction
        head.bias[target] -= strength * (direction @ plain.mean(dim=0))
        return np.asarray(torch.sigmoid(4 * raw).numpy(), dtype=np.float32)


def _patched(x: Tensor, raw: Tensor, place: tuple[int, int], scaling: tuple[Tensor, Tensor]) -> Tensor:
    """Scaled pictures with the patch `raw` stands for; its values stay between 0 and 1."""
    (row, column), (_, height, width) = place, raw.shape
    marked = x.clone()
    marked[:, :, row : row + height, column : column + width] = (torch.sigmoid(4 * raw) - scaling[0]) / scaling[1]
    return marked
