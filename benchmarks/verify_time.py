"""Claim: verifying the evidence of a demonstration takes at most half a second, start-up included.

Assesses an example once, signed and logged, then takes turns: `touchstone verify`, the single-file verifier, and
`python -c pass`. Median of ten.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from record import keep
from turns import timed_in_turns

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
            "bare_python": [sys.executable, "-c", "pass"],
            "touchstone_verify": [sys.executable, "-m", "touchstone", "verify", output, *trusted],
            "single_file": [sys.executable, str(ROOT / "tools" / "touchstone-verify.py"), output, *trusted],
        }
        measured = timed_in_turns(commands, ROUNDS, "bare_python")
    keep("verify_time", "verification of a demonstration's evidence ≤ 0.5 s including start-up", measured)


if __name__ == "__main__":
    main()
