"""Time commands fairly: in turns, so that a slow moment of the machine hits all alike."""

from __future__ import annotations

import statistics
import subprocess
import time
from collections.abc import Mapping, Sequence
from typing import Any


def timed_in_turns(commands: Mapping[str, Sequence[str]], rounds: int, bare: str) -> dict[str, Any]:
    """Median seconds of each command over `rounds`, and their ratio to the command named `bare`."""
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            started = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            times[name].append(time.perf_counter() - started)
    median = {name: statistics.median(values) for name, values in times.items()}
    return {
        "seconds": {name: round(value, 4) for name, value in median.items()},
        f"ratio_to_{bare}": {name: round(value / median[bare], 2) for name, value in median.items()},
    }
