"""How far registers reach, and when a reader has to know it."""

from __future__ import annotations

from datetime import date

import pytest

from touchstone.errors import EvidenceError
from touchstone.records import CheckIdentity, Execution, Isolation
from touchstone.report.reach import OLD_AFTER_DAYS, Reach, reach_of

HERE = Isolation(
    process="same",
    network="open",
    network_by="",
    new_programs="allowed",
    memory_bytes=None,
    cpu_seconds=None,
    wall_seconds=None,
)


def execution(started: str) -> Execution:
    check = CheckIdentity(id="data.one", version="1")
    return Execution(check=check, started=started, wall_ms=0, cpu_ms=0, peak_memory_bytes=0, isolation=HERE)


ENDED = [execution("2026-11-19T23:00:00+00:00"), execution("2026-11-20T01:00:00+00:00")]


def reach(**newest: date) -> Reach:
    found = reach_of(newest, ENDED)
    assert found is not None
    return found


def test_every_register_has_its_age_on_the_day_of_the_last_check_the_newest_first() -> None:
    seen = reach(risks=date(2026, 11, 1), unheard_of=date(2026, 11, 20))
    assert seen.assessed == date(2026, 11, 20)
    assert [(each.title.en, each.age) for each in seen.registers] == [("unheard_of", 0), ("risk register", 19)]
    assert seen.registers[1].title.zh == "风险台账"


def test_one_register_that_goes_on_is_enough() -> None:
    assert reach(risks=date(2020, 1, 1), flows=date(2026, 11, 10)).remark is None


@pytest.mark.parametrize("days", [0, OLD_AFTER_DAYS])
def test_nothing_is_remarked_within_a_month(days: int) -> None:
    assert reach(risks=date.fromordinal(date(2026, 11, 20).toordinal() - days)).remark is None


def test_registers_that_all_ended_before_are_remarked_on() -> None:
    remark = reach(risks=date(2026, 10, 19), flows=date(2026, 3, 1)).remark
    assert remark is not None
    assert "end on 2026-10-19, 32 days before" in remark.en
    assert "止于 2026-10-19，早于测评 32 天" in remark.zh


def test_a_day_that_had_not_come_is_remarked_on() -> None:
    remark = reach(risks=date(2026, 11, 21), flows=date(2026, 11, 20)).remark
    assert remark is not None
    assert "2026-11-21, which is after the assessment of 2026-11-20: risk register" in remark.en


def test_without_a_day_there_is_nothing_to_say() -> None:
    assert reach_of({}, ENDED) is None
    assert reach_of({"risks": date(2026, 1, 1)}, []) is None


def test_a_time_that_does_not_exist_is_refused() -> None:
    with pytest.raises(EvidenceError, match="does not exist"):
        reach_of({"risks": date(2026, 1, 1)}, [execution("yesterday")])
