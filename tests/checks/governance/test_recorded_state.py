"""What was decided on is this system if version and files are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.checks.governance.registered import MODEL, STATE, registered
from tests.system.made import data_set, describe, make
from touchstone.canonical import digest_of
from touchstone.checks.governance.recorded_state import present_state
from touchstone.system.registers.state import State

OTHER = "sha256:" + "0" * 64


@pytest.mark.parametrize(
    ("recorded", "says"),
    [
        (STATE, None),
        (STATE | {"version": "2"}, "is about version 2, not 1"),
        (STATE | {"files": {}}, "does not say which model.onnx it is about"),
        (STATE | {"files": {"model.onnx": OTHER}}, "is about another model.onnx"),
        (STATE | {"files": {"model.onnx": digest_of(MODEL), "plan.pdf": OTHER}}, "is about another plan.pdf"),
    ],
)
def test_a_state_is_told_from_others(tmp_path: Path, recorded: dict[str, Any], says: str | None) -> None:
    difference = present_state(registered(tmp_path, {})).difference(State.model_validate(recorded))
    assert (None if difference is None else difference.en) == says


def test_a_present_state_is_its_own_record(tmp_path: Path) -> None:
    state = present_state(registered(tmp_path, {}))
    assert state.difference(state.as_recorded()) is None


def test_another_spelling_of_a_path_hides_no_file(tmp_path: Path) -> None:
    description = describe(columns=["a"], format_="onnx", file="./model.onnx")
    state = present_state(make(tmp_path, description, {"model.onnx": MODEL}))
    assert state.difference(State(version="1")) is not None
    assert state.difference(State.model_validate(STATE)) is None


def test_what_runs_in_service_was_looked_at_too(tmp_path: Path) -> None:
    form = {"name": "small", "format": "onnx", "file": "small.onnx"}
    description = describe(columns=["a"], format_="onnx", file="model.onnx", deployed=[form])
    state = present_state(make(tmp_path, description, {"model.onnx": MODEL, "small.onnx": b"small"}))
    assert state.difference(State.model_validate(STATE)) is not None


def test_predictions_stand_for_a_model_that_is_not_handed_in(tmp_path: Path) -> None:
    table = b"p,target\nno,no\n"
    data = {"test": data_set("t.csv", "csv", target="target", predictions=["p"])}
    description = describe(columns=["a"], data=data, output="labels", access="predictions")
    state = present_state(make(tmp_path, description, {"t.csv": table}))
    assert state.model == ("t.csv",)
    assert state.difference(State(version="1", files={"t.csv": digest_of(table)})) is None


def test_of_a_service_only_the_version_can_be_compared(tmp_path: Path) -> None:
    description = describe(
        columns=["a"], format_="http", endpoint="http://localhost:8000", endpoint_model="m", access="labels"
    )
    state = present_state(make(tmp_path, description, {}))
    assert state.difference(State(version="1")) is None
    assert state.difference(State(version="2")) is not None
