"""Patterns are matched as regular expressions are, in linear time, and their examples match."""

from __future__ import annotations

import re
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstone.methods.agents.patterns import example, matches, parse

ATOMS = st.sampled_from(["a", "b", "-", r"\.", r"\d", ".", "[a-c]", "[0-9A-F]", "[abc_]", r"[\-x]", " ", "é", "单"])
TIMES = st.sampled_from(["", "?", "*", "+", "{2}", "{1,3}", "{2,}", "{0,1}"])
PATTERNS = st.lists(st.tuples(ATOMS, TIMES).map("".join), min_size=1, max_size=6).map("".join)
TEXTS = st.text(st.sampled_from("ab-.0159AFcx_ é单\n"), max_size=12)


@given(PATTERNS, TEXTS)
def test_matching_agrees_with_regular_expressions(pattern: str, text: str) -> None:
    assert matches(parse(pattern), text) == (re.fullmatch(pattern, text, re.ASCII) is not None)


@given(PATTERNS, st.integers(0, 2**32 - 1))
def test_examples_match_their_pattern(pattern: str, seed: int) -> None:
    text = example(parse(pattern), np.random.default_rng(seed))
    assert re.fullmatch(pattern, text, re.ASCII), (pattern, text)


@pytest.mark.parametrize("pattern", ["C-[0-9]{4}", "^C-[0-9]{4}$", "^C-[0-9]{4}", "C-[0-9]{4}$"])
def test_a_pattern_is_of_the_whole_text_however_it_is_anchored(pattern: str) -> None:
    assert matches(parse(pattern), "C-1234")
    assert not any(matches(parse(pattern), text) for text in ("C-1234\n", "xC-1234", "C-12345", "C-123", ""))


def test_what_makes_others_go_back_and_forth_takes_linear_time() -> None:
    pieces = parse("a*" * 30 + "b")
    begun = time.process_time()
    assert not matches(pieces, "a" * 5000)
    assert time.process_time() - begun < 5


@given(st.text(max_size=30), st.text(max_size=10))
def test_any_text_is_some_pattern(pattern: str, text: str) -> None:
    assert matches(parse(pattern), text) in {True, False}
