"""Which operators a framework has, and what some of them do besides arithmetic.

The list of known operators decides what is clean; the others only explain. The lists are data (`packs/`), each with
the version of the framework whose registry it was taken from; nothing depends on what is installed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

from touchstone.scan.findings import shown
from touchstone.text import Text

HOLDS_ENGINE: Final = "holds-engine"
"""What an operator does that holds a part of the model compiled for one runtime."""


@dataclass(frozen=True, slots=True)
class OperatorPack:
    """The operators of one framework."""

    known: frozenset[str]
    """Operators that compute and do nothing else."""
    does: dict[str, str]
    """What the others do: `runs-python`, `reads-files`, ..."""
    more: dict[str, Any]
    """What else the pack says."""


@cache
def operator_pack(framework: str) -> OperatorPack:
    """The pack of a framework."""
    text = files("touchstone.scan").joinpath(f"packs/{framework}_operators.json").read_text("utf-8")
    pack = json.loads(text)
    return OperatorPack(
        known=frozenset(pack["known"]),
        does={operator: what for what, names in pack.get("does", {}).items() for operator in names},
        more={key: value for key, value in pack.items() if key not in {"known", "does", "source"}},
    )


def engine_not_read(operator: str) -> Text:
    """Why a compiled part of a model is a gap."""
    name = shown(operator, 80)
    return Text(f"holds a compiled part ({name}), which is not read", f"含未解析的编译部分（{name}）")
