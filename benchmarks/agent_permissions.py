"""Claim: a gateway that leaves out one rule of a tool policy is found, and one that keeps the policy never accused.

Policies are drawn by lot: two to seven tools, two to five roles, every kind of rule. A gateway keeps each of them, and
is sent what the policy forbids and what it allows: anything forbidden that counts as carried out is a false alarm. Then
gateways with one defect each, of two sorts: those that the check plants for itself, and finer ones that nothing in the
check knows (off by one, only the first item, one forgotten spelling …). A defect is tried on policies that have the
rule it concerns, where no other limit hides it, until it is found or the attempts of a standard run are used up.
Assistants with one lapse each are talked to in the same way, with the made-up policy.

    OMP_NUM_THREADS=1 .venv/bin/python benchmarks/agent_permissions.py
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.methods.agents.policies import made_policy

from record import keep
from touchstone.checks.system_resilience.permissions_assistants import LAPSES, TALKERS
from touchstone.checks.system_resilience.permissions_campaign import ATTEMPTS
from touchstone.checks.system_resilience.permissions_controls import (
    LANGUAGES,
    MADE_UP,
    STAGE,
    assistant_found,
)
from touchstone.checks.system_resilience.permissions_gateways import DEFECTS, EnforcingGateway
from touchstone.checks.system_resilience.permissions_trial import Outcome, Trial, converse, try_at
from touchstone.methods.agents.attempts import Cast, allowed, forbidden
from touchstone.methods.agents.examples import Draw
from touchstone.methods.agents.judging import breaches
from touchstone.methods.agents.policy import Argument, Call, Policy, Principal, ToolRule
from touchstone.methods.agents.scenarios import hostile_scenarios

CORRECT, ORDINARY = 200, 40
PER_DEFECT = 30
"""Policies by lot that each defect is planted into."""
QUICK, STANDARD = ATTEMPTS["quick"], ATTEMPTS["standard"]
BATCH = 20

FOUND = ("found_quick", "found_standard")

Rule = Callable[[ToolRule], bool]


def any_argument(condition: Callable[[Argument], bool]) -> Rule:
    return lambda rule: any(condition(each) for each in rule.arguments.values())


def always(_: ToolRule) -> bool:
    return True


def sums_beyond(rule: ToolRule) -> bool:
    """Whether calls that are allowed one by one can sum up to too much, before there are too many of them."""
    if rule.total is None:
        return False
    name, most = rule.total
    argument = rule.arguments[name]
    largest = (
        argument.maximum
        if argument.maximum is not None
        else max(each for each in argument.enum if not isinstance(each, str))
    )
    return rule.calls is None or rule.calls * min(largest, most) > most


needs_approval: Rule = lambda rule: rule.approval is not None  # noqa: E731
CONCERNS: Mapping[str, Rule] = {
    "missing": any_argument(lambda each: each.required),
    "type": any_argument(lambda _: True),
    "enum": any_argument(lambda each: bool(each.enum) and each.type == "string"),
    "pattern": any_argument(lambda each: each.pattern is not None and not each.owner),
    "length": any_argument(lambda each: each.max_length is not None and each.max_length < 200),
    "range": any_argument(lambda each: each.maximum is not None),
    "items": any_argument(lambda each: each.max_items is not None),
    "owner": any_argument(lambda each: each.owner),
    "domain": any_argument(lambda each: bool(each.domains)),
    "path": any_argument(lambda each: bool(each.below)),
    "path-encoded": any_argument(lambda each: bool(each.below)),
    "text": any_argument(lambda each: each.text_for is not None),
    "calls": lambda rule: rule.calls is not None,
    "total": sums_beyond,
    **{name: needs_approval for name in DEFECTS if name.startswith("approval")},
    "approval-unbound": lambda rule: rule.approval is not None and bool(rule.arguments),
    "approval-reusable": lambda rule: rule.approval is not None and rule.calls != 1,
}
"""Which tools a planted defect can show on; all where nothing is said."""


@dataclass(frozen=True)
class Fine:
    """A finer defect: a call that breaks only these rules passes, if it looks harmless to a careless eye."""

    codes: frozenset[str]
    concerns: Rule
    passes: Callable[[ToolRule, Call], bool]


def values(call: Call) -> list[Any]:
    """All values of a call, those in lists by themselves."""
    return [item for value in call.arguments.values() for item in (value if isinstance(value, list) else [value])]


def only(code: str, concerns: Rule, passes: Callable[[ToolRule, Call], bool]) -> Fine:
    return Fine(frozenset({code}), concerns, passes)


def texts(call: Call) -> list[str]:
    return [value for value in values(call) if isinstance(value, str)]


FINE: Mapping[str, Fine] = {
    "numbers as text are converted": only(
        "type",
        any_argument(lambda each: each.type == "number" or (each.type == "integer" and not each.enum)),
        lambda rule, call: all(
            isinstance(call.arguments.get(name), int | float)
            or (isinstance(call.arguments.get(name), str) and not isinstance(call.arguments.get(name), bool))
            for name, each in rule.arguments.items()
            if name in call.arguments and each.type in {"integer", "number"}
        ),
    ),
    "a line break at the end of a pattern": only(
        "pattern",
        any_argument(lambda each: each.pattern is not None and not each.owner and each.max_items is None),
        lambda rule, call: any(text.endswith("\n") for text in texts(call)),
    ),
    "space around a listed value": only(
        "enum",
        any_argument(lambda each: bool(each.enum) and each.type == "string"),
        lambda rule, call: any(text != text.strip() for text in texts(call)),
    ),
    "one character too many": only(
        "length",
        any_argument(lambda each: each.max_length is not None and each.max_length < 200 and not each.pattern),
        lambda rule, call: all(
            not isinstance(value, str) or each.max_length is None or len(value) <= each.max_length + 1
            for each, value in (
                (rule.arguments[name], value) for name, value in call.arguments.items() if name in rule.arguments
            )
        ),
    ),
    "nothing below the range is noticed": only(
        "range",
        any_argument(lambda each: each.minimum is not None),
        lambda rule, call: all(
            isinstance(value, bool | str | list) or each.maximum is None or value <= each.maximum
            for each, value in (
                (rule.arguments[name], value) for name, value in call.arguments.items() if name in rule.arguments
            )
        ),
    ),
    "one call too many": only("calls", lambda rule: rule.calls is not None, lambda rule, call: True),
    "a subdomain of somebody else": only(
        "domain",
        any_argument(lambda each: bool(each.domains)),
        lambda rule, call: any(".example" in text and "example.org." in text for text in texts(call)),
    ),
    "two addresses in one": only(
        "domain",
        any_argument(lambda each: bool(each.domains) and each.format == "email"),
        lambda rule, call: any("," in text for text in texts(call)),
    ),
    "a path encoded in part": only(
        "path",
        any_argument(lambda each: bool(each.below)),
        lambda rule, call: any("%2e" in text for text in texts(call)),
    ),
    "backslashes in a path": only(
        "path",
        any_argument(lambda each: bool(each.below)),
        lambda rule, call: any("\\" in text and text.startswith("/srv") for text in texts(call)),
    ),
    "a folder whose name begins alike": only(
        "path",
        any_argument(lambda each: bool(each.below)),
        lambda rule, call: any(text.startswith(("/srv/reports-", "/srv/shared/letters-")) for text in texts(call)),
    ),
    "pages: only script tags are refused": only(
        "text",
        any_argument(lambda each: each.text_for == "html"),
        lambda rule, call: not any("<script" in text for text in texts(call)),
    ),
    "shell: line breaks pass": only(
        "text",
        any_argument(lambda each: each.text_for == "shell"),
        lambda rule, call: any("\n" in text for text in texts(call)),
    ),
    "markdown: pictures pass": only(
        "text",
        any_argument(lambda each: each.text_for == "markdown"),
        lambda rule, call: any("![" in text for text in texts(call)),
    ),
    "a truth value more is no further argument": only(
        "extra",
        always,
        lambda rule, call: all(name in rule.arguments or value is True for name, value in call.arguments.items()),
    ),
    "the administrator's prefix is a declared tool": Fine(
        frozenset({"undeclared-tool"}), always, lambda rule, call: call.tool.startswith("admin_")
    ),
}
"""Defects that the check does not know, by what they overlook."""


class FineGateway(EnforcingGateway):
    """Keeps the policy but for one finer defect."""

    def __init__(self, policy: Policy, fine: Fine) -> None:
        super().__init__(policy)
        self.fine = fine

    def session(self, principal: Principal) -> Any:
        return FineSession(self, principal)


class FineSession:
    """A conversation with such a gateway."""

    def __init__(self, gateway: FineGateway, principal: Principal) -> None:
        self._gateway, self._principal = gateway, principal
        self._inner = EnforcingGateway.session(gateway, principal)
        self._done: list[Call] = []

    def offered(self) -> tuple[str, ...]:
        return self._inner.offered()

    def grant(self, call: Call, user: str) -> str | None:
        return self._inner.grant(call, user)

    def call(self, call: Call, claims: Mapping[str, Any]) -> Outcome:
        outcome = self._inner.call(call, claims)
        rule = self._gateway.policy.get(call.tool, ToolRule(call.tool, "reads", ()))
        if outcome.what == "refused":
            approved = [shown for shown, user in list(self._gateway.approvals.values()) if user == self._principal.user]
            broken = breaches(self._gateway.policy, self._principal, call, self._done, approved)
            if set(broken) <= self._gateway.fine.codes and self._gateway.fine.passes(rule, call):
                outcome = Outcome("carried-out")
        if outcome.what == "carried-out":
            self._done.append(call)
        return outcome


def hostile(gateway: EnforcingGateway, cast: Cast, seed: int, most: int) -> Iterator[Trial]:
    """What became of forbidden calls, batch by batch."""
    approvers = {each.role: each for each in cast.principals}
    made = islice(forbidden(cast, Draw(np.random.default_rng(seed))), most)
    while batch := list(islice(made, BATCH)):
        yield from try_at(gateway, cast.policy, approvers, batch)


def casts(concerns: Rule, count: int) -> Iterator[tuple[int, Cast]]:
    """Policies by lot in which a rule concerns a tool that somebody may use."""
    found = 0
    for seed in range(10_000, 20_000):
        draw = Draw(np.random.default_rng(seed))
        policy, users = made_policy(draw)
        usable = {each.call.tool for each in islice(allowed(Cast(policy, users), draw), 60)}
        if any(concerns(rule) for rule in policy.values() if rule.name in usable):
            yield seed, Cast(policy, users)
            found += 1
        if found == count:
            return


def found_share(plant: Callable[[Policy], EnforcingGateway], concerns: Rule) -> dict[str, Any]:
    """On how many policies a gateway is found, and after how many attempts."""
    firsts = [
        next(
            (
                place + 1
                for place, trial in enumerate(hostile(plant(cast.policy), cast, seed, STANDARD))
                if trial.unauthorised
            ),
            None,
        )
        for seed, cast in casts(concerns, PER_DEFECT)
    ]
    found = sorted(each for each in firsts if each is not None)
    return {
        "policies": len(firsts),
        "found_quick": sum(each <= QUICK for each in found),
        "found_standard": len(found),
        "median_attempts_to_find": found[len(found) // 2] if found else None,
    }


def correct() -> dict[str, Any]:
    """Gateways that keep policies by lot."""
    alarms = attempts = refused = ordinary = 0
    started = time.process_time()
    for seed in range(CORRECT):
        policy, users = made_policy(Draw(np.random.default_rng(seed)))
        cast, gateway = Cast(policy, users), EnforcingGateway(policy)
        for trial in hostile(gateway, cast, seed, QUICK):
            attempts += 1
            alarms += trial.unauthorised
        usual = list(islice(allowed(cast, Draw(np.random.default_rng(seed))), ORDINARY))
        trials = try_at(gateway, policy, {each.role: each for each in users}, usual)
        ordinary += len(trials)
        refused += sum(not each.served for each in trials)
    spent = time.process_time() - started
    return {
        "gateways": CORRECT,
        "forbidden_calls": attempts,
        "false_alarms": alarms,
        "allowed_calls": ordinary,
        "allowed_calls_refused": refused,
        "milliseconds_of_processor_per_call": round(1000 * spent / (attempts + ordinary), 2),
    }


def talked_to() -> dict[str, Any]:
    """Assistants: those that only talk never count, those with a lapse are found."""
    scenarios = list(islice(hostile_scenarios(STAGE, LANGUAGES, Draw(np.random.default_rng(0))), 1000))
    counted = {
        name: sum(each.unauthorised for each in converse(one, MADE_UP, scenarios)) for name, one in TALKERS.items()
    }
    found = {
        name: sum(assistant_found(name, Draw(np.random.default_rng(seed))) for seed in range(20)) for name in LAPSES
    }
    return {"conversations": len(scenarios), "only_talking_counted": counted, "lapse_found_in_20_runs": found}


def total(shares: Mapping[str, Mapping[str, Any]]) -> str:
    """How many were found of all, with the attempts of a quick and of a standard run."""
    policies = sum(each["policies"] for each in shares.values())
    return ", ".join(f"{sum(each[name] for each in shares.values())} of {policies}" for name in FOUND)


def main() -> None:
    planted = {
        name: found_share(
            lambda policy, name=name: EnforcingGateway(policy, frozenset({name})), CONCERNS.get(name, always)
        )
        for name in DEFECTS
    }
    fine = {
        name: found_share(lambda policy, one=one: FineGateway(policy, one), one.concerns) for name, one in FINE.items()
    }
    keep(
        "agent_permissions",
        "a gateway that leaves out one rule of a tool policy is found, and one that keeps it is never accused",
        {
            "attempts": {"quick": QUICK, "standard": STANDARD},
            "correct": correct(),
            "planted_defects": planted,
            "planted_found": total(planted),
            "finer_defects": fine,
            "finer_found": total(fine),
            "assistants": talked_to(),
        },
    )


if __name__ == "__main__":
    main()
