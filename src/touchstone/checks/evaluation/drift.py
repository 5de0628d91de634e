"""Do training, test and reference data come from the same source?

A model is tested on what the test data are. If they differ from what it learnt from, its errors may be those of the
change; if they differ from the operating domain, its successes say little about service. Neither is wrong in itself, so
no limit stands on it: a reader has to know.
"""

from __future__ import annotations

import csv
import io
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchstone.checks.declaration import Measurement, MetricDeclaration, Needs, Parameters, Run, check
from touchstone.checks.system_resilience.inputs import Layout
from touchstone.errors import UnavailableError
from touchstone.methods.data_quality.drift import Apart, ColumnDrift, Columns, column_drift, told_apart
from touchstone.methods.data_quality.pictures import low_frequencies
from touchstone.records import ControlRun, Metric, Note, number
from touchstone.system.description import InputSpecification, Role
from touchstone.system.subject import Subject
from touchstone.text import Text

ROWS = {"quick": 2_000, "standard": 10_000, "full": 50_000}
"""Most rows of each data set."""
FEWEST = 40
"""Rows of a set below which nothing can be told."""
MOST_COLUMNS = 256
NULL_CONFIDENCE = 0.995
"""Of the bound of the null control: it should fail by chance in less than one run of a hundred."""
PLANTED_SHIFT = 1.0
"""Shift of every fourth column, in its spread, that must be noticed."""


@check(
    id="data.drift",
    version="1",
    title=Text("Drift between data sets", "数据集之间的漂移"),
    measures=Text(
        "How well a classifier tells training, test and reference data apart, and which columns (of pictures: "
        "brightness, contrast, colour and sharpness) are distributed differently, with how large a difference.",
        "分类器区分训练、测试与参考数据的能力，以及哪些列（图像为亮度、对比度、颜色与清晰度）分布不同及差异大小。",
    ),
    cannot_tell=Text(
        "Sets that cannot be told apart by this classifier may still differ in rare cases, or in how inputs and labels "
        "belong together. Which of two sets that differ is the right one is not decided.",
        "该分类器无法区分的数据集仍可能在罕见个案或输入与标签的关系上存在差异；也不判断不同的数据集中哪一个是正确的。",
    ),
    remedy=Text(
        "Find out why the listed columns differ. Collect test data where the system will be used, and train on such "
        "data, or say in the description for which change the test is meant.",
        "查明所列各列差异的原因；在实际使用环境中采集测试数据并用于训练，或在描述中说明测试针对何种变化。",
    ),
    threats=(),
    source="Rabanser et al. 2019; Lopez-Paz and Oquab 2017; Benjamini and Hochberg 1995",
    needs=Needs(data=("test",), target=False),
    metrics=(
        MetricDeclaration("domain_auc", "auc", "lower", Text("how well two sets are told apart", "数据集可区分度")),
        MetricDeclaration(
            "drifted_column_share", "share", "lower", Text("columns distributed differently", "分布不同的列占比")
        ),
    ),
    cost=lambda _, __, budget: {"quick": 8, "standard": 30, "full": 120}[budget],
)
def drift(subject: Subject, parameters: Parameters, run: Run) -> Measurement:
    """Compare every two of the data sets, then the test data with themselves and with a shifted half of them."""
    sets, names = _sets(subject, run)
    metrics, rows, notes = [], [], []
    for one, other in combinations(sets, 2):
        part = f"{one}/{other}"
        apart = told_apart(sets[one], sets[other], run.generator(f"classifier/{part}"))
        columns = column_drift(sets[one], sets[other])
        metrics += [_apart_metric(apart, part), _columns_metric(columns, part)]
        rows += [(part, *row) for row in _listed(columns, names)]
        if apart.low > 0.5:
            notes.append(_note(one, other, apart))
    exhibit = run.exhibit("columns.csv", "text/csv", _table(rows))
    return Measurement(tuple(metrics), _controls(sets["test"], run), (exhibit,), tuple(notes))


def _sets(subject: Subject, run: Run) -> tuple[dict[str, Columns], list[str]]:
    """The columns of every data set, by role, and what they are called."""
    declared = subject.description.data
    roles: tuple[Role, ...] = ("train", "test", "reference")
    present = [role for role in roles if getattr(declared, role) is not None]
    drawn: dict[str, NDArray[Any]] = {}
    for role in present:
        inputs = subject.data(role).inputs
        drawn[role] = inputs[run.generator(f"rows/{role}").permutation(len(inputs))[: ROWS[run.budget]]]
    enough = {role: x for role, x in drawn.items() if len(x) >= FEWEST}
    if len(enough) < 2 or "test" not in enough:
        raise UnavailableError(
            Text(
                f"the test data and one other set of {FEWEST} rows or more are needed",
                f"需要测试数据及另一数据集，且各不少于 {FEWEST} 行",
            ),
            "data",
            Text("hand in training or reference data", "请提交训练数据或参考数据"),
        )
    specification = subject.description.model.input
    return {role: _columns(x, specification) for role, x in enough.items()}, _names(specification)


