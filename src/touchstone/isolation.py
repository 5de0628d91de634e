"""The walls around a worker: no network, no new programs, bounded memory, time and files.

Called inside the worker, before anything hostile is read. Which walls really stand is returned and goes into the
evidence: where the kernel refuses one, the record says so instead of pretending.
"""

from __future__ import annotations

import ctypes
import os
import platform
import resource
import signal
import struct
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

LARGEST_FILE = 64 * 1024 * 1024
OPEN_FILES = 256

_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000
_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38
_PR_SET_SECCOMP = 22
_SECCOMP_MODE_FILTER = 2


# Landlock: system calls of these numbers on every machine since Linux 5.13, and the rights to change files with the
# version of its interface that knows them.
_LANDLOCK_CREATE, _LANDLOCK_ADD_RULE, _LANDLOCK_RESTRICT = 444, 445, 446
_LANDLOCK_VERSION, _LANDLOCK_PATH_BENEATH = 1, 1
_CHANGING_FILES = (
    (1 << 1, 1),  # write
    *((1 << bit, 1) for bit in range(4, 13)),  # remove and make anything
    (1 << 13, 2),  # move to another folder
    (1 << 14, 3),  # truncate
)


@dataclass(frozen=True, slots=True)
class Walls:
    """Limits of one worker. `network` is open only for a system that is itself a service."""

    memory_bytes: int
    cpu_seconds: int
    wall_seconds: int
    network: bool = False
    largest_file: int = LARGEST_FILE
    """Bytes it may write to any file."""


@dataclass(frozen=True, slots=True)
class StandingWalls:
    """Which walls really stand; the fields of `touchstone.records.Isolation`."""

    network: Literal["none", "open"]
    network_by: str
    new_programs: Literal["denied", "allowed"]
    memory_bytes: int | None
    cpu_seconds: int
    wall_seconds: int


def build_walls(walls: Walls) -> StandingWalls:
    """Shut this process in, for good. Returns which walls stand."""
    _die_with_parent()
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_CPU, walls.cpu_seconds, walls.cpu_seconds + 5)
    _limit(resource.RLIMIT_FSIZE, walls.largest_file)
    _limit(resource.RLIMIT_NOFILE, OPEN_FILES)
    memory: int | None = walls.memory_bytes
    try:
        _limit(resource.RLIMIT_AS, walls.memory_bytes)
    except (ValueError, OSError):
        memory = None
    cut_off_by = [] if walls.network else [name for name, build in _NETWORK_WALLS if build()]
    filtered = _filter_system_calls(deny_network=not walls.network)
    if filtered and not walls.network:
        cut_off_by.append("seccomp")
    return StandingWalls(
        network="open" if not cut_off_by else "none",
        network_by=" + ".join(cut_off_by),
        new_programs="denied" if filtered else "allowed",
        memory_bytes=memory,
        cpu_seconds=walls.cpu_seconds,
        wall_seconds=walls.wall_seconds,
    )


def forbid_writing_outside(folder: str) -> bool:
    """Forbid this process to change files anywhere but below `folder`, for good (Landlock); answers whether it holds.

    Where there is no such folder, nothing can be changed at all.
    """
    library = _library()
    version = -1 if library is None else library.syscall(_LANDLOCK_CREATE, None, 0, _LANDLOCK_VERSION)
    if library is None or version < 1 or library.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return False
    changing = sum(right for right, since in _CHANGING_FILES if version >= since)
    handled = struct.pack("Q", changing)
    rules = library.syscall(_LANDLOCK_CREATE, ctypes.create_string_buffer(handled, len(handled)), len(handled), 0)
    if rules < 0:
        return False
    try:
        with suppress(OSError):
            descriptor = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
            beneath = struct.pack("=Qi", changing, descriptor)
            rule = ctypes.create_string_buffer(beneath, len(beneath))
            library.syscall(_LANDLOCK_ADD_RULE, rules, _LANDLOCK_PATH_BENEATH, rule, 0)
            os.close(descriptor)
        return bool(library.syscall(_LANDLOCK_RESTRICT, rules, 0) == 0)
    finally:
        os.close(rules)


def _limit(kind: int, soft: int, hard: int | None = None) -> None:
    """Set a limit, or keep the one that stands where it is tighter: nobody may raise a hard limit."""
    _, standing = resource.getrlimit(kind)
    most = soft if hard is None else hard
    if standing != resource.RLIM_INFINITY:
        most = min(most, standing)
    resource.setrlimit(kind, (min(soft, most), most))


def _library() -> ctypes.CDLL | None:
    if sys.platform != "linux":
        return None
    library = ctypes.CDLL(None, use_errno=True)
    library.prctl.argtypes = [ctypes.c_int, *[ctypes.c_ulong] * 4]
    library.unshare.argtypes = [ctypes.c_int]
    return library


def _die_with_parent() -> None:
    library = _library()
    if library is not None:
        library.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _network_namespace() -> bool:
    """A network namespace with nothing in it, not even a loopback that is up."""
    library = _library()
    if library is None:
        return False
    if os.geteuid() == 0 and library.unshare(_CLONE_NEWNET) == 0:
        return True
    return bool(library.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) == 0)


_NETWORK_WALLS = (("network namespace", _network_namespace),)

# System call numbers per machine: the value of AUDIT_ARCH, then socket, io_uring_setup, execve, execveat, ptrace,
# setsid, setpgid (a worker must not leave the process group by which it is ended).
_SYSTEM_CALLS = {
    "x86_64": (0xC000003E, 41, 425, 59, 322, 101, 112, 109),
    "aarch64": (0xC00000B7, 198, 425, 221, 281, 117, 157, 154),
}
_ALLOW = 0x7FFF0000
_REFUSE = 0x00050000 | 1  # EPERM
_LOAD, _JUMP_IF_EQUAL, _JUMP_IF_GREATER_OR_EQUAL, _RETURN = 0x20, 0x15, 0x35, 0x06
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
_AF_UNIX = 1
_X32_CALLS = 0x40000000


def _filter_system_calls(*, deny_network: bool) -> bool:
    """Forbid starting programs and, if asked, making sockets other than local ones. Needs no privilege."""
    library = _library()
    numbers = _SYSTEM_CALLS.get(platform.machine())
    if library is None or numbers is None:
        return False
    architecture, socket, *refused = numbers
    program = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_JUMP_IF_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _REFUSE),  # a foreign calling convention would number the calls differently
        (_LOAD, 0, 0, _NUMBER),
        (_JUMP_IF_GREATER_OR_EQUAL, 0, 1, _X32_CALLS),
        (_RETURN, 0, 0, _REFUSE),
    ]
    for number in refused:
        program += [(_JUMP_IF_EQUAL, 0, 1, number), (_RETURN, 0, 0, _REFUSE)]
    if deny_network:
        program += [
            (_JUMP_IF_EQUAL, 0, 3, socket),
            (_LOAD, 0, 0, _FIRST_ARGUMENT),
            (_JUMP_IF_EQUAL, 1, 0, _AF_UNIX),
            (_RETURN, 0, 0, _REFUSE),
        ]
    program.append((_RETURN, 0, 0, _ALLOW))
    instructions = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in program))
    header = ctypes.create_string_buffer(
        struct.pack("HxxxxxxP" if struct.calcsize("P") == 8 else "HxxP", len(program), ctypes.addressof(instructions))
    )
    if library.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return False
    return bool(library.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.addressof(header), 0, 0) == 0)
