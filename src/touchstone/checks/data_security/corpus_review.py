"""What people's review of a corpus shows: only drawn rows count, and a drawn row that nobody read has failed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from touchstone.canonical import Digest
from touchstone.checks.named_entries import entries_note, notes_by_reason
from touchstone.checks.register_controls import Audit
from touchstone.checks.shares import share_metric
from touchstone.records import Note
from touchstone.standard.content_risks import content_risks
from touchstone.system.registers.corpus_review import RowReview
from touchstone.text import Text

MOST_READ = 20 * 60 * 24 * 60
"""Characters that nobody reads in a day: twenty a second for all of its hours."""

_REASONS = {
    "not-drawn": Text(
        "reviews of rows that were not drawn by lot do not count; row", "以下行未被抽中，其抽检记录不计；行号"
    ),
    "text-changed": Text(
        "reviews of another text than the row now holds do not count; row", "抽检时的文本与现文本不同，不计；行号"
    ),
    "source-differs": Text(
        "reviews that name another source than the data do not count; row", "所注来源与数据不符，不计；行号"
    ),
    "unknown-risk": Text("reviews name a risk that is not known; row", "所注风险种类未知；行号"),
    "read-too-fast": Text(
        "reviews by people who in one day went through more than anybody can read do not count; row",
        "抽检人员一日内的阅读量超出人力所能，不计；行号",
    ),
}


@dataclass(frozen=True, slots=True)
class DrawnRow:
    """A row of the sample."""

    text_digest: Digest
    characters: int
    source: str | None
    found: tuple[str, ...] = ()
    """Topics that make it unfit by the words in it."""


@dataclass(frozen=True, slots=True)
class CorpusReview:
    """The sample, by numbers of rows from 1, and what was entered about it."""

    rows: Mapping[int, DrawnRow]
    entries: tuple[RowReview, ...]
    of: int
    """Rows of the whole corpus."""


def audit_review(review: CorpusReview) -> Audit:
    """The share of drawn rows that everybody who read them passed, and what is wrong with the review."""
    hurried = _read_too_fast(review)
    judged = [(entry, _why_not(entry, review, hurried)) for entry in review.entries]
    verdicts: dict[int, dict[str, bool]] = defaultdict(dict)
    for entry in (entry for entry, why_not in judged if why_not in (None, "unknown-risk")):
        before = verdicts[entry.row].get(entry.reviewer, True)
        verdicts[entry.row][entry.reviewer] = before and entry.verdict == "pass"
    passed = {row for row, given in verdicts.items() if all(given.values())}
    twice = [row for row, given in verdicts.items() if len(given) > 1]
    agreed = [row for row in twice if len(set(verdicts[row].values())) == 1]
    metrics = [
        share_metric("manual_pass_rate", len(passed), len(review.rows), "higher", whole=len(review.rows) == review.of)
    ]
    if twice:
        metrics.append(share_metric("reviewer_agreement", len(agreed), len(twice), "higher"))
    return Audit(
        tuple(metrics),
        (
            *notes_by_reason(((str(entry.row), why_not) for entry, why_not in judged), _REASONS),
            *_rows_note(
                "not-reviewed",
                review.rows.keys() - verdicts.keys(),
                Text(
                    "drawn rows without a review count as failed; row", "以下被抽中的行无有效抽检记录，按未通过计；行号"
                ),
            ),
            *_rows_note(
                "reviewers-disagree",
                set(twice) - set(agreed),
                Text("reviewers disagree, which counts as failed; row", "抽检人员意见不一，按未通过计；行号"),
            ),
            *_rows_note(
                "passed-with-findings",
                {row for row in passed if review.rows[row].found},
                Text(
                    "reviewers passed rows in which the search found something; have them read again; row",
                    "人工判为通过、但技术检测有命中，请复核；行号",
                ),
            ),
        ),
    )


def _why_not(entry: RowReview, review: CorpusReview, hurried: set[tuple[str, date]]) -> str | None:
    """What is wrong with an entry by itself."""
    row = review.rows.get(entry.row)
    if row is None:
        return "not-drawn"
    if entry.text_digest != row.text_digest:
        return "text-changed"
    if entry.source is not None and entry.source != row.source:
        return "source-differs"
    if _desk(entry) in hurried:
        return "read-too-fast"
    if entry.risk is not None and entry.risk not in content_risks().risks:
        return "unknown-risk"
    return None


def _desk(entry: RowReview) -> tuple[str, date]:
    return entry.reviewer, entry.day


def _read_too_fast(review: CorpusReview) -> set[tuple[str, date]]:
    """People and days with more characters than a day has time for."""
    read: dict[tuple[str, date], dict[int, int]] = defaultdict(dict)
    for entry in review.entries:
        if entry.row in review.rows:
            read[_desk(entry)][entry.row] = review.rows[entry.row].characters
    return {desk for desk, rows in read.items() if sum(rows.values()) > MOST_READ}


def _rows_note(code: str, rows: Iterable[int], what: Text) -> tuple[Note, ...]:
    named = [str(row) for row in sorted(rows)]
    return (entries_note(code, named, what),) if named else ()
