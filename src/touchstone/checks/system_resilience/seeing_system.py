"""A system that sees pictures, as the physical check asks it: its answers, its range, and what is attacked."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from touchstone.checks.declaration import Run
from touchstone.checks.system_resilience.abstention import abstention_of
from touchstone.checks.system_resilience.inputs import Layout, Samples, may_be_shown, normal_inputs, value_range
from touchstone.methods.attacks.patch.judging import usual_margin
from touchstone.methods.attacks.patch.patch_climb import Slope
from touchstone.methods.attacks.patch.views import Pictures
from touchstone.methods.attacks.threat_model import Classes
from touchstone.system.models.handle import Capability
from touchstone.system.subject import Subject

RESERVED_SHARE: Final = 0.25
"""Most of the test data that universal patches are made on, where there are no other data."""

Rows = NDArray[np.int64]


class SeeingSystem:
    """The model, the pictures to attack in random order, and other pictures to make patches on."""

    def __init__(self, subject: Subject, run: Run, *, samples: int, others: int) -> None:
        data, specification = subject.data("test"), subject.description.model.input
        assert data.target is not None  # noqa: S101 - the plan gives this check labelled data only
        self.model = subject.model()
        self.asked_before = self.model.queries
        self.layout = Layout(specification, data.inputs.shape[1:])
        self.shown = may_be_shown(subject)
        self.abstention = abstention_of(subject)
        self.inputs = data.inputs
        normal = normal_inputs(subject, data)
        self.range = value_range(specification, normal)
        order = run.generator("order").permutation(len(data))
        reserved = min(others, int(RESERVED_SHARE * len(data))) if normal is data.inputs else 0
        self.samples = min(len(data) - reserved, samples)
        self.order, self.y = order[: self.samples], data.target[order[: self.samples]]
        self.seeds = run.generator("attack").integers(2**53, size=self.samples)
        elsewhere = order[len(order) - reserved :] if reserved else run.generator("others").permutation(len(normal))
        x = self.layout.channels_first(normal[elsewhere[:others]])
        self.others = Pictures(x, self.labels(x), self.range.low, self.range.high)
        """Of these the model's own answers are taken for right."""
        self.scale = usual_margin(self.scores, self.others.x, self.others.y) if self.scored else 1.0
        self.slope = self._slope() if Capability.GRADIENTS in self.model.capabilities else None

    @property
    def scored(self) -> bool:
        """Whether answers come with scores."""
        return bool({Capability.PROBABILITIES, Capability.LOGITS} & self.model.capabilities)

    def samples_at(self, rows: Rows) -> Samples:
        """The unchanged samples, channels first."""
        return self.layout.channels_first(self.inputs[self.order[rows]])

    def pictures_at(self, rows: Rows) -> Pictures:
        """The same, with what a patch needs to know about them."""
        return Pictures(self.samples_at(rows), self.y[rows], self.range.low, self.range.high)

    def labels(self, x: Samples) -> Classes:
        """Predicted classes."""
        return self.model.labels(self.layout.original(x))

    def scores(self, x: Samples) -> NDArray[np.float64]:
        """Logits, or logarithms of probabilities."""
        if Capability.LOGITS in self.model.capabilities:
            return self.model.logits(self.layout.original(x))
        return np.log(np.maximum(self.model.probabilities(self.layout.original(x)), np.finfo(np.float64).tiny))

    def _slope(self) -> Slope:
        from touchstone.checks.system_resilience.white_box import WhiteBox
        from touchstone.methods.attacks.patch.slope import slope_of

        return slope_of(WhiteBox(self.model, self.layout, seed=0).model, self.scale, self.abstention)
