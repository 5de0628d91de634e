"""Nobody escapes a control by denying what the description or a register shows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.system.made import describe, make
from touchstone.errors import DescriptionError
from touchstone.system.registers.kinds import REGISTERS
from touchstone.system.subject import Subject

DATA = {"path": "t.csv", "format": "csv", "origin": "made up", "target": "y"}
FLOW = {
    "id": "F-1",
    "what": "answers",
    "day": "2026-03-02",
    "way": "sent",
    "origin": "CN",
    "country": "DE",
    "recipient": "Example GmbH",
    "kind": "general",
    "purpose": "other",
}
NETWORK = {
    "zones": [{"name": "road", "trust": "low"}],
    "nodes": [{"name": "camera", "zone": "road", "kind": "edge"}],
    "flows": [],
}
ROUND = {
    "id": "R-1",
    "round": 1,
    "at": "2026-03-02T00:00:00Z",
    "invited": ["a"],
    "summed": ["a"],
    "authenticated": ["a"],
    "aggregate": "sha256:" + "0" * 64,
}


def system(folder: Path, facts: dict[str, Any], registers: dict[str, Any] | None = None, **description: Any) -> Subject:
    whole = describe(columns=["a"], format_="onnx", file="model.onnx", **description.pop("model", {}))
    whole |= {"facts": facts, "registers": {name: f"{name}.yaml" for name in registers or {}}, **description}
    files = {f"{name}.yaml": json.dumps(content).encode() for name, content in (registers or {}).items()}
    return make(folder, whole, {"model.onnx": b"model", "t.csv": b"a,y\n1,no\n", **files})


@pytest.mark.parametrize(
    ("fact", "description", "at"),
    [
        (
            "deploy.edge_devices",
            {"deployment": {"edge_devices": [{"name": "x", "kind": "camera"}]}},
            "deployment.edge_devices",
        ),
        (
            "model.converted_for_deployment",
            {"model": {"deployed": [{"name": "x", "format": "onnx", "file": "model.onnx"}]}},
            "model.deployed",
        ),
        (
            "data.personal",
            {"data": {"test": DATA | {"personal_information": ["name"]}}},
            "data.test.personal_information",
        ),
    ],
)
def test_what_the_description_shows_cannot_be_denied(
    tmp_path: Path, fact: str, description: dict[str, Any], at: str
) -> None:
    assert system(tmp_path / "silent", {}, **description).facts[fact] is True
    with pytest.raises(DescriptionError) as caught:
        system(tmp_path / "denied", {fact: False}, **description)
    assert f"facts.{fact}: is false, and {at} shows that it is true" in caught.value.render("en")
    assert "表明其为真" in caught.value.render("zh")


def test_columns_need_not_name_people(tmp_path: Path) -> None:
    data = {"test": DATA | {"sensitive": ["a"], "site": "a"}}
    denied: dict[str, Any] = {"data.groups_declared": False, "data.sites_declared": False}
    assert system(tmp_path, denied, data=data).facts["data.groups_declared"] is False


@pytest.mark.parametrize(
    ("fact", "register", "content"),
    [
        ("data.exported", "flows", [FLOW]),
        ("data.personal", "flows", [FLOW | {"persons": 3}]),
        ("deploy.edge_devices", "network", NETWORK),
        ("deploy.safety_related", "safety-concept", [{"fault": "time-out", "safe_state": "stop", "seconds": 5}]),
        ("training.federated_or_mpc", "collaboration-rounds", [ROUND]),
    ],
)
def test_what_a_register_shows_cannot_be_denied(tmp_path: Path, fact: str, register: str, content: Any) -> None:
    kind = REGISTERS[register]
    assert system(tmp_path / "silent", {}, {register: content}).register(kind)
    denied = system(tmp_path / "denied", {fact: False}, {register: content})
    with pytest.raises(DescriptionError) as caught:
        denied.register(kind)
    assert f"{register}.yaml: shows that the fact `{fact}` is true" in caught.value.render("en")
    assert "表明事实" in caught.value.render("zh")


def test_an_empty_register_shows_nothing(tmp_path: Path) -> None:
    assert system(tmp_path, {"data.exported": False}, {"flows": []}).register(REGISTERS["flows"]) == ()
