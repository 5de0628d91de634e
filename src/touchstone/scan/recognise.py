"""What bytes are, told from the bytes. Names count only for texts whose own loaders go by the name.

The answer only chooses a reader; it proves nothing. Bytes that lie about themselves are caught by the reader, which
must account for all of them, and by `second_meanings`, which asks what other loaders would make of the same bytes.
"""

from __future__ import annotations

from typing import Final

from touchstone.scan.source import Source

HEAD: Final = 4096

_MAGIC: Final[tuple[tuple[int, bytes, str], ...]] = (
    (0, b"\x80\x02", "pickle"),
    (0, b"\x80\x03", "pickle"),
    (0, b"\x80\x04", "pickle"),
    (0, b"\x80\x05", "pickle"),
    (0, b"\x93NUMPY", "npy"),
    (0, b"PK\x03\x04", "zip"),
    (0, b"PK\x05\x06", "zip"),
    (0, b"PK\x07\x08PK\x03\x04", "zip"),
    (0, b"GGUF", "gguf"),
    (0, b"FUGG", "gguf"),
    (0, b"lmgg", "ggml"),
    (0, b"tjgg", "ggml"),
    (0, b"fmgg", "ggml"),
    (0, b"algg", "ggml"),
    (0, b"\x89HDF\r\n\x1a\n", "hdf5"),
    (0, b"\x89PNG\r\n\x1a\n", "png"),
    (0, b"\xff\xd8\xff", "jpeg"),
    (0, b"GIF87a", "gif"),
    (0, b"GIF89a", "gif"),
    (0, b"II*\x00", "tiff"),
    (0, b"MM\x00*", "tiff"),
    (0, b"PAR1", "parquet"),
    (0, b"ARROW1\x00\x00", "arrow"),
    (0, b"7z\xbc\xaf\x27\x1c", "7z"),
    (0, b"Rar!\x1a\x07", "rar"),
    (0, b"\x1f\x8b", "gzip"),
    (0, b"\xfd7zXZ\x00", "xz"),
    (0, b"\x28\xb5\x2f\xfd", "zstd"),
    (0, b"\x04\x22\x4d\x18", "lz4"),
    (0, b"ZF", "joblib-zfile"),
    (257, b"ustar", "tar"),
    (0, b"\x7fELF", "elf"),
    (0, b"\xfe\xed\xfa\xce", "mach-o"),
    (0, b"\xfe\xed\xfa\xcf", "mach-o"),
    (0, b"\xce\xfa\xed\xfe", "mach-o"),
    (0, b"\xcf\xfa\xed\xfe", "mach-o"),
    (0, b"\xca\xfe\xba\xbe", "java-class"),
    (0, b"\x00asm", "wasm"),
    (4, b"TFL3", "tflite"),
    (4, b"ORTM", "ort"),
    (4, b"ET12", "executorch"),
    (4, b"MSL2", "mindspore-lite"),
    (0, b"IMOD", "ascend-om"),
    (0, b"RKNN", "rknn"),
    (0, b"ptrt", "tensorrt"),
    (0, b"ftrt", "tensorrt"),
    (0, b"CBM1", "catboost"),
    (0, b"binf", "xgboost"),
    (0, b"L\x00\x00\x00\x01\x14\x02\x00", "windows-shortcut"),
    (0, b"%PDF-", "pdf"),
    (0, b"SQLite format 3\x00", "sqlite"),
    (0, b"version https://git-lfs.github.com/spec/", "lfs-pointer"),
)

_USER_BLOCKS: Final = (512, 1024, 2048, 4096, 8192)
"""HDF5 may follow a user block of these sizes (HDF5 format specification, II.A)."""


def recognise(source: Source, name: str = "") -> str:
    """Name the format of some bytes; `empty` or `unknown` when it is none we know."""
    head = source.read(0, HEAD)
    if not head:
        return "empty"
    return _by_magic(head) or _by_structure(source, head) or _by_text(source, head, name) or "unknown"


def _by_magic(head: bytes) -> str | None:
    for offset, magic, kind in _MAGIC:
        if head.startswith(magic, offset):
            return kind if _confirmed(kind, head) else None
    if head[:2] == b"BM" and _is_bmp(head):
        return "bmp"
    if head[:4] == b"RIFF" and head[8:12] in (b"WEBP", b"WAVE"):
        return "webp" if head[8:12] == b"WEBP" else "wav"
    if head[:3] == b"BZh" and head[4:10] in (b"1AY&SY", b"\x17rE8P\x90"):
        return "bzip2"
    if head[1:4] == b"\x2a\x4d\x18" and head[0] >> 4 == 5:
        return "zstd"  # a frame to go over, before the first real one
    return "python-bytecode" if _is_python_bytecode(head) else None


def _confirmed(kind: str, head: bytes) -> bool:
    """Second look for magics so short that other bytes may begin with them."""
    if kind == "joblib-zfile":
        return head[2:4] == b"0x"
    return True


def _is_python_bytecode(head: bytes) -> bool:
    """The magic number of a version of Python 3, then, after times or digests, a code object (PEP 552)."""
    return head[2:4] == b"\r\n" and 11 <= head[1:2][0] <= 15 and b"\xe3" in (head[12:13], head[16:17])


def _is_bmp(head: bytes) -> bool:
    return len(head) >= 18 and head[6:10] == bytes(4) and 12 <= int.from_bytes(head[14:18], "little") <= 124


def _by_structure(source: Source, head: bytes) -> str | None:
    """Formats without a magic number, told by what their first fields say."""
    from touchstone.scan.binary_kinds import recognise_binary

    if _is_old_tar(head):
        return "tar"
    if any(source.read(block, 8) == b"\x89HDF\r\n\x1a\n" for block in _USER_BLOCKS if source.size > block):
        return "hdf5"
    return recognise_binary(source, head)


def _is_old_tar(head: bytes) -> bool:
    """Tar before POSIX has no magic number, only the checksum of its first header, in octal digits."""
    if len(head) < 512 or head[148:154].strip(b" 01234567\x00"):
        return False
    from touchstone.scan.formats.tar_header import is_header

    return is_header(head[:512])


def _by_text(source: Source, head: bytes, name: str) -> str | None:
    from touchstone.scan.text_kinds import recognise_text

    return recognise_text(source, head, name)
