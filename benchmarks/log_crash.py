"""Claim: `kill -9` at 50 random moments of batched appends loses no acknowledged entry and never forks the log.

A child appends batches of random length as fast as it can and notes every checkpoint once its append has returned.
After each kill the log is opened and appended to; it must then hold all that was acknowledged, replay to its root,
and extend every checkpoint ever published, which a witness that saw them all confirms.
"""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from log_entries import ORIGIN, new_log
from record import keep
from touchstone.signatures.keys import generate_log_key, load_log_signing_key
from touchstone.tlog.checkpoint import Checkpoint
from touchstone.tlog.log import Log
from touchstone.tlog.note import VerifierKey
from touchstone.tlog.witness import Submission, Witness

KILLS = 50

CHILD = """
import random, sys
from pathlib import Path
from touchstone.signatures.keys import load_log_signing_key
from touchstone.tlog.log import Log
folder, seed = Path(sys.argv[1]), int(sys.argv[2])
chance = random.Random(seed)
log = Log.open(folder / "log", load_log_signing_key(folder / "key", None))
with (folder / "acknowledged").open("a") as file:
    print("ready", flush=True)
    for turn in range(10**9):
        count = chance.choice((1, 3, 100, 255, 256, 1000))
        log.append_many([b"%d %d %d " % (seed, turn, each) * 20 for each in range(count)])
        file.write(f"{log.checkpoint.size} {log.checkpoint.root.hex()}\\n")
        file.flush()
"""


def main() -> None:
    """Kill, open, compare."""
    chance = random.Random(20261123)
    lost = inconsistent = 0
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:
        folder = Path(name)
        log = new_log(folder)
        key = load_log_signing_key(folder / "key", None)
        generate_log_key(folder / "witness", None)
        log_key = VerifierKey.of(ORIGIN, key.public)
        own = load_log_signing_key(folder / "witness", None)
        witness = Witness("witness.example.net", own, [log_key], folder / "state")
        moments = []
        for number in range(KILLS):
            command = [sys.executable, "-c", CHILD, str(folder), str(number)]
            with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
                assert process.stdout is not None
                process.stdout.readline()
                moments.append(chance.uniform(0.0, 0.5))
                time.sleep(moments[-1])
                process.send_signal(signal.SIGKILL)
            log = Log.open(folder / "log", key)
            log.append(b"after kill %d" % number)
            acknowledged = [line.split() for line in (folder / "acknowledged").read_text().splitlines()]
            earlier = [Checkpoint(ORIGIN, int(size), bytes.fromhex(root)) for size, root in acknowledged]
            lost += sum(1 for _ in log.entries()) != log.checkpoint.size
            lost += any(checkpoint.size > log.checkpoint.size for checkpoint in earlier)
            inconsistent += not all(log.extends(checkpoint) for checkpoint in earlier[-200:])
            seen = witness.seen(ORIGIN)
            proof = tuple(log.prove_consistency(seen, log.checkpoint.size)) if seen else ()
            body = Submission(seen, proof, log.note, log.checkpoint).to_bytes()
            inconsistent += witness.add_checkpoint(body, int(time.time())).status != 200
        inconsistent += not all(log.extends(checkpoint) for checkpoint in earlier)
        measured = {
            "kills": KILLS,
            "acknowledged_appends": len(earlier),
            "entries": log.checkpoint.size,
            "lost": lost,
            "inconsistent": inconsistent,
        }
    keep("log_crash", "`kill -9` at 50 random moments: nothing acknowledged is lost, every checkpoint holds", measured)
    assert lost == inconsistent == 0


if __name__ == "__main__":
    main()
