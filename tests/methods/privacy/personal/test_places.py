"""Places where a pattern may begin: none that begins there is missed, and most others are left out."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstone.methods.privacy.personal.beginnings import ANY, DEPTH, UNKNOWN, beginnings
from touchstone.methods.privacy.personal.places import BLOCK, Places

PATTERNS = [
    "ab",
    "a?b*[cd]{2,3}e",
    "(?:ab|c(?:d|ef))+g",
    "(?<![a-c])d",
    "(?<=a)b",
    "(?<=[ab]c)d",
    "(?=[a-c])(?!b)[^x]{1,2}?y",
    "^a",
    r"\Aab",
    r"b$",
    r"(a|b)\1c",
    "(?i:AB)c",
    "(?i)abc",
    r"\d[^\W\d]",
    r"\bab",
    "a|",
    "(?:)",
    "[^a-y]b",
    "[一-龥]{2}",
    "[^一-龥]a",
    "[\U00020000-\U0002ffff]a",
    "a*+b",
    "(?>a|ab)c",
    "(?:a{0,2}b){3,}",
    "aaaaaaaaaaaaaaaaab",
    "(?=(?<!a)b)bc",
    "(?:^a|b)c?",
    "(?:(?=a)[ab]|b)c",
    "(?:(?<!a)b)?c",
    "(?:a?){3,}b",
    "(?:a{3}){2}|b{1000,}",
    "(?P<word>[a-d]{1,3})e",
]
LISTS = [{}] * (len(PATTERNS) - 1) + [{"word": frozenset({"abc", "bcd", "ddd"})}]
PLACES = Places([beginnings(pattern, among) for pattern, among in zip(PATTERNS, LISTS, strict=True)])
TEXTS = st.text(st.sampled_from("aabbccdeefgxyAB1 \n一龥𠀀\ud800"), max_size=40)


@given(TEXTS, TEXTS)
def test_no_match_is_missed_in_either_of_two_texts(one, other):
    allowed = [set(places.tolist()) for places in PLACES.of(f"{one}\n{other}")]
    for pattern, among, places in zip(PATTERNS, LISTS, allowed, strict=True):
        compiled = re.compile(pattern)
        for text, first in ((one, 0), (other, len(one) + 1)):
            for start in range(len(text)):
                match = compiled.match(text, start)
                if match and all(match[group] in words for group, words in among.items()):
                    assert first + start in places, (pattern, text, start)


@pytest.mark.parametrize(
    ("pattern", "text", "places"),
    [
        ("ab", "abacab", [0, 4]),
        ("(?<!a)b", "abbb", [2, 3]),
        ("^a", "aa", [0]),
        ("[0-9]{3}-", "123-4567-89", [0, 5]),
        ("(?:Mr|Dr) [A-Z]", "Dr X and Mr x", [0]),
        ("abcd$", "abcde abcd", [0, 6]),
    ],
)
def test_most_other_places_are_left_out(pattern, text, places):
    [found] = Places([beginnings(pattern, {})]).of(text)
    assert found.tolist() == places


def test_a_list_of_words_narrows_what_a_group_begins_with():
    [found] = Places([beginnings("(?<![A-Z])(?P<given>[A-Z][a-z]+) x", {"given": frozenset({"Mary", "Mark"})})]).of(
        "Mary x Mona x Mark x"
    )
    assert found.tolist() == [0, 14]


def test_words_of_one_character_and_of_many():
    among = {"family": frozenset({"李", "欧阳", "𠀀", "Montgomery"})}
    [found] = Places([beginnings("(?P<family>[^ ]+)!", among)]).of("李!欧阳!欧! 𠀀! Montgomery! Monterey!")
    assert {0, 2, 8, 11} <= set(found.tolist())
    assert not {5, 23} & set(found.tolist())


def test_what_is_not_looked_into_narrows_nothing():
    assert beginnings("(?i)abc", {}) == UNKNOWN
    assert beginnings(r"\w", {}).at == (ANY,) * DEPTH


def test_more_patterns_than_bits_and_texts_longer_than_a_block():
    letters = [chr(code) for code in range(ord("一"), ord("一") + 70)]
    places = Places([beginnings(letter, {}) for letter in letters]).of("x" * (BLOCK - 1) + "".join(letters))
    assert [each.tolist() for each in places] == [[BLOCK - 1 + number] for number in range(70)]


def test_an_empty_text_has_no_places_and_a_broken_pattern_is_refused():
    assert [each.tolist() for each in Places([beginnings("a", {})]).of("")] == [[]]
    with pytest.raises(re.error):
        beginnings("a(", {})
