"""Pickles inside of pickles, as they are and encoded: found when they are whole and do something."""

from __future__ import annotations

import base64
import gzip
import os
import pickle
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.scan.formats.damage import scanned
from tests.scan.pickle_writer import ARGUMENT, PROTOCOL_4, SYSTEM, blob, name, text
from touchstone.scan.pickle_machine.payloads import pickle_within
from touchstone.scan.source import MemorySource

INNER = {
    "protocol 0": b"cos\nsystem\np0\n(S'echo planted'\np1\ntp2\nRp3\n.",
    "protocol 0, INST": b"(S'echo planted'\nios\nsystem\n.",
    "protocol 0, OBJ": b"(cos\nsystem\nS'echo planted'\no.",
    "protocol 2": b"\x80\x02cos\nsystem\nU\x0cecho planted\x85R.",
    "protocol 4": SYSTEM + ARGUMENT + b"\x85R.",
    "framed": PROTOCOL_4 + b"\x95\x2c\0\0\0\0\0\0\0" + SYSTEM[2:] + ARGUMENT + b"\x85R.",
    "among data": pickle.dumps([list(range(50)), "x" * 3_000], 4)[:-1] + b"0" + SYSTEM[2:] + ARGUMENT + b"\x85R.",
}
ENCODED: dict[str, Callable[[bytes], bytes | str]] = {
    "raw": lambda data: data,
    "raw, as text": lambda data: data.decode("latin-1"),
    "base64": base64.b64encode,
    "base64, as text": lambda data: base64.b64encode(data).decode(),
    "base64 for addresses": lambda data: base64.urlsafe_b64encode(data).decode().rstrip("="),
    "base64 in lines": lambda data: base64.encodebytes(data).decode(),
    "hexadecimal": lambda data: data.hex(),
    "hexadecimal, capital": lambda data: data.hex().upper().encode(),
    "zlib": zlib.compress,
    "gzip": gzip.compress,
    "zlib in base64": lambda data: base64.b64encode(zlib.compress(data)).decode(),
    "gzip in base64": lambda data: base64.b64encode(gzip.compress(data)).decode(),
    "zlib in hexadecimal": lambda data: zlib.compress(data).hex(),
}


@pytest.mark.parametrize("inner", INNER.values(), ids=INNER.keys())
@pytest.mark.parametrize("encode", ENCODED.values(), ids=ENCODED.keys())
def test_inner_pickles_are_found(inner: bytes, encode: Callable[[bytes], bytes | str]) -> None:
    encoded = encode(inner)
    for protocol in (0, 2, 4, 5):
        content = pickle.dumps({"weights": [0.5], "state": encoded}, protocol)
        nested = [f for f in scanned(content).findings if f.rule == "pickle/nested-payload"]
        assert [f.shown for f in nested] == ["os.system('echo planted')"], protocol
        assert nested[0].severity == "high"


def test_base64_in_base64() -> None:
    twice = base64.b64encode(base64.b64encode(INNER["protocol 4"])).decode()
    assert [f.rule for f in scanned(pickle.dumps([twice])).findings] == ["pickle/nested-payload"]


def test_the_place_is_that_of_the_data() -> None:
    content = PROTOCOL_4 + text("state") + b"0" + blob(INNER["protocol 4"]) + b"."
    (finding,) = scanned(content).findings
    assert finding.offset == content.index(INNER["protocol 4"])


def test_an_inner_pickle_of_an_inner_pickle() -> None:
    inner = pickle.dumps(["x", INNER["protocol 4"]], 4)
    assert [f.shown for f in scanned(pickle.dumps([inner], 4)).findings] == ["os.system('echo planted')"]


def test_inner_names_that_nobody_reviewed_are_for_review() -> None:
    inner = PROTOCOL_4 + name("somelib", "Thing") + b")\x81."
    result = scanned(pickle.dumps({"state": inner}))
    assert [(f.rule, f.severity, f.nature) for f in result.findings] == [
        ("pickle/unreviewed-call", "medium", "unreviewed")
    ]
    assert result.verdict == "review"


@pytest.mark.parametrize(
    "data",
    [
        pickle.dumps({"plain": [1, 2.5, "x"]}, 4),
        pickle.dumps(os.urandom(2_000), 4),
        INNER["protocol 4"][:-1],
        INNER["protocol 4"] + b"more",
        b"\x80\x04" + bytes(300) + b".",
        b"cat\nsat\non the mat.",
        "The story ends.\nAnd so on.",
        "(see above\nfor more)\nreferences.",
        base64.b64encode(b"plain bytes, and nothing else.").decode(),
        zlib.compress(b"plain bytes, and nothing else."),
        "gASV" + "A" * 60,
        "80" * 40,
        "eJ" + "x" * 70,
        b"x\x9c" + bytes(80),
    ],
)
def test_other_data_is_no_inner_pickle(data: bytes | str) -> None:
    result = scanned(pickle.dumps({"state": data}))
    assert (result.verdict, result.findings, result.gaps) == ("clean", (), ())


def test_long_data_is_judged_without_being_kept() -> None:
    long_pickle = pickle.dumps(["x" * 2_000_000], 4)[:-1] + b"0" + SYSTEM[2:] + ARGUMENT + b"\x85R."
    assert [f.shown for f in scanned(pickle.dumps(long_pickle, 5)).findings] == ["os.system('echo planted')"]
    numbers = b"\x80\x04" + os.urandom(3_000_000) + b"."
    assert scanned(pickle.dumps(numbers, 5)).findings == ()


def test_many_candidates_are_a_gap() -> None:
    many = PROTOCOL_4 + (blob(INNER["protocol 2"]) + b"0") * 2_000 + b"N."
    assert [gap.code for gap in scanned(many).gaps] == ["limit"]


def test_bombs_in_encodings_stay_small() -> None:
    bomb = zlib.compress(b"\x80\x04" + bytes(200_000_000))
    assert scanned(pickle.dumps(bomb)).findings == ()


@settings(max_examples=200, deadline=None)
@given(
    st.binary(max_size=400), st.sampled_from([b"", b"\x80\x04", b"gAS", b"x\x9c", b"\x1f\x8b\x08", b"8004", b"c", b"("])
)
def test_arbitrary_data_never_raises(data: bytes, beginning: bytes) -> None:
    pickle_within(MemorySource(beginning + data))
    scanned(pickle.dumps([beginning + data]))


def test_a_file_that_the_callee_loads_is_examined() -> None:
    load = PROTOCOL_4 + name("torch.storage", "_load_from_bytes")
    encode = name("_codecs", "encode")
    for written in (
        blob(INNER["protocol 2"]),
        blob(INNER["among data"]),
        encode + text(INNER["protocol 2"].decode("latin-1")) + text("latin1") + b"\x86R",
        encode + text(INNER["among data"].decode("latin-1")) + text("latin1") + b"\x86R",
    ):
        found = [
            f for f in scanned(load + written + b"\x85R.", "model.pkl").findings if f.rule == "pickle/dangerous-call"
        ]
        assert [f.shown for f in found] == ["os.system('echo planted')"]
        assert found[0].where.startswith("model.pkl!file at byte ")
