"""A system as its explanations see it: answers to explain, parts of an input, and how far an input may waver."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from touchstone.checks.declaration import Run
from touchstone.checks.governance.explainer import Explainer
from touchstone.checks.system_resilience.inputs import Layout, Samples, normal_inputs, value_range
from touchstone.methods.attacks.threat_model import Classes, interquartile_threat
from touchstone.methods.explanation.attribution import Odds, Slopes, log_odds
from touchstone.methods.explanation.contrast import Contrast
from touchstone.methods.explanation.parts import Parts, cells, columns, stretches
from touchstone.records import Access
from touchstone.system.models.handle import Capability, ConfirmedGradients, ModelHandle
from touchstone.system.subject import Subject
from touchstone.text import Text

SAMPLES: Final = {"quick": 200, "standard": 400, "full": 1000}
"""Most samples per budget."""
BACKGROUND: Final = 200
"""Samples that show what is usual."""
CONFIRMED: Final = 30
"""Samples on which the function of tensors is compared with the model."""
CELLS_ACROSS: Final = 8
MOST_STRETCHES: Final = 64
PICTURE_WAVER: Final = 0.02
"""Of the range of pixel values: no person sees it."""
WAVER: Final = 0.05
"""Of the interquartile range of a column or reading: what an instrument is usually off by."""


class ExplainedSystem:
    """The samples in random order, and the explainer of the model's own answers to them."""

    def __init__(self, subject: Subject, run: Run) -> None:
        data, self.specification = subject.data("test"), subject.description.model.input
        self.model = subject.model()
        self.layout = Layout(self.specification, data.inputs.shape[1:])
        normal = normal_inputs(subject, data)
        self.rows = run.generator("order").permutation(len(data))
        self.most = min(len(data), SAMPLES[run.budget])
        """Samples that are explained at most."""
        self._inputs, self._target = data.inputs, data.target
        background = normal[run.generator("background").permutation(len(normal))[:BACKGROUND]]
        self.range = value_range(self.specification, background)
        self.function, self.no_gradients = _function(self.model, subject.access, background[:CONFIRMED])
        odds, slopes = self._answers()
        contrast = Contrast(background, self.model.labels(background), self._centre)
        self.explainer = Explainer(odds, slopes, contrast, self._parts(), self.specification.kind == "tabular")
        self.radius = self._radius(background)

    def samples(self, places: slice) -> Samples:
        """Samples at these places of the order; copied only where they are worked on."""
        return np.asarray(self._inputs[self.rows[places]])

    def target(self, places: slice) -> Classes | None:
        """Their true classes, where the data have them."""
        return None if self._target is None else np.asarray(self._target[self.rows[places]])

    def box(self, x: Samples) -> tuple[Samples, Samples]:
        """How low and how high each element of these samples may waver."""
        low = np.maximum(x - self.radius, np.minimum(x, np.float32(self.range.low)))
        high = np.minimum(x + self.radius, np.maximum(x, np.float32(self.range.high)))
        return low.astype(np.float32), high.astype(np.float32)

    def names(self) -> list[str]:
        """What each part is called."""
        if self.explainer.table:
            return list(self.specification.columns or [f"column {part}" for part in range(self.explainer.parts.count)])
        first = [np.argwhere(self.explainer.parts.of == part)[0] for part in range(self.explainer.parts.count)]
        return ["/".join(str(place) for place in corner) for corner in first]

    def _answers(self) -> tuple[Odds, Slopes | None]:
        if self.function is not None:
            from touchstone.methods.explanation.white_box import answers_of

            return answers_of(self.function)
        if Capability.LOGITS in self.model.capabilities:
            return lambda x, y: _odds_of_scores(self.model.logits(x), y), None
        return lambda x, y: log_odds(self.model.probabilities(x), y), None

    def _parts(self) -> Parts:
        shape = self._inputs.shape[1:]
        if self.specification.kind == "tabular":
            return columns(shape[0])
        if self.specification.kind == "timeseries":
            return stretches(shape, MOST_STRETCHES)
        seen = cells(self.layout.channels_first(self._inputs[:1]).shape[1:], CELLS_ACROSS).of
        return Parts(self.layout.original(seen[None].astype(np.float32))[0].astype(np.int64))

    def _centre(self, x: Samples) -> Samples:
        """One sample of several: the median of every column, the mean of every channel."""
        if self.specification.kind == "tabular":
            return np.asarray(np.median(x, axis=0), dtype=np.float32)
        if self.specification.kind == "timeseries":
            mean = x.mean(axis=(0, -1), keepdims=True, dtype=np.float64)[0]
            return np.broadcast_to(mean, x.shape[1:]).astype(np.float32)
        seen = self.layout.channels_first(x)
        mean = np.broadcast_to(seen.mean(axis=(0, 2, 3), keepdims=True, dtype=np.float64), (1, *seen.shape[1:]))
        return np.asarray(self.layout.original(mean.astype(np.float32))[0])

    def _radius(self, background: Samples) -> Samples:
        if self.specification.kind == "image":
            return np.full(background.shape[1:], PICTURE_WAVER * (self.range.high - self.range.low), dtype=np.float32)
        return interquartile_threat(background, WAVER, self.range.low, self.range.high).epsilon.astype(np.float32)


def _function(model: ModelHandle, access: Access, x: Samples) -> tuple[Callable[[Any], Any] | None, Text | None]:
    """The model as a function of tensors, or why there is none."""
    if access is not Access.ARTEFACT:
        return None, Text("the model is not handed in, only asked", "未提交模型本身，仅可询问")
    if isinstance(model, ConfirmedGradients):
        why = model.no_gradients or model.confirm_gradients(x)
        if why is not None:
            return None, why
    if Capability.GRADIENTS not in model.capabilities:
        return None, Text("a model of this kind has no gradients", "该类模型没有梯度")
    return model.differentiable(), None


def _odds_of_scores(scores: NDArray[np.float64], y: Classes) -> NDArray[np.float64]:
    from scipy.special import logsumexp

    own = np.arange(len(y)), y
    others = scores.copy()
    others[own] = -np.inf
    return np.asarray(scores[own] - logsumexp(others, axis=1))
