"""Every byte of a safetensors file belongs to the header or to one tensor."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings

from tests.scan.formats.damage import damaged, facts, rules, scanned


def safetensors(header: dict[str, Any] | str, data: bytes = b"", padding: bytes = b"") -> bytes:
    text = (header if isinstance(header, str) else json.dumps(header)).encode() + padding
    return len(text).to_bytes(8, "little") + text + data


def entry(start: int, stop: int, dtype: str = "U8", shape: list[int] | None = None) -> dict[str, Any]:
    return {"dtype": dtype, "shape": [stop - start] if shape is None else shape, "data_offsets": [start, stop]}


PLAIN = safetensors(
    {
        "__metadata__": {"format": "pt", "modelspec.title": "Tiny"},
        "a": entry(0, 24, "F32", [2, 3]),
        "b": entry(24, 24, "F16", [0, 3]),
        "c": entry(24, 30, "F4", [3, 4]),
    },
    bytes(range(30)),
    padding=b"   ",
)


def test_a_plain_file_is_clean_and_its_tensors_are_known() -> None:
    result = scanned(PLAIN)
    assert (result.format, result.verdict) == ("safetensors", "clean")
    begin = len(PLAIN) - 30
    assert [(t.name, t.dtype, t.shape, t.bytes, t.offset) for t in result.tensors] == [
        ("a", "F32", (2, 3), 24, begin),
        ("b", "F16", (0, 3), 0, begin + 24),
        ("c", "F4", (3, 4), 6, begin + 24),
    ]
    assert {("framework", "pytorch"), ("name", "Tiny"), ("parameters", "18")} <= facts(PLAIN)


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (safetensors({"a": entry(0, 4), "b": entry(2, 6)}, bytes(6)), "safetensors/overlap"),
        (safetensors({"a": entry(0, 4), "b": entry(8, 12)}, bytes(12)), "safetensors/hidden-bytes"),
        (safetensors({"a": entry(4, 8)}, bytes(8)), "safetensors/hidden-bytes"),
        (safetensors({"a": entry(0, 4)}, b"fourmore"), "safetensors/hidden-bytes"),
        (safetensors({"a": entry(0, 4)}, bytes(4), padding=b"\n"), "safetensors/hidden-bytes"),
        (safetensors({"a": entry(0, 8, "F32", [400])}, bytes(8)), "safetensors/size-mismatch"),
        (safetensors({"a": entry(0, 8, "F32", [2**40, 2**40])}, bytes(8)), "safetensors/size-mismatch"),
        (
            safetensors(f'{{"a":{json.dumps(entry(0, 4))},"a":{json.dumps(entry(0, 4))}}}', bytes(4)),
            "safetensors/repeated-key",
        ),
        ((2**35).to_bytes(8, "little") + b'{"a":' + bytes(20), "safetensors/header-length"),
        (safetensors({"__metadata__": {"x": "import os; os.system('id')"}}), "safetensors/code-in-metadata"),
        (safetensors({"a": entry(0, 64)}, b"\x7fELF\x02\x01\x01" + bytes(57)), "tensor/other-content"),
    ],
)
def test_what_the_format_forbids_is_found(content: bytes, rule: str) -> None:
    assert rule in rules(content)


def test_bytes_of_no_tensor_are_examined_like_a_file() -> None:
    call = b"cos\ngetpid\n(tR."
    found = rules(safetensors({"a": entry(0, 4)}, bytes(4) + b"\x80\x02" + call))
    assert {"safetensors/hidden-bytes", "pickle/dangerous-call"} <= found


@pytest.mark.parametrize(
    "content",
    [
        safetensors({"a": entry(0, 40)}, bytes(39)),
        safetensors({"a": {"dtype": "F32", "shape": [1]}}, bytes(4)),
        safetensors({"a": entry(0, 4, shape=[-4])}, bytes(4)),
        safetensors({"a": entry(0, 4, "PLANTED", [4])}, bytes(4)),
        safetensors({"a": {**entry(0, 4), "data_offsets": [4, 0]}}, bytes(4)),
        safetensors({"__metadata__": {"x": 3}}),
        safetensors('{"a": NaN}'),
        safetensors('{"a": ' + "[" * 100_000),
    ],
)
def test_what_is_not_understood_is_never_clean(content: bytes) -> None:
    assert scanned(content).verdict == "incomplete"


def test_code_in_metadata_is_no_reason_to_refuse() -> None:
    assert scanned(safetensors({"__metadata__": {"x": "import os"}})).verdict == "clean"


@settings(max_examples=300, deadline=None)
@given(damaged(PLAIN))
def test_damage_never_breaks_the_reader(content: bytes) -> None:
    scanned(content)
