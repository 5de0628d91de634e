"""Claim: signing a model costs little more than reading it, and many small files no more than need be.

    python benchmarks/model_signing.py [--other /path/to/model_signing]

One file of 1 GiB: `sign_model` against `hashlib.sha256` over the same file. Ten thousand files of 2 KiB: the commands
`touchstone model sign` and `model_signing sign key`, and the same without the start of the interpreter. Medians of five
rounds taken in turns; ratios are what counts. `model_signing` is found through PATH when not given.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from record import keep
from touchstone.signatures.keys import generate, load_signing_key
from touchstone.system.model_signing import sign_model

ROUNDS = 5
GIBIBYTE = 2**30
FILES = 10_000
CHUNK = 2**20
INSIDE = """
import pathlib, sys, time
from model_signing import signing
model, key, signature, rounds = sys.argv[1:]
for _ in range(int(rounds)):
    started = time.perf_counter()
    signing.Config().use_elliptic_key_signer(private_key=pathlib.Path(key)).sign(model, signature)
    print(time.perf_counter() - started)
"""


def main() -> None:
    """Make the models, measure in turns, keep the result."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--other", default=shutil.which("model_signing"), help="the model_signing program")
    other = parser.parse_args().other
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        generate(folder / "key", None)
        measured = {"one_file_of_1_gib": large(folder)}
        measured["files_of_2_kib"] = small(folder, other)
    keep(
        "model_signing",
        "hash and sign 1 GiB ≤ 1.15 × plain SHA-256; 10 000 small files ≥ 4 × faster than model_signing",
        measured,
    )


def large(folder: Path) -> dict[str, Any]:
    """Signing one large file against nothing but hashing it."""
    file = folder / "large.bin"
    block = os.urandom(CHUNK)
    with file.open("wb") as stream:
        for _ in range(GIBIBYTE // CHUNK):
            stream.write(block)
    key = load_signing_key(folder / "key", None)
    seconds = in_turns({"sha256": lambda: plain(file), "sign": lambda: sign_model(file, key, ())})
    file.unlink()
    return {"seconds": seconds, "sign_to_sha256": round(seconds["sign"] / seconds["sha256"], 3)}


def small(folder: Path, other: str | None) -> dict[str, Any]:
    """Signing many small files, with the whole command and within a running process."""
    model = folder / "model"
    for number in range(FILES):
        file = model / f"{number // 100:03}" / f"{number:05}.bin"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(os.urandom(2048))
    key = load_signing_key(folder / "key", None)
    ours = [sys.executable, "-m", "touchstone", "model", "sign", model, "--key", folder / "key", "--signature"]
    actions: dict[str, Callable[[], object]] = {
        "inside": lambda: sign_model(model, key, ()),
        "command": lambda: command([*ours, folder / "ours.sig"]),
    }
    if other is None:
        return {"files": FILES, "seconds": in_turns(actions), "model_signing": "not installed"}
    theirs = [other, "sign", "key", model, "--private_key", folder / "key", "--signature", folder / "theirs.sig"]
    actions["model_signing_command"] = lambda: command(theirs)
    seconds = in_turns(actions)
    inside = subprocess.run(
        [Path(other).parent / "python", "-c", INSIDE, model, folder / "key", folder / "theirs.sig", str(ROUNDS)],
        capture_output=True,
        text=True,
        check=True,
    )
    seconds["model_signing_inside"] = round(statistics.median(map(float, inside.stdout.split())), 4)
    return {
        "files": FILES,
        "seconds": seconds,
        "command_times_faster": round(seconds["model_signing_command"] / seconds["command"], 2),
        "inside_times_faster": round(seconds["model_signing_inside"] / seconds["inside"], 2),
    }


def in_turns(actions: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Median seconds of each action; all are done once before anything counts."""
    times: dict[str, list[float]] = {name: [] for name in actions}
    for turn in range(ROUNDS + 1):
        for name, action in actions.items():
            started = time.perf_counter()
            action()
            if turn:
                times[name].append(time.perf_counter() - started)
    return {name: round(statistics.median(values), 4) for name, values in times.items()}


def plain(file: Path) -> None:
    """SHA-256 of a file the fastest way the standard library has."""
    hasher = hashlib.sha256()
    buffer = memoryview(bytearray(CHUNK))
    with file.open("rb", buffering=0) as stream:
        while count := stream.readinto(buffer):
            hasher.update(buffer[:count])
    hasher.hexdigest()


def command(words: list[Any]) -> None:
    """Run a program that writes a signature, from its first byte to its last."""
    Path(words[-1]).unlink(missing_ok=True)
    subprocess.run([str(word) for word in words], check=True, capture_output=True)


if __name__ == "__main__":
    main()
