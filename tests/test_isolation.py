"""What a walled-in process can still do, asked of a real one."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from touchstone.isolation import StandingWalls, Walls, build_walls, forbid_writing_outside

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the walls are the Linux kernel's")

WALLS = Walls(memory_bytes=2**30, cpu_seconds=10, wall_seconds=20, largest_file=0)


def walled_in(attempt: Callable[[StandingWalls], object], walls: Walls = WALLS) -> str:
    """What `attempt` answered, or the exception it met, in a process of its own behind the walls."""
    reads, writes = os.pipe()
    process = os.fork()
    if process == 0:
        try:
            answer = repr(attempt(build_walls(walls)))
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


@pytest.mark.parametrize(
    "attempt",
    {
        "write": lambda folder: (folder / "old").write_bytes(b"x"),
        "make": lambda folder: (folder / "new").write_bytes(b"x"),
        "remove": lambda folder: (folder / "old").unlink(),
        "truncate": lambda folder: os.truncate(folder / "old", 0),
        "move": lambda folder: (folder / "old").rename(folder / "other"),
        "make a folder": lambda folder: (folder / "sub").mkdir(),
        "link": lambda folder: (folder / "link").symlink_to("old"),
    }.values(),
)
def test_files_are_changed_only_below_one_folder(tmp_path: Path, attempt: Callable[[Path], object]) -> None:
    for name in ("inside", "outside"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "old").write_bytes(b"old")

    def inside_then_outside(_: StandingWalls) -> object:
        if not forbid_writing_outside(str(tmp_path / "inside")):
            return "this kernel has no Landlock"
        (tmp_path / "outside" / "old").read_bytes()
        attempt(tmp_path / "inside")
        return attempt(tmp_path / "outside")

    larger = Walls(memory_bytes=2**30, cpu_seconds=10, wall_seconds=20)
    assert walled_in(inside_then_outside, larger) in {"PermissionError", "'this kernel has no Landlock'"}
    assert [path.name for path in (tmp_path / "outside").iterdir()] == ["old"]
    assert (tmp_path / "outside" / "old").read_bytes() == b"old"


def test_without_such_a_folder_nothing_is_changed(tmp_path: Path) -> None:
    def write(_: StandingWalls) -> object:
        if not forbid_writing_outside(str(tmp_path / "gone")):
            return "this kernel has no Landlock"
        return (tmp_path / "new").write_bytes(b"x")

    assert walled_in(write) in {"PermissionError", "'this kernel has no Landlock'"}
