"""What is wrong with a decision table, found before it decides anything.

Exact: the division that decides cases divides the whole space of them. Each problem names a case that shows it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations, groupby

from touchstone.errors import StandardError
from touchstone.standard.decision_table import Region, Rule, Share, Table, Value, divide, meet
from touchstone.text import Text

Place = Callable[[str], str]
"""`file:line` of the rule of that id."""


def require_sound(table: Table, where: str, place: Place) -> None:
    """Refuse a table with a rule that can never decide, two that contradict each other, or a case without a rule."""
    everything: Region = {name: frozenset(each.values) for name, each in table.inputs.items()}
    shares, left = divide(everything, table.rules)
    for share in shares:
        if not share.regions:
            raise StandardError(
                Text(f"rule {share.rule.id} can never apply", f"规则 {share.rule.id} 永远不会适用"),
                place(share.rule.id),
                Text(
                    "rules above it decide every such case: remove it or raise its priority",
                    "其上方规则已覆盖全部情形：请删除或提高优先级",
                ),
            )
    for first, second, overlap in _contradictions(shares):
        case = shown(overlap, everything)
        raise StandardError(
            Text(
                f"rules {first.id} and {second.id} have the same priority and different outcomes where {case}",
                f"规则 {first.id} 与 {second.id} 优先级相同，但在 {case} 时结论不同",
            ),
            place(second.id),
            Text(
                "give one of them a higher priority, or conditions that exclude the other",
                "请提高其一的优先级，或使条件互斥",
            ),
        )
    if left:
        raise StandardError(
            Text(f"no rule decides where {shown(left[0], everything)}", f"{shown(left[0], everything)} 时没有规则判定"),
            where,
            Text("add a rule for it", "请补充相应规则"),
        )


def shown(case: Region, everything: Region) -> str:
    """One case of a region, in the inputs that are narrowed there: `data.personal = true, count.persons = 0`."""
    narrowed = [f"{name} = {_one(values)}" for name, values in case.items() if values != everything[name]]
    return ", ".join(narrowed) or "nothing else is given"


def _contradictions(shares: list[Share]) -> Iterator[tuple[Rule, Rule, Region]]:
    """Rules of one priority that overlap where no higher one decides, with different outcomes."""
    for _, group in groupby(shares, key=lambda share: share.rule.priority):
        deciding = [share for share in group if not share.rule.goes_on]
        for first, second in combinations(deciding, 2):
            if first.rule.outcome == second.rule.outcome:
                continue
            for region in first.regions:
                if (case := meet(region, second.rule.when)) is not None:
                    yield first.rule, second.rule, case


def _one(values: frozenset[Value]) -> str:
    first = min(values, key=str)
    return str(first).lower() if isinstance(first, bool) else str(first)
