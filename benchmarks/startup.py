"""Claim: the command line answers at once, and importing the package costs next to nothing.

Median of ten of: `python -c pass`, `python -c 'import touchstone'`, `touchstone --help`, taken in turns.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

from record import keep

COMMANDS = {
    "python": [sys.executable, "-c", "pass"],
    "import": [sys.executable, "-c", "import touchstone"],
    "help": [sys.executable, "-m", "touchstone", "--help"],
}
ROUNDS = 10


def main() -> None:
    """Measure in turns, so that a slow moment hits all alike."""
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(ROUNDS):
        for name, command in COMMANDS.items():
            started = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            times[name].append(time.perf_counter() - started)
    median = {name: statistics.median(values) for name, values in times.items()}
    keep(
        "startup",
        "`touchstone --help` < 0.3 s, `import touchstone` < 0.15 s",
        {
            "seconds": {name: round(value, 4) for name, value in median.items()},
            "ratio_to_bare_python": {name: round(value / median["python"], 2) for name, value in median.items()},
        },
    )


if __name__ == "__main__":
    main()
