"""An acceptance counts while it runs, for the state it was given for, and not from whoever asked for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.checks.governance.registered import STATE, registered
from tests.checks.running import InProcessRun, codes, metric
from touchstone.checks.declaration import Measurement, Parameters
from touchstone.checks.governance.risk_register import risk_register
from touchstone.checks.governance.threat_families import FAMILIES, without_entry
from touchstone.errors import UnavailableError

THREATS = ["AML.T0043.004", "nistaml.013", "ML10:2023", "AML.T0024.002", "AML.T0024.000", "AML.T0010.001"]
RISK = {
    "id": "R-1",
    "title": "stickers on road signs",
    "identified": "2026-03-01",
    "owner": "P-1",
    "threats": THREATS,
    "treatment": "reduce",
    "residual": "low",
}
ACCEPTANCE = {
    "id": "A-1",
    "risk": "R-1",
    "requested_by": "P-3",
    "accepted_by": "P-2",
    "accepted": "2026-04-01",
    "until": "2027-03-31",
    "state": STATE,
    "reason": "rare and seen at once",
}


def measured(folder: Path, risks: list[dict[str, Any]], acceptances: list[dict[str, Any]], **rest: Any) -> Measurement:
    subject = registered(folder, {"risks": risks, "risk-acceptances": acceptances}, **rest)
    return risk_register.function(subject, Parameters(), InProcessRun())


def flawed(found: Measurement) -> int:
    return int(metric(found, "expired_or_orphan_acceptances").value)


def test_a_register_in_order(tmp_path: Path) -> None:
    found = measured(tmp_path, [RISK], [ACCEPTANCE])
    assert flawed(found) == 0
    assert metric(found, "acceptance_max_days").value == 364
    assert codes(found) == []
    assert all(control.passed for control in found.controls)
    assert len(found.controls) == 12


@pytest.mark.parametrize(
    ("risk", "acceptance", "code"),
    [
        ({}, {"accepted_by": "ｐ-3"}, "accepted-by-requester"),
        ({}, {"risk": "R-2"}, "risk-unknown"),
        ({}, {"state": {"version": "0.9", "files": STATE["files"]}}, "accepted-for-another-state"),
        ({}, {"until": "2026-04-15"}, None),
        ({"id": "R-1", "identified": "2026-05-01"}, {}, "accepted-before-identified"),
        ({}, {"revoked": "2026-05-01"}, "risk-not-accepted"),
        ({"residual": "none"}, {"revoked": "2026-05-01"}, None),
        ({"due": "2026-12-01"}, {"revoked": "2026-05-01"}, None),
        ({"due": "2026-04-01"}, {"revoked": "2026-05-01"}, "risk-not-accepted"),
        ({"id": "A-1"}, {"risk": "A-1"}, "name-used-twice"),
    ],
)
def test_what_does_not_hold_counts(
    tmp_path: Path, risk: dict[str, Any], acceptance: dict[str, Any], code: str | None
) -> None:
    found = measured(tmp_path, [RISK | risk], [ACCEPTANCE | acceptance])
    assert (code in codes(found)) if code else codes(found) == []
    assert (flawed(found) > 0) == (code is not None)


def test_a_risk_that_ended_needs_no_acceptance_and_stands_for_no_threat(tmp_path: Path) -> None:
    found = measured(tmp_path, [RISK | {"closed": "2026-06-01"}], [ACCEPTANCE | {"until": "2026-04-15"}])
    assert flawed(found) == 0
    assert codes(found) == ["threat-without-risk"]
    assert metric(found, "threats_without_risk").value == metric(found, "threats_without_risk").n


def test_a_risk_left_to_be_treated_for_ever_is_borne_for_ever(tmp_path: Path) -> None:
    later = RISK | {"id": "R-2", "residual": "high", "due": "2036-03-01"}
    found = measured(tmp_path / "left", [RISK, later], [ACCEPTANCE])
    assert flawed(found) == 0
    assert metric(found, "acceptance_max_days").value == 3653
    accepted = ACCEPTANCE | {"id": "A-2", "risk": "R-2"}
    found = measured(tmp_path / "accepted", [RISK, later], [ACCEPTANCE, accepted])
    assert metric(found, "acceptance_max_days").value == 364


def test_an_acceptance_ends(tmp_path: Path) -> None:
    later = RISK | {"id": "R-2", "identified": "2027-04-01", "residual": "none"}
    found = measured(tmp_path, [RISK, later], [ACCEPTANCE])
    assert codes(found) == ["acceptance-expired"]
    assert flawed(found) == 1
    assert "ended on 2027-03-31" in found.warnings[0].text.en


def test_an_acceptance_that_was_renewed_is_history(tmp_path: Path) -> None:
    old = ACCEPTANCE | {"id": "A-0", "accepted": "2026-03-02", "until": "2026-03-30", "accepted_by": "P-3"}
    found = measured(tmp_path, [RISK], [ACCEPTANCE, old])
    assert flawed(found) == 0
    assert metric(found, "acceptance_max_days").n == 1


def test_threats_that_apply_need_an_entry(tmp_path: Path) -> None:
    risk = RISK | {"threats": ["AML.T0043"]}
    found = measured(tmp_path / "a", [risk], [ACCEPTANCE])
    assert codes(found) == ["threat-without-risk"]
    assert metric(found, "threats_without_risk").value == 5
    assert flawed(found) == 0
    found = measured(tmp_path / "b", [risk], [ACCEPTANCE], facts={"data.personal": False})
    assert metric(found, "threats_without_risk").value == 4
    devices = {"deployment": {"edge_devices": [{"name": "camera", "kind": "camera"}], "endpoint": "https://a.example"}}
    found = measured(tmp_path / "c", [risk], [ACCEPTANCE], **devices)
    assert metric(found, "threats_without_risk").value == 7


def test_identifiers_stand_for_what_is_below_them_and_for_nothing_beside() -> None:
    [evasion] = [family for family in FAMILIES if family.name.en == "evasion"]
    assert evasion.covers(" aml.t0043.004 ")
    assert evasion.covers("ML01:2023")
    assert not evasion.covers("AML.T00431")
    assert not evasion.covers("ML010")
    assert without_entry(FAMILIES, [family.identifiers[0] for family in FAMILIES]) == ()


def test_an_empty_register_shows_nothing(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError):
        measured(tmp_path, [], [])
