"""Formats without a magic number: told by their first fields, which must make sense together."""

from __future__ import annotations

import lzma
import re
import zlib
from collections.abc import Callable
from typing import Final

from touchstone.scan.protobuf_kinds import recognise_message
from touchstone.scan.second_pickles import FIRST_OPCODES
from touchstone.scan.source import Source

Recogniser = Callable[[Source, bytes], str | None]

_LEVELDB_FOOTER: Final = b"\x57\xfb\x80\x8b\x24\x75\x47\xdb"
"""Last eight bytes of a LevelDB table (https://github.com/google/leveldb/blob/main/doc/table_format.md)."""
_LONGEST_CLAIMED_HEADER: Final = 2**40
_R_STREAM: Final = re.compile(
    rb"(?:RD[XAB][23]\n)?(?:X\n\x00{3}[\x02\x03]\x00|B\n(?:[\x02\x03]\x00{3}|\x00{3}[\x02\x03])|A\n[23]\n\d{5,7}\n\d{5,7}\n)"
)
_LZMA_PROPERTIES: Final = 0x5D
"""What every encoder writes unless told otherwise."""
_UBJSON_OBJECT: Final = re.compile(
    rb"\{(?:\$.)?(?:#(?:[iU].|I..|l.{4}|L.{8}))?(?:[iU]|I\x00|l\x00{3}|L\x00{7})(?P<length>[\x01-\x40])", re.DOTALL
)
_MSGPACK_MAP: Final = re.compile(
    rb"(?:[\x81-\x8f]|\xde(?!\x00\x00)..|\xdf\x00(?!\x00{3})...)(?:[\xc4\xd9])?(?P<length>[\x01-\x40\xa1-\xbf])",
    re.DOTALL,
)
_KEY: Final = re.compile(rb"[A-Za-z_][\w.:/ -]*")
_LZMA_DICTIONARIES: Final = frozenset({*(2**n for n in range(12, 31)), *(2**n + 2 ** (n - 1) for n in range(12, 30))})


def recognise_binary(source: Source, head: bytes) -> str | None:
    """Name the format, or `None` when the bytes are text or nothing we know."""
    for recogniser in _RECOGNISERS:
        kind = recogniser(source, head)
        if kind is not None:
            return kind
    return None


def _safetensors(_source: Source, head: bytes) -> str | None:
    """Eight bytes of header length, then a JSON object (Hugging Face safetensors, README "Format")."""
    length = int.from_bytes(head[:8], "little")
    return "safetensors" if head[8:9] == b"{" and 2 <= length <= _LONGEST_CLAIMED_HEADER else None


def _paddle_parameters(_source: Source, head: bytes) -> str | None:
    """Stream version 0, number of levels, stream version 0, a small `TensorDesc` that begins with its data type."""
    if head[:4] != bytes(4) or head[4:12] != bytes(8) or head[12:16] != bytes(4):
        return None
    described = int.from_bytes(head[16:20], "little")
    return "paddle-parameters" if 2 <= described <= 1024 and head[20:21] == b"\x08" else None


def _rds(_source: Source, head: bytes) -> str | None:
    """A stream of R: in XDR, native binary or text, alone or behind the mark of a saved table (R Internals, 1.8)."""
    return "rds" if _R_STREAM.match(head) else None


def _ubjson(_source: Source, head: bytes) -> str | None:
    """An object whose first key is short and a plain word (Universal Binary JSON, draft 12)."""
    return "ubjson" if _first_key_is_plain(_UBJSON_OBJECT, head) else None


def _msgpack(_source: Source, head: bytes) -> str | None:
    """A map that is not empty, whose first key is short and a plain word (MessagePack, "Formats")."""
    return "msgpack" if _first_key_is_plain(_MSGPACK_MAP, head) else None


def _first_key_is_plain(begin: re.Pattern[bytes], head: bytes) -> bool:
    match = begin.match(head)
    if match is None:
        return False
    length = match["length"][0]
    key = head[match.end() : match.end() + (length & 31 if length > 127 else length)]
    return _KEY.fullmatch(key) is not None and match.end() + len(key) < len(head)


def _mxnet_parameters(_source: Source, head: bytes) -> str | None:
    """The mark of a list of arrays, and eight bytes that are reserved."""
    return "mxnet-parameters" if head[:16] == b"\x12\x01" + bytes(14) else None


