"""What explanations of some samples are worth: against orders by lot, and while the inputs waver."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from touchstone.checks.declaration import Run
from touchstone.checks.governance.explained_system import ExplainedSystem
from touchstone.checks.governance.explainer import DRAWN, Method
from touchstone.checks.system_resilience.inputs import Samples
from touchstone.methods.explanation.attribution import Attributions
from touchstone.methods.explanation.faithfulness import (
    Orders,
    deletion_area,
    insertion_area,
    most_important_first,
    random_orders,
)
from touchstone.methods.explanation.stability import rank_correlation, relative_change

LOTS: Final = 5
"""Random orders that an explanation is held against."""
WAVERS: Final = 2
"""Wavering inputs whose explanations are compared with that of the sample."""

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Worth:
    """Of one method, a value for every sample `(n,)`. Not a number where the answer did not stay, so nothing counts."""

    attributions: Attributions
    deletion_gain: Values
    insertion_gain: Values
    stability: Values
    change: Values
    """The largest, relative to the length of the explanation."""
    other_seed: Values | None
    """Rank correlation with the same method and other random numbers, where it draws any."""


def together(worths: Sequence[Worth]) -> Worth:
    """Of all samples of several portions."""
    seeds = [worth.other_seed for worth in worths if worth.other_seed is not None]
    return Worth(
        np.concatenate([worth.attributions for worth in worths]),
        np.concatenate([worth.deletion_gain for worth in worths]),
        np.concatenate([worth.insertion_gain for worth in worths]),
        np.concatenate([worth.stability for worth in worths]),
        np.concatenate([worth.change for worth in worths]),
        np.concatenate(seeds) if seeds else None,
    )


class Portion:
    """Samples that are explained together, and what their explanations are held against."""

    def __init__(self, system: ExplainedSystem, run: Run, places: slice) -> None:
        self.explainer, self.run = system.explainer, run
        self.name = f"{places.start}-{places.stop}"
        self.x = system.samples(places)
        self.y = system.model.labels(self.x)
        self.target = system.target(places)
        self.baseline = self.explainer.contrast.baselines(self.y)
        self.wavering = self._wavering(system)
        lots = run.generator(f"orders/{self.name}")
        by_lot = [random_orders(len(self.x), self.explainer.parts.count, lots) for _ in range(LOTS)]
        deleted = [self._deleted(orders) for orders in by_lot]
        self.by_lot: Values = np.mean(deleted, axis=0)
        """Area of an order by lot. Insertion is deletion backwards, and an order by lot is one by lot backwards too."""
        self.null_gain: Values = np.mean(deleted[1:], axis=0) - deleted[0]
        """What one order by lot gains over the others."""

    def worth(self, method: Method) -> Worth:
        """Explain, delete and insert in that order, and explain again what wavers."""
        attributions = self.explain(method, self.x)
        orders = most_important_first(attributions)
        stability, change = self._steadiness(method, attributions)
        again = None
        if method in DRAWN:
            dice = self.run.generator(f"again/{method}/{self.name}")
            again = rank_correlation(attributions, self.explainer.explain(method, self.x, self.y, dice))
        return Worth(
            attributions,
            self.by_lot - self._deleted(orders),
            self._inserted(orders) - self.by_lot,
            stability,
            change,
            again,
        )

    def explain(self, method: Method, x: Samples) -> Attributions:
        """With the same random numbers every time, so that only the input makes a difference."""
        return self.explainer.explain(method, x, self.y, self.run.generator(f"explain/{method}/{self.name}"))

    def _steadiness(self, method: Method, attributions: Attributions) -> tuple[Values, Values]:
        """Mean rank correlation and largest change over the wavering inputs whose answer stayed."""
        correlations = np.full((WAVERS, len(self.x)), np.nan)
        changes = np.full((WAVERS, len(self.x)), np.nan)
        for draw, (moved, kept) in enumerate(self.wavering):
            if kept.any():
                explained = self.explain(method, moved)
                correlations[draw, kept] = rank_correlation(attributions, explained)[kept]
                changes[draw, kept] = relative_change(attributions, explained)[kept]
        counted = np.maximum((~np.isnan(correlations)).sum(axis=0), 1)
        stayed = ~np.isnan(correlations).all(axis=0)
        mean = np.where(stayed, np.nansum(correlations, axis=0) / counted, np.nan)
        return mean, np.fmax.reduce(changes, axis=0)

    def _wavering(self, system: ExplainedSystem) -> list[tuple[Samples, NDArray[np.bool_]]]:
        """Inputs near the samples, and where the answer stayed; nowhere, if nothing can waver."""
        low, high = system.box(self.x)
        draws = []
        for draw in range(WAVERS):
            share = self.run.generator(f"waver/{draw}/{self.name}").random(self.x.shape, dtype=np.float32)
            moved = low + share * (high - low)
            kept = (system.model.labels(moved) == self.y) & bool(system.radius.any())
            draws.append((moved, kept))
        return draws

    def _deleted(self, orders: Orders) -> Values:
        explainer = self.explainer
        return deletion_area(explainer.odds, self.x, self.y, self.baseline, explainer.parts, orders)

    def _inserted(self, orders: Orders) -> Values:
        explainer = self.explainer
        return insertion_area(explainer.odds, self.x, self.y, self.baseline, explainer.parts, orders)
