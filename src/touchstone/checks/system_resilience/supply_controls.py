"""Tests of the computation: a supply without a weak place, the same with one, and the system's own with one more."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from touchstone.checks.system_resilience.supply_model import supply_model
from touchstone.checks.system_resilience.supply_scenarios import Outcome, outcome_of
from touchstone.checks.system_resilience.supply_tests import Verified
from touchstone.records import ControlRun
from touchstone.system.description import Component
from touchstone.system.registers.supply_graph import Interruption, SupplyItem, SupplyNeed
from touchstone.text import Text

PLANTED = "planted item"
NOWHERE = "ZZ"
"""A user-assigned code: no jurisdiction has it."""


def controls(
    entries: Sequence[SupplyItem], components: Sequence[Component], verified: Verified, run_on: np.random.Generator
) -> tuple[ControlRun, ...]:
    """One null control and two planted ones."""
    sound, tested = _sound(run_on)
    faultless = outcome_of(supply_model(sound, (), tested), ())
    first = min(tested)
    weakened = outcome_of(supply_model(sound, (), {pair: days for pair, days in tested.items() if pair != first}), ())
    clean = not faultless.single and not faultless.exposed and not any(each.losses.ever for each in faultless.foreign())
    single = {weakened.model.name(node) for node in weakened.single}
    return (
        ControlRun(
            kind="null",
            expected=Text(
                "nothing is found where every item has a tested substitute from elsewhere and stock until it is there",
                "每项均有来自他处且经测试的替代品、库存足以支撑至切换完成时，不应有任何发现",
            ),
            seen=Text("nothing found" if clean else "something found", "无发现" if clean else "有发现"),
            passed=clean,
        ),
        ControlRun(
            kind="planted",
            expected=Text(
                "the one item whose substitute is no longer tested is found", "删去一项替代测试后，该项应被发现"
            ),
            seen=Text(f"found: {len(single)}", f"发现 {len(single)} 项"),
            passed=single == {first[0]} and len(weakened.exposed) == 1,
        ),
        _one_more(entries, components, verified),
    )


def _one_more(entries: Sequence[SupplyItem], components: Sequence[Component], verified: Verified) -> ControlRun:
    """Every function of the system's own graph is made to need one item that only one jurisdiction gives."""
    item = SupplyItem(
        name=PLANTED,
        jurisdictions=[NOWHERE],
        interruptions=[Interruption(mode="supply", survive_days=0)],
    )
    need = SupplyNeed(item=PLANTED)
    seeded = [
        entry.model_copy(update={"needs": [*entry.needs, need]}) if entry.kind == "function" else entry
        for entry in entries
    ]
    outcome = outcome_of(supply_model([*seeded, item], components, verified), ())
    found = _found(outcome)
    return ControlRun(
        kind="planted",
        expected=Text(
            "an item that every function is made to need, from one jurisdiction, stops them all",
            "令所有功能都依赖一个仅由单一法域提供的项，应使全部功能丧失",
        ),
        seen=Text("found" if found else "missed", "已发现" if found else "未发现"),
        passed=found,
    )


def _found(outcome: Outcome) -> bool:
    names = {outcome.model.name(node) for node in outcome.single & outcome.exposed}
    lost = [each.losses.ever for each in outcome.of_kind("jurisdiction") if each.name == NOWHERE]
    return PLANTED in names and lost == [frozenset(outcome.model.graph.functions)]


def _sound(generator: np.random.Generator) -> tuple[list[SupplyItem], dict[tuple[str, str], float]]:
    """A supply in which nothing that falls away is missed: every main item has a stand-in from another place."""
    size = int(generator.integers(3, 7))
    items, tested = [], {}
    for number in range(size):
        main, other = f"item {number}", f"stand-in {number}"
        switch = int(generator.integers(5, 40))
        cut = [Interruption(mode="supply", survive_days=switch + int(generator.integers(0, 30)))]
        items += [
            SupplyItem(name=main, supplier=f"a{number}", jurisdictions=[f"A{chr(65 + number)}"], interruptions=cut),
            SupplyItem(name=other, supplier=f"b{number}", jurisdictions=[f"B{chr(65 + number)}"], interruptions=cut),
        ]
        tested[main, other] = float(switch)
    needs = [SupplyNeed(item=f"item {number}", substitutes=[f"stand-in {number}"]) for number in range(size)]
    items.append(SupplyItem(name="function", kind="function", needs=needs))
    return items, tested
