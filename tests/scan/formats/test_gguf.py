"""GGUF files are understood to the last byte; counts, lengths and places that lie are found."""

from __future__ import annotations

import struct
from typing import Any, Final

import pytest
from hypothesis import given, settings

from tests.scan.formats.damage import damaged, facts, rules, scanned

CALL: Final = "{{ ''.__class__.__mro__[1].__subclasses__() }}"


def text(value: str, order: str = "<", width: str = "Q") -> bytes:
    return struct.pack(order + width, len(value.encode())) + value.encode()


def pair(key: str, kind: int, value: bytes, order: str = "<", width: str = "Q") -> bytes:
    return text(key, order, width) + struct.pack(order + "I", kind) + value


def tensor(name: str, shape: tuple[int, ...], kind: int, offset: int, order: str = "<", width: str = "Q") -> bytes:
    head = text(name, order, width) + struct.pack(f"{order}I{len(shape)}{width}", len(shape), *shape)
    return head + struct.pack(order + "IQ", kind, offset)


def gguf(
    pairs: list[bytes], tensors: list[bytes], data: bytes = b"", *, order: str = "<", version: int = 3, **counts: Any
) -> bytes:
    width = "I" if version == 1 else "Q"
    head = b"GGUF" + struct.pack(
        f"{order}I2{width}", version, counts.get("tensor_count", len(tensors)), counts.get("pair_count", len(pairs))
    )
    body = head + b"".join(pairs) + b"".join(tensors)
    return body + bytes(-len(body) % 32) + data if data or tensors else body


def plain(order: str = "<", version: int = 3) -> bytes:
    width = "I" if version == 1 else "Q"
    length = struct.Struct(order + width).pack
    words = b"".join(text(word, order, width) for word in ("a", "bc", "名"))
    pairs = [
        pair("general.architecture", 8, text("llama", order, width), order, width),
        pair("general.file_type", 4, struct.pack(order + "I", 15), order, width),
        pair("general.base_model.0.name", 8, text("Elder", order, width), order, width),
        pair("llama.context_length", 4, struct.pack(order + "I", 128), order, width),
        pair("tokenizer.ggml.tokens", 9, struct.pack(order + "I", 8) + length(3) + words, order, width),
        pair("tokenizer.ggml.scores", 9, struct.pack(order + "I", 6) + length(3) + bytes(12), order, width),
        pair("nested", 9, struct.pack(order + "I", 9) + length(1) + struct.pack(order + "I", 0) + length(2) + b"xy",
             order, width),
        pair("flag", 7, b"\x01", order, width),
        pair("tokenizer.chat_template", 8, text("{% for m in messages %}{{ m.content }}{% endfor %}", order, width),
             order, width),
    ]  # fmt: skip
    tensors = [
        tensor("a", (3, 2), 0, 0, order, width),
        tensor("b", (64, 2), 8, 32, order, width),
    ]
    return gguf(pairs, tensors, bytes(24) + bytes(8) + bytes(136) + bytes(24), order=order, version=version)


@pytest.mark.parametrize(("order", "version"), [("<", 3), (">", 3), ("<", 2), ("<", 1)])
def test_plain_files_of_every_version_and_byte_order_are_clean(order: str, version: int) -> None:
    result = scanned(plain(order, version))
    assert (result.format, result.verdict, result.findings) == ("gguf", "clean", ())
    assert [(t.name, t.dtype, t.bytes) for t in result.tensors] == [("a", "F32", 24), ("b", "Q8_0", 136)]
    assert {
        ("architecture", "llama"),
        ("quantisation", "Q4_K_M"),
        ("base-model", "Elder"),
        ("hyper-parameter", "context_length=128"),
        ("parameters", "134"),
    } <= facts(plain(order, version))


def test_a_vocabulary_without_tensors_is_clean_with_and_without_padding() -> None:
    content = gguf([pair("general.name", 8, text("v"))], [])
    assert scanned(content).verdict == "clean"
    assert scanned(content + bytes(-len(content) % 32)).verdict == "clean"


