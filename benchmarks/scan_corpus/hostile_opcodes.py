"""Pickle streams written opcode by opcode, so that every unit says exactly what its bytes are.

`pickle.dumps` writes one form of everything; an attacker writes any. Source: Lib/pickletools.py of CPython 3.14.
"""

from __future__ import annotations

import struct
from typing import Any, Literal

STOP = b"."
MARK = b"("
POP = b"0"
MEMOIZE = b"\x94"
REDUCE = b"R"
BUILD = b"b"
NEWOBJ = b"\x81"
NEWOBJ_EX = b"\x92"
STACK_GLOBAL = b"\x93"

By = Literal["REDUCE", "INST", "OBJ"]


class Raw(bytes):
    """Opcodes that leave one value on the stack, to stand among plain values."""


def push(value: Any, protocol: int = 4) -> Raw:
    """Opcodes that push a plain value as that protocol would."""
    match value:
        case Raw():
            made = value
        case None:
            made = Raw(b"N")
        case bool():
            made = Raw((b"\x88" if value else b"\x89") if protocol >= 2 else (b"I01\n" if value else b"I00\n"))
        case int():
            made = _integer(value, protocol)
        case float():
            made = Raw(b"G" + struct.pack(">d", value) if protocol else b"F" + repr(value).encode() + b"\n")
        case str():
            made = text(value, "UNICODE" if not protocol else "SHORT" if protocol >= 4 else "BIN")
        case bytes():
            made = _octets(value, protocol)
        case tuple():
            made = _tuple(value, protocol)
        case list():
            inner = b"".join(push(part, protocol) for part in value)
            made = Raw(b"(" + inner + b"l" if not protocol else b"](" + inner + b"e" if value else b"]")
        case dict():
            inner = b"".join(push(part, protocol) for pair in value.items() for part in pair)
            made = Raw(b"(" + inner + b"d" if not protocol else b"}(" + inner + b"u" if value else b"}")
        case _:
            raise TypeError(type(value))
    return made


def _integer(value: int, protocol: int) -> Raw:
    if not protocol or not -(2**31) <= value < 2**31:
        if protocol >= 2:
            data = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
            return Raw(b"\x8a" + bytes([len(data)]) + data)
        return Raw(b"I%d\n" % value if -(2**31) <= value < 2**31 else b"L%dL\n" % value)
    if 0 <= value < 256:
        return Raw(b"K" + bytes([value]))
    return Raw(b"M" + struct.pack("<H", value) if 0 <= value < 65536 else b"J" + struct.pack("<i", value))


def _octets(value: bytes, protocol: int) -> Raw:
    if protocol >= 3:
        return Raw(
            b"C" + bytes([len(value)]) + value if len(value) < 256 else b"B" + struct.pack("<I", len(value)) + value
        )
    latin = push(value.decode("latin-1"), protocol)
    return Raw(b"c_codecs\nencode\n" + push((latin, "latin1"), protocol) + REDUCE)


def _tuple(value: tuple[Any, ...], protocol: int) -> Raw:
    inner = b"".join(push(part, protocol) for part in value)
    if not value and protocol:
        return Raw(b")")
    if protocol >= 2 and len(value) <= 3:
        return Raw(inner + b"\x85\x86\x87"[len(value) - 1 : len(value)])
    return Raw(b"(" + inner + b"t")


How = Literal["SHORT", "BIN", "BIN8", "UNICODE", "STRING", "BINSTRING", "SHORT_BINSTRING"]


def text(value: str, how: How) -> Raw:
    """A string by one of the seven opcodes that push one."""
    data = value.encode("utf-8", "surrogatepass")
    if how == "SHORT" and len(data) > 255:
        how = "BIN"
    match how:
        case "UNICODE":
            escaped = value.replace("\\", "\\u005c").replace("\n", "\\u000a").encode("raw_unicode_escape")
            return Raw(b"V" + escaped + b"\n")
        case "STRING":
            return Raw(b"S" + repr(value).encode() + b"\n")
        case _:
            head, width = _COUNTED[how]
            return Raw(head + len(data).to_bytes(width, "little") + data)


_COUNTED = {
    "SHORT": (b"\x8c", 1),
    "BIN": (b"X", 4),
    "BIN8": (b"\x8d", 8),
    "BINSTRING": (b"T", 4),
    "SHORT_BINSTRING": (b"U", 1),
}
"""Opcodes whose text follows a count of that many bytes."""


def named(module: str, name: str, protocol: int = 4) -> Raw:
    """Import `module.name`, as that protocol does."""
    if protocol >= 4:
        return Raw(push(module, protocol) + push(name, protocol) + STACK_GLOBAL)
    return Raw(b"c" + module.encode() + b"\n" + name.encode() + b"\n")


def call(module: str, name: str, *arguments: Any, protocol: int = 4, by: By = "REDUCE") -> Raw:
    """Import a function and call it by one of the three opcodes that call."""
    inner = b"".join(push(argument, protocol) for argument in arguments)
    if by == "INST":
        return Raw(MARK + inner + b"i" + module.encode() + b"\n" + name.encode() + b"\n")
    if by == "OBJ":
        return Raw(MARK + named(module, name, protocol) + inner + b"o")
    return Raw(named(module, name, protocol) + push(arguments, protocol) + REDUCE)


def called(function: Raw, *arguments: Any, protocol: int = 4) -> Raw:
    """Call whatever those opcodes leave on the stack."""
    return Raw(function + push(arguments, protocol) + REDUCE)


def stream(*parts: bytes, protocol: int = 4, framed: bool = True, stop: bool = True) -> bytes:
    """A whole stream. Protocols 0 and 1 begin without PROTO, 4 and 5 in one frame unless told otherwise."""
    body = b"".join(parts) + (STOP if stop else b"")
    if protocol >= 4 and framed:
        body = b"\x95" + struct.pack("<Q", len(body)) + body
    return (b"\x80" + bytes([protocol]) if protocol >= 2 else b"") + body


GETPID = ("os", "getpid")


def getpid(protocol: int = 4) -> Raw:
    """The inert call that most units plant."""
    return call(*GETPID, protocol=protocol)
