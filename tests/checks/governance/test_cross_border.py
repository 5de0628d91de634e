"""A flow abroad counts as lawful only when the table decides it and a filing covers it."""

from __future__ import annotations

import json
import random
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.checks.governance.registered import registered
from tests.checks.running import InProcessRun, codes, metric
from touchstone.canonical import canonical_json, digest_of
from touchstone.checks.declaration import Measurement, Parameters
from touchstone.checks.governance.cross_border import cross_border
from touchstone.checks.governance.flow_decisions import Declared, decide_flows
from touchstone.errors import DescriptionError, UnavailableError
from touchstone.standard.decision_table import AtLeast
from touchstone.standard.law import decision_tables
from touchstone.system.registers.filings import Filing
from touchstone.system.registers.flows import Flow
from touchstone.system.registers.reading import parse_register

FLOW: dict[str, Any] = {
    "id": "F-1",
    "what": "updates of the model",
    "day": "2026-03-02",
    "way": "sent",
    "origin": "CN",
    "country": "DE",
    "recipient": "Example Research GmbH",
    "kind": "general",
    "purpose": "other",
    "necessary": False,
    "personal": True,
    "persons": 1_000,
    "sensitive_persons": 0,
    "important": False,
    "exporter_cii": False,
    "foreign_only": False,
    "off_negative_list": False,
    "foreign_authority": False,
    "genetic_persons": 0,
}
CONTRACT: dict[str, Any] = {
    "id": "SC-1",
    "kind": "standard_contract",
    "reference": "2026-0001",
    "recipients": ["Example Research GmbH"],
    "kinds": ["general"],
    "persons": 500_000,
    "sensitive_persons": 0,
    "valid_from": "2026-01-05",
    "valid_until": "2028-01-04",
    "filed": "2026-01-12",
}


def measured(
    folder: Path, flows: list[dict[str, Any]], filings: list[dict[str, Any]] | None = None, **rest: Any
) -> tuple[Measurement, InProcessRun]:
    run = InProcessRun()
    registers = {"flows": flows} | ({} if filings is None else {"filings": filings})
    return cross_border.function(registered(folder, registers, **rest), Parameters(), run), run


def without(found: Measurement) -> int:
    return int(metric(found, "flows_without_valid_basis").value)


def test_a_small_flow_is_exempt_and_the_record_says_why(tmp_path: Path) -> None:
    found, run = measured(tmp_path, [FLOW])
    assert without(found) == 0
    assert codes(found) == ["confidence-of-the-law"]
    assert "not legal advice" in found.warnings[0].text.en
    assert all(control.passed for control in found.controls)
    assert [control.kind for control in found.controls].count("planted") == 21
    record = json.loads(run.kept["decision_record.json"])
    assert canonical_json(record) == run.kept["decision_record.json"]
    (flow,) = record["flows"]
    assert (flow["outcome"], flow["valid_basis"], flow["confidence"]) == ("exempt", True, "A")
    assert [(rule["id"], rule["article"]) for rule in flow["fired"]] == [("R18", "Art. 5(1)(iv)")]
    assert flow["facts"]["count.persons"] == 1_000
    assert [duty["id"] for duty in flow["duties"]] == ["notice", "separate_consent", "impact_assessment"]
    assert "not legal advice" in record["advice"]["en"]


LARGE = {**FLOW, "persons": 200_000, "filings": ["SC-1"]}


def test_a_filed_contract_covers_its_flow(tmp_path: Path) -> None:
    found, _ = measured(tmp_path, [LARGE], [CONTRACT])
    assert without(found) == 0


@pytest.mark.parametrize(
    ("flow", "contract", "said"),
    [
        ({"filings": []}, {}, "names no filing of kind standard_contract"),
        ({"recipient": "Somebody Else"}, {}, "does not cover the recipient"),
        ({"kind": "health_record"}, {}, "does not cover health_record"),
        ({"day": "2026-01-04"}, {}, "began before SC-1 held"),
        ({"until": "2026-06-30"}, {"valid_until": "2026-06-29"}, "ended on 2026-06-29"),
        ({}, {"persons": 199_999}, "covers 199999 persons a year, and 200000 rest on it"),
        ({}, {"filed": None}, "not filed within 10 working days"),
        ({}, {"kind": "approval"}, "names no filing of kind"),
        ({}, {"receipt": "receipt.pdf"}, "receipt of SC-1 was not handed in"),
        ({"exporter_cii": True}, {}, "security assessment needed"),
        ({"persons": 1_000_000}, {"persons": None}, "security assessment needed"),
    ],
)
def test_a_contract_covers_nothing_else(
    tmp_path: Path, flow: dict[str, Any], contract: dict[str, Any], said: str
) -> None:
    found, _ = measured(tmp_path, [LARGE | flow], [CONTRACT | contract])
    assert without(found) == 1
    assert codes(found)[0] == "not-covered"
    assert said in found.warnings[0].text.en


