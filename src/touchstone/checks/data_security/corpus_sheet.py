"""The rows of a training corpus that people have to read, drawn by lot, and the sheet on which they do."""

from __future__ import annotations

import json
from collections.abc import Iterator

from touchstone.canonical import digest_of
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
