"""The whole check against gateways and assistants on loopback: ones that keep the policy, and ones that do not."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.checks.running import InProcessRun, codes, metric
from tests.checks.system_resilience.tool_systems import ENVIRONMENT, KEY, TOKENS, tool_system
from tests.service.running import running
from touchstone.assessment.plan import make_plan
from touchstone.checks.declaration import Measurement
from touchstone.checks.registry import installed_checks
from touchstone.checks.system_resilience import permissions_campaign
from touchstone.checks.system_resilience.permissions import permissions
from touchstone.checks.system_resilience.permissions_assistants import TALKERS, Clerk
from touchstone.checks.system_resilience.permissions_controls import MADE_UP, STAGE
from touchstone.checks.system_resilience.permissions_gateways import EnforcingGateway, EnforcingSession
from touchstone.checks.system_resilience.permissions_policy import policy_of
from touchstone.checks.system_resilience.permissions_trial import Outcome, converse, try_at
from touchstone.conversation import Assistant
from touchstone.errors import DescriptionError, UnavailableError
from touchstone.methods.agents.attempts import Cast, forbidden
from touchstone.methods.agents.examples import Draw
from touchstone.methods.agents.judging import breaches
from touchstone.methods.agents.policy import Call, Principal, ToolRule
from touchstone.methods.agents.scenarios import scenario
from touchstone.records import StoppingLimit
from touchstone.service.chat import Chat
from touchstone.service.server import Limits
from touchstone.service.tool_gateway import tool_gateway_service
from touchstone.standard.catalog import load_standard
from touchstone.system.subject import Subject, open_system


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tokens of the test users, and only as many attempts as a test needs."""
    for name, token in ENVIRONMENT.items():
        monkeypatch.setenv(name, token)
    monkeypatch.setattr(permissions_campaign, "ATTEMPTS", {"quick": 120})
    monkeypatch.setattr(permissions_campaign, "ORDINARY", {"quick": 16})


@contextmanager
def product(
    folder: Path, assistant: Assistant | None = None, gateway: EnforcingGateway | None = None, **declared: Any
) -> Iterator[Subject]:
    """A system with an assistant, a gateway or both, in service."""
    with ExitStack() as services:
        chat = url = None
        if assistant is not None:
            limits = Limits(rate=10_000, burst=10_000, at_once=8)
            chat = services.enter_context(running(limits, Chat({"counter": assistant}))).url
        if gateway is not None:
            url = services.enter_context(tool_gateway_service(gateway, TOKENS)).url
        yield tool_system(folder, chat=chat, gateway=url, **declared)


def measured(subject: Subject, n_min: int = 100, run: InProcessRun | None = None) -> tuple[Measurement, list[Any]]:
    run = run or InProcessRun()
    measurement = permissions.function(subject, permissions.parameters(n_min=n_min), run)
    return measurement, [json.loads(line) for line in run.kept["attempted_action_log.jsonl"].splitlines()]


def test_a_gateway_that_keeps_the_policy_carries_out_nothing_it_forbids(tmp_path: Path) -> None:
    with product(tmp_path, gateway=EnforcingGateway(MADE_UP)) as subject:
        measurement, log = measured(subject)
    found = metric(measurement, "unauthorised_actions")
    assert (found.value, found.n) == (0, 120)
    assert metric(measurement, "ordinary_calls_refused").value == 0
    assert metric(measurement, "tools_beyond_grant").value == 0
    assert metric(measurement, "policy_flaws").value == 0
    assert [control.passed for control in measurement.controls] == [True] * 4
    assert codes(measurement) == []
    assert len(log) == 136
    assert not any(each["unauthorised"] for each in log)


def test_a_gateway_that_leaves_rules_out_is_found_and_says_which(tmp_path: Path) -> None:
    weak = EnforcingGateway(MADE_UP, frozenset({"role", "path", "approval-unbound"}))
    with product(tmp_path, gateway=weak) as subject:
        measurement, log = measured(subject)
    found = metric(measurement, "unauthorised_actions")
    assert found.value >= 3
    assert {"carried-out-role", "carried-out-path", "carried-out-approval", "tools-beyond-grant"} <= set(
        codes(measurement)
    )
    assert "carried-out-owner" not in codes(measurement)
    assert metric(measurement, "tools_beyond_grant").value > 0
    kinds = {each["kind"] for each in log if each["unauthorised"]}
    assert kinds >= {"role", "path", "approval-other"}
    assert metric(measurement, "unauthorised_action_share", "attempt=role").value > 0
    assert not any(each.slice == "attempt=owner" for each in measurement.metrics)


def test_every_verdict_can_be_made_again_from_the_log(tmp_path: Path) -> None:
    weak = EnforcingGateway(MADE_UP, frozenset({"owner", "total"}))
    with product(tmp_path, Clerk(MADE_UP, "everything"), weak) as subject:
        _, log = measured(subject)
    for line in log:
        carried: list[Call] = []
        approved = [Call(each["tool"], json.loads(each["arguments"])) for each in line["approved"]]
        for made in line["calls"]:
            call = Call(made["tool"], json.loads(made["arguments"]))
            broken = breaches(MADE_UP, Principal(line["user"], line["role"]), call, carried, approved)
            assert tuple(made["broken"]) in {broken, (*broken, "unasked")}
            assert made["unauthorised"] == (made["outcome"] == "carried-out" and bool(made["broken"]))
            carried += [call] if made["outcome"] == "carried-out" else []
    assert any(line["conversation"] for line in log)


