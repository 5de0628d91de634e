"""Whatever a worker does, the other files are scanned, and its own file is incomplete.

Each test has a program of its own that replaces what the worker does by something bad, and scans.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from touchstone.scan.budget import Limits
from touchstone.scan.findings import FileResult
from touchstone.scan.walk import Place, walk
from touchstone.scan.workers import chunks, scan_in_workers

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="workers are forked on Linux")

SCAN = """
import ctypes, json, os, signal, socket, subprocess, sys, time
from touchstone.scan import worker, workers
from touchstone.scan.budget import Limits
from touchstone.scan.file import scan_file
from touchstone.scan.walk import walk

def scan_or_misbehave(path, shown, limits):
    if shown == "b.txt":
        misbehave()
    return scan_file(path, shown, limits)

def descriptors():
    links = {int(name): "/proc/self/fd/" + name for name in os.listdir("/proc/self/fd")}
    return {number: os.readlink(link) for number, link in links.items() if os.path.exists(link)}

def say(data):
    channel = next(number for number, target in descriptors().items() if target.startswith("pipe:"))
    while data:
        data = data[os.write(channel, data):]

worker.scan_file = scan_or_misbehave
exec(sys.argv[2])
walked = walk([sys.argv[1]])
found = {}
for result in workers.scan_in_workers(walked.places, Limits(), 1):
    found[result.path] = [result.verdict, [(gap.code, gap.why.en) for gap in result.gaps]]
print(json.dumps(found))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a.txt", "b.txt", "c.txt"):
        (tmp_path / name).write_text("words\n")
    return tmp_path


def command(folder: Path, misbehaviour: str) -> list[str]:
    return [sys.executable, "-c", SCAN, str(folder), misbehaviour]


def scan(folder: Path, misbehaviour: str) -> dict[str, Any]:
    finished = subprocess.run(command(folder, misbehaviour), capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    found: dict[str, Any] = json.loads(finished.stdout)
    return found


@pytest.mark.parametrize(
    ("misbehaviour", "code", "said"),
    {
        "crash": ("def misbehave(): ctypes.string_at(0)", "reader", "SIGSEGV"),
        "exit": ("def misbehave(): os._exit(0)", "reader", "ended early (0)"),
        "be killed": ("def misbehave(): os.kill(os.getpid(), signal.SIGKILL)", "reader", "SIGKILL"),
        "raise": ("def misbehave(): raise ValueError", "reader", "ended early (1)"),
        "take memory": ("def misbehave(): bytearray(256 * 2**20)", "limit", "memory"),
        "hang": ("def misbehave(): time.sleep(60)\nworkers.wall_seconds = lambda *_: 0.3", "limit", "too long"),
        "use the processor": (
            "worker.processor_seconds = lambda *_: 1\ndef misbehave():\n    while True: pass",
            "limit",
            "too long",
        ),
        "reach the network": ("def misbehave(): socket.socket(socket.AF_INET)", "unopened", "not permitted"),
        "start a program": ("def misbehave(): subprocess.run(['/bin/true'])", "unopened", "not permitted"),
    }.values(),
)
def test_a_worker_that_misbehaves_costs_its_own_file(folder: Path, misbehaviour: str, code: str, said: str) -> None:
    found = scan(folder, misbehaviour)
    verdict, gaps = found.pop("b.txt")
    assert verdict == "incomplete"
    assert [(gap[0], said in gap[1]) for gap in gaps] == [(code, True)], gaps
    assert found == {"a.txt": ["clean", []], "c.txt": ["clean", []]}


HONEST = {"path": "b.txt", "size": 6, "sha256": "", "format": "text", "runs_code": False}
GAP = {"where": "a.txt", "code": "damaged", "why": {"en": "x", "zh": "x"}}


def line(name: str, value: object) -> bytes:
    return json.dumps([name, value]).encode() + b"\n"


LIES = {
    "no JSON": b"nonsense\n",
    "not UTF-8": b'["end", "\xff"]\n',
    "another file": line("end", HONEST | {"path": "c.txt"}),
    "no digest": line("end", HONEST | {"sha256": "x"}),
    "a field more": line("end", HONEST | {"allowed": []}),
    "a field less": line("end", {"path": "b.txt"}),
    "an unknown list": line("verdicts", []) + line("end", HONEST),
    "what is allowed": line("allowed", []) + line("end", HONEST),
    "an escape": line("end", HONEST | {"format": "\x1b[2J"}),
    "a number too large": line("end", HONEST | {"size": 2**60}),
    "a truth value as number": line("end", HONEST | {"size": True}),
    "a gap of another file": line("gaps", [GAP]) + line("end", HONEST),
    "too many gaps": line("gaps", [GAP | {"where": "b.txt"}] * 600) + line("end", HONEST),
    "brackets": b"[" * 60000 + b"\n",
    "nothing": b"",
    "a line without end": b"x" * 5 * 2**20,
}


@pytest.mark.parametrize("lie", LIES)
def test_a_worker_that_lies_costs_its_own_file(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, lie: str
) -> None:
    said = tmp_path_factory.mktemp("said") / "said"
    said.write_bytes(LIES[lie])
    found = scan(folder, f"def misbehave(): say(open({str(said)!r}, 'rb').read()); os._exit(0)")
    assert [code for code, _ in found["b.txt"][1]] == ["reader"]
    assert (found["a.txt"][0], found["c.txt"][0]) == ("clean", "clean")


def test_the_truth_in_the_same_words_is_believed(folder: Path) -> None:
    said = line("end", HONEST)
    found = scan(folder, f"def misbehave(): say({said!r}); os._exit(0)")
    assert found["b.txt"] == ["clean", []]


def test_a_worker_shares_no_descriptor_with_its_parent(folder: Path) -> None:
    counting = "extra = open(sys.argv[1] + '/a.txt')\ndef misbehave(): os._exit(len(descriptors()))"
    ((_, said),) = scan(folder, counting)["b.txt"][1]
    assert "(4)" in said  # three standard ones that lead nowhere, and the channel


def test_a_worker_changes_no_file_outside_the_temporary_folder(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path_factory.mktemp("temporary")))
    found = scan(folder, "def misbehave(): open(sys.argv[1] + '/a.txt', 'w').write('changed')")
    ((code, said),) = found["b.txt"][1]
    if (folder / "a.txt").read_text() == "changed":
        pytest.skip("this kernel has no Landlock")
    assert (code, "Permission denied" in said) == ("unopened", True)
    assert not scan(folder, "import tempfile\ndef misbehave(): tempfile.TemporaryFile().write(b'x')")["b.txt"][1]


