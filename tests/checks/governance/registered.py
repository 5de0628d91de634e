"""Systems with registers: a model that nobody opens, and records that checks read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.system.made import describe, make
from touchstone.canonical import digest_of
from touchstone.system.subject import Subject

MODEL = b"a model"
STATE = {"version": "1", "files": {"model.onnx": digest_of(MODEL)}}
"""The state of every system made here."""


def registered(
    folder: Path,
    registers: dict[str, Any],
    *,
    facts: dict[str, Any] | None = None,
    files: dict[str, bytes] | None = None,
    **rest: Any,
) -> Subject:
    """A system of version 1 by the supplier Nobody, with these registers; `rest` goes into its description."""
    description = describe(columns=["a"], format_="onnx", file="model.onnx", labels=["healthy", "ill"])
    description |= {"registers": {name: f"{name}.yaml" for name in registers}, "facts": facts or {}, **rest}
    written = {f"{name}.yaml": json.dumps(entries).encode() for name, entries in registers.items()}
    return make(folder, description, {"model.onnx": MODEL, **written, **(files or {})})
