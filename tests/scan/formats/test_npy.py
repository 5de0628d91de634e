"""Arrays of numpy: the header is plain data, every byte is accounted for, objects are pickles."""

from __future__ import annotations

import io
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as np_st

from tests.scan.formats.damage import damaged, rules, scanned
from tests.scan.pickle_writer import ARGUMENT, SYSTEM
from touchstone.scan.formats.npy import holds_objects, width_of
from touchstone.scan.formats.npy_header import DeepHeader, NotPlain, parse_literal

CALL = SYSTEM + ARGUMENT + b"\x85R."


def saved(value: Any) -> bytes:
    """As numpy writes it."""
    stream = io.BytesIO()
    np.save(stream, value)
    return stream.getvalue()


def npy(header: str, data: bytes = b"", version: bytes = b"\x01\x00") -> bytes:
    raw = header.encode("latin-1") + b"\n"
    return b"\x93NUMPY" + version + len(raw).to_bytes(2 if version[0] == 1 else 4, "little") + raw + data


def described(descr: str, shape: str = "(2,)") -> str:
    return f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}"


@pytest.mark.parametrize("value", [
    np.arange(6.0).reshape(2, 3), np.asfortranarray(np.ones((2, 2), "f4")), np.array(5), np.zeros((0, 4)),
    np.zeros(2, dtype=[("name", "U3"), ("n", "i8", (2, 2)), ("s", [("x", "f4")])]), np.array([b"x", b"yz"]),
    np.array(["2020-01-01"], "M8[D]"), np.array([True]), np.array([1 + 2j]), np.arange(3, dtype=">i2"),
    np.array([None, {"a": 1}], dtype=object), np.array([(1, None)], dtype=[("a", "i4"), ("o", "O")]),
    np.array([], dtype=object), np.array(["long " * 40]), np.array([(1,)], dtype=[("名", "i4")]),
], ids=str)  # fmt: skip
def test_real_arrays_are_clean(value: Any) -> None:
    result = scanned(saved(value))
    assert (result.format, result.verdict, result.findings, result.gaps) == ("npy", "clean", (), ())


def test_the_array_is_listed() -> None:
    content = saved(np.ones((2, 3), "f4"))
    (tensor,) = scanned(content).tensors
    assert (tensor.dtype, tensor.shape, tensor.bytes, tensor.offset) == ("F32", (2, 3), 24, len(content) - 24)


def test_several_arrays_in_one_file() -> None:
    content = saved(np.ones(3)) + saved(np.ones(4, "i8")) + saved(np.array([None], dtype=object))
    assert scanned(content).verdict == "clean"
    assert [tensor.shape for tensor in scanned(content).tensors] == [(3,), (4,)]
    assert rules(saved(np.ones(3)) + npy(described("'|O'"), CALL)) == {"pickle/dangerous-call"}


@pytest.mark.parametrize(
    "descr",
    ["'|O'", "'O'", "'O8'", "'object'", "[('a', '<i4'), ('b', '|O')]", "[('a', [('b', '|O')])]", "('|O', (2,))",
     "[('a', '|O', (3,))]", "[(('title', 'a'), '|O')]", "'i4,O'"],
)  # fmt: skip
@pytest.mark.parametrize("version", [b"\x01\x00", b"\x02\x00", b"\x03\x00"])
def test_objects_are_pickles(descr: str, version: bytes) -> None:
    assert rules(npy(described(descr), CALL, version)) == {"pickle/dangerous-call"}
    assert scanned(npy(described(descr), pickle.dumps([1]), version)).verdict == "clean"
    assert rules(npy(described(descr, "(0,)"), CALL, version)) == {"pickle/dangerous-call"}


@pytest.mark.parametrize(
    ("header", "rule"),
    [
        (described("'<f8'", "(" * 50 + "1" + ")" * 50), "npy/header-bomb"),
        (described("[" * 5_000 + "]" * 5_000), "npy/header-bomb"),
        (described("'<f8'").ljust(70_000), "npy/header-bomb"),
        (described("__import__('os').system('echo planted')"), "npy/header-code"),
        ("__import__('os')", "npy/header-code"),
        (described("'<f8'", "(lambda: 1)()"), "npy/header-code"),
        (described("'<f8'", "(-1,)"), "npy/shape-mismatch"),
        (described("'<f8'", "(1099511627776,)"), "npy/shape-mismatch"),
    ],
)
def test_headers_that_do_harm(header: str, rule: str) -> None:
    result = scanned(npy(header, bytes(16), b"\x02\x00"))
    assert {finding.rule for finding in result.findings} == {rule}
    assert result.gaps