@pytest.mark.parametrize(
    ("flow", "contract", "covered"),
    [
        ({"day": "2026-01-05"}, {}, True),
        ({"until": "2026-06-30"}, {"valid_until": "2026-06-30"}, True),
        ({"day": "2026-03-16"}, {"valid_from": "2026-03-02", "filed": None}, True),
        ({"day": "2026-03-17"}, {"valid_from": "2026-03-02", "filed": None}, False),
        ({"day": "2026-03-03", "until": "2026-12-31"}, {"valid_from": "2026-03-02", "filed": "2026-03-16"}, True),
        ({"day": "2026-03-03", "until": "2026-12-31"}, {"valid_from": "2026-03-02", "filed": "2026-03-17"}, False),
        ({"day": "2026-03-16"}, {"valid_from": "2026-03-02", "filed": "2026-05-04"}, True),
        ({"day": "2026-05-03"}, {"valid_from": "2026-03-02", "filed": "2026-05-04"}, False),
        ({"day": "2026-05-04"}, {"valid_from": "2026-03-02", "filed": "2026-05-04"}, True),
    ],
)
def test_days_count_to_the_day(tmp_path: Path, flow: dict[str, Any], contract: dict[str, Any], covered: bool) -> None:
    assert without(measured(tmp_path, [LARGE | flow], [CONTRACT | contract])[0]) == (0 if covered else 1)


def test_capitals_make_no_other_recipient(tmp_path: Path) -> None:
    assert without(measured(tmp_path, [LARGE | {"recipient": "EXAMPLE  Ｒesearch gmbh"}], [CONTRACT])[0]) == 0


def test_an_assessment_lasts_three_years_whatever_the_register_says(tmp_path: Path) -> None:
    assessment = {**CONTRACT, "kind": "security_assessment", "persons": None, "valid_until": "2039-01-01"}
    flow = {**LARGE, "persons": 2_000_000}
    early = {**assessment, "valid_from": "2023-03-01"}
    assert without(measured(tmp_path / "a", [flow], [assessment])[0]) == 0
    found, _ = measured(tmp_path / "b", [flow], [early])
    assert "ended on 2026-03-01" in found.warnings[0].text.en


def test_what_is_unknown_blocks_and_the_question_is_named(tmp_path: Path) -> None:
    found, _ = measured(tmp_path, [{name: value for name, value in FLOW.items() if name != "important"}])
    assert without(found) == 1
    assert codes(found)[0] == "fact-missing"
    assert "F-1: data.important: Does the flow hold important data?" in found.warnings[0].text.en


def test_the_description_answers_what_holds_for_every_flow(tmp_path: Path) -> None:
    flow = {name: value for name, value in FLOW.items() if name not in ("important", "exporter_cii")}
    facts = {"data.important": "none", "deploy.cii": False}
    assert without(measured(tmp_path / "a", [flow], facts=facts)[0]) == 0
    assert without(measured(tmp_path / "b", [flow], facts=facts | {"deploy.cii": True})[0]) == 1


def test_the_description_is_not_contradicted(tmp_path: Path) -> None:
    found, _ = measured(tmp_path / "a", [FLOW], facts={"deploy.cii": True})
    assert codes(found)[0] == "contradicts-description"
    table = {
        "path": "t.csv",
        "format": "csv",
        "target": "y",
        "origin": "made for a test",
        "personal_information": ["resident-id"],
    }
    files = {"t.csv": b"a,y\n1,healthy\n"}
    flow = FLOW | {"data_sets": ["train"]}
    found, _ = measured(tmp_path / "b", [flow], data={"train": table}, files=files)
    assert codes(found)[0] == "contradicts-data-set"
    impersonal = {**flow, "personal": False, "persons": None, "sensitive_persons": None}
    found, _ = measured(tmp_path / "c", [impersonal], data={"train": table}, files=files)
    assert codes(found)[0] == "contradicts-data-set"
    assert without(found) == 1


def test_an_empty_register_of_a_system_that_exports_is_a_contradiction(tmp_path: Path) -> None:
    found, _ = measured(tmp_path / "a", [], facts={"data.exported": True})
    assert (without(found), codes(found)) == (1, ["export-not-recorded"])
    system = {
        "name": "s",
        "version": "1",
        "supplier": {"name": "Nobody", "country": "CN"},
        "intended_use": "tests",
        "sector": "other",
        "synthetic": True,
    }
    abroad = {"system": system, "deployment": {"jurisdictions": ["CN", "SG"]}}
    found, _ = measured(tmp_path / "b", [], **abroad)
    assert (without(found), codes(found)) == (1, ["no-flow-to-country"])
    known, _ = measured(tmp_path / "known", [FLOW])
    found, _ = measured(tmp_path / "c", [FLOW], **abroad)
    assert codes(found)[0] == "no-flow-to-country"
    assert without(found) == without(known) + 1, "a flow elsewhere says nothing of this country"
    with pytest.raises(UnavailableError):
        measured(tmp_path / "d", [])


def test_from_where_no_table_decides_nothing_is_passed(tmp_path: Path) -> None:
    found, _ = measured(tmp_path, [FLOW | {"origin": "US"}])
    assert (without(found), codes(found)[0]) == (1, "no-law-for-origin")


