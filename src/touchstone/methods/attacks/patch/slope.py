"""The gradient that patches follow, for models that are functions of PyTorch tensors."""

from __future__ import annotations

import torch
from torch import Tensor

from touchstone.methods.attacks.gradient.differentiable import Differentiable
from touchstone.methods.attacks.gradient.objectives import margin
from touchstone.methods.attacks.patch.judging import NONE
from touchstone.methods.attacks.patch.patch_climb import Slope
from touchstone.methods.attacks.threat_model import Classes, Samples


def slope_of(model: Differentiable, scale: float, refusal: int = NONE) -> Slope:
    """Gradient of the lead of the wanted class, in units of `scale`; zero once it leads by as much as that.

    `refusal` is the class by which the system refuses to answer: to reach it is no success.
    """

    def slope(x: Samples, y: Classes, wanted: Classes) -> Samples:
        own, target = model.tensor(y), model.tensor(wanted)

        def lead(scores: Tensor, rows: Tensor) -> Tensor:
            any_other = -margin(scores, own[rows]) if refusal == NONE else _lead(scores, own[rows], refusal)
            the_wanted = margin(scores, target[rows].clamp_min(0))
            return torch.where(target[rows] < 0, any_other, the_wanted).div(scale).clamp_max(1.0)

        _, _, gradient = model.climb(model.tensor(x), lead)
        return gradient.cpu().numpy()

    return slope


def _lead(scores: Tensor, own: Tensor, refusal: int) -> Tensor:
    staying = torch.maximum(scores.gather(1, own[:, None])[:, 0], scores[:, refusal])
    closed = torch.nn.functional.one_hot(own, scores.shape[1]).bool()
    closed[:, refusal] = True
    return scores.masked_fill(closed, -torch.inf).amax(dim=1) - staying
