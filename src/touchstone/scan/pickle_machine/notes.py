"""What was noticed while a stream was followed. The reader decides what of it is reported, and where."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, fields
from enum import IntEnum
from typing import Final

from touchstone.scan.findings import GapCode, Rule, Severity
from touchstone.scan.pickle_machine.values import Stretch
from touchstone.scan.source import Source
from touchstone.text import Text

MOST_ALIKE: Final = 20
"""Notices kept of one rule about one name; a thousand instances of one class are one fact."""
MOST_NOTICES: Final = 2_000
MOST_PAYLOADS: Final = 1_000


class Evidence(IntEnum):
    """What a notice rests on: the more, the less bytes that are no pickle would show it by chance."""

    SHAPE = 0
    """The arrangement of opcodes."""
    OBJECT = 1
    """A call or change of something that was computed or imported before."""
    NAME = 2
    """A name that something could have, imported or called."""
    DANGER = 3
    """A dangerous name."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing a stream does, at the opcode where it does it."""

    rule: Rule
    about: str
    """What several notices may have in common, such as the name that is called."""
    shown: str
    offset: int
    what: Text | None = None
    severity: Severity | None = None
    length: int = 0
    evidence: Evidence = Evidence.SHAPE


@dataclass(slots=True)
class Notes:
    """Everything noticed about one stream."""

    notices: list[Notice] = field(default_factory=list)
    problems: dict[str, tuple[Text, GapCode]] = field(default_factory=dict)
    """What was not understood, and of which kind that is."""
    payloads: list[tuple[int, bytes | Stretch]] = field(default_factory=list)
    """Bytes that a known callee loads as a file: where the call is, and the bytes."""
    candidates: list[tuple[int, Source]] = field(default_factory=list)
    """Data that begins and ends like another pickle: where it lies, and what it is without its encodings."""
    files: dict[str, int] = field(default_factory=dict)
    """Other files that joblib loads for this one, and where it is told to."""
    modules: dict[str, None] = field(default_factory=dict)
    """Modules imported, in the order of their first appearance."""
    facts: dict[str, str] = field(default_factory=dict)
    """Things the objects say about themselves, such as the version of scikit-learn."""
    _alike: Counter[tuple[str, str]] = field(default_factory=Counter)
    """How often each rule was noted about each name."""

    @property
    def acts(self) -> bool:
        """Whether anything was noticed that imports, calls or changes something."""
        return any(notice.evidence > Evidence.SHAPE for notice in self.notices)

    def notice(
        self,
        rule: Rule,
        shown: str,
        offset: int,
        *,
        about: str = "",
        what: Text | None = None,
        severity: Severity | None = None,
        length: int = 0,
        evidence: Evidence = Evidence.SHAPE,
    ) -> None:
        """Note one thing, unless it was noted often enough about the same."""
        alike = (rule.id, about)
        self._alike[alike] += 1
        if self._alike[alike] > MOST_ALIKE:
            return
        if len(self.notices) < MOST_NOTICES:
            self.notices.append(Notice(rule, about, shown, offset, what, severity, length, evidence))
        else:
            self.problem(Text("has more findings than are listed", "发现数量超过列出上限"), "limit")

    def problem(self, why: Text, code: GapCode = "damaged") -> None:
        """Note that something was not understood."""
        if len(self.problems) < 100:
            self.problems.setdefault(why.en, (why, code))

    def candidate(self, offset: int, content: Source) -> None:
        """Note data that looks like another pickle."""
        if len(self.candidates) < MOST_PAYLOADS:
            self.candidates.append((offset, content))
        else:
            self.problem(Text("has more inner pickles than are read", "内嵌 pickle 数量超过解析上限"), "limit")

    def payload(self, offset: int, content: bytes | Stretch) -> None:
        """Note bytes that the callee will load."""
        if len(self.payloads) < MOST_PAYLOADS:
            self.payloads.append((offset, content))
        else:
            self.problem(Text("has more inner files than are read", "内嵌文件数量超过解析上限"), "limit")

    def add(self, other: Notes) -> None:
        """Take over what was noticed about a stream inside of this one."""
        self.notices += other.notices
        self.problems |= other.problems
        self.payloads += other.payloads
        self.candidates += other.candidates
        self.files |= other.files
        self.modules |= other.modules
        self.facts |= other.facts

    def clear(self) -> None:
        """Forget everything, to follow the stream once more."""
        nothing = Notes()
        for part in fields(self):
            setattr(self, part.name, getattr(nothing, part.name))
