"""Inputs that arrive while a model is in use: does one carry a trigger, judged beside vetted samples of its answer?

    record = fit(layers, labels, held_out_layers, held_out_answers)     # vetted samples, and copies under benign shift
    stream = Stream(record)
    alarms = stream.alarms(layers_of_inputs, answers)

A benign shift (dusk, a noisy sensor) makes every input stranger, a trigger only some. Two things keep a shift from
being taken for an attack: shifted copies of the vetted samples belong into both the fit and the held-out part, and what
the middle of the stream has moved by is taken off every score. A stream that has moved far is reported as such, since
whoever triggers most of the inputs moves its middle too. Alarms are for quarantine, not for blocking.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from touchstone.methods.backdoor.rows.reference import SHRINKAGE, Features, Labels
from touchstone.methods.detectors.threshold import FALSE_ALARMS, conformal_threshold

WINDOW = 200
"""Latest scores that show how far the stream has moved."""
LEAST_WINDOW = 30
"""Scores below which nothing is taken off: a median of fewer moves too much by itself."""


@dataclass(frozen=True, slots=True)
class _Layer:
    spread: NDArray[np.float64]
    means: Features
    """`(K, d)`, in units of the spread."""
    precision: Features


@dataclass(frozen=True, slots=True)
class LiveReference:
    """What inputs are compared with. Scores of inputs nobody tampered with exceed `threshold` seldom enough."""

    layers: tuple[_Layer, ...]
    usual: float
    """The middle of the held-out scores."""
    threshold: float
    farthest: float
    """How far above `usual` the middle of an undisturbed window stays: a tenth of the held-out scores lie higher."""


def fit(
    vetted: Sequence[Features],
    labels: Labels,
    held_out: Sequence[Features],
    answers: Labels,
    *,
    false_alarms: float = FALSE_ALARMS,
) -> LiveReference:
    """From features of vetted samples `(n, d)`, layer by layer, with labels `(n,)`, and of others with model answers.

    Copies of vetted samples under the shifts to be borne go into both parts, with the label of the original; a sample
    and its copies belong into the same part. Raises `ValueError` for a class without vetted samples.
    """
    classes = int(max(labels.max(), answers.max())) + 1
    if np.bincount(labels, minlength=classes).min() == 0:
        raise ValueError("vetted samples of every class expected")
    layers = tuple(_fit(layer, labels, classes) for layer in vetted)
    scores = _scores(layers, held_out, answers)
    usual = float(np.median(scores))
    return LiveReference(
        layers, usual, conformal_threshold(scores, false_alarms), float(np.quantile(scores, 0.9)) - usual
    )


def score(record: LiveReference, layers: Sequence[Features], answers: Labels) -> NDArray[np.float64]:
    """How strange inputs are among vetted samples of the class the model answers `(n,)`; higher is stranger."""
    return _scores(record.layers, layers, answers)


class Stream:
    """One source of inputs, in the order in which they come: its latest scores are kept, nothing else."""

    def __init__(self, record: LiveReference) -> None:
        self._record = record
        self._latest: deque[float] = deque(maxlen=WINDOW)

    @property
    def moved(self) -> float:
        """How far the middle of the window lies above the usual score; zero where it lies below or is unknown."""
        if len(self._latest) < LEAST_WINDOW:
            return 0.0
        return max(0.0, float(np.median(self._latest)) - self._record.usual)

    @property
    def drifted(self) -> bool:
        """Whether the stream as a whole is no longer what was vetted: single alarms then mean little."""
        return self.moved > self._record.farthest

    def alarms(self, layers: Sequence[Features], answers: Labels) -> NDArray[np.bool_]:
        """Which of the next inputs to look at `(n,)`; they count for the window before they are judged."""
        found = score(self._record, layers, answers)
        self._latest.extend(found.tolist())
        return np.asarray(found - min(self.moved, self._record.farthest) > self._record.threshold)


def _fit(vetted: Features, labels: Labels, classes: int) -> _Layer:
    spread = vetted.std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    scaled = vetted / spread
    means = np.stack([scaled[labels == one].mean(axis=0) for one in range(classes)])
    residuals = scaled - means[labels]
    covariance = residuals.T @ residuals / len(vetted) + SHRINKAGE * np.eye(vetted.shape[1])
    return _Layer(spread, means, np.asarray(np.linalg.inv(covariance), dtype=np.float64))


def _scores(fitted: Sequence[_Layer], layers: Sequence[Features], answers: Labels) -> NDArray[np.float64]:
    total = np.zeros(len(answers))
    for layer, x in zip(fitted, layers, strict=True):
        away = x / layer.spread - layer.means[answers]
        total += np.log(((away @ layer.precision) * away).sum(axis=1) + np.finfo(np.float64).tiny)
    return total
