"""Text that a pickle loader could follow: word lists are text, calls are pickles whatever the name says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstone.scan.file import scan_bytes

WORDS = st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=12)


@pytest.mark.parametrize("text", [b"cat\ndog\n", b"car\nbus\ntruck\n", b"chair\ntable\n", b"lamp\n", b"isle\nsea\n"])
def test_lists_of_labels_are_text(text: bytes) -> None:
    result = scan_bytes(text, "labels.txt")
    assert (result.format, result.verdict) == ("text", "clean")


@given(st.lists(WORDS, min_size=1, max_size=30))
def test_no_list_of_words_is_refused(words: list[str]) -> None:
    """Unless the words are those of a call: `(`, `R` and the like are none."""
    assert scan_bytes("\n".join(words).encode() + b"\n", "words.txt").verdict != "unsafe"


@pytest.mark.parametrize("source", [b"import json\nx = json.dumps\n", b"class Net:\n    size = 3\n", b"case 1: sit.\n"])
def test_what_begins_like_an_import_of_prose_is_no_pickle(source: bytes) -> None:
    assert scan_bytes(source, "net.py").format != "pickle"


@pytest.mark.parametrize(
    "data",
    [
        b"cos\nsystem\n(S'echo planted'\ntR.",
        b"cos\nsystem\n(S'echo planted'\ntR",
        b"(S'echo planted'\nios\nsystem\n.",
        b"cmine\nthing\n(tR",
        b"Vlabel\n0cos\nsystem\n",
    ],
)
def test_a_pickle_without_a_mark_is_one_under_any_name(data: bytes) -> None:
    result = scan_bytes(data, "labels.txt")
    assert result.format == "pickle"
    assert result.verdict in ("unsafe", "review")
    assert any(finding.severity in ("critical", "high") for finding in result.findings)


def test_a_file_of_another_format_that_is_also_a_pickle_is_found() -> None:
    header = b'{"__metadata__":{"a":"b"}}'.ljust(32)
    length = len(header).to_bytes(8, "little")
    assert scan_bytes(length + header, "model.safetensors").verdict == "clean"
    ini = b"(S'echo planted'\nios\nsystem\n0N.\n# x: y\n"
    assert any(finding.severity == "critical" for finding in scan_bytes(ini, "config.yaml").findings)
