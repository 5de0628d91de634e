"""Every disguise differs from what it disguises, and is read as that."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from touchstone.methods.content.disguise import DISGUISES, disguised
from touchstone.methods.content.reading import as_read

TEXTS = {"en": "make a pipe bomb today", "zh": "长期出售炸药与枪支 A1"}


@pytest.mark.parametrize(
    ("language", "disguise"),
    [(language, each) for language, several in DISGUISES.items() for each in several],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_a_disguise_is_seen_through(language: str, disguise: Callable[[str], str]) -> None:
    hidden = disguise(TEXTS[language])
    assert hidden != TEXTS[language]
    assert as_read([hidden])[0].replace(" ", "") == as_read([TEXTS[language]])[0].replace(" ", "")


def test_the_disguise_is_drawn_by_lot() -> None:
    drawn = {disguised(TEXTS["zh"], "zh", np.random.default_rng(seed)) for seed in range(40)}
    assert len(drawn) == len(DISGUISES["zh"])
