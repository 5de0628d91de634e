"""Bounds of a share when answers come in clusters: several people before one case, or many cases before one person.

Answers inside a cluster go together, so they are no independent trials; the clusters are. What is bounded is the mean,
over clusters, of the share within a cluster.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np

from touchstone.statistics import CONFIDENCE, mean_bounds, proportion_bounds


class ClusteredShare(NamedTuple):
    """A share with one-sided bounds, over `clusters` independent units."""

    value: float
    low: float
    high: float
    clusters: int
    method: str


def clustered_share(
    successes: Sequence[bool], clusters: Sequence[Hashable], *, confidence: float = CONFIDENCE
) -> ClusteredShare:
    """The share of successes, averaged over the clusters that each of them belongs to. None gives (0, 0, 1).

    With one answer to a cluster the bounds are Clopper-Pearson's: they also hold, for the average chance, if the
    chances differ between clusters (Hoeffding 1956, Annals of Mathematical Statistics 27). Otherwise a cluster is worth
    its mean, a number between 0 and 1, and the bounds are those of a mean.
    """
    if len(successes) != len(clusters):
        raise ValueError(f"{len(successes)} successes in {len(clusters)} clusters")
    places = {cluster: place for place, cluster in enumerate(dict.fromkeys(clusters))}
    if not places:
        return ClusteredShare(0.0, 0.0, 1.0, 0, "clopper-pearson")
    of = np.array([places[cluster] for cluster in clusters])
    answers = np.bincount(of)
    means = np.bincount(of, weights=np.asarray(successes, dtype=np.float64)) / answers
    if answers.max() == 1:
        bounds, method = proportion_bounds(int(means.sum()), len(means), confidence=confidence), "clopper-pearson"
    else:
        bounds, method = mean_bounds(np.clip(means, 0.0, 1.0), confidence=confidence), "betting/clusters"
    return ClusteredShare(float(means.mean()), *bounds, len(means), method)
