"""All outputs together: which shares are labelled, and of which outputs something has to be said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from touchstone.canonical import digest_of
from touchstone.checks.governance.labelled_outputs import FAULTS, NOT_MEASURED, Judged, Labelling, Output, judged
from touchstone.checks.least_samples import too_few
from touchstone.checks.named_entries import entries_note, notes_by_reason
from touchstone.checks.register_controls import Audit
from touchstone.checks.shares import share_metric
from touchstone.records import Metric, Note
from touchstone.text import Text

EXPLICIT, IMPLICIT = "explicit_label_present", "implicit_label_present"
UNIT = "share_of_outputs"


@dataclass(frozen=True, slots=True)
class Sample:
    """Outputs that were looked at, each once, and how many files were copies of others."""

    found: tuple[Judged, ...]
    copies: int


def judge_outputs(outputs: Iterable[Output], labelling: Labelling) -> Sample:
    """Every output once, however often it was handed in; a number that several of them bear labels none of them."""
    found: list[Judged] = []
    seen: set[str] = set()
    copies = 0
    for output in outputs:
        own = output.id if output.content is None else digest_of(output.content)
        if own in seen:
            copies += 1
        else:
            seen.add(own)
            found.append(judged(output, labelling))
    borne = Counter((each.label.producer, each.label.number) for each in found if each.label is not None)
    return Sample(
        tuple(
            replace(each, implicit="number-twice")
            if each.label is not None and borne[each.label.producer, each.label.number] > 1
            else each
            for each in found
        ),
        copies,
    )


def audit_outputs(outputs: Iterable[Output], labelling: Labelling, least: int) -> Audit:
    """The shares of labelled outputs, and notes that name the outputs."""
    return audit_sample(judge_outputs(outputs, labelling), least)


def audit_sample(sample: Sample, least: int) -> Audit:
    """The same of outputs that are judged already.

    That all are labelled is only said where every output could be measured and there are `least` of them; that some
    are not, one output shows.
    """
    found = sample.found
    notes = (
        *too_few(least, len(found), Text("different outputs were handed in", "提交的不同样本")),
        *_copies(sample.copies),
        *_notes(found),
    )
    explicit = [(each.medium, each.explicit) for each in found]
    implicit = [(each.medium, each.implicit) for each in found]
    return Audit((*_shares(EXPLICIT, explicit, least), *_shares(IMPLICIT, implicit, least)), notes)


def _shares(metric: str, found: Sequence[tuple[str, str | None]], least: int) -> Iterator[Metric]:
    measured = [(medium, code) for medium, code in found if code not in NOT_MEASURED]
    labelled = sum(code is None for _, code in measured)
    whole = len(measured) == len(found) >= least
    if measured and (labelled < len(measured) or whole):
        yield share_metric(metric, labelled, len(measured), "higher", unit=UNIT)
    for medium in sorted({medium for medium, _ in measured}):
        codes = [code for each, code in measured if each == medium]
        yield share_metric(metric, codes.count(None), len(codes), "higher", unit=UNIT, part=medium)


def _notes(found: Sequence[Judged]) -> Iterator[Note]:
    codes = [(each.id, code) for each in found for code in dict.fromkeys((each.explicit, each.implicit))]
    yield from notes_by_reason(((name, code) for name, code in codes if code in NOT_MEASURED), NOT_MEASURED)
    yield from notes_by_reason(((name, code) for name, code in codes if code in FAULTS), FAULTS)
    labels = [(each.id, each.label) for each in found if each.label is not None]
    if doubtful := [name for name, label in labels if label.label != "1"]:
        what = Text(
            "labels say of content that was generated that it may have been", "隐式标识称生成内容仅为可能或疑似生成"
        )
        yield entries_note("label-doubts", doubtful, what)
    if incomplete := [name for name, label in labels if label.absent]:
        what = Text("labels lack members that the standard lists", "隐式标识缺少标准所列字段")
        yield entries_note("members-absent", incomplete, what)


def _copies(number: int) -> tuple[Note, ...]:
    if not number:
        return ()
    text = Text(
        f"{number} files are copies of others and were not counted again", f"{number} 个文件与其他文件相同，未重复计数"
    )
    return (Note(code="copies", text=text),)
