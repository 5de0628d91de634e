"""What a register of changes shows when it is held against the files, the description and the previous assessment.

A change counts as assessed when it was outside service until everything that depends on it, and had been measured
before, was measured again and passed; or when it falls under a clause that was agreed on before it was made, and the
checks of that clause were run. Whatever differs without a change on record was changed without one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from touchstone.canonical import Digest
from touchstone.records import Note
from touchstone.system.registers.change_envelope import EnvelopeClause
from touchstone.system.registers.changes import Change
from touchstone.system.registers.releases import Release
from touchstone.text import Text

MOST_LISTED = 8
"""Checks that a note names one by one."""


@dataclass(frozen=True, slots=True)
class Before:
    """What is known of the system at its last assessment."""

    finished: datetime
    files: Mapping[str, Digest]
    differing: frozenset[str]
    """Parts in which the description is another one now."""
    checks: frozenset[str]
    """What was measured."""


@dataclass(frozen=True, slots=True)
class ChangeRecord:
    """Everything that a review looks at."""

    changes: Sequence[Change]
    clauses: Sequence[EnvelopeClause]
    releases: Sequence[Release]
    before: Before | None
    files: Mapping[str, Digest]
    """Every file of the system now, by path."""
    documents: frozenset[Digest]
    """Those that were handed in as documents."""
    parts_of: Callable[[str], frozenset[str]]
    """The parts that a file belongs to."""
    affected: Callable[[frozenset[str]], frozenset[str]]
    """The checks that depend on some parts."""


@dataclass(frozen=True, slots=True)
class Judged:
    """One change, and what is to be said against it."""

    change: Change
    parts: frozenset[str]
    """Declared, and those to which its files belong."""
    required: frozenset[str]
    """Checks that had to be run again."""
    clause: EnvelopeClause | None
    """The clause of the envelope under which it falls, where one does."""
    objections: tuple[Text, ...]


@dataclass(frozen=True, slots=True)
class Review:
    """What was found."""

    judged: tuple[Judged, ...]
    unrecorded: tuple[Text, ...]
    """Differences that no change accounts for."""
    remarks: tuple[Note, ...]

    @property
    def unassessed(self) -> int:
        """Changes in service that were not assessed, and changes that nobody recorded."""
        return sum(bool(each.objections) for each in self.judged) + len(self.unrecorded)


def reviewed(record: ChangeRecord) -> Review:
    """Judge every change, and look for changes that are not on record."""
    in_order = sorted(record.changes, key=lambda change: change.at)
    measured_before = _measured_before(record)
    judged: list[Judged] = []
    remarks: list[Note] = []
    for change in in_order:
        remarks += _remarks(change, record)
        judged.append(_judged(change, record, measured_before))
    unrecorded = (
        *_same_name(in_order),
        *_broken(in_order, record),
        *_differing(in_order, record),
        *_released(record),
    )
    return Review(tuple(judged), unrecorded, tuple(remarks))


def _same_name(changes: Sequence[Change]) -> Iterator[Text]:
    for name, count in sorted(Counter(change.id for change in changes).items()):
        if count > 1:
            yield Text(f"{name}: {count} changes have this name", f"{name}：{count} 项变更同名")


def _measured_before(record: ChangeRecord) -> frozenset[str]:
    """The checks that have to be run again when something they depend on changes."""
    if record.before is not None:
        return record.before.checks
    return frozenset(
        check for change in record.changes if change.assessment is not None for check in change.assessment.checks
    )


def _judged(change: Change, record: ChangeRecord, measured_before: frozenset[str]) -> Judged:
    parts = frozenset(change.parts).union(*map(record.parts_of, change.files))
    clause, refusal = _clause(change, parts, record)
    required = frozenset(clause.checks) if clause else record.affected(parts) & measured_before
    if change.released is None:
        return Judged(change, parts, required, clause, ())
    objections = list(_objections(change, required, inside=clause is not None))
    if objections and refusal is not None:  # why the clause is of no help
        objections.insert(0, refusal)
    return Judged(change, parts, required, clause, tuple(objections))


def _objections(change: Change, required: frozenset[str], *, inside: bool) -> Iterator[Text]:
    done, released = change.assessment, change.released
    if done is None:
        if not inside:
            yield Text("went into service without an assessment", "未经测评即投入使用")
        elif required:
            yield Text("the checks of its clause were not run", "未运行其条款规定的检查项")
        return
    if not done.passed:
        yield Text("went into service although its assessment did not allow it", "测评未予放行却投入使用")
    if released is not None and done.finished > released:
        yield Text("went into service before its assessment was done", "测评完成之前即投入使用")
    if done.finished < change.at:
        yield Text("was assessed before it was made", "测评早于变更本身")
    if missing := sorted(required - set(done.checks)):
        yield _not_run_again(missing)


def _not_run_again(missing: Sequence[str]) -> Text:
    few, rest = missing[:MOST_LISTED], len(missing) - MOST_LISTED
    return Text(
        f"depends on it and was not run again: {', '.join(few)}{f' and {rest} more' if rest > 0 else ''}",
        f"受其影响而未重新运行：{'、'.join(few)}{f' 等 {len(missing)} 项' if rest > 0 else ''}",
    )


def _clause(change: Change, parts: frozenset[str], record: ChangeRecord) -> tuple[EnvelopeClause | None, Text | None]:
    """The clause that a change falls under, or why the one that it names does not cover it."""
    if change.envelope is None:
        return None, None
    named = [clause for clause in record.clauses if clause.id == change.envelope]
    if len(named) != 1:
        return None, Text(f"no one clause is called {change.envelope}", f"没有唯一名为 {change.envelope} 的条款")
    [clause] = named
    if clause.document not in record.documents:
        return None, Text(f"the document of clause {clause.id} was not handed in", f"未提交条款 {clause.id} 所载文档")
    if clause.since > change.at.date():
        return None, Text(f"clause {clause.id} was agreed on later", f"条款 {clause.id} 约定在后")
    if wider := sorted(parts - set(clause.parts)):
        return None, Text(
            f"clause {clause.id} does not allow {', '.join(wider)}", f"条款 {clause.id} 不包括 {'、'.join(wider)}"
        )
    return clause, None


def _broken(in_order: Sequence[Change], record: ChangeRecord) -> Iterator[Text]:
    """Files whose changes do not follow from one another, from the last assessment to the files of today."""
    steps: dict[str, list[Change]] = {}
    for change in in_order:
        for path in change.files:
            steps.setdefault(path, []).append(change)
    for path, changes in sorted(steps.items()):
        chain = [changes[0].files[path].before, *(change.files[path].after for change in changes)]
        for earlier, later in pairwise(changes):
            if earlier.files[path].after != later.files[path].before:
                yield Text(
                    f"{path}: {later.id} begins with another file than {earlier.id} left",
                    f"{path}：{later.id} 的起点并非 {earlier.id} 的结果",
                )
        if record.before is not None and record.before.files.get(path) not in chain:
            yield Text(
                f"{path}: the file that was last assessed stands nowhere among its changes",
                f"{path}：上次测评的文件不在其变更链中",
            )
        if record.files.get(path) != chain[-1]:
            yield Text(
                f"{path} is not the file that its last change, {changes[-1].id}, left",
                f"{path} 并非其最后一次变更 {changes[-1].id} 的结果",
            )


def _differing(in_order: Sequence[Change], record: ChangeRecord) -> Iterator[Text]:
    """Files and parts of the description that are not as they were assessed, with no change that names them.

    Registers grow by their nature, and a document that is added takes nothing away.
    """
    if record.before is None:
        return
    recorded = {path for change in in_order for path in change.files}
    since = (each for each in in_order if each.released is None or each.released > record.before.finished)
    named = {part for change in since for part in change.parts}
    for path in sorted((record.files.keys() | record.before.files.keys()) - recorded):
        was, now = record.before.files.get(path), record.files.get(path)
        parts = record.parts_of(path)
        grows = bool(parts) and all(part.startswith("registers.") for part in parts)
        added = was is None and parts == {"documents"}
        if was != now and not grows and not added:
            yield Text(
                f"{path} is not as it was last assessed, and no change names it",
                f"{path} 与上次测评时不同，而无任何变更提及",
            )
    for part in sorted(record.before.differing - named):
        if not part.startswith("registers.") and part != "documents":
            yield Text(
                f"{part}: the description is not as it was last assessed, and no change names it",
                f"{part}：描述与上次测评时不同，而无任何变更提及",
            )


def _released(record: ChangeRecord) -> Iterator[Text]:
    """Models that went into service without a change, or by a change that says that it is not in service."""
    steps = [(change, step) for change in record.changes for step in change.files.values()]
    known = {digest for _, step in steps for digest in (step.before, step.after)}
    known |= set(record.before.files.values()) if record.before is not None else set()
    in_service = {step.after for change, step in steps if change.released is not None}
    pending = {step.after: change.id for change, step in steps if change.released is None}
    for position, release in enumerate(sorted(record.releases, key=lambda each: each.released)):
        if position and release.model not in known:
            yield Text(
                f"release {release.version}: no change names the model that went into service",
                f"版本 {release.version}：无任何变更提及其投入使用的模型",
            )
        elif release.model in pending and release.model not in in_service:
            made_by = pending[release.model]
            yield Text(
                f"release {release.version}: {made_by} made its model and says that it is not in service",
                f"版本 {release.version}：其模型出自 {made_by}，而该变更称尚未投入使用",
            )


def _remarks(change: Change, record: ChangeRecord) -> Iterator[Note]:
    silent = sorted(frozenset().union(*map(record.parts_of, change.files)) - set(change.parts))
    if silent:
        yield Note(
            code="parts-left-out",
            text=Text(
                f"{change.id}: its files show that {', '.join(silent)} changed too",
                f"{change.id}：其文件表明 {'、'.join(silent)} 亦有变更",
            ),
        )
    if change.released is None:
        yield Note(
            code="not-in-service",
            text=Text(f"{change.id} is not in service yet and does not count", f"{change.id} 尚未投入使用，不予计入"),
        )
