"""Does the control that stops a system stop it?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from touchstone.checks.governance.recorded_state import PresentState
from touchstone.checks.register_controls import Audit
from touchstone.checks.remarks import Remarks
from touchstone.records import Metric
from touchstone.system.registers.stop_trials import StopTrial
from touchstone.text import Text


@dataclass(frozen=True, slots=True)
class StopRecords:
    """Trials, and the system that had to stop."""

    trials: Sequence[StopTrial]
    state: PresentState


def audit_stops(records: StopRecords) -> Audit:
    """Every trial of this system has to have stopped it, in time and for good. Without one there is no metric."""
    remarks = Remarks()
    relevant, failed = 0, 0
    for trial in records.trials:
        other = records.state.difference(trial.state)
        if other is not None:
            remarks.add("stop-of-another-state", trial.id, other)
            continue
        relevant += 1
        why = _failure(trial)
        if why is not None:
            failed += 1
            remarks.add("not-stopped", trial.id, why)
    works = Metric(id="stop_control_works", unit="bool", value=0 if failed else 1, n=relevant, better="higher")
    return Audit((works,) if relevant else (), remarks.notes())


def _failure(trial: StopTrial) -> Text | None:
    if trial.stopped is None:
        return Text("did not stop", "未停止")
    seconds = (trial.stopped - trial.pressed).total_seconds()
    if seconds < 0:
        return Text("stood before it was stopped", "停止时间早于操作时间")
    if seconds > trial.within_seconds:
        return Text(
            f"took {seconds:g} s, {trial.within_seconds:g} s allowed",
            f"用时 {seconds:g} 秒，限 {trial.within_seconds:g} 秒",
        )
    if trial.answers_after:
        return Text(f"gave {trial.answers_after} answers afterwards", f"停止后仍给出 {trial.answers_after} 个回答")
    return None
