"""Membership inference: can the model's answers tell whose data it was trained on?

Threat: NIST AI 100-2 NISTAML.033, MITRE ATLAS AML.T0024.000. Attacks that need no shadow models are tried on the
answers to training data (members) and test data (non-members); half of the samples choose the attack, the other half
score it. What is found is a lower bound: an attacker who can train reference models sees more.

Two tests of the test: the same code must expose a model that memorised its data, and must find nothing between two
halves of the non-members.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.spatial.distance import cdist

from touchstone.canonical import canonical_json
from touchstone.checks.declaration import ANY_KIND, Measurement, MetricDeclaration, Needs, Parameters, Run, check
from touchstone.errors import DataError
from touchstone.methods.inference.membership import Answers, MembershipResult, infer_membership, true_positive_rate
from touchstone.records import Access, ControlRun, Metric, Note, number
from touchstone.statistics import auc, auc_bounds
from touchstone.system.data.dataset import LabelledData
from touchstone.system.models.handle import Capability, ModelHandle
from touchstone.system.subject import Subject
from touchstone.text import Text

SAMPLES = {"quick": 4_000, "standard": 20_000, "full": 100_000}
"""Most members, and most non-members, per budget."""
FEWEST = 20
"""Members, and non-members, below which nothing can be said."""
FEWEST_OF_GROUP = 20
FALSE_POSITIVE_RATE = 0.001
MEMORISED = 1_000
"""Most samples of the planted memoriser."""
MEMORISED_ELEMENTS = 4_096
"""Elements by which the memoriser tells samples apart."""
PLANTED_AUC = 0.6
NULL_CONFIDENCE = 0.995
"""Of each bound of the null control: it should fail by chance in less than one run of a hundred."""
CURVE_POINTS = 50


class MembershipParameters(Parameters):
    """What has to be there for the true positive rate at a low false positive rate."""

    n_nonmembers_min: Annotated[int, Field(ge=1000)] = 10_000
    """Scored non-members below which 0.1 % of them is too few to count."""


@check(
    id="privacy.membership_inference",
    version="1",
    title=Text("Resistance to membership inference", "成员推断抵抗能力"),
    measures=Text(
        "How well an attacker who sees only the model's answers tells training data from other data: area under the "
        "ROC curve, per sensitive group too, and with enough data the true positive rate at 0.1 % false positives.",
        "仅能看到模型输出的攻击者区分训练数据与其他数据的能力：ROC 曲线下面积（含各敏感人群分组）；"
        "数据充足时另报 0.1 % 误报率下的真阳性率。",
    ),
    cannot_tell=Text(
        "Attackers who train reference models of their own see more; this is a lower bound on what leaks. Where test "
        "data differ from training data for other reasons, that difference is counted as leakage.",
        "自行训练参考模型的攻击者能获得更多信息，本结果只是泄露程度的下界；若测试数据因其他原因与训练数据分布不同，该差异也会被计为泄露。",
    ),
    remedy=Text(
        "Reduce overfitting (regularise, stop earlier, more data), answer with labels or coarse scores only, or train "
        "with differential privacy and have the claim verified.",
        "减轻过拟合（正则化、提前停止、增加数据）；仅返回标签或粗粒度分数；或采用差分隐私训练并接受验证。",
    ),
    threats=("NISTAML.033", "AML.T0024.000"),
    source="Yeom et al. 2018; Salem et al. 2019; Song and Mittal 2021; Carlini et al. 2022 (metric)",
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
    cost=lambda _, __, budget: {"quick": 5, "standard": 10, "full": 60}[budget],
)
def membership_inference(subject: Subject, parameters: MembershipParameters, run: Run) -> Measurement:
    """Attack, score on samples that had no part in the choice, then test the test."""
    model, train, test = subject.model(), subject.data("train"), subject.data("test")
    strangers, shared = _without_shared(test, train)
    members = _drawn(np.arange(len(train)), SAMPLES[run.budget], run.generator("members"))
    outsiders = _drawn(strangers, SAMPLES[run.budget], run.generator("non-members"))
    if min(len(members), len(outsiders)) < FEWEST:
        raise _too_few(len(members), len(outsiders))
    inside, outside = _answers(model, train, members), _answers(model, test, outsiders)
    run.progress(0.6)
    labels_only = Capability.PROBABILITIES not in model.capabilities
    result = infer_membership(inside, outside, run.generator("halves"), labels_only=labels_only)
    groups, skipped = _group_metrics(train, test, members, outsiders, result, run)
    overall = _auc_metric("attack_auc", result.members, result.outsiders, run.generator("pairs"))
    metrics: tuple[Metric, ...] = (overall, *groups)
    notes = [_attack_used(result.attack, labels_only)]
    if len(result.outsiders) >= parameters.n_nonmembers_min:
        metrics += (_low_rate_metric(result),)
    else:
        notes.append(_too_few_for_low_rate(len(result.outsiders), parameters.n_nonmembers_min))
    notes += [*([_shared_rows(shared)] if shared else []), *([_skipped_groups(skipped)] if skipped else [])]
    run.progress(0.8)
    controls = (_planted(train, members, model.classes, run), _null(outside, labels_only, run))
    exhibit = run.exhibit("membership_report.json", "application/json", canonical_json(_report(result)))
    return Measurement(metrics, controls, (exhibit,), tuple(notes))


def _without_shared(test: LabelledData, train: LabelledData) -> tuple[NDArray[np.int64], int]:
    """Rows of the test data that are not training data as well, and how many were."""
    known = {_fingerprint(row) for row in train.inputs}
    strangers = np.array([i for i, row in enumerate(test.inputs) if _fingerprint(row) not in known], dtype=np.int64)
    return strangers, len(test) - len(strangers)


def _fingerprint(row: NDArray[np.float32] | str) -> bytes:
    return hashlib.sha256(row.encode() if isinstance(row, str) else row.tobytes()).digest()


def _drawn(rows: NDArray[np.int64], most: int, generator: np.random.Generator) -> NDArray[np.int64]:
    return np.sort(generator.permutation(rows)[:most])


def _answers(model: ModelHandle, data: LabelledData, rows: NDArray[np.int64]) -> Answers:
    assert data.target is not None  # noqa: S101 - the plan gives this check labelled data only
    x = data.inputs[rows]
    if Capability.PROBABILITIES in model.capabilities:
        return Answers(model.probabilities(x), data.target[rows])
    return Answers(np.eye(model.classes)[model.labels(x)], data.target[rows])


def _auc_metric(
    name: str,
    members: NDArray[np.float64],
    outsiders: NDArray[np.float64],
    generator: np.random.Generator,
    part: str | None = None,
) -> Metric:
    found = auc(members, outsiders), *auc_bounds(members, outsiders, generator)
    return _metric(name, "auc", found, len(members), len(outsiders), "betting/random-pairs", part)


def _low_rate_metric(result: MembershipResult) -> Metric:
    found = true_positive_rate(result.members, result.outsiders, FALSE_POSITIVE_RATE)
    method = "order-statistic/clopper-pearson"
    return _metric("tpr_at_fpr_0_001", "share", found, len(result.members), len(result.outsiders), method)


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


def _planted(train: LabelledData, members: NDArray[np.int64], classes: int, run: Run) -> ControlRun:
    """A nearest-neighbour memoriser of random labels: nothing but memory can get those right."""
    generator = run.generator("planted")
    rows = generator.permutation(members)[:MEMORISED]
    x = _memorable(train.inputs[rows])
    y = generator.integers(classes, size=len(rows))
    half = len(rows) // 2
    nearest = cdist(x, x[:half]).argmin(axis=1)
    answers = Answers(np.eye(classes)[y[nearest]], y)
    result = infer_membership(answers[:half], answers[half:], generator)
    found = auc(result.members, result.outsiders)
    return ControlRun(
        kind="planted",
        expected=Text(
            f"a model that memorised random labels is exposed with an AUC above {PLANTED_AUC}",
            f"死记随机标签的模型应被识破，AUC 高于 {PLANTED_AUC}",
        ),
        seen=Text(f"AUC {found:.3f}", f"AUC {found:.3f}"),
        passed=found > PLANTED_AUC,
    )


def _memorable(inputs: NDArray[Any]) -> NDArray[np.float64]:
    """What a memoriser keeps of each input: some of its elements, or the fingerprint of a text."""
    if inputs.dtype == object:
        return np.array([list(_fingerprint(text)) for text in inputs], dtype=np.float64)
    flat = inputs.reshape(len(inputs), -1)
    return flat[:, :: -(-flat.shape[1] // MEMORISED_ELEMENTS)].astype(np.float64)


def _null(outside: Answers, labels_only: bool, run: Run) -> ControlRun:
    """Two halves of the non-members, of which neither was trained on."""
    generator = run.generator("null")
    order = generator.permutation(len(outside))
    half = len(outside) // 2
    result = infer_membership(outside[order[:half]], outside[order[half:]], generator, labels_only=labels_only)
    low, high = auc_bounds(result.members, result.outsiders, generator, confidence=NULL_CONFIDENCE)
    return ControlRun(
        kind="null",
        expected=Text(
            "between two halves of the non-members the AUC is consistent with 0.5", "非成员对半分时 AUC 应与 0.5 相容"
        ),
        seen=Text(f"AUC between {low:.3f} and {high:.3f}", f"AUC 介于 {low:.3f} 与 {high:.3f} 之间"),
        passed=low <= 0.5 <= high,
    )


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


def _attack_used(attack: str, labels_only: bool) -> Note:
    en = f"the strongest attack on the half that chooses was {attack}"
    zh = f"在用于选择的一半样本上最强的攻击为 {attack}"
    if labels_only:
        en += "; the model answers with labels only, so attacks on probabilities could not be tried"
        zh += "；模型仅返回标签，无法尝试基于概率的攻击"
    return Note(code="attack-used", text=Text(en, zh))


def _too_few_for_low_rate(have: int, need: int) -> Note:
    return Note(
        code="too-few-for-low-false-positive-rate",
        text=Text(
            f"the true positive rate at 0.1 % false positives is not reported: {have} scored non-members, {need} "
            "needed; the AUC stands in",
            f"未报告 0.1 % 误报率下的真阳性率：参与评分的非成员为 {have} 个，至少需要 {need} 个；以 AUC 代替",
        ),
    )


def _shared_rows(count: int) -> Note:
    return Note(
        code="test-rows-in-training-data",
        text=Text(
            f"{count} test samples are also training data and were left out",
            f"有 {count} 个测试样本同时出现在训练数据中，已排除",
        ),
    )


def _skipped_groups(groups: list[str]) -> Note:
    named = ", ".join(groups)[:500]
    return Note(
        code="groups-too-small",
        text=Text(
            f"too few scored samples to say anything about: {named}",
            f"以下分组参与评分的样本过少，无法给出结论：{named}",
        ),
    )
