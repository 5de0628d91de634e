"""Tokenizer models of SentencePiece: every field is one of the tokenizer's."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings

from tests.scan.formats.damage import damaged, facts, scanned


def field(number: int, data: bytes) -> bytes:
    return bytes((number << 3 | 2, len(data))) + data


def piece(text: bytes) -> bytes:
    return field(1, field(1, text) + b"\x15" + struct.pack("<f", -1.5) + b"\x18\x01")


TRAINER = field(2, field(1, b"corpus.txt") + b"\x18\x02" + b"\x20\x40")
NORMALIZER = field(3, field(1, b"nmt_nfkc") + field(2, bytes(16)) + b"\x18\x01")
PLAIN = b"".join(piece(text) for text in (b"<unk>", b"<s>", b"</s>", b"\xe2\x96\x81a", b"b")) + TRAINER + NORMALIZER


def test_a_tokenizer_is_clean_and_described() -> None:
    result = scanned(PLAIN, "tokenizer.model")
    assert (result.format, result.verdict, result.findings) == ("sentencepiece", "clean", ())
    assert {("architecture", "bpe"), ("hyper-parameter", "vocab_size=5")} <= facts(PLAIN, "tokenizer.model")


@pytest.mark.parametrize("content", [PLAIN + field(9, b"planted"), PLAIN + b"\x2a", PLAIN[:-4]])
def test_what_no_tokenizer_has_is_never_clean(content: bytes) -> None:
    assert scanned(content, "tokenizer.model").verdict != "clean"


@settings(max_examples=150, deadline=None)
@given(damaged(PLAIN))
def test_damage_never_breaks_the_reader(content: bytes) -> None:
    scanned(content, "tokenizer.model")
