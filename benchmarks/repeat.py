"""Claim: two runs of the same inputs give bundles that are equal except for what is declared volatile.

Assesses each example twice, with one job and with two, and compares every file of the two bundles.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from record import keep

EXAMPLES = Path(__file__).parents[1] / "examples"
SYSTEMS = ("healthcare", "smart-city", "manufacturing")


def assess(system: Path, output: Path, jobs: int) -> dict[str, object]:
    """Run once; the manifest."""
    subprocess.run(
        [sys.executable, "-m", "touchstone", "assess", system, "--output", output, "--jobs", str(jobs)],
        check=False,
        stdout=subprocess.DEVNULL,
    )
    manifest: dict[str, object] = json.loads((output / "evidence" / "manifest.json").read_bytes())
    return manifest


def main() -> None:
    """Compare manifests: an entry names its content by digest."""
    measured = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in SYSTEMS:
            first = assess(EXAMPLES / name, Path(folder) / f"{name}-1", 1)
            second = assess(EXAMPLES / name, Path(folder) / f"{name}-2", 2)
            measured[name] = {
                "entries": len(first["entries"]),
                "volatile": len(first["volatile"]),
                "equal": first["entries"] == second["entries"] and first["reproducible"] == second["reproducible"],
            }
    keep("repeat", "two runs differ only in declared times", measured)
    assert all(result["equal"] for result in measured.values())


if __name__ == "__main__":
    main()
