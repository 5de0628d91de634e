"""Pickle files: streams one after the other, joblib's raw arrays, PyTorch's old format, real values of all kinds."""

from __future__ import annotations

import collections
import datetime
import decimal
import fractions
import io
import pathlib
import pickle
import struct
import uuid
from typing import Any

import joblib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as np_st

from tests.scan.formats.damage import damaged, facts, rules, scanned
from tests.scan.pickle_writer import ARGUMENT, PLANTED, PROTOCOL_4, SYSTEM, blob, name, text
from touchstone.scan.budget import Budget, Limits
from touchstone.scan.examination import Examination
from touchstone.scan.formats.pickle import reads_as_pickle
from touchstone.scan.source import MemorySource

CALL = SYSTEM + ARGUMENT + b"\x85R."
MAGIC = 0x1950A86A20F9469CFC6C


def dumped(value: Any) -> bytes:
    """As joblib writes it."""
    stream = io.BytesIO()
    joblib.dump(value, stream)
    return stream.getvalue()


def shown(content: bytes) -> list[str]:
    return [finding.shown for finding in scanned(content).findings if finding.nature != "information"]


# ---- streams


def test_every_stream_is_followed() -> None:
    assert shown(PROTOCOL_4 + b"N." + CALL) == ["os.system('echo planted')"]
    assert shown(pickle.dumps(1) * 50 + CALL) == ["os.system('echo planted')"]
    (finding,) = scanned(PROTOCOL_4 + b"N." + CALL[:-1]).findings
    assert (finding.rule, finding.offset) == ("pickle/dangerous-call", 4 + len(CALL) - 2)


def test_several_harmless_streams_are_worth_knowing() -> None:
    result = scanned(pickle.dumps([1]) + pickle.dumps([2]))
    assert [finding.rule for finding in result.findings] == ["pickle/further-streams"]
    assert result.verdict == "clean"


def test_streams_are_bounded() -> None:
    assert [gap.code for gap in scanned(b"\x80\x02N." * 20_000).gaps] == ["limit"]


@pytest.mark.parametrize("tail", [b"plain text behind the end\n" * 5, b"\x00\x00\x00", b"\x7fELF" + bytes(60)])
def test_what_follows_the_end_is_reported(tail: bytes) -> None:
    result = scanned(PROTOCOL_4 + b"N." + tail)
    assert "pickle/trailing-bytes" in {finding.rule for finding in result.findings}
    assert result.verdict in {"review", "unsafe"}


def test_a_stream_behind_padding_is_found() -> None:
    assert "os.system('echo planted')" in shown(PROTOCOL_4 + b"N." + bytes(64) + CALL)


def test_a_file_that_breaks_is_incomplete() -> None:
    assert scanned(pickle.dumps(list(range(50)))[:-3]).verdict == "incomplete"
    assert scanned(PROTOCOL_4 + b"N\xff").verdict == "incomplete"


def test_a_thousand_instances_of_one_class_are_few_findings() -> None:
    unknown = PROTOCOL_4 + name("somelib", "Thing") + b")\x81."
    assert len(scanned(unknown * 200).findings) <= 21


def test_a_pickle_runs_code_and_names_its_modules() -> None:
    content = pickle.dumps([collections.OrderedDict(), decimal.Decimal(1)], 4)
    assert scanned(content).runs_code
    assert facts(content) == {("imports", "collections"), ("imports", "decimal")}


# ---- joblib


def test_raw_arrays_are_stepped_over_and_what_follows_is_seen() -> None:
    content = dumped({"a": np.arange(1000.0), "b": np.array(["x", None], dtype=object), "c": [1]})
    assert scanned(content).verdict == "clean"
    planted = content[:-1] + b"0" + PLANTED + b"."
    assert shown(planted) == ["os.system('echo planted')"]
    middle = content.index(b"\x8c\x01c\x94")
    assert "os.system('echo planted')" in shown(content[:middle] + PLANTED + b"0" + content[middle:])


