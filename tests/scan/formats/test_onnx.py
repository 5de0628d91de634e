"""ONNX: real exports are clean; files named in the model, foreign operators and lies about sizes are found anywhere."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.scan.formats.damage import damaged, facts, made, rules, scanned
from tests.scan.formats.graphs import OUTSIDE, is_plainly_clean, shown
from tests.scan.protobuf_writer import block, number
from tests.system import onnx_writer as onnx
from touchstone.scan.file import scan_bytes

WEIGHTS = np.arange(6, dtype=np.float32).reshape(2, 3)


def model(*tensors: bytes, nodes: tuple[bytes, ...] = ()) -> bytes:
    """A model of some tensors and nodes."""
    return onnx.model(onnx.graph(nodes, [], [], tensors))


def external(location: str, **more: str) -> bytes:
    """A tensor of two numbers that lies in another file."""
    entries = {"location": location} | more
    written = b"".join(block(13, block(1, key) + block(2, value)) for key, value in entries.items())
    return number(1, 2) + number(2, 1) + block(8, "w") + written + number(14, 1)


@pytest.mark.parametrize("name", ["torch.onnx", "branches.onnx", "local_function.onnx", "types_and_metadata.onnx"])
def test_real_exports_are_clean(name: str) -> None:
    result = scanned(made(name), name)
    assert result.format == "onnx"
    assert is_plainly_clean(result)


def test_it_says_what_it_is() -> None:
    said = facts(onnx.linear_classifier(WEIGHTS, np.zeros(3, np.float32)))
    assert {("framework", "onnx"), ("producer", "test"), ("operator-set", "ai.onnx 17"), ("parameters", "9")} <= said
    assert {("input", "x: float32[n,2]"), ("output", "y: float32[n,3]")} <= said


def test_tensors_are_listed_with_their_place() -> None:
    [tensor] = scanned(model(onnx.tensor("W", WEIGHTS))).tensors
    assert (tensor.name, tensor.dtype, tensor.shape, tensor.bytes) == ("W", "float32", (2, 3), 24)


def in_attribute(tensor: bytes) -> bytes:
    return model(nodes=(onnx.node("Constant", [], ["c"], onnx.tensor_attribute("value", tensor)),))


def in_subgraph(tensor: bytes) -> bytes:
    inner = onnx.graph([], [], [], [tensor])
    return model(nodes=(onnx.node("If", ["c"], ["y"], onnx.graph_attribute("then_branch", inner)),))


def in_function(tensor: bytes) -> bytes:
    node = onnx.node("Constant", [], ["c"], onnx.tensor_attribute("value", tensor))
    return onnx.model(onnx.graph([], [], []), functions=[block(1, "f") + block(7, node) + block(10, "local")])


def in_training(tensor: bytes) -> bytes:
    return model() + block(20, block(2, onnx.graph([], [], [], [tensor])))


def in_sparse_tensor(tensor: bytes) -> bytes:
    return onnx.model(onnx.graph([], [], []) + block(15, block(1, tensor)))


PLACES = [model, in_attribute, in_subgraph, in_function, in_training, in_sparse_tensor]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("path", OUTSIDE)
def test_a_path_that_leads_out_is_found_anywhere(place: Callable[[bytes], bytes], path: str) -> None:
    result = scanned(place(external(path)))
    assert result.verdict == "unsafe"
    assert len(shown(result, "onnx/external-path")) == 1


def test_weights_beside_the_model_are_no_finding_but_a_reference() -> None:
    result = scanned(model(external("w.bin", offset="16", length="8"), external("w.bin", offset="24")))
    assert is_plainly_clean(result)
    assert [(each.path, each.role, each.reach) for each in result.references] == [("w.bin", "tensors", 32)]


@pytest.mark.parametrize(
    "entry", [{"offset": "-1"}, {"length": "9"}, {"length": "1e9"}, {"offset": "0x10"}, {"length": "٨"}]
)
def test_a_place_that_does_not_fit_the_tensor_is_found(entry: dict[str, str]) -> None:
    assert rules(model(external("w.bin", **entry))) == {"onnx/external-range"}


def test_a_memory_address_is_found() -> None:
    assert rules(model(external("*/_ORT_MEM_ADDR_/*", offset="94"))) == {"onnx/memory-address"}


def test_a_setting_that_loaders_would_set_on_their_own_objects_is_found() -> None:
    assert rules(model(external("w.bin", __class__="x"))) == {"onnx/external-key"}


@pytest.mark.parametrize(
    ("domain", "operator", "rule", "verdict"),
    [
        ("planted", "Run", "onnx/custom-operator", "review"),
        ("ai.onnx.contrib", "Planted", "onnx/custom-operator", "review"),
        ("org.pytorch.aten", "ATen", "onnx/custom-operator", "review"),
        ("ai.onnx.contrib", "PyOp", "onnx/python-operator", "unsafe"),
        ("com.microsoft", "PythonOp", "onnx/python-operator", "unsafe"),
        ("com.microsoft", "Planted", "onnx/unknown-operator", "review"),
        ("", "Planted", "onnx/unknown-operator", "review"),
    ],
)
def test_operators_that_nobody_reviewed_are_found(domain: str, operator: str, rule: str, verdict: str) -> None:
    node = onnx.node(operator, [], ["y"], domain=domain)
    inside = onnx.node("If", ["c"], ["y"], onnx.graph_attribute("then_branch", onnx.graph([node], [], [])))
    for nodes in ((node,), (inside,)):
        result = scanned(model(nodes=nodes))
        assert {finding.rule for finding in result.findings} == {rule}
        assert result.verdict == verdict


def test_a_function_of_the_file_is_no_foreign_operator() -> None:
    node = onnx.node("Twice", ["x"], ["y"], domain="local")
    function = block(1, "Twice") + block(7, onnx.node("Add", ["x", "x"], ["y"])) + block(10, "local")
    assert is_plainly_clean(scanned(onnx.model(onnx.graph([node], [], []), functions=[function])))


def test_a_function_with_the_name_of_a_standard_operator_is_found() -> None:
    function = block(1, "Relu") + block(7, onnx.node("Add", ["x", "x"], ["y"])) + block(10, "")
    assert rules(onnx.model(onnx.graph([], [], []), functions=[function])) == {"onnx/shadowed-operator"}


def test_a_compiled_engine_is_a_gap_and_its_file_a_reference() -> None:
    path = block(1, "ep_cache_context") + block(4, "../engine.bin") + number(20, 3)
    result = scanned(model(nodes=(onnx.node("EPContext", [], ["y"], path, domain="com.microsoft"),)))
    assert [gap.code for gap in result.gaps] == ["format"]
    assert shown(result, "onnx/external-path") == ["../engine.bin"]


@pytest.mark.parametrize("dims", [(3, 3), (2**40, 2**40), (-1,), ()])
def test_sizes_that_do_not_fit_are_found(dims: tuple[int, ...]) -> None:
    written = b"".join(number(1, size) for size in dims)
    assert rules(model(written + number(2, 1) + block(8, "w") + block(9, bytes(24)))) == {"onnx/size-mismatch"}


def test_values_in_two_places_are_found() -> None:
    tensor = number(1, 1) + number(2, 1) + block(8, "w") + block(9, bytes(4)) + block(4, bytes(4))
    assert rules(model(tensor)) == {"onnx/size-mismatch"}


def test_four_bit_numbers_are_packed_two_by_two() -> None:
    assert is_plainly_clean(scanned(model(number(1, 3) + number(2, 22) + block(8, "w") + block(9, bytes(2)))))


def test_a_type_that_is_not_known_is_a_gap() -> None:
    result = scanned(model(number(1, 1) + number(2, 99) + block(9, bytes(4))))
    assert [gap.code for gap in result.gaps] == ["format"]


@pytest.mark.parametrize("head", [b"\x7fELF\x02\x01\x01" + bytes(25), b"PK\x03\x04\x14\x00" + bytes(26)])
def test_a_program_among_the_weights_is_found(head: bytes) -> None:
    tensor = number(1, 8) + number(2, 1) + block(8, "w") + block(9, head)
    assert "tensor/other-content" in rules(model(tensor))


@pytest.mark.parametrize(
    ("value", "rule"),
    [
        ("{0: 'person'}", None),
        ("__import__('os').getpid()", "onnx/code-in-metadata"),
        ("<script>planted()</script>", "onnx/script-in-metadata"),
    ],
)
def test_metadata_that_somebody_evaluates_is_found(value: str, rule: str | None) -> None:
    found = rules(model() + block(14, block(1, "names") + block(2, value)))
    assert rule in found if rule else not found


def test_a_field_nobody_knows_is_a_gap_and_one_written_twice_a_finding() -> None:
    assert [gap.code for gap in scanned(model() + block(99, b"x")).gaps] == ["format"]
    assert rules(model() + block(2, "another")) == {"protobuf/written-twice"}


def test_bytes_behind_the_model_are_never_clean() -> None:
    assert scanned(made("torch.onnx") + b"\xff\xffplanted").verdict != "clean"


def test_nesting_ends() -> None:
    inner = onnx.graph([], [], [])
    for _ in range(200):
        inner = onnx.graph([onnx.node("If", ["c"], ["y"], onnx.graph_attribute("then_branch", inner))], [], [])
    assert [gap.code for gap in scanned(onnx.model(inner)).gaps] == ["damaged"]


def test_a_forest_of_unpacked_numbers_is_quick() -> None:
    attribute = block(1, "nodes_values") + (b"\x3d" + b"\x00\x00\x80\x3f") * 400_000 + number(20, 6)
    data = model(nodes=(onnx.node("TreeEnsembleClassifier", ["x"], ["y"], attribute, domain="ai.onnx.ml"),))
    assert is_plainly_clean(scanned(data))


@settings(max_examples=150)
@given(st.data())
def test_damage_never_breaks_the_reader(data: st.DataObject) -> None:
    scanned(data.draw(damaged(made("branches.onnx"))), "model.onnx")


@settings(max_examples=100)
@given(st.data())
def test_damage_before_the_path_does_not_hide_it(data: st.DataObject) -> None:
    """A planted model whose other bytes were flipped is never clean."""
    planted = bytearray(model(external("../../planted"), onnx.tensor("W", WEIGHTS)))
    start = planted.index(b"../../planted")
    place = data.draw(st.integers(0, start - 1))
    planted[place] ^= 1 << data.draw(st.integers(0, 7))
    assert scan_bytes(bytes(planted), "model.onnx").verdict != "clean"
