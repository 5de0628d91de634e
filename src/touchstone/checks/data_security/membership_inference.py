"""Membership inference: can the model's answers tell whose data it was trained on?

Threat: NIST AI 100-2 NISTAML.033, MITRE ATLAS AML.T0024.000. The answers to training data (members) and test data
(non-members) are attacked, alone and beside those of reference models, which are trained here on random halves of the
same samples; half of the samples choose the attack, the other half score it.

Two tests of the test: the same code must expose a model that memorised its data, and must find nothing between two
halves of the non-members.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from touchstone.canonical import canonical_json
from touchstone.checks.data_security.members import answers_of, drawn, strangers, target_of
from touchstone.checks.data_security.membership_controls import null, planted
from touchstone.checks.data_security.membership_distances import may_be_walked_around, with_distances
from touchstone.checks.data_security.membership_notes import (
    attack_used,
    no_references,
    references_used,
    shared_rows,
    skipped_groups,
    too_few_for_low_rate,
)
from touchstone.checks.declaration import ANY_KIND, Measurement, MetricDeclaration, Needs, Parameters, Run, check
from touchstone.errors import DataError, UnavailableError
from touchstone.methods.inference.answers import Answers, paired_halves
from touchstone.methods.inference.membership import (
    MembershipResult,
    infer_membership,
    true_positive_rate,
    without_ties,
)
from touchstone.records import Access, Metric, Note, number
from touchstone.statistics import auc, auc_bounds
from touchstone.system.data.dataset import LabelledData
from touchstone.system.models.handle import Capability, ModelHandle
from touchstone.system.subject import Subject
from touchstone.text import Text
from touchstone.training.shadows import Lesson, Shadows, train_shadows

SAMPLES = {"quick": 4_000, "standard": 20_000, "full": 20_000}
"""Most members, and most non-members, per budget."""
REFERENCES = {"quick": 4, "standard": 4, "full": 16}
"""Models trained to compare with. Four see nearly what many see; the likelihood ratio joins in from sixteen."""
FEWEST = 20
"""Members, and non-members, below which nothing can be said."""
FEWEST_OF_GROUP = 20
FALSE_POSITIVE_RATES = {"tpr_at_fpr_0_01": 0.01, "tpr_at_fpr_0_001": 0.001}
"""Each is told only where it accuses at least ten non-members."""
CURVE_POINTS = 50


class MembershipParameters(Parameters):
    """What has to be there for the true positive rate at a low false positive rate."""

    n_nonmembers_min: Annotated[int, Field(ge=1000)] = 10_000
    """Scored non-members below which 0.1 % of them is too few to count."""


@check(
    id="privacy.membership_inference",
    version="3",
    title=Text("Resistance to membership inference", "成员推断抵抗能力"),
    measures=Text(
        "How well an attacker who sees the model's answers, and trains reference models on data like the system's, "
        "tells training data from other data: area under the ROC curve, per sensitive group too, and with enough data "
        "the true positive rate at 1 % and 0.1 % false positives.",
        "能看到模型输出、并能用同类数据自行训练参考模型的攻击者区分训练数据与其他数据的能力："
        "ROC 曲线下面积（含各敏感人群分组）；数据充足时另报 1 % 与 0.1 % 误报率下的真阳性率。",
    ),
    cannot_tell=Text(
        "Attackers with more references may see more; the gradients inside the model told nothing beyond its answers "
        "in our measurements, but other attacks from inside may. Where no references can be trained, what "
        "is found bounds the leak from below only, and no limit can be met. Where test data differ from training data "
        "for other reasons, that difference is counted as leakage.",
        "拥有更多参考模型的攻击者可能获得更多信息；据本项目实测，模型内部的梯度并不比其输出透露更多，但其他内部攻击仍有可能。若无法训练参考模型，结果只是泄露程度的下界，不足以判定达标；"
        "若测试数据因其他原因与训练数据分布不同，该差异也会被计为泄露。",
    ),
    remedy=Text(
        "Reduce overfitting (regularise, stop earlier, more data), answer with labels or coarse scores only, or train "
        "with differential privacy and have the claim verified.",
        "减轻过拟合（正则化、提前停止、增加数据）；仅返回标签或粗粒度分数；或采用差分隐私训练并接受验证。",
    ),
    threats=("NISTAML.033", "AML.T0024.000"),
    source="Zarifzadeh et al. 2024 (RMIA); Carlini et al. 2022 (LiRA, metric); Choquette-Choo et al. 2021; "
    "Watson et al. 2022; Yeom et al. 2018; "
    "Salem et al. 2019; Song and Mittal 2021",
    needs=Needs(
        access=Access.LABELS,
        capabilities=frozenset({Capability.LABELS, Capability.ANY_INPUT}),
        data=("train", "test"),
        tasks=("classification",),
        inputs=ANY_KIND,
    ),
    metrics=(
        MetricDeclaration(
            "attack_auc", "auc", "lower", Text("area under the attack's ROC curve", "攻击 ROC 曲线下面积")
        ),
        MetricDeclaration(
            "tpr_at_fpr_0_01",
            "share",
            "lower",
            Text("members exposed at 1 % false accusations", "1 % 误报率下被识别的成员比例"),
        ),
        MetricDeclaration(
            "tpr_at_fpr_0_001",
            "share",
            "lower",
            Text("members exposed at 0.1 % false accusations", "0.1 % 误报率下被识别的成员比例"),
        ),
        MetricDeclaration(
            "worst_subgroup_auc", "auc", "lower", Text("attack AUC in the most exposed group", "泄露最重分组的攻击 AUC")
        ),
    ),
    parameters=MembershipParameters,
    cost=lambda _, __, budget: {"quick": 20, "standard": 60, "full": 600}[budget],
)
def membership_inference(subject: Subject, parameters: MembershipParameters, run: Run) -> Measurement:
    """Attack, score on samples that had no part in the choice, then test the test."""
    model, train, test = subject.model(), subject.data("train"), subject.data("test")
    new = strangers(test, train)
    shared = len(test) - len(new)
    members = drawn(np.arange(len(train)), SAMPLES[run.budget], run.generator("members"))
    outsiders = drawn(new, SAMPLES[run.budget], run.generator("non-members"))
    if min(len(members), len(outsiders)) < FEWEST:
        raise _too_few(len(members), len(outsiders))
    shadows, references_note = _shadows(subject, members, outsiders, run)
    run.progress(0.6)
    labels_only = Capability.PROBABILITIES not in model.capabilities
    inside = _beside(_answers(model, train, members), shadows, slice(len(members)))
    outside = _beside(_answers(model, test, outsiders), shadows, slice(len(members), None))
    if labels_only and may_be_walked_around(subject, run):
        inside, outside = with_distances(subject, [(train, members, inside), (test, outsiders, outside)], run)
    result = infer_membership(inside, outside, run.generator("halves"), labels_only=labels_only)
    groups, skipped = _group_metrics(train, test, members, outsiders, result, run)
    overall = _auc_metric("attack_auc", result.members, result.outsiders, run.generator("pairs"))
    least = {"tpr_at_fpr_0_01": 1_000, "tpr_at_fpr_0_001": parameters.n_nonmembers_min}
    rates = [_low_rate_metric(name, result, run) for name, needed in least.items() if len(result.outsiders) >= needed]
    metrics: tuple[Metric, ...] = (overall, *groups, *rates)
    notes = [attack_used(result.attack, labels_only), references_note]
    if len(result.outsiders) < parameters.n_nonmembers_min:
        notes.append(too_few_for_low_rate(len(result.outsiders), parameters.n_nonmembers_min))
    notes += [*([shared_rows(shared)] if shared else []), *([skipped_groups(skipped)] if skipped else [])]
    if shadows is None:
        metrics = tuple(_seen_from_below(metric) for metric in metrics)
    run.progress(0.8)
    controls = (planted(train, members, model.classes, run), null(outside, labels_only, run))
    exhibit = run.exhibit("membership_report.json", "application/json", canonical_json(_report(result)))
    return Measurement(metrics, controls, (exhibit,), tuple(notes))


def _answers(model: ModelHandle, data: LabelledData, rows: NDArray[np.int64]) -> Answers:
    return Answers(answers_of(model, data.inputs[rows]), target_of(data)[rows])


def _shadows(
    subject: Subject, members: NDArray[np.int64], outsiders: NDArray[np.int64], run: Run
) -> tuple[Shadows | None, Note]:
    """References on random halves of members and non-members together, the members first; or why there are none."""
    train, test = subject.data("train"), subject.data("test")
    x = np.concatenate([train.inputs[members], test.inputs[outsiders]])
    y = np.concatenate([target_of(train)[members], target_of(test)[outsiders]])
    trained = paired_halves(len(x), REFERENCES[run.budget], run.generator("shares of the references"))
    try:
        shadows = train_shadows(subject, Lesson(x, y, trained), run.generator("references"))
    except UnavailableError as error:
        return None, no_references(error)
    return shadows, references_used(shadows)


def _beside(answers: Answers, shadows: Shadows | None, rows: slice) -> Answers:
    return answers if shadows is None else replace(answers, references=shadows.references[rows])


def _seen_from_below(metric: Metric) -> Metric:
    """Whoever has references may see more than was seen without: what was found bounds the leak from below only."""
    return metric.model_copy(update={"high": number(1.0), "method": f"{metric.method}/from-below"})


def _auc_metric(
    name: str,
    members: NDArray[np.float64],
    outsiders: NDArray[np.float64],
    generator: np.random.Generator,
    part: str | None = None,
) -> Metric:
    found = auc(members, outsiders), *auc_bounds(members, outsiders, generator)
    return _metric(name, "auc", found, len(members), len(outsiders), "betting/random-pairs", part)


def _low_rate_metric(name: str, result: MembershipResult, run: Run) -> Metric:
    members, outsiders = without_ties(result.members, result.outsiders, run.generator("equal suspicions"))
    found = true_positive_rate(members, outsiders, FALSE_POSITIVE_RATES[name])
    return _metric(name, "share", found, len(members), len(outsiders), "order-statistic/clopper-pearson")


def _group_metrics(
    train: LabelledData,
    test: LabelledData,
    members: NDArray[np.int64],
    outsiders: NDArray[np.int64],
    result: MembershipResult,
    run: Run,
) -> tuple[tuple[Metric, ...], list[str]]:
    """The same attack within each sensitive group, the most exposed of them, and groups too small to say."""
    slices: list[Metric] = []
    scores: list[tuple[NDArray[np.float64], NDArray[np.float64]]] = []
    skipped: list[str] = []
    for group, in_train, in_test in _groups(train, test):
        inside = result.members[in_train[members[result.member_rows]]]
        outside = result.outsiders[in_test[outsiders[result.outsider_rows]]]
        if min(len(inside), len(outside)) < FEWEST_OF_GROUP:
            skipped.append(group)
            continue
        slices.append(_auc_metric("attack_auc", inside, outside, run.generator(f"pairs/{group}"), group))
        scores.append((inside, outside))
    if not slices:
        return (), skipped
    # The true worst group is one of them, so the largest upper bound holds as it is; the largest lower bound holds
    # only if all of them do, and pays for that (Bonferroni).
    pairs = run.generator("pairs of groups")
    low = max(auc_bounds(inside, outside, pairs, looks=len(scores))[0] for inside, outside in scores)
    high = max(metric.high for metric in slices if metric.high is not None)
    worst = max(slices, key=lambda metric: metric.value)
    overall = Metric(
        **{**worst.model_dump(), "id": "worst_subgroup_auc", "low": number(low), "high": high, "slice": None}
    )
    return (*slices, overall), skipped


def _groups(train: LabelledData, test: LabelledData) -> Iterator[tuple[str, NDArray[np.bool_], NDArray[np.bool_]]]:
    """Every value of every sensitive attribute that both data sets carry."""
    for attribute in sorted(train.sensitive.keys() & test.sensitive.keys()):
        for value in np.unique(test.sensitive[attribute]):
            yield f"{attribute}={value}", train.sensitive[attribute] == value, test.sensitive[attribute] == value


def _metric(
    name: str,
    unit: str,
    found: tuple[float, float, float],
    members: int,
    outsiders: int,
    method: str,
    part: str | None = None,
) -> Metric:
    value, low, high = (number(each) for each in found)
    n = min(members, outsiders)
    return Metric(id=name, unit=unit, value=value, low=low, high=high, method=method, n=n, better="lower", slice=part)


def _report(result: MembershipResult) -> dict[str, object]:
    """Counts along the ROC curve of the scored halves; no sample can be recognised in it."""
    thresholds = np.quantile(np.concatenate([result.members, result.outsiders]), np.linspace(1, 0, CURVE_POINTS))
    return {
        "schema": "touchstone.membership-report/v1",
        "attack": result.attack,
        "members": len(result.members),
        "non_members": len(result.outsiders),
        "roc": [
            {
                "members_accused": int((result.members >= threshold).sum()),
                "non_members_accused": int((result.outsiders >= threshold).sum()),
            }
            for threshold in thresholds
        ],
    }


def _too_few(members: int, outsiders: int) -> DataError:
    return DataError(
        Text(
            f"{members} training samples and {outsiders} test samples that are not among them; at least {FEWEST} of "
            "each are needed",
            f"训练样本 {members} 个、不在训练集中的测试样本 {outsiders} 个；两者均至少需要 {FEWEST} 个",
        ),
        "data",
        Text("hand in more data, without overlap", "请提交更多且互不重叠的数据"),
    )
