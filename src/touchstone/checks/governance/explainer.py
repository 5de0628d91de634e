"""All attribution methods that a model allows, asked in one way: the model under test and the planted one alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from touchstone.methods.attacks.threat_model import Classes, Samples
from touchstone.methods.explanation.attribution import (
    Attributions,
    Odds,
    Slopes,
    gradient_shap,
    gradient_times_input,
    integrated_gradients,
    occlusion,
    smooth_gradients,
)
from touchstone.methods.explanation.contrast import Contrast
from touchstone.methods.explanation.parts import Parts
from touchstone.methods.explanation.shapley import shapley_values

Method = Literal[
    "occlusion", "shapley", "gradient_times_input", "integrated_gradients", "smooth_gradients", "gradient_shap"
]
GRADIENT_METHODS: Final[tuple[Method, ...]] = (
    "gradient_times_input",
    "integrated_gradients",
    "smooth_gradients",
    "gradient_shap",
)
DRAWN: Final[frozenset[Method]] = frozenset({"shapley", "smooth_gradients", "gradient_shap"})
"""Methods that draw random numbers, and so answer a little differently with every seed."""
SHAPLEY_ANSWERS: Final = 512
"""Answers that the Shapley values of one sample may cost, more only where two pairs of permutations cost more."""
MOST_PAIRS: Final = 8
SMOOTHING: Final = 0.15
"""Noise of SmoothGrad in standard deviations of each element."""


@dataclass(frozen=True, slots=True)
class Explainer:
    """A model, what its answers are held against, and the parts that explanations speak of."""

    odds: Odds
    slopes: Slopes | None
    contrast: Contrast
    parts: Parts
    table: bool

    @property
    def main(self) -> Method:
        """The method that limits speak of, chosen before anything is seen.

        Shapley values for tables, whose columns interact and have no neighbours; occlusion for pictures and series,
        where the many parts would make them too dear and where occlusion is the most stable of all.
        """
        return "shapley" if self.table else "occlusion"

    @property
    def methods(self) -> tuple[Method, ...]:
        """The main method first."""
        others: tuple[Method, ...] = ("occlusion",) if self.table else ()
        return (self.main, *others, *(() if self.slopes is None else GRADIENT_METHODS))

    def explain(self, method: Method, x: Samples, y: Classes, generator: np.random.Generator) -> Attributions:
        """Attributions `(n, P)` of the log-odds of the classes `y`."""
        if method == "occlusion":
            return occlusion(self.odds, x, y, self.contrast.baselines(y), self.parts)
        if method == "shapley":
            pairs = int(np.clip(SHAPLEY_ANSWERS // (2 * self.parts.count), 2, MOST_PAIRS))
            return shapley_values(self.odds, x, y, self.contrast.starts(y), self.parts, generator, pairs).values
        return self.parts.sums(self._by_gradients(method, x, y, generator))

    def _by_gradients(self, method: Method, x: Samples, y: Classes, generator: np.random.Generator) -> Samples:
        slopes = self.slopes
        assert slopes is not None  # noqa: S101 - `methods` offers these with slopes only
        if method == "gradient_times_input":
            return gradient_times_input(slopes, x, y, self.contrast.baselines(y))
        if method == "integrated_gradients":
            return integrated_gradients(slopes, x, y, self.contrast.baselines(y))
        if method == "smooth_gradients":
            spread: NDArray[np.float64] = SMOOTHING * self.contrast.background.std(axis=0, dtype=np.float64)
            return smooth_gradients(slopes, x, y, self.contrast.baselines(y), spread, generator)
        return gradient_shap(slopes, x, y, self.contrast.starts(y), generator)
