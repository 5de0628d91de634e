"""Model extraction: how good a copy does somebody get who may only ask questions?

Threat: NIST AI 100-2 NISTAML.031, MITRE ATLAS AML.T0024.002. Half of the test data, and mixtures of pairs of them,
are sent to the model; copies of several kinds learn the labels it answers with, from a hundredth of the questions up to
all of them. They are compared with the model on the other half of the test data, which none of them has seen.

Two tests of the test: a rule that is easy to learn must be copied, and answers given by lot must not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from touchstone.canonical import canonical_json
from touchstone.checks.declaration import Measurement, MetricDeclaration, Needs, Parameters, Run, check
from touchstone.checks.shares import share_metric
from touchstone.errors import DataError
from touchstone.records import Access, ControlRun, Metric, Note
from touchstone.statistics import proportion_bounds
from touchstone.system.models.handle import Capability
from touchstone.system.subject import Subject
from touchstone.text import Text
from touchstone.training.shadows import scaled
from touchstone.training.surrogates import Kind, copy_of

FEWEST = 50
"""Samples of either half below which nothing can be said."""
COMPARED = 2_000
"""Most samples that copies are compared with the model on."""
PORTIONS = (0.01, 0.03, 0.1, 0.3, 1.0)
"""Of all questions; a copy is made after each."""
FEWEST_QUESTIONS = 10
CONTROL_QUESTIONS = 1_000
PLANTED_AGREEMENT = 0.8
NULL_CONFIDENCE = 0.995


class ExtractionParameters(Parameters):
    """What the attacker can afford."""

    queries: Annotated[int, Field(ge=100, le=1_000_000)] = 10_000


@dataclass(frozen=True, slots=True)
class _Inputs:
    """Questions and samples to compare on, as the model takes them, and as scaled rows for the copies."""

    questions: NDArray[Any]
    compared: NDArray[Any]
    question_rows: NDArray[np.float32]
    compared_rows: NDArray[np.float32]


@check(
    id="model.extraction",
    version="1",
    title=Text("Resistance to model extraction", "模型窃取抵抗能力"),
    measures=Text(
        "How often a copy agrees with the model, when it learnt nothing but the labels the model gave to a declared "
        "number of questions; along the way also after fewer.",
        "替身模型仅凭声明数量的提问及模型返回的标签训练后，与原模型答案一致的比例；同时给出较少提问次数下的结果。",
    ),
    cannot_tell=Text(
        "An attacker with probabilities, better questions or a better architecture gets a better copy: this is a lower "
        "bound. A simple task is copied easily by anyone with data of their own; compare with what a model trained on "
        "public data reaches. Whether a campaign is noticed by a gateway is not tested here.",
        "可获得概率输出、设计更优提问或采用更优结构的攻击者能得到更好的替身，故本结果为下界。"
        "简单任务本就易被任何拥有同类数据者复制，应与用公开数据训练的模型比较。本项不测试网关能否发现窃取行为。",
    ),
    remedy=Text(
        "Limit questions per customer, answer with labels only, watch for many questions off the usual paths, and rely "
        "on contracts and watermarks for what remains.",
        "限制每个客户的提问次数，仅返回标签，监测大量异常提问，其余风险依靠合同与水印。",
    ),
    threats=("NISTAML.031", "AML.T0024.002"),
    source="Tramèr et al. 2016 (USENIX Security); Orekondy et al. 2019 (CVPR); Jagielski et al. 2020 (fidelity)",
    needs=Needs(
        access=Access.LABELS,
        capabilities=frozenset({Capability.LABELS, Capability.ANY_INPUT}),
        data=("test",),
        target=False,
        tasks=("classification",),
    ),
    metrics=(
        MetricDeclaration(
            "surrogate_agreement",
            "share",
            "lower",
            Text("answers in which the copy agrees with the model", "替身与原模型答案一致的比例"),
        ),
    ),
    parameters=ExtractionParameters,
    cost=lambda _, parameters, __: 10 + parameters.queries // 500,
)
def extraction(subject: Subject, parameters: ExtractionParameters, run: Run) -> Measurement:
    """Ask, copy after more and more questions, and compare on samples that no copy has seen."""
    model = subject.model()
    inputs = _inputs(subject.data("test").inputs, parameters.queries, run.generator("questions"))
    answers, truth = model.labels(inputs.questions), model.labels(inputs.compared)
    run.progress(0.4)
    counts = sorted({max(FEWEST_QUESTIONS, round(portion * len(answers))) for portion in PORTIONS})
    curve: list[tuple[Metric, Kind]] = []
    for count in counts:
        rows, labels = inputs.question_rows[:count], answers[:count]
        kind, copy = copy_of(rows, labels, model.classes, run.generator(f"copy/{count}"))
        agreed = copy(inputs.compared_rows) == truth
        curve.append((_metric(agreed, None if count == counts[-1] else f"queries={count}"), kind))
        run.progress(0.4 + 0.4 * count / counts[-1])
    controls = (_planted(inputs, run), _null(inputs, run))
    report = {
        "schema": "touchstone.extraction-report/v1",
        "curve": [
            {"queries": count, "agreement": metric.model_dump(mode="json")["value"], "copy": kind}
            for count, (metric, kind) in zip(counts, curve, strict=True)
        ],
    }
    exhibit = run.exhibit("extraction_report.json", "application/json", canonical_json(report))
    commonest = float(np.bincount(truth).max() / len(truth))
    notes = (_copied(counts[-1], curve[-1][1], commonest), _no_monitor())
    return Measurement(tuple(metric for metric, _ in curve), controls, (exhibit,), notes)


def _inputs(x: NDArray[Any], queries: int, generator: np.random.Generator) -> _Inputs:
    """One half to ask about and to mix new questions of, the other to compare on; equal samples stay together."""
    _, first, which = np.unique(x.reshape(len(x), -1), axis=0, return_index=True, return_inverse=True)
    asked = generator.permutation(len(first)) < len(first) // 2
    mine, theirs = x[first[asked]], x[generator.permutation(np.flatnonzero(~asked[which.ravel()]))[:COMPARED]]
    if min(len(mine), len(theirs)) < FEWEST:
        raise DataError(
            Text(
                f"{len(first)} different test samples; at least {2 * FEWEST} are needed",
                f"互不相同的测试样本为 {len(first)} 个；至少需要 {2 * FEWEST} 个",
            ),
            "data.test",
        )
    natural = mine[generator.permutation(len(mine))[:queries]]
    one, other = (mine[generator.integers(len(mine), size=queries - len(natural))] for _ in range(2))
    share = generator.uniform(0.5, 1.0, size=(len(one), *[1] * (x.ndim - 1))).astype(np.float32)
    questions = np.concatenate([natural, share * one + (1 - share) * other]).astype(np.float32)
    rows = scaled(np.concatenate([questions, theirs]))
    return _Inputs(questions, theirs, rows[: len(questions)], rows[len(questions) :])


def _metric(agreed: NDArray[np.bool_], part: str | None) -> Metric:
    return share_metric("surrogate_agreement", int(agreed.sum()), len(agreed), "lower", part=part)


def _planted(inputs: _Inputs, run: Run) -> ControlRun:
    """A rule on a weighted sum of the inputs, which anyone could copy."""
    generator = run.generator("planted")
    weights = generator.normal(size=inputs.question_rows.shape[1])
    sums = inputs.question_rows @ weights
    limit = np.median(sums)
    agreement = _agreement(inputs, (sums > limit).astype(np.int64), inputs.compared_rows @ weights > limit, generator)
    return ControlRun(
        kind="planted",
        expected=Text(
            f"a linear rule is copied with an agreement above {PLANTED_AGREEMENT}",
            f"线性规则应被复制，一致率高于 {PLANTED_AGREEMENT}",
        ),
        seen=Text(f"agreement {agreement.mean():.3f}", f"一致率 {agreement.mean():.3f}"),
        passed=bool(agreement.mean() > PLANTED_AGREEMENT),
    )


def _null(inputs: _Inputs, run: Run) -> ControlRun:
    """Answers by lot hold nothing that could be copied."""
    generator = run.generator("null")
    answers = generator.integers(2, size=len(inputs.question_rows))
    agreed = _agreement(inputs, answers, generator.integers(2, size=len(inputs.compared_rows)), generator)
    low, high = proportion_bounds(int(agreed.sum()), len(agreed), confidence=NULL_CONFIDENCE)
    return ControlRun(
        kind="null",
        expected=Text(
            "a copy of answers by lot agrees as often as chance, 0.5", "对随机答案的复制，一致率应与随机水平 0.5 相容"
        ),
        seen=Text(f"agreement between {low:.3f} and {high:.3f}", f"一致率介于 {low:.3f} 与 {high:.3f} 之间"),
        passed=low <= 0.5 <= high,
    )


def _agreement(
    inputs: _Inputs, answers: NDArray[np.int64], truth: NDArray[Any], generator: np.random.Generator
) -> NDArray[np.bool_]:
    _, copy = copy_of(inputs.question_rows[:CONTROL_QUESTIONS], answers[:CONTROL_QUESTIONS], 2, generator)
    return np.asarray(copy(inputs.compared_rows) == truth)


def _copied(queries: int, kind: Kind, commonest: float) -> Note:
    kinds: dict[Kind, Text] = {
        "network": Text("a small network", "小型网络"),
        "forest": Text("a forest", "随机树集成"),
        "linear": Text("a linear classifier", "线性分类器"),
    }
    return Note(
        code="copied",
        text=Text(
            f"after {queries} questions the best copy is {kinds[kind].en}; "
            f"always giving the model's most common answer agrees in {commonest:.3f}",
            f"提问 {queries} 次后最佳替身为{kinds[kind].zh}；始终给出模型最常见的答案，一致率即为 {commonest:.3f}",
        ),
    )


def _no_monitor() -> Note:
    return Note(
        code="no-monitor",
        text=Text(
            "whether somebody noticed the questions is left out: no description names a monitor that could be asked",
            "未测量提问是否被察觉：描述文件中没有可供查询的监测系统",
        ),
    )
