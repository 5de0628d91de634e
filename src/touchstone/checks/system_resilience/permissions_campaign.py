"""The attempts of one assessment, on every way on which the product serves its users."""

from __future__ import annotations

from itertools import islice
from typing import Protocol

from touchstone.checks.declaration import Run
from touchstone.checks.system_resilience.permissions_findings import Found, counted
from touchstone.checks.system_resilience.permissions_stage import Stage
from touchstone.checks.system_resilience.permissions_trial import Gateway, Trial, converse, try_at
from touchstone.conversation import Assistant
from touchstone.errors import UnavailableError
from touchstone.methods.agents.attempts import LIMITS, MAKERS, allowed, forbidden, granted
from touchstone.methods.agents.examples import Draw
from touchstone.methods.agents.scenarios import hostile_scenarios, ordinary_scenarios
from touchstone.text import Text

ATTEMPTS = {"quick": 320, "standard": 800, "full": 2400}
"""Forbidden calls that are attempted, all ways together."""
ORDINARY = {"quick": 24, "standard": 48, "full": 96}
"""Allowed calls on each way; one for each tool and role at least, up to `MOST_ORDINARY`."""
MOST_ORDINARY = 200
ROUNDS = 2
"""Times the attempts that may be made where some of them show nothing."""
BATCH = 20
ENOUGH = 100
"""Attempts after which the test may stop once something was found: by then every kind has had its turn."""


class Way(Protocol):
    """A way on which the product's tools can be reached."""

    name: Text

    def ordinary(self, count: int) -> list[Trial]:
        """What became of so many allowed calls."""

    def hostile(self, count: int) -> list[Trial]:
        """What became of at most so many forbidden ones; none once nothing new comes up."""


class AtGateway:
    """Calls sent to the gateway directly."""

    name = Text("calls to the gateway", "直接调用网关")

    def __init__(self, stage: Stage, gateway: Gateway, draw: Draw) -> None:
        self._stage, self._gateway = stage, gateway
        kinds = [kind for kind in MAKERS if gateway.sessions or kind not in LIMITS]
        self._allowed, self._forbidden = allowed(stage.cast, draw), forbidden(stage.cast, draw, kinds)

    def ordinary(self, count: int) -> list[Trial]:
        """Allowed calls, sent."""
        attempts = list(islice(self._allowed, count))
        return try_at(self._gateway, self._stage.cast.policy, self._stage.approvers, attempts)

    def hostile(self, count: int) -> list[Trial]:
        """Forbidden calls, sent."""
        attempts = list(islice(self._forbidden, count))
        return try_at(self._gateway, self._stage.cast.policy, self._stage.approvers, attempts)


class InConversation:
    """Calls that the assistant makes when it is talked to; through the gateway, where there is one."""

    name = Text("conversations with the assistant", "与助手的对话")

    def __init__(self, stage: Stage, assistant: Assistant, draw: Draw) -> None:
        self._stage, self._assistant = stage, assistant
        self._allowed = ordinary_scenarios(stage.cast, stage.languages, draw)
        self._forbidden = hostile_scenarios(stage.cast, stage.languages, draw)

    def ordinary(self, count: int) -> list[Trial]:
        """Conversations that ask for what is allowed."""
        scenarios = list(islice(self._allowed, count))
        return converse(self._assistant, self._stage.cast.policy, scenarios, self._stage.gateway, self._stage.approvers)

    def hostile(self, count: int) -> list[Trial]:
        """Conversations that ask for what is forbidden."""
        scenarios = list(islice(self._forbidden, count))
        return converse(self._assistant, self._stage.cast.policy, scenarios, self._stage.gateway, self._stage.approvers)


def try_everything(stage: Stage, found: Found, draw: Draw, run: Run) -> None:
    """First what is allowed, then what is not; what came of each batch is kept as soon as it ends.

    Raises `UnavailableError` where nothing that is allowed was carried out on any way, and `BudgetSpentError` when no
    more requests were agreed upon.
    """
    usual = min(max(ORDINARY[run.budget], len(granted(stage.cast))), MOST_ORDINARY)
    serving = _serving(stage, found, draw, usual)
    if stage.gateway is not None:
        found.beyond_grant = _offered_beyond_grant(stage, stage.gateway)
    wanted = ATTEMPTS[run.budget]
    while (telling := len(found.telling)) < wanted and len(found.hostile) < ROUNDS * wanted:
        before = len(found.hostile)
        for way in serving:
            found.hostile += way.hostile(min(BATCH, wanted - telling))
            run.progress(min(telling / wanted, 1.0))
        failed = bool(found.unauthorised) and len(found.hostile) >= ENOUGH and run.decided([counted(found)])
        if failed or len(found.hostile) == before:
            break


def _serving(stage: Stage, found: Found, draw: Draw, count: int) -> list[Way]:
    """The ways on which anything that is allowed was carried out: on others, refusals show nothing."""
    ways: list[Way] = []
    if stage.gateway is not None:
        ways.append(AtGateway(stage, stage.gateway, draw))
    if stage.assistant is not None:
        ways.append(InConversation(stage, stage.assistant, draw))
    serving = []
    for way in ways:
        trials = way.ordinary(count)
        found.ordinary += trials
        if any(each.served for each in trials):
            serving.append(way)
        else:
            found.idle.append(way.name)
    if not serving:
        raise UnavailableError(
            Text(
                f"not one of {len(found.ordinary)} allowed calls was carried out, so that refusals would show nothing",
                f"{len(found.ordinary)} 次获准调用均未被执行，拒绝不说明任何问题",
            ),
            "registers.tool-policy",
            Text(
                "check that policy, test users and tokens fit the instance, and that it serves them",
                "请确认规则、测试用户与令牌同该实例相符，且其可正常服务",
            ),
        )
    return serving


def _offered_beyond_grant(stage: Stage, gateway: Gateway) -> dict[str, tuple[str, ...]]:
    """For each role, what the gateway lists and the policy does not grant."""
    beyond = {}
    for principal in stage.cast.principals:
        granted = {name for name, rule in stage.cast.policy.items() if principal.role in rule.roles}
        beyond[principal.role] = tuple(sorted(set(gateway.session(principal).offered()) - granted))
    return beyond
