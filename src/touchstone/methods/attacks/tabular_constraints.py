"""What somebody who holds a row of a table can change in it: kinds of columns, rules between them, costs, a budget.

Ghamizi et al. 2020 ("Search-based adversarial testing and improvement of constrained credit scoring systems") and
Simonetto et al. 2022 ("A unified framework for adversarial attack and defense in constrained feature space") showed
that attacks which ignore this find rows that nobody can hand in. Every limit is relative to the row as it is: a row
that already breaks a bound or rule may stay there but not go further, so the row itself is always legal.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from touchstone.methods.attacks.threat_model import Samples, ThreatModel

REPAIRS: Final = 8
"""Times that all rules are gone through to mend a row."""
SHRINKS: Final = 20
"""Halvings of a change that rules or budget do not allow."""
FURTHER: Final = 10.0
"""How many times further a column without bounds may go when the limits are loosened."""
_ROUNDING: Final = 1 - 1e-6


@dataclass(frozen=True, slots=True)
class OneHot:
    """Columns of which exactly one is 1, the others 0; another category costs `cost`."""

    name: str
    columns: NDArray[np.int64]
    cost: float = 0.0


@dataclass(frozen=True, slots=True)
class Rule:
    """The sum of `weights * row` is at most `bound`."""

    weights: NDArray[np.float64]
    bound: float

    def value(self, x: Samples) -> NDArray[np.float64]:
        """The left side for every row, added up in the order of the columns whatever the batch."""
        return _weighted(self.weights, x.astype(np.float64))


@dataclass(frozen=True, slots=True)
class Change:
    """What was changed: a number by `difference` units, or a category from `before` to `after`."""

    name: str
    difference: float = 0.0
    unit: str = ""
    before: str = ""
    after: str = ""

    def __str__(self) -> str:
        if self.after:
            return f"{self.name}: {self.before or '-'} → {self.after}"
        sign = "+" if self.difference > 0 else "−"
        return f"{self.name} {sign} {abs(self.difference):,.6g} {self.unit}".rstrip()


@dataclass(frozen=True, slots=True)
class TabularConstraints:
    """Legal rows `(n, d)` around each row.

    `reach` is finite: how far a column may move; zero for one that is immutable or in a group of `groups`. A column
    with a positive `step` moves by whole multiples of it. `rise` and `fall` say in which directions columns may move.
    A change costs `cost` per unit and column, and all changes of a row at most `budget`.
    """

    names: tuple[str, ...]
    reach: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    step: NDArray[np.float64]
    rise: NDArray[np.bool_]
    fall: NDArray[np.bool_]
    cost: NDArray[np.float64]
    groups: tuple[OneHot, ...] = ()
    rules: tuple[Rule, ...] = ()
    budget: float = np.inf
    units: tuple[str, ...] = field(default=())

    @property
    def movable(self) -> NDArray[np.int64]:
        """Columns that move by themselves."""
        return np.flatnonzero(self.reach > 0)

    def scaled(self, factor: float) -> Self:
        """The same attacker with `factor` times the reach and the budget; with none of either for zero."""
        if factor == 0:
            return replace(self, reach=np.zeros_like(self.reach), groups=())
        return replace(self, reach=self.reach * factor, budget=self.budget * factor)

    def loosened(self) -> Self:
        """Without reach and budget: every row that could exist, for a search that starts far away."""
        width = np.where(np.isfinite(self.high - self.low), self.high - self.low, FURTHER * self.reach)
        return replace(self, reach=np.where(self.reach > 0, np.maximum(self.reach, width), 0.0), budget=np.inf)

    def box(self, x: Samples) -> tuple[Samples, Samples]:
        """Smallest and largest value of every column that moves by itself, rules and budget aside."""
        lower, upper = ThreatModel(self.reach, self.low, self.high).box(x)
        return np.where(self.fall, lower, x), np.where(self.rise, upper, x)

    def price(self, x: Samples, changed: Samples) -> NDArray[np.float64]:
        """What turning each row of `x` into the one of `changed` costs; shape `(n,)`."""
        price = _weighted(self.cost, np.abs(changed.astype(np.float64) - x))
        for group in self.groups:
            price += group.cost * (changed[:, group.columns] != x[:, group.columns]).any(axis=1)
        return price

    def contains(self, x: Samples, changed: Samples) -> NDArray[np.bool_]:
        """Whether each row of `changed` is one that this attacker could have made of the row of `x`; exact."""
        lower, upper = self.box(x)
        grouped = np.isin(np.arange(x.shape[1]), self._grouped())
        inside = ((lower <= changed) & (changed <= upper)) | grouped
        legal: NDArray[np.bool_] = inside.all(axis=1) & (changed == self._on_grid(x, changed, lower, upper)).all(axis=1)
        for group in self.groups:
            own, other = x[:, group.columns], changed[:, group.columns]
            legal &= _one_hot(other) | (own == other).all(axis=1)
        for rule in self.rules:
            legal &= rule.value(changed) <= np.maximum(rule.bound, rule.value(x))
        legal &= self.price(x, changed) <= self.budget
        return legal

    def project(self, x: Samples, candidate: Samples) -> Samples:
        """A legal row near each candidate: itself where it is legal, in the worst case the row of `x`.

        Bounds, steps and categories are met exactly and at the least distance; rules are met by moving columns that
        have room, and what is still too much is drawn back towards `x`.
        """
        result = np.where(np.isfinite(candidate), candidate, x).astype(np.float32)
        wrong = np.flatnonzero(~self.contains(x, result))
        if wrong.size:
            result[wrong] = self._legal(x[wrong], result[wrong])
        return result

    def changes(self, x: Samples, changed: Samples) -> tuple[Change, ...]:
        """What differs between one row `(d,)` and what became of it, in words."""
        units = self.units or ("",) * len(self.names)
        found = [
            Change(self.names[column], difference=float(changed[column]) - float(x[column]), unit=units[column])
            for column in self.movable
            if changed[column] != x[column]
        ]
        for group in self.groups:
            if (changed[group.columns] != x[group.columns]).any():
                before, after = (
                    ", ".join(self.names[column] for column in group.columns if row[column] == 1)
                    for row in (x, changed)
                )
                found.append(Change(group.name, before=before, after=after))
        return tuple(found)

    def _grouped(self) -> list[int]:
        return [int(column) for group in self.groups for column in group.columns]

    def _legal(self, x: Samples, candidate: Samples) -> Samples:
        lower, upper = self.box(x)
        point = self._snapped(x, candidate, lower, upper)
        self._mend(x, point, lower, upper)
        wrong = np.flatnonzero(~self.contains(x, point))
        if wrong.size:
            point[wrong] = self._drawn_back(x[wrong], point[wrong], lower[wrong], upper[wrong])
        return point

    def _snapped(self, x: Samples, point: Samples, lower: Samples, upper: Samples) -> Samples:
        """The nearest row that keeps every bound, step and category."""
        snapped = self._on_grid(x, np.clip(point, lower, upper), lower, upper)
        for group in self.groups:
            own, wanted = x[:, group.columns], point[:, group.columns]
            nearest = np.eye(len(group.columns), dtype=np.float32)[wanted.argmax(axis=1)]
            stays = (wanted * own).max(axis=1) >= wanted.max(axis=1)  # between two categories, the row keeps its own
            stays = (stays & _one_hot(own)) | (own == wanted).all(axis=1)
            snapped[:, group.columns] = np.where(stays[:, None], own, nearest)
        return snapped

    def _on_grid(self, x: Samples, point: Samples, lower: Samples, upper: Samples) -> Samples:
        """Columns that have a step moved to its nearest multiple inside the box."""
        stepped = np.flatnonzero(self.step > 0)
        result = point.copy()
        if stepped.size:
            origin, step = x[:, stepped].astype(np.float64), self.step[stepped]
            steps = np.rint((point[:, stepped] - origin) / step)
            moved = (origin + steps * step).astype(np.float32)
            steps -= moved > upper[:, stepped]
            steps += moved < lower[:, stepped]
            result[:, stepped] = origin + steps * step
        return result

    def _mend(self, x: Samples, point: Samples, lower: Samples, upper: Samples) -> None:
        """Move columns that have room, in place, until the rules hold or nothing more can be done."""
        limits = [np.maximum(rule.bound, rule.value(x)) for rule in self.rules]
        for _ in range(REPAIRS):
            whole = True
            for rule, limit in zip(self.rules, limits, strict=True):
                excess = rule.value(point) - limit
                bad = np.flatnonzero(excess > 0)
                if bad.size:
                    whole = False
                    point[bad] = self._pushed(rule, excess[bad], x[bad], point[bad], lower[bad], upper[bad])
            if whole:
                break

    def _pushed(
        self,
        rule: Rule,
        excess: NDArray[np.float64],
        x: Samples,
        point: Samples,
        lower: Samples,
        upper: Samples,
    ) -> Samples:
        """Every column of the rule gives way by the same share of its room, rounded to the legal side."""
        result = point.copy()
        columns = np.flatnonzero((rule.weights != 0) & (self.reach > 0))
        weights = rule.weights[columns]
        here = point[:, columns].astype(np.float64)
        room = np.where(weights > 0, here - lower[:, columns], upper[:, columns] - here)
        share = excess / np.maximum(_weighted(np.abs(weights), room), 1e-300)
        wanted = here - np.sign(weights) * np.minimum(share, 1.0)[:, None] * room
        result[:, columns] = np.clip(
            _rounded(wanted, -np.sign(weights), x[:, columns].astype(np.float64), self.step[columns]),
            lower[:, columns],
            upper[:, columns],
        )
        return self._on_grid(x, result, lower, upper)

    def _drawn_back(self, x: Samples, point: Samples, lower: Samples, upper: Samples) -> Samples:
        """The largest share of each change that is legal, as far as halving finds it."""
        legal, near, far = x.copy(), np.zeros(len(x)), np.ones(len(x))
        price = self.price(x, point)
        share = np.where(price > self.budget, _ROUNDING * self.budget / np.maximum(price, 1e-300), 0.5)
        for _ in range(SHRINKS):
            between = (x + share[:, None] * (point.astype(np.float64) - x)).astype(np.float32)
            trial = self._snapped(x, between, lower, upper)
            good = self.contains(x, trial)
            legal[good] = trial[good]
            near, far = np.where(good, share, near), np.where(good, far, share)
            share = (near + far) / 2
        return legal


def _weighted(weights: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sums over the last axis, column by column: a row's sum must not depend on how many rows there are."""
    total = np.zeros(len(values))
    for column in np.flatnonzero(weights):
        total += weights[column] * values[:, column]
    return total


def _one_hot(values: Samples) -> NDArray[np.bool_]:
    only: NDArray[np.bool_] = ((values == 0) | (values == 1)).all(axis=1) & (values.sum(axis=1) == 1)
    return only


def _rounded(
    wanted: NDArray[np.float64], side: NDArray[np.float64], origin: NDArray[np.float64], step: NDArray[np.float64]
) -> Samples:
    """Float32 values on the `side` (-1 below, 1 above) of the wanted ones, on the grid where there is a step."""
    steps = (wanted - origin) / np.where(step > 0, step, 1.0)
    gridded = origin + np.where(side < 0, np.floor(steps), np.ceil(steps)) * step
    exact = np.where(step > 0, gridded, wanted)
    rounded = exact.astype(np.float32)
    beyond = np.where(side < 0, rounded > wanted, rounded < wanted)
    return np.where(beyond, np.nextafter(rounded, np.float32(side * np.inf)), rounded)
