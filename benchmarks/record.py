"""Every benchmark writes one JSON file: what was measured, how, and on which machine."""

from __future__ import annotations

import json
import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from touchstone import __version__

RESULTS = Path(__file__).parent / "results"


def keep(name: str, claim: str, measured: dict[str, Any]) -> None:
    """Write `results/NAME.json` and print it."""
    result = {
        "benchmark": name,
        "claim": claim,
        "measured": measured,
        "touchstone": __version__,
        "date": datetime.now(UTC).date().isoformat(),
        "machine": machine(),
    }
    RESULTS.mkdir(exist_ok=True)
    text = json.dumps(result, ensure_ascii=False, indent=2)
    (RESULTS / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    print(text)


def machine() -> dict[str, Any]:
    """What may matter to a timing."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "architecture": platform.machine(),
        "cores": os.cpu_count(),
        "memory_gib": round(memory / 1024**3),
        "python": platform.python_version(),
        "system": platform.system(),
        "load_average": round(os.getloadavg()[0], 1),
    }
