"""Decision tables over facts of which some may be unknown.

A table has inputs, each with finitely many values (numbers are cut into the spans between which no rule differs), and
rules in the order of their priority, then of their place. The first rule that holds decides; a rule that *goes on* adds
its outcome and lets the next ones decide. Overlays add duties and can take none away.

What is known of a case is a *region*: for each input the values still possible. Every answer is exact over all cases
of the region (supervaluation, van Fraassen 1966): an outcome is possible if and only if one of these cases has it. So
learning a fact never adds a possible outcome, and a case with several of them is not decided: it is asked about.

The same division of a region among the rules shows at load which rules can never decide, contradict each other or
leave a case undecided (`decision_table_analysis`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

from touchstone.errors import StandardError
from touchstone.text import Text

ASK = "ask"
"""The outcome of a case that what is known does not decide."""
MOST_REGIONS = 20_000
"""Regions a division may need. A table of law needs dozens."""


@dataclass(frozen=True, slots=True)
class Span:
    """Whole numbers from `low` to `high`, both included; without end where `high` is `None`."""

    low: int
    high: int | None

    def holds(self, number: int) -> bool:
        """Whether the number lies in the span."""
        return self.low <= number and (self.high is None or number <= self.high)

    def __str__(self) -> str:
        return f"{self.low}" if self.low == self.high else f"{self.low}..{'' if self.high is None else self.high}"


@dataclass(frozen=True, slots=True)
class AtLeast:
    """A number of which only a lower bound is known."""

    number: int


Value = bool | str | Span
Fact = bool | str | int | AtLeast | None
"""What may be stated of an input; `None` states nothing."""
Region = Mapping[str, frozenset[Value]]
"""Possible values by input. An input that is not named may have any value."""


@dataclass(frozen=True, slots=True)
class Input:
    """One thing a table asks for."""

    name: str
    values: tuple[Value, ...]
    question: Text

    def possible(self, fact: Fact) -> frozenset[Value]:
        """The values that a stated fact leaves possible. Raises `StandardError` for a fact that no value fits."""
        if fact is None:
            return frozenset(self.values)
        found = frozenset(value for value in self.values if _fits(value, fact))
        if not found:
            shown = ", ".join(str(value) for value in self.values)
            raise StandardError(
                Text(f"{self.name} cannot be {fact!r}", f"{self.name} 不能取值 {fact!r}"),
                remedy=Text(f"use one of: {shown}", f"可用取值：{shown}"),
            )
        return found


@dataclass(frozen=True, slots=True)
class Basis:
    """Where a rule comes from, what it says in our own words, and how sure we are of it (A seen, B memory, C open)."""

    reference: str
    at: str
    says: Text
    confidence: str


@dataclass(frozen=True, slots=True)
class Rule:
    """When every condition of `when` holds, the outcome."""

    id: str
    priority: int
    when: Region
    outcome: str
    basis: Basis
    goes_on: bool = False
    """Adds its outcome and lets the rules below decide."""


@dataclass(frozen=True, slots=True)
class Overlay:
    """Duties that come on top of whatever is decided."""

    id: str
    when: Region
    duties: tuple[str, ...]
    basis: Basis


@dataclass(frozen=True, eq=False)
class Table:
    """Inputs, rules in the order in which they are tried, and overlays."""

    inputs: Mapping[str, Input]
    rules: tuple[Rule, ...]
    overlays: tuple[Overlay, ...] = ()

    def __post_init__(self) -> None:
        # `sorted` keeps the order of equal priorities: the first match of them decides.
        object.__setattr__(self, "rules", tuple(sorted(self.rules, key=lambda rule: -rule.priority)))

    def region(self, facts: Mapping[str, Fact]) -> Region:
        """What `facts` leave possible. Raises `StandardError` for an input or a value the table does not have."""
        for name in facts:
            if name not in self.inputs:
                known = ", ".join(self.inputs)
                raise StandardError(
                    Text(f"{name} is no input of the table", f"判定表没有输入 {name}"),
                    remedy=Text(f"use: {known}", f"可用：{known}"),
                )
        return {name: each.possible(facts.get(name)) for name, each in self.inputs.items()}

    def decide(self, facts: Mapping[str, Fact]) -> Decision:
        """What the table says of a case of which `facts` are known."""
        region = self.region(facts)
        return _decided(self, tuple(region[name] for name in self.inputs))


@dataclass(frozen=True, slots=True)
class Decision:
    """What a table says of a case."""

    possible: tuple[str, ...]
    """Outcomes the deciding rules may have, in the order of the rules."""
    adds: tuple[str, ...]
    """Outcomes that rules which go on have added."""
    fired: tuple[Rule, ...]
    """Rules that hold in every case still possible: those that added, and the one that decides."""
    open: tuple[Rule, ...]
    """Rules that may still add or decide, once more is known."""
    questions: tuple[Input, ...]
    """What to ask, most important first. Empty when the case is decided."""
    overlays: tuple[Overlay, ...]
    """Overlays that hold or may hold: a duty is owed until its condition is known to be false."""

    @property
    def outcome(self) -> str:
        """The outcome, or `ask`: what is unknown blocks and never passes."""
        return ASK if self.questions else self.possible[0]

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules the outcome rests on: those that fired and, as long as none of them decides, those still open."""
        return self.fired if any(not rule.goes_on for rule in self.fired) else (*self.fired, *self.open)

    @property
    def duties(self) -> tuple[str, ...]:
        """Every duty of the overlays, once."""
        return tuple(dict.fromkeys(duty for overlay in self.overlays for duty in overlay.duties))

    @property
    def confidence(self) -> str:
        """That of the least certain rule the outcome rests on."""
        return max(rule.basis.confidence for rule in self.rules)


