"""Claim: verifying the evidence of a demonstration takes at most half a second, start-up included.

Assesses an example once, signed and logged, then takes turns: `touchstone verify`, the single-file verifier, and
`python -c pass`. Median of ten.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from record import keep

ROOT = Path(__file__).parents[1]
ROUNDS = 10


def touchstone(*arguments: str) -> None:
    """Run a command of ours, whatever its verdict."""
    subprocess.run([sys.executable, "-m", "touchstone", *arguments], check=False, stdout=subprocess.DEVNULL)


def main() -> None:
    """Measure in turns, so that a slow moment hits all alike."""
    with tempfile.TemporaryDirectory() as folder:
        key, log_key, log, output = (f"{folder}/{name}" for name in ("key", "log-key", "log", "out"))
        touchstone("keys", "generate", key, "--without-passphrase")
        touchstone("keys", "generate", log_key, "--for", "log", "--without-passphrase")
        touchstone("log", "create", log, "--origin", "benchmark.example", "--key", log_key)
        system = str(ROOT / "examples" / "smart-city")
        touchstone("assess", system, "--output", output, "--key", key, "--log", log, "--log-key", log_key)
        trusted = ["--key", f"{key}.pub", "--log-key", f"{log_key}.pub"]
        commands = {
            "python": [sys.executable, "-c", "pass"],
            "touchstone_verify": [sys.executable, "-m", "touchstone", "verify", output, *trusted],
            "single_file": [sys.executable, str(ROOT / "tools" / "touchstone-verify.py"), output, *trusted],
        }
        times: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(ROUNDS):
            for name, command in commands.items():
                started = time.perf_counter()
                subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
                times[name].append(time.perf_counter() - started)
    median = {name: statistics.median(values) for name, values in times.items()}
    keep(
        "verify_time",
        "verification of a demonstration's evidence ≤ 0.5 s including start-up",
        {
            "seconds": {name: round(value, 3) for name, value in median.items()},
            "ratio_to_bare_python": {name: round(value / median["python"], 1) for name, value in median.items()},
        },
    )


if __name__ == "__main__":
    main()
