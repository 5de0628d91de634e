"""Data that is another pickle, as it is or encoded: base64, hexadecimal digits, zlib or gzip, and what these hold.

Nothing runs such data while the outer pickle is loaded. But an object that unpickles its own attribute later is all
that is missing. Only data that begins and ends like a pickle is taken for a candidate, and only one that can be
followed from its first to its last byte is one: random bytes of a tensor never are.
"""

from __future__ import annotations

import binascii
import re
import zlib
from collections.abc import Callable
from typing import Final

from touchstone.scan.source import MemorySource, Source

SHORTEST_TEXT: Final = 20
SHORTEST_BYTES: Final = 10
"""Shorter data has no room for a pickle that calls something with an argument, encoded or as it is."""
MARKS: Final = re.compile(
    rb"\x80[\x00-\x05]|\xc2\x80[\x00-\x05]|[c(][^\n]{1,100}\n"
    rb"|gA[A-X]|Y[23]|K[A-Z]|800[0-5]|63[67]|28"
    rb"|x(?:[\x01\x5e\x9c\xda]|\xc2\x9c|\xc3\x9a)|e[AFJN]|78(?:01|5[eE]|9[cC]|[dD][aA])"
    rb"|\x1f(?:\xc2)?\x8b\x08|H4sI|1[fF]8[bB]08"
    rb"|Z0F|ZUp|SDRz"
)
"""What a pickle begins with: as bytes, as text, in base64, in hexadecimal digits, compressed, and one in another."""

LARGEST_DECODED: Final = 16 * 2**20
_HEAD: Final = 512
_DEEPEST: Final = 3
_NAME: Final = rb"[A-Za-z_][\w.]{0,200}\n[A-Za-z_][\w.]{0,200}\n"
_PICKLE: Final = re.compile(rb"\x80[\x00-\x05]|c" + _NAME + rb"|\([\s\S]{0,400}?[ci]" + _NAME)
_LATIN1_AS_UTF8: Final = re.compile(rb"\xc2\x80|x(?:\xc2\x9c|\xc3\x9a)|\x1f\xc2\x8b")
_BASE64: Final = re.compile(rb"[A-Za-z0-9+/_\r\n-]{16,}={0,2}")
_HEXADECIMAL: Final = re.compile(rb"(?:[0-9a-fA-F]{2}){10,}")


Decoder = Callable[[bytes], bytes]


def pickle_within(data: Source, depth: int = 0) -> Source | None:
    """The pickle that some data may be, freed from its encodings; `None` when it does not look like one."""
    head = data.read(0, _HEAD)
    if _PICKLE.match(head) is not None:
        return data if _last_byte(data) == b"." else None
    if depth == _DEEPEST or data.size > 2 * LARGEST_DECODED:
        return None
    decoded = _decoded(data, head)
    return None if decoded is None else pickle_within(decoded, depth + 1)


def _last_byte(data: Source) -> bytes:
    """The last byte that is no white space; texts may end with a newline."""
    return data.read(max(0, data.size - 8), 8).rstrip(b"\r\n \t")[-1:]


def _decoded(data: Source, head: bytes) -> Source | None:
    """The data without its outermost encoding."""
    if _LATIN1_AS_UTF8.match(head):
        return _latin1_of_utf8(data)
    if head[:1] == b"x" or head[:3] == b"\x1f\x8b\x08":
        return _inflated(data)
    beginning = head.rstrip()
    if _HEXADECIMAL.fullmatch(beginning[: len(beginning) // 2 * 2]) is not None:
        return _from_text(data, binascii.unhexlify)
    if _BASE64.fullmatch(beginning) is not None:
        return _from_text(data, _from_base64)
    return None


def _latin1_of_utf8(data: Source) -> Source | None:
    try:
        return MemorySource(data.read(0, data.size).decode("utf-8").encode("latin-1"))
    except UnicodeError:
        return None


def _inflated(data: Source) -> Source | None:
    try:
        inflate = zlib.decompressobj(47)
        beginning = inflate.decompress(data.read(0, _HEAD), _HEAD)
        if MARKS.match(beginning) is None:
            return None
        whole = zlib.decompressobj(47).decompress(data.read(0, data.size), LARGEST_DECODED)
    except zlib.error:
        return None
    return MemorySource(whole)


def _from_text(data: Source, decode: Decoder) -> Source | None:
    """Decode the beginning first: most texts that could be encoded bytes are not, or hold something else."""
    try:
        if MARKS.match(decode(data.read(0, 64).rstrip())) is None and data.size > 64:
            return None
        return MemorySource(decode(data.read(0, data.size).strip()))
    except ValueError:
        return None


def _from_base64(text: bytes) -> bytes:
    standard = text.translate(_URL_SAFE, b"\r\n")
    return binascii.a2b_base64(standard + b"=" * (-len(standard) % 4))


_URL_SAFE: Final = bytes.maketrans(b"-_", b"+/")
