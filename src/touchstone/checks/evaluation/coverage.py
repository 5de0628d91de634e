"""Do the test data cover the domain that the system is made for?

The domain is what the applicant declares under `operating_dimensions`, with the classes as one more dimension. Counted
are the values that occur, the pairs of values that occur together, and the rows of the rarest value. Nothing is
estimated: a gap is a gap in these data.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from touchstone.checks.declaration import ANY_KIND, Measurement, MetricDeclaration, Needs, Parameters, Run, check
from touchstone.checks.system_resilience.abstention import abstention_of
from touchstone.errors import DescriptionError, UnavailableError, UserError
from touchstone.methods.attacks.patch.judging import NONE
from touchstone.methods.data_quality.combinations import OUTSIDE, Cell, cells
from touchstone.records import ControlRun, Metric, Note, number
from touchstone.system.data.dataset import LabelledData
from touchstone.system.subject import Subject
from touchstone.text import Text

CLASS = "class"
MOST_VALUES = 200
"""Values of one dimension; more are no dimension of a domain but a name."""


@dataclass(frozen=True, slots=True)
class _Domain:
    """The dimensions with their values, and for each row which of them it has."""

    values: dict[str, tuple[str, ...]]
    codes: dict[str, NDArray[np.int64]]

    def singles(self) -> tuple[Cell, ...]:
        return cells(self.codes, self.values, 1)

    def pairs(self) -> tuple[Cell, ...]:
        return cells(self.codes, self.values, 2)


@check(
    id="method.coverage",
    version="2",
    title=Text("Coverage of the operating domain", "运行域覆盖"),
    measures=Text(
        "The share of the declared values of the operating domain's dimensions that occur in the test data, the share "
        "of pairs of values that occur together, and how many rows the rarest value has. All gaps are listed.",
        "测试数据覆盖所声明运行域各维度取值的比例、两两取值组合的覆盖比例，以及最少取值所含的行数；列出全部缺口。",
    ),
    cannot_tell=Text(
        "Dimensions nobody declared are not looked at, and a covered combination of three or more values is not "
        "counted. Pairs that cannot occur count as gaps. That a cell has rows does not mean that they are typical.",
        "未声明的维度不在检查范围内；不统计三个及以上取值的组合；不可能出现的组合也计为缺口。某单元有样本不代表样本具有代表性。",
    ),
    remedy=Text(
        "Collect test data for the listed gaps, the hazardous ones first, or narrow the declared operating domain.",
        "针对所列缺口补充测试数据（优先高危单元），或收窄所声明的运行域。",
    ),
    threats=(),
    source="Kuhn et al. 2013; NIST SP 800-142",
    needs=Needs(data=("test",), target=False, inputs=ANY_KIND),
    metrics=(
        MetricDeclaration("single_value_coverage", "share", "higher", Text("declared values that occur", "取值覆盖率")),
        MetricDeclaration(
            "pairwise_coverage", "share", "higher", Text("pairs of values that occur together", "两两组合覆盖率")
        ),
        MetricDeclaration(
            "min_samples_per_cell", "count", "higher", Text("rows of the rarest declared value", "最少取值的样本数")
        ),
    ),
)
def coverage(subject: Subject, parameters: Parameters, run: Run) -> Measurement:
    """Count rows of every declared value and of every pair of them."""
    test = subject.data("test")
    domain = _domain(subject, test)
    singles, pairs = domain.singles(), domain.pairs()
    fewest = min(cell.rows for cell in singles)
    metrics = [
        _covered("single_value_coverage", singles),
        *([_covered("pairwise_coverage", pairs)] if pairs else []),
        Metric(id="min_samples_per_cell", unit="count", value=number(fewest), n=len(test), better="higher"),
    ]
    exhibit = run.exhibit("cells.csv", "text/csv", _listing(singles + pairs))
    return Measurement(tuple(metrics), _controls(domain, run), (exhibit,), _remarks(domain, singles, pairs))


def _domain(subject: Subject, test: LabelledData) -> _Domain:
    declared = subject.description.operating_dimensions
    if not declared:
        raise UnavailableError(
            Text("no dimensions of the operating domain are declared", "未声明运行域的维度"),
            "operating_dimensions",
            Text(
                "write down what the domain varies in, with its values: "
                "`operating_dimensions: {age_band: [18-39, 40-64, 65+]}`",
                "请写明运行域的维度与取值，例如 `operating_dimensions: {age_band: [18-39, 40-64, 65+]}`",
            ),
        )
    values: dict[str, tuple[str, ...]] = {}
    codes: dict[str, NDArray[np.int64]] = {}
    if test.target is not None and subject.description.model.output.labels:
        values[CLASS], codes[CLASS] = _classes(subject, test.target)
    for name, listed in sorted(declared.items()):
        values[name], codes[name] = _dimension(subject, test, name, listed)
    return _Domain(values, codes)


def _classes(subject: Subject, target: NDArray[np.int64]) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """The classes as one more dimension. An abstention is an answer and no case that could be missing from the data."""
    labels, abstention = list(subject.description.model.output.labels), abstention_of(subject)
    if abstention == NONE or np.any(target == abstention):
        return tuple(labels), target
    del labels[abstention]
    return tuple(labels), target - (target > abstention)


def _dimension(
    subject: Subject, test: LabelledData, name: str, listed: list[str] | list[float]
) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """The values of one dimension, and which of them each row has."""
    if len(set(listed)) < len(listed) or not 2 <= len(listed) <= MOST_VALUES:
        raise _wrong(
            name,
            Text(f"needs 2 to {MOST_VALUES} different values or edges", f"需要 2 至 {MOST_VALUES} 个不同的取值或边界"),
        )
    declared, columns = subject.description.data.test, subject.description.model.input.columns or []
    named = [str(value) for value in listed]
    if name in test.sensitive:
        return tuple(named), _places(test.sensitive[name], named)
    if declared is not None and name == declared.site and test.sites is not None:
        return tuple(named), _places(test.sites, named)
    if name in columns and test.inputs.ndim == 2 and all(isinstance(value, float) for value in listed):
        edges = np.array(sorted(float(value) for value in listed))
        place = np.searchsorted(edges, test.inputs[:, columns.index(name)].astype(np.float64), side="right") - 1
        # The last interval is closed: its end is as legal as its beginning.
        place[test.inputs[:, columns.index(name)] == edges[-1]] -= 1
        place[(place < 0) | (place >= len(edges) - 1)] = OUTSIDE
        return tuple(f"{low:g} to {high:g}" for low, high in pairwise(edges)), place
    raise _wrong(
        name,
        Text(
            "is neither a sensitive attribute nor the site of the test data, nor an input column with edges in numbers",
            "既不是测试数据的敏感属性或站点列，也不是以数值给出边界的输入列",
        ),
    )


def _places(column: NDArray[np.str_], named: list[str]) -> NDArray[np.int64]:
    known = {value: place for place, value in enumerate(named)}
    return np.array([known.get(str(value), OUTSIDE) for value in column], dtype=np.int64)


def _wrong(name: str, what: Text) -> UserError:
    return DescriptionError(
        [
            UserError(
                what,
                f"operating_dimensions.{name}",
                Text("correct the name or its values in the description", "请更正描述文件中的名称或取值"),
            )
        ]
    )


def _covered(metric: str, found: tuple[Cell, ...]) -> Metric:
    share = sum(cell.rows > 0 for cell in found) / len(found)
    return Metric(id=metric, unit="share", value=number(share), n=len(found), better="higher")


def _controls(domain: _Domain, run: Run) -> tuple[ControlRun, ControlRun]:
    """A value whose rows are taken away must be missed; with one row of every combination nothing is missed."""
    name = next(iter(domain.values))
    gone = int(run.generator("planted").integers(len(domain.values[name])))
    kept = domain.codes[name] != gone
    thinned = replace(domain, codes={each: codes[kept] for each, codes in domain.codes.items()})
    missed = next(cell for cell in thinned.singles() if cell.values == ((name, domain.values[name][gone]),)).rows == 0
    most = max(len(values) for values in domain.values.values())
    grid = np.arange(most * most)
    # Every pair of values occurs when one of two dimensions runs through fast and the other slowly, in both orders.
    full = all(
        cell.rows > 0
        for one, other in _pairs_of(list(domain.values))
        for cell in cells(
            {one: grid % len(domain.values[one]), other: (grid // most) % len(domain.values[other])},
            {each: domain.values[each] for each in (one, other)},
            2,
        )
    )
    value = domain.values[name][gone]
    return (
        ControlRun(
            kind="planted",
            expected=Text(f"without its rows, {name} = {value} is a gap", f"去除 {name} = {value} 的行后，应报告缺口"),
            seen=Text("noticed" if missed else "missed", "已察觉" if missed else "未察觉"),
            passed=missed,
        ),
        ControlRun(
            kind="null",
            expected=Text("data with every pair of values have no gap", "包含全部两两组合的数据没有缺口"),
            seen=Text("no gap" if full else "a gap", "无缺口" if full else "有缺口"),
            passed=full,
        ),
    )


def _pairs_of(names: list[str]) -> list[tuple[str, str]]:
    return [(one, other) for place, one in enumerate(names) for other in names[place + 1 :]]


def _listing(found: tuple[Cell, ...]) -> bytes:
    """All cells, the emptiest first."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(("dimension", "value", "second_dimension", "second_value", "rows"))
    for cell in sorted(found, key=lambda cell: cell.rows):
        flat = [part for pair in cell.values for part in pair]
        writer.writerow((*flat, *[""] * (4 - len(flat)), cell.rows))
    return buffer.getvalue().encode()


def _remarks(domain: _Domain, singles: tuple[Cell, ...], pairs: tuple[Cell, ...]) -> tuple[Note, ...]:
    notes = []
    empty = [" × ".join(f"{name}={value}" for name, value in cell.values) for cell in singles + pairs if not cell.rows]
    if empty:
        shown, rest = ", ".join(empty[:8]), len(empty) - 8
        notes.append(
            Note(
                code="gaps",
                text=Text(
                    f"no rows of: {shown}" + (f", and {rest} more" if rest > 0 else ""),
                    f"缺少样本：{shown}" + (f"，另有 {rest} 处" if rest > 0 else ""),
                ),
            )
        )
    outside = {name: int((codes == OUTSIDE).sum()) for name, codes in domain.codes.items() if (codes == OUTSIDE).any()}
    if outside:
        listed = ", ".join(f"{name}: {count}" for name, count in outside.items())
        notes.append(
            Note(
                code="outside-the-domain",
                text=Text(
                    f"rows with a value that is not declared, which count for no cell: {listed}",
                    f"取值未声明、不计入任何单元的行数：{listed}",
                ),
            )
        )
    return tuple(notes)
