"""Which obligations apply, and where those of several authorities overlap, contradict each other or leave a gap.

Overlap: several agencies have the same function at the same stage in the same matter, from different instruments, and
nobody leads. Gap: a function that a complete regime would have and no binding obligation gives. Conflict: one act is
both demanded and forbidden, or something has to be kept longer than it may be.

Whatever depends on a fact that nobody stated is listed as undecided, never dropped: a trigger that silently counts as
false would show gaps that are none, and hide duties that are some.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Literal

from touchstone.standard.applicability import Facts
from touchstone.standard.obligation_pack import Obligation, Regime
from touchstone.text import Text

FUNCTIONS: Mapping[str, Text] = {
    "rule": Text("to make rules", "制定规则"),
    "approve": Text("to approve", "审批"),
    "monitor": Text("to monitor", "监督检查"),
    "receive_report": Text("to receive reports", "接收报告"),
    "investigate": Text("to investigate", "调查"),
    "sanction": Text("to sanction", "处罚"),
}


@dataclass(frozen=True, slots=True)
class Applicable:
    """The obligations of some regimes, by whether they apply to one case."""

    applying: tuple[Obligation, ...]
    """Those that apply, or will as soon as something happens."""
    undecided: tuple[Obligation, ...]
    """Those that may apply: a fact is missing."""
    later: tuple[Obligation, ...]
    """Those that apply or may apply, but are not yet in force."""


@dataclass(frozen=True, slots=True)
class Issue:
    """Something about several obligations that a person has to decide."""

    kind: Literal["overlap", "gap", "conflict"]
    id: str
    obligations: tuple[str, ...]
    text: Text


def applicable(regimes: Iterable[Regime], facts: Facts, day: date) -> Applicable:
    """What applies on that day to a case of which `facts` are known."""
    possible = [each for regime in regimes for each in regime.obligations if each.applies(facts) != "false"]
    now = [each for each in possible if each.in_force(day)]
    return Applicable(
        applying=tuple(each for each in now if not each.needs_now(facts)),
        undecided=tuple(each for each in now if each.needs_now(facts)),
        later=tuple(each for each in possible if not each.in_force(day)),
    )


def issues(regimes: Sequence[Regime], found: Applicable) -> tuple[Issue, ...]:
    """Everything to be decided about the obligations that apply, each with a stable name."""
    return (*_conflicts(found.applying), *_overlaps(found.applying), *_gaps(regimes, found))


def _conflicts(obligations: Sequence[Obligation]) -> Iterator[Issue]:
    forbidding = [each for each in obligations if each.entry.modality == "must_not"]
    for act in dict.fromkeys(each.entry.act for each in forbidding):
        forbidden = [each for each in forbidding if each.entry.act == act]
        demanded = [
            each
            for each in obligations
            if each.entry.modality == "must" and act in (each.entry.act, *each.entry.entails)
        ]
        if demanded:
            asks, forbids = ", ".join(each.id for each in demanded), ", ".join(each.id for each in forbidden)
            yield Issue(
                "conflict",
                f"conflict:{act}",
                _ids([*demanded, *forbidden]),
                Text(
                    f"{act} is demanded by {asks} and forbidden by {forbids}",
                    f"{act} 被 {asks} 要求，又被 {forbids} 禁止",
                ),
            )
    kept = sorted((each for each in obligations if each.entry.keep and each.entry.artefact), key=_artefact)
    for artefact, group in groupby(kept, key=_artefact):
        yield from _keeping(artefact, list(group))


def _artefact(obligation: Obligation) -> str:
    return obligation.entry.artefact or ""


def _keeping(artefact: str, obligations: Sequence[Obligation]) -> Iterator[Issue]:
    """One thing that has to be kept longer than it may be."""
    keeping = [(each, each.entry.keep) for each in obligations if each.entry.keep is not None]
    least = [(keep.least_days, each) for each, keep in keeping if keep.least_days is not None]
    most = [(keep.most_days, each) for each, keep in keeping if keep.most_days is not None]
    if not least or not most:
        return
    longest, demanding = max(least, key=lambda item: item[0])
    shortest, limiting = min(most, key=lambda item: item[0])
    if longest > shortest:
        yield Issue(
            "conflict",
            f"conflict:{artefact}",
            _ids([demanding, limiting]),
            Text(
                f"{artefact} is kept at least {longest} days by {demanding.id} and at most {shortest} by {limiting.id}",
                f"{artefact} 依 {demanding.id} 至少保存 {longest} 日，依 {limiting.id} 至多保存 {shortest} 日",
            ),
        )


def _overlaps(obligations: Sequence[Obligation]) -> Iterator[Issue]:
    """Several agencies with one function, from different instruments, without one that leads."""
    fields = [
        ((each.regime.pack.id, each.entry.stage, each.entry.topic, function), each)
        for each in obligations
        if each.entry.modality == "must"
        for function in each.entry.functions
    ]
    for field in dict.fromkeys(field for field, _ in fields):
        sharing = [each for other, each in fields if other == field]
        agencies = list(dict.fromkeys(agency for each in sharing for agency in each.entry.agencies))
        instruments = {each.entry.instrument for each in sharing}
        if len(agencies) > 1 and len(instruments) > 1 and not any(each.entry.lead for each in sharing):
            regime, stage, topic, function = field
            shared = _named(sharing[0].regime, stage, topic, function)
            yield Issue(
                "overlap",
                f"overlap:{regime}/{stage}/{topic}/{function}",
                _ids(sharing),
                Text(
                    f"{shared.en}: {', '.join(agencies)}, and none of them leads",
                    f"{shared.zh}：涉及 {'、'.join(agencies)}，且无牵头机关",
                ),
            )


def _gaps(regimes: Sequence[Regime], found: Applicable) -> Iterator[Issue]:
    """Functions that are expected and that no obligation gives; what is undecided may still close the gap."""
    for regime in regimes:
        for stage, topics in regime.pack.expectation.items():
            for topic, functions in topics.items():
                for function in functions:
                    yield from _gap((regime, stage, topic, function), found)


def _gap(field: tuple[Regime, str, str, str], found: Applicable) -> Iterator[Issue]:
    regime, stage, topic, function = field

    def giving(obligations: Iterable[Obligation]) -> list[Obligation]:
        return [
            each
            for each in obligations
            if (each.regime, each.entry.stage, each.entry.topic) == (regime, stage, topic)
            and function in each.entry.functions
        ]

    given = giving(found.applying)
    if any(each.instrument.binding for each in (*given, *giving(found.undecided))):
        return
    named = _named(regime, stage, topic, function)
    yield Issue(
        "gap",
        f"gap:{regime.pack.id}/{stage}/{topic}/{function}",
        _ids(given),
        Text(f"{named.en}: guidance or a pilot only", f"{named.zh}：仅有指南或试点依据")
        if given
        else Text(f"{named.en}: nobody is charged with it", f"{named.zh}：无任何规定"),
    )


def _named(regime: Regime, stage: str, topic: str, function: str) -> Text:
    at, on, what = regime.pack.stages[stage], regime.pack.topics[topic], FUNCTIONS[function]
    return Text(f"{at.en}, {on.en}, {what.en}", f"{at.zh}·{on.zh}·{what.zh}")


def _ids(obligations: Iterable[Obligation]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each.id for each in obligations))
