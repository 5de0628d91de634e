"""Ways of drawing batches in a training script that break the accounting behind a privacy claim, without an error.

Only the text is read; nothing of it runs. What is not found may still be there: names can be hidden.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Literal

Trap = Literal["weighted-sampler", "poisson-switched-off", "loader-shuffles"]
WEIGHTED = frozenset({"WeightedRandomSampler", "ImbalancedDatasetSampler"})
LOADERS = frozenset({"DataLoader"})


@dataclass(frozen=True, slots=True)
class Trapped:
    """A line that breaks the accounting."""

    line: int
    trap: Trap


def sampling_traps(source: str) -> list[Trapped]:
    """Every trap in a Python source, by line. A source that cannot be parsed has none that can be told."""
    try:
        calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    private = any("make_private" in _name(call) for call in calls)
    traps = {Trapped(call.lineno, trap) for call in calls for trap in _traps(call, private)}
    return sorted(traps, key=lambda each: (each.line, each.trap))


def _traps(call: ast.Call, private: bool) -> list[Trap]:
    name = _name(call)
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    found: list[Trap] = []
    if name in WEIGHTED:
        found.append("weighted-sampler")
    if _is(given.get("poisson_sampling"), False):
        found.append("poisson-switched-off")
    # Opacus replaces the loader it is given by one that samples as the accounting assumes.
    if name in LOADERS and _is(given.get("shuffle"), True) and not private:
        found.append("loader-shuffles")
    return found


def _name(call: ast.Call) -> str:
    function = call.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _is(node: ast.expr | None, value: object) -> bool:
    return isinstance(node, ast.Constant) and node.value is value