@pytest.mark.parametrize("value", [
    np.arange(12.0).reshape(3, 4), np.asfortranarray(np.ones((3, 4), "f4")), np.array(5), np.zeros((0, 3)),
    np.array([("a", 1)], dtype=[("name", "U3"), ("n", "i8")]), np.array(["2020-01-01"], "M8[D]"), np.array([b"x"]),
    np.array([[1, "x"], [None, []]], dtype=object), np.float32(1), np.arange(5, dtype=">i4"),
    np.array([(None, 1)], dtype=[("o", "O"), ("n", "i4")]),
], ids=str)  # fmt: skip
def test_arrays_of_all_kinds(value: Any) -> None:
    content = dumped({"before": 1, "array": value, "after": [value, "x" * 30]})
    result = scanned(content)
    assert (result.verdict, result.findings, result.gaps) == ("clean", (), ())
    assert shown(content[:-1] + b"0" + PLANTED + b".") == ["os.system('echo planted')"]


def test_objects_in_an_array_are_a_pickle_of_their_own() -> None:
    content = dumped(np.array(["x", None], dtype=object))
    inner = content.index(b"\x80\x05", 10)
    assert "os.system('echo planted')" in shown(content[:inner] + CALL + content[inner:])
    with_end = content[:inner] + PROTOCOL_4 + PLANTED + b"0" + content[inner + 2 :]
    assert "os.system('echo planted')" in shown(with_end)


def test_opcodes_hidden_in_a_raw_array_are_seen_as_other_loaders_see_them() -> None:
    hidden = b"0" + PLANTED
    content = dumped(np.frombuffer(hidden.ljust(64), dtype="u1"))
    array = content.index(hidden)
    old = content.replace(b"\x8c\x1bnumpy_array_alignment_bytes", b"\x8c\x1bnumpy_array_alignment_by__")
    behind_build = old[:array].rindex(b"b") + 1
    result = scanned(old[:behind_build] + old[array:])
    assert ("pickle/two-meanings", "os.system('echo planted')") in {(f.rule, f.shown) for f in result.findings}


def test_arrays_of_impossible_size() -> None:
    content = dumped(np.arange(1000.0))
    assert scanned(content[:-4000]).verdict == "incomplete"
    huge = content.replace(b"M\xe8\x03\x85", b"\x8a\x07" + b"\xff" * 6 + b"\x7f\x85")
    assert scanned(huge).verdict in {"unsafe", "incomplete"}
    negative = content.replace(b"M\xe8\x03\x85", b"J\xff\xff\xff\xff\x85")
    assert scanned(negative).verdict == "incomplete"


def test_old_joblib_names_other_files() -> None:
    wrapper = name("joblib.numpy_pickle_compat", "NDArrayWrapper") + b")\x81}" + text("filename")
    inside = scanned(PROTOCOL_4 + wrapper + text("model_01.npy") + b"sb.")
    assert [reference.path for reference in inside.references] == ["model_01.npy"]
    assert "pickle/outside-file" not in {finding.rule for finding in inside.findings}
    outside = scanned(PROTOCOL_4 + wrapper + text("../../secret.npy") + b"sb.")
    assert "pickle/outside-file" in {finding.rule for finding in outside.findings}
    assert scanned(PROTOCOL_4 + wrapper + b"Nsb.").gaps


# ---- PyTorch before zip archives


def legacy(
    *, magic: bytes = pickle.dumps(MAGIC, 2), elements: int = 6, claimed: int = 6, shape: bytes = b"K\x02K\x03\x86",
    offset: int = 0, tail: bytes = b"",
) -> bytes:  # fmt: skip
    storage = b"(X\7\0\0\0storagectorch\nFloatStorage\nX\1\0\0\x000X\3\0\0\0cpuK" + bytes([claimed]) + b"NtQ"
    tensor = (
        b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + b"K" + bytes([offset]) + shape + b"K\x03K\x01\x86\x89"
        + b"ccollections\nOrderedDict\n)RtR"
    )  # fmt: skip
    state = b"\x80\x02}X\6\0\0\0weight" + tensor + b"s."
    return (
        magic
        + pickle.dumps(1001, 2)
        + pickle.dumps({"protocol_version": 1001, "little_endian": True}, 2)
        + state
        + pickle.dumps(["0"], 2)
        + struct.pack("<q", elements)
        + bytes(4 * min(elements, 100))
        + tail
    )


