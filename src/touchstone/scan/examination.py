"""One file under examination: collects what readers report, and hands parts of the file to further readers.

A reader is a function `read(source, examination)`. It reports findings, gaps and facts, and returns nothing unless it
can name the format more closely (`torch-archive` for a zip). It may raise `Unreadable`, which becomes a gap; anything
else it raises is our own mistake and becomes a gap as well, so that a crash never looks like a clean file.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from touchstone.scan.budget import Budget, LimitReached
from touchstone.scan.findings import (
    Fact,
    FactName,
    Finding,
    Gap,
    GapCode,
    Reference,
    Rule,
    Severity,
    TensorEntry,
    shown,
)
from touchstone.scan.source import Source, Unreadable
from touchstone.text import Text

Reader = Callable[[Source, "Examination"], str | None]
"""Reports what it finds, and answers a closer name for the format, or nothing."""

LONGEST_FACT = 1000


@dataclass(slots=True)
class _Collection:
    """What all readers of one file have reported so far."""

    findings: dict[Finding, None] = field(default_factory=dict)
    gaps: dict[Gap, None] = field(default_factory=dict)
    facts: dict[Fact, None] = field(default_factory=dict)
    references: dict[Reference, None] = field(default_factory=dict)
    tensors: dict[TensorEntry, Source] = field(default_factory=dict)
    runs_code: bool = False


class Examination:
    """Where the reader of one file, or of one member inside it, reports.

    `where` names the place (`model.pt!archive/data.pkl`), `depth` says how many containers it lies within.
    """

    def __init__(self, where: str, budget: Budget) -> None:
        self.where = where
        self.depth = 0
        self.budget = budget
        self.collected = _Collection()

    @property
    def name(self) -> str:
        """Last part of the name, for the few textual formats whose loaders go by it (Dockerfile, requirements.txt)."""
        return self.where.rsplit("!", 1)[-1].rsplit("/", 1)[-1]

    # ---- reporting

    def report(
        self,
        rule: Rule,
        fact: str,
        *,
        offset: int = -1,
        length: int = 0,
        what: Text | None = None,
        severity: Severity | None = None,
    ) -> None:
        """A finding under `rule`. `fact` may hold hostile text; `what` replaces the rule's title for this place."""
        finding = Finding(
            where=self.where,
            offset=offset,
            rule=rule.id,
            severity=rule.severity if severity is None else severity,
            nature=rule.nature,
            shown=shown(fact),
            what=rule.title if what is None else what,
            length=length,
        )
        if finding in self.collected.findings:
            return
        if len(self.collected.findings) < self.budget.limits.findings:
            self.collected.findings[finding] = None
        else:
            self.gap(Text("has more findings than are listed", "发现数量超过列出上限"), "limit")

    def gap(self, why: Text, code: GapCode = "damaged") -> None:
        """Something here was not read or not understood."""
        if len(self.collected.gaps) < self.budget.limits.gaps:
            self.collected.gaps[Gap(self.where, code, why)] = None

    def fact(self, name: FactName, value: str) -> None:
        """Something the file says about itself, for the bill of materials. Facts over the limit are dropped."""
        if value and len(self.collected.facts) < self.budget.limits.facts:
            self.collected.facts[Fact(self.where, name, _printable(value))] = None

    def refers_to(
        self, path: str, role: Literal["tensors", "shard", "code", "template", "data"], reach: int = 0
    ) -> None:
        """The loader of this file reads another file. The path is as written; a reader reports it if it leads out."""
        if len(self.collected.references) < self.budget.limits.members:
            self.collected.references[Reference(self.where, _printable(path), role, reach)] = None

    def tensor(self, name: str, dtype: str, shape: Sequence[int], data: Source) -> None:
        """One tensor and where its bytes lie. Bytes are only read later, when somebody asks for digests."""
        if len(self.collected.tensors) >= self.budget.limits.tensors:
            return
        entry = TensorEntry(self.where, _printable(name), dtype, tuple(shape), data.size, offset=data.file_offset)
        self.collected.tensors[entry] = data

    def runs_code(self) -> None:
        """This format can run code by design."""
        self.collected.runs_code = True

    # ---- going deeper

    def inside(self, name: str) -> Examination:
        """The same examination, reporting for a member or payload of this place."""
        inner = object.__new__(Examination)
        inner.where = f"{self.where}!{shown(name, 160)}"
        inner.depth = self.depth + 1
        inner.budget = self.budget
        inner.collected = self.collected
        return inner

    def examine(self, source: Source, name: str, as_format: str | None = None) -> str:
        """Examine a member or payload like a file of its own; answers its format.

        `as_format` skips recognition where the container says what its loader will take the member for.
        """
        inner = self.inside(name)
        if inner.depth > self.budget.limits.depth:
            inner.gap(Text("is nested too deeply", "嵌套过深"), "limit")
            return "unknown"
        return inner.run(source, as_format)

    def run(self, source: Source, as_format: str | None = None) -> str:
        """Recognise the bytes, have their reader read them, and look for second meanings; answers the format."""
        from touchstone.scan.formats import reader_of
        from touchstone.scan.recognise import recognise
        from touchstone.scan.second_meanings import look_for_second_meanings

        kind = as_format
        try:
            self.budget.check_time()
            if kind is None:
                kind = recognise(source, self.name)
                look_for_second_meanings(source, kind, self)
            reader = reader_of(kind)
            if reader is None:
                self.gap(_NO_FORMAT if kind == "unknown" else _no_reader(kind), "format")
            else:
                kind = reader(source, self) or kind
        except LimitReached as limit:
            self.gap(limit.why, "limit")
        except Unreadable as unreadable:
            self.gap(unreadable.why)
        except (MemoryError, RecursionError):
            self.gap(Text("needs too much memory to read", "解析所需内存过大"), "limit")
        except Exception as fault:
            name = type(fault).__name__
            self.gap(Text(f"the reader failed ({name})", f"解析器出错（{name}）"), "reader")
        return kind or "unknown"


_NO_FORMAT: Final = Text("is of no format that is known here", "不属于任何已知格式")


def _no_reader(kind: str) -> Text:
    return Text(f"is of the format {kind}, which is not read here", f"属于 {kind} 格式，此处不予解析")


def _printable(text: str) -> str:
    """Text for a bill of materials: any script, no control or direction characters, bounded."""
    kept = text[:LONGEST_FACT]
    if kept.isprintable():
        return kept
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in kept)
