"""Claim: a cold inclusion proof at 1,000,000 entries takes ≤ 5 ms, and its cost grows as log n from 10³ to 10⁶.

Cold: the log is opened anew for every proof, so each reads checkpoint and tiles from files. `evicted` has those files
thrown out of the operating system's cache before. The peer opens its tree anew as well, with a warm cache. With the
path of a Python that has pymerkle (GPL, in no way a dependency) the ratio is measured too:

    python benchmarks/log_proofs.py [PYTHON WITH PYMERKLE]
"""

from __future__ import annotations

import json
import math
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from log_entries import entry, new_log
from record import keep
from touchstone.tlog.log import Log
from touchstone.tlog.tiles import tile_path

SIZES = (1_000, 10_000, 100_000, 1_000_000)
PROOFS = 200
BATCH = 50_000

PEER = """
import hashlib, json, statistics, sys, time
from pymerkle import SqliteTree
path, size, indexes = sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3])
tree = SqliteTree(path)
entry = lambda number: (hashlib.sha256(str(number).encode()).hexdigest() * 8)[:490].encode()
for start in range(tree.get_size(), size, 50000):
    tree.append_entries([entry(n) for n in range(start, min(size, start + 50000))], 50000)
took = []
for index in indexes:
    started = time.perf_counter()
    SqliteTree(path).prove_inclusion(index + 1, size)
    took.append(time.perf_counter() - started)
print(json.dumps(statistics.median(took) * 1000))
"""


def evict(folder: Path, index: int) -> None:
    """Throw what a proof reads out of the cache, as far as it has reached the disk."""
    paths = [tile_path(level, index >> (8 * level + 8)) for level in range(3)]
    for path in ["checkpoint", *paths]:
        if (folder / path).exists():
            with (folder / path).open("rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def cold_proofs(folder: Path, indexes: list[int], *, evicted: bool) -> tuple[float, float, int]:
    """Median and 95th percentile in milliseconds, and the bytes of a receipt."""
    took, size = [], 0
    for index in indexes:
        if evicted:
            evict(folder, index)
        started = time.perf_counter()
        proof = Log.open(folder).prove(index)
        took.append((time.perf_counter() - started) * 1000)
        assert proof.holds(entry(index))
        size = len(proof.to_bytes())
    return statistics.median(took), sorted(took)[int(0.95 * len(took))], size


def main() -> None:
    """Grow one log through all sizes and prove at each."""
    chance = random.Random(20261123)
    python = sys.argv[1] if len(sys.argv) > 1 else None
    measured: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        log = new_log(Path(folder))
        for size in SIZES:
            for start in range(log.checkpoint.size, size, BATCH):
                log.append_many([entry(number) for number in range(start, min(size, start + BATCH))])
            indexes = [chance.randrange(size) for _ in range(PROOFS)]
            median, late, length = cold_proofs(Path(folder) / "log", indexes, evicted=False)
            from_disk, _, _ = cold_proofs(Path(folder) / "log", indexes, evicted=True)
            found = {
                "cold_ms": round(median, 3),
                "cold_ms_p95": round(late, 3),
                "evicted_ms": round(from_disk, 3),
                "ms_per_bit": round(median / math.log2(size), 4),
                "receipt_bytes": length,
            }
            if python is not None:
                command = [python, "-c", PEER, f"{folder}/tree.db", str(size), json.dumps(indexes[:5])]
                other = float(subprocess.run(command, capture_output=True, check=True).stdout)
                found |= {"pymerkle_sqlite_cold_ms": round(other, 3), "ratio": round(other / median, 1)}
            measured[f"{size} entries"] = found
    keep("log_proofs", "a cold proof at 10⁶ entries takes ≤ 5 ms; cost grows as log n", measured)


if __name__ == "__main__":
    main()
