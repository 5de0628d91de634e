"""Tests of a test over registers: registers without a flaw, and the same with one flaw at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from touchstone.records import ControlRun, Metric, Note
from touchstone.text import Text

Records = TypeVar("Records")


@dataclass(frozen=True, slots=True)
class Audit:
    """What was found in registers."""

    metrics: tuple[Metric, ...]
    notes: tuple[Note, ...]

    def shows(self, flaw: str, clean: Audit) -> bool:
        """Whether a note of that code is there, or the metric of that name is worse than in `clean` registers."""
        if any(note.code == flaw for note in self.notes):
            return True
        before = {metric.id: metric for metric in clean.metrics if metric.slice is None}
        return any(
            metric.id == flaw and metric.slice is None and _worse(metric, before[flaw])
            for metric in self.metrics
            if flaw in before
        )


@dataclass(frozen=True, slots=True)
class Plant(Generic[Records]):
    """Registers with one flaw, and the note or the metric that has to show it."""

    what: Text
    records: Records
    shows: str


def register_controls(
    audit: Callable[[Records], Audit], clean: Records, plants: Sequence[Plant[Records]]
) -> tuple[ControlRun, ...]:
    """Nothing may be found in the clean registers, and each planted flaw has to be."""
    return tuple(_controls(audit, clean, plants))


def _controls(
    audit: Callable[[Records], Audit], clean: Records, plants: Sequence[Plant[Records]]
) -> Iterator[ControlRun]:
    nothing = audit(clean)
    found = ", ".join(note.code for note in nothing.notes)
    yield ControlRun(
        kind="null",
        expected=Text("registers made up without a flaw: nothing is found", "无缺陷的模拟登记记录：不应有所发现"),
        seen=Text(f"found: {found}", f"发现：{found}") if found else Text("nothing found", "未发现问题"),
        passed=not found,
    )
    for plant in plants:
        shown = audit(plant.records).shows(plant.shows, nothing)
        yield ControlRun(
            kind="planted",
            expected=Text(f"{plant.what.en}: found", f"{plant.what.zh}：应被发现"),
            seen=Text("found", "已发现") if shown else Text("missed", "未发现"),
            passed=shown,
        )


def _worse(metric: Metric, before: Metric) -> bool:
    return metric.value < before.value if metric.better == "higher" else metric.value > before.value
