import unicodedata
from importlib.resources import files

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstone.methods.attacks.text import FAMILIES, chinese, english
from touchstone.methods.attacks.text.changes import Change, applied, edits, edits_of
from touchstone.methods.attacks.text.families import VARIANTS, changes_of
from touchstone.methods.attacks.text.segments import units
from touchstone.scan.look_alikes import skeleton

WORDS = st.text("abcdefghijklmnopqrstuvwxyzABCXYZ", min_size=1, max_size=12)
MIXED = st.text(st.sampled_from("ab cdEF 12.的好明骂中国，@-\u200b"), max_size=40)


def table(name: str) -> list[list[str]]:
    text = files("touchstone.methods.attacks.text").joinpath(name).read_text(encoding="utf-8")
    return [line.split() for line in text.splitlines()]


@given(WORDS)
def test_typos_keep_the_first_letter_and_are_small(word: str) -> None:
    for typo in english.typos(word):
        assert typo[0] == word[0]
        assert 1 <= edits(word, typo) <= 2
        assert len(word) >= 4


def test_typos_of_a_word() -> None:
    assert {"from"} & set(english.typos("form")) == {"from"}
    assert {"frm", "foorm", "fprm"} <= set(english.typos("form"))
    assert english.typos("bad") == []


@given(WORDS)
def test_homoglyphs_look_the_same_and_are_others(word: str) -> None:
    for other in english.homoglyphs(word):
        assert other != word
        assert skeleton(other) == skeleton(word)


@given(WORDS)
def test_a_split_word_is_still_the_word(word: str) -> None:
    for broken in english.splits(word):
        assert edits(word, broken) == 1
        assert "".join(letter for letter in broken if letter.isalpha()) == word


@given(WORDS)
def test_casing_changes_nothing_else(word: str) -> None:
    assert {other.lower() for other in english.casings(word)} <= {word.lower()}
    assert word not in english.casings(word)


def test_leetspeak_and_drops() -> None:
    assert {"l0ser", "10$er", "los3r"} & set(english.leetspeak("loser")) == {"l0ser", "los3r"}
    assert english.leetspeak("loser")[-1] == "1053r"
    assert english.drops("The") == [""]
    assert english.drops("not") == english.drops("never") == chinese.drops("不") == []
    assert chinese.drops("的") == [""]


@pytest.mark.parametrize(
    "group",
    ["的得地德", "在再载", "他她它", "做作坐座", "是事市世", "力利立历", "工公共功", "明名命", "清情请", "骗片"],
)
def test_well_known_homophones(group: str) -> None:
    for character in group:
        assert set(group) - {character} <= set(chinese.homophones(character))


@pytest.mark.parametrize(
    ("character", "syllables"),
    [
        ("好", ["hao"]),
        ("骗", ["pian"]),
        ("长", ["chang", "zhang"]),
        ("女", ["nü"]),
        ("略", ["lüe"]),
        ("行", ["hang", "xing"]),
    ],
)
def test_well_known_readings(character: str, syllables: list[str]) -> None:
    assert chinese.pinyin(character) == syllables


def test_sounds_that_turn_the_meaning_round_are_left_out() -> None:
    assert "卖" not in chinese.homophones("买")
    assert chinese.look_alike_characters("买") == []


def test_the_table_of_sounds() -> None:
    lines = table("pinyin.txt")
    assert [syllable for syllable, _ in lines] == sorted(
        {syllable for syllable, _ in lines}, key=lambda s: s.replace("ü", "v")
    )
    characters = {character for _, group in lines for character in group}
    assert 1500 <= len(characters) <= 2500
    assert all(unicodedata.name(character).startswith("CJK UNIFIED") for character in characters)
    assert all(len(set(group)) == len(group) for _, group in lines)


def test_the_other_tables() -> None:
    assert {"未末", "己已巳", "土士", "人入八"} <= {group for (group,) in table("look_alike_characters.txt")}
    parts = dict(table("components.txt"))
    assert parts["好"] == "女子"
    assert parts["明"] == "日月"
    assert all(len(each) > 1 and character not in each for character, each in parts.items())
    pairs = [pair for line in table("variants.txt") for pair in line]
    assert {"国國", "说說", "骗騙"} <= set(pairs)
    assert len({pair[0] for pair in pairs}) == len(pairs)
    assert chinese.variant_forms("國") == ["国"]


def test_numbers_and_addresses_are_no_units() -> None:
    text = "Pay ￥300 or 5kg to a.b@c.cn via https://x.cn/pay?q=1现在 don't wait r2d2"
    assert [unit.text for unit in units(text)] == ["Pay", "or", "to", "via", "现", "在", "don't", "wait"]


@given(MIXED, st.integers(0, 2**32))
def test_changes_stay_in_their_place(text: str, seed: int) -> None:
    found = units(text)
    assert all(text[unit.start : unit.end] == unit.text for unit in found)
    generator = np.random.default_rng(seed)
    chosen = [
        options[0] for i in range(len(found)) if (options := changes_of(text, found, i, tuple(FAMILIES), generator))
    ]
    perturbed = applied(text, chosen)
    if not any(change.family == "leetspeak" for change in chosen):
        assert [c for c in perturbed if c.isdigit()] == [c for c in text if c.isdigit()]
    assert edits(text, perturbed) <= edits_of(text, chosen)


def test_each_family_changes_something() -> None:
    text = "This is really bad service 这个骗子说的话好坏"
    found = units(text)
    for name in FAMILIES:
        made = [
            change
            for place in range(len(found))
            for change in changes_of(text, found, place, (name,), np.random.default_rng(0))
        ]
        assert made, name
        assert {change.family for change in made} == {name}
        assert all(applied(text, [change]) != text for change in made)
        assert max(sum(c.start == unit.start for c in made) for unit in found) <= VARIANTS


@given(st.text("ab", max_size=6), st.text("ab", max_size=6), st.text("ab", max_size=6))
def test_edits_are_a_distance(a: str, b: str, c: str) -> None:
    assert edits(a, b) == edits(b, a)
    assert (edits(a, b) == 0) == (a == b)
    assert edits(a, c) <= edits(a, b) + edits(b, c)


def test_overlapping_changes_are_refused() -> None:
    with pytest.raises(ValueError, match="overlap"):
        applied("abc", [Change(0, 2, "x", ""), Change(1, 3, "y", "")])
