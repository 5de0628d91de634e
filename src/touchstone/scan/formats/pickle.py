"""Pickle files: one stream or several, as the plain unpickler, joblib and PyTorch would read them.

A pickle is a program for a small stack machine. `pickle_machine` follows it without doing any of it; here its notes
become findings. The same bytes can mean different things to different loaders: joblib steps over raw arrays that
others take for opcodes, PyTorch's old format is five streams with storages behind them (torch/serialization.py).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from touchstone.scan.budget import Budget, Limits
from touchstone.scan.examination import Examination
from touchstone.scan.external_paths import leads_out
from touchstone.scan.findings import Rule
from touchstone.scan.formats.torch_legacy import MAGIC, is_legacy_head, read_storages
from touchstone.scan.formats.torch_legacy import RULES as LEGACY_RULES
from touchstone.scan.pickle_machine import rules
from touchstone.scan.pickle_machine.machine import Loader, Machine, Reading
from touchstone.scan.pickle_machine.nested import examine_inner_files, report_inner_pickles
from touchstone.scan.pickle_machine.notes import MOST_ALIKE, Evidence, Notes
from touchstone.scan.pickle_machine.values import Call, Global, Value
from touchstone.scan.second_pickles import does_something, names_nothing
from touchstone.scan.source import Source
from touchstone.scan.symbols import standing
from touchstone.text import Text

RULES: Final[tuple[Rule, ...]] = (*rules.RULES, *LEGACY_RULES)

MOST_STREAMS: Final = 10_000
_SECOND_VIEW: Final = 1_000_000
"""Opcodes followed when raw arrays are read as other loaders would; nearly always the first byte ends it."""
_LONGEST_PADDING: Final = 4_096
_LEGACY_STREAMS: Final = 5
"""Magic number, protocol, machine, object and storage keys."""


def read_pickle(source: Source, examination: Examination) -> None:
    """A file of one or more pickles."""
    _PickleFile(source, examination, Loader()).read()


def read_torch_pickle(source: Source, examination: Examination) -> None:
    """The pickle inside of a PyTorch archive, which refers to storages beside it."""
    examination.fact("framework", "pytorch")
    _PickleFile(source, examination, Loader(joblib=False, persistent=True)).read()


@dataclass(slots=True)
class _PickleFile:
    """All streams of one file."""

    source: Source
    examination: Examination
    loader: Loader
    alike: Counter[tuple[str, str]] = field(default_factory=Counter)
    """How often each rule was reported about each name, over all streams."""

    def read(self) -> None:
        """Follow stream after stream to the end of the file."""
        self.examination.runs_code()
        results: list[Value] = []
        position = 0
        legacy = False
        while position < self.source.size:
            if len(results) == MOST_STREAMS:
                self.examination.gap(
                    Text(f"holds more than {MOST_STREAMS} pickles", f"pickle 数量超过 {MOST_STREAMS} 个"), "limit"
                )
                return
            notes = Notes()
            reading = self._follow(position, notes, legacy=legacy and len(results) == 3)
            if results and not reading.stopped and not reading.limited and not notes.acts:
                self._trailing(position)
                return
            self._report(notes)
            if reading.raw_arrays:
                self._report_second_view(position, notes, reading)
            if not reading.stopped:
                return
            position = reading.end
            results.append(reading.result)
            if len(results) == 3:
                legacy = self._is_legacy(results)
            if legacy and len(results) == 4:
                with_storages = reading
            if legacy and len(results) == _LEGACY_STREAMS:
                position = read_storages(self.source, position, with_storages, self.examination)
                if position < self.source.size:
                    self._trailing(position)
                return
        self._describe(results)

    def _follow(self, position: int, notes: Notes, *, legacy: bool) -> Reading:
        loader = Loader(joblib=False, persistent=True, fast=self.loader.fast) if legacy else self.loader
        return Machine(self.source, position, notes, self.examination.budget, loader).run()

    def _is_legacy(self, results: list[Value]) -> bool:
        if results[0] == MAGIC:
            return True
        if not is_legacy_head(results):
            return False
        self.examination.report(rules.HIDDEN_MAGIC, "magic number by a call", offset=0)
        return True

    def _trailing(self, position: int) -> None:
        """What follows the last pickle is no pickle, perhaps behind some padding. It may still be something."""
        rest = self.source.part(position, self.source.size - position)
        self.examination.report(
            rules.TRAILING, f"{rest.size} bytes: {rest.read(0, 16).hex(' ')}", offset=position, length=rest.size
        )
        begin = len(rest.read(0, _LONGEST_PADDING)) - len(rest.read(0, _LONGEST_PADDING).lstrip(b"\x00"))
        self.examination.examine(rest.part(begin, rest.size), f"bytes from {position + begin}")

    def _report(self, notes: Notes) -> None:
        examination = self.examination
        for notice in notes.notices:
            self.alike[notice.rule.id, notice.about] += 1
            if self.alike[notice.rule.id, notice.about] > MOST_ALIKE:
                continue
            examination.report(
                notice.rule,
                notice.shown,
                offset=notice.offset,
                length=notice.length,
                what=notice.what,
                severity=notice.severity,
            )
        for why, code in notes.problems.values():
            examination.gap(why, code)
        for module in notes.modules:
            examination.fact("imports", module)
        if "framework" in notes.facts:
            examination.fact("framework", notes.facts["framework"])
        for name, offset in notes.files.items():
            examination.refers_to(name, "tensors")
            if leads_out(name):
                examination.report(rules.OUTSIDE_FILE, name, offset=offset)
        report_inner_pickles(notes, examination, standing)
        examine_inner_files(notes, self.source, examination)

    def _report_second_view(self, position: int, first: Notes, as_joblib: Reading) -> None:
        """What a loader does that takes the bytes of raw arrays for opcodes.

        Arrays of objects are pickles with memos of their own. To such a loader their opcodes ask for the wrong
        values, so that nonsense is imported; only dangerous names count there.
        """
        notes = Notes()
        loader = Loader(joblib=False, fast=self.loader.fast)
        budget = self.examination.budget
        reading = Machine(self.source, position, notes, budget, loader).run(_SECOND_VIEW)
        seen = {(notice.rule.id, notice.offset) for notice in first.notices}
        enough = Evidence.DANGER if as_joblib.object_arrays else Evidence.NAME
        for notice in notes.notices:
            if notice.evidence >= enough and (notice.rule.id, notice.offset) not in seen:
                self.examination.report(rules.SECOND_VIEW, notice.shown, offset=notice.offset)
        if reading.limited:
            self.examination.gap(
                Text("raw arrays are too long a program to other loaders", "原始数组被其他加载器视为过长的程序"),
                "limit",
            )

    def _describe(self, results: list[Value]) -> None:
        if len(results) > 1:
            self.examination.report(rules.FURTHER_STREAM, f"{len(results)} pickles")
        elif results:
            made = _class_of(results[0])
            if made is not None and made.standing.trust != "dangerous":
                self.examination.fact("architecture", made.name)


def _class_of(value: Value) -> Global | None:
    """The class whose instance a value is, as far as the call that made it says."""
    if not isinstance(value, Call) or not isinstance(value.function, Global):
        return None
    first = value.arguments[0] if value.arguments else None
    made = first if value.function.name.startswith("_") and isinstance(first, Global) else value.function
    return made if made.name[:1].isupper() else None


def reads_as_pickle(source: Source, head: bytes) -> bool:
    """Whether bytes are a pickle: by the protocol mark, or because they can be followed like one.

    Protocols 0 and 1 have no mark. Their streams are told from text by being followed: text breaks soon.
    """
    if len(head) > 1 and head[0] == 0x80:
        return head[1] <= 5
    if names_nothing(head):
        return False
    notes = Notes()
    budget = Budget(Limits(opcodes=10 * _RECOGNISED_AFTER), source.size)
    reading = Machine(source, 0, notes, budget, Loader(fast=False)).run(_RECOGNISED_AFTER)
    if reading.stopped:
        return reading.end == source.size or notes.acts or _is_binary(head)
    return reading.limited or (notes.acts if _is_binary(head) else any(map(does_something, notes.notices)))


_RECOGNISED_AFTER: Final = 2_000
"""Opcodes after which nobody takes a stream for text any more."""


def _is_binary(head: bytes) -> bool:
    return any(byte < 9 or byte > 126 for byte in head[:64])
