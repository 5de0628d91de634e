"""Claim: pickles are scanned in a fraction of the processor time and memory that picklescan needs.

    .venv/bin/python benchmarks/scan_speed.py --picklescan /path/to/environment/bin/picklescan

Inputs are made in a temporary folder. Both scanners are processes of their own that take turns; what counts is the
processor time (user and system) and the largest resident memory that the operating system reports for them. Ours is
measured three times: `command` is the whole program as a user calls it, with its report and one worker; `library`
scans and hashes in a process of its own; `engine` does not hash, which is all that picklescan does.

The curves show what one more opcode and one more byte cost: `plain` streams consist of literals, of which long runs
are stepped over together, `objects` of class instances, which are followed opcode by opcode, `bytes` of one large
array in a sparse file.
"""

from __future__ import annotations

import argparse
import io
import os
import pickle
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import MultinomialNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from record import keep
from touchstone.scan.budget import Budget, Limits
from touchstone.scan.examination import Examination
from touchstone.scan.source import FileSource

SMALL_FILES = 1_000
TORCH_MAGIC = 0x1950A86A20F9469CFC6C
LIBRARY = """
import sys
from pathlib import Path
from touchstone.scan.file import scan_file
for given in map(Path, sys.argv[1:]):
    for path in sorted(given.iterdir()) if given.is_dir() else [given]:
        assert scan_file(path, path.name).verdict == "clean", path
"""
LAUNCHER = """
import os, sys
child = os.fork()
if child == 0:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    os.execvp(sys.argv[1], sys.argv[1:])
_, _, usage = os.wait4(child, 0)
print(usage.ru_utime + usage.ru_stime, usage.ru_maxrss)
"""
ENGINE = """
import sys
from pathlib import Path
from touchstone.scan.budget import Budget, Limits
from touchstone.scan.examination import Examination
from touchstone.scan.source import FileSource
for given in map(Path, sys.argv[1:]):
    for path in sorted(given.iterdir()) if given.is_dir() else [given]:
        with path.open("rb") as file:
            size = path.stat().st_size
            examination = Examination(path.name, Budget(Limits(), size))
            examination.run(FileSource(file.fileno(), size))
            assert not examination.collected.gaps, path
"""


# ---- inputs


def small_pickles(folder: Path) -> None:
    """Estimators as people keep them, fitted on small data."""
    generator = np.random.default_rng(0)
    words = [f"word{index}" for index in range(400)]
    for index in range(SMALL_FILES):
        rows, labels = generator.normal(size=(80, 8)), generator.integers(0, 2, 80)
        texts = [" ".join(generator.choice(words, 30)) for _ in range(80)]
        model = (
            LogisticRegression(),
            RandomForestClassifier(n_estimators=10, max_depth=4),
            make_pipeline(StandardScaler(), SVC()),
            make_pipeline(TfidfVectorizer(), MultinomialNB()),
            KNeighborsClassifier(),
            GradientBoostingClassifier(n_estimators=8),
        )[index % 6]
        model.fit(texts if index % 6 == 3 else rows, labels)
        (folder / f"{index:04}.pkl").write_bytes(pickle.dumps(model, 4 + index % 2))


def vocabulary(path: Path) -> None:
    """Six million opcodes."""
    path.write_bytes(pickle.dumps({f"token_{index:x}": index for index in range(2_000_000)}, 4))


def integer_lists(path: Path) -> None:
    """Four million opcodes."""
    path.write_bytes(pickle.dumps([list(range(1_000)) for _ in range(4_000)], 4))


def records(path: Path) -> None:
    """Four million opcodes in small dictionaries that share their keys."""
    rows = [{"id": i, "name": f"name {i}", "score": i / 7, "tags": ["a", "b"]} for i in range(300_000)]
    path.write_bytes(pickle.dumps(rows, 4))


def numpy_arrays(path: Path, mebibytes: int) -> None:
    """A dictionary of arrays."""
    each = mebibytes * 2**20 // 8 // 4
    with path.open("wb") as file:
        pickle.dump({f"layer {index}": np.ones(each) for index in range(4)}, file, 4)


def joblib_arrays(path: Path, mebibytes: int) -> None:
    """The same as joblib writes it, raw arrays between the opcodes."""
    each = mebibytes * 2**20 // 8 // 4
    joblib.dump({f"layer {index}": np.ones(each) for index in range(4)}, path)


def torch_legacy(path: Path, mebibytes: int) -> None:
    """PyTorch's format before zip archives, written by hand: five streams, then the storage."""
    elements = mebibytes * 2**20 // 4
    number = b"J" + elements.to_bytes(4, "little")
    storage = b"(X\7\0\0\0storagectorch\nFloatStorage\nX\1\0\0\x000X\3\0\0\0cpu" + number + b"NtQ"
    tensor = (
        b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + b"K\0" + number + b"\x85K\1\x85\x89"
        b"ccollections\nOrderedDict\n)RtR"
    )  # fmt: skip
    with path.open("wb") as file:
        for value in (TORCH_MAGIC, 1001, {"protocol_version": 1001, "little_endian": True}):
            pickle.dump(value, file, 2)
        file.write(b"\x80\x02}X\6\0\0\0weight" + tensor + b"s.")
        pickle.dump(["0"], file, 2)
        file.write(struct.pack("<q", elements))
        for _ in range(mebibytes):
            file.write(np.ones(2**18, "f4").tobytes())


# ---- comparison


@dataclass(frozen=True)
class Cost:
    """What one process took."""

    seconds: float
    mebibytes: float


