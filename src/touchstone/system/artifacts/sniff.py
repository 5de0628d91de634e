"""What a file is, told from its first bytes and never from its name.

    >>> sniff(b"\\x93NUMPY\\x01\\x00")
    'npy'

The answer only chooses a reader; it proves nothing. A file that lies about itself is caught by the reader, which
must understand *all* of it, and by the screen, which also asks what the same bytes would do as a pickle.
"""

from __future__ import annotations

import codecs
import csv
import re
import string
from collections.abc import Callable
from itertools import islice

from touchstone.system.artifacts.pickles import reads_as_pickle

HEAD = 4096
"""Bytes of a file that :func:`sniff` looks at."""

_MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x93NUMPY", "npy"),
    (0, b"PK\x03\x04", "zip"),
    (0, b"PK\x05\x06", "zip"),
    (0, b"GGUF", "gguf"),
    (0, b"\x89HDF\r\n\x1a\n", "hdf5"),
    (0, b"\x89PNG\r\n\x1a\n", "png"),
    (0, b"\xff\xd8\xff", "jpeg"),
    (0, b"GIF87a", "gif"),
    (0, b"GIF89a", "gif"),
    (0, b"BM", "bmp"),
    (0, b"II*\x00", "tiff"),
    (0, b"MM\x00*", "tiff"),
    (8, b"WEBP", "webp"),
    (0, b"PAR1", "parquet"),
    (0, b"ARROW1\x00\x00", "arrow"),
    (0, b"7z\xbc\xaf\x27\x1c", "7z"),
    (0, b"\x1f\x8b", "gzip"),
    (0, b"BZh", "bzip2"),
    (0, b"\xfd7zXZ\x00", "xz"),
    (0, b"\x28\xb5\x2f\xfd", "zstd"),
    (0, b"\x04\x22\x4d\x18", "lz4"),
    (257, b"ustar", "tar"),
    (0, b"\x7fELF", "elf"),
    (0, b"\xfe\xed\xfa\xce", "mach-o"),
    (0, b"\xfe\xed\xfa\xcf", "mach-o"),
    (0, b"\xce\xfa\xed\xfe", "mach-o"),
    (0, b"\xcf\xfa\xed\xfe", "mach-o"),
    (0, b"\xca\xfe\xba\xbe", "mach-o"),
    (0, b"\x00asm", "wasm"),
    (4, b"TFL3", "tflite"),
    (4, b"ORTM", "ort"),
    (0, b"%PDF-", "pdf"),
    # HDF5 may follow a user block of 512, 1024 or 2048 bytes.
    (512, b"\x89HDF\r\n\x1a\n", "hdf5"),
    (1024, b"\x89HDF\r\n\x1a\n", "hdf5"),
    (2048, b"\x89HDF\r\n\x1a\n", "hdf5"),
)

_TEXT_BYTES = frozenset(string.printable.encode()) - {0x0B, 0x0C}
_PYTHON = re.compile(
    r"^\s*(import [A-Za-z_][\w.]*|from [\w.]+ import |def [A-Za-z_]\w*\(|class [A-Za-z_]\w*[(:]|@[A-Za-z_][\w.]*)"
    r"|\b(__import__|exec|eval|compile)\s*\(",
    re.MULTILINE,
)
_JSON = re.compile(r'\s*(\{\s*("|\}|$)|\[\s*([\[\]{"\-0-9tfn]|$))')
_YAML = re.compile(r"(%YAML|---(\s|$))|[A-Za-z_][\w .\-/]*:(\s|$)")


def sniff(head: bytes) -> str:
    """Name the format of a file from its first :data:`HEAD` bytes; `empty` or `unknown` when it has none we know."""
    head = head[:HEAD]
    return next(filter(None, (recognise(head) for recognise in _RECOGNISERS)), "unknown") if head else "empty"


def _by_magic(head: bytes) -> str | None:
    return next(
        (
            name
            for offset, magic, name in _MAGIC
            if head[offset : offset + len(magic)] == magic and _confirmed(name, head)
        ),
        None,
    )


def _confirmed(name: str, head: bytes) -> bool:
    """Second look for magics so short that ordinary text may begin with them."""
    if name == "bmp":
        return len(head) >= 18 and head[6:10] == bytes(4) and 12 <= int.from_bytes(head[14:18], "little") <= 124
    if name == "webp":
        return head[:4] == b"RIFF"
    if name == "bzip2":
        return head[4:10] in (b"1AY&SY", b"\x17rE8P\x90")
    return True


