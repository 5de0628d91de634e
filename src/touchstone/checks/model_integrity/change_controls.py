"""Tests of the review: a sound history in which nothing is found, the same spoilt in every way, the system's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np

from touchstone.checks.model_integrity.change_review import Before, ChangeRecord, reviewed
from touchstone.records import ControlRun
from touchstone.system.registers.change_envelope import EnvelopeClause
from touchstone.system.registers.changes import Change, ChangeAssessment, FileChange
from touchstone.text import Text

MODEL = "model"
CHECKS = frozenset({"first", "second"})


def controls(record: ChangeRecord, lot: np.random.Generator) -> tuple[ControlRun, ...]:
    """One null control and two planted ones."""
    begin, digests = _drawn(lot)
    sound = _history(begin, digests)
    found = reviewed(sound).unassessed
    missed = [name for name, spoilt in _spoilt(sound, begin).items() if reviewed(spoilt).unassessed != 1]
    return (
        ControlRun(
            kind="null",
            expected=Text("nothing is found in a history without a fault", "在无缺陷的变更历史中不应有任何发现"),
            seen=Text(f"{found} found", f"发现 {found} 项"),
            passed=found == 0,
        ),
        ControlRun(
            kind="planted",
            expected=Text("each of its faults by itself is found once", "逐一植入的每种缺陷均应恰好发现一次"),
            seen=Text(f"missed: {', '.join(missed) or 'nothing'}", f"未察觉：{'、'.join(missed) or '无'}"),
            passed=not missed,
        ),
        _one_more(record),
    )


def _one_more(record: ChangeRecord) -> ControlRun:
    """A release of another model that nobody assessed, added to the system's own history."""
    at = max((change.at for change in record.changes), default=datetime(2000, 1, 1, tzinfo=UTC)) + timedelta(days=1)
    change = Change(id="planted-change", at=at, released=at, summary="planted", parts=[MODEL])
    more = replace(record, changes=[*record.changes, change])
    found = [each for each in reviewed(more).judged if each.change is change and each.objections]
    return ControlRun(
        kind="planted",
        expected=Text(
            "a release without assessment, added to this history, is found", "在本登记中加入未经测评的发布，应被发现"
        ),
        seen=Text("found" if found else "missed", "已发现" if found else "未发现"),
        passed=len(found) == 1,
    )


def _drawn(lot: np.random.Generator) -> tuple[datetime, list[str]]:
    digests = ["sha256:" + lot.bytes(32).hex() for _ in range(5)]
    return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=int(lot.integers(300))), digests


def _history(begin: datetime, digests: list[str]) -> ChangeRecord:
    """A model that was assessed and changed twice, once outside and once inside what was agreed on before."""
    first, second, third, document, system = digests

    def change(name: str, days: int, step: FileChange, checks: list[str], clause: str | None) -> Change:
        done = ChangeAssessment(finished=begin + timedelta(days + 2), system=system, checks=checks, passed=True)
        return Change(
            id=name,
            at=begin + timedelta(days),
            released=begin + timedelta(days + 5),
            summary="control",
            parts=[MODEL],
            files={MODEL: step},
            envelope=clause,
            assessment=done,
        )

    return ChangeRecord(
        changes=[
            change("outside", 10, FileChange(before=first, after=second), sorted(CHECKS), None),
            change("inside", 20, FileChange(before=second, after=third), ["first"], "clause"),
        ],
        clauses=[
            EnvelopeClause(
                id="clause",
                since=date(2026, 1, 1),
                document=document,
                allows="control",
                parts=[MODEL],
                checks=["first"],
            )
        ],
        releases=[],
        before=Before(begin, {MODEL: first, "document": document}, frozenset(), CHECKS),
        files={MODEL: third, "document": document},
        documents=frozenset({document}),
        parts_of=lambda path: frozenset({"documents" if path == "document" else MODEL}),
        affected=lambda parts: CHECKS if MODEL in parts else frozenset(),
    )


def _spoilt(sound: ChangeRecord, begin: datetime) -> Mapping[str, ChangeRecord]:
    """The same history with one fault each."""
    outside, inside = sound.changes
    [clause] = sound.clauses
    nothing = "sha256:" + "0" * 64

    def other(**fields: object) -> ChangeRecord:
        return replace(sound, changes=[outside.model_copy(update=fields), inside])

    def measured(**fields: object) -> ChangeRecord:
        done = outside.assessment and outside.assessment.model_copy(update=fields)
        return other(assessment=done)

    def agreed(**fields: object) -> ChangeRecord:
        return replace(sound, clauses=[clause.model_copy(update=fields)])

    return {
        "no assessment": other(assessment=None),
        "assessed too late": measured(finished=begin + timedelta(16)),
        "assessed before it was made": measured(finished=begin + timedelta(9)),
        "not passed": measured(passed=False),
        "a check left out": measured(checks=["first"]),
        "no such clause": replace(sound, clauses=[]),
        "clause agreed on later": agreed(since=date(2028, 1, 1)),
        "clause for another part": agreed(parts=["data.train"]),
        "clause without its document": agreed(document=nothing),
        "another file now": replace(sound, files={**sound.files, MODEL: nothing}),
        "an unnamed file": replace(sound, files={**sound.files, "another": nothing}),
        "an unnamed part": replace(
            sound, before=Before(begin, {MODEL: outside.files[MODEL].before or ""}, frozenset({"components"}), CHECKS)
        ),
        "a gap": other(files={MODEL: FileChange(before=outside.files[MODEL].before, after=nothing)}),
    }
