"""Characters that reorder or hide code are found in code, and nowhere else."""

from __future__ import annotations

import pytest

from touchstone.scan.file import scan_bytes


def rules(text: str, name: str) -> dict[str, str]:
    return {finding.rule: finding.severity for finding in scan_bytes(text.encode(), name).findings}


TROJAN = "is_admin = False  # \u202e\u2066 then nothing\n"


@pytest.mark.parametrize("name", ["a.py", "a.sh", "a.c", "a.jinja"])
def test_open_direction_controls_in_code(name: str) -> None:
    text = TROJAN if name != "a.jinja" else "{{ x }}" + TROJAN
    assert rules(text, name)["text/reordered-code"] == "high"


def test_closed_direction_controls_weigh_less() -> None:
    assert rules("a = '\u2067שלום\u2069'\n", "a.py")["text/reordered-code"] == "medium"


def test_prose_may_have_them() -> None:
    assert rules(TROJAN, "notes.txt") == {}


def test_an_invisible_letter_inside_a_word() -> None:
    assert "text/invisible-letter" in rules("# pass\u200bword\nx = 1\n", "a.py")


def test_ordinary_arabic_and_joined_emoji_are_fine() -> None:
    assert rules("# مرحبا \U0001f468\u200d\U0001f469\u200d\U0001f467\nx = 1\n", "a.py") == {}
