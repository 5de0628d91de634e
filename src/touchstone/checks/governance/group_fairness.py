"""Group fairness (GA-05): does the system decide alike for the groups it affects?

Threat: a model that is accurate on the whole may pass over one group of people, or accuse it, more often than another.
Measured are selection, true positive and false positive rates for every value of every declared attribute and for every
pair of attributes, and how far the worst pair of groups is apart, in these and in predictive values, accuracy and kinds
of errors; and, where a sensitive attribute is a column of the input, whether answers change with nothing but it.

What it cannot tell: why rates differ, whether the labels themselves are unfair, and anything about groups that were not
declared, that are too small, or that only three attributes together single out.

Source: Hardt, Price and Srebro 2016, NeurIPS; ISO/IEC TR 24027:2021; bounds as in `touchstone.methods.group_fairness`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from touchstone.canonical import canonical_json
from touchstone.checks.declaration import ANY_KIND, Measurement, MetricDeclaration, Needs, Parameters, Run, check
from touchstone.checks.governance.counterfactual import exchanged_attributes
from touchstone.checks.governance.group_controls import permuted_groups, planted_gap
from touchstone.checks.governance.group_evidence import group_table, nothing_to_compare, small_groups, standing_out
from touchstone.checks.governance.group_gaps import GAPS, JUDGED, TRUE_POSITIVE_RATE_GAP, Gap, Groups, comparisons
from touchstone.checks.shares import share_metric
from touchstone.errors import DataError, UnavailableError
from touchstone.methods.group_fairness import Comparison, groups_by_attribute, worst
from touchstone.methods.groups import Membership, membership
from touchstone.methods.thresholds_by_group import GroupThreshold, equal_opportunity_thresholds
from touchstone.records import Access, Metric, Note, number, plain
from touchstone.system.models.handle import Capability
from touchstone.text import Text

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from touchstone.system.subject import Subject

MOST_VALUES = 50
"""An attribute with more values is no grouping of people: ages and post codes have to be banded first."""


class GroupFairnessParameters(Parameters):
    """Members a group needs behind a rate (all, positives or negatives) before that rate is compared."""

    minimum_group_size: int = Field(30, ge=2, le=1_000_000)


@check(
    id="fair.group_metrics",
    version="2",
    title=Text("Group fairness", "群体公平性"),
    measures=Text(
        "Selection, true positive and false positive rates of every declared group and of every pair of attributes, "
        "and how far the worst pair of groups is apart: selection rate ratio, rate gaps, equalised odds difference; "
        "for information also predictive values, accuracy and the kind of errors. Where a sensitive attribute is a "
        "column of the input: the share of answers that change when nothing but it is exchanged. "
        "The overall number is that of the worst attribute. Pessimistic bounds hold for the worst pair whichever it "
        "is; optimistic bounds share their error among all groups compared (Bonferroni).",
        "测量每一声明群体及任意两项属性交叉群体的选择率、真阳性率与假阳性率，以及最差两组之间的差距：选择率之比、"
        "比率差与均等几率差，另给出预测值、准确率与错误类型的差距供参考；敏感属性为输入列时，"
        "测量仅交换该属性即改变答案的比例。总体数值取最差属性。悲观界限对任何最差组对均成立，乐观界限在全部被比较群体间分摊误差"
        "（Bonferroni）。",
    ),
    cannot_tell=Text(
        "Why rates differ, whether the labels themselves carry past unfairness, and anything about groups that were "
        "not declared, are too small, or only show when three attributes are combined. An "
        "answer that does not change with the attribute may still follow columns that stand for it. The measures "
        "cannot all be equal at once when base rates differ; which one matters is a choice to be recorded, not a "
        "result.",
        "无法说明比率差异的原因，无法判断标签本身是否承载既往不公，也不涉及未声明、样本过少或须三项属性交叉才显现的群体；"
        "答案不随该属性改变，仍可能依赖与其相关的其他列。"
        "基准率不同时，各指标不可能同时相等；以何者为准是须留痕的选择，而非测试结果。",
    ),
    remedy=Text(
        "Find out whether data, labels or the decision threshold cause the gap; collect data of the group concerned, "
        "reweigh or retrain, and measure again. Where the interval is too wide, hand in more samples of that group.",
        "查明差距源于数据、标签还是判定阈值；补充相关群体数据、重新加权或重新训练后复测；"
        "若区间过宽，请补充该群体样本。",
    ),
    threats=("AVID E0101",),
    source="Hardt, Price and Srebro 2016, NeurIPS; Berger 1982, Technometrics 24:295; ISO/IEC TR 24027:2021",
    needs=Needs(
        access=Access.PREDICTIONS,
        capabilities=frozenset({Capability.LABELS}),
        data=("test",),
        sensitive=True,
        tasks=("classification",),
        inputs=ANY_KIND,
    ),
    metrics=(
        MetricDeclaration("selection_rate", "share", "higher", Text("Selection rate of a group", "群体选择率")),
        MetricDeclaration(
            "true_positive_rate", "share", "higher", Text("True positive rate of a group", "群体真阳性率")
        ),
        MetricDeclaration(
            "false_positive_rate", "share", "lower", Text("False positive rate of a group", "群体假阳性率")
        ),
        MetricDeclaration(
            "selection_rate_ratio",
            "ratio",
            "higher",
            Text("Selection rate ratio, worst pair", "选择率之比（最差组对）"),
        ),
        MetricDeclaration("true_positive_rate_gap", "points", "lower", Text("True positive rate gap", "真阳性率差距")),
        MetricDeclaration(
            "false_positive_rate_gap", "points", "lower", Text("False positive rate gap", "假阳性率差距")
        ),
        MetricDeclaration(
            "equalised_odds_difference", "points", "lower", Text("Equalised odds difference", "均等几率差")
        ),
        MetricDeclaration(
            "positive_predictive_value_gap", "points", "lower", Text("Positive predictive value gap", "阳性预测值差距")
        ),
        MetricDeclaration(
            "negative_predictive_value_gap", "points", "lower", Text("Negative predictive value gap", "阴性预测值差距")
        ),
        MetricDeclaration("accuracy_gap", "points", "lower", Text("Accuracy gap", "准确率差距")),
        MetricDeclaration(
            "treatment_equality_gap",
            "points",
            "lower",
            Text("Gap in the share of errors that withhold the decision", "错误中漏判所占比例的差距"),
        ),
        MetricDeclaration(
            "counterfactual_flip_share",
            "share",
            "lower",
            Text("Answers that change with the sensitive attribute alone", "仅随敏感属性改变的答案占比"),
        ),
    ),
    parameters=GroupFairnessParameters,
)
def group_metrics(subject: Subject, parameters: GroupFairnessParameters, run: Run) -> Measurement:
    test = subject.data("test")
    if test.target is None or not test.sensitive:
        raise UnavailableError(
            Text("the test data carry no labels or no sensitive attributes", "测试数据缺少标签或敏感属性"), "data.test"
        )
    output = subject.description.model.output
    if output.positive is None:
        return Measurement(metrics=(), warnings=(_NO_POSITIVE_CLASS,))
    attributes = {name: membership(values) for name, values in test.sensitive.items()}
    _refuse_unbanded(attributes)
    favoured = output.labels.index(output.positive)
    positive = test.target == favoured
    selected = subject.model().labels(test.inputs) == favoured
    run.progress(0.6)

    least = parameters.minimum_group_size
    groups = groups_by_attribute(selected, positive, attributes)
    exchanged = exchanged_attributes(subject, favoured, run.budget, run.generator("exchanged attributes"))
    thresholds = _thresholds(subject, favoured, selected, positive, attributes, groups, least)
    return Measurement(
        metrics=(
            *_overall(groups, least),
            *_by_attribute(groups, least),
            *_by_group(groups, least),
            *exchanged.metrics,
        ),
        controls=(
            permuted_groups(selected, positive, attributes, least, run.generator("permuted groups")),
            planted_gap(selected, positive, attributes, least, run.generator("planted gap")),
            *exchanged.controls,
        ),
        exhibits=(
            run.exhibit("groups.json", "application/json", group_table(groups)),
            *(() if thresholds is None else (run.exhibit("thresholds.json", "application/json", thresholds),)),
        ),
        warnings=(
            *standing_out(groups, least),
            *small_groups(groups, least),
            *nothing_to_compare(groups, least),
            *exchanged.warnings,
        ),
    )


_NO_POSITIVE_CLASS = Note(
    code="no-positive-class",
    text=Text(
        "no positive class is declared in model.output.positive: it is unknown which decision is the favourable one",
        "model.output.positive 未声明阳性类别，无法确定何为有利决定",
    ),
)


def _refuse_unbanded(attributes: Mapping[str, Membership]) -> None:
    for attribute, groups in sorted(attributes.items()):
        count = len(groups.names)
        if count > MOST_VALUES:
            raise DataError(
                Text(
                    f"sensitive attribute {attribute} has {count} values, more than {MOST_VALUES}",
                    f"敏感属性 {attribute} 有 {count} 种取值，超过 {MOST_VALUES} 种",
                ),
                "data.test.sensitive",
                Text("hand in bands (such as age bands) instead of single values", "请以分段（如年龄段）代替单个取值"),
            )


def _overall(groups: Groups, least: int) -> Iterator[Metric]:
    for gap in GAPS:
        by_attribute = comparisons(gap, groups, least)
        if by_attribute:
            yield _gap_metric(gap, worst(list(by_attribute.values()), gap.better), None)


def _by_attribute(groups: Groups, least: int) -> Iterator[Metric]:
    for gap in GAPS:
        for attribute, comparison in comparisons(gap, groups, least).items():
            yield _gap_metric(gap, comparison, " & ".join(attribute))


def _gap_metric(gap: Gap, comparison: Comparison, part: str | None) -> Metric:
    return Metric(
        id=gap.metric,
        unit=gap.unit,
        value=comparison.value,
        low=comparison.low,
        high=comparison.high,
        method="clopper-pearson/worst-pair+bonferroni",
        n=comparison.n,
        better=gap.better,
        slice=part,
    )


def _by_group(groups: Groups, least: int) -> Iterator[Metric]:
    """Each rate of each group that is large enough, with bounds of its own."""
    for rate in JUDGED:
        for group in (group for members in groups.values() for group in members):
            share = group.share(rate)
            if share.n >= least:
                better: Literal["lower", "higher"] = "lower" if rate == "false_positive_rate" else "higher"
                yield share_metric(rate, share.successes, share.n, better, part=group.name)


def _thresholds(
    subject: Subject,
    favoured: int,
    selected: NDArray[np.bool_],
    positive: NDArray[np.bool_],
    attributes: Mapping[str, Membership],
    groups: Groups,
    least: int,
) -> bytes | None:
    """What thresholds of their own would do to the groups of the attribute with the largest gap; information only."""
    model = subject.model()
    single = {
        attribute: gap
        for attribute, gap in comparisons(TRUE_POSITIVE_RATE_GAP, groups, least).items()
        if len(attribute) == 1
    }
    if Capability.PROBABILITIES not in model.capabilities or not single:
        return None
    [attribute] = max(single, key=lambda name: single[name].value)
    score = model.probabilities(subject.data("test").inputs)[:, favoured]
    rows = equal_opportunity_thresholds(score, selected, positive, attributes[attribute], least=least)

    def shown(name: str, row: GroupThreshold) -> str:
        return plain(number(getattr(row, name)))

    figures = ("threshold", "true_positive_rate", "accuracy_before", "accuracy_after")
    return canonical_json(
        {
            "attribute": attribute,
            "groups": [
                {"group": row.name, "positives": row.positives} | {name: shown(name, row) for name in figures}
                for row in rows
            ],
        }
    )
