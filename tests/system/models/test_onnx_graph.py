"""Reading a graph from the bytes of its file."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tests.system import onnx_writer as onnx
from touchstone.errors import ArtifactError
from touchstone.system.models.onnx_graph import MOST_NODES, OnnxGraph, read_onnx_graph


def read(
    nodes: list[bytes], weights: list[bytes] | None = None, inputs: list[bytes] | None = None, rest: bytes = b""
) -> OnnxGraph:
    ends = inputs or [onnx.value("x", ["n", 3])], [onnx.value("y", ["n", 3])]
    return read_onnx_graph(onnx.model(onnx.graph(nodes, *ends, weights or [])) + rest, "m.onnx")


RELU = onnx.operator("Relu", ["x"], ["y"])


@settings(max_examples=150, deadline=None)
@given(
    arrays.arrays(
        st.sampled_from(["float32", "float64", "float16", "int64", "int32", "uint8", "int8", "bool"]),
        arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
    )
)
def test_a_constant_reads_the_same_from_both_ways_to_write_it(values: np.ndarray) -> None:
    graph = read([RELU], [onnx.array("raw", values), onnx.listed("typed", values)])
    for name in ("raw", "typed"):
        found = graph.constants[name]
        assert found.dtype == values.dtype
        assert found.shape == values.shape
        assert np.array_equal(found, values, equal_nan=values.dtype.kind == "f")


def test_a_node_is_read() -> None:
    node = onnx.operator(
        *("Made", ["x", "", "w"], ["y", "z"], "com.microsoft"),
        number=0.5,
        count=-3,
        word="same",
        numbers=[0.5, 2.0],
        counts=[1, -1],
        words=["a", "b"],
        values=np.float32([1, 2]),
    )
    (found,) = read([node]).nodes
    assert found.title == "com.microsoft::Made"
    assert found.inputs == ("x", "", "w")
    assert found.outputs == ("y", "z")
    values = found.attributes.pop("values")
    assert np.array_equal(np.asarray(values), [1, 2])
    assert found.attributes == {
        "number": 0.5,
        "count": -3,
        "word": "same",
        "numbers": (0.5, 2.0),
        "counts": (1, -1),
        "words": ("a", "b"),
    }


def test_an_attribute_without_a_kind_is_read_by_its_content() -> None:
    bare = onnx.block(1, "axes") + onnx.number(8, 1) + onnx.number(8, 2)
    packed = onnx.block(1, "packed") + onnx.block(8, onnx.varint(3) + onnx.varint(4))
    (found,) = read([onnx.node("Made", ["x"], ["y"], bare, packed)]).nodes
    assert found.attributes == {"axes": (1, 2), "packed": (3, 4)}


def test_an_input_with_a_default_need_not_be_given() -> None:
    inputs = [onnx.value("x", ["n", 3]), onnx.value("w", [3])]
    graph = read([RELU], [onnx.array("w", np.float32([1, 2, 3]))], inputs)
    assert graph.sources == ("x",)
    assert graph.outputs == ("y",)


def test_texts_and_graphs_within_are_passed_over() -> None:
    texts = onnx.number(1, 1) + onnx.number(2, onnx.STRING) + onnx.block(6, b"a") + onnx.block(8, "names")
    branch = onnx.graph_attribute("then_branch", onnx.graph([RELU], [], []))
    graph = read([onnx.node("If", ["x"], ["y"], branch)], [texts])
    assert graph.constants == {}
    assert graph.nodes[0].attributes == {}


CLAIMS_MORE = onnx.number(1, 2**40) + onnx.number(2, 1) + onnx.block(8, "w") + onnx.block(9, b"\0" * 8)
NEGATIVE = onnx.number(1, -2) + onnx.number(1, -2) + onnx.number(2, 1) + onnx.block(8, "w") + onnx.block(9, b"\0" * 16)
HALF = onnx.number(1, 1) + onnx.number(2, 1) + onnx.block(8, "w") + onnx.block(4, b"\0" * 3)


@pytest.mark.parametrize(
    ("nodes", "weights", "rest", "message"),
    [
        ([RELU], [CLAIMS_MORE], b"", "another size"),
        ([RELU], [NEGATIVE], b"", "another size"),
        ([RELU], [HALF], b"", "cut off"),
        ([RELU], [onnx.external_tensor("w", "/etc/passwd")], b"", "outside the file"),
        ([RELU, RELU], [], b"", "'y' twice"),
        ([RELU], [onnx.array("y", np.float32([1]))], b"", "'y' twice"),
        ([onnx.node("Relu", ["x"], ["x"])], [], b"", "'x' twice"),
        ([RELU], [], onnx.block(7, onnx.graph([RELU], [], [])), "2 main graphs"),
        ([RELU], [], b"\x3a\xff", "protocol-buffer"),
        ([onnx.block(4, b"\xff\xfe")], [], b"", "UTF-8"),
        ([b""] * (MOST_NODES + 1), [], b"", "operators"),
    ],
)
def test_a_hostile_file_is_refused(nodes: list[bytes], weights: list[bytes], rest: bytes, message: str) -> None:
    with pytest.raises(ArtifactError, match=message) as caught:
        read(nodes, weights, rest=rest)
    assert caught.value.where == "m.onnx"


def test_a_second_list_of_sparse_values_is_refused() -> None:
    graph = onnx.graph([RELU], [onnx.value("x", ["n", 3])], []) + onnx.block(15, b"")
    with pytest.raises(ArtifactError, match="sparse"):
        read_onnx_graph(onnx.model(graph), "m.onnx")


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_damage_is_an_error_of_the_file_or_nothing(data: st.DataObject) -> None:
    raw = bytearray(onnx.linear_classifier(np.ones((3, 2), dtype=np.float32), np.ones(2, dtype=np.float32)))
    for _ in range(data.draw(st.integers(1, 3))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    try:
        read_onnx_graph(bytes(raw[: data.draw(st.integers(0, len(raw)))]), "m.onnx")
    except ArtifactError as error:
        assert error.where == "m.onnx"
