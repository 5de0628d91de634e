"""Attempts made from a policy: each breaks the rule it is meant to break, none is made twice, what is allowed is."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from typing import Any

import numpy as np
import pytest

from tests.methods.agents.policies import made_policy
from touchstone.checks.system_resilience.permissions_controls import MADE_UP, STAGE
from touchstone.conversation import ToolCall
from touchstone.methods.agents.attempts import APPROVALS, MAKERS, Cast, allowed, beyond_reach, forbidden, signature
from touchstone.methods.agents.examples import Draw
from touchstone.methods.agents.flawed_values import FLAWS
from touchstone.methods.agents.judging import breaches
from touchstone.methods.agents.policy import Argument, Kind, Principal, ToolRule
from touchstone.methods.agents.policy_flaws import policy_flaws
from touchstone.methods.agents.scenarios import UNASKED, WAYS, called, hostile_scenarios, ordinary_scenarios


def draw(seed: int = 1) -> Draw:
    return Draw(np.random.default_rng(seed))


def test_every_kind_is_made_about_equally_often_and_no_attempt_twice() -> None:
    made = list(islice(forbidden(STAGE, draw()), 480))
    counts = Counter(each.kind for each in made)
    assert set(counts) == set(MAKERS)
    assert max(counts.values()) <= 25
    assert len({signature(each) for each in made}) == 480


@pytest.mark.parametrize("kind", MAKERS)
def test_each_kind_breaks_its_own_rule(kind: str) -> None:
    own = {
        "role-claimed": "role",
        "no-credentials": "role",
        "approval-argument": "extra",
        **dict.fromkeys(APPROVALS, "approval"),
    }
    made = list(islice(forbidden(STAGE, draw(2), [kind]), 10))
    assert made
    for each in made:
        found = breaches(MADE_UP, each.principal, each.call, each.before, each.approved)
        assert own.get(kind, kind.replace("-missing", "").replace("-claimed", "")) in found


@pytest.mark.parametrize("kind", sorted(FLAWS))
def test_most_flawed_arguments_break_nothing_else(kind: str) -> None:
    """Else a gateway that checks something else would hide that it does not check this."""
    made = list(islice(forbidden(STAGE, draw(3), [kind]), 10))
    alone = sum(breaches(MADE_UP, each.principal, each.call, each.before, each.approved) == (kind,) for each in made)
    assert alone >= len(made) / 2


def test_the_same_seed_makes_the_same_attempts() -> None:
    first, again = (list(islice(forbidden(STAGE, draw(7)), 60)) for _ in range(2))
    assert first == again
    assert first != list(islice(forbidden(STAGE, draw(8)), 60))


def test_what_is_allowed_is_allowed_for_every_tool_and_role() -> None:
    made = list(islice(allowed(STAGE, draw()), 60))
    assert {(each.call.tool, each.principal.role) for each in made} == {
        (rule.name, role) for rule in MADE_UP.values() for role in rule.roles
    }
    assert not any(breaches(MADE_UP, each.principal, each.call, (), each.approved) for each in made)


def test_a_policy_that_allows_nobody_anything_ends() -> None:
    nobody = Cast({"a": ToolRule("a", "reads", ("ghost",))}, [Principal("U-1", "guest")])
    assert list(allowed(nobody, draw())) == []
    few = list(islice(forbidden(nobody, draw()), 1000))
    assert {each.kind for each in few} >= {"role", "undeclared-tool"}


def test_without_an_approver_no_approval_is_misused() -> None:
    cast = Cast(MADE_UP, STAGE.principals, approves=False)
    assert not {each.kind for each in islice(forbidden(cast, draw()), 200)} & set(APPROVALS)
    assert "refund_order" not in {each.call.tool for each in islice(allowed(cast, draw()), 50)}


def test_attempts_from_policies_by_lot_are_what_they_are_called() -> None:
    for seed in range(12):
        policy, users = made_policy(draw(seed))
        cast = Cast(policy, users)
        for each in islice(forbidden(cast, draw(seed)), 60):
            assert breaches(policy, each.principal, each.call, each.before, each.approved)
        for each in islice(allowed(cast, draw(seed)), 20):
            assert not breaches(policy, each.principal, each.call, (), each.approved)


def test_conversations_come_in_every_way_and_language_and_name_what_they_want() -> None:
    made = list(islice(hostile_scenarios(STAGE, ("en", "zh"), draw()), 300))
    assert {each.way for each in made} == set(WAYS)
    assert {each.language for each in made} == {"en", "zh"}
    assert UNASKED in {each.attempt.kind for each in made}
    for each in made:
        last = each.steps[-1].messages[-1].text.replace('\\"', '"')
        assert f"`{each.attempt.call.tool}`" in last
        assert each.steps[-1].asked == (each.way not in {"letter", "tool-result"})


def test_conversations_in_one_language_hold_no_other() -> None:
    for each in islice(hostile_scenarios(STAGE, ("en",), draw()), 80):
        said = [message.text for step in each.steps for message in step.messages]
        assert not any("\u4e00" <= sign <= "\u9fff" for text in said for sign in text)


def test_ordinary_conversations_ask_for_what_is_allowed() -> None:
    for each in islice(ordinary_scenarios(STAGE, ("zh",), draw()), 40):
        attempt = each.attempt
        assert not breaches(MADE_UP, attempt.principal, attempt.call, (), attempt.approved)
        assert len(each.steps) == 1


def test_only_arguments_that_are_an_object_make_a_call() -> None:
    assert called(ToolCall("1", "a", '{"x": 1}')) is not None
    assert called(ToolCall("1", "a", "")) is not None
    for written in ("[1]", "x", '{"x": NaN}', "[" * 100_000, "1" * 10_000):
        assert called(ToolCall("1", "a", written)) is None


def test_limits_that_no_attempt_reaches_are_known() -> None:
    def pay(most: float, **rest: Any) -> ToolRule:
        amount = Argument("number", minimum=1, maximum=10)
        return ToolRule("pay", "moves-money", ("clerk",), arguments={"amount": amount}, total=("amount", most), **rest)

    reached, far = pay(400), pay(500)
    assert [beyond_reach(rule) for rule in (reached, far, pay(500, calls=3))] == [False, True, False]
    assert beyond_reach(ToolRule("ask", "reads", ("clerk",), calls=41))
    for rule in (reached, far):
        cast = Cast({"pay": rule}, [Principal("K-1", "clerk")])
        assert any(forbidden(cast, draw(), ["total"])) != beyond_reach(rule)


def test_what_a_policy_leaves_open_is_named() -> None:
    rules = [
        ToolRule("pay", "moves-money", ("clerk",), arguments={"amount": Argument("number", minimum=0)}),
        ToolRule("mail", "sends-outside", ("clerk", "guest"), arguments={"to": Argument(max_length=9)}),
        ToolRule("run", "runs-code", ("clerk",), approval="clerk", arguments={"code": Argument()}),
    ]
    assert set(policy_flaws({rule.name: rule for rule in rules})) == {
        ("no-approval", "pay"),
        ("unlimited", "pay"),
        ("unbounded-argument", "pay.amount"),
        ("free-recipient", "mail"),
        ("approves-own-calls", "run"),
        ("unbounded-argument", "run.code"),
        ("all-powerful-role", "clerk"),
    }
    assert list(policy_flaws(MADE_UP)) == []


def test_an_assistant_is_told_of_no_approval_that_nobody_could_give() -> None:
    for each in islice(hostile_scenarios(STAGE, ("en",), draw(5)), 200):
        attempt = each.attempt
        told = each.opening.messages[0].text
        for call in attempt.approved:
            assert not breaches(MADE_UP, attempt.principal, call, (), (call,))
        assert told.count("Approved by") == len(attempt.approved)


@pytest.mark.parametrize(
    ("kind", "low", "high"),
    [
        ("integer", 0, 1e30),
        ("integer", -1e30, None),
        ("integer", -9e18, 9e18),
        ("number", -1.7e308, 1.7e308),
        ("number", 0.001, 0.004),
    ],
)
def test_numbers_of_any_size_can_be_tried(kind: Kind, low: float, high: float | None) -> None:
    rule = ToolRule("use", "reads", ("clerk",), "uses", {"x": Argument(kind, minimum=low, maximum=high)})
    cast = Cast({"use": rule}, [Principal("K-1", "clerk")])
    assert len(list(islice(allowed(cast, draw()), 20))) == 20
    assert len(list(islice(forbidden(cast, draw()), 20))) == 20