@pytest.mark.parametrize(
    "content",
    [
        npy(described("'<f8'"), bytes(15)),
        npy(described("'<f8'"))[:40],
        npy("{'descr': '<f8', 'shape': (2,)}", bytes(16)),
        npy("{'descr': '<f8', 'fortran_order': 0, 'shape': (2,)}", bytes(16)),
        npy("{'descr': '<f8', 'descr': '|O', 'fortran_order': False, 'shape': (2,)}", bytes(16)),
        npy("('<f8', False, (2,))", bytes(16)),
        npy(described("'<f8'", "(2.0,)"), bytes(16)),
        npy(described("'<f8'", "[2]"), bytes(16)),
        npy(described("'<f8'", "('2',)"), bytes(16)),
        npy(described("'<z8'"), bytes(16)),
        npy(described("{'names': ['a']}"), bytes(16)),
        npy(described("'<f8'") + " more", bytes(16)),
        npy(described("'<f8'"), bytes(16), b"\x04\x00"),
        b"\x93NUMPY",
        b"\x93NUMPY\x01",
        b"\x93NUMPY\x01\x00\xff",
    ],
)
def test_what_is_not_understood_is_a_gap(content: bytes) -> None:
    assert scanned(content).verdict == "incomplete"


def test_bytes_behind_the_array() -> None:
    assert rules(saved(np.ones(3)) + b"planted " * 20) == {"npy/trailing-bytes"}
    assert "pickle/dangerous-call" in rules(saved(np.ones(3)) + CALL)


def test_programs_in_arrays() -> None:
    program = (b"\x7fELF\x02\x01\x01" + bytes(57)).ljust(64)
    assert "tensor/other-content" in rules(saved(np.frombuffer(program, "u1")))


_dtypes = np_st.scalar_dtypes() | np_st.array_dtypes(max_size=4) | np_st.nested_dtypes(max_leaves=6)


@settings(max_examples=200, deadline=None)
@given(_dtypes)
def test_types_are_measured_as_numpy_measures_them(dtype: np.dtype[Any]) -> None:
    try:
        descr = np.lib.format.dtype_to_descr(dtype)
    except ValueError:
        return
    literal = parse_literal(repr(descr))
    assert literal == descr
    assert holds_objects(literal) == dtype.hasobject
    if not dtype.hasobject:
        assert width_of(literal) == np.lib.format.descr_to_dtype(descr).itemsize


@settings(max_examples=100, deadline=None)
@given(np_st.arrays(_dtypes, np_st.array_shapes(max_dims=3, max_side=3, min_side=0)))
def test_all_arrays_are_clean(value: Any) -> None:
    stream = io.BytesIO()
    try:
        np.save(stream, value, allow_pickle=False)
    except ValueError:
        return
    assert scanned(stream.getvalue()).verdict == "clean"


@given(st.recursive(st.integers(-(10**15), 10**15) | st.text() | st.booleans() | st.none(),
                    lambda inner: st.lists(inner) | st.tuples(inner) | st.tuples(inner, inner)
                    | st.dictionaries(st.text(), inner), max_leaves=20))  # fmt: skip
def test_literals_are_read_as_python_writes_them(value: Any) -> None:
    assert parse_literal(repr(value)) == value


@pytest.mark.parametrize(
    "text",
    ["", "a", "1.5", "f()", "(1", "1)", "[1,,2]", "[1 2]", "{1: 2}", "{'a'}", "{'a': 1, 'a': 2}", "'a' 'b'", "1 + 1",
     "(1]", "True2", "-", "0x10", "'a", "1if 1else 2", "{**{}}", "..."],
)  # fmt: skip
def test_other_expressions_are_no_literals(text: str) -> None:
    with pytest.raises(NotPlain):
        parse_literal(text)


def test_depth_is_bounded() -> None:
    with pytest.raises(DeepHeader):
        parse_literal("[" * 100_000)


@settings(max_examples=200, deadline=None)
@given(damaged(saved(np.arange(6.0))) | damaged(saved(np.array([1, None], dtype=object))))
def test_damaged_arrays_never_fail(content: bytes) -> None:
    scanned(content)