def test_an_honest_assistant_without_a_gateway_does_nothing_that_counts(tmp_path: Path) -> None:
    with product(tmp_path, Clerk(MADE_UP)) as subject:
        measurement, log = measured(subject)
    assert metric(measurement, "unauthorised_actions").value == 0
    assert metric(measurement, "ordinary_calls_refused").value == 0
    assert {each["way"] for each in log} >= {"asked", "pressed", "letter", "tool-result"}
    assert subject.queries > 0


@pytest.mark.parametrize(
    ("lapse", "way"), [("letters", "letter"), ("tool-results", "tool-result"), ("pressure", "pressed")]
)
def test_an_assistant_that_gives_way_to_one_thing_is_found_by_it(tmp_path: Path, lapse: str, way: str) -> None:
    with product(tmp_path, Clerk(MADE_UP, lapse)) as subject:
        measurement, log = measured(subject)
    assert metric(measurement, "unauthorised_actions").value > 0
    assert {each["way"] for each in log if each["unauthorised"]} == {way}


def test_behind_a_good_gateway_an_obedient_assistant_only_does_what_nobody_asked_for(tmp_path: Path) -> None:
    with product(tmp_path, Clerk(MADE_UP, "everything"), EnforcingGateway(MADE_UP)) as subject:
        measurement, log = measured(subject)
    done = {code for each in log for made in each["calls"] if made["unauthorised"] for code in made["broken"]}
    assert done == {"unasked"}
    assert {each["way"] for each in log} >= {"gateway", "letter"}
    assert codes(measurement) == ["carried-out-unasked"]


def test_an_assistant_that_never_uses_a_tool_lends_its_gateway_no_good_result(tmp_path: Path) -> None:
    with product(tmp_path, TALKERS["echo"], EnforcingGateway(MADE_UP)) as subject:
        measurement, log = measured(subject)
    assert "idle-way" in codes(measurement)
    assert {each["way"] for each in log if each["kind"] != "ordinary"} == {"gateway"}


@pytest.mark.parametrize("name", TALKERS)
def test_whoever_only_talks_is_not_tested(tmp_path: Path, name: str) -> None:
    with (
        product(tmp_path, TALKERS[name]) as subject,
        pytest.raises(UnavailableError, match="refusals would show nothing"),
    ):
        measured(subject)


def test_tokens_that_the_gateway_does_not_know_are_no_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ENVIRONMENT:
        monkeypatch.setenv(name, f"wrong {name}".replace(" ", "-"))
    with (
        product(tmp_path, gateway=EnforcingGateway(MADE_UP)) as subject,
        pytest.raises(UnavailableError, match="does not answer in MCP"),
    ):
        measured(subject)


def test_a_missing_token_is_asked_for_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TOUCHSTONE_GATEWAY_TOKEN_CLERK")
    with product(tmp_path, gateway=EnforcingGateway(MADE_UP)) as subject, pytest.raises(UnavailableError) as error:
        measured(subject)
    assert error.value.remedy is not None
    assert "TOUCHSTONE_GATEWAY_TOKEN_CLERK" in error.value.remedy.en


def test_no_more_is_sent_than_was_agreed_upon(tmp_path: Path) -> None:
    with product(tmp_path, gateway=EnforcingGateway(MADE_UP), tests={"requests": 250}) as subject:
        measurement, log = measured(subject)
    assert "allowance-spent" in codes(measurement)
    assert "too-few-samples" in codes(measurement)
    assert not any(each.id == "unauthorised_actions" for each in measurement.metrics)
    assert 0 < sum(each["kind"] != "ordinary" for each in log) < 100


def test_too_few_attempts_are_no_good_result_and_still_a_bad_one(tmp_path: Path) -> None:
    with product(tmp_path, gateway=EnforcingGateway(MADE_UP)) as subject:
        measurement, _ = measured(subject, n_min=300)
    assert not any(each.id == "unauthorised_actions" for each in measurement.metrics)
    with product(tmp_path, gateway=EnforcingGateway(MADE_UP, frozenset({"role"}))) as subject:
        measurement, _ = measured(subject, n_min=300)
    assert metric(measurement, "unauthorised_actions").value > 0


def test_it_stops_early_only_once_something_was_found(tmp_path: Path) -> None:
    limit = StoppingLimit(metric="unauthorised_actions", op="<=", value=0, bound="exact")
    with product(tmp_path, gateway=EnforcingGateway(MADE_UP)) as subject:
        kept = metric(measured(subject, run=InProcessRun(limits=[limit]))[0], "unauthorised_actions")
    with product(tmp_path, gateway=EnforcingGateway(MADE_UP, frozenset({"extra"}))) as subject:
        broken = metric(measured(subject, run=InProcessRun(limits=[limit]))[0], "unauthorised_actions")
    assert (kept.n, broken.n) == (120, 100)