def _columns(x: NDArray[Any], specification: InputSpecification) -> Columns:
    """Numbers as they are; of pictures what can be said of each as a whole, and the lowest frequencies."""
    if specification.kind != "image":
        flat = x.reshape(len(x), -1)
        return np.asarray(flat[:, :: -(-flat.shape[1] // MOST_COLUMNS)], dtype=np.float32)
    pictures = Layout(specification, x.shape[1:]).channels_first(x)
    steps = [np.abs(np.diff(pictures, axis=axis)).mean(axis=(1, 2, 3)) for axis in (2, 3)]
    means, spreads = pictures.mean(axis=(2, 3)), pictures.std(axis=(2, 3))
    whole = np.column_stack([means, spreads, *steps])
    return np.asarray(np.concatenate([whole, low_frequencies(pictures)], axis=1), dtype=np.float32)


def _names(specification: InputSpecification) -> list[str]:
    """Names of the first columns; the rest go by their place."""
    if specification.kind != "image":
        return list(specification.columns or ())
    shape = specification.shape or [1]
    channels = shape[-1] if specification.layout == "HWC" else shape[0]
    named = [f"{what} of channel {channel}" for what in ("brightness", "contrast") for channel in range(channels)]
    return [*named, "steps down", "steps across"]


def _apart_metric(apart: Apart, part: str) -> Metric:
    return Metric(
        id="domain_auc",
        unit="auc",
        value=number(apart.auc),
        low=number(apart.low),
        high=number(apart.high),
        method="betting/random-pairs",
        n=apart.n,
        better="lower",
        slice=part,
    )


def _columns_metric(columns: ColumnDrift, part: str) -> Metric:
    share, n = float(columns.drifted.mean()), len(columns.drifted)
    return Metric(id="drifted_column_share", unit="share", value=number(share), n=n, better="lower", slice=part)


def _listed(columns: ColumnDrift, names: list[str]) -> list[tuple[str, str, str, int]]:
    """Columns with the largest difference first."""
    return [
        (
            names[at] if at < len(names) else f"element {at}",
            f"{columns.distance[at]:.4f}",
            f"{columns.p[at]:.3g}",
            int(columns.drifted[at]),
        )
        for at in np.argsort(-columns.distance, kind="stable")
    ]


def _table(rows: list[tuple[str, str, str, str, int]]) -> bytes:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(("sets", "column", "distance", "p", "drifted"))
    writer.writerows(rows)
    return buffer.getvalue().encode()


def _controls(test: Columns, run: Run) -> tuple[ControlRun, ControlRun]:
    """Two halves of the test data must not be told apart, and must be where one is shifted."""
    order = run.generator("halves").permutation(len(test))
    one, other = test[order[::2]], test[order[1::2]].copy()
    same = told_apart(one, other, run.generator("null"), confidence=NULL_CONFIDENCE)
    varied = np.flatnonzero(test.std(axis=0) > 0)[::4]
    other[:, varied] += PLANTED_SHIFT * test[:, varied].std(axis=0)
    shifted = told_apart(one, other, run.generator("planted"))
    return (
        ControlRun(
            kind="null",
            expected=Text("two halves of the test data are not told apart", "测试数据的两半不可区分"),
            seen=Text(f"AUC at least {same.low:.3f}", f"AUC 下界 {same.low:.3f}"),
            passed=same.low <= 0.5,
        ),
        ControlRun(
            kind="planted",
            expected=Text(
                "a half whose every fourth column is shifted is told apart", "每四列平移一列后的一半可被区分"
            ),
            seen=Text(f"AUC at least {shifted.low:.3f}", f"AUC 下界 {shifted.low:.3f}"),
            passed=shifted.low > 0.5,
        ),
    )


def _note(one: str, other: str, apart: Apart) -> Note:
    return Note(
        code="sets-differ",
        text=Text(
            f"{one} and {other} data differ: a classifier tells them apart with AUC {apart.auc:.3f} "
            f"(at least {apart.low:.3f})",
            f"{one} 与 {other} 数据存在差异：分类器区分 AUC 为 {apart.auc:.3f}（下界 {apart.low:.3f}）",
        ),
    )
