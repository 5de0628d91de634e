"""What became of updates that were offered: good ones have to be taken, bad ones refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

from touchstone.system.registers.update_trials import UpdateTrial

FAULTS: tuple[str, ...] = tuple(
    fault for fault in get_args(UpdateTrial.model_fields["signature"].annotation) if fault != "valid"
)

UNSIGNED = "none"


@dataclass(frozen=True, slots=True)
class Offered:
    """What trials of updates come to, each package counted once for each target."""

    refused: int
    accepted: tuple[str, ...]
    """Numbers of the trials in which a bad update was installed."""
    good_accepted: bool
    """Whether a good update was installed anywhere: a device that takes nothing refuses bad ones, too."""
    untried: tuple[str, ...]
    """What can be wrong with an update and was never tried."""
    contradictory: tuple[str, ...]
    """Numbers of trials whose package is called good in one and bad in another; it counts as bad."""


def offered(trials: Sequence[UpdateTrial]) -> Offered:
    """Sum up the trials."""
    faulty = {trial.package for trial in trials if trial.signature != "valid"}
    contradictory = [trial.id for trial in trials if trial.signature == "valid" and trial.package in faulty]
    bad: dict[tuple[str, str], list[UpdateTrial]] = {}
    for trial in trials:
        if trial.package in faulty:
            bad.setdefault((trial.target, trial.package), []).append(trial)
    installed = [next((each.id for each in same if each.accepted), None) for same in bad.values()]
    accepted = tuple(number for number in installed if number is not None)
    tried = {trial.signature for trial in trials}
    return Offered(
        refused=len(bad) - len(accepted),
        accepted=accepted,
        good_accepted=any(trial.accepted and trial.package not in faulty for trial in trials),
        untried=tuple(fault for fault in FAULTS if fault not in tried),
        contradictory=tuple(contradictory),
    )
