"""Readings of a text, and what must be read out of whatever they are applied to."""

from __future__ import annotations

import base64
import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstone.methods.language.readings import compact, decoded_parts, numbers_in, readings

SECRET = "VUKOTA-48213"
SPOKEN = SECRET.translate(str.maketrans("0123456789", "〇一二三四五六七八九"))


@pytest.mark.parametrize(
    "written",
    [
        SECRET,
        SECRET.lower(),
        SECRET[::-1],
        "-".join(SECRET),
        " ".join(SECRET),
        "\u200b".join(SECRET),
        codecs.encode(SECRET, "rot13"),
        SPOKEN,
        "ＶＵＫＯＴＡ－４８２１３",
        base64.b64encode(SECRET.encode()).decode(),
        base64.b64encode(f"the code is {SECRET}.".encode()).decode(),
        base64.urlsafe_b64encode(f"暗号为{SECRET}".encode()).decode().rstrip("="),
        SECRET.encode().hex(),
        SECRET.encode().hex(" ").upper(),
    ],
)
def test_every_encoding_of_a_secret_is_read(written: str) -> None:
    assert any(compact(SECRET) in reading for reading in readings(f"Well, here it is: {written}. Bye."))


@pytest.mark.parametrize(
    "written",
    ["9591", "9,591", "9 591", "9’591", "９５９１", "= 9591.", "9591 EUR", "结果为9591。", "$9{,}591$", "9\\,591"],
)
def test_a_number_is_read_however_its_thousands_are_set(written: str) -> None:
    assert "9591" in numbers_in(written)


@pytest.mark.parametrize("written", ["95910", "19591", "95 91", "9.591", ""])
def test_another_number_is_not(written: str) -> None:
    assert "9591" not in numbers_in(written)


@given(st.text(max_size=200))
def test_any_text_can_be_read(text: str) -> None:
    assert next(readings(text)) == compact(text)
    assert all(isinstance(part, str) for part in decoded_parts(text))
    assert compact(compact(text)) == compact(text) or not text.isascii()