def run(command: list[str]) -> Cost:
    """Run it to its end, whatever it answers. A small process starts it, for memory counts from before the start."""
    answer = subprocess.run([sys.executable, "-S", "-c", LAUNCHER, *command], capture_output=True, check=True)
    seconds, kibibytes = answer.stdout.split()
    return Cost(float(seconds), int(kibibytes) / 1024)


def compared(commands: dict[str, list[str]], rounds: int) -> dict[str, Any]:
    """Medians over rounds in which all take turns, and ratios to picklescan."""
    costs: dict[str, list[Cost]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            costs[name].append(run(command))
    seconds = {name: statistics.median(cost.seconds for cost in all_) for name, all_ in costs.items()}
    memory = {name: max(cost.mebibytes for cost in all_) for name, all_ in costs.items()}
    return {
        "cpu_seconds": {name: round(value, 3) for name, value in seconds.items()},
        "cpu_seconds_range": {
            name: [round(min(c.seconds for c in all_), 3), round(max(c.seconds for c in all_), 3)]
            for name, all_ in costs.items()
        },
        "ratio_to_picklescan": {
            name: round(value / seconds["picklescan"], 3) for name, value in seconds.items() if name != "picklescan"
        },
        "peak_mib": {name: round(value) for name, value in memory.items()},
    }


def inputs(folder: Path, mebibytes: int) -> Iterator[tuple[str, Path]]:
    """Each input, made when it is its turn and removed behind it."""
    small = folder / "small"
    small.mkdir()
    small_pickles(small)
    yield f"{SMALL_FILES} small pickles", small
    made: dict[str, Callable[[Path], None]] = {
        "vocabulary of 2,000,000 words": vocabulary,
        "4,000,000 integers in lists": integer_lists,
        "300,000 records": records,
        f"pickle of arrays, {mebibytes} MiB": lambda path: numpy_arrays(path, mebibytes),
        f"joblib of arrays, {mebibytes} MiB": lambda path: joblib_arrays(path, mebibytes),
        f"PyTorch before zip, {mebibytes} MiB": lambda path: torch_legacy(path, mebibytes),
    }
    for name, make in made.items():
        path = folder / "input.pkl"
        make(path)
        yield name, path
        path.unlink()


# ---- curves


def engine_seconds(path: Path, repeat: int = 3) -> float:
    """Processor time of the engine alone, the best of a few."""
    best = float("inf")
    for _ in range(repeat):
        with path.open("rb") as file:
            size = path.stat().st_size
            examination = Examination(path.name, Budget(Limits(), size))
            started = time.process_time()
            examination.run(FileSource(file.fileno(), size))
            best = min(best, time.process_time() - started)
            assert not examination.collected.gaps
    return best


def opcode_curve(folder: Path) -> dict[str, dict[str, float]]:
    """Seconds by the number of opcodes."""
    plain = {f"10^{power}": {f"t{index}": index for index in range(10**power // 3)} for power in range(3, 8)}
    curves: dict[str, dict[str, float]] = {"plain": {}, "objects": {}}
    path = folder / "curve.pkl"
    for name, value in plain.items():
        path.write_bytes(pickle.dumps(value, 4))
        curves["plain"][name] = round(engine_seconds(path), 5)
    for power in range(3, 8):
        head = b"\x80\x04\x8c\x0bcollections\x8c\x0bOrderedDict\x93\x94]\x94"
        batch = b"(" + b"h\x00)R(\x8c\x01aK\x01u" * 140 + b"e"
        path.write_bytes(head + batch * (10**power // 982) + b".")
        curves["objects"][f"10^{power}"] = round(engine_seconds(path), 5)
    return curves


def byte_curve(folder: Path) -> dict[str, float]:
    """Seconds by the size of one array of bytes, in a file that takes no room on the disk."""
    curve = {}
    for mebibytes in (1, 4, 16, 64, 256, 1_024, 4_096):
        path = folder / "sparse.pkl"
        length = mebibytes * 2**20
        with path.open("wb") as file:
            file.write(b"\x80\x04\x8e" + length.to_bytes(8, "little"))
            file.seek(length, io.SEEK_CUR)
            file.write(b".")
        curve[f"{mebibytes} MiB"] = round(engine_seconds(path), 5)
        path.unlink()
    return curve


def main() -> None:
    """Make the inputs, let all take turns, keep the result."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--picklescan", default=os.environ.get("PICKLESCAN", "picklescan"), help="its program")
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--mebibytes", type=int, default=512, help="size of the large inputs")
    given = options.parse_args()
    measured: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for title, path in inputs(folder, given.mebibytes):
            commands = {
                "picklescan": [given.picklescan, "-p", str(path)],
                "command": [sys.executable, "-m", "touchstone", "scan", "--jobs", "1", str(path)],
                "library": [sys.executable, "-c", LIBRARY, str(path)],
                "engine": [sys.executable, "-c", ENGINE, str(path)],
            }
            measured[title] = compared(commands, given.rounds)
            print(title, measured[title]["ratio_to_picklescan"], measured[title]["peak_mib"], flush=True)
        measured["seconds by opcodes"] = opcode_curve(folder)
        measured["seconds by bytes"] = byte_curve(folder)
    python = str(Path(given.picklescan).with_name("python"))
    ask = "from importlib.metadata import version; print(version('picklescan'))"
    measured["picklescan"] = subprocess.run(
        [python, "-c", ask], capture_output=True, text=True, check=True
    ).stdout.strip()
    keep("scan_speed", "pickles cost a fraction of picklescan's processor time and memory", measured)


if __name__ == "__main__":
    main()
