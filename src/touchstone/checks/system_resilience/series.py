"""The part of the adversarial check for time series: attackers of the physical world, beside the free one.

A change of every reading that jumps at every step is filtered out, or noticed. So the series that were attacked before
are attacked once more by a smooth disturbance within the same radius, and by sensor faults: one channel of several that
may read anything in its range, and a few single readings. What follows time is the last axis. Each rate has its own
tests: with everything allowed (nearly) all must break, with nothing allowed none.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from touchstone.checks.declaration import Run
from touchstone.checks.shares import share_metric
from touchstone.checks.system_resilience.attack_controls import UNFINISHED
from touchstone.checks.system_resilience.attacker import Attacker
from touchstone.errors import BudgetSpentError
from touchstone.methods.attacks.threat_model import AttackResult, Samples, ThreatModel
from touchstone.methods.attacks.time_series import (
    SensorFaults,
    SmoothThreat,
    sensor_fault_attack,
    smooth_attack,
    smooth_gradient_attack,
)
from touchstone.records import ControlRun, Metric, Note
from touchstone.text import Text

SWINGS: Final = 4.0
"""Radii that the ups and downs of a smooth disturbance may add up to in a channel: one wave up and down, and back."""
READINGS: Final = 0.02
"""Share of the readings that may be faulty, at least one."""
ITERATIONS: Final = 20
CONTROL_SAMPLES: Final = 30
NULL_QUERIES: Final = 20
POWER: Final = 0.9
"""Share that must break when everything may be changed."""

Rows = NDArray[np.int64]
Attack = Callable[[Rows, int], AttackResult]


@dataclass(frozen=True, slots=True)
class SeriesFindings:
    """What this part adds to the measurement of the check."""

    metrics: tuple[Metric, ...] = ()
    controls: tuple[ControlRun, ...] = ()
    warnings: tuple[Note, ...] = ()


def series_attacks(attacker: Attacker, run: Run, looks: int) -> SeriesFindings:
    """Attack the series that were attacked before.

    The bounds pay for the `looks`: how many series there are depends on what was seen.
    """
    series = _Series(attacker, run)
    rows, queries = attacker.attacked, attacker.parameters.queries
    smooth = series.smooth(series.disturbance(attacker.threat), gradients=True)(rows, queries)
    faults = series.faults(series.faulty())(rows, queries)
    metrics = (
        _rate("smooth_asr", smooth, looks, unfinished=attacker.spent is not None),
        _rate("sensor_fault_asr", faults, looks, unfinished=attacker.spent is not None),
    )
    return SeriesFindings(metrics, _controls(series, rows[:CONTROL_SAMPLES]), (_told(attacker, rows, smooth, faults),))


class _Series:
    """The attacks on the series of an attacker, with dice of their own."""

    def __init__(self, attacker: Attacker, run: Run) -> None:
        self.attacker = attacker
        self.seeds = run.generator("series").integers(2**62, size=attacker.samples)

    def disturbance(self, amplitude: ThreatModel) -> SmoothThreat:
        """The smooth attacker of that amplitude."""
        return SmoothThreat(amplitude, np.asarray(SWINGS * float(amplitude.epsilon.max())))

    def faulty(self) -> SensorFaults:
        """One channel of several, and a few readings, anywhere in the range that is legal or was seen."""
        shape = self.attacker.samples_at(np.arange(1)).shape[1:]
        channels = 1 if math.prod(shape[:-1]) > 1 else 0
        return self._faults(max(round(READINGS * math.prod(shape)), 1), channels)

    def everything_faulty(self) -> SensorFaults:
        """All readings of all channels."""
        shape = self.attacker.samples_at(np.arange(1)).shape[1:]
        return self._faults(math.prod(shape), math.prod(shape[:-1]))

    def _faults(self, readings: int, channels: int) -> SensorFaults:
        return SensorFaults(self.attacker.unlimited.low, self.attacker.unlimited.high, readings, channels)

    def smooth(self, threat: SmoothThreat, *, gradients: bool = False) -> Attack:
        """By search, and where gradients are given first along them."""

        def attack(rows: Rows, queries: int) -> AttackResult:
            x, y = self.attacker.samples_at(rows), self.attacker.y[rows]
            found = AttackResult(x.copy(), np.zeros(len(rows), dtype=bool), np.zeros(len(rows), dtype=np.int64))
            if gradients and self.attacker.gradients:
                found = smooth_gradient_attack(self._scores, self._gradient, x, y, threat, iterations=ITERATIONS)
            left = np.flatnonzero(~found.succeeded)
            again = smooth_attack(self._scores, x[left], y[left], threat, self.seeds[rows[left]], queries=queries)
            found.adversarial[left], found.succeeded[left] = again.adversarial, again.succeeded
            found.queries[left] += again.queries
            return self._confirmed(found, rows)

        return attack

    def faults(self, faults: SensorFaults) -> Attack:
        """By search."""

        def attack(rows: Rows, queries: int) -> AttackResult:
            x, y = self.attacker.samples_at(rows), self.attacker.y[rows]
            return self._confirmed(
                sensor_fault_attack(self._scores, x, y, faults, self.seeds[rows], queries=queries), rows
            )

        return attack

    def _confirmed(self, found: AttackResult, rows: Rows) -> AttackResult:
        """Only what a fresh question confirms, if the model may be asked another one."""
        places = np.flatnonzero(found.succeeded)
        with suppress(BudgetSpentError):
            found.succeeded[places] = self.attacker.labels(found.adversarial[places]) != self.attacker.y[rows[places]]
        return found

    def _scores(self, x: Samples) -> NDArray[np.float64]:
        """Scores; of a model that gives labels only, one for the class answered, which leaves a search to chance."""
        if self.attacker.scored:
            return self.attacker.scores(x)
        return np.eye(self.attacker.model.classes)[self.attacker.labels(x)]

    def _gradient(self, x: Samples, y: NDArray[np.int64]) -> Samples:
        gradient = self.attacker.model.gradient(self.attacker.original(x), y, "margin")
        return gradient.reshape(x.shape)


def _rate(name: str, result: AttackResult, looks: int, *, unfinished: bool) -> Metric:
    broken, n = int(result.succeeded.sum()), len(result.succeeded)
    return share_metric(name, broken, n, "lower", looks=looks, unfinished=unfinished)


def _controls(series: _Series, rows: Rows) -> tuple[ControlRun, ...]:
    """With everything allowed and with nothing allowed, by search alone: gradients have controls of their own."""
    attacker = series.attacker
    if attacker.spent is not None:
        return ()
    queries, anything = attacker.parameters.queries, series.disturbance(attacker.unlimited)
    smooth = int(series.smooth(anything)(rows, queries).succeeded.sum())
    faulty = int(series.faults(series.everything_faulty())(rows, queries).succeeded.sum())
    nowhere = series.smooth(series.disturbance(attacker.threat).scaled(0.0))(rows, NULL_QUERIES)
    nothing = series.faults(SensorFaults(attacker.unlimited.low, attacker.unlimited.high))(rows, NULL_QUERIES)
    false = int(nowhere.succeeded.sum() + nothing.succeeded.sum())
    least = POWER * len(rows)
    controls = (
        ControlRun(
            kind="planted",
            expected=Text(
                f"disturbances without limit and faults everywhere break at least {POWER:.0%} each",
                f"幅度不限的扰动与全部读数失真各自至少攻破 {POWER:.0%}",
            ),
            seen=Text(
                f"of {len(rows)} series {smooth} and {faulty} broken",
                f"{len(rows)} 条序列中分别攻破 {smooth} 与 {faulty} 条",
            ),
            passed=smooth >= least and faulty >= least,
        ),
        ControlRun(
            kind="null",
            expected=Text("no disturbance and no fault break nothing", "无扰动且无失真时不应攻破任何序列"),
            seen=Text(f"{false} broken", f"攻破 {false} 条"),
            passed=false == 0,
        ),
    )
    return controls if attacker.spent is None else (*controls, UNFINISHED)


def _told(attacker: Attacker, rows: Rows, smooth: AttackResult, faults: AttackResult) -> Note:
    """Which attack broke how many of the series."""
    free = Counter(find.attack for find in attacker.finds)
    named = ", ".join(f"{name} {count}" for name, count in sorted(free.items())) or "0"
    by_smooth, by_faults = int(smooth.succeeded.sum()), int(faults.succeeded.sum())
    several = math.prod(attacker.samples_at(np.arange(1)).shape[1:-1]) > 1
    english = "one channel or a few readings that may be anything" if several else "a few readings that may be anything"
    chinese = "单个通道或少量读数取任意合法值" if several else "少量读数取任意合法值"
    return Note(
        code="series-attacks",
        text=Text(
            f"of {len(rows)} series, free attacks within the radius broke: {named}; smooth disturbances within it "
            f"broke {by_smooth}; sensor faults ({english}) broke {by_faults}",
            f"{len(rows)} 条序列中，半径内的自由攻击攻破：{named}；半径内的平滑扰动攻破 {by_smooth} 条；"
            f"传感器失真（{chinese}）攻破 {by_faults} 条",
        ),
    )
