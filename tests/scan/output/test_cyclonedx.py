"""The bill of materials lists models with their cards, files by digest, and what they depend on."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.scan.made import digest, every_kind, file, finding, result
from tests.scan.output.documents import hub_folder, says
from touchstone.evidence.projections.cyclonedx.references import broken_bom_references
from touchstone.scan.findings import ScanResult
from touchstone.scan.output.cyclonedx import Declared, to_cyclonedx


def bom(scanned: ScanResult | None = None, declared: Declared | None = None) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(to_cyclonedx(scanned or result(*hub_folder()), "en", declared))
    return document


def named(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {component["bom-ref"]: component for component in document["components"]}


def properties(component: dict[str, Any]) -> dict[str, str]:
    return {each["name"].removeprefix("touchstone:"): each["value"] for each in component["properties"]}


def dependencies(document: dict[str, Any]) -> dict[str, list[str]]:
    return {each["ref"]: each["dependsOn"] for each in document["dependencies"]}


@pytest.mark.parametrize("scanned", [every_kind(), result(*hub_folder()), result()])
def test_references_are_whole(scanned: ScanResult) -> None:
    assert broken_bom_references(bom(scanned)) == ()


def test_every_file_is_a_component_with_its_digest() -> None:
    components = named(bom())
    for scanned in hub_folder():
        component = components[f"file:{scanned.path}"]
        assert component["hashes"] == [{"alg": "SHA-256", "content": digest(scanned.path)}]
        assert properties(component)["format"] == scanned.format


def test_a_folder_with_a_description_is_one_model() -> None:
    model = named(bom())["model:."]
    assert model["name"] == "bert-small"
    assert model["licenses"] == [{"license": {"id": "Apache-2.0"}}, {"license": {"name": "our own terms"}}]
    assert model["authors"] == [{"name": "A. Person"}]
    assert model["pedigree"]["ancestors"] == [{"type": "machine-learning-model", "name": "org/base"}]
    assert model["externalReferences"] == [{"type": "website", "url": "https://example.org/model"}]
    assert properties(model) == {"source": "somewhere else"}
    assert model["modelCard"]["modelParameters"] == {
        "task": "text-classification",
        "modelArchitecture": "BertForSequenceClassification",
        "datasets": [{"type": "dataset", "name": "imdb"}],
    }
    card = properties(model["modelCard"])
    assert (card["parameters"], card["tensors"], card["tensors-of-type"]) == ("8", "2", "F32: 2")
    assert card["hyper-parameter"] == "hidden_size=768"
    assert dependencies(bom())["model:."] == [
        "file:README.md",
        "file:config.json",
        "file:model-1.safetensors",
        "file:model-2.safetensors",
    ]


def test_a_file_that_is_a_model_is_one_by_itself() -> None:
    model = named(bom())["model:onnx/model.onnx"]
    assert model["modelCard"]["modelParameters"] == {
        "inputs": [{"format": "x: FLOAT[1, 3]"}],
        "outputs": [{"format": "y"}],
    }


def test_the_whole_depends_on_models_and_on_what_belongs_to_none() -> None:
    assert dependencies(bom())["scanned"] == [
        "file:model.safetensors.index.json",
        "file:requirements.txt",
        "model:.",
        "model:onnx/model.onnx",
    ]


def test_a_file_depends_on_those_it_makes_its_loader_read() -> None:
    assert dependencies(bom())["file:model.safetensors.index.json"] == [
        "file:model-1.safetensors",
        "file:model-2.safetensors",
    ]


def test_libraries_and_frameworks_have_their_names_and_versions() -> None:
    components = named(bom())
    assert components["pkg:pypi/torch-vision@0.24.0"]["version"] == "0.24.0"
    assert "version" not in components["pkg:pypi/numpy"]
    assert components["pkg:npm/%40huggingface/transformers@3.0.0"]["name"] == "@huggingface/transformers"
    assert components["framework:transformers 4.57.1"]["version"] == "4.57.1"
    assert dependencies(bom())["file:requirements.txt"] == [
        "pkg:npm/%40huggingface/transformers@3.0.0",
        "pkg:pypi/numpy",
        "pkg:pypi/torch-vision@0.24.0",
    ]


def test_a_known_vulnerability_that_a_rule_names_is_listed_with_the_files(monkeypatch: pytest.MonkeyPatch) -> None:
    from touchstone.scan.findings import Rule
    from touchstone.text import Text

    rule = Rule("x/y", "high", "threat", Text("Bad", "坏"), Text("Flee", "逃"), ("CWE-502", "CVE-2025-32434"))
    monkeypatch.setattr("touchstone.scan.output.json.rule_named", lambda _: rule)
    found = (finding("a.pt", "x/y", severity="high"), finding("a.pt", "x/y", severity="critical", offset=9))
    (vulnerability,) = bom(result(file("a.pt", findings=found), file("b.pt")))["vulnerabilities"]
    assert (vulnerability["id"], vulnerability["cwes"]) == ("CVE-2025-32434", [502])
    assert vulnerability["affects"] == [{"ref": "file:a.pt"}]
    assert vulnerability["ratings"][0]["severity"] == "critical"


def test_a_weakness_of_a_library_concerns_the_file_and_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    from touchstone.scan.findings import Rule
    from touchstone.text import Text

    rule = Rule(
        "dependencies/grave-weakness", "medium", "threat", Text("Weak", "弱"), Text("Update", "更新"), ("CWE-1395",)
    )
    monkeypatch.setattr("touchstone.scan.output.json.rule_named", lambda _: rule)
    told = "torch-vision ==0.24.0: CVE-2026-10000 (GHSA-2222-3333-4444) reads anything"
    requirements = hub_folder()[-1]
    found = finding(requirements.path, rule.id, shown=told, severity="medium", offset=-1)
    weak = file(requirements.path, kind="requirements", facts=requirements.facts, findings=(found,))
    document = bom(result(weak))
    (vulnerability,) = document["vulnerabilities"]
    assert vulnerability["id"] == "CVE-2026-10000"
    assert vulnerability["description"] == f"Weak. {told}"
    assert vulnerability["affects"] == [{"ref": "file:requirements.txt"}, {"ref": "pkg:pypi/torch-vision@0.24.0"}]
    assert broken_bom_references(document) == ()


def test_who_supplied_the_whole_is_as_declared() -> None:
    declared = Declared(
        {"name": "screening", "supplier": {"name": "Example Ltd."}},
        [{"bom-ref": "declared:0", "type": "library", "name": "openssl"}],
        [{"bom-ref": "declared:1", "name": "cloud"}],
    )
    document = bom(declared=declared)
    assert document["metadata"]["component"]["supplier"] == {"name": "Example Ltd."}
    assert {"declared:0", "declared:1"} <= set(dependencies(document)["scanned"])
    assert document["services"] == [{"bom-ref": "declared:1", "name": "cloud"}]
    assert broken_bom_references(document) == ()


def test_the_serial_number_follows_from_the_files() -> None:
    assert to_cyclonedx(result(*hub_folder()), "en") == to_cyclonedx(result(*hub_folder()), "en")
    assert bom()["serialNumber"] != bom(result(*hub_folder()[1:]))["serialNumber"]
    assert "timestamp" not in bom()["metadata"]


def test_absurd_facts_do_no_harm() -> None:
    facts = says("m.gguf", ("parameters", "9" * 50), ("parameters", "²"), ("licence", ""), ("framework", "1"))
    assert broken_bom_references(bom(result(file("m.gguf", kind="gguf", facts=facts)))) == ()
