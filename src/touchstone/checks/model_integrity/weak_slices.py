"""Weak spots (MI-09): is the model wrong much more often in some part of the data that nobody declared?

Threat: an accuracy that holds on average hides a machine, a site or a kind of person for whom the model fails. Rules of
up to three conditions over the columns, the declared attributes and the site are searched on one half of the test data;
the few that look worst are tested on the other half, with exact bounds that hold for all of them together.

What it cannot tell: anything about parts that no such rule describes, or that are too small for either half.

Source: Chung et al. 2019, ICDE; Sagadeeva and Boehm 2021, SIGMOD; `touchstone.methods.slices`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import Field

from touchstone.canonical import canonical_json
from touchstone.checks.declaration import ANY_KIND, Measurement, MetricDeclaration, Needs, Parameters, Run, check
from touchstone.errors import UnavailableError
from touchstone.methods.slices import Conditions, ProvenSlice, conditions_on, find_rules, prove
from touchstone.records import Access, ControlRun, Metric, Note, number, plain
from touchstone.system.models.handle import Capability
from touchstone.text import Text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from touchstone.system.data.dataset import LabelledData
    from touchstone.system.subject import Subject

RULES = 8
"""Rules that are taken from the search to the proof, and share the error there."""
MOST_SEARCHED = 20_000
"""Rows that the search looks at: more would not change what it finds."""
MOST_COLUMNS = 100
"""Columns that rules are made of, in the order of the table."""
LEAST_ROWS = 200
"""Fewer cannot be divided into a search and a proof."""
NULL_CONFIDENCE = 0.999
"""Of the bounds in the null control, so that it cries wolf at most once in a thousand runs."""
PLANTED_SHARE = (0.25, 0.75)
"""Smallest and largest share of the rows that a condition may hold for, so that errors are planted under it."""


class WeakSliceParameters(Parameters):
    """How small a part may be, in each half, to be looked at."""

    minimum_slice_size: int = Field(20, ge=5, le=1_000_000)


@check(
    id="model.weak_slices",
    version="1",
    title=Text("Weak spots", "薄弱切片"),
    measures=Text(
        "Parts of the test data, described by rules over columns, declared attributes and sites, in which the model is "
        "wrong more often than elsewhere. Rules are searched on one half of the data and tested on the other; the "
        "lower bounds hold for all rules together. The worst of them is the overall number.",
        "以输入列、声明属性与站点上的规则描述的、模型出错明显更多的测试数据子集。规则在一半数据上搜索，"
        "在另一半上检验；下界对全部规则同时成立。总体数值取最差者。",
    ),
    cannot_tell=Text(
        "Anything about parts that no rule of three conditions describes, that are too small, or that the test data do "
        "not hold. A rule says where the model is weak, not why.",
        "无法说明三项条件的规则所不能描述、样本过少或测试数据未包含的部分；规则只指出薄弱之处，不解释原因。",
    ),
    remedy=Text(
        "Look at the samples under the rule, collect or weigh more of them in training, or exclude the part from the "
        "declared use until it is as good as the rest.",
        "检查规则所涵盖的样本；在训练中补充此类样本或提高其权重；在其表现达到其余部分的水平之前，将其排除在声明用途之外。",
    ),
    threats=("AVID P0204", "AVID E0101"),
    source="Chung et al. 2019, ICDE (Slice Finder); Sagadeeva and Boehm 2021, SIGMOD (SliceLine)",
    needs=Needs(
        access=Access.PREDICTIONS,
        capabilities=frozenset({Capability.LABELS}),
        data=("test",),
        tasks=("classification",),
        inputs=ANY_KIND,
    ),
    metrics=(
        MetricDeclaration(
            "weak_slice_excess_error",
            "points",
            "lower",
            Text("error rate of the worst part less that of all others", "最差子集与其余数据的错误率之差"),
        ),
    ),
    parameters=WeakSliceParameters,
)
def weak_slices(subject: Subject, parameters: WeakSliceParameters, run: Run) -> Measurement:
    test = subject.data("test")
    columns = _columns(subject, test)
    if test.target is None or not columns or len(test) < LEAST_ROWS:
        raise UnavailableError(
            Text(
                f"rules need labels, columns, attributes or sites, and at least {LEAST_ROWS} rows of test data",
                f"搜索规则需要标签、输入列（或属性、站点），以及至少 {LEAST_ROWS} 行测试数据",
            ),
            "data.test",
        )
    conditions = conditions_on(columns)
    planted = _condition_to_plant(conditions)
    wrong = subject.model().labels(test.inputs) != test.target
    run.progress(0.6)
    halves = _halves(len(test), run.generator("halves"))
    least = parameters.minimum_slice_size
    slices = _found(conditions, wrong, halves, least)
    lot = run.generator("errors by lot").permutation(len(test))
    return Measurement(
        metrics=tuple(_metrics(slices)),
        controls=(
            _errors_by_lot(_found(conditions, wrong[lot], halves, least, NULL_CONFIDENCE)),
            _planted(conditions, planted, halves, least),
        ),
        exhibits=(run.exhibit("slices.json", "application/json", _table(slices)),),
        warnings=(_nothing_found(int(wrong.sum())),) if not slices else (),
    )


Halves = tuple["NDArray[np.int64]", "NDArray[np.int64]"]


def _columns(subject: Subject, test: LabelledData) -> dict[str, NDArray[Any]]:
    """What rules may speak of: columns of a table, attributes, and the site."""
    specification = subject.description.model.input
    names = list(specification.columns or ())[:MOST_COLUMNS] if specification.kind == "tabular" else []
    columns: dict[str, NDArray[Any]] = {name: test.inputs[:, place] for place, name in enumerate(names)}
    columns |= test.sensitive
    return columns if test.sites is None else columns | {"site": test.sites}


def _halves(n: int, generator: np.random.Generator) -> Halves:
    order = generator.permutation(n)
    return order[: n // 2][:MOST_SEARCHED], order[n // 2 :]


def _found(
    conditions: Conditions, wrong: NDArray[np.bool_], halves: Halves, least: int, confidence: float = 0.95
) -> tuple[ProvenSlice, ...]:
    """Rules from the first half, with what they are worth on the second, worst first."""
    rules = find_rules(conditions, wrong, halves[0], least=least, most=RULES)
    slices = prove(conditions, rules, wrong, halves[1], confidence=confidence)
    return tuple(sorted(slices, key=lambda each: -each.excess))


def _metrics(slices: tuple[ProvenSlice, ...]) -> Iterator[Metric]:
    """The worst part, then those whose excess is proven."""
    if slices:
        yield _metric(slices[0], max(each.low for each in slices), max(each.high for each in slices), None)
        for each in slices:
            if each.low > 0:
                yield _metric(each, each.low, each.high, each.words)


def _metric(of: ProvenSlice, low: float, high: float, part: str | None) -> Metric:
    return Metric(
        id="weak_slice_excess_error",
        unit="points",
        value=of.excess,
        low=low,
        high=high,
        method="clopper-pearson/difference+bonferroni",
        n=of.n,
        better="lower",
        slice=part,
    )


def _table(slices: tuple[ProvenSlice, ...]) -> bytes:
    def row(each: ProvenSlice) -> dict[str, int | str | bool]:
        return {
            "rule": each.words,
            "wrong": each.wrong,
            "samples": each.n,
            "wrong_elsewhere": each.wrong_elsewhere,
            "samples_elsewhere": each.n_elsewhere,
            "excess_low": plain(number(each.low)),
            "excess_high": plain(number(each.high)),
            "proven": each.low > 0,
        }

    return canonical_json({"slices": [row(each) for each in slices]})


def _errors_by_lot(slices: tuple[ProvenSlice, ...]) -> ControlRun:
    """Errors that have nothing to do with the rows may prove no rule."""
    proven = [each.words for each in slices if each.low > 0]
    return ControlRun(
        kind="null",
        expected=Text("errors dealt out by lot: no weak spot proven", "随机分配错误：不应证实任何薄弱切片"),
        seen=Text(f"{len(proven)} of {len(slices)} rules proven", f"{len(slices)} 条规则中证实 {len(proven)} 条"),
        passed=not proven,
    )


def _condition_to_plant(conditions: Conditions) -> int:
    """The condition that comes nearest to halving the rows; without one, no rule could be told from the rest."""
    smallest, largest = PLANTED_SHARE
    shares = conditions.holds.mean(axis=1)
    nearest = int(np.argmin(np.abs(shares - 0.5))) if len(shares) else -1
    if nearest < 0 or not smallest <= shares[nearest] <= largest:
        raise UnavailableError(
            Text("no column, attribute or site divides the test data", "没有可划分测试数据的列、属性或站点"),
            "data.test",
        )
    return nearest


def _planted(conditions: Conditions, planted: int, halves: Halves, least: int) -> ControlRun:
    """Everything under one condition made wrong, and everything else right, must be proven."""
    slices = _found(conditions, conditions.holds[planted], halves, least)
    low = max((each.low for each in slices), default=0.0)
    words = conditions.words[planted]
    return ControlRun(
        kind="planted",
        expected=Text(f"every answer wrong where {words}: found", f"{words} 时全部答错：应被检出"),
        seen=Text(f"error rate at least {low:.3f} higher", f"错误率至少高 {low:.3f}"),
        passed=low > 0,
    )


def _nothing_found(errors: int) -> Note:
    return Note(
        code="no-rules",
        text=Text(
            f"no rule has more than its share of the {errors} wrong answers",
            f"没有规则在 {errors} 个错误答案中占比偏高",
        ),
    )
