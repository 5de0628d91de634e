"""The graph of supplies as far as it can be believed: what is unknown or left out counts as lost at once and for good.

The register is held against the description: a component that no item stands for is taken to be needed by every
function; a jurisdiction of origin that an item leaves out is added; and an item that must be open to an interruption by
its kind, such as a service to `remote`, is taken to be lost by it where the register says nothing of it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, get_args

from touchstone.checks.system_resilience.supply_tests import Verified
from touchstone.errors import UnavailableError
from touchstone.methods.supply.graph import Alternative, SupplyGraph
from touchstone.methods.supply.scenarios import Outage
from touchstone.records import Note
from touchstone.system.description import Component
from touchstone.system.registers.supply_graph import Mode, SupplyItem, SupplyNeed
from touchstone.text import Text

AT_ONCE: Final = Outage(0.0, math.inf)
MOST_ITEMS: Final = 5000
FACTS: Final = 3
"""What is to be known of an item: its supplier, who can stop it, and how."""
MODES: Final[tuple[Mode, ...]] = get_args(Mode)

_SURELY: Final[Mapping[str, Mode]] = {
    "service": "remote",
    "chip": "supply",
    "device": "supply",
    "framework": "updates",
    "driver": "updates",
}
"""By kind of component, the interruption to which it is open whatever the register says."""


@dataclass(frozen=True, slots=True)
class Item:
    """One node: whose it is, and how it can be cut off."""

    name: str
    supplier: str | None
    jurisdictions: frozenset[str] | None
    """`None` when unknown: then any jurisdiction may be one of them."""
    outages: Mapping[Mode, Outage]
    known: int = FACTS
    """How many facts about it somebody gave."""


@dataclass(frozen=True, slots=True)
class SupplyModel:
    """Items, what they need with the substitutes that count, and the same without any substitute."""

    items: tuple[Item, ...]
    graph: SupplyGraph
    without_substitutes: SupplyGraph
    notes: tuple[Note, ...]

    def name(self, node: int) -> str:
        """What the register calls a node."""
        return self.items[node].name


def supply_model(entries: Sequence[SupplyItem], components: Sequence[Component], verified: Verified) -> SupplyModel:
    """The model of a register and a bill of materials. Raises `UnavailableError` when there is nothing to compute."""
    _require_sound(entries)
    notes: list[Note] = []
    declared = {component.name: component for component in components}
    listed = [*entries, *_needed_and_not_listed(entries, notes)]
    missing = _not_in_the_graph(listed, components, notes)
    names = {entry.name: node for node, entry in enumerate([*listed, *missing])}
    notes += [_no_such_component(entry) for entry in listed if entry.component and entry.component not in declared]
    items = tuple(_item(entry, declared.get(entry.component or entry.name), notes) for entry in (*listed, *missing))
    also_needed = [SupplyNeed(item=entry.name) for entry in missing]
    needs = [[*entry.needs, *(also_needed if entry.kind == "function" else ())] for entry in (*listed, *missing)]
    functions = tuple(names[entry.name] for entry in entries if entry.kind == "function")

    def alternatives(need: SupplyNeed, substitutes: Verified) -> tuple[Alternative, ...]:
        tested = (
            Alternative(names[name], substitutes[need.item, name])
            for name in dict.fromkeys(need.substitutes)
            if (need.item, name) in substitutes
        )
        return (Alternative(names[need.item]), *tested)

    def graph(substitutes: Verified) -> SupplyGraph:
        return SupplyGraph(
            tuple(tuple(alternatives(need, substitutes) for need in several) for several in needs), functions
        )

    return SupplyModel(items, graph(verified), graph({}), tuple(notes))


def _require_sound(entries: Sequence[SupplyItem]) -> None:
    if len(entries) > MOST_ITEMS:
        raise _unusable(Text(f"more than {MOST_ITEMS} entries", f"条目多于 {MOST_ITEMS}"))
    counts = Counter(entry.name for entry in entries)
    if twice := sorted(name for name, count in counts.items() if count > 1):
        raise _unusable(Text(f"two entries are called {twice[0]}", f"有两项同名：{twice[0]}"))
    functions = {entry.name for entry in entries if entry.kind == "function"}
    if not functions:
        raise _unusable(Text("no entry is a function of the system", "没有任何一项是系统功能"))
    for entry in entries:
        for need in entry.needs:
            if wrong := functions & {need.item, *need.substitutes}:
                name = min(wrong)
                raise _unusable(
                    Text(f"{name} is a function and is needed as an item", f"{name} 是功能，却被当作所需项")
                )


def _unusable(what: Text) -> UnavailableError:
    remedy = Text(
        "list each function (`kind: function`) and each item once, with what it needs",
        "请逐一列出各功能（`kind: function`）与各项，每项一条，并写明所需",
    )
    return UnavailableError(what, "registers.supply-graph", remedy)


def _needed_and_not_listed(entries: Sequence[SupplyItem], notes: list[Note]) -> list[SupplyItem]:
    """Items that are needed and have no entry: nothing is known of them."""
    known = {entry.name for entry in entries}
    named = [name for entry in entries for need in entry.needs for name in (need.item, *need.substitutes)]
    absent = [name for name in dict.fromkeys(named) if name not in known]
    notes += [
        Note(
            code="item-without-entry",
            text=Text(
                f"{name} is needed and has no entry: taken to be lost at once and for good",
                f"{name} 为所需项但未列入登记：按立即且永久丧失计",
            ),
        )
        for name in absent
    ]
    return [SupplyItem(name=name) for name in absent]


def _not_in_the_graph(
    entries: Sequence[SupplyItem], components: Sequence[Component], notes: list[Note]
) -> list[SupplyItem]:
    """Components that no item stands for which anything needs: taken to be needed by every function."""
    needed = _needed(entries)
    stood_for = {entry.component or entry.name for entry in entries if entry.name in needed}
    absent = [component.name for component in components if component.name not in stood_for]
    notes += [
        Note(
            code="component-not-in-graph",
            text=Text(
                f"component {name} is declared and nothing in the graph needs it: taken to be needed by every function,"
                " and lost at once and for good",
                f"组件 {name} 已申报，图谱中却无任何一项需要它：视为所有功能所需，且按立即且永久丧失计",
            ),
        )
        for name in absent
    ]
    taken = {entry.name for entry in entries}
    return [
        SupplyItem(name=f"{name} (component)" if name in taken else name, component=name)
        for name in dict.fromkeys(absent)
    ]


def _needed(entries: Sequence[SupplyItem]) -> set[str]:
    """Names of all items that a function needs, near or far, or could replace by one of its substitutes."""
    by_name = {entry.name: entry for entry in entries}
    waiting = [entry.name for entry in entries if entry.kind == "function"]
    found: set[str] = set()
    while waiting:
        for need in by_name[waiting.pop()].needs:
            fresh = {need.item, *need.substitutes} - found
            found |= fresh
            waiting += sorted(fresh)
    return found


def _item(entry: SupplyItem, component: Component | None, notes: list[Note]) -> Item:
    if entry.kind == "function":
        return Item(entry.name, None, frozenset(), {})
    jurisdictions = None if entry.jurisdictions is None else frozenset(entry.jurisdictions)
    if component is not None and component.origin is not None and component.origin not in (jurisdictions or ()):
        if jurisdictions is not None:
            notes.append(_left_out(entry.name, component.origin))
        jurisdictions = frozenset({component.origin, *(jurisdictions or ())})
    supplier = entry.supplier or (None if component is None else component.supplier)
    known = sum(fact is not None for fact in (supplier, jurisdictions, entry.interruptions))
    return Item(entry.name, supplier, jurisdictions, _outages(entry, component, notes), known)


def _no_such_component(entry: SupplyItem) -> Note:
    return Note(
        code="no-such-component",
        text=Text(
            f"{entry.name}: no component of the description is called {entry.component}",
            f"{entry.name}：描述中没有名为 {entry.component} 的组件",
        ),
    )


def _left_out(name: str, origin: str) -> Note:
    return Note(
        code="origin-left-out",
        text=Text(
            f"{name}: the graph leaves out {origin}, from where its component comes; added",
            f"{name}：图谱未列入其组件的来源法域 {origin}，已补入",
        ),
    )


def _outages(entry: SupplyItem, component: Component | None, notes: list[Note]) -> dict[Mode, Outage]:
    """For each mode the worst that is declared; everything at once where nothing is known."""
    if entry.interruptions is None:
        return dict.fromkeys(MODES, AT_ONCE)
    found: dict[Mode, Outage] = {}
    for each in entry.interruptions:
        recover = math.inf if each.recover_days is None else each.recover_days
        before = found.get(each.mode, Outage(math.inf, 0.0))
        found[each.mode] = Outage(min(before.survive, each.survive_days), max(before.recover, recover))
    surely = None if component is None else _SURELY.get(component.kind)
    if surely is not None and surely not in found:
        notes.append(_says_nothing_of(surely, entry.name))
        found[surely] = AT_ONCE
    if entry.jurisdictions and not found:
        notes.append(_stopped_by_nothing(entry.name))
        found["use"] = AT_ONCE
    return found


def _says_nothing_of(mode: Mode, name: str) -> Note:
    return Note(
        code="interruption-left-out",
        text=Text(
            f"{name} is open to `{mode}` by its kind and says nothing of it:"
            " taken to be lost by it at once and for good",
            f"{name} 就其类别而言可能发生 `{mode}` 中断，却未作说明：按立即且永久丧失计",
        ),
    )


def _stopped_by_nothing(name: str) -> Note:
    return Note(
        code="interruption-left-out",
        text=Text(
            f"{name}: the graph names who can stop it and no way in which it can be: taken to be lost at once and for"
            " good when they do",
            f"{name}：图谱写明何者可阻断，却未列任何中断方式：按该方阻断时立即且永久丧失计",
        ),
    )
