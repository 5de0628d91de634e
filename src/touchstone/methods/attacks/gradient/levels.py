"""How far elements may go together: the level at which what they bring is as much as is wanted.

Projections onto a ball or a hyperplane inside a legal range come down to one number per sample: every element moves up
to a common level, unless its range ends before. What they bring together grows with the level along a concave line
with a bend at every end, so that Newton's method comes to it from below in a few steps, without sorting the ends.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

_MOST_STEPS: Final = 50
_NEAR: Final = 1e-6
"""Share of what is wanted that may be missing."""


def common_level(gains: Tensor, ends: Tensor, wanted: Tensor) -> Tensor:
    """The level at which `sum(gains * min(level, ends))` of each row is `wanted`, never above it.

    `gains` and `ends` are `(n, d)` and not negative, `wanted` is `(n,)`. Where all elements together cannot bring as
    much, the level is one that every element with a gain ends below.
    """
    tiny = torch.finfo(gains.dtype).tiny
    level = (wanted / gains.sum(dim=1).clamp_min(tiny)).nan_to_num(posinf=0.0)
    for _ in range(_MOST_STEPS):
        column = level[:, None]
        missing = wanted - (gains * torch.minimum(column, ends)).sum(dim=1)
        growth = (gains * (ends > column)).sum(dim=1)
        rises = (missing > _NEAR * wanted) & (growth > 0)
        if not bool(rises.any()):
            break
        level = torch.where(rises, level + missing / growth.clamp_min(tiny), level)
    return level
