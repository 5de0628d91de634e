"""The bill of materials lists the system's parts by digest, and attests what was found."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.evidence.projections.made import FILES, source
from touchstone.evidence.projections.cyclonedx.bom import bill_of_materials
from touchstone.evidence.projections.cyclonedx.references import broken_bom_references


@pytest.fixture(scope="module")
def bom() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(bill_of_materials(source(), "1.6"))
    return document


def named(bom: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {component["bom-ref"]: component for component in bom["components"]}


def digest(path: str) -> str:
    return next(file.digest for file in FILES if file.path == path).removeprefix("sha256:")


def test_the_editions_differ_in_their_name_only(bom: dict[str, Any]) -> None:
    later = json.loads(bill_of_materials(source(), "1.7"))
    assert {key for key in bom if bom[key] != later[key]} == {"$schema", "specVersion", "serialNumber"}


def test_references_are_whole(bom: dict[str, Any]) -> None:
    assert broken_bom_references(bom) == ()


def test_files_and_single_file_data_sets_have_their_hashes(bom: dict[str, Any]) -> None:
    components = named(bom)
    for reference, path in {
        "model": "model/m.onnx",
        "data:test": "data/test.csv",
        "file:model/pre processing.pkl": "model/pre processing.pkl",
    }.items():
        assert components[reference]["hashes"] == [{"alg": "SHA-256", "content": digest(path)}]
    assert "hashes" not in components["data:train"]


def test_a_data_set_of_many_files_has_one_digest_over_all(bom: dict[str, Any]) -> None:
    (value,) = [
        each["value"] for each in named(bom)["data:train"]["properties"] if each["name"] == "touchstone:folder-digest"
    ]
    assert value.startswith("sha256:")


def test_declared_parts_become_components_and_services(bom: dict[str, Any]) -> None:
    components = named(bom)
    assert components["declared:0"]["type"] == "library"
    assert components["declared:1"]["type"] == "device"
    assert {"name": "touchstone:origin", "value": "US"} in components["declared:1"]["properties"]
    assert [service["name"] for service in bom["services"]] == ["cloud"]


def test_the_model_card_carries_the_measurements_as_text(bom: dict[str, Any]) -> None:
    card = named(bom)["model"]["modelCard"]
    assert {
        "type": "model.performance:accuracy (share)",
        "value": "0.95",
        "confidenceInterval": {"lowerBound": "0.94", "upperBound": "0.96"},
    } in card["quantitativeAnalysis"]["performanceMetrics"]
    assert card["modelParameters"]["datasets"] == [{"ref": "data:train"}]
    assert card["considerations"]["useCases"] == ["Warns of failing pumps."]


def test_only_what_was_decided_has_a_score(bom: dict[str, Any]) -> None:
    (attestation,) = bom["declarations"]["attestations"]
    scores = {each["requirement"]: each["conformance"].get("score") for each in attestation["map"]}
    assert scores == {
        "requirement:MI-01": 0,
        "requirement:EV-01": 1,
        "requirement:EV-02": None,
        "requirement:SR-01": None,
        "requirement:GA-01": None,
    }


def test_a_failure_is_a_counter_claim_with_counter_evidence(bom: dict[str, Any]) -> None:
    mapping = {each["requirement"]: each for each in bom["declarations"]["attestations"][0]["map"]}
    claims = {claim["bom-ref"]: claim for claim in bom["declarations"]["claims"]}
    assert mapping["requirement:MI-01"]["counterClaims"] == ["claim:MI-01"]
    assert mapping["requirement:EV-01"]["claims"] == ["claim:EV-01"]
    assert claims["claim:MI-01"]["counterEvidence"]
    assert "evidence" not in claims["claim:MI-01"]
    assert claims["claim:EV-01"]["evidence"]


def test_the_standard_lists_every_control_also_those_that_do_not_apply(bom: dict[str, Any]) -> None:
    (standard,) = bom["definitions"]["standards"]
    assert [each["identifier"] for each in standard["requirements"]] == [
        "MI-01",
        "EV-01",
        "EV-02",
        "SR-01",
        "GA-01",
        "DS-08",
    ]


def test_who_assessed_is_not_guessed(bom: dict[str, Any]) -> None:
    (assessor,) = bom["declarations"]["assessors"]
    assert "thirdParty" not in assessor
