"""What is wrong with the registers a description declares, before any of them is read."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from touchstone.system.description import SystemDescription
from touchstone.system.problem import Problem, shown
from touchstone.system.registers.reading import SUFFIXES
from touchstone.text import Text


def register_problems(description: SystemDescription) -> Iterator[Problem]:
    """Kinds nobody reads, and files in no format a register has."""
    if not description.registers:
        return
    from touchstone.system.registers.kinds import REGISTERS  # all kinds take a while to build; verification needs none

    for name, path in description.registers.items():
        at = ("registers", name)
        if name not in REGISTERS:
            close = difflib.get_close_matches(name, REGISTERS, n=1, cutoff=0.6)
            known = ", ".join(close or sorted(REGISTERS))
            yield Problem(
                at, Text("is not a known register", "不是已知的登记记录"), Text(f"known: {known}", f"可用：{known}")
            )
        elif not path.lower().endswith(SUFFIXES):
            yield Problem(
                at,
                Text(f"{shown(path)} is neither JSON Lines nor YAML", f"{shown(path)} 既非 JSON Lines 亦非 YAML"),
                Text("hand it in as .jsonl or .yaml", "请以 .jsonl 或 .yaml 文件提交"),
            )
