"""Judge recorded observations again, against the profile of today or another one, without running a test."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from touchstone.assessment.conclusion import assessment_of
from touchstone.errors import EvidenceError
from touchstone.evidence.bundle import Bundle
from touchstone.evidence.layout import EVIDENCE_FOLDER, EVIDENCE_ZIP, INDEX
from touchstone.laboratory.recording import read_recorded
from touchstone.records import Assessment, Profile
from touchstone.text import Text


def find_bundle(path: Path) -> Bundle:
    """The bundle at `path`: the bundle itself, or the output folder that holds one."""
    if path.is_dir() and not any((path / name).exists() for name in (INDEX, EVIDENCE_FOLDER, EVIDENCE_ZIP)):
        raise EvidenceError(
            Text("holds no evidence bundle", "其中没有证据包"),
            str(path),
            Text("give the folder that `touchstone assess` wrote", "请指定 `touchstone assess` 写出的文件夹"),
        )
    for inside in (EVIDENCE_FOLDER, EVIDENCE_ZIP):
        if (path / inside).exists():
            return Bundle.open(path / inside)
    return Bundle.open(path)


def judge_again(
    bundle: Bundle, profile: Profile | None = None, *, on: date | None = None
) -> tuple[Profile, Assessment]:
    """The assessment that follows from a bundle's observations under `profile` (by default the recorded one).

    With `on`, reviews of documents count only if they still stand on that day.
    """
    recorded = read_recorded(bundle)
    against = profile or recorded.profile
    observations = [observation for _, observation in sorted(recorded.observations.items())]
    circumstances = recorded.circumstances
    if on is not None and circumstances.reviews:
        circumstances = circumstances.model_copy(update={"judged_on": on})
    return against, assessment_of(circumstances, against, recorded.plan, observations, recorded.cards)
