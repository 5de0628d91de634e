"""The last stage of the route: the laboratory looks at its own run, with nothing but what the evidence will hold."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from touchstone.assessment.conclusion import Circumstances
from touchstone.assessment.engine import Event, Finished, Started
from touchstone.assessment.measure import audit
from touchstone.canonical import digest_of
from touchstone.checks.declaration import Check
from touchstone.checks.registry import installed_checks
from touchstone.checks.run_record import RunRecord
from touchstone.errors import UserError
from touchstone.evidence.audits import run_record
from touchstone.evidence.bundle import Bundle
from touchstone.evidence.files import read_regular
from touchstone.evidence.layout import Role, StatementName
from touchstone.evidence.plan_lock import LOCK, PlanLock
from touchstone.laboratory.issuing import Issuer, log_statements
from touchstone.laboratory.recording import Result
from touchstone.laboratory.testing import Tested
from touchstone.records import Access, Execution, Isolation, Plan, PlanItem
from touchstone.text import Text
from touchstone.tlog.proof import LARGEST_PROOF

_HERE = Isolation(
    process="same",
    network="open",
    network_by="",
    new_programs="allowed",
    memory_bytes=None,
    cpu_seconds=None,
    wall_seconds=None,
)
"""An audit reads records that were validated and touches nothing of the system: it needs no walls."""


def lock_of(folder: Path, issuer: Issuer, logged: str | None) -> PlanLock:
    """What shows that the plan signed in `folder` was on the log at the time `logged`."""
    plan, receipt, log_key = StatementName.PLAN, None, None
    if issuer.log is not None and logged is not None:
        log_statements(folder, [plan.file], issuer.public, issuer.log)
        receipt = read_regular(folder / plan.receipt, plan.receipt, largest=LARGEST_PROOF).decode()
        log_key = issuer.log.key.public.pem.decode()
    return PlanLock(
        signed_plan=(folder / plan.file).read_bytes().decode(),
        tester=issuer.key.public.pem.decode(),
        decider=issuer.decider.public.pem.decode(),
        receipt=receipt,
        log_key=log_key,
        by=logged,
    )


def require_same_people(bundle: Bundle, issuer: Issuer) -> None:
    """Raise `UserError` when others sign now than the evidence says: its audit of roles would not be true."""
    if not bundle.with_role(Role.LOCK):
        return
    lock = PlanLock.from_bytes(bundle.read_role(Role.LOCK), LOCK)
    if [lock.tester, lock.decider] != [key.pem.decode() for key in issuer.public]:
        raise UserError(
            Text("holds evidence that other keys were to sign", "其中的证据原定由其他密钥签署"),
            bundle.manifest_file,
            Text(
                "resume with the keys of the first run, or choose another --output",
                "请以首次运行的密钥继续，或另选 --output",
            ),
        )


def audit_run(
    plan: Plan,
    signed: Plan,
    circumstances: Circumstances,
    tested: Tested,
    lock: PlanLock | None,
    watch: Callable[[Event], None],
) -> dict[str, Result]:
    """Run every planned audit on the record of the run. `signed` is the plan as signed, perhaps without seeds."""
    record = run_record(
        signed,
        circumstances,
        observations={check: result.measured.observation for check, result in tested.results.items()},
        executions={check: result.execution for check, result in tested.results.items()},
        reruns=tested.reruns,
        exhibits={digest_of(each) for result in tested.results.values() for each in result.measured.exhibits.values()},
        lock=lock,
    )
    checks, results = installed_checks(), dict[str, Result]()
    for item in plan.items:
        if item.audit and item.runs:
            watch(Started(item))
            result = _result(checks[item.check.id], record, circumstances.access, item)
            watch(Finished(item, result.measured, result.execution))
            results[item.check.id] = result
    return results


def _result(check: Check, record: RunRecord, access: Access, item: PlanItem) -> Result:
    started, clock, cpu = datetime.now(UTC), time.monotonic(), time.process_time()
    measured = audit(check, record, access, item)
    execution = Execution(
        check=item.check,
        started=started.isoformat(timespec="milliseconds"),
        wall_ms=int((time.monotonic() - clock) * 1000),
        cpu_ms=int((time.process_time() - cpu) * 1000),
        peak_memory_bytes=0,  # it has no process of its own
        isolation=_HERE,
    )
    return Result(measured, execution)
