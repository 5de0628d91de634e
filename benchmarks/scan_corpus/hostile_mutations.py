"""Plants an inert call in every benign pickle, in several places each: a benign file and its hostile twin.

    python benchmarks/scan_corpus/hostile_mutations.py BENIGN OUT

The labels are certain: the files were written by real libraries, and the one thing added is a call of `os.getpid`
whose result is dropped. `OUT/manifest.json` lists them.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import pickletools
import random
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hostile_opcodes import POP, STOP, getpid, push, stream
from hostile_units import SEED

Mutants = Iterator[tuple[str, bytes]]


def main() -> None:
    """Mutate every benign pickle and write the manifest."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("benign", type=Path)
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    files: list[dict[str, Any]] = json.loads((options.benign / "manifest.json").read_text())["files"]
    entries = []
    for entry in sorted(files, key=lambda entry: str(entry["path"])):
        if (options.benign / entry["path"]).is_dir():
            continue
        data = (options.benign / entry["path"]).read_bytes()
        choice = random.Random(f"{SEED} {entry['path']}")
        for way, mutant in mutants(data, entry["kind"], choice):
            path = f"{way}/{entry['path']}"
            (options.out / path).parent.mkdir(parents=True, exist_ok=True)
            (options.out / path).write_bytes(mutant)
            about = {"class": "code", "format": entry["kind"], "pickle_family": True, "folder": False}
            digest = hashlib.sha256(mutant).hexdigest()
            entries.append({"path": path, **about, "mutation": way, "of": entry["path"], "sha256": digest})
    (options.out / "manifest.json").write_text(json.dumps({"seed": SEED, "units": entries}, indent=1) + "\n")
    print(len(entries), "mutants")


def mutants(data: bytes, kind: str, choice: random.Random) -> Mutants:
    """The hostile twins of one file; none for formats without a bare pickle."""
    if kind in {"torch-zip", "torchscript"}:
        yield from _of_archive(data, choice)
    elif kind in {"pickle", "joblib"} and _is_one_stream(data):
        yield from _of_stream(data, choice)
    elif kind in {"pickle", "joblib", "torch-legacy"} and data[:1] == b"\x80":
        planted = planted_call(data)
        yield "start", data[:2] + planted + data[2:]
        yield "second-stream", data + stream(getpid())


def _is_one_stream(data: bytes) -> bool:
    """Whether the file is opcodes to its last byte: no raw arrays between them, no compression."""
    try:
        *_, (_, _, last) = pickletools.genops(data)
    except ValueError:
        return False
    return last == len(data) - 1


def planted_call(data: bytes) -> bytes:
    """The call in the opcodes of the stream's protocol, its result dropped."""
    protocol = data[1] if data[:1] == b"\x80" else 0
    return getpid(protocol) + POP


def _of_stream(data: bytes, choice: random.Random) -> Mutants:
    """Start, middle, end, second stream, broken tail, frame straddle."""
    planted = planted_call(data)
    starts = [position or 0 for _, _, position in pickletools.genops(data)]
    first = 2 if data[:1] == b"\x80" else 0
    end = starts[-1]
    yield "start", data[:first] + planted + data[first:]
    yield "middle", inserted(data, choice.choice(starts[1:] or starts), planted)
    yield "end", inserted(data, end, planted)
    yield "second-stream", data + stream(getpid())
    yield "broken-tail", inserted(data, end, planted + b"\xff")
    inner = getpid() + STOP
    filler = push("x" * 150_000) + POP
    crossing = b"B" + struct.pack("<H", 2 + len(inner)) + b"\0\0\0\0" + inner
    head = b"\x80" + bytes([max(4, data[1] if first else 0)]) + b"\x95" + struct.pack("<Q", len(filler) + 3)
    yield "frame-straddle", head + filler + crossing + POP + data[first:]


def inserted(data: bytes, at: int, planted: bytes) -> bytes:
    """The stream with opcodes added at an opcode's start, and the frame around them widened."""
    out = bytearray(data)
    for opcode, length, position in pickletools.genops(data):
        if opcode.name != "FRAME" or position is None or length is None:
            continue
        if position + 9 <= at < position + 9 + length:
            struct.pack_into("<Q", out, position + 1, length + len(planted))
    return bytes(out[:at]) + planted + bytes(out[at:])


def _of_archive(data: bytes, choice: random.Random) -> Mutants:
    """The same within `data.pkl`, the archive written anew."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = [(info, archive.read(info)) for info in archive.infolist()]
    if not any(info.filename.endswith("/data.pkl") for info, _ in members):
        return
    pickle = next(content for info, content in members if info.filename.endswith("/data.pkl"))
    for way, mutant in _of_stream(pickle, choice):
        if way in {"second-stream", "frame-straddle"}:  # torch.load reads one stream, and never this large a frame
            continue
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            for info, content in members:
                archive.writestr(
                    zipfile.ZipInfo(info.filename), mutant if info.filename.endswith("/data.pkl") else content
                )
        yield way, out.getvalue()


if __name__ == "__main__":
    main()
