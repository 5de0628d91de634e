"""Bombs: what is told from ratios, counts and depth alone."""

from __future__ import annotations

import pytest

from touchstone.scan.budget import Budget, Limits
from touchstone.scan.examination import Examination
from touchstone.scan.formats.bombs import is_quine, judge_count, judge_depth, judge_ratio
from touchstone.scan.source import MemorySource, Source
from touchstone.scan.spool import Unpacked
from touchstone.text import Text


class _Long(Source):
    """A source of which only the length matters."""

    def __init__(self, size: int) -> None:
        self.size = size

    def read(self, start: int, length: int) -> bytes:
        return b""


def examination(depth: int = 0) -> Examination:
    place = Examination("f", Budget(Limits(), 1000))
    for _ in range(depth):
        place = place.inside("a.zip")
    return place


def severities(place: Examination) -> list[str]:
    return [finding.severity for finding in place.collected.findings]


@pytest.mark.parametrize(
    ("unpacked", "packed", "expected"),
    [
        (2**20, 10, []),
        (100 * 2**20, 2**20, []),
        (100 * 2**20, 2**18, ["medium"]),
        (200 * 2**20, 2**18, ["high"]),
        (200 * 2**20, 2**20 + 1, []),
    ],
)
def test_ratios(unpacked: int, packed: int, expected: list[str]) -> None:
    place = examination()
    judge_ratio(Unpacked(_Long(unpacked), 0), packed, place)
    assert severities(place) == expected


def test_what_ran_into_the_limit() -> None:
    place = examination()
    place.budget.unpacked = 65 * 1000
    judge_ratio(Unpacked(_Long(2**20), 0, Text("too much", "过多"), "limit"), 2**20, place)
    assert severities(place) == ["high"]


def test_counts() -> None:
    place = examination()
    judge_count(20_000, 0, place)
    judge_count(30_000, 200_000, place)
    assert severities(place) == []
    judge_count(20_001, 0, place)
    assert severities(place) == ["high"]


@pytest.mark.parametrize(("depth", "expected"), [(4, []), (5, ["high"])])
def test_depth(depth: int, expected: list[str]) -> None:
    place = examination(depth)
    judge_depth(MemorySource(b"PK\x03\x04"), place)
    judge_depth(MemorySource(b"text"), place)
    assert severities(place) == expected


def test_archives_that_hold_themselves() -> None:
    assert is_quine(MemorySource(b"PK"), MemorySource(b"PK"))
    assert not is_quine(MemorySource(b"PK"), MemorySource(b"PX"))
    assert not is_quine(MemorySource(b"PK"), MemorySource(b"PK\x03"))
