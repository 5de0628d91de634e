"""Group fairness (GA-05): does the system decide alike for the groups it affects?

Threat: a model that is accurate on the whole may pass over one group of people, or accuse it, more often than another.
Measured are selection, true positive and false positive rates for every value of every declared attribute and for every
pair of attributes, and how far the worst pair of groups is apart.

What it cannot tell: why rates differ, whether the labels themselves are unfair, and anything about groups that were not
declared, that are too small, or that only three attributes together single out.

Source: Hardt, Price and Srebro 2016, NeurIPS; ISO/IEC TR 24027:2021; bounds as in `touchstone.methods.group_fairness`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from touchstone.canonical import canonical_json
from touchstone.checks.declaration import ANY_KIND, Measurement, MetricDeclaration, Needs, Parameters, Run, check
from touchstone.errors import DataError, UnavailableError
from touchstone.methods.group_fairness import (
    RATES,
    Comparison,
    Group,
    Rate,
    Share,
    groups_by_attribute,
    rate_gap,
    rate_ratio,
    worst,
)
from touchstone.records import Access, ControlRun, Metric, Note
from touchstone.statistics import CONFIDENCE, proportion_bounds
from touchstone.system.models.handle import Capability
from touchstone.text import Text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from touchstone.system.subject import Subject

MOST_VALUES = 50
"""An attribute with more values is no grouping of people: ages and post codes have to be banded first."""

NULL_CONFIDENCE = 0.999
"""Confidence of the bounds in the null control, so that it cries wolf at most a few times in a thousand runs."""

PLANTED_GAP = 0.3
"""Difference in true positive rate that the planted control makes."""

LISTED = 20
"""Groups named in a warning; the exhibit holds them all."""

_RATE_TITLES: Mapping[Rate, Text] = {
    "selection_rate": Text("selection rate", "选择率"),
    "true_positive_rate": Text("true positive rate", "真阳性率"),
    "false_positive_rate": Text("false positive rate", "假阳性率"),
}


class GroupFairnessParameters(Parameters):
    """Members a group needs behind a rate (all, positives or negatives) before that rate is compared."""

    minimum_group_size: int = Field(30, ge=2, le=1_000_000)


@dataclass(frozen=True, slots=True)
class Gap:
    """One way to say how far apart the worst groups are."""

    metric: str
    unit: str
    better: Literal["higher", "lower"]
    rates: tuple[Rate, ...]
    compare: Callable[..., Comparison]


GAPS = (
    Gap("selection_rate_ratio", "ratio", "higher", ("selection_rate",), rate_ratio),
    Gap("true_positive_rate_gap", "points", "lower", ("true_positive_rate",), rate_gap),
    Gap("false_positive_rate_gap", "points", "lower", ("false_positive_rate",), rate_gap),
    Gap("equalised_odds_difference", "points", "lower", ("true_positive_rate", "false_positive_rate"), rate_gap),
)

Attributes = tuple[str, ...]
"""One attribute, or two that are looked at together."""

Groups = Mapping[Attributes, tuple[Group, ...]]


@check(
    id="fair.group_metrics",
    version="1",
    title=Text("Group fairness", "群体公平性"),
    measures=Text(
        "Selection, true positive and false positive rates of every declared group and of every pair of attributes, "
        "and how far the worst pair of groups is apart: selection rate ratio, rate gaps, equalised odds difference. "
        "The overall number is that of the worst attribute. Pessimistic bounds hold for the worst pair whichever it "
        "is; optimistic bounds share their error among all groups compared (Bonferroni).",
        "测量每一声明群体及任意两项属性交叉群体的选择率、真阳性率与假阳性率，以及最差两组之间的差距：选择率之比、"
        "比率差与均等几率差；总体数值取最差属性。悲观界限对任何最差组对均成立，乐观界限在全部被比较群体间分摊误差"
        "（Bonferroni）。",
    ),
    cannot_tell=Text(
        "Why rates differ, whether the labels themselves carry past unfairness, and anything about groups that were "
        "not declared, are too small, or only show when three attributes are combined. The measures cannot all be "
        "equal at once when base rates differ; which one matters is a choice to be recorded, not a result.",
        "无法说明比率差异的原因，无法判断标签本身是否承载既往不公，也不涉及未声明、样本过少或须三项属性交叉才显现的群体。"
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
    _refuse_unbanded(test.sensitive)
    favoured = output.labels.index(output.positive)
    positive = test.target == favoured
    selected = subject.model().labels(test.inputs) == favoured
    run.progress(0.6)

    least = parameters.minimum_group_size
    groups = groups_by_attribute(selected, positive, test.sensitive)
    return Measurement(
        metrics=(*_overall(groups, least), *_by_attribute(groups, least), *_by_group(groups, least)),
        controls=(
            _permuted_groups(selected, positive, test.sensitive, least, run.generator("permuted groups")),
            _planted_gap(selected, positive, test.sensitive, least, run.generator("planted gap")),
        ),
        exhibits=(run.exhibit("groups.json", "application/json", _group_table(groups)),),
        warnings=(*_small_groups(groups, least), *_nothing_to_compare(groups, least)),
    )


_NO_POSITIVE_CLASS = Note(
    code="no-positive-class",
    text=Text(
        "no positive class is declared in model.output.positive: it is unknown which decision is the favourable one",
        "model.output.positive 未声明阳性类别，无法确定何为有利决定",
    ),
)


def _refuse_unbanded(attributes: Mapping[str, NDArray[np.str_]]) -> None:
    for attribute, values in sorted(attributes.items()):
        count = len(np.unique(values))
        if count > MOST_VALUES:
            raise DataError(
                Text(
                    f"sensitive attribute {attribute} has {count} values, more than {MOST_VALUES}",
                    f"敏感属性 {attribute} 有 {count} 种取值，超过 {MOST_VALUES} 种",
                ),
                "data.test.sensitive",
                Text("hand in bands (such as age bands) instead of single values", "请以分段（如年龄段）代替单个取值"),
            )


def _comparable(groups: Groups, rate: Rate, least: int) -> dict[Attributes, list[Share]]:
    """Shares of the groups that are large enough, for every attribute that has two of them."""
    shares = {
        attribute: [group.share(rate) for group in members if group.share(rate).n >= least]
        for attribute, members in groups.items()
    }
    return {attribute: found for attribute, found in shares.items() if len(found) >= 2}


def _comparisons(gap: Gap, groups: Groups, least: int, confidence: float = CONFIDENCE) -> dict[Attributes, Comparison]:
    """The worst pair of every attribute; all rates compared share the error of the optimistic bounds."""
    comparable = [_comparable(groups, rate, least) for rate in gap.rates]
    family = sum(len(shares) for by_attribute in comparable for shares in by_attribute.values())
    attributes = [attribute for attribute in groups if all(attribute in shares for shares in comparable)]
    return {
        attribute: worst(
            [gap.compare(shares[attribute], confidence=confidence, family=family) for shares in comparable], gap.better
        )
        for attribute in attributes
    }


def _overall(groups: Groups, least: int) -> Iterator[Metric]:
    for gap in GAPS:
        by_attribute = _comparisons(gap, groups, least)
        if by_attribute:
            yield _gap_metric(gap, worst(list(by_attribute.values()), gap.better), None)


def _by_attribute(groups: Groups, least: int) -> Iterator[Metric]:
    for gap in GAPS:
        for attribute, comparison in _comparisons(gap, groups, least).items():
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
    for rate in RATES:
        for group in (group for members in groups.values() for group in members):
            share = group.share(rate)
            if share.n >= least:
                low, high = proportion_bounds(share.successes, share.n)
                yield Metric(
                    id=rate,
                    unit="share",
                    value=share.value,
                    low=low,
                    high=high,
                    method="clopper-pearson",
                    n=share.n,
                    better="lower" if rate == "false_positive_rate" else "higher",
                    slice=group.name,
                )


def _group_table(groups: Groups) -> bytes:
    def row(group: Group) -> dict[str, int | str]:
        return {
            "group": group.name,
            "samples": group.samples,
            "selected": group.selected,
            "positives": group.positives,
            "selected_positives": group.selected_positives,
        }

    return canonical_json(
        [
            {"attributes": list(attributes), "groups": [row(group) for group in members]}
            for attributes, members in groups.items()
        ]
    )


def _permuted_groups(
    selected: NDArray[np.bool_],
    positive: NDArray[np.bool_],
    attributes: Mapping[str, NDArray[np.str_]],
    least: int,
    generator: np.random.Generator,
) -> ControlRun:
    """Among groups drawn by lot there is no gap, and none may be proven."""
    lot = generator.permutation(len(selected))
    groups = groups_by_attribute(selected, positive, {name: values[lot] for name, values in attributes.items()})
    proven = []
    for gap in GAPS:
        by_attribute = _comparisons(gap, groups, least, NULL_CONFIDENCE)
        if any(each.high < 1 if gap.better == "higher" else each.low > 0 for each in by_attribute.values()):
            proven.append(gap.metric)
    listed = ", ".join(proven)
    return ControlRun(
        kind="null",
        expected=Text("people assigned to groups by lot: no gap proven", "随机分组：不应检出差距"),
        seen=Text(f"gap in {listed}", f"检出差距：{listed}") if proven else Text("no gap proven", "未检出差距"),
        passed=not proven,
    )


def _planted_gap(
    selected: NDArray[np.bool_],
    positive: NDArray[np.bool_],
    attributes: Mapping[str, NDArray[np.str_]],
    least: int,
    generator: np.random.Generator,
) -> ControlRun:
    """A gap made in the smallest group compared must be proven, or the groups are too small for this test."""
    groups = groups_by_attribute(selected, positive, attributes)
    candidates = [
        (group.positives, group.name, attribute)
        for attribute in sorted(attributes)
        if (attribute,) in _comparable(groups, "true_positive_rate", least)
        for group in groups[attribute,]
        if group.positives >= least
    ]
    if not candidates:
        return ControlRun(
            kind="planted",
            expected=Text("a planted gap is found", "应检出植入的差距"),
            seen=Text(
                f"no two groups with {least} positive samples each to plant it in",
                f"没有两个各含至少 {least} 个阳性样本的群体可供植入",
            ),
            passed=False,
        )
    positives, name, attribute = min(candidates)
    members = positive & (attributes[attribute] == name.removeprefix(f"{attribute}="))
    spoilt = _without_gap(selected, positive, generator)
    withheld = bool(spoilt[positive].mean() >= 0.5)
    changeable = np.flatnonzero(members & (spoilt == withheld))
    changed = generator.choice(changeable, size=min(len(changeable), round(PLANTED_GAP * positives)), replace=False)
    spoilt[changed] = not withheld
    by_attribute = _comparisons(GAPS[1], groups_by_attribute(spoilt, positive, attributes), least)
    found = by_attribute[attribute,]
    return ControlRun(
        kind="planted",
        expected=Text(
            f"true positive rate of {name} ({positives} positives) moved by {PLANTED_GAP}: a gap is found",
            f"将 {name}（{positives} 个阳性样本）的真阳性率移动 {PLANTED_GAP}：应检出差距",
        ),
        seen=Text(
            f"gap of {found.value:.3f}, at least {found.low:.3f}",
            f"差距 {found.value:.3f}，至少为 {found.low:.3f}",
        ),
        passed=found.low > 0,
    )


def _without_gap(
    selected: NDArray[np.bool_], positive: NDArray[np.bool_], generator: np.random.Generator
) -> NDArray[np.bool_]:
    """The same decisions, exchanged by lot among people with the same truth."""
    exchanged = selected.copy()
    for truth in (positive, ~positive):
        exchanged[truth] = generator.permutation(selected[truth])
    return exchanged


def _small_groups(groups: Groups, least: int) -> Iterator[Note]:
    small = [
        (group.name, rate, group.share(rate).n)
        for members in groups.values()
        for group in members
        for rate in RATES
        if group.share(rate).n < least
    ]
    if small:
        more = f" … ({len(small)})" if len(small) > LISTED else ""
        english = "; ".join(f"{name}: {_RATE_TITLES[rate].en} (n = {n})" for name, rate, n in small[:LISTED])
        chinese = "；".join(f"{name}：{_RATE_TITLES[rate].zh}（n = {n}）" for name, rate, n in small[:LISTED])
        yield Note(
            code="small-groups",
            text=Text(
                f"not compared, fewer than {least} samples behind the rate: {english}{more}",
                f"以下群体的比率所依据的样本少于 {least}，未参与比较：{chinese}{more}",
            ),
        )


def _nothing_to_compare(groups: Groups, least: int) -> Iterator[Note]:
    for rate in RATES:
        if not _comparable(groups, rate, least):
            yield Note(
                code="nothing-to-compare",
                text=Text(
                    f"no two groups are large enough to compare their {_RATE_TITLES[rate].en}",
                    f"没有两个群体大到足以比较其{_RATE_TITLES[rate].zh}",
                ),
            )