def test_no_worker_is_left_behind_when_the_scan_is_interrupted(folder: Path) -> None:
    program = command(folder, "def misbehave(): time.sleep(60)")
    with subprocess.Popen(program, stderr=subprocess.DEVNULL, start_new_session=True) as running:
        workers = _wait_for_children(running.pid)
        running.send_signal(signal.SIGINT)
        assert running.wait(timeout=10) != 0
    assert workers
    _assert_gone(workers)


def test_no_worker_outlives_a_parent_that_is_killed(folder: Path) -> None:
    program = command(folder, "def misbehave(): time.sleep(60)")
    with subprocess.Popen(program, stderr=subprocess.DEVNULL, start_new_session=True) as running:
        workers = _wait_for_children(running.pid)
        time.sleep(0.3)  # the walls are built after the worker has begun
        running.kill()
    _assert_gone(workers)


def _assert_gone(workers: list[int]) -> None:
    """None of them runs. What has ended stays listed until whoever inherits it looks, and that may take a moment."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and any(_runs(worker) for worker in workers):
        time.sleep(0.02)
    assert not [worker for worker in workers if _runs(worker)]


def _wait_for_children(process: int) -> list[int]:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        children = [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
        if children:
            return children
        time.sleep(0.02)
    return []


def _runs(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def by_path(places: list[Place]) -> dict[str, FileResult]:
    return {result.path: result for result in scan_in_workers(places, Limits(), 2)}


def test_a_worker_that_is_a_new_program_says_the_same(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    places = walk([folder]).places
    monkeypatch.setattr("touchstone.scan.workers._may_fork", lambda: True)
    forked = by_path(places)
    monkeypatch.setattr("touchstone.scan.workers._may_fork", lambda: False)
    assert by_path(places) == forked
    assert {result.verdict for result in forked.values()} == {"clean"}


def test_a_new_program_imports_nothing_from_the_current_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "json.py").write_text("import os; os._exit(7)")
    (folder / "touchstone.py").write_text("import os; os._exit(7)")
    monkeypatch.chdir(folder)
    monkeypatch.setattr("touchstone.scan.workers._may_fork", lambda: False)
    assert by_path(walk(["a.txt"]).places)["a.txt"].verdict == "clean"


def test_a_file_that_goes_away_is_incomplete(folder: Path) -> None:
    places = walk([folder]).places
    (folder / "a.txt").unlink()
    (folder / "c.txt").unlink()
    os.mkfifo(folder / "c.txt")
    results = by_path(places)
    assert {path: [gap.code for gap in result.gaps] for path, result in results.items()} == {
        "a.txt": ["unopened"],
        "b.txt": [],
        "c.txt": ["unopened"],
    }


def test_a_file_that_became_a_link_is_incomplete(folder: Path) -> None:
    places = walk([folder]).places
    (folder / "a.txt").unlink()
    (folder / "a.txt").symlink_to("b.txt")
    assert [gap.code for gap in by_path(places)["a.txt"].gaps] == ["changed"]


def place(name: str, size: int) -> Place:
    return Place(name, name, size, (0, 0, 0))


def test_large_files_come_first_and_alone_and_small_ones_together() -> None:
    sizes = {"large": 2**30, "medium": 2**23, "half": 2**23} | {f"s{number:04}": 10 for number in range(1000)}
    made = chunks([place(name, size) for name, size in sizes.items()], 2)
    assert [each.shown for each in made[0]] == ["large"]
    assert [each.shown for each in made[1]] == ["half", "medium"]
    assert {len(chunk) for chunk in made[2:-1]} == {125}
    assert sorted(each.shown for chunk in made for each in chunk) == sorted(sizes)
    assert chunks([], 2) == []
