"""Core ML: what coremltools writes is clean; classes of the application, other models and paths are found."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.scan.formats.damage import damaged, facts, made, rules, scanned
from tests.scan.formats.graphs import OUTSIDE, is_plainly_clean
from tests.scan.protobuf_writer import block, number


def model(kind: int, content: bytes) -> bytes:
    """A model of a type."""
    return number(1, 4) + block(2, block(1, block(1, "x"))) + block(kind, content)


def network(layer: bytes) -> bytes:
    """A neural network of one layer."""
    return model(500, block(1, block(1, "layer") + layer))


def pipeline(inner: bytes) -> bytes:
    """A pipeline of one model."""
    return model(202, block(1, inner))


def program(operation: bytes) -> bytes:
    """An ML program of one operation."""
    a_block = block(3, operation)
    function = block(2, "CoreML6") + block(3, block(1, "CoreML6") + block(2, a_block))
    return model(502, number(1, 1) + block(2, block(1, "main") + block(2, function)))


def blob(path: str) -> bytes:
    """An operation with weights in a file."""
    value = block(5, block(1, path) + number(2, 64))
    return block(1, "const") + block(5, block(1, "val") + block(2, value))


@pytest.mark.parametrize(("name", "weights"), [("program.mlmodel", True), ("network.mlmodel", False)])
def test_what_coremltools_writes_is_clean(name: str, weights: bool) -> None:
    result = scanned(made(name), name)
    assert result.format == "coreml"
    assert is_plainly_clean(result)
    assert {each.path for each in result.references} == ({"weights/weight.bin"} if weights else set())


def test_it_says_what_it_is() -> None:
    assert {("framework", "coreml"), ("author", "me"), ("licence", "MIT")} <= facts(made("network.mlmodel"))


@pytest.mark.parametrize("wrapping", [lambda it: it, pipeline, lambda it: pipeline(pipeline(it))])
def test_a_class_of_the_application_is_found_at_any_depth(wrapping: Callable[[bytes], bytes]) -> None:
    layer = network(block(500, block(10, "PlantedLayer")))
    for planted in (layer, model(555, block(10, "PlantedModel"))):
        result = scanned(wrapping(planted))
        assert {finding.rule for finding in result.findings} == {"coreml/custom-code"}
        assert result.verdict == "unsafe"


@pytest.mark.parametrize("path", OUTSIDE)
def test_paths_that_lead_out_are_found(path: str) -> None:
    assert rules(program(blob(path))) == {"coreml/external-path"}
    linked = model(556, block(1, block(1, block(1, path))))
    assert rules(linked) == {"coreml/external-path", "coreml/linked-model"}


def test_weights_beside_the_model_are_a_reference() -> None:
    result = scanned(program(blob("@model_path/weights/weight.bin")))
    assert is_plainly_clean(result)
    assert [each.path for each in result.references] == ["weights/weight.bin"]


def test_an_operator_nobody_knows_is_found() -> None:
    assert rules(program(block(1, "planted_operator"))) == {"coreml/unknown-operator"}
    assert rules(program(block(1, "ios15.conv"))) == set()


def test_data_that_only_apple_reads_is_a_gap() -> None:
    for opaque in (model(3000, block(1, "x") + block(2, b"model")), model(2000, block(100, b"x"))):
        assert [gap.code for gap in scanned(opaque).gaps] == ["format"]


def test_bytes_behind_the_model_are_never_clean() -> None:
    assert scanned(made("network.mlmodel") + b"\x00planted").verdict == "incomplete"


@settings(max_examples=100)
@given(st.data())
def test_damage_never_breaks_the_reader(data: st.DataObject) -> None:
    scanned(data.draw(damaged(made("network.mlmodel"))), "model.mlmodel")
