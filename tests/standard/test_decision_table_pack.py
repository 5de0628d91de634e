"""Our table of exports decides as the law's boundaries say, and a table that could not be defended is refused."""

from __future__ import annotations

import json
from itertools import product
from typing import Any

import pytest

from touchstone.documents import parse_yaml
from touchstone.errors import StandardError
from touchstone.standard.decision_table import ASK, Decision, Fact
from touchstone.standard.decision_table_pack import LawTable, read_decision_table
from touchstone.standard.law import decision_tables

CHINA = decision_tables()["CN"]
ORDINARY: dict[str, Fact] = {
    "exporter.cii": False,
    "data.personal": True,
    "data.important": False,
    "origin.foreign_only": False,
    "purpose": "other",
    "necessary": True,
    "ftz.off_negative_list": False,
    "recipient.foreign_authority": False,
    "count.persons": 5,
    "count.sensitive_persons": 0,
    "data.kind": "general",
    "hgr.persons": 0,
}


def decided(**changes: Fact) -> Decision:
    return CHINA.table.decide(ORDINARY | {name.replace("__", "."): value for name, value in changes.items()})


@pytest.mark.parametrize(
    ("persons", "sensitive", "outcome"),
    [
        (99_999, 0, "exempt"),
        (100_000, 0, "standard_contract_or_certification"),
        (999_999, 0, "standard_contract_or_certification"),
        (1_000_000, 0, "security_assessment"),
        (0, 1, "standard_contract_or_certification"),
        (0, 9_999, "standard_contract_or_certification"),
        (0, 10_000, "security_assessment"),
        (99_999, 9_999, "standard_contract_or_certification"),
    ],
)
def test_the_thresholds_of_the_2024_provisions(persons: int, sensitive: int, outcome: str) -> None:
    assert decided(count__persons=persons, count__sensitive_persons=sensitive).outcome == outcome


@pytest.mark.parametrize(
    ("changes", "outcome", "rule"),
    [
        ({"exporter__cii": True}, "security_assessment", "R13"),
        ({"exporter__cii": True, "purpose": "cross_border_hr"}, "exempt", "R11"),
        ({"exporter__cii": True, "purpose": "cross_border_hr", "necessary": False}, "security_assessment", "R13"),
        ({"data__important": True, "purpose": "emergency"}, "security_assessment", "R06"),
        ({"origin__foreign_only": True, "count__persons": 5_000_000}, "exempt", "R05"),
        ({"recipient__foreign_authority": True}, "forbidden_without_approval", "R01"),
        ({"data__kind": "mapping", "data__personal": False}, "forbidden_without_approval", "R02"),
        ({"data__personal": False}, "exempt", "R08"),
        ({"ftz__off_negative_list": True, "count__persons": 2_000_000}, "exempt", "R09"),
    ],
)
def test_each_article_decides_its_case(changes: dict[str, Fact], outcome: str, rule: str) -> None:
    decision = decided(**changes)
    assert (decision.outcome, decision.fired[-1].id) == (outcome, rule)


def test_human_genetic_data_need_their_own_filing_beside_the_rest() -> None:
    assert decided(data__kind="human_genetic", hgr__persons=500).adds == ("hgr_filing_and_backup",)
    more = decided(data__kind="human_genetic", hgr__persons=501)
    assert (more.outcome, more.adds) == ("exempt", ("security_review_hgr", "hgr_filing_and_backup"))
    assert decided(data__kind="human_genetic", hgr__persons=None).outcome == ASK


def test_unknown_important_data_are_asked_about_first() -> None:
    decision = decided(data__important=None)
    assert decision.outcome == ASK
    assert [each.name for each in decision.questions] == ["data.important"]
    assert decided(data__important=None, exporter__cii=True).outcome == "security_assessment"


def test_duties_stay_with_exempt_flows() -> None:
    assert decided().outcome == "exempt"
    assert decided().duties == ("notice", "separate_consent", "impact_assessment")
    assert decided(data__personal=False).duties == ()
    assert "treat_as_personal" in decided(data__kind="model_update", data__personal=False).duties


def test_every_case_is_decided_by_exactly_one_rule() -> None:
    """All 36,864 combinations of values, tried one after the other."""
    table = CHINA.table
    rules = [rule for rule in table.rules if not rule.goes_on]
    names = [name for name in table.inputs if name != "hgr.persons"]
    seen, cases = set(), 0
    for values in product(*(table.inputs[name].values for name in names)):
        case = dict(zip(names, values, strict=True))
        seen.add(next(rule.id for rule in rules if all(case[name] in wanted for name, wanted in rule.when.items())))
        cases += 1
    assert cases == 36_864
    assert seen == {rule.id for rule in rules}


