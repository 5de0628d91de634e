"""Disguises are undone as a reader would, in every text of a batch and across none."""

from __future__ import annotations

import html

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstone.methods.content.reading import BETWEEN, as_read, reading


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("Ｂｏｍｂ", "bomb"),
        ("𝐛𝐨𝐦𝐛", "bomb"),
        ("ⓑomb", "bomb"),
        ("bо\u200bmb", "bomb"),
        ("b\u0336o\u0336m\u0336b", "bomb"),
        ("bömb", "bomb"),
        ("b0mb", "bomb"),
        ("k!ll", "kill"),
        ("b o m b", "bomb"),
        ("b.o.m.b now", "bomb now"),
        ("make a b.o.m.b", "make a bomb"),
        ("&#000000028856;药", "炸药"),
        ("&#" + "1" * 5000 + ";药", "\ufffd药"),
        ("&#" + "0" * 5000, "\ufffd"),
        ("&#x" + "f" * 5000 + ";", "\ufffd"),
        ("self\u2011harm", "self harm"),
        ("炸\u200b藥", "炸药"),
        ("炸 * 藥", "炸药"),
        ("炸\n药", "炸药"),
        ("⼾口", "户口"),
        ("炸......药", "炸......药"),
        ("&#28856;&#33647;", "炸药"),
        ("ﬁrearm", "firearm"),
        ("Straße", "strasse"),
        ("10㎡", "10m2"),
        ("a  \t b", "a b"),
        ("don\u2019t", "don't"),
        ("2 of 3", "2 of 3"),
        ("plan B", "plan b"),
        ("covid 19", "covid 19"),
        ("，。！", ",。!"),
        ("", ""),
    ],
)
def test_a_disguise_is_undone(written: str, read: str) -> None:
    assert as_read([written]) == [read]


def test_nothing_reaches_from_one_text_into_the_next() -> None:
    batch = reading(["炸", "药", "b", "o", "m", "", "\0药"])
    assert batch.text() == BETWEEN.join(["炸", "药", "b", "o", "m", "", " 药", ""])
    assert [batch.text(start, start + 1) for start in batch.starts] == ["炸", "药", "b", "o", "m", BETWEEN, " "]


def test_every_character_there_is_can_be_read() -> None:
    characters = [chr(code) for code in range(0x30000)]
    read = reading(characters)
    assert len(read.starts) == len(characters)
    once = as_read(characters[1:])
    assert as_read(once) == once


def test_no_texts_read_as_nothing() -> None:
    assert reading([]).text() == ""
    assert len(reading([]).starts) == 0


@given(st.lists(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=30), min_size=1, max_size=6))
def test_each_text_is_read_as_it_is_alone(texts: list[str]) -> None:
    texts = [html.unescape(text) for text in texts]
    together = reading(texts)
    assert len(together.starts) == len(texts)
    assert as_read(texts) == [as_read([text])[0] for text in texts]
