"""Topics are found by a term or by words close together, not in a context that speaks otherwise."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstone.methods.content.lexicon import BATCH, CONTEXT, Finding, Lexicon, LexiconScanner

TRADE = Lexicon("trade", patterns=((("炸药", "dynamite"), ("出售", "sell")),), within=6, unless=("法院", "police"))
WORD = Lexicon("word", terms=("毒品",))


def topics(text: str, *lexicons: Lexicon) -> list[str]:
    return [each.lexicon for each in LexiconScanner(lexicons or (TRADE, WORD)).scan([text])]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("这里出售炸药", ["trade"]),
        ("炸药现在出售", ["trade"]),
        ("炸药一二三四五六出售", ["trade"]),
        ("炸药一二三四五六七出售", []),
        ("出售", []),
        ("毒品", ["word"]),
        ("毒品与出售炸药", ["trade", "word"]),
        ("法院判了出售炸药者", []),
        ("毒品和法院", ["word"]),
        ("I sell dynamite", ["trade"]),
        ("Police: they sell dynamite", []),
        ("法院" + "一" * CONTEXT + "出售炸药", ["trade"]),
        ("法院出售炸药" + "一" * CONTEXT + "。出售炸药", ["trade"]),
    ],
)
def test_words_close_together_make_a_topic(text: str, expected: list[str]) -> None:
    assert topics(text) == expected


def test_words_of_a_pattern_may_not_overlap() -> None:
    same = Lexicon("same", patterns=((("出售",), ("售卖", "出售")),))
    assert topics("出售", same) == []
    assert topics("出售卖", same) == []
    assert topics("出售售卖", same) == ["same"]


def test_what_was_found_is_no_context_of_itself() -> None:
    patient = Lexicon("patient", terms=("精神病患者",), unless=("患者",))
    assert topics("精神病患者", patient) == ["patient"]
    assert topics("患者与精神病患者", patient) == []


def test_a_longer_word_that_means_something_else_is_not_found() -> None:
    gun = Lexicon("gun", terms=("gun",), compounds=("gun safe", "water gun"))
    assert topics("a gun", gun) == ["gun"]
    assert topics("a gun safe and a water gun", gun) == []
    assert topics("a gun in a gun safe", gun) == ["gun"]


def test_a_pattern_of_three_needs_all_three() -> None:
    three = Lexicon("three", patterns=((("一起",), ("焚烧",), ("国旗",)),), within=4)
    assert topics("一起去焚烧国旗", three) == ["three"]
    assert topics("一起去看国旗", three) == []


def test_nothing_reaches_from_one_text_into_another_nor_does_a_context() -> None:
    scanner = LexiconScanner([TRADE])
    assert scanner.scan(["出售", "炸药"]) == []
    assert scanner.scan(["法院", "出售炸药", "法院"]) == [Finding(1, "trade", ("炸药", "出售"))]


def test_texts_keep_their_numbers_over_many_batches() -> None:
    texts = ["一" * (BATCH // 2)] * 7
    texts[5] += "毒品"
    texts[6] = "毒品"
    assert [each.text for each in LexiconScanner([WORD]).scan(texts)] == [5, 6]
    assert LexiconScanner([WORD]).scan([]) == []


@given(st.lists(st.text(alphabet=st.one_of(st.characters(), st.sampled_from("炸药出售法院 &#\0\ud800")), max_size=40)))
def test_whatever_is_in_the_texts_they_are_read(texts: list[str]) -> None:
    found = LexiconScanner([TRADE, WORD]).scan(texts)
    assert all(0 <= each.text < len(texts) for each in found)


def test_a_text_of_nothing_but_words_is_read_in_time() -> None:
    """Neither many words without a partner nor many in a harmless context take more than a moment each."""
    started = time.process_time()
    alone = "炸药" * 100_000
    harmless = "法院出售炸药，" * 20_000
    assert LexiconScanner([TRADE]).scan([alone, harmless]) == []
    assert time.process_time() - started < 10
