"""Programs: each is reported, with what identifies it."""

from __future__ import annotations

import struct
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from touchstone.scan.file import scan_bytes, scan_file

BUILD_ID = bytes(range(20))


def elf(order: str, *, wide: bool) -> bytes:
    """The beginning of a shared object with a build id."""
    note = struct.pack(f"{order}III", 4, len(BUILD_ID), 3) + b"GNU\x00" + BUILD_ID
    identity = b"\x7fELF" + bytes((2 if wide else 1, 1 if order == "<" else 2, 1)) + bytes(9)
    if wide:
        head = struct.pack(f"{order}HHIQQQIHHHHHH", 3, 62, 1, 0, 64, 0, 0, 64, 56, 1, 0, 0, 0)
        entry = struct.pack(f"{order}IIQQQQQQ", 4, 4, 120, 0, 0, len(note), len(note), 4)
    else:
        head = struct.pack(f"{order}HHIIIIIHHHHHH", 3, 40, 1, 0, 52, 0, 0, 52, 32, 1, 0, 0, 0)
        entry = struct.pack(f"{order}IIIIIIII", 4, 84, 0, 0, len(note), len(note), 4, 4)
    return identity + head + entry + note


@pytest.mark.parametrize(
    ("content", "kind", "shown"),
    [
        (elf("<", wide=True), "elf", f"ELF shared object for x86-64, build id {BUILD_ID.hex()}"),
        (elf(">", wide=False), "elf", f"ELF shared object for ARM, build id {BUILD_ID.hex()}"),
        (b"\x7fELF", "elf", "ELF 0 for 0"),
        (b"MZ" + bytes(58) + b"\x40\x00\x00\x00PE\x00\x00\x64\x86" + bytes(20), "pe", "Windows program for x86-64"),
        (
            b"MZ" + bytes(58) + b"\x40\x00\x00\x00PE\x00\x00\x64\xaa" + bytes(16) + b"\x00\x20",
            "pe",
            "Windows library for AArch64",
        ),
        (b"MZ" + bytes(100), "pe", "MS-DOS program"),
        (b"\xcf\xfa\xed\xfe\x0c\x00\x00\x01" + bytes(24), "mach-o", "Mach-O for AArch64"),
        (b"\xfe\xed\xfa\xce\x00\x00\x00\x12" + bytes(24), "mach-o", "Mach-O for PowerPC"),
        (b"\xca\xfe\xba\xbe\x00\x00\x00\x02" + bytes(24), "mach-o", "universal Mach-O with 2 architectures"),
        (b"\xca\xfe\xba\xbe\x00\x00\x00\x41" + bytes(24), "java-class", "Java class version 65.0"),
        (b"L\x00\x00\x00\x01\x14\x02\x00" + bytes(60), "windows-shortcut", "Windows shortcut, which starts a program"),
        (
            b"\xa7\x0d\x0d\x0a" + bytes(12) + b"\xe3" + bytes(20),
            "python-bytecode",
            "Python bytecode with magic number 3495",
        ),
        (b"\x00asm\x01\x00\x00\x00", "wasm", "WebAssembly version 1"),
    ],
)
def test_programs_are_named(content: bytes, kind: str, shown: str) -> None:
    result = scan_bytes(content, "f.bin")
    assert (result.format, result.runs_code, result.verdict) == (kind, True, "unsafe")
    assert [(finding.rule, finding.shown) for finding in result.findings] == [("programs/native-code", shown)]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks at an ELF program")
def test_a_real_program() -> None:
    (finding,) = scan_file(Path(sys.executable).resolve(), "python").findings
    assert finding.shown.startswith("ELF ")


@settings(max_examples=300, deadline=None)
@given(st.sampled_from([elf("<", wide=True), elf(">", wide=False)]), st.integers(4), st.integers(0, 255))
def test_changed_bytes_never_fail_the_reader(content: bytes, place: int, value: int) -> None:
    changed = bytearray(content)
    changed[4 + place % (len(content) - 4)] = value
    result = scan_bytes(bytes(changed), "f.bin")
    assert result.verdict == "unsafe"
    assert result.gaps == ()


@pytest.mark.parametrize(
    ("content", "runs_code"),
    [
        (b"ptrt" + bytes(60), True),
        (b"ftrt" + bytes(60), True),
        (b"RKNN" + bytes(60), True),
        (b"IMOD" + bytes(60), True),
        (b"%PDF-1.7\n", True),
        (b"Rar!\x1a\x07\x01\x00", False),
        (b"SQLite format 3\x00" + bytes(84), False),
    ],
)
def test_what_cannot_be_inspected_is_a_gap(content: bytes, runs_code: bool) -> None:
    result = scan_bytes(content, "f.bin")
    assert ([gap.code for gap in result.gaps], result.runs_code) == (["format"], runs_code)
    assert result.verdict == "incomplete"
