"""Equivalence of the deployed form (MI-10): is what goes into service the model that was tested?

Threat: a model is tested in one form and used in another (quantised, pruned, compiled, on another runtime), and the
evidence speaks of a model nobody uses. Each declared form is asked the same questions as the evaluated form: the test
samples, for agreement and lost accuracy; and points where the evaluated form is undecided, on lines between test
samples of different answers, where a loss of precision shows first. The second is not a share of any real use: it says
how far the forms differ, not how often that matters.

What it cannot tell: whether the forms agree on inputs unlike these, and whether the form handed in is the one in use.

Source: exact bounds by Clopper and Pearson 1934, Biometrika 26:404; paired differences by the same on both sides.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from touchstone.canonical import canonical_json
from touchstone.checks.declaration import Measurement, MetricDeclaration, Needs, Parameters, Run, check
from touchstone.checks.shares import share_metric
from touchstone.errors import UnavailableError
from touchstone.records import Access, ControlRun, Metric, Note, number
from touchstone.statistics import difference_bounds
from touchstone.system.models.handle import Capability, ModelHandle
from touchstone.system.subject import Subject
from touchstone.text import Text

BOUNDARY_POINTS = {"quick": 200, "standard": 1000, "full": 4000}
"""Most undecided points asked per form."""
HALVINGS = 12
"""Steps towards the boundary: the point ends within 1/4096 of the way between two samples."""
PLANTED_STEPS = 16
"""Levels to which the planted control rounds the inputs, over their range: four bits."""
MOST_LISTED = 100
"""Rows of the test data on which a form differs that are named in the evidence."""

Classes = NDArray[np.int64]
Samples = NDArray[np.float32]


@check(
    id="model.equivalence",
    version="1",
    title=Text("Equivalence of the deployed form", "部署形态等价性"),
    measures=Text(
        "For each declared deployed form: the share of test samples that it answers like the evaluated form, the "
        "accuracy that is lost, and the agreement on points where the evaluated form is undecided, where lost "
        "precision shows first. The form that fares worst decides.",
        "对每个声明的部署形态测量：与被测形态判定一致的测试样本比例、损失的准确率，"
        "以及在被测形态犹豫不决的点上的一致性（精度损失在此最先显现）。以表现最差的形态为准。",
    ),
    cannot_tell=Text(
        "Whether the forms agree on inputs unlike the test data, and whether the form handed in is the one in service. "
        "Attacks and corruptions are measured on the evaluated form only.",
        "无法判断在与测试数据不同的输入上是否一致，也无法判断提交的形态是否即为在用形态；对抗与扰动测试只针对被测形态。",
    ),
    remedy=Text(
        "Convert anew with finer quantisation or calibration on data of the operating domain, or have the deployed "
        "form itself evaluated.",
        "以更精细的量化或运行域数据校准重新转换，或直接将部署形态作为被测形态。",
    ),
    threats=("CWE-1039",),
    source="Clopper and Pearson 1934, Biometrika 26:404",
    needs=Needs(
        access=Access.LABELS,
        capabilities=frozenset({Capability.LABELS, Capability.ANY_INPUT}),
        data=("test",),
        target=False,
        tasks=("classification",),
    ),
    metrics=(
        MetricDeclaration(
            "prediction_agreement", "share", "higher", Text("answered like the evaluated form", "与被测形态判定一致")
        ),
        MetricDeclaration("metric_drop", "points", "lower", Text("accuracy lost", "损失的准确率")),
        MetricDeclaration(
            "boundary_agreement", "share", "higher", Text("agreement where undecided", "临界点上的判定一致性")
        ),
    ),
    cost=lambda _subject, _parameters, budget: {"quick": 5, "standard": 15, "full": 60}[budget],
)
def equivalence(subject: Subject, _: Parameters, run: Run) -> Measurement:
    """Ask both forms the same questions and compare the answers."""
    forms = subject.description.model.deployed
    if not forms:
        raise UnavailableError(
            Text("no deployed form was handed in", "未提交部署形态"),
            "model.deployed",
            Text(
                "declare each form that goes into service, with its file or endpoint",
                "请声明每个投入使用的形态及其文件或端点",
            ),
        )
    test, model = subject.data("test"), subject.model()
    answers = model.labels(test.inputs)
    undecided = _undecided(model, test.inputs, answers, BOUNDARY_POINTS[run.budget], run.generator("pairs"))
    there = model.labels(undecided)
    compared = []
    for position, form in enumerate(forms):
        deployed = subject.deployed(form)
        given = deployed.labels(test.inputs)
        lost = gained = None
        if test.target is not None:
            right, kept = answers == test.target, given == test.target
            lost, gained = int((right & ~kept).sum()), int((kept & ~right).sum())
        compared.append(_Comparison(form.name, given == answers, deployed.labels(undecided) == there, lost, gained))
        run.progress((position + 1) / len(forms))
    differing = {each.name: np.flatnonzero(~each.same)[:MOST_LISTED].tolist() for each in compared}
    return Measurement(
        metrics=tuple(_metrics(compared)),
        controls=(_unchanged(model, test.inputs, undecided, answers, there), _rounded(model, undecided, there)),
        exhibits=(run.exhibit("equivalence.json", "application/json", canonical_json({"differing_rows": differing})),),
        warnings=tuple(_remarks(len(undecided))),
    )


@dataclass(frozen=True, slots=True)
class _Comparison:
    """One form against the evaluated form."""

    name: str
    same: NDArray[np.bool_]
    """Which test samples both answer alike, `(n,)`."""
    same_undecided: NDArray[np.bool_]
    lost: int | None
    """Right answers of the evaluated form that the deployed form does not give; `None` without labels."""
    gained: int | None


def _undecided(model: ModelHandle, x: Samples, answers: Classes, most: int, generator: np.random.Generator) -> Samples:
    """Points close to where the evaluated form changes its answer, on lines between samples `(m, *shape)`.

    Columns that are not continuous take values no real input has; for a comparison of two forms that does no harm.
    """
    first = generator.permutation(len(x))[:most]
    second = generator.permutation(len(x))[: len(first)]
    differ = answers[first] != answers[second]
    low: Samples = x[first[differ]].copy()
    high: Samples = x[second[differ]].copy()
    at_low = answers[first[differ]]
    for _ in range(HALVINGS if len(low) else 0):
        middle: Samples = np.asarray((low + high) / 2, dtype=np.float32)
        alike = model.labels(middle) == at_low
        low[alike], high[~alike] = middle[alike], middle[~alike]
    return low


def _metrics(compared: list[_Comparison]) -> Iterator[Metric]:
    """The worst form first, which decides; then each form by itself."""
    yield from _worst([_agreement(each) for each in compared])
    yield from _worst([_drop(each) for each in compared if each.lost is not None])
    for each in compared:
        for metric in (_agreement(each), _drop(each), _boundary(each)):
            if metric is not None:
                yield metric


def _worst(metrics: list[Metric | None]) -> Iterator[Metric]:
    """The metric of the worst form, without its name.

    The true worst form is one of them: the pessimistic bound holds without correction. The optimistic one is that of
    the form that looks worst and may be somewhat too good; it settles nothing in favour of the applicant.
    """
    known = [metric for metric in metrics if metric is not None]
    if not known:
        return
    higher = known[0].better == "higher"
    pick = min if higher else max
    yield known[0].model_copy(
        update={
            "slice": None,
            "value": pick(metric.value for metric in known),
            "low": pick(metric.low for metric in known if metric.low is not None),
            "high": pick(metric.high for metric in known if metric.high is not None),
        }
    )


def _agreement(each: _Comparison) -> Metric:
    return share_metric(
        "prediction_agreement", int(each.same.sum()), len(each.same), "higher", part=f"form={each.name}"
    )


def _boundary(each: _Comparison) -> Metric | None:
    same = each.same_undecided
    return (
        share_metric("boundary_agreement", int(same.sum()), len(same), "higher", part=f"form={each.name}")
        if len(same)
        else None
    )


def _drop(each: _Comparison) -> Metric | None:
    """Right answers lost less right answers gained, per sample; both shares at half the error."""
    if each.lost is None or each.gained is None:
        return None
    n = len(each.same)
    low, high = difference_bounds(each.lost, n, each.gained, n)  # half the error each: they need not be independent
    return Metric(
        id="metric_drop",
        unit="points",
        value=number((each.lost - each.gained) / n),
        low=number(low),
        high=number(high),
        method="clopper-pearson/paired-difference",
        n=n,
        better="lower",
        slice=f"form={each.name}",
    )


def _unchanged(model: ModelHandle, x: Samples, undecided: Samples, answers: Classes, there: Classes) -> ControlRun:
    """The evaluated form asked again agrees with itself: what differs below is not chance of its own."""
    changed = int((model.labels(x) != answers).sum() + (model.labels(undecided) != there).sum())
    return ControlRun(
        kind="null",
        expected=Text("the evaluated form asked again gives the same answers", "再次询问被测形态，判定不变"),
        seen=Text(f"{changed} answers changed", f"改变 {changed} 个判定"),
        passed=changed == 0,
    )


def _rounded(model: ModelHandle, undecided: Samples, there: Classes) -> ControlRun:
    """A conversion that keeps four bits of the inputs must show on the undecided points."""
    differ = 0
    if len(undecided):
        low, span = float(undecided.min()), float(np.ptp(undecided)) or 1.0
        coarse = np.rint((undecided - low) / span * PLANTED_STEPS) / PLANTED_STEPS * span + low
        differ = int((model.labels(coarse.astype(np.float32)) != there).sum())
    return ControlRun(
        kind="planted",
        expected=Text(
            "inputs rounded to four bits: some answer at an undecided point changes",
            "将输入舍入到四比特：临界点上应有判定改变",
        ),
        seen=Text(f"{differ} of {len(undecided)} answers changed", f"{len(undecided)} 个判定中改变 {differ} 个"),
        passed=differ > 0,
    )


def _remarks(undecided: int) -> Iterator[Note]:
    if undecided == 0:
        yield Note(
            code="one-answer",
            text=Text(
                "the evaluated form gives all test samples one answer, so that no undecided point is known",
                "被测形态对全部测试样本给出同一判定，因此找不到临界点",
            ),
        )