@dataclass(frozen=True, slots=True)
class Share:
    """The part of a region in which one rule is the first that holds, or, if it goes on, holds before any decides."""

    rule: Rule
    regions: tuple[Region, ...]


def divide(region: Region, rules: Sequence[Rule]) -> tuple[list[Share], list[Region]]:
    """The region divided among the rules, in their order, and what none of them decides."""
    left: list[Region] = [region]
    shares = []
    for rule in rules:
        met = [common for part in left if (common := meet(part, rule.when)) is not None]
        shares.append(Share(rule, tuple(met)))
        if not rule.goes_on:
            left = [rest for part in left for rest in without(part, rule.when)]
        if len(left) > MOST_REGIONS:
            raise StandardError(
                Text(f"divides into more than {MOST_REGIONS} regions", f"划分出的区域超过 {MOST_REGIONS} 个"),
                remedy=Text("write fewer or simpler rules", "请减少或简化规则"),
            )
    return shares, left


def meet(region: Region, other: Region) -> Region | None:
    """What two regions have in common; `None` for nothing. Both name their inputs, `region` all of the table's."""
    common = {name: values & other[name] if name in other else values for name, values in region.items()}
    return common if all(common.values()) else None


def without(region: Region, other: Region) -> Iterator[Region]:
    """What of `region` lies outside `other`, in parts that do not overlap."""
    if meet(region, other) is None:
        yield region
        return
    inside = dict(region)
    for name, values in other.items():
        if outside := inside[name] - values:
            yield {**inside, name: outside}
        inside[name] &= values


@lru_cache(maxsize=4096)
def _decided(table: Table, possible: tuple[frozenset[Value], ...]) -> Decision:
    region: Region = dict(zip(table.inputs, possible, strict=True))
    shares, left = divide(region, table.rules)
    if left:
        raise StandardError(Text("the table leaves a case undecided", "判定表存在未覆盖的情形"))
    met = [share for share in shares if share.regions]
    fired = [share.rule for share in met if share.regions == (region,)]
    still_open = [share.rule for share in met if share.regions != (region,)]
    outcomes = _once(share.rule.outcome for share in met if not share.rule.goes_on)
    decided = len(outcomes) == 1 and not any(rule.goes_on for rule in still_open)
    # The first rule that is still open has a condition that is not settled, so there is always something to ask.
    asked = _once(name for rule in still_open for name, values in rule.when.items() if not region[name] <= values)
    return Decision(
        possible=outcomes,
        adds=_once(rule.outcome for rule in fired if rule.goes_on),
        fired=tuple(fired),
        open=tuple(still_open),
        questions=() if decided else tuple(table.inputs[name] for name in asked),
        overlays=tuple(overlay for overlay in table.overlays if meet(region, overlay.when) is not None),
    )


def _fits(value: Value, fact: Fact) -> bool:
    """Whether a value is possible where `fact` is stated."""
    if isinstance(value, bool | str) or isinstance(fact, bool | str):
        return type(value) is type(fact) and value == fact
    if isinstance(fact, AtLeast):
        return value.high is None or value.high >= fact.number
    return fact is not None and value.holds(fact)


_Item = TypeVar("_Item")


def _once(items: Iterable[_Item]) -> tuple[_Item, ...]:
    return tuple(dict.fromkeys(items))
