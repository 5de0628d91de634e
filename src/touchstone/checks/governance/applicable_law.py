"""Which packs of law hold for a system, and what its description says of the facts they ask for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from touchstone.errors import UnavailableError
from touchstone.standard.applicability import UNKNOWN
from touchstone.standard.law import regimes
from touchstone.standard.obligation_pack import CircumstanceEntry, Regime
from touchstone.standard.pack import FactEntry
from touchstone.standard.reporting_duties import regimes_in
from touchstone.system.description import FactValue
from touchstone.system.subject import Subject
from touchstone.text import Text


def regimes_of(subject: Subject, named: Iterable[str] = ()) -> tuple[Regime, ...]:
    """The regimes of every jurisdiction the system is declared to be in, and those that a register names.

    Raises `UnavailableError` where none is declared, or one of them has no pack: that nothing is demanded cannot
    follow from not knowing where a system is.
    """
    description = subject.description
    home = description.system.supplier.country
    declared = [*description.deployment.jurisdictions, *([] if home is None else [home])]
    by_name = regimes()
    for name in named:
        if name not in by_name:
            known = ", ".join(by_name)
            raise UnavailableError(
                Text(f"no pack of law is called {name}", f"不存在名为 {name} 的法律数据包"),
                "registers.obligations",
                Text(f"choose among: {known}", f"可选：{known}"),
            )
    found = dict.fromkeys((*regimes_in(declared), *(by_name[name] for name in named)))
    if not declared and not found:
        raise UnavailableError(
            Text("it is not stated in which jurisdictions the system is", "未说明系统所在的法域"),
            "deployment.jurisdictions",
            Text("declare them, and the supplier's country", "请声明部署法域与供应方所在国"),
        )
    if missing := sorted(set(without_law(declared))):
        listed = ", ".join(missing)
        raise UnavailableError(
            Text(f"there is no pack of law for {listed}", f"没有 {listed} 的法律数据包"),
            "deployment.jurisdictions",
            Text("have its obligations reviewed by a person", "请由人工审查其义务"),
        )
    return tuple(found)


def declared_facts(subject: Subject) -> dict[str, FactValue]:
    """Facts of the description. One that is declared unknown declares nothing."""
    return {name: value for name, value in subject.facts.items() if value != UNKNOWN}


def without_law(territories: Iterable[str]) -> Iterator[str]:
    """Those of the jurisdictions that no pack covers."""
    for territory in territories:
        if not regimes_in({territory}):
            yield territory


@dataclass(frozen=True, slots=True)
class KnownFacts:
    """What is known of a case, and what of it could not be used."""

    facts: Mapping[str, FactValue]
    problems: tuple[tuple[str, Text], ...]
    """Stated facts that nobody asks for, or with a value they cannot take: they count as unknown."""
    contradicted: tuple[str, ...]
    """Facts that a register states otherwise than the description, which stands."""


def known_of(
    regimes: Iterable[Regime], described: Mapping[str, FactValue], stated: Mapping[str, FactValue], *, events: bool
) -> KnownFacts:
    """Facts of the description and those of a register beside them; what can happen only if `events` are meant."""
    vocabulary = {name: placed.entry for regime in regimes for name, placed in regime.vocabulary.facts.items()}
    problems = {name: why for name, value in stated.items() if (why := _problem(vocabulary.get(name), value, events))}
    understood = {name: value for name, value in stated.items() if name not in problems}
    differing = tuple(
        name for name, value in understood.items() if name in described and not _same(described[name], value)
    )
    return KnownFacts({**understood, **described}, tuple(problems.items()), differing)


def _problem(entry: FactEntry | None, value: FactValue, events: bool) -> Text | None:
    if entry is None:
        return Text("is a fact that no pack asks for", "没有数据包询问该事实")
    if isinstance(entry, CircumstanceEntry) and entry.event and not events:
        return Text("is known only once something has happened", "该事实仅在事件发生后才可知")
    values = value if isinstance(value, list) else [value]
    if entry.values == "bool":
        fits, listed = isinstance(value, bool) or value == UNKNOWN, "true, false"
    else:
        fits = bool(values) and all(each in (*entry.values, UNKNOWN) for each in values)
        listed = ", ".join(entry.values)
    return None if fits else Text(f"cannot take this value; use {listed}", f"取值有误，可用：{listed}")


def _same(one: FactValue, other: FactValue) -> bool:
    return _as_set(one) == _as_set(other)


def _as_set(value: FactValue) -> frozenset[bool | str]:
    return frozenset(value if isinstance(value, list) else [value])
