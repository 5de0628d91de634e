"""A committee's decision counted anew from the votes: who was entitled, who was there, how many were in favour."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from touchstone.system.registers.committee import Committee
from touchstone.system.registers.committee_decisions import CommitteeDecision
from touchstone.system.registers.spelling import one_spelling
from touchstone.text import Text

CATEGORIES = ("technical", "ethics", "law", "outside")
"""Kinds of members that have to be there when a committee decides; `outside` is of another employer."""


class Uncounted(NamedTuple):
    """A vote that does not count, and why."""

    person: str
    why: Text


@dataclass(frozen=True, slots=True)
class Count:
    """One decision, counted anew."""

    decision: CommitteeDecision
    attending: frozenset[str]
    """Members with a vote who were there for this decision and had no part in what was decided on."""
    in_favour: int
    uncounted: tuple[Uncounted, ...]
    absent: tuple[str, ...]
    """Categories of which nobody was there."""

    @property
    def share(self) -> float:
        """Of those attending, who were in favour: an abstention is no approval."""
        return self.in_favour / len(self.attending) if self.attending else 0.0


def voting_members(committee: Committee, day: date) -> frozenset[str]:
    """Who had a vote on that day."""
    return frozenset(each.person for each in committee.members if each.in_office(day) and not each.adviser)


def counted(decision: CommitteeDecision, committee: Committee, supplier: str) -> Count:
    """Count one decision. Nobody decides on what he asked for, worked on, or what his employer supplies."""
    entitled = voting_members(committee, decision.day)
    concerned = {*decision.recused, *decision.involved, decision.requested_by, *_of_supplier(committee, supplier)}
    attending = (entitled & frozenset(decision.present)) - concerned
    cast = defaultdict(list)
    for vote in decision.votes:
        cast[vote.person].append(vote.vote)
    uncounted = tuple(
        Uncounted(person, why)
        for person, votes in cast.items()
        if (why := _objection(person, len(votes), decision, entitled, concerned)) is not None
    )
    valid = {person: votes for person, votes in cast.items() if person in attending and len(votes) == 1}
    return Count(
        decision=decision,
        attending=attending,
        in_favour=sum(votes == ["for"] for votes in valid.values()),
        uncounted=uncounted,
        absent=tuple(each for each in CATEGORIES if each not in set(_categories(committee, attending, decision.day))),
    )


def _of_supplier(committee: Committee, supplier: str) -> Iterator[str]:
    """Members whom the supplier pays, unless the committee is the supplier's own."""
    if one_spelling(supplier) != one_spelling(committee.organisation):
        for member in committee.members:
            if one_spelling(member.employer) == one_spelling(supplier):
                yield member.person


def _categories(committee: Committee, attending: frozenset[str], day: date) -> Iterator[str]:
    for member in committee.members:
        if member.person in attending and member.in_office(day):
            yield member.discipline
            if one_spelling(member.employer) != one_spelling(committee.organisation):
                yield "outside"


def _objection(
    person: str, votes: int, decision: CommitteeDecision, entitled: frozenset[str], concerned: set[str]
) -> Text | None:
    if person not in entitled:
        return Text("had no vote on that day", "当日无表决权")
    if person in decision.recused:
        return Text("had withdrawn", "已回避")
    if person in concerned:
        return Text("took part in what was decided on", "与所审议事项有关联")
    if person not in decision.present:
        return Text("was not there", "未出席")
    if votes > 1:
        return Text(f"voted {votes} times", f"表决 {votes} 次")
    return None