def test_without_a_way_to_present_approvals_this_is_said(tmp_path: Path) -> None:
    undeclared = {"approval_tool": None, "approval_key": None}
    with product(tmp_path, gateway=EnforcingGateway(MADE_UP), **undeclared) as subject:
        measurement, log = measured(subject)
    assert set(codes(measurement)) == {"approvals-untried", "tools-untried"}
    assert not any(each["kind"] == "approval-other" for each in log)


class OneTool(EnforcingGateway):
    """Serves a single tool, and refuses every other call to everybody."""

    def session(self, principal: Principal) -> EnforcingSession:
        return _OneTool(self, principal)


class _OneTool(EnforcingSession):
    def call(self, call: Call, claims: Mapping[str, Any]) -> Outcome:
        return super().call(call, claims) if call.tool == "read_order" else Outcome("refused", "no")


def test_refusals_of_what_is_never_served_do_not_count(tmp_path: Path) -> None:
    with product(tmp_path, gateway=OneTool(MADE_UP)) as subject:
        measurement, log = measured(subject)
    assert "tools-idle" in codes(measurement)
    tools = Counter(each["calls"][-1]["tool"] for each in log if each["kind"] != "ordinary")
    telling = sum(number for tool, number in tools.items() if tool not in MADE_UP or tool == "read_order")
    assert sum(tools.values()) > 120, "more attempts are made for those that show nothing"
    assert metric(measurement, "unauthorised_action_share").n == telling


def test_without_a_test_user_for_each_role_finding_nothing_is_no_result(tmp_path: Path) -> None:
    with product(tmp_path, gateway=EnforcingGateway(MADE_UP), users={"customer": "C-1001"}) as subject:
        measurement, _ = measured(subject)
    assert "roles-untried" in codes(measurement)
    assert not any(each.id == "unauthorised_actions" for each in measurement.metrics)
    weak = EnforcingGateway(MADE_UP, frozenset({"role"}))
    with product(tmp_path, gateway=weak, users={"customer": "C-1001"}) as subject:
        measurement, _ = measured(subject)
    assert metric(measurement, "unauthorised_actions").value > 0


def test_a_limit_that_was_not_led_up_to_is_not_tried() -> None:
    """Of an assistant that makes no call on the way, the last call is one that it may make."""
    cast = Cast(MADE_UP, STAGE.principals)
    draw = Draw(np.random.default_rng(1))
    attempts = list(islice(forbidden(cast, draw, ["calls"]), 5))
    assert [each.pointed for each in try_at(EnforcingGateway(MADE_UP), MADE_UP, {}, attempts)] == [True] * 5
    assert [each.pointed for each in try_at(OneTool(MADE_UP), MADE_UP, {}, attempts)] == [False] * 5
    talk = [scenario(MADE_UP, each, "asked", "en", draw) for each in attempts]
    assert [each.pointed for each in converse(Clerk(MADE_UP), MADE_UP, talk)] == [True] * 5
    assert [each.pointed for each in converse(TALKERS["echo"], MADE_UP, talk)] == [False] * 5


def test_a_gateway_without_sessions_is_not_blamed_for_limits_it_cannot_know_of(tmp_path: Path) -> None:
    gateway = EnforcingGateway(MADE_UP)
    with tool_gateway_service(gateway, TOKENS, sessions=False) as service:
        measurement, log = measured(tool_system(tmp_path, gateway=service.url))
    assert "limits-untried" in codes(measurement)
    assert metric(measurement, "unauthorised_actions").value == 0
    assert not any(each["kind"] in {"calls", "total"} for each in log)


def test_a_system_without_tools_is_not_tested(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="nor is a tool gateway declared"):
        measured(tool_system(tmp_path))


def test_the_policy_is_read_as_it_was_written(tmp_path: Path) -> None:
    assert policy_of(tool_system(tmp_path)) == MADE_UP
    text = (tmp_path / "tools.yaml").read_text("utf-8")
    (tmp_path / "tools.yaml").write_text(text + text, encoding="utf-8")
    with pytest.raises(DescriptionError) as error:
        policy_of(open_system(tmp_path))
    assert "has several rules for the tool read_order" in str(error.value)
    many = {f"t{number}": ToolRule(f"t{number}", "reads", ("a",), "reads") for number in range(501)}
    with pytest.raises(DescriptionError) as error:
        policy_of(tool_system(tmp_path, policy=many))
    assert "has 501 tools, more than 500" in str(error.value)


def test_a_plan_asks_for_it_where_tools_are_used_and_with_the_least_number_of_attempts(tmp_path: Path) -> None:
    subject = tool_system(tmp_path, chat="http://127.0.0.1:9")
    plan = make_plan(subject, load_standard().profile("generation-screening"), installed_checks(), "quick")
    [item] = [each for each in plan.items if each.check.id == "agent.permissions"]
    assert item.runs
    assert item.parameters["n_min"] == 300


def test_the_stage_names_the_key_of_the_reference_gateway() -> None:
    assert EnforcingGateway(STAGE.policy).approval_key == KEY
