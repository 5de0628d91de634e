"""A model as the gradient attacks see it: scores and gradients of tensors, passes counted, nothing changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Objective = Callable[[Tensor, Tensor], Tensor]
"""From scores `(n, K)` and positions of the samples `(n,)` to one number per sample, which the attack makes larger."""


@dataclass(slots=True)
class Passes:
    """What an attack cost: samples that went through the model, forward only, and forward and back."""

    forward: int = 0
    backward: int = 0

    @property
    def total(self) -> int:
        """Forward passes and backward passes, a backward pass counted as two."""
        return self.forward + 3 * self.backward


class Differentiable:
    """Wraps `function`: contiguous float32 inputs `(n, *shape)` to scores `(n, K)` in a logarithmic scale.

    Never calls `backward`: gradients are asked for with respect to the inputs alone, so none is left in the model.
    Raises `FloatingPointError` when the model answers NaN.
    """

    def __init__(self, function: Callable[[Tensor], Tensor], device: torch.device | str = "cpu") -> None:
        self._function = function
        self.device = torch.device(device)
        self.passes = Passes()

    def tensor(self, array: NDArray[Any]) -> Tensor:
        """An array of any layout as a contiguous tensor on the model's device."""
        return torch.from_numpy(np.ascontiguousarray(array)).to(self.device)

    def scores(self, x: Tensor) -> Tensor:
        """Scores without a gradient."""
        self.passes.forward += len(x)
        with torch.no_grad():
            return self._checked(self._function(x.contiguous()))

    def climb(self, x: Tensor, objective: Objective) -> tuple[Tensor, Tensor, Tensor]:
        """Scores, the objective of each sample, and its gradient with respect to that sample.

        Where the answer does not depend on the input in a way PyTorch can follow, the gradient is zero.
        """
        self.passes.backward += len(x)
        with torch.enable_grad():
            leaf = x.detach().contiguous().requires_grad_(True)
            scores = self._checked(self._function(leaf))
            values = objective(scores, torch.arange(len(x), device=x.device))
            gradient = torch.autograd.grad(values.sum(), leaf, allow_unused=True)[0] if values.requires_grad else None
        slope = torch.zeros_like(leaf) if gradient is None else gradient.nan_to_num(0.0)
        return scores.detach(), values.detach(), slope.detach()

    def _checked(self, scores: Tensor) -> Tensor:
        if bool(torch.isnan(scores).any()):
            raise FloatingPointError("the model answered NaN")
        return scores
