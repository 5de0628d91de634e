"""Run one check function on one subject and make an observation of what it returns.

This is the whole of what happens inside a worker, and it can be called in one's own process too: a bare run for
debugging a check, or for measuring what the isolation around it costs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from typing import TYPE_CHECKING

from touchstone.assessment.disclosure import may_speak_of_persons, salted, secret_of
from touchstone.assessment.seeds import generator_of
from touchstone.canonical import Digest, digest_of
from touchstone.checks.declaration import Check, Measurement
from touchstone.errors import TouchstoneError, UnavailableError, UserError
from touchstone.records import Access, Budget, Exhibit, Metric, Note, Observation, PlanItem, StoppingLimit
from touchstone.standard.comparing import compare
from touchstone.standard.judge import UNAVAILABLE
from touchstone.system.subject import Subject
from touchstone.text import Text

if TYPE_CHECKING:
    import numpy as np

    from touchstone.checks.run_record import RunRecord


REFUSED = "refused"
"""Code of the note on a check that stopped because something handed in is wrong."""

REMEDY = "remedy"
"""Code of the warning that says what to do about it."""


def ignore_progress(fraction: float) -> None:
    """Nobody is watching."""


@dataclass
class CheckRun:
    """The :class:`~touchstone.checks.declaration.Run` that a check is given."""

    seed: str
    budget: Budget
    limits: tuple[StoppingLimit, ...] = ()
    report: Callable[[float], None] = ignore_progress
    secret: Callable[[], bytes] | None = None
    """What the salt of JSON exhibits follows from; `None` when they cannot speak of persons."""
    exhibits: dict[str, bytes] = field(default_factory=dict)
    """Content of every exhibit the check kept, by digest."""

    def generator(self, purpose: str) -> np.random.Generator:
        return generator_of(self.seed, purpose)

    def decided(self, metrics: Sequence[Metric]) -> bool:
        overall = {metric.id: metric for metric in metrics if metric.slice is None}
        settled = [
            compare(limit.op, limit.value, limit.bound, overall[limit.metric]) != "inconclusive"
            for limit in self.limits
            if limit.metric in overall
        ]
        return bool(settled) and all(settled)

    def exhibit(self, name: str, media_type: str, content: bytes) -> Exhibit:
        if self.secret is not None and media_type == "application/json":
            content = salted(content, self.secret(), f"{self.seed}\n{name}")
        digest = digest_of(content)
        self.exhibits[digest] = content
        return Exhibit(name=name, media_type=media_type, digest=digest, size=len(content))

    def progress(self, fraction: float) -> None:
        self.report(min(max(fraction, 0.0), 1.0))


@dataclass(frozen=True, slots=True)
class Measured:
    """An observation with the raw evidence it names."""

    observation: Observation
    exhibits: dict[str, bytes]


def measure(
    check: Check,
    subject: Subject,
    item: PlanItem,
    budget: Budget,
    report: Callable[[float], None] = ignore_progress,
) -> Measured:
    """Run `check` as `item` plans it.

    Never raises for what the subject or the check does wrong: an exception becomes an observation with status
    `error`, so that the assessment goes on and says so.
    """
    secret = cache(partial(secret_of, subject)) if may_speak_of_persons(subject, check) else None
    run = CheckRun(item.seed, budget, item.limits, report, secret)
    queries_before = subject.queries
    measured = _measured(check, subject, subject.digest, subject.access, item, run)
    if measured.observation.status == "error":
        return measured
    queries = subject.queries - queries_before
    return Measured(measured.observation.model_copy(update={"queries": queries}), measured.exhibits)


def audit(check: Check, record: RunRecord, access: Access, item: PlanItem) -> Measured:
    """Run an audit as `item` plans it, on the record of a run; like :func:`measure` it never raises.

    Whoever holds the same record gets the same observation.
    """
    return _measured(check, record, record.plan.system, access, item, CheckRun(item.seed, record.plan.budget))


def _measured(
    check: Check, given: Subject | RunRecord, system: Digest, access: Access, item: PlanItem, run: CheckRun
) -> Measured:
    """Call the check's function and make an observation of whatever comes back."""
    refused = partial(failed, system, access, item)
    try:
        measurement = check.function(given, check.parameters.model_validate(item.parameters), run)
        _refuse_undeclared(check, measurement)
    except UserError as error:
        code = UNAVAILABLE if isinstance(error, UnavailableError) else REFUSED
        note = Note(code=code, text=_said(error))
        remedies = () if error.remedy is None else (Note(code=REMEDY, text=error.remedy),)
        return Measured(refused(note, remedies), {})
    except MemoryError:
        text = Text("The check ran out of the memory it was given.", "检查项超出所分配的内存。")
        return Measured(refused(Note(code="out-of-memory", text=text)), {})
    except Exception as error:  # whatever a check or a model runtime throws is a result here, not our crash
        message = f"{type(error).__name__}: {error}"[:500]
        text = Text(f"The check stopped with {message}", f"检查项异常终止：{message}")
        return Measured(refused(Note(code="check-crashed", text=text)), {})
    observation = Observation(
        check=item.check,
        system=system,
        parameters=item.parameters,
        seed=item.seed,
        access=access,
        status="measured",
        metrics=measurement.metrics,
        controls=measurement.controls,
        exhibits=measurement.exhibits,
        warnings=measurement.warnings,
    )
    return Measured(observation, {exhibit.digest: run.exhibits[exhibit.digest] for exhibit in observation.exhibits})


def failed(system: Digest, access: Access, item: PlanItem, note: Note, warnings: tuple[Note, ...] = ()) -> Observation:
    """The observation of a check that gave no result."""
    return Observation(
        check=item.check,
        system=system,
        parameters=item.parameters,
        seed=item.seed,
        access=access,
        status="error",
        error=note,
        warnings=warnings,
    )


def _said(error: UserError) -> Text:
    """What is wrong stands behind its file and line; what merely lacks is told first, and then where."""
    what, where = error.what, error.where
    if where is None:
        return what
    if isinstance(error, UnavailableError):
        return Text(f"{what.en} ({where})", f"{what.zh}（{where}）")
    return Text(f"{where}: {what.en}", f"{where}：{what.zh}")


def _refuse_undeclared(check: Check, measurement: Measurement) -> None:
    declared = {metric.id for metric in check.metrics}
    undeclared = sorted({metric.id for metric in measurement.metrics} - declared)
    if undeclared:
        raise TouchstoneError(f"check {check.id} measured {', '.join(undeclared)} without declaring it")
