"""The main job: open, plan, run, judge, record, sign, log, report.

Every step leaves its result in the output folder before the next begins, and a step whose result is already
there is not done again; that is all there is to resuming.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from touchstone.assessment.conclusion import assessment_of, circumstances_of
from touchstone.assessment.engine import Event, Finished, Limits, run_in_workers
from touchstone.assessment.environment import environment
from touchstone.assessment.intake import INTAKE, intake_item
from touchstone.assessment.journal import Journal, question_of
from touchstone.assessment.measure import REFUSED
from touchstone.assessment.plan import make_plan
from touchstone.checks.cards import card_of
from touchstone.checks.registry import installed_checks
from touchstone.errors import UserError
from touchstone.evidence.bundle import Bundle
from touchstone.evidence.layout import ASSESSMENT, EVIDENCE_FOLDER
from touchstone.laboratory.issuing import Issuer, issue_decision, issue_plan
from touchstone.laboratory.recording import Result, read_recorded, write_bundle
from touchstone.laboratory.reporting import material_of, write_reports
from touchstone.records import Assessment, Budget, Plan, PlanItem, Profile
from touchstone.system.subject import Subject
from touchstone.text import Text

JOURNAL = "journal"


@dataclass(frozen=True, slots=True)
class Instructions:
    """How an assessment is to be run."""

    budget: Budget = "quick"
    jobs: int = 1
    only: Collection[str] = ()
    skip: Collection[str] = ()
    resume: bool = False
    limits: Limits | None = None


class Watcher(Protocol):
    """Whoever watches an assessment; the methods are called as things happen."""

    def planned(self, plan: Plan, recalled: int) -> None:
        """The plan is fixed; `recalled` of its checks were done before."""

    def happened(self, event: Event) -> None:
        """A worker started, got further, or ended."""


class Unwatched:
    """A watcher that looks away."""

    def planned(self, plan: Plan, recalled: int) -> None:
        """Nobody is told."""

    def happened(self, event: Event) -> None:
        """Nobody is told."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an assessment came to, and where its evidence lies."""

    assessment: Assessment
    profile: Profile
    folder: Path
    decision: Path | None
    """The signed certificate or refusal; `None` when nobody signed."""

    @property
    def passed(self) -> bool:
        """Whether all required controls passed."""
        return self.assessment.verdict == "pass"


def run_assessment(
    subject: Subject,
    profile: Profile,
    folder: Path,
    instructions: Instructions,
    *,
    issuer: Issuer | None = None,
    watcher: Watcher | None = None,
) -> Outcome:
    """Assess `subject` against `profile` and leave everything in `folder`.

    Raises `UserError` when the folder holds something already and the instructions do not say to resume, or when
    it holds the evidence of another plan.
    """
    plan = make_plan(
        subject,
        profile,
        installed_checks(),
        instructions.budget,
        only=instructions.only,
        skip=instructions.skip,
    )
    _prepare(folder, resume=instructions.resume)
    if issuer is not None:
        issue_plan(folder, plan, subject.description.system.name, issuer)
    if not (folder / EVIDENCE_FOLDER).exists():
        results = _measure(subject, plan, folder, instructions, watcher or Unwatched())
        _record(subject, profile, plan, folder, results)
    bundle = Bundle.open(folder / EVIDENCE_FOLDER)
    recorded = read_recorded(bundle)
    if all(observation.status == "measured" for observation in recorded.observations.values()):
        shutil.rmtree(folder / JOURNAL, ignore_errors=True)  # its work is done; after an error its log may help
    if recorded.plan != plan:
        raise _holds_another(folder)
    issued = datetime.now(UTC)
    decision = None if issuer is None else issue_decision(folder, bundle, recorded, issuer, issued)
    write_reports(folder, material_of(bundle, issued.isoformat(timespec="seconds")))
    return Outcome(recorded.assessment, profile, folder, decision)


def _prepare(folder: Path, *, resume: bool) -> None:
    if folder.exists() and not folder.is_dir():
        raise UserError(Text("is a file, not a folder", "是文件而非目录"), str(folder))
    if not resume and folder.exists() and any(folder.iterdir()):
        raise UserError(
            Text("holds something already", "目录非空"),
            str(folder),
            Text(
                "add --resume to go on with an interrupted assessment, or choose another --output",
                "如需继续中断的测评请加 --resume，否则请用 --output 指定其他目录",
            ),
        )
    folder.mkdir(parents=True, exist_ok=True)


def _measure(
    subject: Subject, plan: Plan, folder: Path, instructions: Instructions, watcher: Watcher
) -> dict[str, Result]:
    """Run what the journal does not know yet."""
    questions = {
        item.check.id: question_of(subject.digest, item, plan.budget, plan.tool) for item in plan.items if item.runs
    }
    results: dict[str, Result] = {}
    with Journal(folder / JOURNAL) as journal:
        missing: list[PlanItem] = []
        for item in plan.items:
            if item.runs:
                known = journal.recall(questions[item.check.id])
                if known is None:
                    missing.append(item)
                else:
                    results[item.check.id] = Result(*known)
        watcher.planned(plan, recalled=len(results))
        events = run_in_workers(
            subject,
            missing,
            plan.budget,
            first=intake_item(subject),
            jobs=instructions.jobs,
            limits=instructions.limits,
            log=folder / JOURNAL / "workers.log",
        )
        for event in events:
            if event.item.check.id == INTAKE.id:
                _refuse_wrong_input(event)
                continue
            if isinstance(event, Finished):
                journal.keep(questions[event.item.check.id], event.measured, event.execution)
                results[event.item.check.id] = Result(event.measured, event.execution)
            watcher.happened(event)
    return results


def _refuse_wrong_input(event: Event) -> None:
    """Raise what the intake found wrong; a runtime that merely crashed there will be told of by the checks."""
    error = event.measured.observation.error if isinstance(event, Finished) else None
    if error is not None and error.code == REFUSED:
        raise UserError(error.text)


def _record(subject: Subject, profile: Profile, plan: Plan, folder: Path, results: dict[str, Result]) -> None:
    circumstances = circumstances_of(subject, environment())
    observations = [result.measured.observation for _, result in sorted(results.items())]
    assessment = assessment_of(circumstances, profile, plan, observations)
    checks = installed_checks()
    cards = [card_of(checks[item.check.id]) for item in plan.items if item.check.id in checks]
    (folder / ASSESSMENT).write_bytes(assessment.to_bytes())
    write_bundle(folder / EVIDENCE_FOLDER, subject, profile, plan, circumstances, cards, results, assessment)


def _holds_another(folder: Path) -> UserError:
    return UserError(
        Text(
            "holds the finished evidence of another plan (other system, profile, budget or selection)",
            "目录中已有另一方案（系统、档案、预算或选项不同）的完整证据",
        ),
        str(folder),
        Text("choose another --output", "请用 --output 指定其他目录"),
    )