def _safetensors(head: bytes) -> str | None:
    """Eight bytes of header length, then a JSON object (Hugging Face safetensors, README "Format")."""
    fits = len(head) >= 9 and 2 <= int.from_bytes(head[:8], "little") <= 100_000_000 and head[8:9] == b"{"
    return "safetensors" if fits else None


_ONNX_WIRE_TYPES = {1: 0, 2: 2, 3: 2, 4: 2, 5: 0, 6: 2, 7: 2, 8: 2, 14: 2, 20: 2, 25: 2, 26: 2}
"""Fields of `onnx.ModelProto` (onnx.proto) and how they are written."""


def _onnx(head: bytes) -> str | None:
    """Whether the head is a run of top-level fields of `ModelProto` that includes a graph or an opset."""
    position, seen = 0, set[int]()
    while position < len(head):
        tag, position = _varint(head, position)
        field, wire = tag >> 3, tag & 7
        if _ONNX_WIRE_TYPES.get(field) != wire:
            return None
        seen.add(field)
        value, position = _varint(head, position)
        if wire == 2:
            position += value
        elif field == 1 and not 1 <= value <= 0xFFFF:
            return None
    return "onnx" if 1 in seen and seen & {7, 8} else None


def _varint(data: bytes, position: int) -> tuple[int, int]:
    """Protobuf base-128 integer at `position`, and where it ends; what the head cuts off counts as zero."""
    value = 0
    for shift, byte in enumerate(data[position : position + 10]):
        value |= (byte & 0x7F) << (7 * shift)
        if byte < 0x80:
            return value, position + shift + 1
    return value, len(data)


def _pickle(head: bytes) -> str | None:
    return "pickle" if reads_as_pickle(head, whole=len(head) < HEAD) else None


def _by_weak_magic(head: bytes) -> str | None:
    """Short magics, believed only when nothing better fits and the bytes are no text."""
    if b"\x00" in head and head[:2] == b"MZ":
        return "pe"
    if len(head) > 1 and head[0] == 0x78 and int.from_bytes(head[:2], "big") % 31 == 0 and _as_text(head) is None:
        return "zlib"
    return "lzma" if head[:3] == b"\x5d\x00\x00" else None


def _as_text(head: bytes) -> str | None:
    """The head as UTF-8 or GB 18030 text without control characters, or `None`."""
    if any(byte < 0x80 and byte not in _TEXT_BYTES for byte in head):
        return None
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            # A head cut from a longer file may end inside a character.
            return codecs.getincrementaldecoder(encoding)().decode(head, final=len(head) < HEAD)
        except UnicodeDecodeError:
            continue
    return None


def _kind_of_text(head: bytes) -> str | None:
    text = _as_text(head)
    if text is None:
        return None
    stripped = text.lstrip()
    first = next((line for line in text.splitlines() if line.strip() and not line.startswith("#")), "")
    kinds = (
        ("python", stripped.startswith("#!") and "python" in stripped.split("\n", 1)[0]),
        ("script", stripped.startswith("#!")),
        ("xml", stripped.startswith("<")),
        ("json", _JSON.match(text) is not None),
        ("python", _PYTHON.search(text) is not None),
        ("csv", _is_csv(text)),
        ("yaml", _YAML.match(first) is not None),
    )
    return next((kind for kind, fits in kinds if fits), "text")


def _is_csv(text: str) -> bool:
    """At least two whole rows with the same number (two or more) of comma, semicolon or tab separated fields."""
    lines = text.splitlines(keepends=True)
    whole = lines if text.endswith("\n") or len(text) < HEAD // 4 else lines[:-1]
    for delimiter in ",;\t":
        try:
            widths = {len(row) for row in islice(csv.reader(whole, delimiter=delimiter), 20) if row}
        except csv.Error:
            continue
        if len(whole) >= 2 and len(widths) == 1 and widths.pop() >= 2:
            return True
    return False


_RECOGNISERS: tuple[Callable[[bytes], str | None], ...] = (
    _by_magic,
    _safetensors,
    _onnx,
    _pickle,
    _by_weak_magic,
    _kind_of_text,
)
