"""Claim: two runs of the same inputs give bundles that are equal except for what is declared volatile.

Assesses each example twice, with one job and with two, and compares every file of the two bundles.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from record import keep
from touchstone.evidence.bundle import Bundle
from touchstone.evidence.image import Manifest

EXAMPLES = Path(__file__).parents[1] / "examples"
SYSTEMS = ("healthcare", "smart-city", "manufacturing")


def assess(system: Path, output: Path, jobs: int) -> Manifest:
    """Run once; the evidence manifest."""
    subprocess.run(
        [sys.executable, "-m", "touchstone", "assess", system, "--output", output, "--jobs", str(jobs)],
        check=False,
        stdout=subprocess.DEVNULL,
    )
    return Bundle.open(output / "evidence").manifest


def main() -> None:
    """Compare manifests: an entry names its content by digest."""
    measured = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in SYSTEMS:
            first = assess(EXAMPLES / name, Path(folder) / f"{name}-1", 1)
            second = assess(EXAMPLES / name, Path(folder) / f"{name}-2", 2)
            entries = [[entry for entry in manifest.layers if not entry.volatile] for manifest in (first, second)]
            measured[name] = {
                "entries": len(entries[0]),
                "volatile": len(first.layers) - len(entries[0]),
                "equal": entries[0] == entries[1] and first.reproducible == second.reproducible,
            }
    keep("repeat", "two runs differ only in declared times", measured)
    assert all(result["equal"] for result in measured.values())


if __name__ == "__main__":
    main()
