"""Real systems handed in as precomputed predictions, with any columns, for tests of checks that only measure."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from touchstone.system.subject import Subject, open_system

Column = Sequence[Any]


def precomputed_system(
    folder: Path,
    *,
    truth: Column,
    answers: Mapping[str, Column],
    labels: Sequence[str] = ("no", "yes"),
    positive: str | None = "yes",
    claims: Mapping[str, float] | None = None,
    sensitive: Mapping[str, Column] | None = None,
    sites: tuple[Column, Column] | None = None,
) -> Subject:
    """A classifier of one feature. `answers` is one column of labels, or one column of probabilities per class.

    `sites` are the sites of the test rows and of the training rows.
    """
    sensitive = sensitive or {}
    test_columns = {"feature": [0.5] * len(truth), "truth": truth, **answers, **sensitive}
    test = _data_set("test.csv") | {"sensitive": list(sensitive), "predictions": list(answers)}
    data = {"test": test}
    if sites is not None:
        test_sites, training_sites = sites
        test_columns["site"] = test_sites
        test["site"] = "site"
        training_columns = {
            "feature": [0.5] * len(training_sites),
            "truth": [labels[row % 2] for row in range(len(training_sites))],
        }
        _write(folder / "train.csv", {**training_columns, "site": training_sites})
        data["train"] = _data_set("train.csv") | {"site": "site"}
    _write(folder / "test.csv", test_columns)
    output: dict[str, Any] = {"kind": "labels" if len(answers) == 1 else "probabilities", "labels": list(labels)}
    description = {
        "schema": "touchstone.system/v1",
        "system": {
            "name": "screening",
            "version": "1",
            "supplier": {"name": "Example Ltd."},
            "intended_use": "answers yes or no for a test",
            "sector": "other",
            "synthetic": True,
        },
        "model": {
            "format": "predictions",
            "access": "predictions",
            "input": {"kind": "tabular", "columns": ["feature"]},
            "output": output if positive is None else output | {"positive": positive},
            "claims": dict(claims or {}),
        },
        "data": data,
    }
    path = folder / "system.yaml"
    path.write_text(yaml.safe_dump(description))
    return open_system(path)


def _data_set(path: str) -> dict[str, Any]:
    return {"path": path, "format": "csv", "target": "truth", "origin": "generated for a test", "synthetic": True}


def _write(path: Path, columns: Mapping[str, Column]) -> None:
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
