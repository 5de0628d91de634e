"""Poisoned training data: do rows look planted, beside clean samples that somebody vouches for?

Threat: NIST AI 100-2 NISTAML.013 and .024, MITRE ATLAS AML.T0020. The reference data are taken as vetted. Each training
row gets a p-value for how strange it is among vetted samples of its label, in the model's own features. A class with
more strange rows than chance and a tolerated difference between two collections of data explain is flagged, and its
strange rows are suspects somebody has to look at. Before any verdict, poison is planted in a copy of the training data
and taught to a copy of the model: what the screen finds of it is its power.

Wrong labels are a matter of their own, with a check of their own (`data.label_quality`). Rows whose label the model
contradicts are left out of this screen.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from touchstone.checks.data_security.planted_rows import Planting, plantings
from touchstone.checks.data_security.row_screen import Labels, Samples, Screening, View, columns, screen, view_of
from touchstone.checks.declaration import Measurement, MetricDeclaration, Needs, Parameters, Run, check
from touchstone.checks.system_resilience.inputs import Layout, times_small, value_range
from touchstone.checks.system_resilience.pictures import Picture, picture_sheet
from touchstone.errors import UnavailableError
from touchstone.methods.backdoor.rows.ranking import (
    mean_rank,
    neighbour_disagreement,
    smaller_cluster,
    spectral_whitening,
)
from touchstone.records import Access, ControlRun, Exhibit, Metric, Note, number
from touchstone.statistics import proportion_bounds
from touchstone.system.data.dataset import LabelledData
from touchstone.system.subject import Subject
from touchstone.text import Text

ROWS = {"quick": 2_000, "standard": 10_000, "full": 50_000}
"""Most training rows that are looked at, per budget."""
VETTED = {"quick": 1_000, "standard": 2_000, "full": 5_000}
"""Most vetted samples."""
VETTED_OF_CLASS = 10
"""Vetted samples of a class below which the screen's power was not measured when it was developed."""
FEWEST_VETTED = 20
"""Vetted samples below which no p-value is small enough to be worth anything."""
FOUND = 0.5
"""Share of the planted rows that the planted control asks for; the limit of the control is stricter."""
LISTED = 10_000
SHOWN = 32
ACROSS = 8


class PoisoningParameters(Parameters):
    """How much poison the screen's power is measured with."""

    planted_share: Annotated[float, Field(gt=0, le=0.2)] = 0.01
    """Poisoned rows among the training rows."""


@check(
    id="data.poisoning",
    version="1",
    title=Text("Poisoned training data", "训练数据投毒筛查"),
    measures=Text(
        "Whether classes of the training data hold rows that are strange among vetted samples of the same label, more "
        "of them than chance explains, and which rows these are. How many rows of poison planted in a copy of the data "
        "the same screen finds is measured first.",
        "将训练数据各行与同标签的已核实样本比较，判断某一类别中的异常行是否多于偶然所能解释的数量，并列出这些行。"
        "在此之前，先在数据副本中植入投毒样本，测量同一筛查方法能找出多少。",
    ),
    cannot_tell=Text(
        "No suspects is no proof that nothing was planted: poison that lies among honest rows in the model's features, "
        "or that keeps its labels, may not be seen, and an attacker who knows this screen can aim below it. A suspect "
        "may be honest: data collected differently from the vetted samples look the same. The result is worth as much "
        "as the vetting of the reference data. Label quality says nothing about backdoors.",
        "没有可疑行并不证明未被投毒：在模型特征空间中混入正常样本的投毒，或不改动标签的投毒，可能无法发现；"
        "了解本方法的攻击者亦可针对性规避。可疑行也可能是正常数据：与已核实样本采集方式不同的数据表现相同。"
        "结果的可信度取决于参考数据的核实质量。标签质量结论与后门无关。",
    ),
    remedy=Text(
        "Look at the suspects in the list, find out where they came from, remove those nobody can vouch for and train "
        "again from the start. Hand in more vetted samples of each class where planted poison was missed.",
        "逐一查看清单中的可疑行并追溯来源；删除无人能够证实的行，并从头重新训练。若未能找出植入的投毒样本，请补充每一类别的已核实样本。",
    ),
    threats=("NISTAML.013", "NISTAML.024", "AML.T0020"),
    source="Lee et al. 2018; Barber et al. 2021; Nelson 1963; Benjamini and Hochberg 1995",
    needs=Needs(access=Access.PREDICTIONS, data=("train",), tasks=("classification",)),
    metrics=(
        MetricDeclaration(
            "planted_recall", "share", "higher", Text("planted poison that the screen finds", "植入投毒样本的检出率")
        ),
        MetricDeclaration(
            "unresolved_suspects",
            "share",
            "lower",
            Text("suspect rows that nobody has decided on", "未经人工处置的可疑行占比"),
        ),
    ),
    parameters=PoisoningParameters,
    cost=lambda subject, _, budget: {"quick": 12, "standard": 60, "full": 400}[budget] * times_small(subject, 24_000),
)
def poisoning(subject: Subject, parameters: PoisoningParameters, run: Run) -> Measurement:
    """Measure the power of the screen, test it on vetted samples alone, then screen."""
    view = view_of(subject)
    rows, x, y = _drawn(subject.data("train"), ROWS[run.budget], run.generator("rows"))
    vetted_x, vetted_y = _vetted(subject, run)
    if vetted_x is None or vetted_y is None:
        listing = run.exhibit("ranked_rows.csv", "text/csv", _ranking(view, rows, x, y))
        return Measurement((), exhibits=(listing,), warnings=(_nothing_vetted(), view.note()))
    found = screen(view, vetted_x, vetted_y, x, y)
    run.progress(0.2)
    specification, classes = subject.description.model.input, subject.model().classes
    planted = []
    for one in plantings(view, specification, (vetted_x, vetted_y), (x, y), classes, parameters.planted_share, run):
        planted.append(one)
        run.progress(0.2 + 0.7 * len(planted) / (len(planted) + 1))
    learnt = [one for one in planted if one.took]
    share = int(found.suspect.sum()) / len(rows)
    suspects = Metric(id="unresolved_suspects", unit="share", value=number(share), n=len(rows), better="lower")
    notes = [view.note(), *_remarks(found, vetted_y, classes, planted)]
    return Measurement(
        (*([_recall(learnt)] if learnt else []), suspects),
        (_null_control(view, vetted_x, vetted_y, run), _planted_control(learnt)),
        (
            run.exhibit("suspects.csv", "text/csv", _suspects(rows, y, found)),
            *_pictures(subject, x, found, run),
        ),
        tuple(notes),
    )


