"""Declared performance (MI-09): does the model do on data it has not seen what its supplier says it does?

Threat: a claim that was measured on training data, on easy data, or not at all. Measured are accuracy, recall per
class, accuracy per group and, where a positive class is declared, sensitivity and specificity, all with exact bounds;
how far the bounds lie from each claim; and how much accuracy is lost at sites that are absent from the training data.

What it cannot tell: whether the test data represent the operating domain, and whether the model was trained on them.

Source: ISO/IEC TS 4213 (assessment of classification performance); Clopper and Pearson 1934, Biometrika 26.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from touchstone.canonical import canonical_json
from touchstone.checks.declaration import ANY_KIND, Measurement, MetricDeclaration, Needs, Parameters, Run, check
from touchstone.checks.model_integrity.abstaining import abstaining, risk_coverage_table
from touchstone.checks.model_integrity.claims import (
    Rates,
    by_group,
    claim_notes,
    group_notes,
    half_width,
    least_margin,
)
from touchstone.checks.shares import share_metric
from touchstone.errors import UnavailableError
from touchstone.methods.calibration import top_label
from touchstone.records import Access, ControlRun, Metric, Note
from touchstone.statistics import (
    difference_bounds,
    proportion_bounds,
    relative_drop_bounds,
)
from touchstone.system.models.handle import Capability
from touchstone.text import Text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from touchstone.system.data.dataset import LabelledData
    from touchstone.system.subject import Subject

NULL_CONFIDENCE = 0.9995
"""Confidence of each bound in the null control, so that it cries wolf once in a thousand runs."""

PLANTED_SHARE = 0.1
"""Share of answers that the planted control makes wrong."""


class PerformanceParameters(Parameters):
    """How small a slice may be to be reported by itself."""

    minimum_group_size: int = Field(10, ge=2, le=1_000_000)


@check(
    id="model.performance",
    version="2",
    title=Text("Declared performance", "声明性能"),
    measures=Text(
        "Accuracy, recall per class, accuracy per group and, for the declared positive class, sensitivity and "
        "specificity on the test data, with exact bounds, and how far these lie from what the supplier claims. "
        "The claim that fares worst decides. Where sites are declared: the accuracy lost at sites not trained on. "
        "For information, where probabilities are stated: the error rate if the model answered only where it is sure. "
        "The distance to the further bound is that of the sensitivity where it is measured, else of the accuracy.",
        "在测试数据上测量准确率、各类别召回率、各群体准确率，以及所声明阳性类别的灵敏度与特异度，"
        "给出精确界限及其与供应方声明值之差，以最差的一项声明为准；若声明了站点，另测未参与训练站点的准确率下降。"
        "若给出概率，另测模型仅在有把握时作答的错误率，仅供参考。"
        "“估计值至较远界限的距离”以灵敏度计；未测灵敏度时以准确率计。",
    ),
    cannot_tell=Text(
        "Whether the test data represent the domain the system will work in, and whether the model has seen them in "
        "training. Accuracy on friendly data says nothing about behaviour under attack, corruption or drift.",
        "无法判断测试数据是否代表实际运行域，也无法判断模型训练时是否见过这些数据；"
        "正常数据上的准确率不说明模型在攻击、扰动或漂移下的表现。",
    ),
    remedy=Text(
        "Correct the claim to what the lower bound supports, improve the model, or hand in more test data if the "
        "interval is too wide to decide.",
        "将声明值修正至置信下界所支持的水平，或改进模型；若区间过宽无法判定，请补充测试数据。",
    ),
    threats=("AVID P0204",),
    source="ISO/IEC TS 4213:2022; Clopper and Pearson 1934, Biometrika 26:404",
    needs=Needs(
        access=Access.PREDICTIONS,
        capabilities=frozenset({Capability.LABELS}),
        data=("test",),
        tasks=("classification",),
        inputs=ANY_KIND,
    ),
    metrics=(
        MetricDeclaration("accuracy", "share", "higher", Text("Accuracy", "准确率")),
        MetricDeclaration("balanced_accuracy", "share", "higher", Text("Balanced accuracy", "平衡准确率")),
        MetricDeclaration("recall", "share", "higher", Text("Recall of a class", "类别召回率")),
        MetricDeclaration("sensitivity", "share", "higher", Text("Sensitivity", "灵敏度")),
        MetricDeclaration("specificity", "share", "higher", Text("Specificity", "特异度")),
        MetricDeclaration(
            "lower_bound_minus_claim",
            "points",
            "higher",
            Text("Measured performance less the claimed one", "实测值与声明值之差"),
        ),
        MetricDeclaration(
            "unseen_site_drop", "points", "lower", Text("Accuracy lost at unseen sites", "未见站点的准确率下降")
        ),
        MetricDeclaration(
            "interval_half_width",
            "share",
            "lower",
            Text("Distance from the rate to its further bound", "估计值至较远界限的距离"),
        ),
        MetricDeclaration(
            "area_under_risk_coverage",
            "share",
            "lower",
            Text("Mean error rate over all shares of inputs answered", "各作答比例下错误率的平均值"),
        ),
        MetricDeclaration(
            "selective_risk",
            "share",
            "lower",
            Text("Error rate if only the surest inputs were answered", "仅对把握最大的输入作答时的错误率"),
        ),
    ),
    parameters=PerformanceParameters,
)
def performance(subject: Subject, parameters: PerformanceParameters, run: Run) -> Measurement:
    test = subject.data("test")
    if test.target is None:
        raise UnavailableError(Text("the test data carry no labels", "测试数据没有标签"), "data.test.target")
    output = subject.description.model.output
    model = subject.model()
    predicted = model.labels(test.inputs)
    sure = (
        top_label(model.probabilities(test.inputs), test.target)
        if Capability.PROBABILITIES in model.capabilities
        else None
    )
    run.progress(0.8)

    correct = predicted == test.target
    confusion = _confusion(test.target, predicted, len(output.labels))
    positive = None if output.positive is None else output.labels.index(output.positive)
    rates = _rates(confusion, positive)
    claims = subject.description.model.claims
    groups, unsliced = by_group("accuracy", test.sensitive, correct, parameters.minimum_group_size)
    return Measurement(
        metrics=(
            *(share_metric(name, *counts, "higher") for name, counts in rates.items()),
            *_balanced_accuracy(confusion),
            *least_margin(rates, claims),
            *_unseen_site_drop(subject, test, correct),
            half_width(*rates["sensitivity" if "sensitivity" in rates else "accuracy"]),
            *_recalls(confusion, output.labels),
            *groups,
            *(() if sure is None else abstaining(*sure)),
        ),
        controls=(
            _permuted_labels(test.target, predicted, run.generator("permuted labels")),
            _planted_errors(correct, run.generator("planted errors")),
        ),
        exhibits=(
            run.exhibit(
                "confusion-matrix.json",
                "application/json",
                canonical_json({"labels": output.labels, "rows_truth_columns_predicted": confusion.tolist()}),
            ),
            *(
                ()
                if sure is None
                else (run.exhibit("risk-coverage.json", "application/json", risk_coverage_table(*sure)),)
            ),
        ),
        warnings=(
            *claim_notes(rates, claims),
            *_positive_notes(positive),
            *group_notes(unsliced, parameters.minimum_group_size),
        ),
    )


def _confusion(target: NDArray[np.int64], predicted: NDArray[np.int64], classes: int) -> NDArray[np.int64]:
    """Counts `(K, K)`: rows are the truth, columns the prediction."""
    return np.bincount(target * classes + predicted, minlength=classes * classes).reshape(classes, classes)


def _rates(confusion: NDArray[np.int64], positive: int | None) -> Rates:
    """Rates over the whole test set; a rate without a single sample to rest on is left out."""
    total = int(confusion.sum())
    counts = {"accuracy": (int(np.trace(confusion)), total)}
    if positive is not None:
        positives = int(confusion[positive].sum())
        true_positives = int(confusion[positive, positive])
        false_positives = int(confusion[:, positive].sum()) - true_positives
        counts["sensitivity"] = (true_positives, positives)
        counts["specificity"] = (total - positives - false_positives, total - positives)
    return {name: (successes, n) for name, (successes, n) in counts.items() if n > 0}


def _recalls(confusion: NDArray[np.int64], labels: list[str]) -> Iterator[Metric]:
    for index, label in enumerate(labels):
        samples = int(confusion[index].sum())
        if samples > 0:
            yield share_metric("recall", int(confusion[index, index]), samples, "higher", part=f"class={label}")


def _balanced_accuracy(confusion: NDArray[np.int64]) -> Iterator[Metric]:
    """Mean recall of the classes, when each has samples; its bounds are those of the recalls at a shared error."""
    samples = confusion.sum(axis=1)
    if samples.min() == 0:
        return
    classes = len(samples)
    bounds = [proportion_bounds(int(confusion[k, k]), int(samples[k]), looks=classes) for k in range(classes)]
    yield Metric(
        id="balanced_accuracy",
        unit="share",
        value=float((confusion.diagonal() / samples).mean()),
        low=sum(low for low, _ in bounds) / classes,
        high=sum(high for _, high in bounds) / classes,
        method="clopper-pearson/bonferroni",
        n=int(samples.sum()),
        better="higher",
    )


def _unseen_site_drop(subject: Subject, test: LabelledData, correct: NDArray[np.bool_]) -> Iterator[Metric]:
    """Accuracy at sites of the training data less accuracy at other sites, when the test data hold both."""
    if test.sites is None or subject.description.data.train is None:
        return
    training_sites = subject.data("train").sites
    if training_sites is None:
        return
    seen = np.isin(test.sites, training_sites)
    if seen.all() or not seen.any():
        return
    n_seen, n_unseen = int(seen.sum()), int((~seen).sum())
    right_seen, right_unseen = int(correct[seen].sum()), int(correct[~seen].sum())
    low, high = difference_bounds(right_seen, n_seen, right_unseen, n_unseen)
    yield Metric(
        id="unseen_site_drop",
        unit="points",
        value=right_seen / n_seen - right_unseen / n_unseen,
        low=low,
        high=high,
        method="clopper-pearson/difference",
        n=len(correct),
        better="lower",
    )


def _permuted_labels(
    target: NDArray[np.int64], predicted: NDArray[np.int64], generator: np.random.Generator
) -> ControlRun:
    """Against labels in random order the answers must be right as often as chance has it, no more and no less."""
    n = len(target)
    classes = int(max(target.max(), predicted.max())) + 1
    chance = float(np.bincount(target, minlength=classes) @ np.bincount(predicted, minlength=classes)) / n**2
    right = int((generator.permutation(target) == predicted).sum())
    low, high = proportion_bounds(right, n, confidence=NULL_CONFIDENCE)
    return ControlRun(
        kind="null",
        expected=Text(
            f"labels in random order: accuracy {chance:.3f}, what chance gives",
            f"标签随机重排：准确率应为随机水平 {chance:.3f}",
        ),
        seen=Text(
            f"accuracy {right / n:.3f}, between {low:.3f} and {high:.3f}",
            f"准确率 {right / n:.3f}，区间 {low:.3f} 至 {high:.3f}",
        ),
        passed=low <= chance <= high,
    )


def _planted_errors(correct: NDArray[np.bool_], generator: np.random.Generator) -> ControlRun:
    """One answer in ten made wrong must show as a drop of accuracy beyond what chance explains."""
    n = len(correct)
    spoilt = correct.copy()
    spoilt[generator.choice(n, size=max(1, round(PLANTED_SHARE * n)), replace=False)] = False
    low, _ = relative_drop_bounds(correct, spoilt)
    seen = (
        Text(
            f"accuracy {correct.mean():.3f} before, {spoilt.mean():.3f} after; relative drop at least {low:.3f}",
            f"植入前准确率 {correct.mean():.3f}，植入后 {spoilt.mean():.3f}；相对下降至少 {low:.3f}",
        )
        if low > 0
        else Text(
            f"with {n} samples the drop may be chance (its lower bound is not above 0)",
            f"样本量 {n} 下，该下降可能出于偶然（其下界不大于 0）",
        )
    )
    return ControlRun(
        kind="planted",
        expected=Text(
            f"{PLANTED_SHARE:.0%} of the answers made wrong: accuracy drops",
            f"将 {PLANTED_SHARE:.0%} 的预测改错：准确率下降",
        ),
        seen=seen,
        passed=low > 0,
    )


def _positive_notes(positive: int | None) -> Iterator[Note]:
    if positive is None:
        yield Note(
            code="no-positive-class",
            text=Text(
                "no positive class is declared in model.output.positive: no sensitivity, no specificity",
                "model.output.positive 未声明阳性类别，因此不给出灵敏度与特异度",
            ),
        )
