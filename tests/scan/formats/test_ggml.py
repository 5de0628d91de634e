"""Formats before GGUF: the layout that explains every byte is found; no layout, no clean verdict."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings

from tests.scan.formats.damage import damaged, facts, scanned

WORDS = (b"a", b"bc", b"def")


def tensor(name: bytes, shape: tuple[int, ...], kind: int, data: bytes, at: int = 0, alignment: int = 1) -> bytes:
    head = struct.pack(f"<3i{len(shape)}i", len(shape), len(name), kind, *shape) + name
    return head + bytes(-(at + len(head)) % alignment) + data


def words(*, scores: bool = False) -> bytes:
    return b"".join(struct.pack("<I", len(word)) + word + (bytes(4) if scores else b"") for word in WORDS)


def llama() -> bytes:
    return b"lmgg" + struct.pack("<7i", 3, 8, 2, 1, 1, 8, 1) + words() + tensor(b"t.w", (4, 2), 1, bytes(16))


def llama_aligned() -> bytes:
    head = b"tjgg" + struct.pack("<i7i", 3, 3, 8, 2, 1, 1, 8, 2) + words(scores=True)
    return head + tensor(b"t.w", (32, 2), 2, bytes(36), len(head), 32)


def whisper() -> bytes:
    head = b"lmgg" + struct.pack("<11i", 3, *range(1, 10), 1) + struct.pack("<2i", 2, 3) + bytes(24)
    return head + struct.pack("<i", 3) + words() + tensor(b"encoder.w", (4, 2), 0, bytes(32))


def gpt() -> bytes:
    return b"lmgg" + struct.pack("<6ii", 3, 8, 2, 1, 1, 0, 3) + words() + tensor(b"wte", (4,), 0, bytes(16))


def adapter() -> bytes:
    head = b"algg" + struct.pack("<i2i", 1, 8, 16)
    return head + tensor(b"q.loraA", (4,), 0, bytes(16), len(head), 32)


@pytest.mark.parametrize(
    ("content", "architecture"),
    [(llama(), "llama"), (llama_aligned(), "llama"), (whisper(), "whisper"), (gpt(), "gpt-2"), (adapter(), "lora")],
)
def test_each_layout_is_recognised_and_clean(content: bytes, architecture: str) -> None:
    result = scanned(content)
    assert (result.format, result.verdict, len(result.tensors)) == ("ggml", "clean", 1)
    assert ("architecture", architecture) in facts(content)


def test_blocks_of_before_june_2023_are_known() -> None:
    content = b"lmgg" + struct.pack("<7i", 0, 8, 2, 1, 1, 8, 2) + tensor(b"t.w", (32,), 2, bytes(20))
    assert scanned(content).verdict == "clean"


@pytest.mark.parametrize("content", [llama() + b"x", llama()[:-1], b"lmgg" + bytes(200), b"tjgg" + bytes(4)])
def test_what_fits_no_layout_is_incomplete(content: bytes) -> None:
    assert scanned(content).verdict == "incomplete"


@settings(max_examples=200, deadline=None)
@given(damaged(whisper()))
def test_damage_never_breaks_the_reader(content: bytes) -> None:
    scanned(content)
