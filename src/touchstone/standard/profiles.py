"""Resolving a profile: imports, additions, overrides and omissions applied, until one record says it all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pydantic import JsonValue

from touchstone.errors import StandardError
from touchstone.records import Condition, CrossReference, Limit, Profile, Requirement, number, plain
from touchstone.standard.applicability import parse
from touchstone.standard.catalog import require_consistent, require_pessimistic_bound, unknown
from touchstone.standard.pack import ControlEntry, LimitEntry, OverrideEntry, Placed, ProfileEntry
from touchstone.text import Text

if TYPE_CHECKING:
    from touchstone.standard.catalog import Standard


@dataclass(frozen=True, slots=True)
class _Demand:
    """One control on the way through the profiles that shape it."""

    control: ControlEntry
    limits: tuple[Limit, ...]
    report_only: tuple[str, ...]
    left_out: Mapping[str, Text]
    documents: tuple[str, ...]
    titles: Mapping[str, Text]


@dataclass(frozen=True, slots=True)
class _Draft:
    """A profile whose imports are applied, not yet frozen into a record."""

    level: str
    certificate_months: int
    assumed_facts: Mapping[str, JsonValue]
    demands: Mapping[str, _Demand]
    conditions: tuple[str, ...]


def resolve(standard: Standard, profile_id: str) -> Profile:
    """The self-contained record of a profile. Raises `StandardError` when it asks for what does not exist."""
    profile = standard.profiles[profile_id]
    draft = _draft(standard, profile, ())
    requirements = tuple(_requirement(standard, demand, draft.level) for demand in draft.demands.values())
    whole_title: Text | None = None
    outside: tuple[str, ...] = ()
    if profile.entry.part_of is not None:
        whole = standard.profiles[profile.entry.part_of]
        whole_title = whole.entry.title.text
        outside = tuple(control for control in _draft(standard, whole, ()).demands if control not in draft.demands)
    return Profile(
        id=profile.id,
        edition=standard.catalog.edition,
        catalog=standard.name,
        title=profile.entry.title.text,
        scope=profile.entry.scope.text,
        level=draft.level,
        certificate_months=draft.certificate_months,
        assumed_facts=dict(draft.assumed_facts),
        requirements=requirements,
        heads={head: title.text for head, title in standard.catalog.heads.items()},
        references=_references(standard, requirements),
        whole_profile=profile.entry.part_of,
        whole_title=whole_title,
        outside_scope=outside,
        questions=_questions(standard, requirements),
        conditions={
            name: Condition(title=entry.title.text, faults={**entry.faults})
            for name in draft.conditions
            if (entry := standard.conditions[name].entry).faults
        },
        documents={
            kind: standard.documents[kind].entry.text
            for kind in sorted({kind for requirement in requirements for kind in requirement.evidence})
        },
    )


def _draft(standard: Standard, profile: Placed[ProfileEntry], below: tuple[str, ...]) -> _Draft:
    entry, at = profile.entry, profile.at
    if profile.id in below:
        raise StandardError(
            Text(f"profile {profile.id} is built on itself", f"档案 {profile.id} 以自身为基础"),
            at(),
            Text("break the circle of `imports` and `part_of`", "请打破 `imports` 与 `part_of` 的循环"),
        )
    base = _base(standard, profile, below)
    standard.require_facts(entry.assumed_facts, at("assumed_facts"))
    demands = _apply_overrides(standard, profile, _selected(standard, profile, base))
    return _Draft(
        level=_level(standard, profile, base),
        certificate_months=entry.certificate_months or (base.certificate_months if base else 24),
        assumed_facts={**_inherited_assumptions(entry, base), **entry.assumed_facts},
        demands=_leave_out(profile, demands),
        conditions=_operating_conditions(standard, profile, base),
    )


def _operating_conditions(standard: Standard, profile: Placed[ProfileEntry], base: _Draft | None) -> tuple[str, ...]:
    """Every condition of the operating domain, those of the profile this one is built on first."""
    own = []
    for dimension, names in profile.entry.operating_domain.items():
        for position, name in enumerate(names):
            standard.require_operating_condition(name, profile.at("operating_domain", dimension, position))
            own.append(name)
    return tuple(dict.fromkeys([*(base.conditions if base else ()), *own]))


def _inherited_assumptions(entry: ProfileEntry, base: _Draft | None) -> Mapping[str, JsonValue]:
    """What is assumed of a sector's whole system is asked, not assumed, when a part looks at one model of it."""
    return {} if base is None or entry.part_of is not None else base.assumed_facts


