"""Claim: `kill -9` at any moment loses nothing: resuming gives the findings of an undisturbed run.

Kills the whole process tree of an assessment's parent at 20 moments, random over the length of an undisturbed run,
resumes, and compares the reproducible digest of the evidence and the assessment byte for byte.
"""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from record import keep
from touchstone.evidence.bundle import Bundle

SYSTEM = Path(__file__).parents[1] / "examples" / "healthcare"
KILLS = 20


def command(output: Path, *more: str) -> list[str]:
    """An assessment of the example, signed and logged."""
    laboratory = output.parent / "laboratory"
    return [
        *[sys.executable, "-m", "touchstone", "assess", str(SYSTEM), "--output", str(output), "--jobs", "2"],
        *["--key", str(laboratory / "key.pem")],
        *["--log", str(laboratory / "log"), "--log-key", str(laboratory / "log-key.pem"), *more],
    ]


def result_of(output: Path) -> tuple[str, bytes]:
    """What must be equal after every resume."""
    return Bundle.open(output / "evidence").manifest.reproducible, (output / "assessment.json").read_bytes()


def touchstone(*arguments: str, expect: tuple[int, ...] = (0,)) -> None:
    """Run a command to its end."""
    finished = subprocess.run([sys.executable, "-m", "touchstone", *arguments], check=False, stdout=subprocess.DEVNULL)
    assert finished.returncode in expect, (arguments, finished.returncode)


def main() -> None:
    """Kill, resume, compare."""
    chance = random.Random(20261123)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        key, log_key, log = (root / "laboratory" / name for name in ("key.pem", "log-key.pem", "log"))
        touchstone("keys", "generate", str(key), "--without-passphrase")
        touchstone("keys", "generate", str(log_key), "--for", "log", "--without-passphrase")
        touchstone("log", "create", str(log), "--origin", "kill-test.example", "--key", str(log_key))
        started = time.perf_counter()
        subprocess.run(command(root / "undisturbed"), check=False, stdout=subprocess.DEVNULL)
        length = time.perf_counter() - started
        expected = result_of(root / "undisturbed")
        same, moments = 0, []
        for number in range(KILLS):
            output = root / f"killed-{number}"
            moment = chance.uniform(0.05, 1.0) * length
            process = subprocess.Popen(command(output), stdout=subprocess.DEVNULL)
            time.sleep(moment)
            process.send_signal(signal.SIGKILL)
            process.wait()
            subprocess.run(command(output, "--resume"), check=False, stdout=subprocess.DEVNULL)
            touchstone("verify", str(output), "--key", f"{key}.pub", "--log-key", f"{log_key}.pub")
            same += result_of(output) == expected
            moments.append(round(moment / length, 2))
        keep(
            "kill",
            "after `kill -9` at 20 random moments every resume ends with the evidence of an undisturbed run",
            {"kills": KILLS, "equal": same, "moments_as_share_of_the_run": sorted(moments)},
        )
        assert same == KILLS


if __name__ == "__main__":
    main()