def _message(source: Source, _head: bytes) -> str | None:
    return recognise_message(source)


def _tensorflow_checkpoint(source: Source, _head: bytes) -> str | None:
    footer = source.read(source.size - len(_LEVELDB_FOOTER), len(_LEVELDB_FOOTER))
    return "tensorflow-checkpoint" if footer == _LEVELDB_FOOTER else None


def _coreml_weights(_source: Source, head: bytes) -> str | None:
    """A count, version 2, and the mark of the first blob."""
    return "coreml-weights" if head[4:8] == b"\x02\x00\x00\x00" and head[64:68] == b"\xef\xbe\xad\xde" else None


def _tfrecord(source: Source, head: bytes) -> str | None:
    """The length of the first record, and the checksum of these eight bytes (TensorFlow, `record_writer.h`)."""
    if len(head) < 16 or int.from_bytes(head[:8], "little") > source.size - 16:
        return None
    return "tfrecord" if _masked_checksum(head[:8]) == int.from_bytes(head[8:12], "little") else None


def _masked_checksum(data: bytes) -> int:
    """CRC-32C, rotated and offset as TFRecord has it."""
    checksum = 0xFFFFFFFF
    for byte in data:
        checksum ^= byte
        for _ in range(8):
            checksum = checksum >> 1 ^ (0x82F63B78 if checksum & 1 else 0)
    checksum ^= 0xFFFFFFFF
    return ((checksum >> 15 | checksum << 17) + 0xA282EAD8) & 0xFFFFFFFF


def _encrypted_mindspore(_source: Source, head: bytes) -> str | None:
    """Marks of AES-GCM, AES-CBC and SM4 (mindspore/ccsrc/utils/crypto.cc)."""
    if head[:4] not in (b"\xd8\x5e\x3a\x7f", b"\xd9\x5e\x3a\x7f", b"\xda\x5e\x3a\x7f"):
        return None
    return "mindspore-encrypted"


def _pickle(source: Source, head: bytes) -> str | None:
    """The mark of protocols 2 to 5, or opcodes that can be followed: protocols 0 and 1 have no mark."""
    if head[:1] == b"\x80" and len(head) > 1:
        return "pickle" if head[1] <= 5 else None
    if head[0] not in FIRST_OPCODES:
        return None
    from touchstone.scan.formats.pickle import reads_as_pickle

    return "pickle" if reads_as_pickle(source, head) else None


def _pe(source: Source, head: bytes) -> str | None:
    """An MS-DOS stub that leads to `PE`, or any binary that begins like one: both are programs to Windows."""
    if head[:2] != b"MZ":
        return None
    new_header = int.from_bytes(head[60:64], "little")
    return "pe" if source.read(new_header, 4) == b"PE\x00\x00" or b"\x00" in head[:64] else None


def _zlib(_source: Source, head: bytes) -> str | None:
    if len(head) < 8 or head[0] & 0x0F != 8 or head[0] >> 4 > 7 or int.from_bytes(head[:2], "big") % 31 != 0:
        return None
    try:
        return "zlib" if zlib.decompressobj().decompress(head, 64) else None
    except zlib.error:
        return None


def _lzma(_source: Source, head: bytes) -> str | None:
    """The header of LZMA alone: properties, a dictionary size that encoders use, and a size that is known or not."""
    dictionary, size = int.from_bytes(head[1:5], "little"), int.from_bytes(head[5:13], "little")
    if len(head) < 18 or head[0] != _LZMA_PROPERTIES or head[13] != 0 or dictionary not in _LZMA_DICTIONARIES:
        return None
    if size >= 2**48 and size != 2**64 - 1:
        return None
    try:
        lzma.LZMADecompressor(lzma.FORMAT_ALONE, memlimit=2**28).decompress(head, 64)
    except lzma.LZMAError:
        return None
    return "lzma"


_RECOGNISERS: Final[tuple[Recogniser, ...]] = (
    _safetensors,
    _paddle_parameters,
    _mxnet_parameters,
    _rds,
    _ubjson,
    _message,
    _tensorflow_checkpoint,
    _coreml_weights,
    _tfrecord,
    _encrypted_mindspore,
    _pickle,
    _pe,
    _zlib,
    _lzma,
    _msgpack,
)
"""In the order of how much they ask for, the strictest first."""
