"""What became of injected faults: which led to the declared safe state in time, and what speaks against the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from touchstone.checks.delays import NEVER
from touchstone.system.registers.fault_injections import FaultInjection
from touchstone.system.registers.safety_concept import Fault, SafeState
from touchstone.system.registers.spelling import one_spelling
from touchstone.text import Text

REASONS = {
    "not-declared": Text(
        "the safety concept declares no safe state for the fault; counted as not reached",
        "安全概念未为该故障声明安全状态，按未到达计",
    ),
    "number-twice": Text(
        "a number that stands twice; the second is counted as not reached", "编号重复；后一条按未到达计"
    ),
    "same-trial": Text(
        "the same fault at the same moment as another trial; counted as not reached",
        "与另一试验的故障及时刻完全相同，按未到达计",
    ),
    "impossible-time": Text(
        "a safe state before the fault began; counted as not reached", "安全状态早于故障开始，按未到达计"
    ),
    "never": Text("no safe state was reached", "未进入安全状态"),
    "other-state": Text("another state than the declared one", "进入的并非所声明的状态"),
    "late": Text("later than declared", "晚于声明时间"),
}
"""Why a fault did not lead to its safe state in time, in the order in which it is looked for."""


_START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one injected fault. `ratio` is its time over the declared one."""

    id: str
    fault: Fault
    ratio: float
    reason: str | None
    """A key of `REASONS`; `None` where the safe state was reached in time."""


def outcomes(concept: Sequence[SafeState], trials: Sequence[FaultInjection]) -> tuple[Outcome, ...]:
    """What became of each trial, in the order of the register. A fault that is declared twice has to meet both."""
    declared = _declared(concept)
    seen_ids: set[str] = set()
    seen_moments: set[tuple[Fault, datetime]] = set()
    found = []
    for trial in trials:
        moment = (trial.fault, trial.injected)
        wrong = {
            "not-declared": trial.fault not in declared,
            "number-twice": trial.id in seen_ids,
            "same-trial": moment in seen_moments,
        }
        reason = next((reason for reason, holds in wrong.items() if holds), None)
        ratio, reason = _reached(*declared[trial.fault], trial) if reason is None else (NEVER, reason)
        seen_ids.add(trial.id)
        seen_moments.add(moment)
        found.append(Outcome(trial.id, trial.fault, ratio, reason))
    return tuple(found)


def _declared(concept: Sequence[SafeState]) -> dict[Fault, tuple[frozenset[str], float]]:
    """For each fault, every state that is declared for it, and the shortest time."""
    declared: dict[Fault, tuple[frozenset[str], float]] = {}
    for state in concept:
        states, seconds = declared.get(state.fault, (frozenset(), state.seconds))
        declared[state.fault] = (states | {one_spelling(state.safe_state)}, min(seconds, state.seconds))
    return declared


def _reached(states: frozenset[str], seconds: float, trial: FaultInjection) -> tuple[float, str | None]:
    """The time over the declared one, and what speaks against it."""
    if trial.reached is None or trial.state is None:
        return NEVER, "never"
    if trial.reached < trial.injected:
        return NEVER, "impossible-time"
    if states != {one_spelling(trial.state)}:
        return NEVER, "other-state"
    ratio = (trial.reached - trial.injected) / timedelta(seconds=1) / seconds
    return ratio, "late" if ratio > 1 else None


def consistent_record(generator: np.random.Generator) -> tuple[list[SafeState], list[FaultInjection]]:
    """A made-up safety concept and trials in which every fault led to its safe state in time."""
    faults: tuple[Fault, ...] = ("sensor-loss", "time-out", "low-confidence", "tamper-alarm")
    concept = [SafeState(fault=fault, safe_state=f"state for {fault}", seconds=10.0) for fault in faults]
    trials = []
    for number, delay in enumerate(generator.uniform(0.1, 9.9, size=40)):
        fault = faults[number % len(faults)]
        begun = _START + timedelta(minutes=number)
        trials.append(
            FaultInjection.model_validate(
                {
                    "id": f"made-up-{number}",
                    "version": "made up",
                    "fault": fault,
                    "injected": begun.isoformat(),
                    "reached": (begun + timedelta(seconds=float(delay))).isoformat(),
                    "state": f"State for  {fault}",
                }
            )
        )
    return concept, trials
