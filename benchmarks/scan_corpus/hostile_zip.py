"""Checkpoints in zip archives whose two descriptions disagree, so that scanner and loader read different things."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from hostile_opcodes import getpid, stream
from hostile_torch import FLOATS, PLANTED, state
from hostile_units import Class, Unit
from hostile_zip_writer import Member, member, zipped

_BENIGN, _HOSTILE = state(), state(PLANTED)


_TORCH_REFUSES = frozenset({
    "encrypted-flag-directory", "encrypted-flag-both", "strong-encryption-flag", "patched-data-flag",
    "masked-header-flag", "method-unknown-both", "size-small-in-directory", "name-nul",
})  # fmt: skip
"""Lies that make PyTorch itself give up (seen by loading them); the pickle is there for other readers."""


def checkpoint(pickle: Member | None = None, *more: Member) -> list[Member]:
    """The members of a checkpoint, with a data.pkl of choice."""
    return [
        pickle or member("archive/data.pkl", _BENIGN),
        member("archive/byteorder", b"little"),
        member("archive/data/0", FLOATS),
        member("archive/version", b"3\n"),
        *more,
    ]


def units() -> Iterator[Unit]:
    """All of them."""
    yield from _contradictions()
    yield from _layout()
    yield from _names()
    yield from _bombs()


def _hostile(local: Mapping[str, Any] | None = None, central: Mapping[str, Any] | None = None) -> Member:
    return member("archive/data.pkl", _HOSTILE, local=local, central=central)


def _contradictions() -> Iterator[Unit]:
    crc = zlib.crc32(_HOSTILE)
    views: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
        "crc-wrong-in-both": ({"crc": crc ^ 1}, {"crc": crc ^ 1}),
        "crc-zero": ({"crc": 0}, {"crc": 0}),
        "crc-wrong-in-directory": ({}, {"crc": crc ^ 1}),
        "crc-wrong-in-local": ({"crc": crc ^ 1}, {}),
        "encrypted-flag-local": ({"flags": 1}, {}),
        "encrypted-flag-directory": ({}, {"flags": 1}),
        "encrypted-flag-both": ({"flags": 1}, {"flags": 1}),
        "strong-encryption-flag": ({"flags": 0x41}, {"flags": 0x41}),
        "descriptor-flag-without": ({"flags": 8}, {"flags": 8}),
        "patched-data-flag": ({"flags": 0x20}, {"flags": 0x20}),
        "masked-header-flag": ({"flags": 0x2000}, {"flags": 0x2000}),
        "name-differs": ({"name": b"archive/readme.txt"}, {}),
        "name-case-differs": ({"name": b"archive/DATA.pkl"}, {}),
        "name-directory-differs": ({"name": b"archive/data.txt"}, {"name": b"archive/data.pkl"}),
        "method-differs": ({"method": 8}, {}),
        "method-unknown-local": ({"method": 99}, {}),
        "method-unknown-both": ({"method": 97}, {"method": 97}),
        "sizes-zero-in-local": ({"packed": 0, "size": 0}, {}),
        "size-differs": ({"size": 10}, {}),
        "packed-differs": ({"packed": 10}, {}),
        "size-small-in-directory": ({}, {"size": 10}),
        "size-huge-in-local": ({"size": 2**32 - 1, "packed": 2**32 - 1}, {}),
        "extra-differs": ({"extra": struct.pack("<HH", 0x7075, 4) + b"junk"}, {}),
        "unicode-path-extra": (
            {},
            {"extra": struct.pack("<HHBI", 0x7075, 19, 1, zlib.crc32(b"archive/data.pkl")) + b"archive/x.txt\0"},
        ),
        "name-nul": ({"name": b"archive/data.pkl\0.txt"}, {"name": b"archive/data.pkl\0.txt"}),
    }
    for way, (local, central) in views.items():
        acts = way not in _TORCH_REFUSES
        yield _unit(
            way,
            zipped(checkpoint(_hostile(local=local, central=central))),
            f"the pickle calls; the archive lies ({way})",
            expect="call of os.getpid; the two descriptions disagree",
            kind="code" if acts else "integrity",
            loader="torch.load(weights_only=False)" if acts else "readers that do not look at the field",
        )
    yield _unit(
        "local-points-elsewhere",
        _two_places(),
        "the directory points at another local header than the one in sequence",
        expect="call of os.getpid; a member nobody lists",
    )
    yield _unit(
        "deflate-tail",
        zipped(checkpoint(_deflated_with_tail())),
        "bytes follow the deflated stream within the member",
        kind="integrity",
        expect="bytes after the deflated stream",
    )
    stored = member(
        "archive/data.pkl",
        _BENIGN,
        local={"packed": len(_BENIGN) + len(_HOSTILE)},
        central={"packed": len(_BENIGN) + len(_HOSTILE)},
    )
    longer = Member(stored.local, stored.central, _BENIGN + _HOSTILE)
    yield _unit(
        "stored-longer-than-size",
        zipped(checkpoint(longer)),
        "a stored member is longer than its size",
        expect="sizes of a stored member differ",
        kind="integrity",
    )


def _two_places() -> bytes:
    hidden = _hostile(local={"name": b"archive/notes.txt"})
    shown = member("archive/data.pkl", _BENIGN)
    whole = zipped([shown, hidden])
    offset = whole.index(b"PK\x03\x04", 4)
    first = Member(shown.local, hidden.central, shown.data, offset=offset)
    rest = checkpoint()[1:]
    return zipped([first, Member(hidden.local, member("archive/notes.txt", b"").central, hidden.data, offset=0), *rest])


def _deflated_with_tail() -> Member:
    made = member("archive/data.pkl", _BENIGN, deflate=True)
    data = made.data + _HOSTILE
    longer = {"packed": len(data)}
    return Member(
        member("archive/data.pkl", _BENIGN, deflate=True, local=longer).local,
        member("archive/data.pkl", _BENIGN, deflate=True, central=longer).central,
        data,
    )


def _layout() -> Iterator[Unit]:
    benign, hostile = zipped(checkpoint()), zipped(checkpoint(_hostile()))
    bare = stream(getpid())
    yield _unit(
        "prefix-pickle",
        zipped(checkpoint(), prefix=bare),
        "a pickle stands before a benign archive",
        loader="pickle.load (reads from the front)",
    )
    yield _unit(
        "prefix-pickle-shifted",
        bare + benign,
        "the same, offsets not adjusted",
        loader="pickle.load (reads from the front)",
    )
    yield _unit(
        "prefix-elf",
        b"\x7fELF\x02\x01\x01" + bytes(57) + benign,
        "a program's header stands before the archive",
        kind="integrity",
        loader="the system's program loader",
        expect="bytes before the archive",
    )
    yield _unit(
        "prefix-script",
        b"#!/bin/sh\necho planted\nexit\n" + benign,
        "a shell script stands before the archive",
        loader="the shell",
    )
    yield _unit(
        "benign-then-hostile",
        benign + hostile,
        "a hostile archive follows a benign one; readers from the end take the second",
        loader="torch.load",
        expect="call of os.getpid; two archives",
    )
    yield _unit(
        "hostile-then-benign",
        hostile + benign,
        "a benign archive follows a hostile one",
        loader="readers from the front",
        expect="call of os.getpid; two archives",
    )
    yield _unit(
        "archive-in-comment",
        zipped(checkpoint(), comment=hostile[:60000]),
        "the comment is a whole hostile archive",
        loader="torch.load",
        expect="call of os.getpid; two ends of directory",
    )
    yield _unit(
        "two-ends",
        benign + hostile[hostile.index(b"PK\x05\x06") :],
        "two ends of central directory",
        kind="integrity",
        expect="two ends of directory",
    )
    yield _unit(
        "tail", benign + b"planted" * 30, "bytes follow the archive", kind="integrity", expect="bytes after the archive"
    )
    yield _unit(
        "tail-pickle",
        benign + bare,
        "a pickle follows the archive",
        kind="integrity",
        loader="a loader that seeks",
        expect="a pickle after the archive",
    )
    yield _unit(
        "gap-pickle",
        zipped(checkpoint(), between=bare),
        "a pickle lies between members and directory",
        kind="integrity",
        loader="a loader that seeks",
        expect="bytes no member owns",
    )
    yield _unit(
        "unlisted-member",
        _unlisted(),
        "a local member the directory does not list",
        loader="readers from the front",
        expect="call of os.getpid; a member nobody lists",
    )
    yield _unit(
        "count-lies",
        zipped(
            checkpoint(
                member("archive/data.pkl", _BENIGN),
                _hostile(local={"name": b"archive/b/data.pkl"}, central={"name": b"archive/b/data.pkl"}),
            ),
            count=2,
        ),
        "the directory has more members than it counts",
        kind="integrity",
        loader="readers that go on",
        expect="count of members",
    )
    yield _unit("overlap", _overlap(), "two members share their bytes", kind="integrity", expect="overlapping members")
    yield _unit(
        "no-directory",
        hostile[: hostile.index(b"PK\x01\x02")],
        "the directory is cut off; repairing readers find the member",
        loader="zip -FF and streaming readers",
        expect="call of os.getpid; no directory",
    )
    yield _unit(
        "directory-offset-lies",
        zipped(checkpoint(_hostile()), shift=7),
        "all offsets are off by seven",
        loader="readers that adjust",
        expect="call of os.getpid; offsets off",
    )
    yield _unit(
        "symlink",
        zipped(checkpoint(None, member("archive/link", b"/etc/planted", attributes=0o120777 << 16, made_by=0x0314))),
        "a member is a symbolic link out",
        kind="integrity",
        expect="symbolic link",
    )


def _unlisted() -> bytes:
    whole = zipped([_hostile(), *checkpoint()])
    end = whole.index(b"PK\x05\x06")
    start = whole.index(b"PK\x01\x02")
    second = whole.index(b"PK\x01\x02", start + 4)
    number = len(checkpoint())
    return (
        whole[:start]
        + whole[second:end]
        + struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, number, number, end - second, start, 0)
    )


def _overlap() -> bytes:
    first = member("archive/data.pkl", _BENIGN)
    return zipped(
        [
            first,
            Member(first.local, member("archive/other.pkl", _BENIGN).central, first.data, offset=0),
            *checkpoint()[1:],
        ]
    )


def _names() -> Iterator[Unit]:
    names = {
        "traversal": "../../planted.pkl",
        "traversal-inside": "archive/../../planted.pkl",
        "backslash": "..\\..\\planted.pkl",
        "absolute": "/tmp/planted.pkl",  # noqa: S108
        "drive": "C:\\planted.pkl",
        "device": "archive/CON",
        "direction": "archive/lkp.\u202etxt",
        "dots": "archive/....//planted",
    }
    for way, name in names.items():
        yield _unit(
            f"name-{way}",
            zipped(checkpoint(None, member(name, b"planted"))),
            f"a member's name leads astray ({way})",
            kind="integrity",
            loader="extractors",
            expect="path out of the archive" if way not in {"device", "direction"} else "strange name",
        )


def _bombs() -> Iterator[Unit]:
    zeros = member("archive/data/1", bytes(2**28), deflate=True)
    yield _unit(
        "bomb-ratio",
        zipped(checkpoint(None, zeros)),
        "256 MiB of zeros in 260 kB",
        kind="resource",
        expect="unpacks to a thousand times its size",
    )
    views = [
        Member(zeros.local, replace(zeros.central, name=f"archive/data/{number}".encode()), b"", offset=0)
        for number in range(60)
    ]
    yield _unit(
        "bomb-overlap",
        _overlapping(zeros, views),
        "sixty members share one deflated stream: 15 GiB",
        kind="resource",
        expect="overlapping members",
    )
    inner = zipped([member("zeros", bytes(2**26), deflate=True)])
    for _ in range(8):
        inner = zipped([member("inner.zip", inner, deflate=True)])
    yield _unit(
        "bomb-nested", inner, "nine archives within one another, then zeros", kind="resource", expect="nested archives"
    )


def _overlapping(zeros: Member, views: list[Member]) -> bytes:
    """One member's bytes, many entries of the directory."""
    head = zipped([zeros])
    body = head[: head.index(b"PK\x01\x02")]
    directory = zipped(views)
    start = directory.index(b"PK\x01\x02")
    entries = directory[start : directory.rindex(b"PK\x05\x06")]
    return (
        body
        + entries
        + struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, len(views), len(views), len(entries), len(body), 0)
    )


def _unit(
    way: str,
    data: bytes,
    threat: str,
    *,
    kind: Class = "code",
    loader: str = "torch.load(weights_only=False)",
    expect: str = "call of os.getpid",
    load: str = "torch",
) -> Unit:
    load = load if kind == "code" and loader.startswith("torch.load(") else ""
    family = "torch" if kind == "code" else "zip"
    return Unit(f"{family}/zip-{way}.pt", data, kind, "zip", threat, loader, expect, load, "os:getpid" if load else "")
