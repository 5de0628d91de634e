"""Files of known tensor digests: what a model consists of, without the model.

    {"model": "elder 7B", "tensors": [{"name": "a", "dtype": "F32", "shape": [2], "bytes": 8, "sha256": "…"}]}

Whoever publishes weights can publish this beside them; whoever receives weights can tell which known model they are
derived from (`tensor_digests.lineage_of_tables`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from touchstone.errors import UserError
from touchstone.scan.findings import TensorEntry
from touchstone.text import Text

_SHA256: Final = re.compile(r"[0-9a-f]{64}")


class TensorTableError(UserError):
    """A file of tensor digests cannot be understood."""


@dataclass(frozen=True, slots=True)
class TensorTable:
    """The tensors of one model, over all its files."""

    model: str
    tensors: tuple[TensorEntry, ...]


def table_document(model: str, tensors: Iterable[TensorEntry]) -> dict[str, Any]:
    """The document of a table, of all tensors that have digests."""
    return {
        "model": model,
        "tensors": [
            {
                "name": entry.name,
                "dtype": entry.dtype,
                "shape": list(entry.shape),
                "bytes": entry.bytes,
                "sha256": entry.sha256,
            }
            for entry in tensors
            if entry.sha256
        ],
    }


def read_table(data: bytes, where: str) -> TensorTable:
    """The table in a document. Raises `TensorTableError` at `where` when it is none."""
    try:
        document = json.loads(data.decode("utf-8"))
        tensors = tuple(_entry(each) for each in document["tensors"])
        return TensorTable(_text(document["model"]), tensors)
    except (ValueError, KeyError, TypeError, RecursionError):
        raise TensorTableError(
            Text("is no table of tensor digests", "不是张量摘要表"),
            where,
            Text("obtain it again from whoever made it", "请向制作者重新获取"),
        ) from None


def _entry(each: dict[str, Any]) -> TensorEntry:
    shape, size, digest = each["shape"], each["bytes"], _text(each["sha256"])
    if not all(type(length) is int and length >= 0 for length in [*shape, size]) or not _SHA256.fullmatch(digest):
        raise ValueError("not a tensor")
    return TensorEntry("", _text(each["name"]), _text(each["dtype"]), tuple(shape), size, digest)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value
