"""The compressed files of old joblib: a length, a zlib stream, a pickle."""

from __future__ import annotations

import pickle
import zlib

import pytest
from hypothesis import given, settings

from tests.scan.formats.damage import damaged, rules, scanned
from tests.scan.pickle_writer import ARGUMENT, SYSTEM

CALL = SYSTEM + ARGUMENT + b"\x85R."


def zfile(content: bytes, *, length: int | None = None, behind: bytes = b"") -> bytes:
    """As joblib 0.9 wrote it (`write_zfile`)."""
    claimed = f"{len(content) if length is None else length:#x}".encode()
    return b"ZF" + claimed.ljust(19) + behind + zlib.compress(content)


def test_the_pickle_inside_is_followed() -> None:
    assert scanned(zfile(pickle.dumps([1, 2.5]))).verdict == "clean"
    result = scanned(zfile(CALL))
    assert (result.format, result.runs_code, result.verdict) == ("joblib-zfile", True, "unsafe")
    assert {finding.shown for finding in result.findings} == {"os.system('echo planted')"}


def test_python_2_wrote_one_character_more() -> None:
    assert rules(zfile(CALL, behind=b" ")) == {"pickle/dangerous-call"}


def test_a_length_that_cannot_be() -> None:
    assert rules(zfile(pickle.dumps([1]), length=2**40)) == {"joblib/zfile-length"}
    assert rules(zfile(pickle.dumps(bytes(100_000)))) == set()


@pytest.mark.parametrize(
    "content", [b"ZF0x", b"ZF0xzz".ljust(60), b"ZF0x10".ljust(21) + b"no zlib stream", b"ZF0x1" * 20]
)
def test_damage_is_a_gap(content: bytes) -> None:
    assert scanned(content).verdict == "incomplete"


@settings(max_examples=100, deadline=None)
@given(damaged(zfile(pickle.dumps({"a": list(range(50))}))))
def test_damaged_files_never_fail(content: bytes) -> None:
    scanned(content)
