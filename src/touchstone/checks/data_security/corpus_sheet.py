"""For whoever keeps a training corpus: the sheet of rows that people have to read, and every row to look at."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from touchstone.canonical import digest_of
from touchstone.checks.data_security.corpus_lexicons import installed_content_scanner
from touchstone.errors import UnavailableError
from touchstone.methods.content.lot import drawn
from touchstone.system.data.dataset import LabelledData
from touchstone.system.subject import Subject
from touchstone.text import Text


def corpus_of(subject: Subject) -> LabelledData:
    """The training texts. Raises `UnavailableError` where the training data are none, or are no texts."""
    if subject.description.model.input.kind != "text":
        raise UnavailableError(
            Text("the training data are no texts", "训练数据不是文本"),
            "data.train",
            Text("this can be done with corpora of texts only", "仅适用于文本语料"),
        )
    return subject.data("train")


def rows_to_read(subject: Subject, size: int) -> list[int]:
    """Rows from 0, in the order of the lot, which follows from the digest of the training data: nobody chooses."""
    rows = len(corpus_of(subject))
    return drawn(subject.record(subject.description.data.declared()["train"].path).digest, rows, size)


def sheet(subject: Subject, size: int) -> Iterator[str]:
    """Lines of a register `corpus-review` to be filled in: the text, and blanks for reviewer, verdict, risk and day."""
    corpus = corpus_of(subject)
    for row in rows_to_read(subject, size):
        text = str(corpus.inputs[row])
        source = {} if corpus.sites is None else {"source": str(corpus.sites[row])}
        blanks = {"reviewer": "", "verdict": "", "risk": None, "day": ""}
        entry = {"row": row + 1, "text": text, **source, **blanks, "text_digest": digest_of(text.encode())}
        yield json.dumps(entry, ensure_ascii=False)


def found_rows(subject: Subject) -> Iterator[dict[str, Any]]:
    """Every topic found in every row, with the words that were found: for the supplier, not for evidence."""
    corpus = corpus_of(subject)
    for hit in installed_content_scanner().scan(corpus.inputs.tolist()):
        source = {} if corpus.sites is None else {"source": str(corpus.sites[hit.text])}
        topic = {"topic": hit.topic.name, "risk": hit.topic.entry.risk, "unfit": hit.topic.unfit}
        yield {"row": hit.text + 1, **source, **topic, "words": list(hit.words)}
