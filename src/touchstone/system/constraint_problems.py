"""Does what an attacker on a table is said to be able to change fit together, and fit the table?"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterator, Sequence

from touchstone.documents import FieldPath
from touchstone.system.description import ColumnConstraint, InputConstraints, InputSpecification
from touchstone.system.inequalities import InequalityError, parse_inequality
from touchstone.system.problem import Problem, shown
from touchstone.text import Text

_AT: FieldPath = ("model", "input", "constraints")


def constraint_problems(specification: InputSpecification) -> Iterator[Problem]:
    """Every contradiction within `model.input.constraints`, and with the columns of the table."""
    constraints = specification.constraints
    if constraints is None:
        return
    if specification.kind != "tabular":
        yield Problem(
            _AT,
            Text(f"does not belong to {specification.kind} input", f"不属于 {specification.kind} 输入"),
            Text("remove it: constraints are for tables", "请删除：约束仅用于表格输入"),
        )
        return
    known = specification.columns or []
    if not constraints.columns and not constraints.one_hot:
        yield Problem(
            _AT,
            Text("lets nothing be changed", "未允许任何改动"),
            Text("name the columns that an attacker can change", "请列出攻击者可改动的列"),
        )
    for name, column in constraints.columns.items():
        at = (*_AT, "columns", name)
        yield from _known(at, name, known)
        yield from _column(at, column)
    yield from _groups(constraints, known)
    for position, rule in enumerate(constraints.rules):
        yield from _rule((*_AT, "rules", position), rule, known)
    yield from _budget(constraints)


def _known(at: FieldPath, name: str, columns: Sequence[str]) -> Iterator[Problem]:
    if name not in columns:
        close = difflib.get_close_matches(name, columns, n=1)
        yield Problem(
            at,
            Text(f"{shown(name)} is not one of the model's columns", f"{shown(name)} 不在模型的列之中"),
            Text(f"did you mean `{close[0]}`?", f"是否应为 `{close[0]}`？") if close else None,
        )


def _column(at: FieldPath, column: ColumnConstraint) -> Iterator[Problem]:
    if column.low is not None and column.high is not None and column.low >= column.high:
        yield Problem(
            (*at, "low"),
            Text(
                f"is {column.low:g}, not below high ({column.high:g})",
                f"为 {column.low:g}，未小于 high（{column.high:g}）",
            ),
            Text("correct one of the two", "请更正其中之一"),
        )
    misplaced = {"binary": ("low", "high", "step", "reach"), "ordinal": ("step",)}.get(column.kind, ())
    for field in misplaced:
        if getattr(column, field) is not None:
            yield Problem(
                (*at, field),
                Text(f"does not belong to a column of kind {column.kind}", f"不属于 {column.kind} 类型的列"),
                Text("remove it", "请删除"),
            )
    if column.kind == "ordinal":
        for field in ("low", "high"):
            if getattr(column, field) is None:
                yield Problem(
                    (*at, field),
                    Text("is missing: an ordinal column has a first and a last level", "缺失：有序列须给出首末等级"),
                    Text(f"for example `{field}: {1 if field == 'low' else 5}`", "例如 `low: 1`、`high: 5`"),
                )
    if column.kind == "integer" and column.step is not None and column.step != round(column.step):
        yield Problem(
            (*at, "step"),
            Text(f"is {column.step:g}, no whole number", f"为 {column.step:g}，不是整数"),
            Text("an integer column moves in whole numbers", "整数列只能按整数变动"),
        )


def _groups(constraints: InputConstraints, known: Sequence[str]) -> Iterator[Problem]:
    named = Counter(constraints.columns.keys())
    for position, group in enumerate(constraints.one_hot):
        for place, name in enumerate(group.columns):
            at = (*_AT, "one_hot", position, "columns", place)
            yield from _known(at, name, known)
            named[name] += 1
            if named[name] > 1:
                yield Problem(
                    at,
                    Text(f"{shown(name)} is constrained twice", f"{shown(name)} 被重复约束"),
                    Text(
                        "a column stands either by itself or in one group, once",
                        "一列要么单独列出，要么只属于一个组，且仅出现一次",
                    ),
                )


def _rule(at: FieldPath, rule: str, known: Sequence[str]) -> Iterator[Problem]:
    try:
        inequality = parse_inequality(rule)
    except InequalityError as error:
        yield Problem(
            at,
            error.what,
            Text(
                "write one linear inequality, for example `debt <= 0.5 * income`; names that are not one word in "
                "backquotes",
                "请写一个线性不等式，例如 `debt <= 0.5 * income`；不是单个词的列名请用反引号括起",
            ),
        )
        return
    for name, _ in inequality.coefficients:
        yield from _known(at, name, known)


def _budget(constraints: InputConstraints) -> Iterator[Problem]:
    costs = [*(column.cost for column in constraints.columns.values()), *(group.cost for group in constraints.one_hot)]
    if constraints.budget is not None and costs and not any(costs):
        yield Problem(
            (*_AT, "budget"),
            Text("limits nothing: no change costs anything", "不起作用：所有改动均无代价"),
            Text("give the columns a cost per unit, or remove the budget", "请为各列填写单位代价，或删除预算"),
        )
