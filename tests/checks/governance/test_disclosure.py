"""Reports are counted in working days, flaws in tries, and an advisory is one if a machine can read it."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.checks.governance.registered import registered
from tests.checks.running import InProcessRun, codes, metric
from touchstone.checks.declaration import Measurement, Parameters
from touchstone.checks.governance.advisories import _read
from touchstone.checks.governance.disclosure import disclosure
from touchstone.errors import DescriptionError, UnavailableError

SETTING: dict[str, Any] = {"as_of": "2026-11-20", "intake": "https://example.org", "policy": "https://example.org/p"}
CASE: dict[str, Any] = {
    "id": "F-1",
    "kind": "model",
    "received": "2026-09-30T23:30:00+08:00",
    "acknowledged": "2026-10-08T09:00:00+08:00",
    "authority_notified": "2026-10-02T11:30:00+08:00",
    "reproduced": {"shown": 37, "not_shown": 63},
    "fixed": "2026-10-20T10:00:00+08:00",
    "retested": {"shown": 0, "not_shown": 100},
    "advisory": {"id": "EX-2026-1", "published": "2026-10-21T10:00:00+08:00"},
}
CSAF = {
    "document": {
        "category": "csaf_security_advisory",
        "csaf_version": "2.0",
        "title": "Stickers hide signs",
        "publisher": {"category": "vendor", "name": "Example", "namespace": "https://example.org"},
        "tracking": {
            "current_release_date": "2026-10-21T02:00:00Z",
            "initial_release_date": "2026-10-21T02:00:00Z",
            "id": "EX-2026-1",
            "revision_history": [{"date": "2026-10-21T02:00:00Z", "number": "1", "summary": "first"}],
            "status": "final",
            "version": "1",
        },
    },
    "product_tree": {"full_product_names": [{"name": "signs 1", "product_id": "1"}]},
    "vulnerabilities": [{"scores": [{"cvss_v3": {"baseScore": 5.3}}]}],
}
HANDED_IN = {"documents": [{"path": "advisory.json", "controls": ["GA-10"], "title": "Advisory"}]}


def measured(
    folder: Path,
    *cases: dict[str, Any],
    setting: dict[str, Any] = SETTING,
    advisory: Any = CSAF,
    facts: dict[str, Any] | None = None,
) -> Measurement:
    files = {"advisory.json": json.dumps(advisory).encode()}
    registers = {"disclosure": setting, "disclosure-cases": list(cases)}
    subject = registered(folder, registers, files=files, facts=facts, **HANDED_IN)
    return disclosure.function(subject, Parameters(), InProcessRun())


def test_a_case_in_order(tmp_path: Path) -> None:
    found = measured(tmp_path, CASE)
    assert metric(found, "acknowledge_days").value == metric(found, "acknowledge_days").high == 6
    assert metric(found, "miit_report_hours").value == 36
    assert metric(found, "advisories_readable").value == 1
    assert codes(found) == []
    assert all(control.passed for control in found.controls)
    assert len(found.controls) == 13


def test_holidays_are_no_working_days_but_worked_weekends_are(tmp_path: Path) -> None:
    week = {"holidays": [f"2026-10-0{day}" for day in range(1, 8)]}
    assert metric(measured(tmp_path / "a", CASE, setting=SETTING | week), "acknowledge_days").value == 1
    worked = {"worked_weekends": ["2026-10-03", "2026-10-04"]}
    assert metric(measured(tmp_path / "b", CASE, setting=SETTING | worked), "acknowledge_days").value == 8


def test_days_are_those_where_the_report_came(tmp_path: Path) -> None:
    """Received on a Wednesday at half past eleven at night, answered ten minutes later in a zone that was ahead."""
    case = CASE | {"acknowledged": "2026-10-01T00:40:00+09:00"}
    assert metric(measured(tmp_path, case), "acknowledge_days").value == 0


def test_without_an_answer_the_days_go_on(tmp_path: Path) -> None:
    unanswered = {name: value for name, value in CASE.items() if name not in ("acknowledged", "authority_notified")}
    found = measured(tmp_path, CASE | {"id": "F-2"}, unanswered)
    assert metric(found, "acknowledge_days").value == 37
    assert metric(found, "miit_report_hours").value == 50 * 24 + 0.5
    assert codes(found) == ["not-acknowledged", "authority-not-told"]


def test_who_has_no_duty_to_report_is_not_measured(tmp_path: Path) -> None:
    found = measured(tmp_path, CASE, facts={"org.network_products_in_china": False})
    assert [each.id for each in found.metrics] == ["acknowledge_days", "advisories_readable"]


def test_drills_and_what_two_people_set_aside_are_reported_to_nobody(tmp_path: Path) -> None:
    silent = {name: value for name, value in CASE.items() if name != "authority_notified"}
    aside = {"at": "2026-10-03T10:00:00Z", "by": ["P-1", "P-2"], "reason": "no flaw"}
    never = {"shown": 0, "not_shown": 3}
    left = {name: value for name, value in silent.items() if name not in ("fixed", "retested", "advisory")}
    found = measured(tmp_path, silent | {"drill": True}, left | {"dismissal": aside, "reproduced": never})
    assert "miit_report_hours" not in {each.id for each in found.metrics}, "no case shows how long it takes"
    assert codes(found) == ["not-reproduced"]
    assert "not seen in 3 tries, so it may still show itself in up to 63.2%" in found.warnings[0].text.en


def test_a_drill_that_the_authority_was_told_of_shows_how_long_it_takes(tmp_path: Path) -> None:
    reported = metric(measured(tmp_path, CASE | {"drill": True}), "miit_report_hours")
    assert (float(reported.value), reported.n) == (36, 1)


@pytest.mark.parametrize("rest", [{"reproduced": None}, {"reproduced": {"shown": 0, "not_shown": 3}}])
def test_nothing_is_set_aside_that_was_never_tried_or_was_fixed(tmp_path: Path, rest: dict[str, Any]) -> None:
    silent = {name: value for name, value in CASE.items() if name != "authority_notified"}
    aside = {"at": "2026-10-03T10:00:00Z", "by": ["P-1", "P-2"], "reason": "no flaw"}
    found = measured(tmp_path, silent | {"dismissal": aside} | rest)
    assert "authority-not-told" in codes(found)
    assert metric(found, "miit_report_hours").value > 48


def test_a_delay_cannot_be_declared_away_as_holidays(tmp_path: Path) -> None:
    days = [(date(2026, 9, 28) + timedelta(days=day)).isoformat() for day in range(80)]
    with pytest.raises(DescriptionError, match="58 weekdays of 2026 are holidays, and at most 40 can be") as caught:
        measured(tmp_path, CASE, setting=SETTING | {"holidays": days})
    assert "休息日" in caught.value.render("zh")


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"acknowledged": "2026-09-29T09:00:00+08:00"}, "not-acknowledged"),
        ({"fixed": "2026-09-29T09:00:00+08:00"}, "before-the-report"),
        ({"retested": None}, "fixed-without-retest"),
        ({"retested": {"shown": 0, "not_shown": 5}}, "fix-not-shown"),
        ({"reproduced": None}, "fix-not-shown"),
        ({"advisory": None}, "not-published"),
        ({"dismissal": {"at": "2026-10-03T10:00:00Z", "by": ["P-1", "p-1"], "reason": "x"}}, "dismissed-by-one"),
        ({"dismissal": {"at": "2026-10-03T10:00:00Z", "by": ["P-1", "P-2"], "reason": "x"}}, "dismissed-although-seen"),
        (
            {"reproduced": None, "dismissal": {"at": "2026-10-03T10:00:00Z", "by": ["P-1", "P-2"], "reason": "x"}},
            "dismissed-untried",
        ),
    ],
)
def test_what_is_amiss_in_a_case(tmp_path: Path, changed: dict[str, Any], code: str) -> None:
    assert code in codes(measured(tmp_path, CASE | changed))


@pytest.mark.parametrize(
    ("where", "value", "says"),
    [
        (("document", "tracking", "id"), "EX-2026-2", "was not handed in as CSAF"),
        (("document", "title"), "", "lacks document.title"),
        (("document", "csaf_version"), "1.2", "lacks document.csaf_version 2.0"),
        (("document", "tracking", "status"), "draft", "lacks document.tracking.status final"),
        (("document", "tracking", "initial_release_date"), "2026-10-23T02:00:00Z", "names another day"),
        (("document", "tracking", "initial_release_date"), "soon", "names another day"),
        (("vulnerabilities",), [], "lacks vulnerabilities"),
        (("document",), [], "was not handed in as CSAF"),
    ],
)
def test_an_advisory_has_to_be_what_was_published(
    tmp_path: Path, where: tuple[str, ...], value: Any, says: str
) -> None:
    document = json.loads(json.dumps(CSAF))
    place = document
    for name in where[:-1]:
        place = place[name]
    place[where[-1]] = value
    found = measured(tmp_path, CASE, advisory=document)
    assert codes(found) == ["advisory-not-readable"]
    assert says in found.warnings[0].text.en
    assert metric(found, "advisories_readable").value == 0


@given(st.binary(max_size=200))
def test_no_bytes_do_anything_but_be_an_advisory_or_none(content: bytes) -> None:
    assert _read(content, "a.json") is None


def test_how_often_a_flaw_shows_itself_is_kept_with_its_bounds(tmp_path: Path) -> None:
    run = InProcessRun()
    disclosure.function(registered(tmp_path, {"disclosure": SETTING, "disclosure-cases": [CASE]}), Parameters(), run)
    [case] = json.loads(run.kept["cases.json"])["cases"]
    assert (case["before"]["shown"], case["before"]["tries"]) == (37, 100)
    assert float(case["before"]["low"]) < 0.37 < float(case["before"]["high"])
    assert float(case["after_fix"]["high"]) == pytest.approx(1 - 0.05 ** (1 / 100))


def test_an_empty_log_shows_nothing(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError) as caught:
        measured(tmp_path)
    assert "drill" in caught.value.render("en")
