"""The filter of blocks loses nothing: what is found is what a search word by word finds."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstone.methods.content.reading import reading
from touchstone.methods.content.search import Occurrence, WordSearch

WORDS = ["炸药", "炸药包", "pipe bomb", "bomb*", "the", "the end of the world", "k粉", "ab", "abc*"]


def found(words: list[str], texts: list[str]) -> list[tuple[int, str]]:
    batch = reading(texts)
    return [(each.text, batch.text(each.start, each.end)) for each in WordSearch(words).find(batch)]


def test_words_are_found_where_words_begin_and_end() -> None:
    assert found(WORDS, ["bombs and abombs", "the theme", "pipe bomb", "pipe bombs"]) == [
        (0, "bomb"),
        (1, "the"),
        (2, "pipe bomb"),
        (2, "bomb"),
        (3, "bomb"),
    ]


def test_chinese_words_are_found_anywhere_and_may_overlap() -> None:
    assert found(WORDS, ["买炸药包和K粉吧", "药炸"]) == [(0, "炸药"), (0, "炸药包"), (0, "k粉")]


def test_nothing_is_found_in_nothing() -> None:
    assert found(WORDS, []) == []
    assert found(WORDS, ["", "", "炸", "药"]) == []
    assert found([], ["some text"]) == []


def test_a_single_character_is_no_word() -> None:
    with pytest.raises(ValueError, match="too short"):
        WordSearch(["炸"])


@given(
    words=st.lists(st.text("ab药炸 ", min_size=2, max_size=10), min_size=1, max_size=8, unique=True),
    texts=st.lists(st.text("ab药炸 .", max_size=40), min_size=1, max_size=5),
)
def test_all_that_a_naive_search_finds_is_found(words: list[str], texts: list[str]) -> None:
    words = [word for word in words if len(word.strip()) >= 2 and reading([word]).text()[:-1] == word.strip() == word]
    batch = reading(texts)
    text = batch.text()
    expected = {
        (place.start(), place.start() + len(word), number)
        for number, word in enumerate(words)
        for place in re.finditer(f"(?={re.escape(word)})", text)
        if not (word[0] in "ab" and place.start() and text[place.start() - 1] in "ab")
        and not (word[-1] in "ab" and text[place.start() + len(word)] in "ab")
    }
    occurrences = WordSearch(words).find(batch)
    assert {(each.start, each.end, each.word) for each in occurrences} == expected
    assert occurrences == sorted(occurrences, key=lambda each: (each.start, each.end, each.word))
    assert all(text[: each.start].count("\0") == each.text for each in occurrences)


def test_an_occurrence_says_where() -> None:
    assert WordSearch(["炸药"]).find(reading(["一", "有炸药"])) == [Occurrence(text=1, start=3, end=5, word=0)]
