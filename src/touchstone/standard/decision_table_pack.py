"""The file of a decision table of law, read into a table that is refused unless it decides every case once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from touchstone.canonical import Digest, digest_of_json
from touchstone.documents import FieldPath, SourceDocument
from touchstone.errors import StandardError
from touchstone.standard.decision_table import Basis, Input, Overlay, Region, Rule, Span, Table, Value
from touchstone.standard.decision_table_analysis import require_sound
from touchstone.standard.pack import Bilingual, Confidence, Entry, Name, Words, read_as
from touchstone.text import Text

IsoDay = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}$")]
_COMPARISON = re.compile(
    r"(?P<sign>>=|<=|>|<|=)\s*(?P<number>\d{1,15})|(?P<low>\d{1,15})\.\.(?P<high>\d{1,15})", re.ASCII
)


class InputEntry(Entry):
    """One input: yes or no, one of some names, or a number of persons."""

    values: Literal["bool", "count"] | tuple[Name, ...]
    counter: bool = False
    """Whether it counts over cases: persons since 1 January."""
    question: Bilingual


class BasisEntry(Entry):
    """Document, place in it, and what it says in our own words."""

    ref: Name
    at: Words
    says: Bilingual
    confidence: Confidence

    @property
    def record(self) -> Basis:
        """As the engine carries it."""
        return Basis(self.ref, self.at, self.says.text, self.confidence)


Wanted = bool | Name | Words | tuple[Name, ...]


class ConditionalEntry(Entry):
    """What holds where every condition of `when` does."""

    id: Name
    when: dict[Name, Wanted] = Field(default_factory=dict)
    basis: BasisEntry


class RuleEntry(ConditionalEntry):
    """One rule; `then: continue` lets the rules below it decide."""

    priority: int = Field(ge=0, le=1000)
    outcome: Name
    then: Literal["decide", "continue"] = "decide"
    counted: bool = True
    """Whether cases it decides add to the counters of the year."""


class OverlayEntry(ConditionalEntry):
    """Duties that are added wherever `when` holds."""

    duties: tuple[Name, ...] = Field(min_length=1)


class OutcomeEntry(Entry):
    """What an outcome asks for: one filing of the kinds it accepts, or none."""

    title: Bilingual
    accepts: tuple[Name, ...] = ()


class ValidityEntry(Entry):
    """How long a filing of one kind holds, and when it is due."""

    title: Bilingual
    years: int | None = Field(None, gt=0, le=20)
    renew_working_days_before: int | None = Field(None, gt=0)
    file_within_working_days: int | None = Field(None, gt=0)
    basis: BasisEntry | None = None


class DecisionTablePack(Entry):
    """The whole file."""

    schema_: Literal["touchstone.decision-table/v1"] = Field(alias="schema")
    id: Name
    title: Bilingual
    territory: Name
    """Jurisdiction whose exports it decides."""
    as_of: IsoDay
    recheck_by: IsoDay
    inputs: dict[Name, InputEntry]
    outcomes: dict[Name, OutcomeEntry]
    filings: dict[Name, ValidityEntry]
    duties: dict[Name, Bilingual]
    rules: tuple[RuleEntry, ...]
    overlays: tuple[OverlayEntry, ...] = ()

    @property
    def conditional(self) -> Iterator[tuple[FieldPath, ConditionalEntry]]:
        """Every rule and overlay with its place in the file."""
        yield from ((("rules", place), each) for place, each in enumerate(self.rules))
        yield from ((("overlays", place), each) for place, each in enumerate(self.overlays))


@dataclass(frozen=True, eq=False)
class LawTable:
    """A decision table of law that was found sound."""

    pack: DecisionTablePack
    table: Table
    digest: Digest
    uncounted: frozenset[str]
    """Rules whose cases do not add to the counters."""

    def stale(self, day: date) -> bool:
        """Whether nobody has compared the table with the law since before `day` demands it."""
        return day.isoformat() > self.pack.recheck_by


def read_decision_table(source: SourceDocument, references: Iterable[str]) -> LawTable:
    """The table in a document. Raises `StandardError` with file, line and remedy for one that is not sound."""
    pack = read_as(source, DecisionTablePack)
    _Names(source, pack, frozenset(references)).require()
    cuts = {name: _Values(source, pack, name) for name in pack.inputs}
    inputs = {name: Input(name, cuts[name].values, entry.question.text) for name, entry in pack.inputs.items()}

    def region(when: Mapping[str, object], path: FieldPath) -> Region:
        return {name: cuts[name].wanted(value, source.at((*path, "when", name))) for name, value in when.items()}

    table = Table(
        inputs,
        tuple(
            Rule(
                each.id,
                each.priority,
                region(each.when, ("rules", place)),
                each.outcome,
                each.basis.record,
                goes_on=each.then == "continue",
            )
            for place, each in enumerate(pack.rules)
        ),
        tuple(
            Overlay(each.id, region(each.when, ("overlays", place)), each.duties, each.basis.record)
            for place, each in enumerate(pack.overlays)
        ),
    )
    places = {each.id: source.at(("rules", place)) for place, each in enumerate(pack.rules)}
    require_sound(table, source.where, places.__getitem__)
    uncounted = frozenset(each.id for each in pack.rules if not each.counted)
    _require_counted_without_counters(table, pack, uncounted, places.__getitem__)
    return LawTable(pack, table, digest_of_json(source.value), uncounted)


class _Names:
    """Every name a table uses must be one it, or the standard, declares."""

    def __init__(self, source: SourceDocument, pack: DecisionTablePack, references: frozenset[str]) -> None:
        self._source, self._pack, self._references = source, pack, references

    def require(self) -> None:
        pack = self._pack
        self._unique("rules", [each.id for each in pack.rules])
        self._unique("overlays", [each.id for each in pack.overlays])
        for path, entry in pack.conditional:
            self._known(entry.when, pack.inputs, (*path, "when"))
            self._known([entry.basis.ref], self._references, (*path, "basis", "ref"))
        for place, rule in enumerate(pack.rules):
            self._known([rule.outcome], pack.outcomes, ("rules", place, "outcome"))
        for place, overlay in enumerate(pack.overlays):
            self._known(overlay.duties, pack.duties, ("overlays", place, "duties"))
        for name, outcome in pack.outcomes.items():
            self._known(outcome.accepts, pack.filings, ("outcomes", name, "accepts"))
        for name, filing in pack.filings.items():
            if filing.basis is not None:
                self._known([filing.basis.ref], self._references, ("filings", name, "basis"))

    def _unique(self, section: str, ids: list[str]) -> None:
        for place, name in enumerate(ids):
            if name in ids[:place]:
                raise StandardError(
                    Text(f"{name} is defined twice", f"{name} 重复定义"),
                    self._source.at((section, place)),
                    Text("keep one of the two", "请只保留其中一个"),
                )

    def _known(self, names: Iterable[str], known: Iterable[str], path: FieldPath) -> None:
        there = set(known)
        for name in names:
            if name not in there:
                listed = ", ".join(sorted(there))
                raise StandardError(
                    Text(f"{name} is not declared", f"{name} 未声明"),
                    self._source.at(path),
                    Text(f"known are: {listed}", f"已知的有：{listed}"),
                )


class _Values:
    """The values of one input, numbers cut into spans at every number a condition names."""

    def __init__(self, source: SourceDocument, pack: DecisionTablePack, name: str) -> None:
        self._entry = pack.inputs[name]
        if self._entry.values != "count":
            self.values: tuple[Value, ...] = (True, False) if self._entry.values == "bool" else self._entry.values
            return
        starts = {0}
        for path, entry in pack.conditional:
            if name in entry.when:
                span = _span(entry.when[name], source.at((*path, "when", name)))
                starts |= {span.low} | (set() if span.high is None else {span.high + 1})
        ordered = sorted(starts)
        ends: list[int | None] = [start - 1 for start in ordered[1:]]
        self.values = tuple(Span(low, high) for low, high in zip(ordered, [*ends, None], strict=True))

    def wanted(self, value: object, where: str) -> frozenset[Value]:
        """The values that a condition accepts."""
        if self._entry.values == "count":
            span = _span(value, where)
            return frozenset(cut for cut in self.values if isinstance(cut, Span) and span.holds(cut.low))
        wanted = value if isinstance(value, tuple) else (value,)
        # `True in ("a", 1)` compares by value: only the very kinds that are declared count.
        if any(each not in self.values or isinstance(each, bool) != (self._entry.values == "bool") for each in wanted):
            listed = ", ".join(str(each).lower() for each in self.values)
            raise StandardError(
                Text(f"{value!r} is not a value of this input", f"{value!r} 不是该输入的取值"),
                where,
                Text(f"use one of: {listed}", f"可用取值：{listed}"),
            )
        return frozenset(wanted)


def _span(condition: object, where: str) -> Span:
    match = _COMPARISON.fullmatch(condition) if isinstance(condition, str) else None
    span = None if match is None else _compared(match)
    if span is None:
        raise StandardError(
            Text(f"{condition!r} is no comparison of numbers", f"{condition!r} 不是数值比较"),
            where,
            Text('write ">=1000000", "<5", "=0" or "1..9999"', '请写 ">=1000000"、"<5"、"=0" 或 "1..9999"'),
        )
    return span


def _compared(match: re.Match[str]) -> Span | None:
    """The numbers a comparison accepts; `None` when there are none."""
    if match["sign"] is None:
        low, high = int(match["low"]), int(match["high"])
        return Span(low, high) if low <= high else None
    number = int(match["number"])
    low, high_or_none = {
        ">=": (number, None),
        ">": (number + 1, None),
        "<=": (0, number),
        "<": (0, number - 1),
        "=": (number, number),
    }[match["sign"]]
    return None if high_or_none is not None and high_or_none < low else Span(low, high_or_none)


def _require_counted_without_counters(
    table: Table, pack: DecisionTablePack, uncounted: frozenset[str], place: Callable[[str], str]
) -> None:
    """Whether a case adds to a counter must not depend on a counter, or the order within a day would matter."""
    counters = {name for name, entry in pack.inputs.items() if entry.counter}
    above: set[str] = set()
    for rule in table.rules:
        above |= counters & rule.when.keys()
        if rule.id in uncounted and above:
            named = ", ".join(sorted(above))
            raise StandardError(
                Text(
                    f"cases of rule {rule.id} are not counted, but whether it decides depends on {named}",
                    f"规则 {rule.id} 的情形不计数，但其是否适用取决于 {named}",
                ),
                place(rule.id),
                Text("put it above the rules that use counters", "请将其置于使用计数的规则之上"),
            )
