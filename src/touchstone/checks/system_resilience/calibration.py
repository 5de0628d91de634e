"""Calibration (SR-04): does the model's confidence say how often it is right?

Threat: a confident wrong answer passes every threshold a user sets on confidence, and an abstention rule that rests on
it protects nobody. Measured is the expected calibration error over 15 bins of equal mass, with bounds that account for
the bias of its plain estimate, and two proper scores for information; where the model answers any input, also
calibration on corrupted inputs, and whether confidence falls when accuracy falls.

What it cannot tell: calibration in a group that is not declared, for classes other than the one answered, and on inputs
unlike the test data and their corruptions.

Source: Guo, Pleiss, Sun and Weinberger 2017, ICML; the bounds are derived in `touchstone.methods.calibration`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from touchstone.canonical import canonical_json
from touchstone.checks.declaration import ANY_KIND, Measurement, MetricDeclaration, Needs, Parameters, Run, check
from touchstone.checks.system_resilience.calibration_under_shift import calibration_under_shift
from touchstone.checks.system_resilience.inputs import times_small
from touchstone.errors import UnavailableError
from touchstone.methods.calibration import (
    SMALLEST_PROBABILITY,
    ReliabilityBin,
    brier_parts,
    brier_scores,
    consistency_band,
    equal_mass_bins,
    expected_calibration_error,
    expected_calibration_error_bounds,
    negative_log_likelihoods,
    reliability,
    top_label,
)
from touchstone.methods.groups import FEW, membership
from touchstone.records import Access, ControlRun, Metric, number, plain
from touchstone.statistics import mean_bounds, proportion_bounds
from touchstone.system.models.handle import Capability
from touchstone.text import Text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from touchstone.system.subject import Subject

NULL_LEVEL = 0.999
"""Level of the bound in the null control, so that it cries wolf at most once in a thousand runs."""

LEAST_IN_GROUP = 100
"""Members a group needs for an error of its own: fewer leave everything open."""

PLANTED_SHARE = 0.2
"""Share of right answers that the planted control makes wrong while the confidence stays."""


class CalibrationParameters(Parameters):
    """How finely confidence is binned; the standard says 15."""

    bins: int = Field(15, ge=2, le=100)


@check(
    id="robust.calibration",
    version="3",
    title=Text("Calibration of confidence", "置信度校准"),
    measures=Text(
        "How far the probability the model gives its own answer is from the share of such answers that are right "
        "(expected calibration error, bins of equal mass), with the Brier score and the negative log-likelihood. "
        "The bounds allow for the upward bias of the plain estimate in small samples. The error is also given for "
        "every declared group of at least a hundred. For information, the same on corrupted inputs, with how "
        "much less confidence falls there than accuracy.",
        "测量模型对自身预测给出的概率与此类预测实际正确比例之差（期望校准误差，等样本量分箱），"
        "并给出 Brier 分数与负对数似然；所给界限已计入小样本下朴素估计的正偏差。"
        "对样本不少于一百的每个声明群体另给出该误差。"
        "另测量受损输入上的校准误差，以及此时置信度的下降比准确率少多少，仅供参考。",
    ),
    cannot_tell=Text(
        "Whether confidence is calibrated within a group that is not declared, for classes other than the one "
        "answered, or for inputs unlike the test data and their simulated corruptions. A model that always "
        "states the base rate is calibrated and useless.",
        "无法判断在未声明的子群体内、对所预测类别以外的类别、或对不同于测试数据及其模拟扰动的输入，置信度是否校准；"
        "始终给出基准概率的模型虽已校准却毫无用处。",
    ),
    remedy=Text(
        "Recalibrate on held-out data (temperature scaling, isotonic regression), or hand in more test data if the "
        "interval is too wide to decide.",
        "使用留出数据重新校准（温度缩放、保序回归）；若区间过宽无法判定，请补充测试数据。",
    ),
    threats=("AVID P0202",),
    source="Guo et al. 2017, ICML; Roelofs et al. 2022, AISTATS; Fan, Grama and Liu 2015, Electron. J. Probab. 20; "
    "Ovadia et al. 2019, NeurIPS",
    needs=Needs(
        access=Access.PREDICTIONS,
        capabilities=frozenset({Capability.PROBABILITIES}),
        data=("test",),
        tasks=("classification",),
        inputs=ANY_KIND,
    ),
    metrics=(
        MetricDeclaration(
            "expected_calibration_error", "ece", "lower", Text("Expected calibration error", "期望校准误差")
        ),
        MetricDeclaration("brier_score", "score", "lower", Text("Brier score (0 to 2)", "Brier 分数（0 至 2）")),
        MetricDeclaration("negative_log_likelihood", "nat", "lower", Text("Negative log-likelihood", "负对数似然")),
        MetricDeclaration(
            "confidence_lag_under_shift",
            "points",
            "lower",
            Text(
                "how much less confidence falls than accuracy on corrupted inputs, severity 3",
                "受损输入（强度 3）上置信度比准确率少下降的量",
            ),
        ),
        MetricDeclaration(
            "abstention_rise_under_shift",
            "points",
            "higher",
            Text(
                "how much more often the system abstains on corrupted inputs, severity 3",
                "受损输入（强度 3）上系统拒识频率的上升",
            ),
        ),
    ),
    cost=lambda subject, _, budget: {"quick": 2, "standard": 4, "full": 8}[budget] * times_small(subject, 24_000),
    parameters=CalibrationParameters,
)
def calibration(subject: Subject, parameters: CalibrationParameters, run: Run) -> Measurement:
    test = subject.data("test")
    if test.target is None:
        raise UnavailableError(Text("the test data carry no labels", "测试数据没有标签"), "data.test.target")
    probabilities = subject.model().probabilities(test.inputs)
    run.progress(0.3)
    under_shift = calibration_under_shift(subject, run, parameters.bins)
    run.progress(0.9)

    confidence, correct = top_label(probabilities, test.target)
    bin_of = equal_mass_bins(confidence, parameters.bins)
    surprise = negative_log_likelihoods(probabilities, test.target)
    return Measurement(
        metrics=(
            _calibration_error(confidence, correct, parameters.bins),
            _mean("brier_score", "score", brier_scores(probabilities, test.target), 2.0),
            _mean("negative_log_likelihood", "nat", surprise, float(-np.log(SMALLEST_PROBABILITY))),
            *_by_group(confidence, correct, test.sensitive, parameters.bins),
            *under_shift.metrics,
        ),
        controls=(
            _labels_as_stated(confidence, bin_of, run.generator("labels as stated")),
            _planted_overconfidence(confidence, bin_of, run.generator("planted overconfidence")),
            *under_shift.controls,
        ),
        exhibits=(
            run.exhibit(
                "reliability.json", "application/json", _reliability_table(reliability(confidence, correct, bin_of))
            ),
        ),
        warnings=under_shift.warnings,
    )


def _calibration_error(
    confidence: NDArray[np.float64], correct: NDArray[np.bool_], bins: int, part: str | None = None
) -> Metric:
    bin_of = equal_mass_bins(confidence, bins)
    low, high = expected_calibration_error_bounds(confidence, correct, bin_of)
    return Metric(
        id="expected_calibration_error",
        unit="ece",
        value=expected_calibration_error(reliability(confidence, correct, bin_of)),
        low=low,
        high=high,
        method="empirical-bernstein/bin-signs",
        n=len(confidence),
        better="lower",
        slice=part,
    )


def _by_group(
    confidence: NDArray[np.float64],
    correct: NDArray[np.bool_],
    attributes: Mapping[str, NDArray[np.str_]],
    bins: int,
) -> Iterator[Metric]:
    """The error of every group that is large enough; an attribute of very many values is no grouping."""
    for attribute, values in sorted(attributes.items()):
        groups = membership(values)
        if len(groups.names) > FEW:
            continue
        for index, name in enumerate(groups.names):
            members = groups.of == index
            if members.sum() >= LEAST_IN_GROUP:
                yield _calibration_error(confidence[members], correct[members], bins, f"{attribute}={name}")


def _mean(name: str, unit: str, scores: NDArray[np.float64], largest: float) -> Metric:
    low, high = mean_bounds(scores, largest=largest)
    return Metric(
        id=name,
        unit=unit,
        value=float(scores.mean()),
        low=low,
        high=high,
        method="betting",
        n=len(scores),
        better="lower",
    )


def _reliability_table(diagram: tuple[ReliabilityBin, ...]) -> bytes:
    def row(bar: ReliabilityBin) -> dict[str, int | str]:
        low, high = proportion_bounds(bar.correct, bar.samples)
        consistent_low, consistent_high = consistency_band(bar)
        shares = {
            "confidence": bar.confidence,
            "accuracy": bar.correct / bar.samples,
            "accuracy_low": low,
            "accuracy_high": high,
            "consistent_low": consistent_low,
            "consistent_high": consistent_high,
        }
        return {"samples": bar.samples} | {name: plain(number(share)) for name, share in shares.items()}

    parts = {name: plain(number(part)) for name, part in asdict(brier_parts(diagram)).items()}
    return canonical_json({"bins": [row(bar) for bar in diagram], "brier_score_of_confidence": parts})


def _labels_as_stated(
    confidence: NDArray[np.float64], bin_of: NDArray[np.int64], generator: np.random.Generator
) -> ControlRun:
    """Answers that are right exactly as often as the model states must not be found miscalibrated."""
    correct = generator.random(len(confidence)) < confidence
    low, _ = expected_calibration_error_bounds(confidence, correct, bin_of, level=NULL_LEVEL)
    return ControlRun(
        kind="null",
        expected=Text(
            "answers drawn right as often as stated: no calibration error proven",
            "按所述概率抽取对错：不应检出校准误差",
        ),
        seen=Text(f"calibration error at least {low:.4f}", f"校准误差至少为 {low:.4f}"),
        passed=low == 0,
    )


def _planted_overconfidence(
    confidence: NDArray[np.float64], bin_of: NDArray[np.int64], generator: np.random.Generator
) -> ControlRun:
    """Answers that are right less often than stated must be found miscalibrated.

    Sharpening the probabilities would plant nothing in a model that is saturated already; spoiling answers always does.
    """
    correct = generator.random(len(confidence)) < (1 - PLANTED_SHARE) * confidence
    low, high = expected_calibration_error_bounds(confidence, correct, bin_of)
    planted = PLANTED_SHARE * float(confidence.mean())
    return ControlRun(
        kind="planted",
        expected=Text(
            f"answers right {PLANTED_SHARE:.0%} less often than stated: a calibration error of {planted:.3f} is found",
            f"正确率比所述概率低 {PLANTED_SHARE:.0%}：应检出 {planted:.3f} 的校准误差",
        ),
        seen=Text(
            f"calibration error between {low:.3f} and {high:.3f}, {len(confidence)} samples",
            f"校准误差介于 {low:.3f} 与 {high:.3f} 之间，样本量 {len(confidence)}",
        ),
        passed=low > 0,
    )
