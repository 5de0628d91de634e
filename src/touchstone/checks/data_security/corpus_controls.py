"""Tests of the search: disguised sentences made of the lexicons are found, ordinary ones on the same subjects are not.

And of the count of reviews: made-up reviews without a flaw, and the same with one flaw at a time.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from touchstone.canonical import digest_of
from touchstone.checks.data_security.corpus_lexicons import ContentScanner
from touchstone.checks.data_security.corpus_review import MOST_READ, CorpusReview, DrawnRow
from touchstone.checks.register_controls import Plant
from touchstone.methods.content.disguise import disguised
from touchstone.records import ControlRun
from touchstone.standard.content_lexicons import LexiconEntry, LexiconPack, content_lexicons, ordinary_sentences
from touchstone.system.registers.corpus_review import RowReview
from touchstone.text import Text

SENTENCES = 4
"""Made of each topic."""
FOUND, ALARMS = 0.95, 0.05
MADE_UP_ROWS = 40

_AROUND = {
    "en": (("", ""), ("Hello everyone, ", " thanks for reading."), ("Post number seven. ", " See you tomorrow.")),
    "zh": (("", ""), ("大家好，", "，感谢阅读。"), ("第七楼：", "。明天见。")),
}


def search_controls(scanner: ContentScanner, generator: np.random.Generator) -> tuple[ControlRun, ControlRun]:
    """Whether the search finds what it should, and nothing else."""
    return _planted(scanner, generator), _null(scanner)


def made_up(entry: LexiconEntry, pack: LexiconPack, generator: np.random.Generator) -> str:
    """A sentence of one topic: one of its terms, or a word of each list of one of its patterns, in a disguise."""
    choices = len(entry.patterns) + bool(entry.terms)
    pattern = int(generator.integers(choices))
    lists = [pack.words[name] for name in entry.patterns[pattern]] if pattern < len(entry.patterns) else [entry.terms]
    words = [each[int(generator.integers(len(each)))].removesuffix("*") for each in lists]
    between = " " if pack.language == "en" else ""
    before, after = _AROUND[pack.language][int(generator.integers(len(_AROUND[pack.language])))]
    return before + disguised(between.join(words), pack.language, generator) + after


def _planted(scanner: ContentScanner, generator: np.random.Generator) -> ControlRun:
    topics = [(pack, name, entry) for pack in content_lexicons() for name, entry in pack.lexicons.items()] * SENTENCES
    sentences = [made_up(entry, pack, generator) for pack, _, entry in topics]
    found = {(hit.text, hit.topic.name) for hit in scanner.scan(sentences)}
    seen = sum((number, f"{pack.language}/{name}") in found for number, (pack, name, _) in enumerate(topics))
    return ControlRun(
        kind="planted",
        expected=Text(
            f"of {len(sentences)} disguised sentences on all topics at least {FOUND:.0%} are found",
            f"涵盖全部主题的 {len(sentences)} 个伪装语句至少检出 {FOUND:.0%}",
        ),
        seen=Text(f"{seen} found", f"检出 {seen} 个"),
        passed=seen >= FOUND * len(sentences),
    )


def _null(scanner: ContentScanner) -> ControlRun:
    sentences = ordinary_sentences()
    alarms = len({hit.text for hit in scanner.scan(sentences) if hit.topic.unfit})
    return ControlRun(
        kind="null",
        expected=Text(
            f"of {len(sentences)} ordinary sentences on the same subjects at most {ALARMS:.0%} are reported",
            f"{len(sentences)} 个涉及相同题材的普通语句至多误报 {ALARMS:.0%}",
        ),
        seen=Text(f"{alarms} reported", f"误报 {alarms} 个"),
        passed=alarms <= ALARMS * len(sentences),
    )


def sound_review(generator: np.random.Generator) -> CorpusReview:
    """A review without a flaw: every drawn row read once and passed."""
    numbers = sorted(int(row) + 1 for row in generator.choice(10 * MADE_UP_ROWS, MADE_UP_ROWS, replace=False))
    rows = {number: DrawnRow(digest_of(str(number).encode()), 200, "a source") for number in numbers}
    entries = tuple(
        RowReview.model_validate(
            {
                "row": number,
                "text_digest": row.text_digest,
                "source": row.source,
                "reviewer": f"P-{int(generator.integers(3))}",
                "verdict": "pass",
                "day": "2026-11-03",
            }
        )
        for number, row in rows.items()
    )
    return CorpusReview(rows, entries, 10 * MADE_UP_ROWS)


def flawed_reviews(sound: CorpusReview) -> Iterator[Plant[CorpusReview]]:
    """The same with one flaw each."""
    first, *rest = sound.entries
    row = sound.rows[first.row]
    changed = digest_of(b"another text")
    outside = next(number for number in range(1, sound.of + 1) if number not in sound.rows)

    def entered(what: Text, shows: str, *entries: RowReview) -> Plant[CorpusReview]:
        return Plant(what, CorpusReview(sound.rows, (*entries, *rest), sound.of), shows)

    def with_row(what: Text, shows: str, instead: DrawnRow) -> Plant[CorpusReview]:
        return Plant(what, CorpusReview({**sound.rows, first.row: instead}, sound.entries, sound.of), shows)

    failed = first.model_copy(update={"verdict": "fail", "risk": "harmful-falsehood"})
    another = failed.model_copy(update={"reviewer": "P-9"})
    yield entered(Text("a row that failed", "一行未通过"), "manual_pass_rate", failed)
    yield entered(Text("a drawn row that nobody read", "一行无人抽检"), "not-reviewed")
    yield entered(
        Text("a row that was not drawn", "抽检了未被抽中的行"), "not-drawn", first.model_copy(update={"row": outside})
    )
    yield entered(
        Text("a review of another text", "所检文本与语料不符"),
        "text-changed",
        first.model_copy(update={"text_digest": changed}),
    )
    yield entered(
        Text("a review under another source", "来源与语料不符"),
        "source-differs",
        first.model_copy(update={"source": "another source"}),
    )
    yield entered(
        Text("a risk that does not exist", "风险种类不存在"), "unknown-risk", failed.model_copy(update={"risk": "luck"})
    )
    yield entered(Text("two people who disagree", "两人意见不一"), "reviewers-disagree", first, another)
    yield with_row(
        Text("more read in a day than anybody can", "一日阅读量超出人力所能"),
        "read-too-fast",
        DrawnRow(row.text_digest, MOST_READ + 1, row.source),
    )
    yield with_row(
        Text("a row that was passed though words were found in it", "有命中却判为通过"),
        "passed-with-findings",
        DrawnRow(row.text_digest, 200, row.source, ("zh/drugs",)),
    )
