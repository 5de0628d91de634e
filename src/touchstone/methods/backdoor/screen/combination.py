"""What is unusual about a suspect's responses beside those of its references, in one number for each of them.

Responses are compared one by one: this very change and class, in models of the same task. So a class that lies near
another by nature is no news, and one that only the suspect turns to stands out, be it for pictures of one class alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

NORMAL = 1.4826
"""From a median absolute deviation to the standard deviation of a normal distribution."""
LARGEST = 3
"""How many of the most unusual responses of a kind are averaged: a mark that is met in part moves several of them."""
TINY = 1e-9
"""Added to every spread: responses that do not differ at all are not unusual."""

Responses = Mapping[str, NDArray[np.float64]]
"""For each kind of change, the response to each change and class `(changes, K)`."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """How unusual a suspect is, and how unusual each reference is among all of them."""

    score: float
    """Of the kind of change that is most unusual, in robust standard deviations; higher is more suspicious."""
    references: NDArray[np.float64]
    """The same of each reference `(n,)`."""
    kinds: dict[str, float]
    """The suspect's score for each kind of change."""
    target: int
    """The class whose responses are most unusual in the kind that is most unusual."""


def compare(suspect: Responses, references: Sequence[Responses]) -> Comparison:
    """Compare a suspect with its references.

    Centre and spread are taken of the suspect and the references together. That makes the suspect one of n + 1 models
    that are treated alike, so that a conformal p-value of the result holds exactly; taken of the references alone it
    would hold only nearly. Of several kinds the largest score counts and not their mean: a mark is of one kind, and the
    others would only add noise.
    """
    unusual, targets = {}, {}
    for kind in suspect:
        z = _unusual(np.stack([models[kind] for models in (suspect, *references)]))
        each = np.sort(z.reshape(len(z), -1), axis=1)[:, -LARGEST:].mean(axis=1)
        unusual[kind] = _standardised(each)
        targets[kind] = int(z[0].max(axis=0).argmax())
    kinds = {kind: float(values[0]) for kind, values in unusual.items()}
    scores = np.max(list(unusual.values()), axis=0)
    return Comparison(float(scores[0]), scores[1:], kinds, targets[max(kinds, key=kinds.__getitem__)])


def anomaly_index(values: NDArray[np.float64]) -> float:
    """How far the largest of one model's classes lies from their median, in robust standard deviations.

    The verdict of Wang et al. 2019 at "above 2". Within one model of a few classes it is no test: kept to compare with
    what other tools print.
    """
    return float(_standardised(values).max())


def _unusual(responses: NDArray[np.float64]) -> NDArray[np.float64]:
    """Robust z-values of each response `(models, changes, K)` among all models.

    The spread of the usual response is added to each: where all models agree by chance, a hair's breadth would stand
    out (Tusher et al. 2001 do the same with thousands of genes).
    """
    away = responses - np.median(responses, axis=0)
    spread = NORMAL * np.median(np.abs(away), axis=0)
    return np.asarray(away / (spread + np.median(spread) + TINY))


def _standardised(values: NDArray[np.float64]) -> NDArray[np.float64]:
    away = values - np.median(values)
    return np.asarray(away / (NORMAL * np.median(np.abs(away)) + TINY))
