"""Is every changed byte noticed? Flips bytes all over an output folder and asks `touchstone verify`.

    python benchmarks/tamper.py OUT --key lab.key.pub --log-key log.key.pub

Each flip changes one random byte at a random place of a copy: bundle, statements, receipts, checkpoint. A flip is
`refused` when verification fails, and `named` when a failed step names the very file. Prints JSON; exits with 1
unless all are both. Reports are left out: no signature covers them, and `verify` says so.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from touchstone.errors import EvidenceError
from touchstone.evidence.verify import verify
from touchstone.signatures.keys import LogVerifyingKey, VerifyingKey, load_log_public_key, load_public_key


def main() -> int:
    """Parse the command line, flip, count, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("out", type=Path, help="output folder of `touchstone assess`")
    parser.add_argument("--key", type=Path, required=True, help="public key of the tester")
    parser.add_argument("--log-key", type=Path, required=True, help="public key of the log")
    parser.add_argument("--flips", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    key, log_key = load_public_key(options.key), load_log_public_key(options.log_key)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(shutil.copytree(options.out, Path(folder) / "out"))
        found = flip(copy, key, log_key, options.flips, random.Random(options.seed))
    print(json.dumps(found, indent=2))
    return 0 if found["tried"] == found["refused"] == found["named"] else 1


def flip(
    out: Path, key: VerifyingKey, log_key: LogVerifyingKey, flips: int, choice: random.Random
) -> dict[str, int | list[str]]:
    """Flip one byte at a time, put it back, and count what verification made of it."""
    at = datetime.now(UTC)
    before = verify(out, key=key, log_key=log_key, at=at)
    if not before.ok:
        raise SystemExit(f"{out} does not verify before anything is changed")
    files = [file for file in sorted(out.rglob("*")) if file.is_file() and file.stat().st_size]
    covered = [file for file in files if file.relative_to(out).as_posix() not in before.uncovered]
    refused = named = 0
    missed = []
    for turn in range(flips):
        file = covered[turn % len(covered)] if turn < len(covered) else choice.choice(covered)
        name = file.relative_to(out).as_posix()
        original = file.read_bytes()
        position = choice.randrange(len(original))
        changed = bytearray(original)
        changed[position] ^= choice.randrange(1, 256)
        file.write_bytes(changed)
        blamed = blame(out, key, log_key, at)
        file.write_bytes(original)
        refused += blamed is not None
        if blamed is not None and any(name in wrong for wrong in blamed):
            named += 1
        else:
            missed.append(f"{name}:{position}")
    return {"tried": flips, "refused": refused, "named": named, "files": len(covered), "missed": missed}


def blame(out: Path, key: VerifyingKey, log_key: LogVerifyingKey, at: datetime) -> list[str] | None:
    """Files named by the failed steps, or `None` when the change went unnoticed."""
    try:
        verification = verify(out, key=key, log_key=log_key, at=at)
    except EvidenceError as error:
        return [error.where or ""]
    if verification.ok:
        return None
    return [step.file or "" for step in verification.steps if step.status == "failed"]


if __name__ == "__main__":
    sys.exit(main())
