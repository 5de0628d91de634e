"""Updates of federated clients: which of a round do not look like the others, and whose never do.

    seen = screen_updates(updates, trusted)          # of one round: four views of each client, one decision
    memory = remember(memory, seen.suspicion)        # over rounds: small deviations that always point the same way
    step = trusted_mean(updates, trusted)            # an average that trusts each client as far as it agrees

`trusted` is the update that a small clean data set of the server's own would make (Cao et al. 2021, FLTrust). Without
it the coordinate-wise median stands in, which more than half of the clients can move at will. The decision counts
ranks, not sizes: while fewer than half of the clients attack, an honest one is accused no oftener than stated.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Updates = NDArray[np.float64]
"""`(clients, weights)`: what each client would add to the model."""

FALSE_ALARMS = 0.05
"""Share of honest clients that may be accused in a round."""
REMEMBERED = 0.95
"""Share of a client's record that is carried into the next round."""
_TOWARDS_NORMAL = 1.4826
"""Median absolute deviation to standard deviation, for normal distributions."""


@dataclass(frozen=True, slots=True)
class UpdateScreening:
    """Views of each client `(m,)`; `suspicion` is the largest of them, in robust standard deviations."""

    norm: NDArray[np.float64]
    """Length of the update, as robust z of its logarithm: scaled-up backdoors are long."""
    against: NDArray[np.float64]
    """How little it points where the trusted update does, as robust z: flipped signs and labels."""
    spread: NDArray[np.float64]
    """How far out its coordinates lie, as robust z of their mean size: noise, and what is aimed at some weights."""
    alike: NDArray[np.float64]
    """How closely it agrees with the client nearest to it, as robust z: attackers who send the same."""
    suspicion: NDArray[np.float64]


def screen_updates(updates: Updates, trusted: NDArray[np.float64] | None = None) -> UpdateScreening:
    """View the updates of one round, `(m, w)`, three clients at least, beside the trusted update `(w,)`."""
    if updates.ndim != 2 or len(updates) < 3:
        raise ValueError("the updates of three clients or more expected, one in each row")
    direction = np.median(updates, axis=0) if trusted is None else trusted
    tiny = np.finfo(np.float64).tiny
    length = np.linalg.norm(updates, axis=1)
    norm = _robust_z(np.log(length + tiny))
    against = -_robust_z(_cosine(updates, direction))
    middle = np.median(updates, axis=0)
    away = np.abs(updates - middle)
    usual = _TOWARDS_NORMAL * np.median(away, axis=0)
    moving = usual > 0
    spread = np.zeros(len(updates))
    if moving.any():
        spread = _robust_z(np.log(np.minimum(away[:, moving] / usual[moving], 10.0).mean(axis=1) + tiny))
    alike = _robust_z(_nearest_cosine(updates))
    views = np.stack([np.abs(norm), against, np.abs(spread), alike])
    return UpdateScreening(norm, against, spread, alike, views.max(axis=0))


def threshold(honest: NDArray[np.float64], false_alarms: float = FALSE_ALARMS) -> float:
    """The suspicion that an honest client exceeds with at most this chance, from rounds known to be honest `(n,)`.

    Exact for rounds alike (Vovk, Gammerman and Shafer 2005); raises `ValueError` for too few of them.
    """
    from touchstone.methods.detectors.threshold import conformal_threshold

    return conformal_threshold(honest, false_alarms)


def trust(updates: Updates, trusted: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far each update agrees with the trusted one `(m,)`: the cosine, nothing for those that point away."""
    return np.maximum(_cosine(updates, trusted), 0.0)


def trusted_mean(updates: Updates, trusted: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean of the updates `(w,)`, each brought to the trusted one's length and weighted by its trust (FLTrust).

    Zero where nobody is trusted: a round without a step.
    """
    weights = trust(updates, trusted)
    total = float(weights.sum())
    if total == 0.0:
        return np.zeros_like(trusted)
    lengths = np.linalg.norm(updates, axis=1)
    scaled = updates / np.where(lengths > 0, lengths, 1.0)[:, None] * np.linalg.norm(trusted)
    return np.asarray(weights @ scaled / total)


@dataclass(frozen=True, slots=True)
class Memory:
    """What is remembered of each client: a sum of ranks in which older rounds count less, and its variance."""

    sums: NDArray[np.float64]
    variance: float

    @property
    def z(self) -> NDArray[np.float64]:
        """In standard deviations of a client whose rank is drawn by lot each round `(m,)`."""
        return self.sums / np.sqrt(self.variance) if self.variance else self.sums


def remember(memory: Memory | None, suspicion: NDArray[np.float64]) -> Memory:
    """Add a round. Ranks, not sizes: one wild round cannot condemn a client, being odd in every round does."""
    from scipy.stats import rankdata

    m = len(suspicion)
    centred = (rankdata(suspicion) - (m + 1) / 2) / np.sqrt((m * m - 1) / 12)
    if memory is None:
        return Memory(centred, 1.0)
    if len(memory.sums) != m:
        raise ValueError(f"{m} clients, of whom {len(memory.sums)} are remembered")
    return Memory(REMEMBERED * memory.sums + centred, REMEMBERED**2 * memory.variance + 1.0)


def _robust_z(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """In robust standard deviations from the median; values that hardly differ are not blown up."""
    middle = np.median(values)
    spread = _TOWARDS_NORMAL * np.median(np.abs(values - middle))
    return np.asarray((values - middle) / max(float(spread), 1e-9 + 1e-3 * abs(float(middle))))


def _cosine(updates: Updates, direction: NDArray[np.float64]) -> NDArray[np.float64]:
    lengths = np.linalg.norm(updates, axis=1) * np.linalg.norm(direction)
    return np.asarray(updates @ direction / np.where(lengths > 0, lengths, 1.0))


def _nearest_cosine(updates: Updates) -> NDArray[np.float64]:
    lengths = np.linalg.norm(updates, axis=1)
    units = updates / np.where(lengths > 0, lengths, 1.0)[:, None]
    similar = units @ units.T
    np.fill_diagonal(similar, -np.inf)
    return np.asarray(similar.max(axis=1))
