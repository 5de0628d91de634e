"""MindSpore: what it exports is clean; Python, native libraries and paths are found, encrypted files are gaps."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.scan.flatbuffer_writer import Number, Numbers, Table, flatbuffer
from tests.scan.formats.damage import damaged, facts, made, rules, scanned
from tests.scan.formats.graphs import OUTSIDE, is_plainly_clean
from tests.scan.protobuf_writer import block, number


def mindir(graph: bytes, more: bytes = b"") -> bytes:
    """ModelProto."""
    return block(1, "0.1.0") + block(2, "MindSpore") + block(3, "2.10.0") + block(7, block(2, "g") + graph) + more


def node(operator: str, name: str = "n") -> bytes:
    """A node of a graph."""
    return block(1, block(3, name) + block(4, operator))


def primitive(title: str, operator: str) -> bytes:
    """A primitive of the file."""
    return block(12, block(1, title) + block(2, operator))


def parameter(shape: list[int], more: bytes, dtype: int = 1) -> bytes:
    """A parameter of a graph."""
    return block(3, b"".join(number(1, size) for size in shape) + number(2, dtype) + block(7, "w") + more)


def test_what_mindspore_exports_is_clean() -> None:
    result = scanned(made("network.mindir"), "network.mindir")
    assert result.format == "mindspore"
    assert is_plainly_clean(result)
    assert {name for name, _ in facts(made("network.mindir"))} >= {"framework", "producer", "parameters", "output"}


@pytest.mark.parametrize(
    ("operator", "rule"),
    [
        ("PyExecute", "mindspore/python-operator"),
        ("PyFunc", "mindspore/python-operator"),
        ("Custom", "mindspore/native-operator"),
        ("TensorDump", "mindspore/writes-files"),
        ("PlantedOperator", "mindspore/custom-operator"),
    ],
)
def test_operators_that_act_are_found(operator: str, rule: str) -> None:
    by_reference = mindir(node("REF::p:1"), primitive("p:1", operator))
    in_function = mindir(b"", block(8, block(2, "f") + node(operator)))
    disguised = mindir(node(operator) + node("ReLU", name=operator))
    for data in (mindir(node(operator)), by_reference, in_function, disguised):
        assert rules(data) == {rule}


def test_functions_and_nodes_of_the_file_may_be_called() -> None:
    graph = node("REF::f") + node("REF::switched") + node("Switch", name="switched")
    assert is_plainly_clean(scanned(mindir(graph, block(8, block(2, "f") + node("ReLU")))))


@pytest.mark.parametrize("path", OUTSIDE)
def test_weights_outside_the_folder_are_found(path: str) -> None:
    assert rules(mindir(parameter([2], block(12, block(1, path) + number(3, 8))))) == {"mindspore/external-path"}


def test_weights_beside_the_model_are_a_reference() -> None:
    result = scanned(mindir(parameter([2], block(12, block(1, "net_variables/data_0") + number(3, 8)))))
    assert is_plainly_clean(result)
    assert [(each.path, each.role) for each in result.references] == [("net_variables/data_0", "tensors")]


@pytest.mark.parametrize("shape", [[3], [2**40], [-1]])
def test_sizes_that_do_not_fit_are_found(shape: list[int]) -> None:
    assert rules(mindir(parameter(shape, block(9, bytes(8))))) == {"mindspore/size-mismatch"}


@pytest.mark.parametrize("kind", [33, 34])
def test_names_of_python_classes_are_found(kind: int) -> None:
    attribute = block(5, block(1, "value") + block(5, "os.system") + number(16, kind))
    assert rules(mindir(block(1, block(4, "Constant") + attribute))) == {"mindspore/python-reference"}


@pytest.mark.parametrize("mark", [b"\xd8", b"\xd9", b"\xda"])
def test_encrypted_files_are_gaps(mark: bytes) -> None:
    result = scanned(mark + b"\x5e\x3a\x7f" + bytes(100), "network.ckpt")
    assert [gap.code for gap in result.gaps] == ["encrypted"]


def lite(*, primitive_type: int = 18, custom: Table | None = None, more: Table | None = None) -> bytes:
    """A MindSpore Lite model of one operator and one tensor."""
    primitive_table: Table = {0: Number("u8", primitive_type), 1: custom or {}}
    operator: Table = {0: "op", 2: primitive_table, 3: Numbers("u32", [0]), 4: Numbers("u32", [0])}
    tensor: Table = {1: Number("i32", 43), 2: Numbers("i32", [2]), 6: bytes(8), 9: "w"}
    return flatbuffer({0: "net", 1: "MindSpore Lite 2.3", 6: [operator], 7: [tensor], **(more or {})}, b"MSL2")


def test_lite_models() -> None:
    result = scanned(lite(), "net.ms")
    assert result.format == "mindspore-lite"
    assert is_plainly_clean(result)
    assert rules(lite(primitive_type=191, custom={0: "Planted"})) == {"mindspore-lite/custom-operator"}
    assert rules(lite(more={3: Numbers("u32", [1])})) == {"mindspore-lite/index-out-of-range"}
    outside: Table = {12: [{1: "../planted"}]}
    assert rules(lite(more={7: [outside]})) == {"mindspore/external-path"}
    assert scanned(lite(more={9: Number("u8", 1)})).verdict == "incomplete"
    assert scanned(lite() + b"planted!" * 40).verdict == "incomplete"


@settings(max_examples=100)
@given(st.data())
def test_damage_never_breaks_the_reader(data: st.DataObject) -> None:
    original = data.draw(st.sampled_from([made("network.mindir"), lite()]))
    scanned(data.draw(damaged(original)), "network")
