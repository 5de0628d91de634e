"""Unpacked bytes: the same from memory and from a file, and none of them is lost to a fault."""

from __future__ import annotations

import gc
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from touchstone.scan.budget import Budget, Limits
from touchstone.scan.source import Unreadable
from touchstone.scan.spool import IN_MEMORY, unpack
from touchstone.text import Text

PIECE = bytes(range(256)) * 4096


def pieces(count: int) -> Iterator[bytes]:
    for _ in range(count):
        yield PIECE


def open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def budget(**limits: int) -> Budget:
    return Budget(Limits(**limits), 2**20)


@pytest.mark.parametrize("count", [0, 1, 3, 20])
def test_unpacked_bytes_have_random_access(count: int) -> None:
    unpacked = unpack(pieces(count), budget())
    whole = PIECE * count
    assert (unpacked.data.size, unpacked.checksum, unpacked.problem) == (len(whole), zlib.crc32(whole), None)
    for start, length in ((0, 10), (len(PIECE) - 3, 7), (len(whole) - 5, 100), (len(whole), 1), (-1, 5)):
        assert unpacked.data.read(start, length) == (whole[start : start + length] if start >= 0 else b"")
    assert unpacked.data.part(5, 5).read(0, 99) == whole[5:10]


def test_many_bytes_lie_in_a_file_without_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = open_files()
    part = unpack(pieces(IN_MEMORY // len(PIECE) + 1), budget()).data.part(100, 100)
    assert list(tmp_path.iterdir()) == []
    assert open_files() == before + 1
    assert part.read(0, 100) == PIECE[100:200]
    del part
    gc.collect()
    assert open_files() == before


def test_without_room_for_a_file_the_rest_is_a_gap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "absent"))
    unpacked = unpack(pieces(40), budget())
    assert (unpacked.data.size, unpacked.code) == (IN_MEMORY, "limit")
    assert unpacked.problem is not None


def test_what_came_before_a_fault_is_kept() -> None:
    def faulty() -> Iterator[bytes]:
        yield b"before"
        raise Unreadable(Text("broken", "损坏"))

    unpacked = unpack(faulty(), budget())
    assert (unpacked.data.read(0, 99), unpacked.code) == (b"before", "damaged")


def test_what_came_before_a_limit_is_kept() -> None:
    unpacked = unpack(pieces(10), budget(unpacked=5 * len(PIECE)))
    assert (unpacked.data.size, unpacked.code) == (6 * len(PIECE), "limit")
