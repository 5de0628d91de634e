"""Hostile pickles within archives and compressed streams, one or several layers down."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
import tarfile
import zlib
from collections.abc import Callable, Iterator

from hostile_joblib import lz4_frame
from hostile_numpy import npy, npz
from hostile_opcodes import call, getpid, push, stream
from hostile_torch import PLANTED, archive, checkpoint, state
from hostile_units import Unit
from hostile_zip_writer import member, zipped

PAYLOAD = stream(push({"weights": [0.5], "planted": getpid()}))


def zstd_frame(data: bytes) -> bytes:
    """A Zstandard frame of raw blocks (RFC 8878): no checksum, single segment."""
    frame = b"\x28\xb5\x2f\xfd" + b"\xa0" + struct.pack("<I", len(data))
    blocks = [data[start : start + 2**17] for start in range(0, len(data), 2**17)]
    for number, block in enumerate(blocks):
        last = number == len(blocks) - 1
        frame += (len(block) << 3 | last).to_bytes(3, "little") + block
    return frame


def tarred(members: dict[str, bytes], *special: tarfile.TarInfo) -> bytes:
    """A tar archive."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as writer:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            writer.addfile(info, io.BytesIO(data))
        for info in special:
            writer.addfile(info)
    return out.getvalue()


def seven_zip(name: str, data: bytes, method: bytes = b"\x00") -> bytes:
    """A 7z archive of one member, stored (7zFormat.txt): start header, packed stream, header."""

    def number(value: int) -> bytes:
        if value < 0x80:
            return bytes([value])
        return bytes([0x80 | value >> 8, value & 255]) if value < 0x4000 else b"\xf0" + struct.pack("<I", value)

    crc = struct.pack("<I", zlib.crc32(data))
    text = name.encode("utf-16-le") + b"\0\0"
    header = b"\x01"
    header += b"\x04" + b"\x06" + number(0) + number(1) + b"\x09" + number(len(data)) + b"\x00"
    header += (
        b"\x07\x0b"
        + number(1)
        + b"\x00"
        + number(1)
        + bytes([len(method)])
        + method
        + b"\x0c"
        + number(len(data))
        + b"\x0a\x01"
        + crc
        + b"\x00"
    )
    header += b"\x08\x00" + b"\x00"
    header += b"\x05" + number(1) + b"\x11" + number(len(text) + 1) + b"\x00" + text + b"\x00" + b"\x00"
    start = struct.pack("<QQI", len(data), len(header), zlib.crc32(header))
    return b"7z\xbc\xaf\x27\x1c\x00\x04" + struct.pack("<I", zlib.crc32(start)) + start + data + header


LAYERS: dict[str, Callable[[bytes], bytes]] = {
    "gz": lambda data: gzip.compress(data, mtime=0),
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zlib": zlib.compress,
    "lzma": lambda data: lzma.compress(data, lzma.FORMAT_ALONE),
    "zst": zstd_frame,
    "lz4": lz4_frame,
    "tar": lambda data: tarred({"model.pkl": data}),
    "zip": lambda data: zipped([member("model.pkl", data, deflate=True)]),
    "zip-stored": lambda data: zipped([member("model.pkl", data)]),
    "7z": lambda data: seven_zip("model.pkl", data),
}


