import contextlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.system import onnx_writer as onnx
from touchstone.errors import ArtifactError
from touchstone.system.models.onnx_structure import DEEPEST, TensorDescription, read_onnx_structure

WEIGHTS = np.ones((3, 2), dtype=np.float32)
BIAS = np.zeros(2, dtype=np.float32)
CLASSIFIER = onnx.linear_classifier(WEIGHTS, BIAS)


def one_node(node: bytes, **rest: object) -> bytes:
    return onnx.model(onnx.graph([node], [onnx.value("x", ["n", 3])], [onnx.value("y", ["n", 3])], **rest))


def test_a_classifier_is_described() -> None:
    structure = read_onnx_structure(CLASSIFIER, "m.onnx")
    assert structure.inputs == (TensorDescription("x", "float32", (None, 3)),)
    assert structure.outputs == (TensorDescription("y", "float32", (None, 2)),)
    assert structure.operators == (("ai.onnx", "Gemm"), ("ai.onnx", "Softmax"))
    assert structure.opsets == {"ai.onnx": 17}
    assert structure.external_data == ()
    assert structure.producer == "test"


def test_an_input_with_a_default_is_no_input() -> None:
    graph = onnx.graph(
        [onnx.node("Gemm", ["x", "W", "b"], ["y"])],
        [onnx.value("x", ["n", 3]), onnx.value("W", [3, 2])],
        [onnx.value("y", ["n", 2])],
        [onnx.tensor("W", WEIGHTS), onnx.tensor("b", BIAS)],
    )
    assert [tensor.name for tensor in read_onnx_structure(onnx.model(graph), "m").inputs] == ["x"]


def test_external_data_are_found_wherever_they_hide() -> None:
    outside = onnx.external_tensor("w", "../../etc/passwd")
    constant = onnx.node("Constant", [], ["c"], onnx.tensor_attribute("value", outside))
    branch = onnx.graph([constant], [], [onnx.value("c", None)])
    nested = onnx.node("If", ["x"], ["y"], onnx.graph_attribute("then_branch", branch))
    function = onnx.block(1, "F") + onnx.block(10, "mine") + onnx.block(7, constant)
    for data in (
        one_node(onnx.node("Relu", ["x"], ["y"]), weights=[outside]),
        one_node(constant),
        one_node(nested),
        onnx.model(onnx.graph([], [], []), functions=[function]),
    ):
        assert read_onnx_structure(data, "m").external_data == ("../../etc/passwd",)


def test_external_data_without_a_place_still_count() -> None:
    hidden = onnx.block(8, "w") + onnx.number(14, 1)
    data = one_node(onnx.node("Relu", ["x"], ["y"]), weights=[hidden])
    assert read_onnx_structure(data, "m").external_data == ("(w)",)


def test_functions_of_the_file_are_named() -> None:
    function = onnx.block(1, "F") + onnx.block(10, "mine") + onnx.block(7, onnx.node("Relu", ["a"], ["b"]))
    data = onnx.model(onnx.graph([onnx.node("F", ["x"], ["y"], domain="mine")], [], []), functions=[function])
    structure = read_onnx_structure(data, "m")
    assert structure.functions == (("mine", "F"),)
    assert structure.operators == (("ai.onnx", "Relu"), ("mine", "F"))


def test_graphs_nested_too_deep_are_refused() -> None:
    graph = onnx.graph([], [], [])
    for _ in range(DEEPEST + 1):
        graph = onnx.graph([onnx.node("If", [], [], onnx.graph_attribute("then_branch", graph))], [], [])
    with pytest.raises(ArtifactError, match="nests graphs deeper"):
        read_onnx_structure(onnx.model(graph), "m")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x80\x04\x95.",
        b"not a model at all",
        b"\x08\x08",
        b"\xff" * 40,
        CLASSIFIER[:-3],
        onnx.number(1, 8) + onnx.number(7, 5),
        onnx.varint(7 << 3 | 3),
        onnx.varint(0) + b"\x00",
        onnx.number(1, 8) + onnx.block(7, onnx.block(1, onnx.block(4, b"\xff\xfe"))),
    ],
)
def test_what_is_no_model_is_refused(data: bytes) -> None:
    with pytest.raises(ArtifactError, match=r"^m\.onnx: "):
        read_onnx_structure(data, "m.onnx")


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300))
def test_arbitrary_bytes_raise_nothing_else(data: bytes) -> None:
    with contextlib.suppress(ArtifactError):
        read_onnx_structure(data, "m")


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(CLASSIFIER) - 1), st.binary(min_size=1, max_size=6), st.booleans())
def test_a_damaged_model_raises_nothing_else(place: int, patch: bytes, insert: bool) -> None:
    rest = CLASSIFIER[place if insert else place + len(patch) :]
    with contextlib.suppress(ArtifactError):
        read_onnx_structure(CLASSIFIER[:place] + patch + rest, "m")
