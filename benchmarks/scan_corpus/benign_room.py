"""Where the makers of the benign corpus put their files, and the list of what they made."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

SEED: Final = 20260


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of the corpus."""

    path: str
    maker: str
    library: str
    version: str
    kind: str
    size: int
    sha256: str


class Room:
    """The output folder. `file` and `folder` announce what is about to be written there."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.missing: dict[str, str] = {}
        self.entries: dict[str, Entry] = {}
        manifest = root / "manifest.json"
        if manifest.exists():
            document = json.loads(manifest.read_bytes())
            self.missing = document["absent"]
            self.entries = {entry["path"]: Entry(**entry) for entry in document["files"]}
        self._announced: list[tuple[Path, str, str]] = []
        self._maker = ""

    def of(self, maker: str) -> Room:
        """The same room for the next maker; what it made in an earlier run is forgotten."""
        self._maker = maker
        self.missing.pop(maker, None)
        self.entries = {path: entry for path, entry in self.entries.items() if entry.maker != maker}
        return self

    def file(self, path: str, kind: str, library: str) -> Path:
        """A place for one file, announced for the manifest. Folders are made."""
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        self._announced.append((place, kind, library))
        return place

    def folder(self, path: str, kind: str, library: str) -> Path:
        """A place for a folder; every file in it counts."""
        place = self.root / path
        place.mkdir(parents=True, exist_ok=True)
        self._announced.append((place, kind, library))
        return place

    def absent(self, maker: str, module: str) -> None:
        """Note that a maker could not run, since a module is not installed."""
        self.missing[maker] = module

    def write_manifest(self) -> None:
        """List all files announced so far that exist."""
        for place, kind, library in self._announced:
            for file in sorted(place.rglob("*")) if place.is_dir() else [place]:
                if file.is_file():
                    self._list(file, kind, library)
        self._announced.clear()
        document = {
            "about": "Real files made by real libraries; nothing in them is meant to do harm.",
            "absent": self.missing,
            "files": [asdict(entry) for _, entry in sorted(self.entries.items())],
        }
        self.root.mkdir(parents=True, exist_ok=True)
        (self.root / "manifest.json").write_text(json.dumps(document, indent=1) + "\n")

    def _list(self, file: Path, kind: str, library: str) -> None:
        path = file.relative_to(self.root).as_posix()
        data = file.read_bytes()
        digest = hashlib.sha256(data).hexdigest()
        self.entries[path] = Entry(path, self._maker, library, _version(library), kind, len(data), digest)


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        import platform

        return platform.python_version() if library == "python" else ""
