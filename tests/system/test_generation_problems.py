"""Systems that write texts: what their description needs, and what in it contradicts that."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from touchstone.errors import DescriptionError, UnavailableError
from touchstone.system.subject import Subject, open_system

ASSISTANT: dict[str, Any] = {
    "schema": "touchstone.system/v1",
    "system": {
        "name": "counter",
        "version": "1",
        "supplier": {"name": "Example Ltd."},
        "intended_use": "answers questions of citizens",
        "sector": "smart-city",
    },
    "model": {
        "format": "http",
        "task": "generation",
        "access": "labels",
        "endpoint": "http://127.0.0.1:9",
        "endpoint_model": "counter",
        "input": {"kind": "text"},
        "output": {"kind": "text"},
        "generation": {"instructions": "instructions.txt", "calls_tools": True, "unguarded_model": "bare"},
    },
    "deployment": {"endpoint_tests": {"consent": "Example Ltd.", "interfaces": ["openai-chat"]}},
}


def opened(folder: Path, **model: Any) -> Subject:
    document = {**ASSISTANT, "model": {**ASSISTANT["model"], **model}}
    return written(folder, document)


def written(folder: Path, document: dict[str, Any]) -> Subject:
    (folder / "instructions.txt").write_text("You work at the counter.", encoding="utf-8")
    (folder / "system.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
    return open_system(folder)


def test_an_assistant_opens_and_shows_what_it_is(tmp_path: Path) -> None:
    subject = opened(tmp_path)
    assert (subject.facts["model.generative"], subject.facts["model.tool_use"]) == (True, True)
    assert [file.path for file in subject.files] == ["instructions.txt"]
    with pytest.raises(UnavailableError, match="names no classes"):
        subject.model()


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ({"format": "onnx"}, "model.format: is onnx; a model that generates has http"),
        ({"output": {"kind": "labels", "labels": ["a", "b"]}}, "model.output.kind: is labels; a model that generates"),
        ({"input": {"kind": "image", "shape": [1, 2, 2]}}, "model.input.kind: is image; a model that generates"),
        ({"output": {"kind": "text", "labels": ["a", "b"]}}, "model.output.labels: has no meaning"),
        ({"access": "probabilities"}, "model.access: is probabilities, but this model gives at most labels"),
        ({"generation": {"unguarded_model": "counter"}}, "unguarded_model: is the guarded model itself"),
        ({"endpoint": "http://127.0.0.1:9/v1/"}, "model.endpoint: ends in /v1"),
        ({"task": "classification"}, "model.generation: does not belong to a model of task classification"),
        ({"task": "classification"}, "model.output.kind: is text, but the model's task is classification"),
    ],
)
def test_what_contradicts_generation_is_named(tmp_path: Path, model: dict[str, Any], said: str) -> None:
    with pytest.raises(DescriptionError) as error:
        opened(tmp_path, **model)
    assert any(said in str(problem) for problem in error.value.problems)


def test_a_denied_fact_and_the_wrong_interface_are_refused(tmp_path: Path) -> None:
    tests = {"consent": "Example Ltd."}
    document = {**ASSISTANT, "facts": {"model.generative": False}, "deployment": {"endpoint_tests": tests}}
    with pytest.raises(DescriptionError) as error:
        written(tmp_path, document)
    interface, denied = sorted(str(problem) for problem in error.value.problems)
    assert "names open-inference-v2, which generates no texts" in interface
    assert "facts.model.generative: is false, and model.task shows that it is true" in denied
