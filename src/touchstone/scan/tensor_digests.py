"""Digests of single tensors, and what two models have in common.

A digest of a file says that something changed; digests of its tensors say what. Weights that are equal to the last
byte in two models come from one training: that is how a model is told to be derived from another, whatever its name
and format. Weights that were converted to another number format, or trained further, are not equal any more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Final, Literal

from touchstone.files import open_regular
from touchstone.scan.findings import FileResult, Gap, TensorEntry
from touchstone.scan.source import FileSource, Source
from touchstone.text import Text

_BLOCK: Final = 2**20
_TELLING_SIZE: Final = 4096
"""Smaller tensors may be equal by chance, or by the same initial values."""
_FLOATS: Final = {"f16": 2, "float16": 2, "bf16": 2, "bfloat16": 2, "f32": 4, "float32": 4, "f64": 8, "float64": 8}
_ONES: Final = {
    "f16": b"\x00\x3c", "float16": b"\x00\x3c", "bf16": b"\x80\x3f", "bfloat16": b"\x80\x3f",
    "f32": b"\x00\x00\x80\x3f", "float32": b"\x00\x00\x80\x3f",
    "f64": b"\x00\x00\x00\x00\x00\x00\xf0\x3f", "float64": b"\x00\x00\x00\x00\x00\x00\xf0\x3f",
}  # fmt: skip


def digest_tensors(path: Path, result: FileResult) -> FileResult:
    """The result with the SHA-256 of every tensor that lies in the file as it is.

    Tensors in compressed members, or in pieces, keep an empty digest. The file is read a second time; when it is no
    longer the file that was scanned, no digest is given and the result says so. Raises `FileError` when it cannot be
    opened, `OSError` when it cannot be read.
    """
    with open_regular(path, result.path) as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != result.sha256:
            changed = Gap(result.path, "changed", Text("changed after it was scanned", "扫描之后文件发生变化"))
            return replace(result, gaps=(*result.gaps, changed))
        source = FileSource(file.fileno(), result.size, file_offset=0)
        return replace(result, tensors=tuple(_digested(entry, source) for entry in result.tensors))


def _digested(entry: TensorEntry, source: Source) -> TensorEntry:
    if entry.offset < 0:
        return entry
    digest = hashlib.sha256()
    for block in source.part(entry.offset, entry.bytes).windows(_BLOCK):
        digest.update(block)
    return replace(entry, sha256=digest.hexdigest())


Relation = Literal["same", "shared", "none"]
"""Every tensor of either is in the other · at least one tensor that tells something is in both · none is."""


@dataclass(frozen=True, slots=True)
class Change:
    """A tensor of one name that differs between two models."""

    name: str
    first: str
    """Type and shape in the first model: `F32[2, 3]`."""
    second: str


@dataclass(frozen=True, slots=True)
class Lineage:
    """What two models have in common, tensor by tensor. Only tensors with digests count.

    A tensor *tells* something when it holds at least 4096 bytes of floating-point numbers that are not all zero and
    not all one: masks, positions and fresh normalisation layers are equal in models that have nothing in common.
    """

    relation: Relation
    equal_bytes: int
    """Of the first model's telling tensors, bytes that the second has as well."""
    first_bytes: int
    """Bytes of the first model's telling tensors."""
    second_bytes: int
    equal: tuple[str, ...]
    """Names, in the first model, of telling tensors that the second has, under whatever name."""
    changed: tuple[Change, ...]
    """Telling tensors of the same name and other content, type or shape."""
    only_first: tuple[str, ...]
    """Telling tensors whose name and content the second does not have."""
    only_second: tuple[str, ...]

    @property
    def share_of_first(self) -> float:
        """Share of the first model's telling bytes that the second has."""
        return self.equal_bytes / self.first_bytes if self.first_bytes else 0.0

    @property
    def share_of_second(self) -> float:
        """Share of the second model's telling bytes that the first has, if no tensor occurs twice."""
        return min(self.equal_bytes / self.second_bytes, 1.0) if self.second_bytes else 0.0


def lineage(first: FileResult, second: FileResult) -> Lineage:
    """What two files have in common. Both must have been through `digest_tensors`."""
    return lineage_of_tables(first.tensors, second.tensors)


def lineage_of_tables(first: Iterable[TensorEntry], second: Iterable[TensorEntry]) -> Lineage:
    """The same for tensor tables: of all shards of a model, or from a file of known digests."""
    ours, theirs = list(_telling(first)), list(_telling(second))
    our_digests, their_digests = {entry.sha256 for entry in ours}, {entry.sha256 for entry in theirs}
    equal = [entry for entry in ours if entry.sha256 in their_digests]
    their_names = {entry.name: entry for entry in theirs}
    our_names = {entry.name for entry in ours}
    unequal = [entry for entry in ours if entry.sha256 not in their_digests]
    changed = [
        Change(entry.name, _written(entry), _written(their_names[entry.name]))
        for entry in unequal
        if entry.name in their_names
    ]
    relation: Relation = "none" if not equal else "same" if our_digests == their_digests else "shared"
    return Lineage(
        relation=relation,
        equal_bytes=sum(entry.bytes for entry in equal),
        first_bytes=sum(entry.bytes for entry in ours),
        second_bytes=sum(entry.bytes for entry in theirs),
        equal=tuple(entry.name for entry in equal),
        changed=tuple(changed),
        only_first=tuple(entry.name for entry in unequal if entry.name not in their_names),
        only_second=tuple(
            entry.name for entry in theirs if entry.sha256 not in our_digests and entry.name not in our_names
        ),
    )


def _written(entry: TensorEntry) -> str:
    return f"{entry.dtype}{list(entry.shape)}"


def _telling(entries: Iterable[TensorEntry]) -> Iterator[TensorEntry]:
    for entry in entries:
        dtype = entry.dtype.lower()
        is_large_enough = bool(entry.sha256) and entry.bytes >= _TELLING_SIZE
        if is_large_enough and dtype in _FLOATS and entry.sha256 not in _plain_digests(dtype, entry.bytes):
            yield entry


@lru_cache(1024)
def _plain_digests(dtype: str, size: int) -> frozenset[str]:
    """Digests of a tensor of that size that is all zero or all one."""
    return frozenset(_digest_of_repeated(unit, size) for unit in (bytes(_FLOATS[dtype]), _ONES[dtype]))


def _digest_of_repeated(unit: bytes, size: int) -> str:
    block = unit * (_BLOCK // len(unit))
    digest = hashlib.sha256()
    for start in range(0, size, _BLOCK):
        digest.update(block[: min(size - start, _BLOCK)])
    return digest.hexdigest()
