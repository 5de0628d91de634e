"""Objects on lines of JSON, strictly. Needs no numpy: registers are read by whoever verifies, too."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from touchstone.errors import DataError
from touchstone.text import Text


def lines_of_json(content: bytes, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The object on every line that is not empty, and where it stands. Raises `DataError` naming the line."""
    for number, line in enumerate(content.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        if line.strip():
            place = f"{path}, line {number}"
            yield place, _object(line, place)


def _object(line: bytes, place: str) -> dict[str, Any]:
    """The object on one line. A name that stands twice means two things to two readers, and is refused."""

    def refused(constant: str) -> Any:
        raise ValueError(constant)

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) < len(pairs):
            raise ValueError("a name stands twice")
        return dict(pairs)

    try:
        found = json.loads(line.decode("utf-8"), parse_constant=refused, object_pairs_hook=once)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise DataError(
            Text("is not a JSON object in UTF-8 with every name once", "不是 UTF-8 编码、名称不重复的 JSON 对象"),
            place,
            Text(
                'write one object per line, for example {"text": "…", "label": "…"}',
                '每行一个对象，例如 {"text": "…", "label": "…"}',
            ),
        )
    return found
