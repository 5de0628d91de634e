"""A small run that never took place, in which everything is as it should be: what audits are tested on.

An audit that finds a fault in it, or finds none in a copy with a planted fault, is not believed.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Final

from touchstone.canonical import digest_of
from touchstone.checks.run_record import Lock, ReadReview, RunRecord
from touchstone.records import (
    Access,
    CheckIdentity,
    ControlRun,
    Execution,
    Exhibit,
    Isolation,
    Metric,
    Observation,
    Plan,
    PlanItem,
    StoppingLimit,
    Tally,
)
from touchstone.standard.reviews import Review
from touchstone.text import Text

_SYSTEM: Final = digest_of(b"a system that does not exist")
_LOGGED: Final = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
TESTER, REVIEWER, DECIDER = (digest_of(name) for name in (b"tester", b"reviewer", b"decider"))
FIRST, SECOND = "made_up.first", "made_up.second"


def _item(check: str) -> PlanItem:
    return PlanItem(
        check=CheckIdentity(id=check, version="1"),
        controls=("MU-01",),
        runs=True,
        seed="0" * 64,
        limits=(StoppingLimit(metric="accuracy", op=">=", value="0.85", bound="lower"),),
    )


def _observation(check: str) -> Observation:
    found = Text("found", "已发现")
    return Observation(
        check=CheckIdentity(id=check, version="1"),
        system=_SYSTEM,
        parameters={},
        seed="0" * 64,
        access=Access.LABELS,
        status="measured",
        metrics=(
            Metric(
                id="accuracy",
                unit="share",
                value="0.9",
                low="0.87",
                high="0.92",
                method="clopper-pearson",
                n=1000,
                better="higher",
            ),
        ),
        controls=(
            ControlRun(kind="planted", expected=found, seen=found, passed=True, unlimited=Tally(found=50, of=50)),
            ControlRun(kind="null", expected=found, seen=found, passed=True),
        ),
        exhibits=(Exhibit(name="table.json", media_type="application/json", digest=digest_of(check.encode()), size=1),),
    )


def execution(check: str, *, after: timedelta) -> Execution:
    """One that began that long after the plan was on the log."""
    return Execution(
        check=CheckIdentity(id=check, version="1"),
        started=(_LOGGED + after).isoformat(timespec="milliseconds"),
        wall_ms=1,
        cpu_ms=1,
        peak_memory_bytes=1,
        isolation=Isolation(
            process="separate",
            network="none",
            network_by="",
            new_programs="denied",
            memory_bytes=None,
            cpu_seconds=None,
            wall_seconds=None,
        ),
    )


HONEST: Final = RunRecord(
    plan=Plan(
        system=_SYSTEM,
        profile=digest_of(b"a profile that does not exist"),
        profile_id="made-up",
        edition="1",
        budget="quick",
        items=(_item(FIRST), _item(SECOND)),
        tool="made-up",
    ),
    observations={check: _observation(check) for check in (FIRST, SECOND)},
    executions={check: execution(check, after=timedelta(seconds=1)) for check in (FIRST, SECOND)},
    reruns={check: _observation(check) for check in (FIRST, SECOND)},
    exhibits=frozenset(digest_of(check.encode()) for check in (FIRST, SECOND)),
    lock=Lock(signed=True, tester=TESTER, decider=DECIDER, logged=True, by=_LOGGED),
    reviews=(
        ReadReview(
            review=Review(
                document=digest_of(b"a document that does not exist"),
                title="Conflicts of interest",
                controls=("MU-01",),
                kinds=("conflict_declarations",),
                judgement="accepted",
                reason="made up to test an audit",
                values={"unresolved_conflicts": 0},
                reviewer="A reviewer",
                organisation="A laboratory",
                reviewed=date(2026, 1, 1),
            ),
            signer=REVIEWER,
            stands=True,
        ),
    ),
)
"""Two checks, both well-behaved; three people, each with one role."""


def altered(observation: Observation, **changes: object) -> Observation:
    """An observation whose first metric is another."""
    first, *others = observation.metrics
    other = Metric.model_validate(first.model_dump() | changes)
    return observation.model_copy(update={"metrics": (other, *others)})
