"""Writes the hostile corpus: files that a scanner must not call clean, each with a label that is true by construction.

    python benchmarks/scan_corpus/hostile.py OUT

Only the standard library is needed. The payloads are inert. `OUT/manifest.json` says for each unit what its bytes do,
whom they affect and what a scanner should find. Nothing here is taken from a scanner's rules or test files.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from hostile_units import SEED, Unit

FAMILIES = (
    "hostile_pickle_calls",
    "hostile_pickle_names",
    "hostile_pickle_places",
    "hostile_pickle_bombs",
    "hostile_joblib",
    "hostile_numpy",
    "hostile_torch",
    "hostile_torch_programs",
    "hostile_nested",
    "hostile_zip",
    "hostile_archives",
    "hostile_keras",
    "hostile_tensorflow",
    "hostile_onnx",
    "hostile_gguf",
    "hostile_weights",
    "hostile_graphs",
    "hostile_text",
    "hostile_repository",
)


def main() -> None:
    """Write all units and the manifest."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("out", type=Path)
    out: Path = parser.parse_args().out
    entries: dict[str, dict[str, Any]] = {}
    for unit in units():
        if unit.path in entries:
            raise ValueError(f"two units are called {unit.path}")
        entries[unit.path] = {**_labels(unit), "sha256": write(unit, out), **kept(out, unit)}
    manifest = {"seed": SEED, "units": [entries[path] for path in sorted(entries)]}
    (out / "manifest.json").write_text(json.dumps(manifest, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    print(dict(Counter(entry["class"] for entry in entries.values())))
    print("code, pickle family:", sum(e["class"] == "code" and e["pickle_family"] for e in entries.values()))
    print(dict(Counter(path.split("/")[0] for path in entries)))


def units() -> Iterator[Unit]:
    """All units of all families."""
    for family in FAMILIES:
        yield from import_module(family).units()


def write(unit: Unit, out: Path) -> str:
    """Put the bytes where the manifest says; answer their digest (for a folder, that of its files' digests)."""
    target = inside(out, unit.path)
    if isinstance(unit.data, bytes):
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(unit.data)
        return hashlib.sha256(unit.data).hexdigest()
    whole = hashlib.sha256()
    for name in sorted(unit.data):
        file = inside(target, name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(unit.data[name])
        whole.update(name.encode() + b"\0" + hashlib.sha256(unit.data[name]).digest())
    return whole.hexdigest()


def inside(folder: Path, name: str) -> Path:
    """The place of a file within the folder; a name that leads out is our mistake."""
    place = Path(os.path.normpath(folder / name))
    if not place.is_relative_to(os.path.normpath(folder)):
        raise ValueError(f"{name} leads out of {folder}")
    return place


def _labels(unit: Unit) -> dict[str, Any]:
    return {
        "path": unit.path,
        "class": unit.kind,
        "format": unit.format,
        "pickle_family": unit.pickle_family,
        "folder": not isinstance(unit.data, bytes),
        "threat": unit.threat,
        "loader": unit.loader,
        "expect": unit.expect,
        "load_with": unit.load_with,
        "proof": unit.proof,
    }


def kept(out: Path, unit: Unit) -> dict[str, Any]:
    """Whether the label was proved, from an earlier run of `hostile_verify.py` (`verified.json`)."""
    file = out / "verified.json"
    verified: dict[str, bool] = json.loads(file.read_text()) if file.is_file() else {}
    return {"verified_in_loader": verified.get(unit.path)}


if __name__ == "__main__":
    main()
