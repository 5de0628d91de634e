"""Is what a register speaks of the system under test? Compared by version and by the digests of files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from touchstone.canonical import Digest
from touchstone.system.registers.state import State
from touchstone.system.subject import Subject
from touchstone.text import Text


@dataclass(frozen=True, slots=True)
class PresentState:
    """The system as it was handed in."""

    version: str
    files: Mapping[str, Digest]
    """Every file by its path."""
    model: tuple[str, ...]
    """Files that make the model what it is: whoever decides on it has to have seen them."""

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
    model = subject.description.model
    named = [model.file, *model.more_files]
    if model.format == "predictions" and subject.description.data.test is not None:
        named.append(subject.description.data.test.path)
    files = {record.path: record.digest for record in subject.files}
    return PresentState(subject.description.system.version, files, tuple(path for path in named if path in files))
