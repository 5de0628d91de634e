"""The main job: open, plan, run, judge, record, sign, log, report.

Every step leaves its result in the output folder before the next begins, and a step whose result is already
there is not done again; that is all there is to resuming.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Literal, Protocol

from touchstone.assessment.conclusion import Circumstances, assessment_of, circumstances_of
from touchstone.assessment.engine import Event, Limits
from touchstone.assessment.environment import environment
from touchstone.assessment.plan import make_plan, with_seeds
from touchstone.assessment.zygote_process import ZygoteProcess
from touchstone.checks.cards import card_of
from touchstone.checks.registry import installed_checks
from touchstone.errors import UserError
from touchstone.evidence.bundle import Bundle
from touchstone.evidence.envelope import LARGEST_ENVELOPE, Envelope
from touchstone.evidence.files import read_regular
from touchstone.evidence.layout import ASSESSMENT, EVIDENCE_FOLDER, StatementName
from touchstone.evidence.statement import FROM_SYSTEM, PlanPredicate, seeds_from
from touchstone.files import make_folder
from touchstone.laboratory.auditing import audit_run, lock_of, require_same_people
from touchstone.laboratory.issuing import Issuer, issue_decision, issue_plan, log_statements, require_log
from touchstone.laboratory.recording import Recorded, Result, RunEvidence, read_recorded, write_bundle
from touchstone.laboratory.reporting import material_of, write_reports
from touchstone.laboratory.testing import JOURNAL, Bench, WrongInputError
from touchstone.records import Assessment, Budget, Plan, Profile
from touchstone.standard.reviews import SignedReview
from touchstone.system.subject import Subject
from touchstone.text import Text

LONGEST_LOG = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Instructions:
    """How an assessment is to be run."""

    budget: Budget = "quick"
    jobs: int = 1
    only: Collection[str] = ()
    skip: Collection[str] = ()
    resume: bool = False
    limits: Limits | None = None
    nonce: str | None = None
    """Given by the one whom the announced plan names; without it seeds follow from the system."""
    reviews: Sequence[SignedReview] = ()
    """What reviewers found in the documents."""


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

    recorded: Recorded
    folder: Path
    decision: Path | None
    """The signed certificate or refusal; `None` when nobody signed."""

    @property
    def assessment(self) -> Assessment:
        """What was concluded."""
        return self.recorded.assessment

    @property
    def profile(self) -> Profile:
        """What it was concluded against."""
        return self.recorded.profile

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
    it holds the evidence of another plan. Input that proves wrong before the first test leaves nothing behind: no
    folder, no signed plan, no entry on the log.
    """
    with TemporaryFile() as printed, _warm_up(subject, folder, printed) as zygote:
        announced = announced_plan(folder) if instructions.resume else None
        plan = _plan(subject, profile, instructions, None if announced is None else announced.nonce_from)
        _require_fitting_nonce(plan, announced, instructions, folder)
        if issuer is not None:
            require_log(issuer)

        def commit() -> bool:
            """Sign and log the plan, if anyone signs; a second time changes nothing. Tells whether a log holds it."""
            if issuer is not None:
                issue_plan(folder, plan, subject.description.system.name, issuer)
            return issuer is not None and issuer.log is not None

        before = _prepare(folder, resume=instructions.resume)
        if zygote is not None:
            run, watching = with_seeds(plan, instructions.nonce), watcher or Unwatched()
            bench = Bench(subject, folder, instructions.jobs, instructions.limits, zygote, commit, watching.happened)
            try:
                tested = bench.test(run, plan, lambda recalled: watching.planned(plan, recalled))
            except WrongInputError:
                _restore(folder, before)
                raise
            lock = None if issuer is None else lock_of(folder, issuer, tested.logged)
            circumstances = circumstances_of(
                subject, environment(), tested.register_days, instructions.reviews, datetime.now(UTC).date()
            )
            audited = audit_run(run, plan, circumstances, tested, lock, watching.happened)
            results = tested.results | audited
            _record(subject, profile, plan, folder, circumstances, results, RunEvidence(tested.reruns, lock))
            _keep_output_of_failures(folder, tested.results, printed)
    bundle = Bundle.open(folder / EVIDENCE_FOLDER)
    recorded = read_recorded(bundle)
    if all(observation.status == "measured" for observation in recorded.observations.values()):
        shutil.rmtree(folder / JOURNAL, ignore_errors=True)  # its work is done; after an error it may help
    if recorded.plan != plan:
        raise _holds_another(folder)
    if issuer is not None:
        require_same_people(bundle, issuer)
    commit()  # what was tested unsigned may be signed later
    issued = datetime.now(UTC)
    seeds = FROM_SYSTEM
    if plan.nonce_from is not None and instructions.nonce is not None:
        seeds = seeds_from(plan.nonce_from, instructions.nonce)
    decision = None if issuer is None else issue_decision(folder, bundle, recorded, issuer, issued, seeds)
    write_reports(folder, material_of(bundle, issued.isoformat(timespec="seconds")))
    return Outcome(recorded, folder, decision)


