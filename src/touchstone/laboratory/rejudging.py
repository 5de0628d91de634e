"""Judge recorded observations again, against the profile of today or another one, without running a test."""

from __future__ import annotations

from pathlib import Path

from touchstone.assessment.conclusion import assessment_of
from touchstone.evidence.bundle import Bundle
from touchstone.evidence.layout import EVIDENCE_FOLDER, EVIDENCE_ZIP
from touchstone.laboratory.recording import read_recorded
from touchstone.records import Assessment, Profile


def find_bundle(path: Path) -> Bundle:
    """The bundle at `path`: the bundle itself, or the output folder that holds one."""
    for inside in (EVIDENCE_FOLDER, EVIDENCE_ZIP):
        if (path / inside).exists():
            return Bundle.open(path / inside)
    return Bundle.open(path)


def judge_again(bundle: Bundle, profile: Profile | None = None) -> tuple[Profile, Assessment]:
    """The assessment that follows from a bundle's observations under `profile` (by default the recorded one)."""
    recorded = read_recorded(bundle)
    against = profile or recorded.profile
    observations = [observation for _, observation in sorted(recorded.observations.items())]
    return against, assessment_of(recorded.circumstances, against, recorded.plan, observations)
