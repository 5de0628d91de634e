"""What malicious parties send, who see every honest update of the round and know the rule.

Each attack takes the honest updates `(h, w)` and the number of malicious parties, and gives the one update that all of
them send. Parties that poison their labels are not here: they compute an honest update of wrong rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from touchstone.methods.federated.rules import Updates, Vector

FLIPPED_BY = 10.0
"""How far the flipped mean is stretched: where nobody clips, a few parties outweigh all others."""
AGAINST = 0.5
"""How far the small inner-product manipulation goes: not far enough to look odd."""
STRAYING = 1.5
"""Standard deviations at least, as in the experiments of Baruch et al.: a small minority is given fewer, even none."""
HALVINGS = 30


def sign_flip(honest: Updates, malicious: int) -> Vector:
    """The mean of the honest, turned round and stretched."""
    del malicious
    return -FLIPPED_BY * np.asarray(honest.mean(axis=0))


def inner_product(honest: Updates, malicious: int) -> Vector:
    """A little against the mean, so that distances hide it (Xie, Koyejo and Gupta 2020, UAI)."""
    del malicious
    return -AGAINST * np.asarray(honest.mean(axis=0))


def little_is_enough(honest: Updates, malicious: int) -> Vector:
    """As far against the mean, coordinate by coordinate, as honest ones stray (Baruch et al. 2019, NeurIPS)."""
    middle = honest.mean(axis=0)
    far = max(unsuspicious(len(honest) + malicious, malicious), STRAYING)
    return np.asarray(middle - far * np.sign(middle) * honest.std(axis=0))


def unsuspicious(parties: int, malicious: int) -> float:
    """Standard deviations that enough honest parties exceed to make a majority with the malicious ones."""
    from scipy.stats import norm

    needed = parties // 2 + 1 - malicious
    honest = parties - malicious
    return max(float(norm.ppf((honest - needed) / honest)), 0.0) if 0 < needed < honest else 0.0


def min_max(honest: Updates, malicious: int) -> Vector:
    """As far against the mean as keeps it no farther from any honest update than they are from one another.

    Shejwalkar and Houmansadr 2021, NDSS.
    """
    del malicious
    middle = np.asarray(honest.mean(axis=0))
    length = float(np.linalg.norm(middle))
    if length == 0.0:
        return middle
    squares = (honest**2).sum(axis=1)
    apart = float(np.sqrt(max((squares[:, None] + squares - 2 * honest @ honest.T).max(), 0.0)))
    low, high = 0.0, 2 * apart + length
    for _ in range(HALVINGS):
        step = (low + high) / 2
        farthest = float(np.linalg.norm(middle - step * middle / length - honest, axis=1).max())
        low, high = (step, high) if farthest <= apart else (low, step)
    return np.asarray(middle - low * middle / length)


ATTACKS: Mapping[str, Callable[[Updates, int], Vector]] = MappingProxyType(
    {
        "sign-flip": sign_flip,
        "inner-product": inner_product,
        "a-little-is-enough": little_is_enough,
        "min-max": min_max,
    }
)
LABEL_FLIP = "label-flip"
"""The attack on the labels: every class is called the next one."""
HONEST = "honest"
"""No attack at all: the parties send what honest ones would."""
