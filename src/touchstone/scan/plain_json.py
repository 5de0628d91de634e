"""JSON as RFC 8259 has it, of bounded size and depth, with the keys that occur twice in one object."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from touchstone.scan.source import Unreadable
from touchstone.text import Text

LARGEST: Final = 16 * 2**20
"""Python needs about ten times as much memory for the parsed document."""


@dataclass(frozen=True, slots=True)
class JsonReading:
    """A document, and what in it two readers may understand differently."""

    document: Any
    repeated_keys: tuple[str, ...]
    """Some parsers take the first value, some the last, some refuse."""


def read_plain_json(data: bytes) -> JsonReading:
    """Parse a document. Raises `Unreadable` when it is no JSON, too large or nested too deeply."""
    repeated: list[str] = []

    def collected(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        document = dict(pairs)
        if len(document) != len(pairs):
            seen: set[str] = set()
            for key, _ in pairs:
                if key in seen:
                    repeated.append(key)
                seen.add(key)
        return document

    if len(data) > LARGEST:
        raise Unreadable(Text(f"is JSON of more than {LARGEST} bytes", f"JSON 超过 {LARGEST} 字节"))
    try:
        document = json.loads(data.decode("utf-8"), object_pairs_hook=collected, parse_constant=_refuse)
    except RecursionError:
        raise Unreadable(Text("is JSON that is nested too deeply", "JSON 嵌套过深")) from None
    except ValueError:
        raise Unreadable(Text("is not JSON", "不是合法的 JSON")) from None
    return JsonReading(document, tuple(repeated))


def _refuse(word: str) -> Any:
    raise ValueError(word)
