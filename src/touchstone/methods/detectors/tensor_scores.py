"""The detectors' scores as functions of tensors, for the attack that follows their gradient.

Rounding to few levels has no slope of use; on the way back it counts as if it were not there (Athalye, Carlini and
Wagner 2018, "Obfuscated gradients give a false sense of security", ICML).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from touchstone.methods.detectors.mahalanobis import Mahalanobis
from touchstone.methods.detectors.neighbours import Neighbours
from touchstone.methods.detectors.squeezing import Squeezing


def confidence_score(scores: Tensor) -> Tensor:
    """As :func:`touchstone.methods.detectors.confidence.score`."""
    best = scores.topk(2, dim=1).values
    return best[:, 1] - best[:, 0]


def mahalanobis_score(record: Mahalanobis, x: Tensor) -> Tensor:
    """As :func:`touchstone.methods.detectors.mahalanobis.score`."""
    means, precision = (torch.as_tensor(part, dtype=x.dtype) for part in (record.means, record.precision))
    away = x[:, None, :] - means
    return ((away @ precision) * away).sum(dim=2).amin(dim=1)


def neighbours_score(record: Neighbours, x: Tensor) -> Tensor:
    """As :func:`touchstone.methods.detectors.neighbours.score`."""
    distances = torch.cdist(x, torch.as_tensor(record.clean, dtype=x.dtype))
    return distances.kthvalue(record.nearest, dim=1).values


def squeezing_score(record: Squeezing, x: Tensor, scores: Callable[[Tensor], Tensor]) -> Tensor:
    """As :func:`touchstone.methods.detectors.squeezing.score`; `scores` in a logarithmic scale."""
    levels, width = 2**record.bits - 1, record.high - record.low
    rounded = record.low + ((x - record.low) / width * levels).round() / levels * width
    coarse = x + (rounded - x).detach()
    before, after = (record.window - 1) // 2, record.window // 2
    padded = functional.pad(x, (before, after, before, after), mode="reflect")
    windows = padded.unfold(2, record.window, 1).unfold(3, record.window, 1).flatten(4)
    middle = windows.sort(dim=4).values
    count = record.window**2
    smooth = (middle[..., (count - 1) // 2] + middle[..., count // 2]) / 2
    plain, *squeezed = (scores(part).softmax(dim=1) for part in (x, coarse, smooth))
    return torch.stack([(answer - plain).abs().sum(dim=1) for answer in squeezed]).amax(dim=0)