def _base(standard: Standard, profile: Placed[ProfileEntry], below: tuple[str, ...]) -> _Draft | None:
    """The profile this one is built on, if any."""
    entry, at = profile.entry, profile.at
    if entry.imports is not None and entry.part_of is not None:
        raise StandardError(
            Text("a profile either imports another or is part of it", "档案只能导入另一档案或作为其一部分"),
            at(),
            Text("remove `imports` or `part_of`", "请删除 `imports` 或 `part_of`"),
        )
    origin = entry.imports or entry.part_of
    if origin is None:
        return None
    if origin not in standard.profiles:
        where = at("imports" if entry.imports else "part_of")
        raise unknown(Text("profile", "档案"), origin, standard.profiles, where)
    return _draft(standard, standard.profiles[origin], (*below, profile.id))


def _selected(standard: Standard, profile: Placed[ProfileEntry], base: _Draft | None) -> dict[str, _Demand]:
    """The controls of the profile in catalog order, as the base shapes them or as the catalog states them."""
    entry, at = profile.entry, profile.at
    inherited = dict(base.demands) if base else {}
    for section in ("controls", "add", "drop"):
        for name in getattr(entry, section):
            if name not in standard.controls:
                raise unknown(Text("control", "控制项"), name, standard.controls, at(section))
    if entry.part_of is not None:
        for name in entry.controls:
            if name not in inherited:
                raise unknown(
                    Text(f"control of {entry.part_of}", f"{entry.part_of} 的控制项"), name, inherited, at("controls")
                )
        chosen = set(entry.controls)
    else:
        chosen = ({*inherited, *entry.controls, *entry.add}) - set(entry.drop)
    demands = {
        name: inherited.get(name) or _as_catalogued(control.entry)
        for name, control in standard.controls.items()
        if name in chosen
    }
    if not entry.documents:
        demands = {name: replace(demand, documents=()) for name, demand in demands.items()}
    return demands


def _as_catalogued(control: ControlEntry) -> _Demand:
    return _Demand(
        control=control,
        limits=tuple(_limit(limit) for limit in control.limits),
        report_only=control.report_only,
        left_out={},
        documents=control.documents,
        titles=_titled(control.limits),
    )


def _titled(entries: Iterable[LimitEntry | OverrideEntry]) -> dict[str, Text]:
    """What metrics are called of which no check says it."""
    return {entry.metric: entry.title.text for entry in entries if entry.title is not None}


def _limit(limit: LimitEntry) -> Limit:
    return Limit(
        metric=limit.metric,
        op=limit.op,
        value=limit.value,
        unit=limit.unit,
        bound=limit.bound,
        basis=limit.basis.record,
        params=_without_floats(limit.params),
        fallback_for=limit.fallback_for,
        applies_when=limit.applies_when,
        power=limit.power,
    )


def _apply_overrides(
    standard: Standard, profile: Placed[ProfileEntry], demands: dict[str, _Demand]
) -> dict[str, _Demand]:
    """The overrides on one metric together replace what was demanded of it before."""
    groups: dict[tuple[str, str], list[tuple[OverrideEntry, str]]] = defaultdict(list)
    for position, override in enumerate(profile.entry.overrides):
        where = profile.at("overrides", position)
        if override.control not in demands:
            raise unknown(Text("control of this profile", "本档案的控制项"), override.control, demands, where)
        groups[(override.control, override.metric)].append((override, where))
    shaped = dict(demands)
    for (control, metric), overrides in groups.items():
        before = shaped[control]
        replaced = next((limit for limit in before.limits if limit.metric == metric), None)
        limits = [_overridden(standard, replaced, override, where) for override, where in overrides]
        after = replace(
            before,
            limits=_with_replaced(before.limits, metric, limits),
            report_only=tuple(name for name in before.report_only if name != metric),
            titles={**before.titles, **_titled(override for override, _ in overrides)},
        )
        require_consistent(after.limits, overrides[-1][1])
        shaped[control] = after
    return shaped


def _with_replaced(before: tuple[Limit, ...], metric: str, limits: list[Limit]) -> tuple[Limit, ...]:
    """`limits` where the limits on `metric` stood, or at the end when there were none."""
    first = next((position for position, limit in enumerate(before) if limit.metric == metric), len(before))
    others = [limit for limit in before if limit.metric != metric]
    return (*others[:first], *limits, *others[first:])


