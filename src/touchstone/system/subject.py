"""A system opened for testing: every file hashed, model and data behind typed, lazy handles."""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from io import BufferedReader
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from touchstone.canonical import Digest, digest_of, digest_of_json
from touchstone.errors import ArtifactError, DescriptionError, UnavailableError, UserError
from touchstone.files import FileError, open_regular
from touchstone.records import Access, plain
from touchstone.scan.recognise import recognise
from touchstone.scan.source import FileSource
from touchstone.system.data.dataset import LabelledData
from touchstone.system.deployed import deployed_model
from touchstone.system.description import DeployedForm, FactValue, Role, SystemDescription
from touchstone.system.loading import description_file, load_description
from touchstone.system.models.handle import ModelHandle
from touchstone.system.references import MOST_FILES, files_below, normal, references, resolve, too_many
from touchstone.system.shown_facts import facts_of
from touchstone.text import Text

if TYPE_CHECKING:
    from touchstone.system.models.chat import ChatService
    from touchstone.system.registers.entry import Entry

CHUNK = 1024 * 1024

_Opened = TypeVar("_Opened")
Kind = TypeVar("Kind", bound="Entry")


@dataclass(frozen=True, slots=True)
class FileRecord:
    """One file of the system as it was when opened. `path` is POSIX, relative to the description's folder."""

    path: str
    size: int
    digest: Digest
    format: str
    """What the bytes are (`onnx`, `pickle`, `csv`, …), whatever the name says."""


@dataclass(frozen=True, slots=True)
class Subject:
    """One system under test. Cheap to open; models and data are read when first asked for."""

    root: Path
    description: SystemDescription
    files: tuple[FileRecord, ...]
    """Sorted by path."""
    digest: Digest
    """SHA-256 over the description and the digests of all its files: the system's only name."""
    _opened: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)
    """What was opened so far, so that asking twice reads once."""

    @property
    def access(self) -> Access:
        """What the applicant lets the tester see."""
        return self.description.model.access

    @property
    def facts(self) -> dict[str, FactValue]:
        """What decides which controls apply: the declared facts, and those the description itself shows.

        They follow from the description alone, so whoever reads it in the evidence finds the same.
        """
        return facts_of(self.description)

    @property
    def queries(self) -> int:
        """Samples or conversations the model has answered so far; zero while it is unopened."""
        asked = (self._opened.get(name) for name in ("model", "assistant", "unguarded"))
        return sum(each.queries for each in asked if each is not None)

    def model(self) -> ModelHandle:
        """The model, opened on first use. Raises `UnavailableError` when it cannot be opened safely."""
        from touchstone.system.models.opening import open_model

        return self._once("model", lambda: open_model(self))

    def deployed(self, form: DeployedForm) -> ModelHandle:
        """One of the declared deployed forms of the model, opened on first use. Raises like :meth:`model`."""
        from touchstone.system.models.opening import open_model

        declared = deployed_model(self.description.model, form)
        as_model = replace(self, description=self.description.model_copy(update={"model": declared}), _opened={})
        return self._once(f"deployed.{form.name}", lambda: open_model(as_model, form.runtime))

    def assistant(self) -> ChatService:
        """The assistant of a generating system, opened on first use. Raises `UnavailableError` for any other system."""
        from touchstone.system.models.chat import open_assistant

        return self._once("assistant", lambda: open_assistant(self))

    def unguarded_assistant(self) -> ChatService:
        """The same model without its guards. Raises `UnavailableError` where no such form is declared."""
        from touchstone.system.models.chat import open_assistant

        return self._once("unguarded", lambda: open_assistant(self, guarded=False))

    def data(self, role: Role) -> LabelledData:
        """A data set, read and validated on first use. Raises `UnavailableError` when it was not handed in."""
        from touchstone.system.data.reading import read_data

        return self._once(f"data.{role}", lambda: read_data(self, role))

    def register(self, kind: type[Kind]) -> tuple[Kind, ...]:
        """The entries of one register, read and validated on first use; exactly one where the kind is `single`.

        Raises `UnavailableError` when it was not handed in.
        """
        from touchstone.system.registers.reading import read_register

        path = (self.description.registers or {}).get(kind.register)
        if path is None:
            raise UnavailableError(
                Text(f"the register “{kind.about.en}” was not handed in", f"未提交登记记录“{kind.about.zh}”"),
                f"registers.{kind.register}",
                Text(
                    f"declare its file under `registers:` as `{kind.register}`; docs/reference says what it holds",
                    f"请在 `registers:` 下以 `{kind.register}` 声明其文件；内容见参考文档",
                ),
            )
        return self._once(f"registers.{kind.register}", lambda: read_register(self, path, kind))

    def register_if_any(self, kind: type[Kind]) -> tuple[Kind, ...]:
        """The same as :meth:`register`, for a register that need not be there: no entries then."""
        return self.register(kind) if kind.register in (self.description.registers or {}) else ()

    def record(self, path: str) -> FileRecord:
        """What was recorded of one file when the system was opened. Raises `ArtifactError` for any other path."""
        try:
            wanted = normal(path)
        except FileError as error:
            raise ArtifactError(error.what, error.where, error.remedy) from None
        place = bisect_left(self.files, wanted, key=lambda record: record.path)
        if place == len(self.files) or self.files[place].path != wanted:
            raise ArtifactError(Text("is not a file of this system", "不是该系统的文件"), path)
        return self.files[place]

    def below(self, folder: str) -> tuple[FileRecord, ...]:
        """All files below a folder of the system, sorted by path."""
        prefix = normal(folder) + "/"
        return tuple(record for record in self.files if record.path.startswith(prefix))

    def read(self, path: str) -> bytes:
        """The bytes of one file, checked against the digest taken when the system was opened.

        The bytes returned are the bytes that were checked. Raises `ArtifactError` when the file changed.
        """
        record = self.record(path)
        with self._open(record) as stream:
            content = stream.read(record.size + 1)
        _require_same(record, digest_of(content))
        return content

    def locate(self, path: str) -> Path:
        """A verified file's place on disk, for a runtime that reads files itself. Raises `ArtifactError` like `read`.

        Between this check and the runtime's own opening, somebody who can write to the folder could still exchange
        the file. Prefer :meth:`read`; use this only where the bytes do not fit into memory, or where several files
        must lie side by side, on a folder that nobody else writes to while it is tested.
        """
        record = self.record(path)
        with self._open(record) as stream:
            _require_same(record, "sha256:" + hashlib.file_digest(stream, "sha256").hexdigest())
        return resolve(self.root, record.path)

    def _open(self, record: FileRecord) -> BufferedReader:
        try:
            return open_regular(resolve(self.root, record.path), record.path)
        except FileError as error:
            raise ArtifactError(error.what, error.where, error.remedy) from None

    def _once(self, name: str, opened: Callable[[], _Opened]) -> _Opened:
        if name not in self._opened:
            self._opened[name] = opened()
        found: _Opened = self._opened[name]
        return found


