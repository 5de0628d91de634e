"""Which files make up the model under test, and what the scanner says about each by itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from touchstone.errors import UnavailableError
from touchstone.scan.file import scan_bytes
from touchstone.scan.findings import FileResult
from touchstone.system.subject import FileRecord, Subject
from touchstone.text import Text


def model_files(subject: Subject) -> list[FileRecord]:
    """The files of the model and of its deployed forms, each once, sorted by path.

    Raises `UnavailableError` when none was handed in.
    """
    model = subject.description.model
    forms = (model, *(model.deployed or ()))
    paths = {path for form in forms for path in (form.file, *form.more_files) if path is not None}
    if not paths:
        raise UnavailableError(
            Text("no model file was handed in", "未提交模型文件"),
            "model.file",
            Text("hand in the artefact, or leave this control untested", "请提交模型文件，否则该控制项记为未测试"),
        )
    return sorted({subject.record(path) for path in paths}, key=lambda record: record.path)


def scanned(subject: Subject, records: Sequence[FileRecord]) -> Iterator[FileResult]:
    """Each file as the scanner sees it, one after the other. Nothing of them is loaded."""
    for record in records:
        yield scan_bytes(subject.read(record.path), record.path)