def test_the_five_streams_and_the_storages_behind_them() -> None:
    result = scanned(legacy())
    assert (result.verdict, result.findings, result.gaps) == ("clean", (), ())
    assert ("framework", "pytorch") in facts(legacy()) and ("parameters", "6") in facts(legacy())
    (tensor,) = result.tensors
    assert (tensor.name, tensor.dtype, tensor.shape, tensor.bytes) == ("weight", "F32", (2, 3), 24)
    assert tensor.offset == len(legacy()) - 24


def test_storages_that_lie() -> None:
    assert rules(legacy(elements=2**50)) == {"torch/storage-size"}
    assert scanned(legacy(elements=50)[:-120]).verdict == "incomplete"
    assert rules(legacy(claimed=200)) == {"torch/short-storage"}
    assert rules(legacy(offset=100)) == {"torch/short-storage"}
    assert "pickle/trailing-bytes" in rules(legacy(tail=b"planted " * 20))
    assert "os.system('echo planted')" in shown(legacy(tail=CALL))


def test_the_magic_number_by_a_call() -> None:
    computed = b"\x80\x02c__builtin__\nint\n\x8a\x0a" + MAGIC.to_bytes(10, "little") + b"\x85R."
    assert rules(legacy(magic=computed)) == {"pickle/hidden-magic"}


@pytest.mark.parametrize("stream", range(5))
def test_a_call_in_any_of_the_five_streams(stream: int) -> None:
    content = legacy()
    ends = [position for position in range(len(content)) if content[position : position + 2] == b"\x80\x02"]
    start = ends[stream] + 2
    planted = b"cos\nsystem\n(S'echo planted'\ntR0"
    assert "os.system('echo planted')" in shown(content[:start] + planted + content[start:])


def test_persistent_ids_have_no_place_elsewhere() -> None:
    assert rules(PROTOCOL_4 + b"K\x01Q.") == {"pickle/persistent-id"}
    assert rules(legacy()[15:]) == {"pickle/persistent-id", "pickle/trailing-bytes"}


# ---- real values


VALUES = [
    collections.OrderedDict(a=1), collections.defaultdict(list, a=[1]), collections.deque([1]),
    collections.Counter("aab"), datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC), datetime.timedelta(1),
    decimal.Decimal("1.5"), fractions.Fraction(1, 3), bytearray(b"x" * 20), {1, 2}, frozenset({3}), range(3),
    complex(1, 2), slice(1, 2), uuid.UUID(int=1), pathlib.PurePosixPath("a/b"), type(None), Ellipsis, NotImplemented,
    np.float64(1.5), np.int8(3), np.bool_(True), np.random.RandomState(0), np.random.default_rng(0),
    np.ma.masked_array([1, 2], [False, True]), np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]),
    np.array([None, "x"], dtype=object), np.dtype("f8"), np.sum, len, int, np.float32,
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_standard_values_are_clean(value: Any) -> None:
    for protocol in range(6):
        result = scanned(pickle.dumps({"value": value, "again": [value, value]}, protocol))
        assert (result.format, result.findings, result.gaps) == ("pickle", (), ()), protocol


# Hypothesis also draws the constants of this project, and those are pickles that call things: carried as data they are
# reported, and rightly so.
_bytes = st.binary().filter(lambda data: not reads_as_pickle(MemorySource(data), data[:4096]) if data else True)
_texts = st.text(st.characters(codec="utf-8")).filter(
    lambda text: not reads_as_pickle(MemorySource(text.encode()), text.encode()[:4096]) if text else True
)

_plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _texts | _bytes | st.complex_numbers()
    | st.decimals(allow_nan=False) | st.dates()
    | np_st.arrays(st.sampled_from(["f8", "f4", "i8", "u1", "?", "c8", "U3", "S2", "M8[s]"]),
                   np_st.array_shapes(max_dims=3, max_side=3, min_side=0)),
    lambda inner: st.lists(inner, max_size=5) | st.tuples(inner, inner) | st.dictionaries(_texts, inner, max_size=5)
    | st.sets(st.integers() | _texts, max_size=5) | st.frozensets(st.integers(), max_size=5)
    | st.dictionaries(_texts, inner, max_size=5).map(collections.OrderedDict),
    max_leaves=30,
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(_plain, st.integers(0, 5))
def test_plain_values_are_clean(value: Any, protocol: int) -> None:
    content = pickle.dumps(value, protocol)
    examination = Examination("f", Budget(Limits(), len(content)))
    examination.run(MemorySource(content), "pickle")
    assert not examination.collected.findings
    assert not examination.collected.gaps
    assert reads_as_pickle(MemorySource(content), content[:4096])


# ---- recognition


@pytest.mark.parametrize(
    "content",
    [
        b"I1\n.", b"(lp0\nI1\naI2\na.", b"(dp0\nS'a'\np1\nI1\ns.", b"cos\nsystem\n(S'id'\ntR.",
        b"(S'id'\nios\nsystem\n.",
        b"cos\nsystem\n(S'id'\ntR\xff", b"]q\x00(K\x01K\x02e.", b"\x80\x02N.", b"\x80\x05\x95", b"}q\x00(U\x01aK\x01u.",
    ],
)  # fmt: skip
def test_pickles_are_recognised(content: bytes) -> None:
    assert reads_as_pickle(MemorySource(content), content)
    assert scanned(content, "model.bin").format == "pickle"


@pytest.mark.parametrize(
    "content",
    [
        b"import os\n", b"I am a text\n", b"(parentheses)\n", b"]", b"N", b"class A:\n    pass\n", b"Title\n=====\n",
        b"Version 1\nText follows.\n", b"0,1,2\n", b"\x80\x06N.", b"K\x00\x00\x00", b"", b"c\n\n\n",
    ],
)  # fmt: skip
def test_other_bytes_are_not(content: bytes) -> None:
    assert not reads_as_pickle(MemorySource(content), content)


# ---- damage


_REAL = pickle.dumps({"model": [np.arange(8.0), collections.OrderedDict(a=1), "x" * 40, {1, 2}], "n": 1.5}, 4)


@settings(max_examples=200, deadline=None)
@given(damaged(_REAL))
def test_damaged_pickles_never_fail(content: bytes) -> None:
    scanned(content)


@settings(max_examples=100, deadline=None)
@given(damaged(dumped({"a": np.arange(9.0), "o": np.array([1, "x"], dtype=object)})))
def test_damaged_joblib_files_never_fail(content: bytes) -> None:
    scanned(content)


@settings(max_examples=100, deadline=None)
@given(damaged(legacy()))
def test_damaged_pytorch_files_never_fail(content: bytes) -> None:
    scanned(content)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, len(_REAL) - 1), st.integers(0, 255))
def test_a_flipped_byte_does_not_hide_a_call(place: int, value: int) -> None:
    """The call comes first: whatever happens behind it, it was made."""
    content = bytearray(PROTOCOL_4 + PLANTED + b"0" + _REAL[11:])
    content[-1 - place % len(_REAL[11:])] = value
    assert "os.system('echo planted')" in shown(bytes(content))


def test_large_objects_are_not_read() -> None:
    class Counting(MemorySource):
        taken = 0

        def read(self, start: int, length: int) -> bytes:
            data = super().read(start, length)
            Counting.taken += len(data)
            return data

    content = PROTOCOL_4 + b"](" + (blob(bytes(3_000_000)) + b"N") * 5 + b"e" + PLANTED + b"\x86."
    examination = Examination("f", Budget(Limits(), len(content)))
    examination.run(Counting(content), "pickle")
    assert Counting.taken < len(content) // 2
    assert [finding.shown for finding in examination.collected.findings] == ["os.system('echo planted')"]