MINIMAL: dict[str, Any] = {
    "schema": "touchstone.decision-table/v1",
    "id": "small",
    "title": {"en": "small", "zh": "小表"},
    "territory": "CN",
    "as_of": "2026-11-23",
    "recheck_by": "2027-05-23",
    "inputs": {
        "personal": {"values": "bool", "question": {"en": "personal?", "zh": "个人信息？"}},
        "count": {"values": "count", "counter": True, "question": {"en": "how many?", "zh": "多少？"}},
    },
    "outcomes": {
        "exempt": {"title": {"en": "exempt", "zh": "豁免"}},
        "contract": {"title": {"en": "contract", "zh": "合同"}, "accepts": ["contract"]},
    },
    "filings": {"contract": {"title": {"en": "contract", "zh": "合同"}}},
    "duties": {"notice": {"en": "notice", "zh": "告知"}},
    "rules": [],
    "overlays": [],
}


def rule(name: str, priority: int, outcome: str, when: dict[str, object], **rest: object) -> dict[str, Any]:
    basis = {"ref": "pipl", "at": "Art. 38", "confidence": "B", "says": {"en": "says so", "zh": "如此规定"}}
    return {"id": name, "priority": priority, "outcome": outcome, "when": when, "basis": basis, **rest}


FINE = [rule("few", 5, "exempt", {"count": "<5"}), rule("rest", 0, "contract", {})]


def read(rules: list[dict[str, Any]], **changes: Any) -> LawTable:
    content = json.dumps(MINIMAL | {"rules": rules} | changes, ensure_ascii=False, indent=1)  # JSON is YAML
    return read_decision_table(parse_yaml(content.encode(), "t.yaml"), ["pipl"])


def test_numbers_are_cut_where_conditions_name_them() -> None:
    table = read([rule("some", 5, "exempt", {"count": "3..7"}), rule("rest", 0, "contract", {})]).table
    assert [str(value) for value in table.inputs["count"].values] == ["0..2", "3..7", "8.."]
    assert [table.decide({"count": each}).outcome for each in (2, 3, 7, 8)] == [
        "contract",
        "exempt",
        "exempt",
        "contract",
    ]


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ([rule("a", 5, "exempt", {"count": "<0"}), rule("b", 0, "contract", {})], "is no comparison of numbers"),
        ([rule("a", 5, "exempt", {"count": "about 5"}), rule("b", 0, "contract", {})], "is no comparison of numbers"),
        ([rule("a", 5, "exempt", {"personal": "yes"}), rule("b", 0, "contract", {})], "is not a value of this input"),
        ([rule("a", 5, "exempt", {"colour": True}), rule("b", 0, "contract", {})], "colour is not declared"),
        ([rule("a", 5, "pardon", {}), rule("b", 0, "contract", {})], "pardon is not declared"),
        ([*FINE, rule("rest", 0, "contract", {})], "rest is defined twice"),
        ([rule("few", 5, "exempt", {"count": "<5"})], "no rule decides where count = 5.."),
        ([rule("rest", 5, "contract", {}), rule("few", 1, "exempt", {"count": "<5"})], "few can never apply"),
        (
            [rule("a", 5, "exempt", {"personal": True}), rule("b", 5, "contract", {"count": ">9"}), *FINE],
            "rules a and b have the same priority",
        ),
        (
            [
                rule("many", 9, "contract", {"count": ">9"}),
                rule("pi", 5, "exempt", {"personal": True}, counted=False),
                FINE[1],
            ],
            "whether it decides depends on count",
        ),
    ],
)
def test_a_table_that_cannot_be_defended_is_refused_with_its_line(rules: list[dict[str, object]], said: str) -> None:
    with pytest.raises(StandardError) as caught:
        read(rules)
    assert said in caught.value.render("en")
    assert caught.value.where is not None
    assert caught.value.where.startswith("t.yaml:") or said.startswith("no rule decides")


def test_names_of_filings_duties_and_documents_are_checked() -> None:
    assert read(FINE).table.decide({"count": 2}).outcome == "exempt"
    outcomes = MINIMAL["outcomes"]
    wrong_filing = {**outcomes, "contract": {**outcomes["contract"], "accepts": ["x"]}}
    for changes in (
        {"outcomes": wrong_filing},
        {"overlays": [{"id": "V", "duties": ["x"], "basis": FINE[0]["basis"]}]},
    ):
        with pytest.raises(StandardError):
            read(FINE, **changes)
    nameless = {name: value for name, value in FINE[0].items() if name != "basis"}
    for rules in ([{**FINE[0], "basis": {**FINE[0]["basis"], "ref": "no-law"}}, FINE[1]], [nameless, FINE[1]]):
        with pytest.raises(StandardError):
            read(rules)
