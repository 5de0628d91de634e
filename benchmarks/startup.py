"""Claim: the command line answers at once, and importing the package costs next to nothing.

Median of ten of: `python -c pass`, `python -c 'import touchstone'`, `touchstone --help`, taken in turns.
"""

from __future__ import annotations

import sys

from record import keep
from turns import timed_in_turns

COMMANDS = {
    "bare_python": [sys.executable, "-c", "pass"],
    "import": [sys.executable, "-c", "import touchstone"],
    "help": [sys.executable, "-m", "touchstone", "--help"],
}
ROUNDS = 10


def main() -> None:
    """Measure and keep."""
    keep(
        "startup",
        "`touchstone --help` < 0.3 s, `import touchstone` < 0.15 s",
        timed_in_turns(COMMANDS, ROUNDS, "bare_python"),
    )


if __name__ == "__main__":
    main()