def open_system(path: Path) -> Subject:
    """Open the system described by `path`, a `system.yaml` or the folder that holds one. Executes nothing of it.

    Every file is read once and hashed. Raises `DescriptionError` with everything that is wrong.
    """
    file = description_file(path)
    description, _ = load_description(file)
    root = file.parent.resolve()
    files = tuple(_fingerprint(root, name) for name in _all_files(root, description))
    return Subject(root, description, files, system_digest(description, files))


def system_digest(description: SystemDescription, files: tuple[FileRecord, ...]) -> Digest:
    """The system's name: what was declared, and the content of every file, independent of place and comments."""
    return digest_of_json(
        {
            "schema": "touchstone.system-digest/v1",
            "description": description_json(description),
            "files": [{"path": file.path, "size": file.size, "digest": file.digest} for file in files],
        }
    )


def description_json(description: SystemDescription) -> dict[str, Any]:
    """The description as it is signed and handed on: plain JSON with decimals as strings."""
    plain_json: dict[str, Any] = _without_floats(description.model_dump(mode="json", by_alias=True))
    return plain_json


def _all_files(root: Path, description: SystemDescription) -> list[str]:
    """Every file of the system once, sorted by path."""
    names: set[str] = set()
    problems: list[UserError] = []
    for reference in references(description):
        try:
            if reference.folder:
                names.update(files_below(root, reference.path, MOST_FILES))
            else:
                names.add(normal(reference.path))
        except FileError as problem:
            problems.append(problem)
    if len(names) > MOST_FILES:
        problems.append(too_many())
    if problems:
        raise DescriptionError(problems)
    return sorted(names)


def _fingerprint(root: Path, name: str) -> FileRecord:
    """Read one file from end to end, once."""
    hasher = hashlib.sha256()
    size = 0
    try:
        with open_regular(resolve(root, name), name) as stream:
            while chunk := stream.read(CHUNK):
                hasher.update(chunk)
                size += len(chunk)
            kind = recognise(FileSource(stream.fileno(), size), name)
    except FileError as problem:
        raise DescriptionError([problem]) from None
    return FileRecord(name, size, "sha256:" + hasher.hexdigest(), kind)


def _require_same(record: FileRecord, digest: Digest) -> None:
    if digest != record.digest:
        raise ArtifactError(
            Text("changed since the system was opened", "在系统打开之后被更改"),
            record.path,
            Text("leave the folder alone while it is tested, then start again", "测评期间请勿改动该目录，然后重新开始"),
        )


def _without_floats(value: Any) -> Any:
    """The same JSON with every float as a decimal string, exact to the last digit."""
    if isinstance(value, float):
        return plain(Decimal(repr(value)).normalize())
    if isinstance(value, dict):
        return {key: _without_floats(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_floats(item) for item in value]
    return value
