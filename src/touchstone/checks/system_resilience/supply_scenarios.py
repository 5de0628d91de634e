"""What the graph of supplies says when one item, one supplier, one jurisdiction or one kind of supply falls away."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from touchstone.checks.system_resilience.supply_model import MODES, Item, SupplyModel
from touchstone.methods.supply.cuts import single_points
from touchstone.methods.supply.scenarios import Losses, Outage, losses
from touchstone.system.registers.supply_graph import Mode

UNKNOWN: Final = "?"
"""Stands for a jurisdiction of which nobody said anything."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One cut-off and what it costs."""

    kind: Literal["item", "supplier", "jurisdiction", "mode"]
    name: str
    cut_off: int
    """How many items it takes away."""
    losses: Losses


@dataclass(frozen=True, slots=True)
class Outcome:
    """Everything that is computed of one model."""

    model: SupplyModel
    critical: frozenset[int]
    """Items that can be cut off and without which a function stops as long as no substitute is reckoned with."""
    single: frozenset[int]
    """Items without which a function stops in spite of every substitute that counts."""
    exposed: frozenset[int]
    """Critical items whose loss reaches a function: they are gone before they, or a substitute, are back."""
    scenarios: tuple[Scenario, ...]
    home: str | None
    """The only jurisdiction in which the system is used: it could forbid the system itself, whoever supplies it."""

    @property
    def substituted(self) -> int:
        """Critical items that a substitute which counts can stand in for."""
        return len(self.critical - self.single)

    def of_kind(self, kind: str) -> Iterator[Scenario]:
        """The scenarios of one kind, in order of name."""
        return (scenario for scenario in self.scenarios if scenario.kind == kind)

    def foreign(self) -> Iterator[Scenario]:
        """Cut-offs by a jurisdiction from outside."""
        return (scenario for scenario in self.of_kind("jurisdiction") if scenario.name != self.home)


def outcome_of(model: SupplyModel, used_in: Collection[str]) -> Outcome:
    """Compute single points of failure and all scenarios."""
    needed = frozenset().union(*single_points(model.without_substitutes).values())
    critical = frozenset(node for node in needed if model.items[node].outages)
    single = frozenset().union(*single_points(model.graph).values())
    by_item = {node: _cut_off(model, "item", model.name(node), {node}) for node in sorted(critical)}
    countries = {country(code) for code in used_in}
    return Outcome(
        model=model,
        critical=critical,
        single=single,
        exposed=frozenset(node for node, scenario in by_item.items() if scenario.losses.ever),
        scenarios=(*by_item.values(), *_by_holder(model), *_by_mode(model)),
        home=countries.pop() if len(countries) == 1 else None,
    )


def country(code: str) -> str:
    """The country of an ISO 3166 code: its law holds in its parts."""
    return code.partition("-")[0]


def countries(item: Item) -> frozenset[str] | None:
    """The countries that can stop an item; `None` when unknown."""
    return None if item.jurisdictions is None else frozenset(map(country, item.jurisdictions))


def _by_holder(model: SupplyModel) -> Iterator[Scenario]:
    """Whoever can cut off items; a jurisdiction also cuts off those of which it is unknown who can."""
    suppliers: dict[str, set[int]] = defaultdict(set)
    jurisdictions: dict[str, set[int]] = defaultdict(set)
    unknown = {node for node, item in enumerate(model.items) if item.jurisdictions is None}
    for node, item in enumerate(model.items):
        if item.supplier is not None:
            suppliers[item.supplier].add(node)
        for each in countries(item) or ():
            jurisdictions[each].add(node)
    if unknown:
        jurisdictions[UNKNOWN] = unknown
    for name, nodes in sorted(suppliers.items()):
        yield _cut_off(model, "supplier", name, nodes)
    for name, nodes in sorted(jurisdictions.items()):
        yield _cut_off(model, "jurisdiction", name, nodes | unknown)


def _by_mode(model: SupplyModel) -> Iterator[Scenario]:
    for mode in MODES:
        affected = {node for node, item in enumerate(model.items) if mode in item.outages}
        yield _cut_off(model, "mode", mode, affected, (mode,))


def _cut_off(
    model: SupplyModel,
    kind: Literal["item", "supplier", "jurisdiction", "mode"],
    name: str,
    nodes: Collection[int],
    modes: Collection[Mode] = MODES,
) -> Scenario:
    outages: Mapping[int, list[Outage]] = {
        node: [outage for mode, outage in model.items[node].outages.items() if mode in modes] for node in sorted(nodes)
    }
    return Scenario(kind, name, len(nodes), losses(model.graph, outages))


def exposure(scenario: Scenario) -> float:
    """Days that the longest loss of a function lasts, infinite where it has no end."""
    if scenario.losses.lost[-1]:
        return math.inf
    return max((scenario.losses.days(function, math.inf) for function in scenario.losses.ever), default=0.0)
