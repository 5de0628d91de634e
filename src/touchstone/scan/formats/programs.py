"""Native programs and libraries, and the byte code of virtual machines: code that has no place in a model's weights.

Nothing is concluded from what a program contains. It is reported with what identifies it: the machine it is for and,
for ELF, the build id, with which its debugging symbols or its origin can be looked up.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from touchstone.scan.examination import Examination
from touchstone.scan.findings import Rule
from touchstone.scan.source import Source
from touchstone.text import Text

NATIVE_CODE: Final = Rule(
    id="programs/native-code",
    severity="high",
    nature="threat",
    title=Text("A program or native library is handed in as part of a model", "模型中附带了程序或原生库"),
    remedy=Text(
        "Refuse it, or obtain its source and build it yourself; no scan can say what native code does.",
        "应予拒绝，或取得源代码自行构建；任何扫描都无法判断原生代码的行为。",
    ),
    references=("CWE-829", "MITRE ATLAS AML.T0011.000"),
)
RULES: Final[tuple[Rule, ...]] = (NATIVE_CODE,)

_ELF_MACHINES: Final = {
    3: "x86",
    8: "MIPS",
    20: "PowerPC",
    21: "PowerPC 64",
    22: "S/390",
    40: "ARM",
    62: "x86-64",
    164: "Hexagon",
    183: "AArch64",
    190: "CUDA",
    224: "AMD GPU",
    243: "RISC-V",
    247: "BPF",
    258: "LoongArch",
}
_ELF_KINDS: Final = {1: "object", 2: "executable", 3: "shared object", 4: "core dump"}
_PE_MACHINES: Final = {0x14C: "x86", 0x1C0: "ARM", 0x1C4: "ARM", 0x8664: "x86-64", 0xAA64: "AArch64"}
_MACH_MACHINES: Final = {7: "x86", 0x01000007: "x86-64", 12: "ARM", 0x0100000C: "AArch64", 18: "PowerPC"}
_MOST_HEADERS: Final = 64
_LARGEST_NOTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class _Program:
    """What identifies a program."""

    format: str
    description: str


def read_program(source: Source, examination: Examination) -> str:
    """Report a program; answers `mach-o` for the universal binaries that begin like Java classes."""
    head = source.read(0, 64)
    program = _identify(source, head)
    examination.runs_code()
    examination.report(NATIVE_CODE, program.description, offset=0, length=source.size)
    return program.format


def _identify(source: Source, head: bytes) -> _Program:
    return next(identify for mark, identify in _BY_MARK if head.startswith(mark) or mark == head[2:4])(source, head)


def _cafebabe(_source: Source, head: bytes) -> _Program:
    """A Java class has its version here, 45 or more; a universal Mach-O the number of its architectures."""
    minor, major = struct.unpack_from(">HH", head.ljust(8, b"\0"), 4)
    if minor == 0 and major < 45:
        return _Program("mach-o", f"universal Mach-O with {major} architectures")
    return _Program("java-class", f"Java class version {major}.{minor}")


def _describe_elf(source: Source, head: bytes) -> str:
    order = ">" if head[5:6] == b"\x02" else "<"
    kind, machine = struct.unpack_from(f"{order}HH", head.ljust(20, b"\0"), 16)
    described = f"ELF {_ELF_KINDS.get(kind, kind)} for {_ELF_MACHINES.get(machine, machine)}"
    build = _build_id(source, head, order)
    return f"{described}, build id {build}" if build else described


def _build_id(source: Source, head: bytes, order: str) -> str:
    """The build id in the program's notes (System V ABI, "Note Section"), or nothing."""
    is_wide = head[4:5] == b"\x02"
    if len(head) < 64:
        return ""
    table = struct.unpack_from(f"{order}Q" if is_wide else f"{order}I", head, 32 if is_wide else 28)[0]
    size, count = struct.unpack_from(f"{order}HH", head, 54 if is_wide else 42)
    for index in range(min(count, _MOST_HEADERS)):
        entry = source.read(table + index * size, 56 if is_wide else 32)
        if len(entry) < (56 if is_wide else 32) or struct.unpack_from(f"{order}I", entry)[0] != 4:
            continue
        place, length = (
            (struct.unpack_from(f"{order}Q", entry, 8)[0], struct.unpack_from(f"{order}Q", entry, 32)[0])
            if is_wide
            else (struct.unpack_from(f"{order}I", entry, 4)[0], struct.unpack_from(f"{order}I", entry, 16)[0])
        )
        found = _note(source.read(place, min(length, _LARGEST_NOTES)), order)
        if found:
            return found
    return ""


def _note(notes: bytes, order: str) -> str:
    position = 0
    while position + 12 <= len(notes):
        name_size, size, kind = struct.unpack_from(f"{order}III", notes, position)
        name = position + 12
        content = name + (name_size + 3) // 4 * 4
        if kind == 3 and notes[name : name + name_size] == b"GNU\x00":
            return notes[content : content + min(size, 32)].hex()
        position = content + (size + 3) // 4 * 4
    return ""


def _describe_pe(source: Source, head: bytes) -> str:
    if head.startswith((b"MZqFpD", b"MZqF")):
        return "Actually Portable Executable, which runs on every system"
    header = source.read(int.from_bytes(head[60:64], "little"), 24)
    if not header.startswith(b"PE\x00\x00") or len(header) < 24:
        return "MS-DOS program"
    machine = int.from_bytes(header[4:6], "little")
    kind = "library" if int.from_bytes(header[22:24], "little") & 0x2000 else "program"
    return f"Windows {kind} for {_PE_MACHINES.get(machine, hex(machine))}"


def _mach_o(_source: Source, head: bytes) -> _Program:
    machine = int.from_bytes(head[4:8], "little" if head[3:4] == b"\xfe" else "big")
    return _Program("mach-o", f"Mach-O for {_MACH_MACHINES.get(machine, hex(machine))}")


def _wasm(_source: Source, head: bytes) -> _Program:
    return _Program("wasm", f"WebAssembly version {int.from_bytes(head[4:8], 'little')}")


def _python_bytecode(_source: Source, head: bytes) -> _Program:
    return _Program("python-bytecode", f"Python bytecode with magic number {int.from_bytes(head[:2], 'little')}")


_BY_MARK: Final[tuple[tuple[bytes, Callable[[Source, bytes], _Program]], ...]] = (
    (b"\x7fELF", lambda source, head: _Program("elf", _describe_elf(source, head))),
    (b"MZ", lambda source, head: _Program("pe", _describe_pe(source, head))),
    (b"\xca\xfe\xba\xbe", _cafebabe),
    (b"\x00asm", _wasm),
    (b"L\x00\x00\x00", lambda _source, _head: _Program("windows-shortcut", "Windows shortcut, which starts a program")),
    (b"\r\n", _python_bytecode),
    (b"", _mach_o),
)
"""What a program begins with; Python's mark stands third. Whatever is none of the others was recognised as Mach-O."""
