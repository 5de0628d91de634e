"""A committee made up for a test of the test: everything in order, and one flaw at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, get_args

import numpy as np

from touchstone.checks.governance.committee_records import CommitteeRecords
from touchstone.checks.governance.recorded_state import PresentState
from touchstone.checks.register_controls import Plant
from touchstone.system.registers.committee import Committee, Discipline, Member
from touchstone.system.registers.committee_decisions import ApprovalCondition, CommitteeDecision, Vote
from touchstone.text import Text

START = date(2026, 1, 1)
STATE = PresentState("2", {"model": "sha256:" + "0" * 64}, ("model",))


def sound_committee(generator: np.random.Generator) -> CommitteeRecords:
    """Nine to twelve members of all disciplines, a third from outside, all present, one against, a day by lot."""
    disciplines = get_args(Discipline)
    members = [
        Member(
            person=f"member {number}",
            employer="another house" if number % 3 == 0 else "this house",
            discipline=disciplines[number % len(disciplines)],
            since=START,
        )
        for number in range(int(generator.integers(9, 13)))
    ]
    day = START + timedelta(days=int(generator.integers(30, 200)))
    decision = CommitteeDecision(
        id="decision",
        at=datetime(day.year, day.month, day.day, tzinfo=UTC),
        state=STATE.as_recorded(),
        requested_by="applicant",
        present=[member.person for member in members],
        votes=[
            Vote(
                person=member.person,
                vote="against" if number == 0 else "for",
                reason="too early" if not number else None,
            )
            for number, member in enumerate(members)
        ],
        outcome="approved",
    )
    committee = Committee(
        as_of=day + timedelta(days=60),
        organisation="this house",
        in_service_since=day + timedelta(days=1),
        members=members,
    )
    return CommitteeRecords(committee, (decision,), STATE, "the supplier", committee.as_of)


def flawed_committees(sound: CommitteeRecords) -> Iterator[Plant[CommitteeRecords]]:
    """The same committee with one flaw at a time."""
    [decision] = sound.decisions
    committee, members, votes = sound.committee, sound.committee.members, decision.votes
    last = members[-1]

    def decided(**changed: Any) -> CommitteeRecords:
        return replace(sound, decisions=(decision.model_copy(update=changed),))

    def composed(**changed: Any) -> CommitteeRecords:
        return replace(sound, committee=committee.model_copy(update=changed))

    def with_last(**changed: Any) -> CommitteeRecords:
        return composed(members=[*members[:-1], last.model_copy(update=changed)])

    yield Plant(
        Text("a vote of somebody who is no member", "非成员投票"),
        decided(votes=[*votes, Vote(person="stranger", vote="for")]),
        "vote-not-counted",
    )
    yield Plant(
        Text("a member who votes twice", "成员重复投票"), decided(votes=[*votes, votes[-1]]), "vote-not-counted"
    )
    yield Plant(Text("a term that ended before the vote", "表决前任期已满"), with_last(until=START), "vote-not-counted")
    yield Plant(Text("an adviser who votes", "顾问投票"), with_last(adviser=True), "members")
    yield Plant(
        Text("a member who votes on what he asked for", "成员对自己申请的事项投票"),
        decided(requested_by=last.person),
        "approval_share_of_present",
    )
    yield Plant(
        Text("a member in the supplier's pay", "成员受雇于供应方"),
        with_last(employer=sound.supplier.upper()),
        "present_for_decision",
    )
    yield Plant(
        Text("nobody for law", "法律类成员缺席"),
        decided(present=[member.person for member in members if member.discipline != "law"]),
        "absent_categories",
    )
    yield Plant(
        Text("an approval without a majority", "未过半数即宣布通过"),
        decided(votes=[Vote(person=member.person, vote="abstain") for member in members]),
        "outcome-against-votes",
    )
    yield Plant(
        Text("a decision about another version", "针对其他版本的决定"),
        decided(state=decision.state.model_copy(update={"version": "1"})),
        "no-decision-on-this-state",
    )
    yield Plant(
        Text("service before the decision", "先投入使用后决定"),
        composed(in_service_since=decision.day - timedelta(days=1)),
        "in-service-before-decision",
    )
    yield Plant(
        Text("a condition that is overdue", "附带条件逾期"),
        decided(conditions=[ApprovalCondition(what="a test", due=decision.day)]),
        "condition-not-met",
    )
    yield Plant(
        Text("a year without a follow-up", "一年未跟踪审查"),
        replace(sound, day=sound.day + timedelta(days=366)),
        "months_since_follow_up",
    )
