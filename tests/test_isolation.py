"""What a walled-in process can still do, asked of a real one."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from touchstone.isolation import StandingWalls, Walls, build_walls

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the walls are the Linux kernel's")

WALLS = Walls(memory_bytes=2**30, cpu_seconds=10, wall_seconds=20, largest_file=0)


def walled_in(attempt: Callable[[StandingWalls], object]) -> str:
    """What `attempt` answered, or the exception it met, in a process of its own behind the walls."""
    reads, writes = os.pipe()
    process = os.fork()
    if process == 0:
        try:
            answer = repr(attempt(build_walls(WALLS)))
        except BaseException as error:
            answer = type(error).__name__
        os.write(writes, answer.encode())
        os._exit(0)
    os.close(writes)
    with os.fdopen(reads, encoding="utf-8") as channel:
        answer = channel.read()
    os.waitpid(process, 0)
    return answer


def test_no_network() -> None:
    def connect(walls: StandingWalls) -> object:
        if walls.network == "open":
            return "this kernel cannot cut the network off, and says so"
        return socket.socket(socket.AF_INET, socket.SOCK_STREAM)

    assert walled_in(connect) in {"PermissionError", "'this kernel cannot cut the network off, and says so'"}


def test_no_new_program() -> None:
    assert walled_in(lambda _: subprocess.run(["/bin/true"], check=True)) == "PermissionError"


def test_no_memory_beyond_the_limit() -> None:
    assert walled_in(lambda _: len(bytearray(2**30))) == "MemoryError"
    assert walled_in(lambda _: len(bytearray(2**20))) == str(2**20)


def test_nothing_is_written(tmp_path: Path) -> None:
    file = tmp_path / "out"
    assert walled_in(lambda _: file.write_bytes(b"x")) == "OSError"
    assert file.read_bytes() == b""


def test_it_says_which_walls_stand() -> None:
    assert walled_in(lambda walls: (walls.new_programs, walls.memory_bytes, walls.wall_seconds)) == repr(
        ("denied", 2**30, 20)
    )
