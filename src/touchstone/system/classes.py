"""Class labels as they appear in files and answers, and the indices they stand for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

_LONGEST_INTEGER = 20
"""Characters of a number that can still be a class index; keeps hostile digits out of `int`."""


class ClassNames:
    """Finds the class index of a label written by name or by index.

    The declared names decide, never the data: where every declared name is itself an integer (`["1", "2", "3"]`)
    integers are names; otherwise integers that are not names are indices from 0.

    >>> ClassNames(["benign", "malignant"]).index_of("malignant"), ClassNames(["1", "2"]).index_of(1.0)
    (1, 0)
    """

    def __init__(self, labels: Sequence[str]) -> None:
        self.labels = tuple(labels)
        self._index = {label: index for index, label in enumerate(labels)}
        self._integers_are_names = all(_integer(label) is not None for label in labels)

    def index_of(self, value: Any) -> int | None:
        """Index of one label (text, integer, integral float or truth value), or `None` when it is unknown."""
        text = value.strip() if isinstance(value, str) else str(value)
        if text in self._index:
            return self._index[text]
        integer = _integer(value)
        if integer is None:
            return None
        if str(integer) in self._index:
            return self._index[str(integer)]
        known = not self._integers_are_names and 0 <= integer < len(self.labels)
        return integer if known else None

    def indices_of(self, values: Iterable[Any]) -> list[int | None]:
        """Index of each label. Equal labels are looked up once."""
        seen: dict[Any, int | None] = {}
        indices = []
        for value in values:
            if value not in seen:
                seen[value] = self.index_of(value)
            indices.append(seen[value])
        return indices


def _integer(value: Any) -> int | None:
    """The integer a label writes (`1`, `1.0`, `"1"`, `"1.0"`, `True`), or `None`."""
    if isinstance(value, str) and (len(value) > _LONGEST_INTEGER or not value.strip().isascii()):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return int(number) if number.is_integer() and abs(number) < 2**53 else None
