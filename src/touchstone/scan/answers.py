"""What a worker tells its parent: one file's result in lines of bounded length, parsed without trusting the worker.

["findings", [...]]      any number of lines, each a part of one list of the result
["end", {...}]           the rest of the result: it is whole
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace
from typing import Any, Final, get_args, get_type_hints

from touchstone.canonical import LARGEST_SAFE_INTEGER
from touchstone.scan.budget import Limits
from touchstone.scan.findings import FileResult, Finding, Gap, Reference, TensorEntry
from touchstone.scan.plain import MisshapenError, plain, restored
from touchstone.scan.walk import Place
from touchstone.text import Text

LONGEST_LINE: Final = 4 * 2**20
LARGEST_ANSWER: Final = 256 * 2**20
_ITEMS_IN_A_LINE: Final = 400

_LISTS: Final = ("findings", "gaps", "facts", "references", "tensors")
_HINTS: Final = get_type_hints(FileResult)
_ITEMS: Final[dict[str, Any]] = {name: get_args(_HINTS[name])[0] for name in _LISTS}
_REST: Final = frozenset({each.name for each in fields(FileResult)} - {*_LISTS, "allowed"})


class NonsenseError(ValueError):
    """A worker said what no worker of ours says."""


def told(result: FileResult) -> Iterator[bytes]:
    """The lines that tell a result."""
    result = _with_ordinary_numbers(result)
    for name in _LISTS:
        items = getattr(result, name)
        for start in range(0, len(items), _ITEMS_IN_A_LINE):
            yield _line(name, plain(items[start : start + _ITEMS_IN_A_LINE]))
    yield _line("end", {name: plain(getattr(result, name)) for name in sorted(_REST)})


@dataclass(slots=True)
class Hearing:
    """Listens to one worker about one place after the other."""

    limits: Limits
    _unread: bytearray = field(default_factory=bytearray)
    _heard: dict[str, list[Any]] = field(default_factory=dict)
    _size: int = 0

    def feed(self, data: bytes, place: Place) -> FileResult | None:
        """Take more bytes; answers the result of `place` once it is whole. Raises `NonsenseError`.

        One result at a time: bytes that follow it are kept for the next place, which is asked for with no new data.
        """
        self._unread += data
        while (end := self._unread.find(b"\n", 0, LONGEST_LINE)) >= 0:
            line = bytes(self._unread[:end])
            del self._unread[: end + 1]
            result = self._take(line, place)
            if result is not None:
                return result
        if len(self._unread) > LONGEST_LINE:
            raise NonsenseError("a line without end")
        return None

    def _take(self, line: bytes, place: Place) -> FileResult | None:
        self._size += len(line)
        if self._size > LARGEST_ANSWER:
            raise NonsenseError("more than a result can hold")
        try:
            name, value = json.loads(line)
            if name == "end":
                return self._whole(value, place)
            kind = _ITEMS[name]
            listed = self._heard.setdefault(name, [])
            listed.extend(restored(kind, item) for item in value)
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise NonsenseError(str(error)[:80]) from None
        if len(listed) > _most(name, self.limits):
            raise NonsenseError(f"too many {name}")
        return None

    def _whole(self, value: Any, place: Place) -> FileResult:
        if not isinstance(value, dict) or value.keys() != _REST:
            raise MisshapenError("end")
        rest = restored(FileResult, {**value, "allowed": [], **{name: [] for name in _LISTS}})
        if rest.path != place.shown or not _is_digest(rest.sha256):
            raise NonsenseError("an answer about something else")
        inside = f"{place.shown}!"
        for items in self._heard.values():
            if any(item.where != place.shown and not item.where.startswith(inside) for item in items):
                raise NonsenseError("a finding about another file")
        lists, self._heard, self._size = self._heard, {}, 0
        if not all(finding.shown.isascii() for finding in lists.get("findings", ())):
            raise NonsenseError("a finding that is not plain text")
        return replace(
            rest,
            findings=tuple(lists.get("findings", ())),
            gaps=tuple(lists.get("gaps", ())),
            facts=tuple(lists.get("facts", ())),
            references=tuple(lists.get("references", ())),
            tensors=tuple(lists.get("tensors", ())),
        )


def _line(name: str, value: Any) -> bytes:
    return json.dumps([name, value], separators=(",", ":")).encode() + b"\n"


def _most(name: str, limits: Limits) -> int:
    most = {
        "findings": limits.findings,
        "gaps": limits.gaps,
        "facts": limits.facts,
        "references": limits.members,
        "tensors": limits.tensors,
    }
    return most[name] + 10  # what is added after the reading: a change, a number out of range


def _is_digest(text: str) -> bool:
    return not text or (len(text) == 64 and set(text) <= set("0123456789abcdef"))


def _with_ordinary_numbers(result: FileResult) -> FileResult:
    """The same result without numbers beyond those JSON carries, which hostile headers claim and no file can have."""
    items: list[Finding | Reference | TensorEntry] = [*result.findings, *result.references, *result.tensors]
    if all(map(_is_ordinary, items)):
        return result
    tensors = tuple(filter(_is_ordinary, result.tensors))
    gaps = result.gaps
    if len(tensors) < len(result.tensors):
        why = Text("has a tensor of a size no file can have", "有张量的大小超出文件可能的范围")
        gaps = (*gaps, Gap(result.path, "damaged", why))
    findings = (
        replace(each, offset=_bounded(each.offset), length=max(_bounded(each.length), 0)) for each in result.findings
    )
    references = (replace(each, reach=max(_bounded(each.reach), 0)) for each in result.references)
    return replace(result, findings=tuple(findings), references=tuple(references), tensors=tensors, gaps=gaps)


def _is_ordinary(item: Finding | Reference | TensorEntry) -> bool:
    if isinstance(item, Finding):
        numbers: tuple[int, ...] = (item.offset, item.length)
    elif isinstance(item, Reference):
        numbers = (item.reach,)
    else:
        numbers = (item.bytes, item.offset, *item.shape)
    return all(-1 <= number <= LARGEST_SAFE_INTEGER for number in numbers)


def _bounded(number: int) -> int:
    return min(max(number, -1), LARGEST_SAFE_INTEGER)
