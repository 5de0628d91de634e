"""Systems made for a test: a folder with a description, opened the way a user's is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from touchstone.system.subject import Subject, open_system


def describe(
    *,
    columns: list[str] | None = None,
    shape: list[int] | None = None,
    kind: str = "tabular",
    labels: list[str] | None = None,
    output: str = "probabilities",
    format_: str = "predictions",
    access: str = "artefact",
    low: float | None = None,
    high: float | None = None,
    **rest: Any,
) -> dict[str, Any]:
    """A description of a classifier; `rest` goes into `model`, but `data` into the description."""
    data = rest.pop("data", {})
    tensor = rest.pop("tensors", {})
    specification = {"kind": kind, "low": low, "high": high, "tensor": tensor.get("input")}
    if columns is not None:
        specification["columns"] = columns
    if shape is not None:
        specification["shape"] = shape
    if "layout" in rest:
        specification["layout"] = rest.pop("layout")
    return {
        "schema": "touchstone.system/v1",
        "system": {
            "name": "made-for-a-test",
            "version": "1",
            "supplier": {"name": "Nobody"},
            "intended_use": "tests",
            "sector": "other",
            "synthetic": True,
        },
        "model": {
            "format": format_,
            "access": access,
            "input": specification,
            "output": {"kind": output, "labels": labels or ["no", "yes"], "tensor": tensor.get("output")},
            **rest,
        },
        "data": data,
    }


def make(folder: Path, description: dict[str, Any], files: dict[str, bytes]) -> Subject:
    """Write the files and the description into `folder`, and open it."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (folder / "system.yaml").write_text(yaml.safe_dump(description, allow_unicode=True), encoding="utf-8")
    return open_system(folder)


def data_set(path: str, format_: str, **rest: Any) -> dict[str, Any]:
    """The declaration of one data set."""
    return {"path": path, "format": format_, "origin": "made for a test", **rest}
