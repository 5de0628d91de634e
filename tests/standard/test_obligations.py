"""Obligations apply by three-valued facts; overlaps, gaps and conflicts are found, and nothing unknown is dropped."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from touchstone.documents import parse_yaml
from touchstone.errors import StandardError
from touchstone.standard.catalog import load_standard
from touchstone.standard.law import regimes
from touchstone.standard.obligation_pack import Regime, read_regime
from touchstone.standard.obligations import applicable, issues
from touchstone.standard.reporting_duties import regimes_in, reporting_duties

TODAY = date(2026, 11, 26)
VEHICLE: dict[str, object] = {
    "vehicle.level": "4",
    "vehicle.commercial": True,
    "vehicle.remote": True,
    "vehicle.mapping": True,
    "vehicle.online_update": True,
    "vehicle.update_fixes_defect": True,
    "data.personal": True,
    "data.important": "declared",
}


def text(en: str) -> dict[str, str]:
    return {"en": en, "zh": "文"}


def obligation(name: str, **changes: Any) -> dict[str, Any]:
    return {
        "id": name,
        "instrument": "law",
        "at": "Art. 1",
        "agencies": ["one"],
        "functions": ["rule"],
        "stage": "operation",
        "topic": "logs",
        "addressee": "operator",
        "act": "keep_logs",
        "when": "true",
        "confidence": "A",
        "says": text("Keep logs."),
    } | changes


def regime(*obligations: dict[str, Any], **changes: Any) -> Regime:
    content: dict[str, Any] = {
        "schema": "touchstone.jurisdiction/v1",
        "id": "made",
        "title": text("made"),
        "territory": ["CN"],
        "as_of": "2026-11-23",
        "recheck_by": "2027-05-23",
        "agencies": {"one": text("one"), "two": text("two")},
        "stages": {"operation": text("operation"), "incident": text("incident")},
        "topics": {"logs": text("logs"), "leak": text("leak")},
        "addressees": {"operator": text("operator")},
        "facts": {
            "made.leak": {"values": "bool", "event": True, "question": text("leak?")},
            "made.big": {"values": "bool", "question": text("big?")},
        },
        "instruments": {
            "law": {"ref": "csl", "by": ["one"]},
            "other": {"ref": "dsl", "by": ["two"]},
            "guide": {"ref": "tc260_f1", "by": ["two"], "binding": False},
            "coming": {"ref": "euaia", "by": ["two"], "applies_from": "2027-12-02"},
        },
        "obligations": list(obligations),
    } | changes
    return read_regime(parse_yaml(json.dumps(content, indent=1).encode(), "r.yaml"), load_standard())


def found(made: Regime, facts: dict[str, object]) -> list[str]:
    return [issue.id for issue in issues([made], applicable([made], facts, TODAY))]


def test_the_worked_example_gives_what_was_counted_by_hand() -> None:
    vehicles = regimes()["cn-automated-vehicles"]
    reading = applicable([vehicles], VEHICLE, TODAY)
    assert reading.undecided == reading.later == ()
    listed = issues([vehicles], reading)
    kinds = {kind: [issue for issue in listed if issue.kind == kind] for kind in ("conflict", "overlap", "gap")}
    assert [issue.id for issue in kinds["conflict"]] == ["conflict:street_video"]
    assert len(kinds["gap"]) == 21
    assert sum("guidance" in issue.text.en for issue in kinds["gap"]) == 8
    assert {issue.id.split("/")[2] for issue in kinds["overlap"]} == {"road_use", "traffic_accident", "ota"}


def test_withheld_facts_come_back_as_questions() -> None:
    vehicles = regimes()["cn-automated-vehicles"]
    withheld = {name: VEHICLE[name] for name in VEHICLE if name not in ("vehicle.level", "vehicle.mapping")}
    reading = applicable([vehicles], withheld, TODAY)
    asked = {name for each in reading.undecided for name in each.needs_now(withheld)}
    assert asked == {"vehicle.level", "vehicle.mapping"}
    closed = {issue.id for issue in issues([vehicles], reading)}
    assert "gap:cn-automated-vehicles/data_export/mapping_data/rule" not in closed


def test_an_event_that_has_not_happened_leaves_nothing_undecided() -> None:
    made = regime(
        obligation("a", when="made.leak"), obligation("b", when="made.leak and made.big"), obligation("c", when="true")
    )
    reading = applicable([made], {}, TODAY)
    assert [each.entry.id for each in reading.applying] == ["a", "c"]
    assert [each.needs_now({}) for each in reading.undecided] == [("made.big",)]
    assert [each.entry.id for each in applicable([made], {"made.leak": False}, TODAY).applying] == ["c"]


def test_an_act_that_is_demanded_and_forbidden_is_a_conflict() -> None:
    demanded = obligation("a", act="tell", entails=["tell_abroad"])
    forbidden = obligation("b", act="tell_abroad", modality="must_not")
    assert found(regime(demanded, forbidden), {}) == ["conflict:tell_abroad"]
    assert found(regime(demanded, {**forbidden, "when": "made.big"}), {"made.big": False}) == []


@pytest.mark.parametrize(("least", "most", "conflict"), [(30, 14, True), (14, 14, False), (14, 30, False)])
def test_what_is_kept_longer_than_it_may_be_is_a_conflict(least: int, most: int, conflict: bool) -> None:
    made = regime(
        obligation("a", act="x", artefact="video", keep={"least_days": least}),
        obligation("b", act="y", artefact="video", keep={"most_days": most}),
    )
    assert found(made, {}) == (["conflict:video"] if conflict else [])


def test_a_lead_or_a_joint_instrument_coordinates() -> None:
    second = obligation("b", instrument="other", agencies=["two"])
    assert found(regime(obligation("a"), second), {}) == ["overlap:made/operation/logs/rule"]
    assert found(regime(obligation("a", lead="one"), second), {}) == []
    assert found(regime(obligation("a", agencies=["one", "two"])), {}) == []


def test_guidance_and_what_is_not_yet_in_force_leave_a_gap() -> None:
    expectation = {"operation": {"logs": ["rule"]}}
    gap = ["gap:made/operation/logs/rule"]
    assert found(regime(obligation("a"), expectation=expectation), {}) == []
    assert found(regime(obligation("a", instrument="guide"), expectation=expectation), {}) == gap
    assert found(regime(obligation("a", instrument="coming"), expectation=expectation), {}) == gap
    assert found(regime(obligation("a", when="made.big"), expectation=expectation), {}) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"agencies": ["nobody"]}, "unknown agency"),
        ({"instrument": "nothing"}, "unknown instrument"),
        ({"stage": "dawn"}, "unknown stage"),
        ({"lead": "two"}, "unknown agency"),
        ({"when": "made.small"}, "unknown fact"),
        ({"when": "level >= 3"}, "cannot be read"),
        ({"says": "Keep logs."}, "one language only"),
    ],
)
def test_what_does_not_fit_together_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(StandardError) as caught:
        regime(obligation("a", **changes))
    assert said in caught.value.render("en")
    assert str(caught.value.where).startswith("r.yaml:")


def test_a_fact_of_the_catalog_is_not_declared_again() -> None:
    with pytest.raises(StandardError):
        regime(obligation("a"), facts={"deploy.cii": {"values": "bool", "question": text("cii?")}})
    with pytest.raises(StandardError):
        regime(obligation("a"), demonstration=True)
    with pytest.raises(StandardError):
        regime(obligation("a"), obligation("a"))


CHINA = regimes_in({"CN"})


@pytest.mark.parametrize(
    ("facts", "recipients", "minutes"),
    [
        ({"deploy.cii": True, "org.central_state_body": False}, ["protection-department", "public-security"], 60),
        ({"deploy.cii": False, "org.central_state_body": True}, ["cac-own"], 120),
        ({"deploy.cii": False, "org.central_state_body": False}, ["cac-provincial"], 240),
    ],
)
def test_the_clocks_of_the_incident_measures(facts: dict[str, object], recipients: list[str], minutes: int) -> None:
    base: dict[str, object] = {
        "incident.grade": "larger",
        "incident.personal_data": False,
        "org.network_products_in_china": False,
    }
    duties = reporting_duties(CHINA, base | facts, TODAY)
    assert [(duty.recipient, duty.minutes, duty.certain) for duty in duties] == [
        (each, minutes, True) for each in recipients
    ]
    assert reporting_duties(CHINA, base | facts | {"incident.grade": "general"}, TODAY) == ()


def test_an_unknown_fact_keeps_every_duty_it_may_trigger() -> None:
    duties = reporting_duties(CHINA, {"incident.grade": "major", "incident.personal_data": False}, TODAY)
    graded = [duty for duty in duties if duty.obligation.startswith("cn/incident-")]
    assert {duty.minutes for duty in graded} == {60, 120, 240}
    assert not any(duty.certain for duty in graded)
    assert [name for name, _ in graded[0].questions] == ["deploy.cii"]
    assert list(duties) == sorted(duties, key=lambda duty: duty.minutes)


def test_duties_in_the_union_begin_when_the_act_does() -> None:
    facts: dict[str, object] = {
        "eu.high_risk": True,
        "eu.serious_incident": "death",
        "eu.personal_breach": False,
        "eu.exploited_vulnerability": False,
    }
    assert reporting_duties(regimes_in({"DE"}), facts, TODAY) == ()
    (duty,) = reporting_duties(regimes_in({"DE"}), facts, date(2027, 12, 2))
    assert (duty.minutes, duty.recipient, duty.article) == (10 * 24 * 60, "market-surveillance", "euaia Art. 73(4)")


def test_a_demonstration_holds_nowhere() -> None:
    everywhere = {each for regime in regimes().values() for each in regime.pack.territory}
    assert {regime.pack.id for regime in regimes_in(everywhere)} == {"cn", "eu"}
    assert {regime.pack.id for regime in regimes_in({"CN-SH", "US"})} == {"cn"}
    assert all(regime.stale(date(2028, 1, 1)) and not regime.stale(TODAY) for regime in regimes().values())


def test_a_vulnerability_that_must_and_must_not_go_abroad_is_a_conflict() -> None:
    facts: dict[str, object] = {"org.network_products_in_china": True, "eu.digital_product": True}
    both = regimes_in({"CN", "DE"})
    assert "conflict:give_undisclosed_vulnerability_abroad" in [
        issue.id for issue in issues(both, applicable(both, facts, TODAY))
    ]