def _warm_up(subject: Subject, folder: Path, printed: IO[bytes]) -> AbstractContextManager[ZygoteProcess | None]:
    """A zygote that imports while we plan; none when the evidence is finished already."""
    if (folder / EVIDENCE_FOLDER).exists():
        return nullcontext()
    return ZygoteProcess(subject.description.model.format, printed)


def announce(
    subject: Subject, profile: Profile, folder: Path, instructions: Instructions, issuer: Issuer, nonce_from: str
) -> Plan:
    """Sign and log a plan whose seeds nobody can know before `nonce_from` gives the nonce. Nothing is run yet.

    Raises `UserError` when the folder holds something already.
    """
    require_log(issuer)
    plan = _plan(subject, profile, instructions, nonce_from)
    _prepare(folder, resume=False)
    issue_plan(folder, plan, subject.description.system.name, issuer)
    if issuer.log is not None:
        log_statements(folder, [StatementName.PLAN.file], issuer.public, issuer.log)
    return plan


def announced_plan(folder: Path) -> Plan | None:
    """The plan that was signed in the folder before; `None` when there is none."""
    path = folder / StatementName.PLAN.file
    if not path.exists():
        return None
    data = read_regular(path, str(path), largest=LARGEST_ENVELOPE)
    statement = Envelope.from_bytes(data, str(path)).statement(str(path))
    return PlanPredicate.from_json(statement.predicate, str(path)).plan


def _plan(subject: Subject, profile: Profile, instructions: Instructions, nonce_from: str | None) -> Plan:
    return make_plan(
        subject,
        profile,
        installed_checks(),
        instructions.budget,
        only=instructions.only,
        skip=instructions.skip,
        nonce_from=nonce_from,
    )


def _require_fitting_nonce(plan: Plan, announced: Plan | None, instructions: Instructions, folder: Path) -> None:
    """A nonce belongs to exactly one plan, signed before it was given."""
    if announced is not None and announced != plan:
        raise _holds_another(folder)
    if plan.nonce_from is not None and instructions.nonce is None:
        raise UserError(
            Text(f"waits for the nonce that {plan.nonce_from} gives", f"等待 {plan.nonce_from} 给出随机数"),
            str(folder),
            Text("give it with --nonce", "请用 --nonce 提供"),
        )
    if plan.nonce_from is None and instructions.nonce is not None:
        raise UserError(
            Text("holds no plan that waits for a nonce", "其中没有等待随机数的计划"),
            str(folder),
            Text(
                "announce one first with `touchstone plan`, then --resume",
                "请先用 `touchstone plan` 公布计划，再加 --resume",
            ),
        )


Before = Literal["absent", "empty", "used"]
"""What the output folder was like when an assessment began."""


def _prepare(folder: Path, *, resume: bool) -> Before:
    absent = not folder.exists()
    make_folder(folder)
    empty = not any(folder.iterdir())
    if not resume and not empty:
        raise UserError(
            Text("holds something already", "目录非空"),
            str(folder),
            Text(
                "add --resume to go on with an interrupted assessment, or choose another --output",
                "如需继续中断的测评请加 --resume，否则请用 --output 指定其他目录",
            ),
        )
    return "absent" if absent else "empty" if empty else "used"


def _restore(folder: Path, before: Before) -> None:
    """Take the empty journal away, so that the same command works once the input is mended."""
    if before != "used":
        shutil.rmtree(folder / JOURNAL, ignore_errors=True)
    if before == "absent":
        with suppress(OSError):  # somebody put something into it meanwhile
            folder.rmdir()


def _record(
    subject: Subject,
    profile: Profile,
    plan: Plan,
    folder: Path,
    circumstances: Circumstances,
    results: dict[str, Result],
    run: RunEvidence,
) -> None:
    observations = [result.measured.observation for _, result in sorted(results.items())]
    checks = installed_checks()
    cards = {item.check.id: card_of(checks[item.check.id]) for item in plan.items if item.check.id in checks}
    assessment = assessment_of(circumstances, profile, plan, observations, cards)
    (folder / ASSESSMENT).write_bytes(assessment.to_bytes())
    write_bundle(folder / EVIDENCE_FOLDER, subject, profile, plan, circumstances, cards, results, assessment, run)


def _keep_output_of_failures(folder: Path, results: dict[str, Result], printed: IO[bytes]) -> None:
    """After an error, what the workers printed stays beside the journal: it may help. It is no evidence."""
    if any(result.measured.observation.status == "error" for result in results.values()):
        printed.seek(0)
        (folder / JOURNAL / "workers.log").write_bytes(printed.read(LONGEST_LOG))


def _holds_another(folder: Path) -> UserError:
    return UserError(
        Text(
            "holds the finished evidence of another plan (other system, profile, budget or selection)",
            "目录中已有另一方案（系统、档案、预算或选项不同）的完整证据",
        ),
        str(folder),
        Text("choose another --output", "请用 --output 指定其他目录"),
    )
