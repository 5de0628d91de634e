"""The gradient that patches follow, for models that are functions of PyTorch tensors."""

from __future__ import annotations

import torch
from torch import Tensor

from touchstone.methods.attacks.gradient.differentiable import Differentiable
from touchstone.methods.attacks.gradient.objectives import margin
from touchstone.methods.attacks.patch.patch_climb import Slope
from touchstone.methods.attacks.threat_model import Classes, Samples


def slope_of(model: Differentiable, scale: float) -> Slope:
    """Gradient of the lead of the wanted class, in units of `scale`; zero once it leads by as much as that."""

    def slope(x: Samples, y: Classes, wanted: Classes) -> Samples:
        own, target = model.tensor(y), model.tensor(wanted)

        def lead(scores: Tensor, rows: Tensor) -> Tensor:
            any_other = -margin(scores, own[rows])
            the_wanted = margin(scores, target[rows].clamp_min(0))
            return torch.where(target[rows] < 0, any_other, the_wanted).div(scale).clamp_max(1.0)

        _, _, gradient = model.climb(model.tensor(x), lead)
        return gradient.cpu().numpy()

    return slope