def test_names_that_lead_nowhere_or_to_several(tmp_path: Path) -> None:
    assert codes(measured(tmp_path / "a", [FLOW, FLOW])[0])[0] == "flow-name-twice"
    assert codes(measured(tmp_path / "b", [FLOW | {"filings": ["SC-9"]}])[0])[0] == "filing-unknown"
    assert codes(measured(tmp_path / "c", [LARGE], [CONTRACT, CONTRACT])[0])[0] == "filing-name-twice"


def test_human_genetic_data_need_their_review(tmp_path: Path) -> None:
    flow = FLOW | {"kind": "human_genetic", "genetic_persons": 501, "filings": ["REV", "REP"]}
    review = {**CONTRACT, "id": "REV", "kind": "hgr_security_review", "kinds": ["human_genetic"]}
    report = {**review, "id": "REP", "kind": "hgr_filing"}
    found, _ = measured(tmp_path / "a", [flow], [review, report])
    assert (without(found), metric(found, "hgr_security_review_done").value) == (0, 1)
    for name, changes in (("b", {}), ("c", {"genetic_persons": None})):
        found, _ = measured(tmp_path / name, [flow | changes], [report])
        assert (without(found), metric(found, "hgr_security_review_done").value) == (1, 0)
    found, _ = measured(tmp_path / "d", [FLOW])
    assert (metric(found, "hgr_security_review_done").value, metric(found, "hgr_security_review_done").n) == (1, 0)


def flow(**changes: Any) -> Flow:
    return Flow.model_validate(FLOW | changes)


def counters(*flows: Flow) -> list[object]:
    decided = decide_flows(flows, decision_tables(), Declared())
    return [each.facts["count.persons"] for each in decided]


def test_counters_begin_again_on_the_first_of_january() -> None:
    assert counters(flow(day="2025-12-31"), flow(day="2026-01-01"), flow(day="2026-01-02")) == [1_000, 1_000, 2_000]


def test_a_flow_that_lasts_is_decided_with_all_of_its_time() -> None:
    assert counters(flow(day="2026-01-02", until="2026-12-31"), flow(day="2026-06-01")) == [2_000, 2_000]


def test_exempt_flows_are_not_counted_but_small_ones_are() -> None:
    staff = flow(purpose="cross_border_hr", necessary=True, persons=900_000)
    assert counters(staff, flow(), flow(day="2026-05-01")) == [1_000, 1_000, 2_000]


def test_nobody_escapes_the_count_by_not_answering() -> None:
    maybe = flow(purpose="cross_border_hr", necessary=None, persons=900_000)
    assert counters(maybe, flow()) == [901_000, 901_000]
    assert counters(flow(persons=None, day="2026-01-02"), flow())[1] == AtLeast(1_000)


def test_splitting_among_recipients_saves_nothing() -> None:
    parts = [flow(id=f"F-{n}", recipient=f"R {n}", persons=60_000) for n in range(2)]
    assert [each.outcome for each in decide_flows(parts, decision_tables(), Declared())] == [
        "standard_contract_or_certification"
    ] * 2


@given(
    st.lists(
        st.tuples(st.sampled_from(["2026-02-01", "2026-02-02", "2027-01-01"]), st.integers(0, 80_000)), max_size=8
    ),
    st.randoms(use_true_random=False),
)
def test_the_order_of_the_register_does_not_matter(drawn: list[tuple[str, int]], lot: random.Random) -> None:
    flows = [flow(id=f"F-{n}", day=day, persons=persons) for n, (day, persons) in enumerate(drawn)]
    shuffled = lot.sample(flows, len(flows))
    one = {each.flow.id: each.outcome for each in decide_flows(flows, decision_tables(), Declared())}
    other = {each.flow.id: each.outcome for each in decide_flows(shuffled, decision_tables(), Declared())}
    assert one == other


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"until": "2026-03-01"}, "`until` must not come before `day`"),
        ({"until": "2027-01-01"}, "lie in the same year"),
        ({"personal": False}, "states persons but holds no personal information"),
        ({"origin": "China"}, "an ISO 3166 code"),
    ],
)
def test_a_flow_that_contradicts_itself_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(DescriptionError) as caught:
        parse_register(json.dumps([FLOW | changes]).encode(), "flows.yaml", Flow)
    assert said in caught.value.render("en")


def test_a_filing_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(DescriptionError) as caught:
        parse_register(json.dumps([CONTRACT | {"valid_until": "2026-01-04"}]).encode(), "f.yaml", Filing)
    assert "`valid_until` comes before `valid_from`" in caught.value.render("en")


def test_the_result_depends_on_nothing_but_the_registers(tmp_path: Path) -> None:
    one, other = measured(tmp_path / "a", [FLOW])[1], measured(tmp_path / "b", [FLOW])[1]
    assert digest_of(one.kept["decision_record.json"]) == digest_of(other.kept["decision_record.json"])
    assert date.fromisoformat(json.loads(one.kept["decision_record.json"])["records_reach"]) == date(2026, 3, 2)
