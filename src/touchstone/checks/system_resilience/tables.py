"""What the description says about changing a table, as the attacks take it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from touchstone.checks.system_resilience.inputs import Samples
from touchstone.methods.attacks.tabular_constraints import OneHot, Rule, TabularConstraints
from touchstone.records import Note
from touchstone.system.description import InputSpecification
from touchstone.system.inequalities import parse_inequality
from touchstone.text import Text


def declared_constraints(specification: InputSpecification, normal: Samples) -> TabularConstraints | None:
    """The declared attacker on a table; `None` where none is declared.

    A column that nothing limits moves as far as the values of `normal` spread: beyond that a row is no row of this
    table any more.
    """
    declared, names = specification.constraints, specification.columns
    if declared is None or names is None or specification.kind != "tabular":
        return None
    place = {name: column for column, name in enumerate(names)}

    def per_column(field: str, otherwise: float) -> NDArray[np.float64]:
        values = np.full(len(names), otherwise)
        for name, column in declared.columns.items():
            value = getattr(column, field)
            values[place[name]] = otherwise if value is None else value
        return values

    low = per_column("low", -np.inf if specification.low is None else specification.low)
    high = per_column("high", np.inf if specification.high is None else specification.high)
    step, reach = per_column("step", 0.0), per_column("reach", np.inf)
    rise, fall = np.ones(len(names), dtype=bool), np.ones(len(names), dtype=bool)
    movable = np.zeros(len(names), dtype=bool)
    for name, column in declared.columns.items():
        movable[place[name]] = True
        rise[place[name]], fall[place[name]] = column.may != "fall", column.may != "rise"
        if column.kind != "continuous" and column.step is None:
            step[place[name]] = 1.0
        if column.kind == "binary":
            low[place[name]], high[place[name]] = 0.0, 1.0
    spread = normal.max(axis=0).astype(np.float64) - normal.min(axis=0)
    width = np.where(np.isfinite(high - low), high - low, spread)
    return TabularConstraints(
        names=tuple(names),
        reach=np.where(movable, np.minimum(reach, width), 0.0),
        low=low,
        high=high,
        step=step,
        rise=rise,
        fall=fall,
        cost=per_column("cost", 0.0),
        groups=tuple(
            OneHot(group.name, np.array([place[name] for name in group.columns]), group.cost)
            for group in declared.one_hot
        ),
        rules=tuple(_rule(text, place) for text in declared.rules),
        budget=np.inf if declared.budget is None else declared.budget,
        units=tuple((declared.columns[name].unit or "") if name in declared.columns else "" for name in names),
    )


def _rule(text: str, place: dict[str, int]) -> Rule:
    inequality = parse_inequality(text)
    weights = np.zeros(len(place))
    for name, weight in inequality.coefficients:
        weights[place[name]] = weight
    return Rule(weights, inequality.bound)


def cheapest_changes(constraints: TabularConstraints, x: Samples, changed: Samples) -> Note:
    """What the attack changed, of all rows `changed` that got another answer: the cheapest one, and the usual price."""
    price = constraints.price(x, changed)
    counts = np.array([len(constraints.changes(*pair)) for pair in zip(x, changed, strict=True)])
    cheapest = int(np.lexsort((counts, price))[0])
    said = "; ".join(map(str, constraints.changes(x[cheapest], changed[cheapest])))[:300]
    priced = bool(constraints.cost.any() or any(group.cost for group in constraints.groups))
    cost = Text(
        f" at a cost of {price[cheapest]:,.6g} (median {np.median(price):,.6g})" if priced else "",
        f"，代价为 {price[cheapest]:,.6g}（中位数 {np.median(price):,.6g}）" if priced else "",
    )
    return Note(
        code="cheapest-change",
        text=Text(
            f"the smallest change that turned an answer: {said}{cost.en}; {np.median(counts):g} changes per row as a "
            "median. A smaller one may exist",
            f"改变判定的最小改动：{said}{cost.zh}；每行改动数的中位数为 {np.median(counts):g}。可能存在更小的改动",
        ),
    )
