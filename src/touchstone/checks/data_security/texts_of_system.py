"""Every text among a system's files, cell by cell: data sets whatever the model uses of them, documents and logs."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from touchstone.checks.data_security.document_texts import UnreadableError, document_texts
from touchstone.system.subject import Subject

TEXT_ENDINGS = (".md", ".txt", ".log", ".csv", ".tsv", ".json", ".jsonl", ".yaml", ".yml", ".html", ".xml", ".rst")
MOST_CELLS = 5_000_000
LARGEST_FILE = 256 * 1024 * 1024
DELIMITERS = ",;\t"

Record = dict[str, str]
"""Texts of one record by the name of their column; of a line of a document under the empty name."""


@dataclass(frozen=True, slots=True)
class Texts:
    """One file read as texts. `unread` says why not: `not-text`, `too-large` or `unreadable`."""

    path: str
    records: list[Record]
    allowed: frozenset[str]
    """Kinds of personal information that it was declared to hold."""
    unread: str | None = None


def texts_of(subject: Subject) -> Iterator[Texts]:
    """Data sets first, then documents; each file once."""
    seen: set[str] = set()
    for declared in subject.description.data.declared().values():
        if declared.path not in seen:
            seen.add(declared.path)
            allowed = frozenset(declared.personal_information or ())
            yield _read(subject, declared.path, declared.format, allowed)
    for document in subject.description.documents:
        if document.path not in seen:
            seen.add(document.path)
            yield _read(subject, document.path, "document", frozenset())


def _read(subject: Subject, path: str, kind: str, allowed: frozenset[str]) -> Texts:
    if kind in ("npz", "image-folder"):
        return Texts(path, [], allowed, "not-text")
    if subject.record(path).size > LARGEST_FILE:
        return Texts(path, [], allowed, "too-large")
    content = subject.read(path)
    if kind == "parquet":
        return _columnar(content, path, allowed)
    if kind == "document" and not path.lower().endswith(TEXT_ENDINGS):
        return _document(content, path, allowed)
    return Texts(path, _records(content.decode("utf-8-sig", errors="replace"), path.lower(), kind), allowed)


def _records(text: str, path: str, kind: str) -> list[Record]:
    if kind == "csv" or path.endswith((".csv", ".tsv")):
        return _table(text)
    lines = [line for line in text.splitlines() if line.strip()]
    if kind == "jsonl" or path.endswith(".jsonl"):
        return [_object(line) for line in lines]
    return [{"": line} for line in lines]


def _document(content: bytes, path: str, allowed: frozenset[str]) -> Texts:
    try:
        pieces = document_texts(content, path)
    except UnreadableError:
        return Texts(path, [], allowed, "unreadable")
    if pieces is None:
        return Texts(path, [], allowed, "not-text")
    return Texts(path, [{"": piece} for piece in pieces], allowed)


def _columnar(content: bytes, path: str, allowed: frozenset[str]) -> Texts:
    """Columns of texts and whole numbers of a Parquet file: what a person can be told by."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        return Texts(path, [], allowed, "not-text")
    try:
        file = pyarrow.parquet.ParquetFile(pyarrow.BufferReader(content))
        if file.metadata.num_rows * file.metadata.num_columns > MOST_CELLS:
            return Texts(path, [], allowed, "too-large")
        names = [field.name for field in file.schema_arrow if _may_tell(field.type)]
        rows = file.read(columns=names, use_threads=False).to_pylist() if names else []
    except pyarrow.ArrowException:
        return Texts(path, [], allowed, "unreadable")
    cells = ({name: str(value) for name, value in row.items() if value is not None} for row in rows)
    return Texts(path, [{"": " ".join(names)}, *cells], allowed)


def _may_tell(kind: Any) -> bool:
    import pyarrow

    types = pyarrow.types
    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_integer(kind) or types.is_date(kind))


def _table(text: str) -> list[Record]:
    """Rows by the names of their columns; lines, where it is no table."""
    first = text.partition("\n")[0]
    delimiter = max(DELIMITERS, key=first.count)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error:
        return [{"": line} for line in text.splitlines() if line.strip()]
    if not rows:
        return []
    once = len(set(rows[0])) == len(rows[0])
    header = [name.strip() if once and name.strip() else f"column {number}" for number, name in enumerate(rows[0], 1)]
    beyond = [f"column {number}" for number in range(len(header) + 1, max(map(len, rows)) + 1)]
    # The header is a record too: what has no header has its first row there.
    body = [dict(zip([*header, *beyond], row, strict=False)) for row in rows[1:] if row]
    return [{"": delimiter.join(rows[0])}, *body]


def _object(line: str) -> Record:
    """All texts and numbers in a JSON object, by the way to them; the line itself, where it is none."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return {"": line}
    return dict(_leaves(found, ""))


def _leaves(value: Any, name: str) -> Iterator[tuple[str, str]]:
    waiting = [(name, value)]
    while waiting:
        way, here = waiting.pop()
        if isinstance(here, dict):
            waiting += [(f"{way}.{key}".lstrip("."), each) for key, each in here.items()]
        elif isinstance(here, list):
            waiting += [(f"{way}[{place}]", each) for place, each in enumerate(here)]
        elif isinstance(here, str) or (isinstance(here, int | float) and not isinstance(here, bool)):
            yield way, str(here)
