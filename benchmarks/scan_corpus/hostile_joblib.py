"""joblib dumps: a pickle with raw arrays between its opcodes, bare or in one of six compressors.

Source: joblib/numpy_pickle.py (NumpyArrayWrapper writes the array's bytes right after its BUILD), compressor.py.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import struct
import zlib
from collections.abc import Callable, Iterator

from hostile_opcodes import BUILD, MARK, NEWOBJ, STOP, Raw, getpid, named, push, stream
from hostile_units import Class, Unit


def wrapper(subclass: Raw, dtype: Raw, shape: tuple[int, ...], aligned: bool = True) -> bytes:
    """Opcodes of a NumpyArrayWrapper, up to the BUILD after which raw bytes follow."""
    state = {
        "subclass": subclass,
        "shape": shape,
        "order": "C",
        "dtype": dtype,
        "allow_mmap": False,
        **({"numpy_array_alignment_bytes": 16} if aligned else {}),
    }
    return named("joblib.numpy_pickle", "NumpyArrayWrapper") + b")" + NEWOBJ + push(state) + BUILD


def dtype(code: str) -> Raw:
    """Opcodes of a numpy type."""
    made = named("numpy", "dtype") + push((code, False, True)) + b"R"
    if code == "O8":
        return Raw(made + push((3, "|", None, None, None, -1, -1, 63)) + BUILD)
    return Raw(made + push((3, "<", None, None, None, -1, -1, 0)) + BUILD)


def dump(before: bytes, after: bytes, floats: int = 8) -> bytes:
    """A dump as joblib writes it: a dictionary, one raw array, and what is put before and after it."""
    head = b"\x80\x04}" + MARK + before + push("coef_")
    head += wrapper(named("numpy", "ndarray"), dtype("f8"), (floats,))
    padding = -(len(head) + 1) % 16
    raw = bytes([padding]) + b"\xff" * padding + struct.pack(f"<{floats}d", *[0.5] * floats)
    return head + raw + after + b"u" + STOP


def object_dump(payload: bytes) -> bytes:
    """An object array: joblib pickles its elements in place of raw bytes."""
    head = b"\x80\x04" + wrapper(named("numpy", "ndarray"), dtype("O8"), (1,))
    return head + payload + STOP


COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {
    "z": lambda data: zlib.compress(data, 3),
    "gz": lambda data: gzip.compress(data, 3, mtime=0),
    "bz2": lambda data: bz2.compress(data, 3),
    "xz": lambda data: lzma.compress(data, lzma.FORMAT_XZ, preset=1),
    "lzma": lambda data: lzma.compress(data, lzma.FORMAT_ALONE, preset=1),
}


def lz4_frame(data: bytes) -> bytes:
    """An LZ4 frame of uncompressed blocks (LZ4 frame format 1.6.3), for joblib's sixth compressor."""
    descriptor = b"\x60\x40"  # version 1, independent blocks, blocks of 64 KiB
    frame = b"\x04\x22\x4d\x18" + descriptor + bytes([_xxh32(descriptor) >> 8 & 255])
    for start in range(0, len(data), 65536):
        block = data[start : start + 65536]
        frame += struct.pack("<I", len(block) | 1 << 31) + block
    return frame + bytes(4)


def _xxh32(data: bytes) -> int:
    """XXH32 with seed 0 of the two or three bytes that a frame's header has."""
    word = 2**32
    value = (0x165667B1 + len(data)) % word
    for byte in data:
        value = (value + byte * 0x165667B1) % word
        value = (value << 11 | value >> 21) % word * 0x9E3779B1 % word
    value = (value ^ value >> 15) * 0x85EBCA77 % word
    value = (value ^ value >> 13) * 0xC2B2AE3D % word
    return value ^ value >> 16


