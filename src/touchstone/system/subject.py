"""A system opened for testing: every file hashed, model and data behind typed, lazy handles."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from touchstone.canonical import Digest
from touchstone.records import Access
from touchstone.system.data.dataset import LabelledData
from touchstone.system.description import SystemDescription
from touchstone.system.models.handle import ModelHandle

Role = Literal["test", "train", "reference"]


@dataclass(frozen=True, slots=True)
class FileRecord:
    """One file of the system as it was when opened. `path` is POSIX, relative to the description's folder."""

    path: str
    size: int
    digest: Digest
    format: str
    """What the bytes are (`onnx`, `pickle`, `csv`, …), whatever the name says."""


@dataclass(frozen=True, slots=True)
class Subject:
    """One system under test. Cheap to open; models and data are read when first asked for."""

    root: Path
    description: SystemDescription
    files: tuple[FileRecord, ...]
    digest: Digest
    """SHA-256 over the description and the digests of all its files: the system's only name."""

    @property
    def access(self) -> Access:
        """What the applicant lets the tester see."""
        return self.description.model.access

    def model(self) -> ModelHandle:
        """The model, opened on first use. Raises `UnavailableError` when it cannot be opened safely."""
        raise NotImplementedError

    def data(self, role: Role) -> LabelledData:
        """A data set, read and validated on first use. Raises `UnavailableError` when it was not handed in."""
        raise NotImplementedError

    def read(self, path: str) -> bytes:
        """The bytes of one file, checked against the digest taken when the system was opened."""
        raise NotImplementedError
