"""The one statistic without data: how far the scores of a class can be raised above all others.

After Wang et al. 2024 (MM-BD): the largest margin of each class over all legal inputs; a gamma distribution is fitted
to all but the largest, and the largest of K draws from it would exceed what was seen with probability p. Low power, and
on few classes more false alarms than p says (15 to 20 % at 5 % on small picture classifiers).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

STARTS, STEPS = 30, 300
"""As in the paper."""
PATIENCE = 1e-5
"""Relative gain below which the search of the paper stops."""
FEWEST_CLASSES = 4
"""Below this a gamma distribution is fitted to next to nothing."""
RATE = 0.02
"""Step as a share of the range of values."""
AT_ONCE = 1024


def largest_margins(
    network: Callable[[Any], Any],
    shape: tuple[int, ...],
    classes: int,
    *,
    low: float,
    high: float,
    seed: int,
    starts: int = STARTS,
    steps: int = STEPS,
) -> NDArray[np.float64]:
    """For each class the largest lead of its score that a search from random pictures finds `(K,)`."""
    generator = torch.Generator().manual_seed(seed)
    x = low + (high - low) * torch.rand((classes * starts, *shape), generator=generator)
    target = torch.arange(classes).repeat_interleave(starts)
    parts = zip(torch.split(x, AT_ONCE), torch.split(target, AT_ONCE), strict=True)
    found = torch.cat([_climbed(network, part, wanted, low, high, steps) for part, wanted in parts])
    return np.asarray(found.reshape(classes, starts).amax(dim=1).double().numpy())


def margin_p_value(margins: NDArray[np.float64]) -> float:
    """Chance that the largest of as many draws exceeds the largest margin, from a gamma distribution of the others.

    Raises `ValueError` for fewer than four classes.
    """
    from scipy.stats import gamma

    if len(margins) < FEWEST_CLASSES:
        raise ValueError(f"{FEWEST_CLASSES} classes expected, {len(margins)} given")
    ordered = np.sort(margins)
    others = np.maximum(ordered[:-1], 1e-6)
    if np.ptp(others) < 1e-9 * others.mean():
        return float(ordered[-1] <= others.max())
    shape, location, scale = gamma.fit(others, floc=0)
    return float(1.0 - gamma.cdf(ordered[-1], shape, location, scale) ** len(margins))


def _climbed(network: Callable[[Any], Any], x: Tensor, target: Tensor, low: float, high: float, steps: int) -> Tensor:
    """Leads `(n,)` after gradient ascent within the legal values."""
    step, lead = RATE * (high - low), torch.full((len(x),), -np.inf)
    velocity = torch.zeros_like(x)
    for _ in range(steps):
        x = x.detach().requires_grad_()
        leads = _leads(network(x), target)
        before, lead = lead, torch.maximum(lead, leads.detach())
        (gradient,) = torch.autograd.grad(leads.sum(), x)
        size = gradient.flatten(1).abs().mean(dim=1).clamp(min=1e-12).reshape(-1, *[1] * (x.dim() - 1))
        velocity = 0.9 * velocity + gradient / size
        x = (x.detach() + step * velocity / 10).clamp(low, high)
        if bool(torch.isfinite(before).all()) and bool((lead - before <= PATIENCE * lead.abs()).all()):
            break
    return lead


def _leads(scores: Tensor, target: Tensor) -> Tensor:
    own = scores.gather(1, target[:, None])[:, 0]
    others = scores.scatter(1, target[:, None], float("-inf")).amax(dim=1)
    return own - others