def units() -> Iterator[Unit]:
    """All of them."""
    planted = push("planted") + getpid()
    after = dump(b"", planted)
    before = dump(planted, b"")
    yield _unit("before-array.joblib", before, "the call stands before the raw array")
    yield _unit(
        "after-array.joblib", after, "the call stands after the raw array, where opcode walkers lose the thread"
    )
    yield _unit("after-large-array.joblib", dump(b"", planted, 50_000), "the call stands after 400 kB of raw array")
    yield _unit(
        "object-array.joblib",
        object_dump(stream(push([getpid()]))),
        "an object array: its elements are a pickle of their own",
    )
    yield _unit(
        "subclass.joblib",
        dump(b"", push("s") + wrapper(named("os", "getpid"), dtype("f8"), (1,)) + b"\x00" + bytes(8)),
        "the array's subclass is os.getpid",
        expect="callable in place of an array's class",
        load="",
    )
    yield _unit(
        "memmap.joblib",
        dump(b"", push("s") + named("numpy", "memmap") + push(("/nonexistent/planted",)) + b"R"),
        "numpy.memmap of any file",
        expect="call of numpy.memmap",
        load="",
    )
    for suffix, compress in COMPRESSORS.items():
        yield _unit(
            f"before-array.joblib.{suffix}", compress(before), f"the call before the array, compressed ({suffix})"
        )
        yield _unit(f"after-array.joblib.{suffix}", compress(after), f"the call after the array, compressed ({suffix})")
        yield _unit(
            f"plain-{suffix}.joblib",
            compress(stream(push({"a": getpid()}))),
            f"a plain pickle in {suffix}, called .joblib",
        )
        yield _unit(
            f"object-array-{suffix}.joblib",
            compress(object_dump(stream(push([getpid()])))),
            f"an object array in {suffix}",
        )
    yield _unit("after-array.joblib.lz4", lz4_frame(after), "the call after the array, in an LZ4 frame", load="")
    plain = stream(push({"a": getpid()}))
    packed = zlib.compress(plain, 3)
    yield _unit(
        "zfile.joblib",
        b"ZF" + hex(len(plain)).encode().ljust(19) + packed,
        "the ZF format of joblib 0.9",
        loader="joblib.load (compatibility)",
    )
    legacy = {"filename": "../../planted.npy", "subclass": named("numpy", "ndarray"), "allow_mmap": True}
    yield _unit(
        "legacy-wrapper.joblib",
        stream(
            named("joblib.numpy_pickle", "NDArrayWrapper")
            + push(("../../planted.npy", named("numpy", "ndarray"), True))
            + b"R"
            + push(legacy)
            + BUILD
        ),
        "an old array wrapper that reads a file next to, or above, the dump",
        expect="reads a file outside",
        load="",
    )
    yield _unit(
        "znd-wrapper.joblib",
        stream(
            named("joblib.numpy_pickle", "ZNDArrayWrapper")
            + push(("/etc/planted", named("builtins", "print"), (1,)))
            + b"R"
        ),
        "an old compressed-array wrapper with a callable and a path",
        expect="callable and path in an array wrapper",
        load="",
    )
    yield _unit(
        "hasher.joblib",
        stream(named("joblib.memory", "MemorizedFunc") + push((named("os", "getpid"), "/nonexistent/planted")) + b"R"),
        "a memorised function: os.getpid with a cache folder",
        expect="call of MemorizedFunc",
        load="",
    )
    yield _unit(
        "second-stream.joblib",
        dump(b"", b"") + stream(getpid()),
        "a second stream after the dump",
        loader="a second load",
        load="",
    )
    yield _unit(
        "double-gz.joblib",
        gzip.compress(gzip.compress(after, mtime=0), mtime=0),
        "two gzip layers",
        kind="code",
        loader="a loader that unpacks first",
        load="",
    )
    yield _unit(
        "two-gzip-members.joblib",
        gzip.compress(plain[:9], mtime=0) + gzip.compress(plain[9:], mtime=0),
        "a pickle in two gzip members",
        loader="pickle.load(gzip.open(…))",
        load="",
    )
    yield _unit(
        "bomb.joblib.gz",
        gzip.compress(bytes(2**28), 9, mtime=0),
        "256 MiB of zeros in 260 kB",
        kind="resource",
        expect="unpacks to a thousand times its size",
        load="",
    )
    yield _unit(
        "shape-bomb.joblib",
        b"\x80\x04" + wrapper(named("numpy", "ndarray"), dtype("f8"), (2**40,)) + b"\x00.",
        "a raw array of 2^43 bytes",
        kind="resource",
        expect="array beyond the file",
        load="",
    )
    yield _unit(
        "gz-tail.joblib",
        gzip.compress(dump(b"", b""), mtime=0) + b"planted" * 50,
        "bytes after the compressed stream",
        kind="integrity",
        expect="bytes after the stream",
        load="",
    )
    yield _unit(
        "gz-cut.joblib",
        gzip.compress(after, mtime=0)[:-12],
        "compressed stream cut short; the call is within what is there",
        expect="call of os.getpid",
        load="",
    )


def _unit(
    name: str,
    data: bytes,
    threat: str,
    *,
    loader: str = "joblib.load",
    kind: Class = "code",
    expect: str = "call of os.getpid",
    load: str = "joblib",
) -> Unit:
    return Unit(f"joblib/{name}", data, kind, "joblib", threat, loader, expect, load, "os:getpid" if load else "")
