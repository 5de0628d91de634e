"""Does confidence fall when accuracy falls? Calibration on inputs corrupted at severity 3, for information.

A model may be calibrated on clean data and state the same confidence in fog, where it is wrong more often (Ovadia et
al. 2019, NeurIPS). Whoever abstains or calls a person below some confidence relies on its falling. Measured is, on the
same samples, how much less the stated confidence falls than the accuracy does, over all families that fit the inputs.
Where one of the classes means “I do not answer this”, also how much more often it is answered; such an answer states no
confidence, and is neither right nor sure.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from touchstone.checks.declaration import Run
from touchstone.checks.system_resilience.abstention import abstention_of
from touchstone.checks.system_resilience.faults import Faults
from touchstone.checks.system_resilience.inputs import portions
from touchstone.errors import UnavailableError
from touchstone.methods.attacks.patch.judging import NONE
from touchstone.methods.calibration import (
    equal_mass_bins,
    expected_calibration_error,
    expected_calibration_error_bounds,
    reliability,
    top_label,
)
from touchstone.records import ControlRun, Metric, Note
from touchstone.statistics import mean_bounds
from touchstone.system.subject import Subject
from touchstone.text import Text

SAMPLES = {"quick": 100, "standard": 400, "full": 1000}
"""Most samples per budget."""
SEVERITY = 3
LARGEST_LAG = 2.0
"""Accuracy and confidence of a sample each change by one at most."""
PLANTED_SHARE = 0.5
"""Share of right answers that the planted control makes wrong while the confidence stays."""


@dataclass(frozen=True, slots=True)
class UnderShift:
    """What was measured on corrupted inputs, or why it could not be."""

    metrics: tuple[Metric, ...] = ()
    controls: tuple[ControlRun, ...] = ()
    warnings: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class _Answers:
    """Stated probability of each answer, whether it is right, and whether it is none; arrays `(n,)`."""

    confidence: NDArray[np.float64]
    correct: NDArray[np.bool_]
    abstained: NDArray[np.bool_]


def calibration_under_shift(subject: Subject, run: Run, bins: int) -> UnderShift:
    """Calibration error and lag of confidence for every family, and the lag over all of them.

    Nothing for texts, which no sensor spoils, and for predictions computed beforehand; a note where these inputs
    cannot be corrupted.
    """
    model = subject.description.model
    if model.format == "predictions" or model.input.kind == "text":
        return UnderShift()
    test = subject.data("test")
    try:
        faults = Faults(subject, test, run)
    except UnavailableError as reason:
        return UnderShift(warnings=(Note(code="shift-not-measured", text=reason.what),))
    rows = run.generator("shift").permutation(len(test))[: SAMPLES[run.budget]]
    first = faults.families[0]
    clean = _answers(subject, faults, rows, first, 0)
    corrupted = {family: _answers(subject, faults, rows, family, SEVERITY) for family in faults.families}
    again = _answers(subject, faults, rows, first, 0)
    return UnderShift(
        metrics=(
            _lag(clean, list(corrupted.values()), None),
            *(() if abstention_of(subject) == NONE else (_abstention_rise(clean, list(corrupted.values())),)),
            *(metric for name, answers in corrupted.items() for metric in _of_family(name, clean, answers, bins)),
        ),
        controls=(_nothing_happened(clean, again), _stubborn(clean, run.generator("stubborn confidence"))),
    )


def _answers(subject: Subject, faults: Faults, rows: NDArray[np.int64], family: str, severity: int) -> _Answers:
    test = subject.data("test")
    assert test.target is not None  # noqa: S101 - the check has refused unlabelled data before
    parts = []
    for portion in portions(rows, test.inputs[0].size):
        x = faults.apply(family, severity, test.inputs[portion], portion)
        parts.append(subject.model().probabilities(x))
    probabilities, target = np.concatenate(parts), test.target[rows]
    confidence, correct = top_label(probabilities, target)
    abstained = (probabilities.argmax(axis=1) == abstention_of(subject)) & ~correct
    return _Answers(np.where(abstained, 0.0, confidence), correct, abstained)


def _of_family(family: str, clean: _Answers, corrupted: _Answers, bins: int) -> tuple[Metric, ...]:
    bin_of = equal_mass_bins(corrupted.confidence, bins)
    low, high = expected_calibration_error_bounds(corrupted.confidence, corrupted.correct, bin_of)
    error = Metric(
        id="expected_calibration_error",
        unit="ece",
        value=expected_calibration_error(reliability(corrupted.confidence, corrupted.correct, bin_of)),
        low=low,
        high=high,
        method="empirical-bernstein/bin-signs",
        n=len(bin_of),
        better="lower",
        slice=f"{family}/{SEVERITY}",
    )
    return error, _lag(clean, [corrupted], f"{family}/{SEVERITY}")


def _lag(clean: _Answers, corrupted: list[_Answers], part: str | None) -> Metric:
    """How much less confidence falls than accuracy; one independent value per sample, its mean over the families."""
    accuracy = np.mean([answers.correct for answers in corrupted], axis=0)
    confidence = np.mean([answers.confidence for answers in corrupted], axis=0)
    lag = np.clip((clean.correct - accuracy) - (clean.confidence - confidence), -LARGEST_LAG, LARGEST_LAG)
    low, high = mean_bounds(lag, smallest=-LARGEST_LAG, largest=LARGEST_LAG)
    return Metric(
        id="confidence_lag_under_shift",
        unit="points",
        value=float(lag.mean()),
        low=low,
        high=high,
        method="betting",
        n=len(lag),
        better="lower",
        slice=part,
    )


def _abstention_rise(clean: _Answers, corrupted: list[_Answers]) -> Metric:
    """How much more often the system abstains, on the same samples; the mean over the families."""
    rise = np.mean([answers.abstained for answers in corrupted], axis=0) - clean.abstained
    low, high = mean_bounds(rise, smallest=-1.0)
    return Metric(
        id="abstention_rise_under_shift",
        unit="points",
        value=float(rise.mean()),
        low=low,
        high=high,
        method="betting",
        n=len(rise),
        better="higher",
    )


def _nothing_happened(clean: _Answers, again: _Answers) -> ControlRun:
    """Asked the same again, a model shows no lag."""
    lag = _lag(clean, [again], None)
    return ControlRun(
        kind="null",
        expected=Text("the same inputs once more: no lag of confidence proven", "相同输入再测一次：不应检出置信度滞后"),
        seen=Text(f"lag between {lag.low} and {lag.high}", f"滞后介于 {lag.low} 与 {lag.high} 之间"),
        passed=lag.low is not None and lag.high is not None and lag.low <= 0 <= lag.high,
    )


def _stubborn(clean: _Answers, generator: np.random.Generator) -> ControlRun:
    """A model that becomes wrong and stays as confident as it was must be found out."""
    spoilt = clean.correct & (generator.random(len(clean.correct)) >= PLANTED_SHARE)
    lag = _lag(clean, [_Answers(clean.confidence, spoilt, clean.abstained)], None)
    return ControlRun(
        kind="planted",
        expected=Text(
            f"{PLANTED_SHARE:.0%} of the right answers made wrong at unchanged confidence: a lag is found",
            f"将 {PLANTED_SHARE:.0%} 的正确回答改为错误而置信度不变：应检出滞后",
        ),
        seen=Text(
            f"lag between {lag.low} and {lag.high}, {lag.n} samples",
            f"滞后介于 {lag.low} 与 {lag.high} 之间，样本量 {lag.n}",
        ),
        passed=lag.low is not None and lag.low > 0,
    )
