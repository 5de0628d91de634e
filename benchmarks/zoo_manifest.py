"""What a finished zoo holds: which attacks took, at what price, and the digest of every model.

`touchstone zoo build FOLDER` makes the zoo (about 75 minutes of one core); then run this with the FOLDER.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path
from statistics import median
from typing import Any

from record import keep
from touchstone.zoo.collection import Entry, open_zoo

CLAIM = "at least 200 honest models, a quarter of them hard, and 200 whose attack took; failed attacks are listed"


def main(folder: Path) -> None:
    """Summarise the zoo and keep the result."""
    manifest = open_zoo(folder).manifest
    by_attack: dict[str, list[Entry]] = defaultdict(list)
    for entry in manifest.models:
        by_attack[entry.record.specification.attack or f"honest, {entry.record.specification.flaw}"].append(entry)
    attacked = [entry for entry in manifest.models if entry.record.specification.attack]
    usable = [entry for entry in manifest.models if entry.state == "usable"]
    measured: dict[str, Any] = {
        "seed": manifest.seed,
        "missing": len(manifest.missing),
        "honest": sum(entry.record.success is None for entry in usable),
        "attacks_that_took": sum(entry.record.success is not None for entry in usable),
        "failed": [entry.record.name for entry in attacked if entry.state == "failed"],
        "seconds_each": round(median(entry.record.seconds for entry in manifest.models), 1),
        "kinds": {kind: summary(entries) for kind, entries in sorted(by_attack.items())},
        "models": [line(entry) for entry in manifest.models],
    }
    keep("zoo_manifest", CLAIM, measured)


def summary(entries: list[Entry]) -> dict[str, Any]:
    """Numbers of one kind of model."""
    success = [entry.record.success for entry in entries if entry.record.success is not None]
    return {
        "made": len(entries),
        "usable": sum(entry.state == "usable" for entry in entries),
        "median_accuracy": round(median(entry.record.accuracy for entry in entries), 3),
        "median_success": round(median(success), 3) if success else None,
    }


def line(entry: Entry) -> str:
    """One model in one line, so that the file stays readable."""
    record = entry.record
    kind = record.specification.attack or record.specification.flaw
    figures = [f"{figure:.3f}" for figure in (record.accuracy, record.success) if figure is not None]
    return " ".join([record.name, record.specification.family, kind, *figures, entry.state, record.weights])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
