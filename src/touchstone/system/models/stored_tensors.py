"""The numbers of a model's tensors, read from where the scanner found them: nothing is loaded by anybody's library."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from touchstone.errors import ArtifactError, UserError
from touchstone.files import open_regular
from touchstone.scan.findings import TensorEntry
from touchstone.scan.scanning import ScanOptions, scan
from touchstone.text import Text


@dataclass(frozen=True, slots=True)
class TensorPlace:
    """Where one tensor lies."""

    name: str
    dtype: str
    """As the format of the file calls it, in small letters."""
    shape: tuple[int, ...]
    file: Path
    offset: int
    size: int

    def read(self) -> bytes:
        """Its bytes. Raises `ArtifactError` when the file became shorter since it was scanned."""
        with open_regular(self.file, str(self.file)) as file:
            file.seek(self.offset)
            data = file.read(self.size)
        if len(data) != self.size:
            raise ArtifactError(Text("changed while it was read", "读取期间发生变化"), str(self.file))
        return data


def tensor_places(path: Path) -> dict[str, TensorPlace]:
    """The tensors of a model file, or of a folder's files, by name in the order of their files.

    Raises `UserError` when there are none that can be read, or two of one name.
    """
    result = scan([path], ScanOptions())
    places: dict[str, TensorPlace] = {}
    for file in result.files:
        for place in _places(path / file.path if path.is_dir() else path, file.tensors):
            if place.name in places:
                raise UserError(
                    Text(f"holds two tensors called {place.name[:200]!r}", f"含有两个名为 {place.name[:200]!r} 的张量"),
                    str(path),
                    Text("name one model, in one format", "请指定单个模型的单一格式"),
                )
            places[place.name] = place
    if not places:
        raise UserError(
            Text("holds no tensors whose bytes could be read", "不含可读取的张量"),
            str(path),
            Text("name weights that are stored as they are", "请指定未压缩存储的权重"),
        )
    return places


def _places(file: Path, entries: tuple[TensorEntry, ...]) -> Iterator[TensorPlace]:
    for entry in entries:
        if entry.offset >= 0:
            yield TensorPlace(entry.name, entry.dtype.lower(), entry.shape, file, entry.offset, entry.bytes)
