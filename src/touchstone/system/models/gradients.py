"""Gradients of the losses that attacks climb, for models that are functions of PyTorch tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from touchstone.system.models.handle import Loss


def gradient_of_loss(
    scores: Callable[[Tensor], Tensor], batch: NDArray[np.float32], y: NDArray[np.int64], loss: Loss
) -> NDArray[np.float32]:
    """Gradient of the summed loss with respect to the batch, so that each sample has the gradient of its own.

    `scores` gives `(n, K)` in a logarithmic scale. Raises `RuntimeError` for a function without a gradient.
    """
    x = torch.tensor(batch, requires_grad=True)
    wanted = torch.from_numpy(np.ascontiguousarray(y))
    with torch.enable_grad():
        (gradient,) = torch.autograd.grad(_summed_loss(scores(x), wanted, loss), x)
    return np.asarray(gradient.numpy())


def _summed_loss(scores: Tensor, y: Tensor, loss: Loss) -> Tensor:
    if loss == "cross-entropy":
        return torch.nn.functional.cross_entropy(scores, y, reduction="sum")
    own = scores.gather(1, y[:, None])[:, 0]
    others = scores.scatter(1, y[:, None], float("-inf"))
    return (others.amax(dim=1) - own).sum()
