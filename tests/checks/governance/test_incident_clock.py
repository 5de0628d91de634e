"""Everyone who has to be told is told in time, by somebody, and the shortest clock was started at least once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.checks.governance.registered import registered
from tests.checks.running import InProcessRun, codes, metric
from touchstone.canonical import canonical_json
from touchstone.checks.declaration import Measurement, Parameters
from touchstone.checks.governance.incident_clock import incident_clock
from touchstone.errors import DescriptionError, UnavailableError
from touchstone.system.registers.incident_drills import IncidentDrill
from touchstone.system.registers.reading import parse_register

HERE = {"deployment": {"jurisdictions": ["CN"]}}
FACTS = {"deploy.cii": False, "org.network_products_in_china": False}
INCIDENT: dict[str, Any] = {
    "org.central_state_body": False,
    "incident.grade": "larger",
    "incident.personal_data": False,
}
DRILL: dict[str, Any] = {
    "id": "ID-1",
    "facts": INCIDENT,
    "detected": "2026-09-01T09:30:00+08:00",
    "notifications": [{"to": "cac-provincial", "owner": "P-7", "at": "2026-09-01T11:30:00+08:00"}],
}
FAST = DRILL | {
    "id": "ID-2",
    "facts": INCIDENT | {"org.central_state_body": True},
    "notifications": [{"to": "cac-own", "owner": "P-7", "at": "2026-09-01T10:00:00+08:00"}],
}
"""The operator is another one here, a central state body with two hours."""


def measured(
    folder: Path, drills: list[dict[str, Any]], facts: dict[str, Any] | None = None, **rest: Any
) -> tuple[Measurement, InProcessRun]:
    run = InProcessRun()
    subject = registered(folder, {"incident-drills": drills}, facts=FACTS if facts is None else facts, **(HERE | rest))
    return incident_clock.function(subject, Parameters(), run), run


def named(found: Measurement) -> list[str]:
    return [metric.id for metric in found.metrics]


def unowned(found: Measurement) -> int:
    return int(metric(found, "duties_without_owner").value)


def ratio(found: Measurement) -> float:
    return float(metric(found, "drill_minutes_over_shortest_clock").value)


def test_drills_in_order(tmp_path: Path) -> None:
    found, run = measured(tmp_path, [DRILL])
    assert unowned(found) == 0
    assert ratio(found) == 0.5
    assert metric(found, "first_report_minutes").value == 120
    assert codes(found) == ["confidence-of-the-law"]
    assert all(control.passed for control in found.controls)
    assert len(found.controls) == 11
    clocks = json.loads(run.kept["incident_clocks.json"])
    assert canonical_json(clocks) == run.kept["incident_clocks.json"]
    (duty,) = clocks["drills"][0]["duties"]
    assert (duty["obligation"], duty["within_minutes"], duty["told_after_minutes"]) == (
        "cn/incident-others",
        240,
        "120",
    )
    assert duty["article"] == "incident_rep Art. 4"


def test_the_slowest_notification_decides(tmp_path: Path) -> None:
    slow = DRILL | {"notifications": [DRILL["notifications"][0] | {"at": "2026-09-01T13:31:00+08:00"}]}
    found, _ = measured(tmp_path, [slow, FAST])
    assert ratio(found) == pytest.approx(241 / 240)
    assert "after 241 minutes, 240 are allowed" in found.warnings[0].text.en


def test_the_first_of_several_notifications_counts(tmp_path: Path) -> None:
    again = DRILL["notifications"][0] | {"at": "2026-09-02T09:30:00+08:00"}
    assert ratio(measured(tmp_path, [DRILL | {"notifications": [*DRILL["notifications"], again]}, FAST])[0]) == 0.5


@pytest.mark.parametrize(
    ("notification", "code"),
    [
        ({"owner": None}, "duty-without-owner"),
        ({"at": None}, "duty-not-met"),
        ({"to": "cac"}, "duty-not-met"),
    ],
)
def test_a_duty_without_owner_or_never_met_counts(tmp_path: Path, notification: dict[str, Any], code: str) -> None:
    told = DRILL["notifications"][0] | notification
    found, _ = measured(tmp_path, [DRILL | {"notifications": [told]}, FAST])
    assert unowned(found) == 1
    assert codes(found)[0] == code


def test_every_recipient_has_to_be_told(tmp_path: Path) -> None:
    cii = {**FACTS, "deploy.cii": True}
    police = {"to": "public-security", "owner": "P-7", "at": "2026-09-01T10:15:00+08:00"}
    found, _ = measured(tmp_path / "a", [DRILL | {"notifications": [police]}], cii)
    assert unowned(found) == 1
    assert "department that protects" in found.warnings[0].text.en
    both = [police, police | {"to": "protection-department"}]
    found, _ = measured(tmp_path / "b", [DRILL | {"notifications": both}], cii)
    assert (unowned(found), ratio(found)) == (0, 0.75)


def test_what_is_due_at_once_is_measured_against_the_shortest_clock(tmp_path: Path) -> None:
    leak = FAST | {
        "facts": FAST["facts"] | {"incident.personal_data": True, "incident.harm_averted": True},
        "notifications": [
            *FAST["notifications"],
            {"to": "personal-information-department", "owner": "P-8", "at": "2026-09-01T12:30:00+08:00"},
        ],
    }
    found, _ = measured(tmp_path, [leak])
    assert ratio(found) == 1.5


def test_an_unknown_fact_keeps_its_duties_and_is_asked_for(tmp_path: Path) -> None:
    facts = {name: value for name, value in INCIDENT.items() if name != "incident.personal_data"}
    found, _ = measured(tmp_path, [DRILL | {"facts": facts}, FAST])
    assert unowned(found) == 2
    assert codes(found)[0] == "duty-not-settled"
    assert "incident.personal_data: Was personal information leaked" in found.warnings[0].text.en


def test_a_clock_that_was_never_started_is_not_called_met(tmp_path: Path) -> None:
    small = DRILL | {"facts": INCIDENT | {"incident.grade": "general"}, "notifications": []}
    found, _ = measured(tmp_path / "a", [small])
    assert named(found) == ["duties_without_owner"]
    assert codes(found)[0] == "shortest-clock-not-drilled"
    assert "240 minutes (Measures for reporting national cybersecurity incidents, Art. 4)" in found.warnings[0].text.en
    assert ratio(measured(tmp_path / "b", [small, DRILL])[0]) == 0.5


def test_the_operator_is_one_and_the_same_in_every_drill(tmp_path: Path) -> None:
    """Where drills differ in what holds of the operator, the shortest of all clocks is asked for."""
    another = DRILL | {"id": "ID-3", "facts": FAST["facts"] | {"incident.grade": "general"}, "notifications": []}
    found, _ = measured(tmp_path / "a", [DRILL, another])
    assert "120 minutes" in found.warnings[0].text.en
    undeclared = {"org.network_products_in_china": False}
    drill = DRILL | {"facts": INCIDENT | {"deploy.cii": False}}
    assert ratio(measured(tmp_path / "b", [drill], undeclared)[0]) == 0.5


def test_a_fact_declared_unknown_declares_nothing(tmp_path: Path) -> None:
    drill = DRILL | {"facts": INCIDENT | {"deploy.cii": False}}
    found, _ = measured(tmp_path, [drill], FACTS | {"deploy.cii": "unknown"})
    assert (unowned(found), codes(found)) == (0, ["confidence-of-the-law"])


def test_the_register_of_obligations_speaks_for_the_operator(tmp_path: Path) -> None:
    run = InProcessRun()
    registers = {
        "incident-drills": [DRILL],
        "obligations": {
            "as_of": "2026-11-20",
            "facts": {"org.central_state_body": True, "incident.grade": "general"},  # no incident is foreseen there
        },
    }
    subject = registered(tmp_path, registers, facts=FACTS, **HERE)
    found = incident_clock.function(subject, Parameters(), run)
    assert "contradicts-description" in codes(found)
    assert unowned(found) == 1


def test_the_first_report_is_that_of_the_shortest_clock(tmp_path: Path) -> None:
    """A vulnerability may take two days, and says nothing about the four hours."""
    facts = {**FACTS, "org.network_products_in_china": True}
    slow = DRILL | {
        "id": "ID-4",
        "facts": INCIDENT | {"incident.grade": "general", "incident.product_vulnerability": True},
        "notifications": [{"to": "miit", "owner": "P-7", "at": "2026-09-02T09:30:00+08:00"}],
    }
    drill = DRILL | {"facts": INCIDENT | {"incident.product_vulnerability": False}}
    found, _ = measured(tmp_path / "a", [drill, slow], facts)
    assert metric(found, "first_report_minutes").value == 120
    assert ratio(found) == 0.5
    told = [*DRILL["notifications"], *slow["notifications"]]
    both = DRILL | {"facts": INCIDENT | {"incident.product_vulnerability": True}, "notifications": told}
    assert metric(measured(tmp_path / "b", [both], facts)[0], "first_report_minutes").value == 120


def test_a_value_that_does_not_exist_sheds_no_duty(tmp_path: Path) -> None:
    wrong = DRILL | {"facts": INCIDENT | {"incident.grade": "lager"}, "notifications": []}
    found, _ = measured(tmp_path, [wrong, FAST])
    assert "fact-not-understood" in codes(found)
    assert unowned(found) == 1


def test_the_description_stands_against_the_drill(tmp_path: Path) -> None:
    lighter = DRILL | {"facts": INCIDENT | {"deploy.cii": False}}
    found, _ = measured(tmp_path, [lighter], {**FACTS, "deploy.cii": True})
    assert "contradicts-description" in codes(found)
    assert unowned(found) == 2


def test_duties_of_every_jurisdiction_count(tmp_path: Path) -> None:
    facts = FAST["facts"] | {
        "eu.high_risk": False,
        "eu.digital_product": False,
        "eu.personal_breach": True,
        "eu.high_risk_to_persons": False,
    }
    found, _ = measured(tmp_path, [FAST | {"facts": facts}], deployment={"jurisdictions": ["CN", "FR"]})
    assert unowned(found) == 1
    assert "data protection authority" in found.warnings[0].text.en


def test_nothing_is_measured_without_a_drill_or_a_place(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="no drill"):
        measured(tmp_path / "a", [])
    with pytest.raises(UnavailableError, match="not stated"):
        measured(tmp_path / "b", [DRILL], deployment={})


def test_nobody_is_told_before_it_is_noticed() -> None:
    early = DRILL | {"notifications": [DRILL["notifications"][0] | {"at": "2026-09-01T09:29:59+08:00"}]}
    with pytest.raises(DescriptionError) as caught:
        parse_register(json.dumps([early]).encode(), "d.yaml", IncidentDrill)
    assert "told before it was noticed" in caught.value.render("en")
