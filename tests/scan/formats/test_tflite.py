"""TensorFlow Lite: what the converter writes is clean; operators, indices and sizes are held to what is there."""

from __future__ import annotations

import io
import struct
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.scan.flatbuffer_writer import Number, Numbers, Table, flatbuffer
from tests.scan.formats.damage import damaged, facts, made, rules, scanned
from tests.scan.formats.graphs import is_plainly_clean
from tests.scan.protobuf_writer import block


def model(*, code: Table | None = None, tensor: Table | None = None, operator: Table | None = None) -> bytes:
    """A model of one operator and one tensor of eight bytes."""
    return flatbuffer(
        {
            0: Number("u32", 3),
            1: [code or {3: Number("i32", 0)}],
            2: [
                {
                    0: [tensor or {0: Numbers("i32", [2]), 2: Number("u32", 1), 3: "w"}],
                    1: Numbers("i32", [0]),
                    2: Numbers("i32", [0]),
                    3: [operator or {0: Number("u32", 0), 1: Numbers("i32", [0, -1])}],
                }
            ],
            3: "test",
            4: [{}, {0: bytes(range(8))}],
        },
        b"TFL3",
    )


@pytest.mark.parametrize("name", ["float.tflite", "int8.tflite", "flex.tflite"])
def test_what_the_converter_writes_is_clean(name: str) -> None:
    result = scanned(made(name), name)
    assert result.format == "tflite"
    assert is_plainly_clean(result)
    assert any(tensor.dtype in {"float32", "int8"} for tensor in result.tensors)
    assert ("framework", "tensorflow-lite") in facts(made(name))


def test_a_model_by_hand_is_clean() -> None:
    assert is_plainly_clean(scanned(model()))


@pytest.mark.parametrize(
    ("custom", "rule"),
    [
        ("PlantedOperator", "tflite/custom-operator"),
        ("FlexWriteFile", "tensorflow/writes-files"),
        ("FlexPyFunc", "tensorflow/python-operator"),
        ("FlexPlanted", "tensorflow/unknown-operator"),
        ("TFLite_Detection_PostProcess", None),
    ],
)
def test_custom_operators_are_judged(custom: str, rule: str | None) -> None:
    assert rules(model(code={0: Number("i8", 32), 1: custom})) == ({rule} if rule else set())


def flex_options(name: str, node: bytes) -> bytes:
    """A FlexBuffer of two texts, all numbers four bytes wide, as the converter writes it."""
    out = bytearray()
    places = []
    for text in (name.encode(), node):
        out += struct.pack("<I", len(text))
        places.append(len(out))
        out += text + b"\x00"
        out += bytes(-len(out) % 4)
    out += struct.pack("<I", 2)
    start = len(out)
    for place in places:
        out += struct.pack("<I", len(out) - place)
    out += bytes([5 << 2 | 2] * 2)
    out += bytes(-len(out) % 4)
    return bytes(out + struct.pack("<I", len(out) - start) + bytes([10 << 2 | 2, 4]))


@pytest.mark.parametrize(
    ("operator", "rule"),
    [("MatMul", None), ("WriteFile", "tensorflow/writes-files"), ("Planted", "tensorflow/unknown-operator")],
)
def test_a_flex_operator_is_judged_by_the_node_it_runs(operator: str, rule: str | None) -> None:
    options = flex_options("MatMul", block(1, "n") + block(2, operator))
    code: Table = {3: Number("i32", 32), 1: "FlexMatMul"}
    assert rules(model(code=code, operator={0: Number("u32", 0), 5: options})) == ({rule} if rule else set())
    broken = scanned(model(code=code, operator={0: Number("u32", 0), 5: options[:-3]}))
    assert broken.verdict != "clean"


def test_a_program_for_an_accelerator_is_a_gap() -> None:
    result = scanned(model(code={3: Number("i32", 32), 1: "edgetpu-custom-op"}))
    assert [gap.code for gap in result.gaps] == ["format"]


@pytest.mark.parametrize(
    "changed",
    [
        {"tensor": {0: Numbers("i32", [2]), 2: Number("u32", 9)}},
        {"operator": {0: Number("u32", 7)}},
        {"operator": {0: Number("u32", 0), 1: Numbers("i32", [1])}},
        {"operator": {0: Number("u32", 0), 2: Numbers("i32", [-2])}},
    ],
)
def test_indices_of_what_is_not_there_are_found(changed: dict[str, Table]) -> None:
    assert rules(model(**changed)) == {"tflite/index-out-of-range"}


@pytest.mark.parametrize("shape", [[3], [2**30, 2**30], [-2]])
def test_sizes_that_do_not_fit_are_found(shape: list[int]) -> None:
    assert rules(model(tensor={0: Numbers("i32", shape), 2: Number("u32", 1)})) == {"tflite/size-mismatch"}


def test_bytes_behind_the_model_are_a_gap() -> None:
    assert [gap.code for gap in scanned(model() + b"planted!" * 40).gaps] == ["damaged"]


def test_an_archive_behind_the_model_is_examined() -> None:
    """As the metadata writer of TensorFlow Lite Support appends it: offsets count from the start of the file."""
    for content, verdict in ((b"person, bicycle\n", "clean"), (b"\x7fELF\x02\x01\x01", "unsafe")):
        file = io.BytesIO(model())
        with zipfile.ZipFile(file, "a") as archive:
            archive.writestr("labels.txt", content * 100)
        assert scanned(file.getvalue(), "model.tflite").verdict == verdict


def test_an_archive_within_a_buffer_is_a_second_meaning() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("x.txt", "text")
    table: Table = {0: Number("u32", 3), 4: [{}, {0: bytes(8) + file.getvalue()}]}
    assert "file/also-archive" in rules(flatbuffer(table, b"TFL3"))


@settings(max_examples=150)
@given(st.data(), st.sampled_from(["float.tflite", "int8.tflite"]))
def test_damage_never_breaks_the_reader(data: st.DataObject, name: str) -> None:
    scanned(data.draw(damaged(made(name))), name)