def _drawn(data: LabelledData, most: int, generator: np.random.Generator) -> tuple[NDArray[np.int64], Samples, Labels]:
    """Places, inputs and labels of some rows by lot, in the order they have in the data."""
    assert data.target is not None  # noqa: S101 - the plan gives this check labelled data only
    rows = np.sort(generator.permutation(len(data))[:most])
    return rows, data.inputs[rows], data.target[rows]


def _vetted(subject: Subject, run: Run) -> tuple[Samples, Labels] | tuple[None, None]:
    """Clean samples with their labels, or nothing where none were handed in with labels."""
    if subject.description.data.reference is None:
        return None, None
    reference = subject.data("reference")
    if reference.target is None:
        return None, None
    if len(reference) < FEWEST_VETTED:
        raise UnavailableError(
            Text(
                f"{len(reference)} vetted samples; at least {FEWEST_VETTED} are needed",
                f"已核实样本仅 {len(reference)} 个，至少需要 {FEWEST_VETTED} 个",
            ),
            "data.reference",
            Text(
                f"hand in {VETTED_OF_CLASS} or more vetted samples of each class",
                f"每一类别至少提交 {VETTED_OF_CLASS} 个已核实样本",
            ),
        )
    _, x, y = _drawn(reference, VETTED[run.budget], run.generator("vetted"))
    return x, y


def _recall(planted: list[Planting]) -> Metric:
    found, n = sum(one.found for one in planted), sum(one.planted for one in planted)
    low, high = (number(bound) for bound in proportion_bounds(found, n))
    return Metric(
        id="planted_recall",
        unit="share",
        value=number(found / n),
        low=low,
        high=high,
        method="clopper-pearson",
        n=n,
        better="higher",
    )


def _null_control(view: View, x: Samples, y: Labels, run: Run) -> ControlRun:
    """Half of the vetted samples of each class in the place of the training rows."""
    order = run.generator("null").permutation(len(y))
    order = order[np.argsort(y[order], kind="stable")]
    one, other = order[::2], order[1::2]
    flagged = screen(view, x[one], y[one], x[other], y[other]).flagged
    return ControlRun(
        kind="null",
        expected=Text(
            "among vetted samples, compared with as many others, no class is flagged",
            "以一半已核实样本核对另一半，不应标记任何类别",
        ),
        seen=Text(f"{len(flagged)} classes flagged", f"标记 {len(flagged)} 个类别"),
        passed=not flagged,
    )


def _planted_control(planted: list[Planting]) -> ControlRun:
    found, n = sum(one.found for one in planted), sum(one.planted for one in planted)
    return ControlRun(
        kind="planted",
        expected=Text(
            "half of the planted rows or more, of every kind together, are among the suspects",
            "各类植入样本合计，至少一半被列为可疑行",
        ),
        seen=Text(f"{found} of {n} planted rows found", f"共植入 {n} 行，找出 {found} 行"),
        passed=n > 0 and found >= FOUND * n,
    )


