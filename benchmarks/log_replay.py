"""Claim: anyone replays a whole log at ≥ 150,000 entries a second: every entry hashed, every tile compared.

    python benchmarks/log_replay.py [PYTHON WITH PYMERKLE]

The peer hashes the same entries into its tree in memory, in the same run: it has no replay.
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
from touchstone.tlog.log import Log

SIZE = 300_000
ROUNDS = 5

PEER = """
import hashlib, json, time
from pymerkle import InmemoryTree
data = [(hashlib.sha256(str(n).encode()).hexdigest() * 8)[:490].encode() for n in range(50000)]
tree = InmemoryTree()
started = time.perf_counter()
for each in data:
    tree.append_entry(each)
tree.get_state()
print(json.dumps(50000 / (time.perf_counter() - started)))
"""


def main() -> None:
    """Replay in turns with the peer."""
    python = sys.argv[1] if len(sys.argv) > 1 else None
    own, other = [], []
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        log, data = new_log(Path(folder)), entries(SIZE)
        for start in range(0, SIZE, 50_000):
            log.append_many(data[start : start + 50_000])
        for _ in range(ROUNDS):
            started = time.perf_counter()
            assert sum(1 for _ in Log.open(Path(folder) / "log").entries()) == SIZE
            own.append(SIZE / (time.perf_counter() - started))
            if python is not None:
                finished = subprocess.run([python, "-c", PEER], capture_output=True, check=True)
                other.append(float(json.loads(finished.stdout)))
    measured = {"entries": SIZE, "replayed_per_second": round(statistics.median(own)), "best": round(max(own))}
    if other:
        measured |= {
            "pymerkle_hashed_per_second": round(statistics.median(other)),
            "ratio": round(statistics.median(own) / statistics.median(other), 1),
        }
    keep("log_replay", "full replay: ≥ 150,000 entries/s", measured)


if __name__ == "__main__":
    main()
