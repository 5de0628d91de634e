"""What a worker tells comes through whole, however the bytes arrive; nothing else comes through at all."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.scan.made import every_kind, file, finding, gap
from touchstone.scan.answers import Hearing, NonsenseError, told
from touchstone.scan.budget import Limits
from touchstone.scan.findings import Fact, FileResult, Reference, TensorEntry
from touchstone.scan.walk import Place

PATH = "models/x.pkl"
PLACE = Place("/x", PATH, 100, (0, 0, 0))

words = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), max_size=30)
numbers = st.integers(0, 2**70)
results = st.builds(
    lambda shown, offset, names, shape, count: file(
        PATH,
        findings=tuple(finding(PATH, shown=text, offset=offset) for text in dict.fromkeys(shown)),
        gaps=(gap(f"{PATH}!inner"),),
        facts=tuple(Fact(PATH, "author", name) for name in names),
        references=(Reference(PATH, "y", "shard"),),
        tensors=tuple(TensorEntry(PATH, f"t{number}", "F32", tuple(shape), 4) for number in range(count)),
    ),
    st.lists(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40), max_size=5),
    st.integers(-1, 2**53 - 1),
    st.lists(words, max_size=5),
    st.lists(st.integers(0, 2**53 - 1), max_size=3),
    st.integers(0, 900),
)


def heard(data: bytes, pieces: int = 1) -> FileResult | None:
    hearing = Hearing(Limits())
    size = max(len(data) // pieces, 1)
    for start in range(0, len(data), size):
        result = hearing.feed(data[start : start + size], PLACE)
        if result is not None:
            return result
    return None


@given(results, st.integers(1, 50))
def test_a_result_comes_through_whole(result: FileResult, pieces: int) -> None:
    assert heard(b"".join(told(result)), pieces) == result


def test_results_follow_one_another() -> None:
    hearing = Hearing(Limits())
    files = [replace(each, allowed=()) for each in every_kind().files]
    places = [Place("/x", each.path, each.size, (0, 0, 0)) for each in files]
    data = b"".join(line for each in files for line in told(each))
    assert [hearing.feed(data if place is places[0] else b"", place) for place in places] == files
    assert hearing.feed(b"", places[0]) is None


@given(results, st.data())
def test_a_damaged_answer_is_refused_or_says_something_of_the_right_form(
    result: FileResult, data: st.DataObject
) -> None:
    said = bytearray(b"".join(told(result)))
    for _ in range(data.draw(st.integers(1, 3))):
        said[data.draw(st.integers(0, len(said) - 1))] = data.draw(st.integers(0, 255))
    try:
        answer = heard(bytes(said))
    except NonsenseError:
        return
    assert answer is None or (answer.path == PATH and answer.allowed == ())


@given(st.binary(max_size=200))
def test_no_bytes_make_the_parent_fall_over(said: bytes) -> None:
    with suppress(NonsenseError):
        assert heard(said + b"\n") is None


def test_numbers_no_file_can_have_lose_no_finding() -> None:
    huge = file(
        PATH,
        findings=(replace(finding(PATH, offset=2**64), length=2**64), finding(PATH, offset=-9)),
        references=(Reference(PATH, "y", "shard", 2**64),),
        tensors=(TensorEntry(PATH, "t", "F32", (2**64,), 4), TensorEntry(PATH, "u", "F32", (1,), 4)),
    )
    answer = heard(b"".join(told(huge)))
    assert answer is not None
    assert [(each.offset, each.length) for each in answer.findings] == [(2**53 - 1, 2**53 - 1), (-1, 0)]
    assert [tensor.name for tensor in answer.tensors] == ["u"]
    assert [each.reach for each in answer.references] == [2**53 - 1]
    assert [each.code for each in answer.gaps] == ["damaged"]


def test_more_than_a_result_can_hold_is_refused() -> None:
    one = json.dumps(["facts", [{"where": PATH, "name": "author", "value": "x" * 8000}] * 400]).encode() + b"\n"
    hearing = Hearing(Limits())
    with pytest.raises(NonsenseError):
        for _ in range(200):
            hearing.feed(one, PLACE)
