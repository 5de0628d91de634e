from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.evidence.made import PLAN, Laboratory
from touchstone.errors import EvidenceError, UserError
from touchstone.evidence.plan_lock import PlanLock
from touchstone.signatures.keys import generate_log_key


@pytest.fixture
def lock(good: Path, laboratory: Laboratory) -> PlanLock:
    """What a bundle would hold of the good folder's plan."""
    return PlanLock(
        signed_plan=(good / "plan.dsse.json").read_text(),
        tester=laboratory.public.pem.decode(),
        decider=laboratory.public.pem.decode(),
        receipt=(good / "receipts/plan.tlog-proof").read_text(),
        log_key=laboratory.log_public.pem.decode(),
        by="2026-11-23T09:00:00.000+00:00",
    )


def test_a_signed_and_logged_plan_holds(lock: PlanLock, laboratory: Laboratory) -> None:
    examined = lock.examined(PLAN)
    assert examined.holds
    assert examined.by == datetime(2026, 11, 23, 9, tzinfo=UTC)
    assert examined.tester == examined.decider == laboratory.public.id


def test_a_lock_is_about_one_plan(lock: PlanLock) -> None:
    examined = lock.examined(PLAN.model_copy(update={"budget": "full"}))
    assert (examined.signed, examined.holds) == (False, False)


def another_statement(lock: PlanLock, good: Path, folder: Path) -> dict[str, str | None]:
    return {"signed_plan": (good / "assessment.dsse.json").read_text()}


def another_receipt(lock: PlanLock, good: Path, folder: Path) -> dict[str, str | None]:
    return {"receipt": (good / "receipts/assessment.tlog-proof").read_text()}


def nonsense(lock: PlanLock, good: Path, folder: Path) -> dict[str, str | None]:
    return {"receipt": "c2sp.org/tlog-proof@v1\n"}


def with_extra(lock: PlanLock, good: Path, folder: Path) -> dict[str, str | None]:
    assert lock.receipt is not None
    return {"receipt": lock.receipt.replace("\nindex", "\nextra eA==\nindex", 1)}


def another_log(lock: PlanLock, good: Path, folder: Path) -> dict[str, str | None]:
    return {"log_key": generate_log_key(folder / "other", None).pem.decode()}


def no_log_key(lock: PlanLock, good: Path, folder: Path) -> dict[str, str | None]:
    return {"log_key": None}


def no_time(lock: PlanLock, good: Path, folder: Path) -> dict[str, str | None]:
    return {"by": None}


@pytest.mark.parametrize(
    "change", [another_statement, another_receipt, nonsense, with_extra, another_log, no_log_key, no_time]
)
def test_whatever_does_not_fit_does_not_hold(
    lock: PlanLock, good: Path, tmp_path: Path, change: Callable[[PlanLock, Path, Path], dict[str, str | None]]
) -> None:
    assert not lock.model_copy(update=change(lock, good, tmp_path)).examined(PLAN).holds


def test_without_a_receipt_no_log_is_claimed(lock: PlanLock) -> None:
    examined = lock.model_copy(update={"receipt": None}).examined(PLAN)
    assert (examined.signed, examined.logged, examined.holds) == (True, None, False)


@pytest.mark.parametrize("time", ["yesterday", "2026-11-23T09:00:00", "2026-13-01T00:00:00+00:00"])
def test_a_time_that_does_not_exist_is_refused(lock: PlanLock, time: str) -> None:
    with pytest.raises(UserError, match="time"):
        lock.model_copy(update={"by": time}).examined(PLAN)


def test_a_key_that_is_none_is_refused(lock: PlanLock) -> None:
    with pytest.raises(UserError):
        lock.model_copy(update={"tester": "no key"}).examined(PLAN)


@pytest.mark.parametrize("field", ["signed_plan", "tester", "decider", "receipt", "log_key"])
def test_half_a_character_is_no_lock(lock: PlanLock, field: str) -> None:
    with pytest.raises(EvidenceError, match="PlanLock"):
        PlanLock.from_json({**lock.to_json(), field: "\ud800"}, "lock.json")