def _overridden(standard: Standard, before: Limit | None, override: OverrideEntry, where: str) -> Limit:
    standard.require_basis(override.basis, where)
    require_pessimistic_bound(override.op, override.bound, where)
    if override.applies_when is not None:
        standard.require_condition(override.applies_when, where)
    unit = override.unit or (before.unit if before else None)
    if unit is None:
        raise StandardError(
            Text(
                f"{override.control} has no metric {override.metric}, and the override declares no unit for a new one",
                f"{override.control} 没有指标 {override.metric}，且覆盖项未为新指标声明单位",
            ),
            where,
            Text("correct the metric, or add `unit` to declare a new one", "请更正指标名，或补充 `unit` 以声明新指标"),
        )
    params = before.params if before and override.params is None else _without_floats(override.params or {})
    return Limit(
        metric=override.metric,
        op=override.op,
        value=override.value,
        unit=unit,
        bound=override.bound,
        basis=override.basis.record,
        params=params,
        fallback_for=before.fallback_for if before else None,
        applies_when=override.applies_when or (before.applies_when if before else None),
        power=before.power if before else False,
    )


def _leave_out(profile: Placed[ProfileEntry], demands: dict[str, _Demand]) -> dict[str, _Demand]:
    shaped = dict(demands)
    for control, reasons in profile.entry.left_out.items():
        where = profile.at("left_out", control)
        if control not in demands:
            raise unknown(Text("control of this profile", "本档案的控制项"), control, demands, where)
        demand = demands[control]
        metrics = {limit.metric for limit in demand.limits} | set(demand.report_only)
        for metric in reasons:
            if metric not in metrics:
                raise unknown(Text(f"metric of {control}", f"{control} 的指标"), metric, metrics, where)
        limits = tuple(limit for limit in demand.limits if limit.metric not in reasons)
        require_consistent(limits, where)
        shaped[control] = replace(
            demand,
            limits=limits,
            report_only=tuple(name for name in demand.report_only if name not in reasons),
            left_out={**demand.left_out, **{metric: reason.text for metric, reason in reasons.items()}},
        )
    return shaped


def _level(standard: Standard, profile: Placed[ProfileEntry], base: _Draft | None) -> str:
    level = profile.entry.level or (base.level if base else None)
    if level is None:
        raise StandardError(
            Text(f"profile {profile.id} has no assurance level", f"档案 {profile.id} 没有保证级别"),
            profile.at(),
            Text("add `level`", "请补充 `level`"),
        )
    if level not in standard.catalog.levels:
        raise unknown(Text("assurance level", "保证级别"), level, standard.catalog.levels, profile.at("level"))
    return level


def _requirement(standard: Standard, demand: _Demand, level: str) -> Requirement:
    levels = list(standard.catalog.levels)
    control = demand.control
    return Requirement(
        control=control.id,
        head=control.head,
        title=control.title.text,
        what=control.what.text,
        severity=control.severity,
        gate=control.gate,
        required=levels.index(control.min_level) <= levels.index(level),
        min_level=control.min_level,
        automation=control.automation,
        applies_when=control.applies_when,
        checks=control.checks,
        evidence=demand.documents,
        limits=demand.limits,
        report_only=demand.report_only,
        left_out=dict(demand.left_out),
        titles=dict(demand.titles),
        cross_references=tuple(
            CrossReference(ref=reference, locator=locator, relation=relation, confidence=confidence)
            for reference, locator, relation, confidence in control.cross_references
        ),
    )


def _references(standard: Standard, requirements: Iterable[Requirement]) -> dict[str, Text]:
    """Title of every document that a basis or a cross-reference names."""
    named = {
        reference
        for requirement in requirements
        for reference in (
            *(limit.basis.ref for limit in requirement.limits),
            *(cross.ref for cross in requirement.cross_references),
        )
        if reference is not None
    }
    return {name: standard.references[name].entry.title.text for name in sorted(named)}


def _questions(standard: Standard, requirements: Iterable[Requirement]) -> dict[str, Text]:
    """How to ask for every fact that a condition mentions."""
    conditions = {
        condition
        for requirement in requirements
        for condition in (requirement.applies_when, *(limit.applies_when for limit in requirement.limits))
        if condition is not None
    }
    facts = {fact for condition in conditions for fact in parse(condition).facts}
    return {fact: standard.facts[fact].entry.question.text for fact in sorted(facts)}


def _without_floats(params: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """Parameters as records carry them: decimals as strings."""
    return {name: plain(number(value)) if isinstance(value, float) else value for name, value in params.items()}
