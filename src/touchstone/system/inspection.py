"""What a file handed to `init` says about itself: its kind, its columns or arrays, its classes. Nothing is executed.

Only a bounded beginning of each file is read. What is found is a guess for a person to check, so a file that says
nothing, or lies, costs a placeholder in the draft and nothing else.
"""

from __future__ import annotations

import csv
import io
import os
import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from touchstone.errors import ArtifactError
from touchstone.files import open_regular, unreadable
from touchstone.scan.recognise import recognise
from touchstone.scan.source import FileSource
from touchstone.system.models.onnx_structure import LARGEST, OnnxStructure, read_onnx_structure

LARGEST_SAMPLE = 4 * 1024 * 1024
"""Bytes of a table that are looked at."""
MOST_ROWS = 10_000
MOST_CLASSES = 50
MOST_ARRAYS = 256

_TARGETS = ("target", "label", "labels", "class", "y", "outcome", "diagnosis", "标签", "类别", "目标", "诊断")
_IDENTIFIER = re.compile(r"(.*[_ ])?(id|uid|uuid|identifier)|编号|序号", re.IGNORECASE)
_SENSITIVE = re.compile(
    r"sex|gender|race|ethnicity|ethnic_group|nationality|religion|disability|age_?(band|group)|性别|民族|种族|年龄段|国籍",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Table:
    """A table's columns, and what the target column seems to be and to hold."""

    columns: tuple[str, ...]
    target: str
    classes: tuple[str, ...]
    """Distinct values of the target, sorted; empty when there are too many to be classes."""
    identifier: str | None
    sensitive: tuple[str, ...]

    @property
    def features(self) -> tuple[str, ...]:
        """The columns that are left for the model."""
        return tuple(name for name in self.columns if name not in {self.target, self.identifier})


@dataclass(frozen=True, slots=True)
class Array:
    """One array of an npz file."""

    name: str
    shape: tuple[int, ...]


def file_format(path: Path) -> str:
    """What the bytes say the file is. Raises `FileError` when it cannot be opened."""
    with open_regular(path) as stream:
        return recognise(FileSource(stream.fileno(), os.fstat(stream.fileno()).st_size), path.name)


def read_table(path: Path) -> Table | None:
    """The header of a CSV file and the values of its target; `None` when it has no header line."""
    with open_regular(path) as stream:
        sample = stream.read(LARGEST_SAMPLE)
    text = sample.decode("utf-8-sig", errors="replace")
    if len(sample) == LARGEST_SAMPLE:
        text = text.rpartition("\n")[0]  # the last line may be cut off
    delimiter = max(",;\t", key=text.partition("\n")[0].count)
    try:
        rows = list(islice(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), MOST_ROWS))
    except csv.Error:
        return None
    columns = tuple(name.strip() for name in rows[0]) if rows else ()
    if not columns or "" in columns or len(set(columns)) != len(columns):
        return None
    target = next((name for name in columns if name.lower() in _TARGETS), columns[-1])
    place = columns.index(target)
    seen = {row[place].strip() for row in rows[1:] if len(row) == len(columns)} - {""}
    return Table(
        columns,
        target,
        tuple(sorted(seen)) if 2 <= len(seen) <= MOST_CLASSES else (),
        next((name for name in columns if _IDENTIFIER.fullmatch(name)), None),
        tuple(name for name in columns if _SENSITIVE.fullmatch(name) and name != target),
    )


def read_arrays(path: Path) -> list[Array]:
    """Names and shapes of the arrays in an npz file, from their headers; empty when it is not one."""
    arrays: list[Array] = []
    try:
        with open_regular(path) as stream, zipfile.ZipFile(stream) as archive:
            for member in archive.infolist()[:MOST_ARRAYS]:
                shape = _npy_shape(archive, member)
                if shape is not None:
                    arrays.append(Array(member.filename.removesuffix(".npy"), shape))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, ValueError, EOFError):
        return []
    return arrays


def read_onnx(path: Path) -> OnnxStructure | None:
    """What an ONNX file says of its graph; `None` when it cannot be understood."""
    with open_regular(path) as stream:
        content = stream.read(LARGEST + 1)
    try:
        return read_onnx_structure(content, str(path))
    except ArtifactError:
        return None


def class_folders(folder: Path) -> list[str]:
    """Names of the folders in an image folder, which are its classes. Raises `FileError` when it cannot be listed."""
    try:
        return sorted(entry.name for entry in folder.iterdir() if entry.is_dir() and not entry.is_symlink())
    except OSError as error:
        raise unreadable(error, str(folder)) from None


def features_and_target(arrays: Sequence[Array]) -> tuple[Array | None, Array | None]:
    """Which array is likely to hold the inputs, and which the classes: the same number of rows, by rank and name."""
    features = max(
        (array for array in arrays if len(array.shape) >= 2), key=lambda array: len(array.shape), default=None
    )
    if features is None:
        return None, None
    vectors = [array for array in arrays if array.shape == features.shape[:1]]
    named = [array for array in vectors if array.name.lower() in _TARGETS]
    return features, next(iter(named or vectors), None)


def _npy_shape(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> tuple[int, ...] | None:
    """Shape from an npy header (NEP 1): magic, version, length, then text."""
    with archive.open(member) as stream:
        start = stream.read(8)
        if start[:6] != b"\x93NUMPY":
            return None
        length = int.from_bytes(stream.read(2 if start[6] == 1 else 4), "little")
        header = stream.read(min(length, 10_000)).decode("latin-1")
    found = re.search(r"'shape'\s*:\s*\(([0-9, ]{0,200})\)", header)
    return None if found is None else tuple(int(size) for size in re.findall(r"[0-9]{1,18}", found.group(1)))
