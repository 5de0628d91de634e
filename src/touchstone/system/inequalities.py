"""Rules between columns, written as linear inequalities: `debt <= 0.4 * income + 100`.

The language has numbers, column names, `+`, `-`, `*` between a number and a column, and one `<=` or `>=`. A name that
is not a plain word stands in backquotes: `` `income (CNY)` >= 0 ``. Nothing else is understood, and nothing is run.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

from touchstone.text import Text

_TOKEN = re.compile(
    r"\s*(?:(?P<relation><=|>=)|(?P<sign>[+-])|(?P<times>\*)"
    r"|(?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)(?![\w.])"
    r"|(?P<word>[^\W\d][\w.]*)|`(?P<quoted>[^`]+)`)"
)

_NO_RELATION = Text("has no single <= or >=", "须恰有一个 <= 或 >=")


@dataclass(frozen=True, slots=True)
class Inequality:
    """The sum of `coefficient * column` is at most `bound`; a column stands once, in the order it was written."""

    coefficients: tuple[tuple[str, float], ...]
    bound: float


class InequalityError(ValueError):
    """A rule that cannot be read. `what` says why."""

    def __init__(self, what: Text) -> None:
        super().__init__(what.en)
        self.what = what


def parse_inequality(text: str) -> Inequality:
    """The rule in `text`. Raises `InequalityError` for anything but one linear inequality with a column in it."""
    tokens = list(_tokens(text))
    relations = [place for place, (kind, _) in enumerate(tokens) if kind == "relation"]
    if len(relations) != 1:
        raise InequalityError(_NO_RELATION)
    (middle,) = relations
    left, right = _sum(tokens[:middle]), _sum(tokens[middle + 1 :])
    sign = 1.0 if tokens[middle][1] == "<=" else -1.0
    weights: dict[str | None, float] = {}
    for side, direction in ((left, sign), (right, -sign)):
        for name, weight in side:
            weights[name] = weights.get(name, 0.0) + direction * weight
    bound = 0.0 - weights.pop(None, 0.0)
    coefficients = tuple((str(name), weight) for name, weight in weights.items() if weight != 0)
    if not coefficients:
        raise InequalityError(Text("names no column that matters", "未涉及任何起作用的列"))
    if not all(map(math.isfinite, (bound, *(weight for _, weight in coefficients)))):
        raise InequalityError(Text("has a number that is too large", "含过大的数"))
    return Inequality(coefficients, bound)


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    at = 0
    text = text.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            rest = text[at:].strip()[:20]
            raise InequalityError(Text(f"cannot be read from {rest!r} on", f"自 {rest!r} 起无法解析"))
        at = match.end()
        kind = str(match.lastgroup)
        yield ("name" if kind in {"word", "quoted"} else kind), match[kind]


def _sum(tokens: list[tuple[str, str]]) -> list[tuple[str | None, float]]:
    """The terms of one side: a column (`None` for a plain number) and its weight."""
    terms: list[tuple[str | None, float]] = []
    at = 0
    while at < len(tokens):
        sign = 1.0
        if tokens[at][0] == "sign":
            sign = -1.0 if tokens[at][1] == "-" else 1.0
            at += 1
        elif terms:
            raise InequalityError(Text(f"lacks + or - before {tokens[at][1]!r}", f"{tokens[at][1]!r} 之前缺少 + 或 -"))
        name, weight, at = _term(tokens, at)
        terms.append((name, sign * weight))
    if not terms:
        raise InequalityError(Text("has nothing on one side", "一侧为空"))
    return terms


def _term(tokens: list[tuple[str, str]], at: int) -> tuple[str | None, float, int]:
    """A number, a column, or one times the other; and where the next term begins."""
    factors = [_factor(tokens, at)]
    at += 1
    if at < len(tokens) and tokens[at][0] == "times":
        factors.append(_factor(tokens, at + 1))
        at += 2
    names = [name for name, _ in factors if name is not None]
    if len(names) > 1:
        raise InequalityError(
            Text(f"multiplies the columns {names[0]!r} and {names[1]!r}", f"将列 {names[0]!r} 与 {names[1]!r} 相乘")
        )
    return (names[0] if names else None), math.prod(weight for _, weight in factors), at


def _factor(tokens: list[tuple[str, str]], at: int) -> tuple[str | None, float]:
    kind, written = tokens[at] if at < len(tokens) else ("end", "")
    if kind == "number":
        return None, float(written)
    if kind == "name":
        return written, 1.0
    raise InequalityError(Text("lacks a number or a column name", "缺少数值或列名"))
