"""Claim: no bytes make the scanner crash, hang or fill memory: 10^5 byte flips, two hours of coverage-guided fuzzing.

    python benchmarks/scan_fuzz.py SEEDS… --flips 100000 --minutes 120

SEEDS are folders of real and hostile model files (see `scan_corpus/`). Flips change one to four bytes of a seed.
Fuzzing is atheris (libFuzzer) over the instrumented scanner in a process of its own, and is left out where atheris is
not installed. A reader that raises is counted as a crash, although the scan survives it: the file would only be
incomplete. Every failure is kept as a file under `--keep` and named in the result.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import random
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from record import keep
from touchstone.scan.budget import Limits
from touchstone.scan.file import scan_bytes

LARGEST_SEED = 64 * 1024
LIMITS = Limits(seconds=10)
SLOW_SECONDS = 5.0
MEMORY_MIB = 256


def seeds(folders: list[Path]) -> list[tuple[str, bytes]]:
    """Every file of at most `LARGEST_SEED` bytes, by name."""
    found = {path: path.stat().st_size for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()}
    return [(path.name, path.read_bytes()) for path, size in found.items() if 0 < size <= LARGEST_SEED]


def flipped(found: list[tuple[str, bytes]], count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """Seeds with one to four bytes changed."""
    chance = random.Random(seed)
    for _ in range(count):
        name, data = chance.choice(found)
        changed = bytearray(data)
        for _ in range(chance.randint(1, 4)):
            changed[chance.randrange(len(changed))] = chance.randrange(256)
        yield name, bytes(changed)


def failure(data: bytes, name: str) -> str | None:
    """What went wrong when these bytes were scanned; `None` when nothing did."""
    started = time.process_time()
    try:
        result = scan_bytes(data, name, LIMITS)
    except Exception as fault:
        return f"raised {type(fault).__name__}: {fault}"
    if time.process_time() - started > SLOW_SECONDS:
        return f"took {time.process_time() - started:.1f} s"
    broken = [gap for gap in result.gaps if gap.code == "reader"]
    return f"{broken[0].where}: {broken[0].why.en}" if broken else None


def flip(found: list[tuple[str, bytes]], count: int, seed: int, kept: Path) -> dict[str, Any]:
    """Scan `count` changed seeds."""
    failures: dict[str, str] = {}
    started = time.process_time()
    slowest = 0.0
    for name, data in flipped(found, count, seed):
        before = time.process_time()
        wrong = failure(data, name)
        slowest = max(slowest, time.process_time() - before)
        if wrong is not None:
            case = hashlib.sha256(data).hexdigest()[:16]
            (kept / f"{case}-{name}").write_bytes(data)
            failures[f"{case}-{name}"] = wrong
    return {
        "seeds": len(found),
        "flips": count,
        "failures": failures,
        "slowest_seconds": round(slowest, 2),
        "cpu_seconds": round(time.process_time() - started),
        "peak_memory_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def fuzz(found: list[tuple[str, bytes]], minutes: float, kept: Path) -> dict[str, Any]:
    """Run the fuzzer in a process of its own, again after each crash, until the time is up."""
    if importlib.util.find_spec("atheris") is None:
        return {"skipped": "atheris is not installed"}
    executed = 0
    crashes: list[str] = []
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as corpus:
        for index, (name, data) in enumerate(found):
            (Path(corpus) / f"{index}-{name}"[:200]).write_bytes(data)
        while (left := minutes * 60 - (time.monotonic() - started)) > 5:
            command = [
                *(sys.executable, __file__, "--fuzz-here", corpus),
                *(f"-max_total_time={int(left)}", f"-max_len={LARGEST_SEED}", "-timeout=10"),
                *(f"-rss_limit_mb={2 * MEMORY_MIB}", "-print_final_stats=1", f"-artifact_prefix={kept}/"),
            ]
            ended = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
            executed += sum(map(int, re.findall(r"number_of_executed_units: (\d+)", ended.stderr)))
            if ended.returncode == 0:
                break
            crashes.append(ended.stderr[-2000:])
            if len(crashes) > 20:
                break
    return {
        "minutes": round((time.monotonic() - started) / 60, 1),
        "executions": executed,
        "crashes": crashes,
    }


def fuzz_here() -> None:
    """The fuzzed process: instrument the scanner, then feed it until libFuzzer ends."""
    import atheris

    with atheris.instrument_imports(include=["touchstone.scan"]):
        from touchstone.scan.formats import READERS, reader_of

        for kind in READERS:
            reader_of(kind)

    def one(data: bytes) -> None:
        wrong = failure(data, "fuzzed")
        if wrong is not None:
            raise RuntimeError(wrong)

    atheris.Setup([sys.argv[0], *sys.argv[2:]], one)
    atheris.Fuzz()


def main() -> None:
    """Measure and keep."""
    if sys.argv[1:2] == ["--fuzz-here"]:
        return fuzz_here()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--flips", type=int, default=100_000)
    parser.add_argument("--minutes", type=float, default=120)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, default=Path(tempfile.gettempdir()) / "scan-fuzz")
    options = parser.parse_args()
    options.keep.mkdir(parents=True, exist_ok=True)
    found = seeds(options.folders)
    with ThreadPoolExecutor(1) as beside:  # the fuzzer is a process of its own
        fuzzing = beside.submit(fuzz, found, options.minutes, options.keep) if options.minutes else None
        flips = flip(found, options.flips, options.seed, options.keep)
        fuzzed = {"skipped": "not asked for"} if fuzzing is None else fuzzing.result()
    return keep(
        "scan_fuzz",
        "no crash, hang or unbounded memory in 10^5 byte flips and 2 h of fuzzing; memory <= 256 MiB",
        {"flips": flips, "fuzzing": fuzzed},
    )


if __name__ == "__main__":
    main()