def _remarks(found: Screening, vetted: Labels, classes: int, planted: list[Planting]) -> list[Note]:
    each = "; ".join(
        f"{one.kind}: {one.found}/{one.planted}" + ("" if one.took else f" (did not take: {one.learnt:.2f})")
        for one in planted
    )
    each_zh = "；".join(
        f"{one.kind}：{one.found}/{one.planted}" + ("" if one.took else f"（未形成后门：{one.learnt:.2f}）")
        for one in planted
    )
    notes = [
        Note(code="planted-by-kind", text=Text(f"found of what was planted: {each}", f"各类植入的检出：{each_zh}"))
    ]
    counts = np.bincount(vetted, minlength=classes)
    if (counts < VETTED_OF_CLASS).any():
        few = int((counts < VETTED_OF_CLASS).sum())
        notes.append(
            Note(
                code="few-vetted-samples",
                text=Text(
                    f"{few} classes have fewer than {VETTED_OF_CLASS} vetted samples; poison there is easily missed",
                    f"{few} 个类别的已核实样本少于 {VETTED_OF_CLASS} 个，其中的投毒容易漏检",
                ),
            )
        )
    notes += [
        Note(
            code="class-flagged",
            text=Text(
                f"class {one.label}: {one.strange} of {one.rows} rows are strange where {one.level:.1%} would be "
                f"expected (p = {one.p:.1e})",
                f"类别 {one.label}：{one.rows} 行中有 {one.strange} 行异常，"
                f"预期约为 {one.level:.1%}（p = {one.p:.1e}）",
            ),
        )
        for one in found.flagged
    ]
    return notes


def _suspects(rows: NDArray[np.int64], y: Labels, found: Screening) -> bytes:
    """Rows with the strangest first, suspects before all others."""
    order = np.lexsort((-found.score, ~found.suspect))[:LISTED]
    return _table(
        ("row", "label", "score", "p", "suspect", "discovery"),
        (
            (
                int(rows[i]),
                int(y[i]),
                f"{found.score[i]:.4f}",
                f"{found.p[i]:.6f}",
                int(found.suspect[i]),
                int(found.discovered[i]),
            )
            for i in order
        ),
    )


def _ranking(view: View, rows: NDArray[np.int64], x: Samples, y: Labels) -> bytes:
    """Rows in the order in which somebody should look at them: evidence that decides nothing."""
    features = view.features(x)[0]
    scores = spectral_whitening(features, y), smaller_cluster(features, y), neighbour_disagreement(columns(x), y)
    rank = mean_rank(*scores)
    return _table(
        ("row", "label", "rank", "whitened_distance", "smaller_cluster", "neighbours_of_other_label"),
        (
            (int(rows[i]), int(y[i]), f"{rank[i]:.4f}", *(f"{score[i]:.4f}" for score in scores))
            for i in np.argsort(-rank, kind="stable")[:LISTED]
        ),
    )


def _table(head: tuple[str, ...], body: Iterable[tuple[object, ...]]) -> bytes:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(body)
    return buffer.getvalue().encode()


def _pictures(subject: Subject, x: Samples, found: Screening, run: Run) -> tuple[Exhibit, ...]:
    """The strangest suspects, where pictures of the training data may be shown."""
    specification, train = subject.description.model.input, subject.description.data.train
    personal = subject.facts.get("data.personal") is True and not (train is not None and train.synthetic)
    worst = np.flatnonzero(found.suspect)[np.argsort(-found.score[found.suspect], kind="stable")][:SHOWN]
    if specification.kind != "image" or personal or not len(worst):
        return ()
    legal = value_range(specification, x)
    shown = Layout(specification, x.shape[1:]).channels_first(x[worst])
    pictures: list[Picture] = list((shown - np.float32(legal.low)) / np.float32(legal.high - legal.low))
    columns_of_sheet = {f"{at + 1}": pictures[at::ACROSS] for at in range(min(ACROSS, len(pictures)))}
    return (run.exhibit("suspects.png", "image/png", picture_sheet(columns_of_sheet)),)


def _nothing_vetted() -> Note:
    return Note(
        code="nothing-vetted",
        text=Text(
            "no vetted samples with labels were handed in as reference data, so rows are put in an order to look at "
            "and nothing is decided: without them no method known to us has a threshold that holds for honest data",
            "未提交带标签的已核实样本（参考数据），因此仅给出供人工查看的排序而不作判定："
            "缺少此类样本时，尚无已知方法的阈值对正常数据成立",
        ),
    )
