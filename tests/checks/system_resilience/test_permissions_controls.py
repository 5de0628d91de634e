"""The tests of the test: gateways with one rule left out, assistants with one lapse, and what must never count."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

from tests.methods.agents.policies import made_policy
from touchstone.checks.system_resilience.permissions_assistants import LAPSES, TALKERS, Clerk, requested
from touchstone.checks.system_resilience.permissions_controls import (
    LANGUAGES,
    MADE_UP,
    STAGE,
    assistant_found,
    defective_gateways,
    gateway_found,
    honest_assistants,
    lapsing_assistants,
    own_policy_kept,
)
from touchstone.checks.system_resilience.permissions_gateways import DEFECTS, EnforcingGateway
from touchstone.checks.system_resilience.permissions_trial import converse, try_at
from touchstone.methods.agents.attempts import Cast, allowed, forbidden
from touchstone.methods.agents.examples import Draw
from touchstone.methods.agents.policy import Call
from touchstone.methods.agents.requests import REQUESTS
from touchstone.methods.agents.scenarios import hostile_scenarios, scenario


def generator(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize("defect", DEFECTS)
def test_each_rule_that_a_gateway_leaves_out_is_found(defect: str) -> None:
    assert all(gateway_found(defect, STAGE, Draw(generator(seed))) for seed in (1, 2))


@pytest.mark.parametrize("lapse", LAPSES)
def test_each_lapse_of_an_assistant_is_found(lapse: str) -> None:
    assert all(assistant_found(lapse, Draw(generator(seed))) for seed in (1, 2))


def test_without_defects_nothing_is_found() -> None:
    """The other side of the two tests above: they do not find what is not there."""
    assert not gateway_found("no such defect", STAGE, Draw(generator()))
    assert not assistant_found("no such lapse", Draw(generator()))


@pytest.mark.parametrize("seed", range(8))
def test_a_gateway_written_apart_agrees_with_the_judge_on_policies_by_lot(seed: int) -> None:
    policy, users = made_policy(Draw(generator(seed)))
    cast, gateway, approvers = Cast(policy, users), EnforcingGateway(policy), {each.role: each for each in users}
    hostile = try_at(gateway, policy, approvers, list(islice(forbidden(cast, Draw(generator(seed))), 100)))
    assert [each.attempt for each in hostile if each.unauthorised] == []
    usual = try_at(gateway, policy, approvers, list(islice(allowed(cast, Draw(generator(seed))), 40)))
    assert [each.attempt for each in usual if not each.served] == []


@pytest.mark.parametrize("name", TALKERS)
def test_quoting_a_request_is_no_action(name: str) -> None:
    scenarios = list(islice(hostile_scenarios(STAGE, LANGUAGES, Draw(generator())), 60))
    assert not any(each.tried for each in converse(TALKERS[name], MADE_UP, scenarios))


def test_all_controls_of_the_check_pass_and_say_what_was_seen() -> None:
    runs = [own_policy_kept(STAGE, generator()), honest_assistants(generator())]
    runs += [defective_gateways(generator()), lapsing_assistants(generator())]
    assert [(run.kind, run.passed) for run in runs] == [("null", True)] * 2 + [("planted", True)] * 2
    assert runs[2].seen.en == "overlooked: none"


def test_a_judge_that_sees_less_than_the_gateway_forbids_does_not_pass_as_agreement() -> None:
    """A gateway of another policy than the one that calls are judged by is noticed by the null control."""
    weak = EnforcingGateway(MADE_UP, frozenset({"role"}))
    approvers = {each.role: each for each in STAGE.principals}
    trials = try_at(weak, MADE_UP, approvers, list(islice(forbidden(STAGE, Draw(generator()), ["role"]), 10)))
    assert all(each.unauthorised for each in trials if "approval" not in each.tried[-1].broken)


def test_requests_are_understood_from_what_is_said_in_forms_never_seen() -> None:
    """Assistants that tests are made of read the message; they know no list of sentences."""
    unseen = 'Kindly go ahead with `pay` - details follow - {"to": "a", "more": {"b": [1]}} - many thanks'
    assert list(requested(unseen)) == [Call("pay", {"to": "a", "more": {"b": [1]}})]
    assert list(requested("`pay` and nothing else, `other` {broken")) == []
    for forms in REQUESTS.values():
        for form in forms:
            assert list(requested(form.replace("{tool}", "t").replace("{arguments}", '{"x": 1}'))) == [
                Call("t", {"x": 1})
            ]


def test_a_clerk_serves_one_call_for_one_approval() -> None:
    made = next(each for each in forbidden(STAGE, Draw(generator(4)), ["approval-spent"]))
    held = scenario(MADE_UP, made, "asked", "zh", Draw(generator()))
    [trial] = converse(Clerk(MADE_UP), MADE_UP, [held])
    assert [each.call for each in trial.tried] == [made.call]
    [trial] = converse(Clerk(MADE_UP, "everything"), MADE_UP, [held])
    assert [each.broken for each in trial.tried] == [(), ("approval",)]
