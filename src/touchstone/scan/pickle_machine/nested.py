"""Pickles and files that a stream carries as data."""

from __future__ import annotations

from typing import Final

from touchstone.scan.examination import Examination
from touchstone.scan.pickle_machine import rules
from touchstone.scan.pickle_machine.judgement import Lookup
from touchstone.scan.pickle_machine.machine import Loader, Machine
from touchstone.scan.pickle_machine.notes import Evidence, Notes, Notice
from touchstone.scan.pickle_machine.values import Stretch
from touchstone.scan.source import MemorySource, Source, Unreadable
from touchstone.text import Text

_DEEPEST: Final = 3
_LARGEST_TEXT: Final = 64 * 2**20


def report_inner_pickles(notes: Notes, examination: Examination, lookup: Lookup) -> None:
    """Report data that is a complete pickle which imports or calls something that is not known."""
    for offset, data in notes.candidates:
        worst = _worst_within(data, examination, lookup, 0)
        if worst is None:
            continue
        if worst.rule.nature == "threat":
            examination.report(rules.NESTED_PAYLOAD, worst.shown, offset=offset)
        else:
            examination.report(worst.rule, worst.shown, offset=offset, what=_UNREVIEWED_WITHIN, severity="medium")


def _worst_within(data: Source, examination: Examination, lookup: Lookup, depth: int) -> Notice | None:
    """What tells most about a pickle that can be followed from its first to its last byte."""
    notes = Notes()
    reading = Machine(data, 0, notes, examination.budget, Loader(), lookup).run()
    if reading.limited:
        examination.gap(Text("carries an inner pickle too long to follow", "内嵌的 pickle 过长，无法完整解析"), "limit")
    if not reading.stopped or data.read(reading.end, 9).strip(b"\r\n \t"):
        return None
    found = [notice for notice in notes.notices if notice.evidence > Evidence.SHAPE]
    if depth < _DEEPEST:
        deeper = [_worst_within(inner, examination, lookup, depth + 1) for _, inner in notes.candidates]
        found += [notice for notice in deeper if notice is not None]
    return min(found, key=lambda notice: notice.rule.nature != "threat", default=None)


_UNREVIEWED_WITHIN: Final = Text(
    "Carries another pickle as data, which names something that nobody reviewed",
    "以数据形式携带另一个 pickle，其中的名称未经审查",
)


def examine_inner_files(notes: Notes, source: Source, examination: Examination) -> None:
    """Examine the bytes that a known callee loads as a file."""
    for offset, content in notes.payloads:
        examination.examine(_bytes_of(content, source), f"file at byte {offset}")


def _bytes_of(content: bytes | Stretch, source: Source) -> Source:
    if isinstance(content, bytes):
        return MemorySource(content)
    if content.kind == "bytes":
        return source.part(content.offset, content.length)
    if content.length > _LARGEST_TEXT:
        raise Unreadable(Text("carries a file written as text that is too long", "以文本形式携带的文件过长"))
    try:
        return MemorySource(source.read(content.offset, content.length).decode("utf-8").encode("latin-1"))
    except UnicodeError:
        raise Unreadable(
            Text("carries a file written as text that is no latin-1", "以文本携带的文件编码错误")
        ) from None
