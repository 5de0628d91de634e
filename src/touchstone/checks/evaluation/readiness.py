"""Are the data whole enough to build on: what is missing, where, and does the model pay for it?

Data from several sources come in fragments: a column one hospital never records, a sensor that fails in the cold. The
description says what the deployed system fills in for a missing value; here it is counted how often that happens, in
which groups, sites and classes it happens more often than elsewhere, and whether the model errs more where it does.
None of it is wrong in itself, so no limit stands on it: a reader has to know.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from touchstone.checks.declaration import Measurement, MetricDeclaration, Needs, Parameters, Run, check
from touchstone.checks.shares import share_metric
from touchstone.methods.data_quality.missingness import Unevenness, unevenness
from touchstone.records import Access, ControlRun, Metric, Note, number
from touchstone.system.data.dataset import LabelledData
from touchstone.system.description import Role
from touchstone.system.subject import Subject
from touchstone.text import Text

ROLES: tuple[Role, ...] = ("train", "test", "reference")
ERROR = 0.05
"""Chance of any wrong statement about groups, in each data set."""
NULL_ERROR = 0.005
"""Of the null control: it should fail by chance in less than one run of a hundred."""
NEVER = 0.95
"""Share of missing values from which on a site is said not to record a column."""
FEW = 100
"""Planted: rows of the largest group below which a lost half cannot be expected to show."""


@dataclass(frozen=True, slots=True)
class _Set:
    """One data set as this check looks at it: rows by columns that may lack a value, and what divides the rows."""

    role: str
    columns: list[str]
    missing: NDArray[np.bool_]
    attributes: dict[str, NDArray[np.str_]]
    site: str | None

    @property
    def rows(self) -> int:
        return len(self.missing)

    @property
    def whole(self) -> NDArray[np.bool_]:
        """Rows that lack no value."""
        return np.asarray(~self.missing.any(axis=1))


@check(
    id="data.readiness",
    version="1",
    title=Text("Missing and fragmented data", "数据缺失与碎片化"),
    measures=Text(
        "How many rows lack no value, how often each column lacks one, whether values are missing more often in some "
        "group, site or class than elsewhere, which columns a site never records, and how much more often the model "
        "errs on rows where values were filled in.",
        "无缺失值的行占比、各列缺失的频率、缺失在某些群体、站点或类别中是否更为频繁、哪些列在某站点从未记录，"
        "以及模型在填补行上的错误率高出多少。",
    ),
    cannot_tell=Text(
        "Rows that were left out, and values that were filled in before the data were handed in, are not seen. Why a "
        "value is missing, and whether it would have been an unusual one, cannot be told from the data. Only columns "
        "declared under `missing` may lack a value; elsewhere a missing value is refused when the data are read.",
        "提交前已剔除的行与已填补的值无法识别；缺失的原因以及缺失的值是否异常，无法由数据本身得知。"
        "仅 `missing` 中声明的列允许缺失，其他列的缺失在读取数据时即被拒绝。",
    ),
    remedy=Text(
        "Record the listed columns at the listed sites and groups, leave a column out that part of the sites never "
        "records, or train with values missing as they are in service.",
        "在所列站点与群体中补充记录所列各列；舍去部分站点从未记录的列；或按实际缺失方式训练模型。",
    ),
    threats=("CWE-1426",),
    source="Rubin 1976; Fisher 1935; Holm 1979; ISO/IEC 5259-2 (completeness)",
    needs=Needs(access=Access.PREDICTIONS, data=("test",), inputs=("tabular", "timeseries")),
    metrics=(
        MetricDeclaration("complete_row_share", "share", "higher", Text("rows that lack no value", "无缺失值的行占比")),
        MetricDeclaration(
            "missing_value_share", "share", "lower", Text("rows that lack the value", "缺失该值的行占比")
        ),
        MetricDeclaration(
            "uneven_missingness",
            "count",
            "lower",
            Text("columns missing more often in one group than elsewhere", "在某群体中缺失更频繁的列（组合数）"),
        ),
        MetricDeclaration(
            "fragmented_columns", "count", "lower", Text("columns that a site never records", "某站点从未记录的列数")
        ),
        MetricDeclaration(
            "filled_row_error", "share", "lower", Text("errors on rows with filled-in values", "填补行上的错误率")
        ),
    ),
    cost=lambda _, __, ___: 3,
)
def readiness(subject: Subject, parameters: Parameters, run: Run) -> Measurement:
    """Count what is missing in every data set, then test the comparison of groups on the test data."""
    sets = [_set(subject, role) for role in ROLES if getattr(subject.description.data, role) is not None]
    uneven = {each.role: unevenness(each.missing, each.columns, each.attributes, ERROR) for each in sets}
    metrics = [metric for each in sets for metric in _metrics(each, uneven[each.role])]
    test = next(each for each in sets if each.role == "test")
    exhibit = run.exhibit("missing.csv", "text/csv", _listing(sets, uneven))
    told = [_note(each.role, found) for each in sets for found in uneven[each.role] if found.believed][:10]
    return Measurement((*metrics, *_errors(subject, test)), _controls(test, run), (exhibit,), tuple(told))


def _set(subject: Subject, role: Role) -> _Set:
    data, specification = subject.data(role), subject.description.model.input
    flat = data.inputs.reshape(len(data), -1)
    columns = list(specification.columns or (f"element {at}" for at in range(flat.shape[1])))
    if len(columns) != flat.shape[1]:  # a series: one column per reading of a channel
        columns = [f"element {at}" for at in range(flat.shape[1])]
    missing = np.zeros(flat.shape, dtype=bool) if data.missing is None else data.missing.reshape(flat.shape)
    declared = getattr(subject.description.data, role)
    return _Set(role, columns, missing, _attributes(subject, data, declared.site), declared.site)


def _attributes(subject: Subject, data: LabelledData, site: str | None) -> dict[str, NDArray[np.str_]]:
    attributes = dict(data.sensitive)
    if data.sites is not None and site is not None:
        attributes[site] = data.sites
    if data.target is not None:
        attributes["class"] = np.array(subject.description.model.output.labels)[data.target]
    return attributes


def _metrics(each: _Set, uneven: list[Unevenness]) -> Iterator[Metric]:
    n = each.rows
    yield _counted("complete_row_share", int(each.whole.sum()), n, "higher", each.role)
    for place in np.flatnonzero(each.missing.any(axis=0)):
        part = f"{each.role}/{each.columns[place]}"
        yield _counted("missing_value_share", int(each.missing[:, place].sum()), n, "lower", part)
    believed = sum(found.believed for found in uneven)
    yield Metric(id="uneven_missingness", unit="count", value=number(believed), n=n, better="lower", slice=each.role)
    if each.site is not None:
        fragments = {found.column for found in uneven if found.attribute == each.site and found.share >= NEVER}
        yield Metric(
            id="fragmented_columns", unit="count", value=number(len(fragments)), n=n, better="lower", slice=each.role
        )


def _counted(name: str, count: int, n: int, better: str, part: str) -> Metric:
    """All rows of a set are counted, so that nothing is estimated."""
    share = number(count / n)
    direction = "higher" if better == "higher" else "lower"
    return Metric(id=name, unit="share", value=share, method="census", n=n, better=direction, slice=part)


def _errors(subject: Subject, test: _Set) -> list[Metric]:
    """How often the model errs on test rows that lack a value, and on those that lack none."""
    data = subject.data("test")
    if test.whole.all() or data.target is None:
        return []
    wrong = subject.model().labels(data.inputs) != data.target
    parts = {"filled": wrong[~test.whole], "complete": wrong[test.whole]}
    return [
        share_metric("filled_row_error", int(part.sum()), len(part), "lower", part=name)
        for name, part in parts.items()
        if len(part)
    ]


def _listing(sets: list[_Set], uneven: dict[str, list[Unevenness]]) -> bytes:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(
        ("data", "column", "among", "value", "rows", "missing", "rows_elsewhere", "missing_elsewhere", "p", "believed")
    )
    for each in sets:
        for place, column in enumerate(each.columns):
            count = int(each.missing[:, place].sum())
            if count:
                writer.writerow((each.role, column, "", "", each.rows, count, "", "", "", ""))
        for found in uneven[each.role]:
            writer.writerow(
                (
                    each.role,
                    found.column,
                    found.attribute,
                    found.value,
                    found.rows,
                    found.missing,
                    found.rows_elsewhere,
                    found.missing_elsewhere,
                    f"{found.p:.3g}",
                    int(found.believed),
                )
            )
    return buffer.getvalue().encode()


def _note(role: str, found: Unevenness) -> Note:
    return Note(
        code="missing-unevenly",
        text=Text(
            f"{role} data: {found.column} is missing in {found.share:.1%} of the rows with "
            f"{found.attribute}={found.value}, elsewhere in {found.share_elsewhere:.1%}",
            f"{role} 数据：{found.attribute}={found.value} 的行中 {found.column} 缺失 {found.share:.1%}，"
            f"其余行中缺失 {found.share_elsewhere:.1%}",
        ),
    )


def _controls(test: _Set, run: Run) -> tuple[ControlRun, ...]:
    """Values lost by lot must not look uneven; half of the values of the largest group lost must."""
    if not test.attributes:
        return ()
    generator = run.generator("null")
    lost = generator.random(test.missing.shape) < max(0.1, float(test.missing.mean()))
    null = [found for found in unevenness(lost, test.columns, test.attributes, NULL_ERROR) if found.believed]
    controls = [
        ControlRun(
            kind="null",
            expected=Text("values lost by lot fall evenly on the groups", "随机丢失的值在各群体中均匀分布"),
            seen=Text(f"{len(null)} believed uneven", f"判为不均匀的有 {len(null)} 项"),
            passed=not null,
        )
    ]
    attribute, value = _largest_part(test)
    here = test.attributes[attribute] == value
    if min(int(here.sum()), int((~here).sum())) >= FEW // 2:
        planted = np.zeros(test.missing.shape, dtype=bool)
        planted[here, 0] = run.generator("planted").random(int(here.sum())) < 0.5
        found = unevenness(planted, test.columns, test.attributes, ERROR)
        seen = any(each.believed and (each.attribute, each.value) == (attribute, value) for each in found)
        told = Text("found", "已发现") if seen else Text("not found", "未发现")
        controls.append(
            ControlRun(
                kind="planted",
                expected=Text(
                    f"a column that half of {attribute}={value} lacks is found",
                    f"{attribute}={value} 中半数缺失的列被发现",
                ),
                seen=told,
                passed=seen,
            )
        )
    return tuple(controls)


def _largest_part(test: _Set) -> tuple[str, str]:
    """The group that divides the rows most evenly: where a loss shows best."""
    parts = [
        (abs(int((values == value).sum()) * 2 - test.rows), attribute, str(value))
        for attribute, values in test.attributes.items()
        for value in np.unique(values)
    ]
    _, attribute, value = min(parts)
    return attribute, value