def units() -> Iterator[Unit]:
    """All of them."""
    for layer, wrap in LAYERS.items():
        yield _unit(f"pickle.pkl.{layer}", wrap(PAYLOAD), f"a pickle in {layer}")
    torch_file = archive(checkpoint(state(PLANTED)))
    object_array = npy("'|O'", stream(push([getpid()])))
    chains: dict[str, tuple[bytes, tuple[str, ...]]] = {
        "torch.pt.gz": (torch_file, ("gz",)),
        "torch.tar.gz": (torch_file, ("tar", "gz")),
        "torch.tar.xz": (torch_file, ("tar", "xz")),
        "torch.zip": (torch_file, ("zip",)),
        "torch.7z": (torch_file, ("7z",)),
        "array.npz.tar": (npz({"a.npy": object_array}), ("tar",)),
        "array.zip.zip": (npz({"a.npy": object_array}), ("zip", "zip")),
        "pickle.gz.gz.gz": (PAYLOAD, ("gz", "gz", "gz")),
        "pickle.tar.zip.tar": (PAYLOAD, ("tar", "zip", "tar")),
        "pickle.zst.tar": (PAYLOAD, ("zst", "tar")),
        "pickle.bz2.xz.gz": (PAYLOAD, ("bz2", "xz", "gz")),
        "pickle.zip.7z": (PAYLOAD, ("zip", "7z")),
        "pickle.lz4.zip": (PAYLOAD, ("lz4", "zip-stored")),
        "pickle.five-zips": (PAYLOAD, ("zip",) * 5),
    }
    for name, (data, layers) in chains.items():
        for layer in layers:
            data = LAYERS[layer](data)  # noqa: PLW2901 — wrapped layer by layer
        yield _unit(name, data, f"hostile data in {' in '.join(layers)}")
    benign = stream(push({"a": 1}))
    yield _unit(
        "among-benign.tar",
        tarred({"a.pkl": benign, "b/c.pkl": benign, "b/d.bin": PAYLOAD, "e.json": b"{}"}),
        "one hostile member among benign ones",
    )
    yield _unit(
        "misnamed-members.zip",
        zipped([member("weights.txt", PAYLOAD), member("README.md", b"planted")]),
        "the member is called .txt",
    )
    yield _unit(
        "nemo.nemo",
        tarred({"model_config.yaml": b"name: planted\n", "model_weights.ckpt": torch_file}),
        "a NeMo archive with a hostile checkpoint",
    )
    yield _unit(
        "two-gzip-members.pkl.gz",
        gzip.compress(PAYLOAD[:20], mtime=0) + gzip.compress(PAYLOAD[20:], mtime=0),
        "two gzip members make one pickle",
    )
    yield _unit(
        "two-xz-streams.pkl.xz",
        lzma.compress(PAYLOAD[:20]) + lzma.compress(PAYLOAD[20:]),
        "two xz streams make one pickle",
    )
    yield _unit(
        "second-after-gzip.pkl.gz",
        gzip.compress(benign, mtime=0) + gzip.compress(PAYLOAD, mtime=0),
        "the second gzip member is a pickle of its own",
        loader="pickle.load twice",
    )
    yield _unit(
        "zstd-skippable.zst",
        b"\x50\x2a\x4d\x18" + struct.pack("<I", 8) + b"planted!" + zstd_frame(PAYLOAD),
        "a skippable frame before the pickle's",
    )
    yield _unit("gzip-named.json.gz", gzip.compress(PAYLOAD, mtime=0), "called .json.gz")
    yield _unit(
        "broken-7z.7z",
        seven_zip("model.pkl", stream(getpid(), b"\xff")),
        "nullifAI: a 7z archive with a pickle that calls and then breaks",
    )
    yield _unit(
        "pandas.pkl.zip",
        zipped([member("frame.pkl", stream(call("pandas", "read_csv", "/nonexistent/planted")))]),
        "pandas.read_pickle unpacks by itself",
        loader="pandas.read_pickle",
    )
    encrypted = member("model.pkl", PAYLOAD, local={"flags": 1}, central={"flags": 1})
    yield Unit(
        "archives/encrypted.zip",
        zipped([encrypted]),
        "integrity",
        "zip",
        "an encrypted member: nobody can look",
        "zipfile",
        "not readable without a key",
    )


def _unit(name: str, data: bytes, threat: str, loader: str = "pickle.load after unpacking") -> Unit:
    return Unit(
        f"nested/{name}", data, "code", name.rsplit(".", 1)[-1], threat, loader, "call of os.getpid in a member"
    )