NAME: Final = pair("general.name", 8, text("v"))
A: Final = tensor("a", (8,), 0, 0)


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (gguf([], [], tensor_count=2**62), "gguf/impossible-number"),
        (gguf([], [], pair_count=2**62), "gguf/impossible-number"),
        (gguf([struct.pack("<Q", 2**62) + bytes(20)], []), "gguf/impossible-number"),
        (gguf([pair("k", 8, struct.pack("<Q", 2**63))], []), "gguf/impossible-number"),
        (gguf([pair("k", 9, struct.pack("<IQ", 6, 2**62))], []), "gguf/impossible-number"),
        (gguf([pair("k", 9, struct.pack("<IQ", 8, 1) + struct.pack("<Q", 2**62))], []), "gguf/impossible-number"),
        (gguf([], [tensor("a", (2**32, 2**32), 0, 0)], bytes(32)), "gguf/impossible-number"),
        (gguf([], [tensor("a", (2**61 + 4,), 0, 0), tensor("b", (8,), 0, 32)], bytes(64)), "gguf/misplaced-tensor"),
        (gguf([], [A, tensor("b", (8,), 0, 0)], bytes(64)), "gguf/misplaced-tensor"),
        (gguf([], [tensor("a", (8,), 0, 2**40)], bytes(32)), "gguf/misplaced-tensor"),
        (gguf([], [tensor("a", (8,), 0, 3)], bytes(64)), "gguf/bad-layout"),
        (gguf([], [tensor("a", (31,), 8, 0)], bytes(64)), "gguf/bad-layout"),
        (gguf([], [tensor("a", (1,) * 64, 0, 0)], bytes(32)), "gguf/bad-layout"),
        (gguf([], [tensor("a" * 64, (8,), 0, 0)], bytes(32)), "gguf/bad-layout"),
        (gguf([pair("general.alignment", 4, struct.pack("<I", 7))], []), "gguf/bad-layout"),
        (gguf([pair("flag", 7, b"\x02")], []), "gguf/bad-layout"),
        (gguf([pair("k", 9, struct.pack("<IQ", 9, 1) * 10)], []), "gguf/bad-layout"),
        (gguf([NAME, NAME], []), "gguf/repeated-name"),
        (gguf([], [A, tensor("a", (8,), 0, 32)], bytes(64)), "gguf/repeated-name"),
        (gguf([], [A], bytes(32) + b"more than padding"), "gguf/hidden-bytes"),
        (gguf([], [A, tensor("b", (8,), 0, 64)], bytes(96)), "gguf/hidden-bytes"),
        (gguf([], [tensor("a", (6,), 0, 0), tensor("b", (8,), 0, 32)], b"\x01" * 64), "gguf/hidden-bytes"),
        (gguf([], [tensor("a", (64,), 24, 0)], b"\x7fELF\x02\x01\x01" + bytes(57)), "tensor/other-content"),
    ],
)
def test_lies_and_hidden_bytes_are_found(content: bytes, rule: str) -> None:
    assert rule in rules(content)


@pytest.mark.parametrize("key", ["tokenizer.chat_template", "tokenizer.chat_template.tool_use"])
def test_every_chat_template_is_judged(key: str) -> None:
    result = scanned(gguf([pair(key, 8, text(CALL))], []))
    assert result.verdict == "unsafe"
    assert any(finding.offset > 0 for finding in result.findings)


@pytest.mark.parametrize(
    "content",
    [
        plain()[:-40],
        gguf([], [tensor("a", (8,), 200, 0)], bytes(32)),
        gguf([pair("k", 77, b"")], []),
        gguf([], [], version=9),
        gguf([pair("k", 9, struct.pack("<IQ", 77, 0))], []),
    ],
)
def test_what_is_not_understood_is_never_clean(content: bytes) -> None:
    assert scanned(content).verdict == "incomplete"


@settings(max_examples=300, deadline=None)
@given(damaged(plain()))
def test_damage_never_breaks_the_reader(content: bytes) -> None:
    scanned(content)
