"""Systems with registers, for the tests of checks that read them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from touchstone.system.subject import Subject, open_system

Entries = Sequence[Mapping[str, Any]] | Mapping[str, Any] | bytes | str


def with_registers(subject: Subject, registers: Mapping[str, Entries], **description: Any) -> Subject:
    """The same system with these registers beside it: lists of entries as JSON Lines, single mappings as YAML.

    Bytes are written as they are; a text is the name of a file that is there already.
    """
    declared = {}
    for name, entries in registers.items():
        path: Path = subject.root / f"{name}.jsonl"
        if isinstance(entries, str):
            path = subject.root / entries
        elif isinstance(entries, bytes):
            path.write_bytes(entries)
        elif isinstance(entries, Mapping):
            path = path.with_suffix(".yaml")
            path.write_text(yaml.safe_dump(dict(entries), allow_unicode=True), encoding="utf-8")
        else:
            path.write_text("".join(json.dumps(entry, ensure_ascii=False) + "\n" for entry in entries), "utf-8")
        declared[name] = path.name
    file = subject.root / "system.yaml"
    whole = yaml.safe_load(file.read_text(encoding="utf-8")) | {"registers": declared} | description
    file.write_text(yaml.safe_dump(whole, allow_unicode=True), encoding="utf-8")
    return open_system(subject.root)
