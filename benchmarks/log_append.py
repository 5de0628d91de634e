"""Claim: the log makes ≥ 10,000 entries a second durable in batches, and ≥ 50 a second one by one.

Every append returns only when entries, tiles and a signed, published checkpoint are on the disk. The peer appends the
same entries in the same run, in turns:

    python benchmarks/log_append.py [PYTHON WITH PYMERKLE]

pymerkle (GPL) is asked in a Python of its own; nothing here depends on it.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from log_entries import entries, new_log
from record import keep

BATCHES = {1: 150, 100: 5_000, 1_000: 40_000, 10_000: 40_000}
ROUNDS = 3

PEER = """
import json, sys, time
from pymerkle import SqliteTree
path, batch, total = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
data = [line.encode() for line in sys.stdin.read().split("\\n")][:total]
tree = SqliteTree(path)
started = time.perf_counter()
for start in range(0, total, batch):
    if batch == 1:
        tree.append_entry(data[start])
    else:
        tree.append_entries(data[start:start + batch], batch)
print(json.dumps(total / (time.perf_counter() - started)))
"""


def ours(batch: int, total: int) -> float:
    """Entries a second."""
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        log, data = new_log(Path(folder)), entries(total)
        started = time.perf_counter()
        for start in range(0, total, batch):
            log.append_many(data[start : start + batch])
        return total / (time.perf_counter() - started)


def peer(python: str, batch: int, total: int) -> float:
    """The same of pymerkle's SQLite tree."""
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        given = b"\n".join(entries(total)).decode()
        command = [python, "-c", PEER, f"{folder}/tree.db", str(batch), str(total)]
        finished = subprocess.run(command, input=given, capture_output=True, text=True, check=True)
        return float(json.loads(finished.stdout))


def main() -> None:
    """Measure in turns, keep medians and ratios."""
    python = sys.argv[1] if len(sys.argv) > 1 else None
    measured: dict[str, dict[str, float]] = {}
    for batch, total in BATCHES.items():
        own, other = [], []
        for _ in range(ROUNDS):
            own.append(ours(batch, total))
            if python is not None:
                other.append(peer(python, batch, total))
        found = {"touchstone_per_second": round(statistics.median(own), 1)}
        if other:
            found["pymerkle_sqlite_per_second"] = round(statistics.median(other), 1)
            found["ratio"] = round(statistics.median(own) / statistics.median(other), 2)
        measured[f"batch of {batch}"] = found
    keep("log_append", "durable appends: ≥ 10,000/s in batches, ≥ 50/s one by one", measured)


if __name__ == "__main__":
    main()
