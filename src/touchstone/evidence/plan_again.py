"""Does the plan ask for all that its profile asks for, and does every observation answer what was planned?

Judge and audits believe what is said of the system, and the plan: which checks there are, which of them are audits,
under which limits and with which parameters. A plan that asks for less can be signed, logged and carried out all the
same. So whoever verifies derives it once more, from the profile and the description. What only the system itself could
tell, such as why a check cannot run, is not derived again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

from pydantic import JsonValue

from touchstone.assessment.conclusion import Circumstances, described
from touchstone.assessment.plan import applicable, checks_of, demanding, prescribed
from touchstone.checks.registry import installed_checks, own_audits
from touchstone.errors import UnavailableError
from touchstone.evidence.bundle import Bundle, Problem
from touchstone.evidence.layout import Role
from touchstone.evidence.projections.source import described_system
from touchstone.records import CheckCard, Observation, Plan, PlanItem, Profile, number
from touchstone.standard.applicability import Facts
from touchstone.standard.comparing import stopping_limits
from touchstone.standard.titles import cards_by_check
from touchstone.text import Text


def departures(bundle: Bundle) -> Iterator[Problem]:
    """Where the plan departs from its profile, and where observations depart from the plan."""
    plan = Plan.from_bytes(bundle.read_role(Role.PLAN), Role.PLAN)
    profile = Profile.from_bytes(bundle.read_role(Role.PROFILE), Role.PROFILE)
    circumstances = Circumstances.from_bytes(bundle.read_role(Role.CIRCUMSTANCES), Role.CIRCUMSTANCES)
    cards = cards_by_check(bundle.read_role(Role.CHECKS), Role.CHECKS)
    stated = described(described_system(bundle, plan)[0], plan.system)
    if circumstances != circumstances.model_copy(update=stated):
        file = bundle.only(Role.CIRCUMSTANCES).name
        yield Problem(file, (file,), Text("states what the description does not", "所述与系统描述不符"))
    file = bundle.only(Role.PLAN).name
    for text in _of_plan(plan, profile, circumstances.facts, cards):
        yield Problem(file, (file,), text)
    yield from _of_observations(bundle, plan, cards)


def _of_plan(plan: Plan, profile: Profile, facts: Facts, cards: Mapping[str, CheckCard]) -> Iterator[Text]:
    asking = applicable(profile, facts)
    if [item.check.id for item in plan.items] != checks_of(asking):
        yield Text("names other checks than the profile asks for", "所列检查项与档案要求的不同")
        return
    for item in plan.items:
        check = item.check.id
        demanded = demanding(check, asking)
        if _is_mistaken(item):
            yield Text(f"takes {check} for what it is not: an audit, or none", f"误将 {check} 当作审查，或误作非审查")
        if item.controls != tuple(requirement.control for requirement in demanded):
            yield Text(f"names other controls for {check} than the profile", f"{check} 的控制项与档案不同")
        card = cards.get(check)
        measured = () if card is None else card.metrics
        if set(item.limits) != set(stopping_limits(demanded, measured)):
            yield Text(f"sets other limits for {check} than the profile", f"{check} 的限值与档案不同")
        for name, value in prescribed(profile, demanded).items():
            if name in item.parameters and _number(item.parameters[name]) != _number(value):
                yield Text(
                    f"runs {check} with another {name} than the profile prescribes",
                    f"{check} 的参数 {name} 与档案规定不同",
                )


def _is_mistaken(item: PlanItem) -> bool:
    """Whether an audit is planned as a check of the system, or such a check as an audit.

    Audits are left out of what audits look at, so a check that calls itself one is looked at by nobody. One that nobody
    here knows may be somebody else's audit; verifying its evidence says that it was not repeated.
    """
    check = item.check.id
    if check in own_audits():
        return item.runs and not item.audit  # where it was not installed, nothing was known of it
    if not item.audit:
        return False
    try:
        known = installed_checks().get(check)
    except UnavailableError:  # whoever only verifies evidence need not have what tests need
        return False
    return known is not None and not known.needs.run


def _number(value: JsonValue) -> JsonValue | Decimal:
    """A number, however it is written: a check may record as `0.2` what the profile writes as `"0.20"`."""
    try:
        return value if isinstance(value, bool) else number(value)
    except ValueError:
        return value


def _of_observations(bundle: Bundle, plan: Plan, cards: Mapping[str, CheckCard]) -> Iterator[Problem]:
    """Observations of what was not planned, of something else than was planned, or of the same check again."""
    planned = {item.check.id: item for item in plan.items if item.runs}
    seen: set[str] = set()
    for entry in bundle.with_role(Role.OBSERVATION):
        observation = Observation.from_bytes(bundle.read(entry.name), entry.name)
        check, item = observation.check.id, planned.get(observation.check.id)
        if item is None:
            yield Problem(entry.name, (entry.name,), Text("was not planned", "不在计划中"))
        elif (observation.check, observation.parameters) != (item.check, item.parameters):
            what = Text("answers something else than was planned", "所测与计划不同")
            yield Problem(entry.name, (entry.name,), what)
        card = cards.get(check)
        if not {metric.id for metric in observation.metrics} <= (set() if card is None else card.metrics.keys()):
            what = Text("measures what the card of its check does not name", "所测量的量未见于检查项说明卡")
            yield Problem(entry.name, (entry.name,), what)
        if check in seen:
            yield Problem(
                entry.name, (entry.name,), Text("is a second observation of its check", "同一检查项的第二个观测")
            )
        seen.add(check)
