"""Is what a register speaks of the system under test? Compared by version and by the digests of files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from touchstone.canonical import Digest
from touchstone.checks.model_integrity.model_files import model_files
from touchstone.errors import UnavailableError
from touchstone.system.registers.releases import Release
from touchstone.system.registers.state import State
from touchstone.system.subject import FileRecord, Subject
from touchstone.text import Text


@dataclass(frozen=True, slots=True)
class PresentState:
    """The system as it was handed in."""

    version: str
    files: Mapping[str, Digest]
    """Every file by its path."""
    model: tuple[str, ...]
    """Files that make the model what it is: whoever decides on it has to have seen them."""
    released: date | None = None
    """The first day of this version in service, by the record of releases."""

    def difference(self, recorded: State) -> Text | None:
        """Why `recorded` is another state than this one; `None` when it is this one."""
        if recorded.version != self.version:
            return Text(
                f"is about version {recorded.version}, not {self.version}",
                f"所涉版本为 {recorded.version}，而非 {self.version}",
            )
        for path in self.model:
            if path not in recorded.files:
                return Text(f"does not say which {path} it is about", f"未说明所涉的 {path} 为何")
        for path, digest in recorded.files.items():
            if self.files.get(path) != digest:
                return Text(f"is about another {path}", f"所涉的 {path} 与被测文件不同")
        return None

    def as_recorded(self) -> State:
        """This state, as a register would hold it."""
        return State(version=self.version, files={path: self.files[path] for path in self.model})


def present_state(subject: Subject) -> PresentState:
    """The state of a subject. Of a model behind a service there is no file: only its version can be compared."""
    files = {record.path: record.digest for record in subject.files}
    model = tuple(record.path for record in _of_the_model(subject))
    version = subject.description.system.version
    days = (each.released.date() for each in subject.register_if_any(Release) if each.version == version)
    return PresentState(version, files, model, min(days, default=None))


def _of_the_model(subject: Subject) -> Sequence[FileRecord]:
    """The files of the model and of its deployed forms, or the predictions that stand for it."""
    test = subject.description.data.test
    if subject.description.model.format == "predictions" and test is not None:
        return subject.below(test.path) if test.format == "image-folder" else [subject.record(test.path)]
    try:
        return model_files(subject)
    except UnavailableError:
        return ()
