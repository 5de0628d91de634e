"""Small real systems for tests: a description, its files, nothing mocked."""

import csv
from pathlib import Path
from typing import Any

import yaml

ROWS = 120


def prediction_system(folder: Path, *, rows: int = ROWS, accuracy: float = 0.9, **changes: Any) -> Path:
    """A classifier handed in as precomputed predictions on `rows` generated cases; returns its `system.yaml`.

    The first `accuracy` share of the rows is right. `changes` replace whole top-level parts of the description.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "test.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["id", "length", "group", "truth", "answer"])
        for row in range(rows):
            truth = row % 2
            right = row < rows * accuracy
            writer.writerow([f"case-{row}", row / rows, "ab"[row % 3 == 0], truth, truth if right else 1 - truth])
    description: dict[str, Any] = {
        "schema": "touchstone.system/v1",
        "system": {
            "name": "sorter",
            "version": "1",
            "supplier": {"name": "Example Works"},
            "intended_use": "sorts parts for a test",
            "sector": "other",
            "synthetic": True,
        },
        "model": {
            "format": "predictions",
            "access": "predictions",
            "input": {"kind": "tabular", "columns": ["length"]},
            "output": {"kind": "labels", "labels": ["good", "bad"], "positive": "bad"},
            "claims": {"accuracy": 0.85},
        },
        "data": {
            "test": {
                "path": "test.csv",
                "format": "csv",
                "target": "truth",
                "identifier": "id",
                "sensitive": ["group"],
                "predictions": ["answer"],
                "origin": "generated for a test",
                "synthetic": True,
            }
        },
    }
    description |= changes
    path = folder / "system.yaml"
    path.write_text(yaml.safe_dump(description, sort_keys=False, allow_unicode=True))
    return path
