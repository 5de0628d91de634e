"""Members of PyTorch's zip archives that are no pickles: raw storages, and small records with a fixed content.

A storage is the bytes of one tensor. Only what it begins with is looked at: nothing but the pickle beside it ever reads
it, and it may be gigabytes long. What the pickle says about its storages must fit them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from touchstone.scan.examination import Examination
from touchstone.scan.findings import Rule
from touchstone.scan.source import Source
from touchstone.scan.tensor_beginnings import RULES as TENSOR_RULES
from touchstone.scan.tensor_beginnings import look_at_beginning
from touchstone.text import Text

if TYPE_CHECKING:
    from touchstone.scan.pickle_machine.machine import Reading

STORAGE_NAME: Final = Rule(
    id="torch/storage-name",
    severity="medium",
    nature="threat",
    title=Text("A storage is called by a name that is no plain name", "存储的名称不是普通名称"),
    remedy=Text("Refuse the model; PyTorch numbers its storages.", "拒绝该模型；PyTorch 以编号命名存储。"),
    references=("CWE-22",),
)
SHORT_STORAGE: Final = Rule(
    id="torch/short-storage",
    severity="high",
    nature="threat",
    title=Text("A tensor claims more bytes than its storage holds", "张量声明的字节数超过其存储内容"),
    remedy=Text(
        "Refuse the model: a loader that does not check reads or writes beyond the memory of the tensor.",
        "拒绝该模型：未作检查的加载器会越界读写内存。",
    ),
    references=("CWE-125", "CVE-2026-24747"),
)
RULES: Final[tuple[Rule, ...]] = (STORAGE_NAME, SHORT_STORAGE, *TENSOR_RULES)

_RECORDS: Final = frozenset(
    {
        "version",
        "byteorder",
        ".format_version",
        ".storage_alignment",
        "serialization_id",
        "archive_format",
        "archive_version",
    }
)
_RECORD: Final = re.compile(rb"(little|big|pt2|[0-9.]{1,64})\n?")
_LONGEST_RECORD: Final = 66
_STORAGE_NAME: Final = re.compile(r"[\w-][\w.-]*")
_FOLDERS: Final = {"data.pkl": "data", "constants.pkl": "constants"}
"""Pickles that refer to storages, and the folder beside them in which those lie. Those of `traced_inputs.pkl` are left
empty by PyTorch."""


def is_known_record(name: str, content: Source) -> bool:
    """Whether a member is one of the small records that PyTorch writes: numbers and words that only it reads."""
    if content.size > _LONGEST_RECORD or name.rsplit("/", 1)[-1] not in _RECORDS:
        return False
    return _RECORD.fullmatch(content.read(0, _LONGEST_RECORD)) is not None


def read_storage(source: Source, examination: Examination) -> None:
    """Look at what a tensor's bytes begin with."""
    look_at_beginning(source, "the storage", 0, examination)


def relate_storages(members: Mapping[str, Source], examination: Examination) -> None:
    """Compare what the pickles of an archive say about their storages with the storages, and list the tensors.

    `members` are the archive's pickles and storages by their names.
    """
    for name, content in members.items():
        root, _, last = name.rpartition("/")
        if last in _FOLDERS:
            folder = f"{root}/{_FOLDERS[last]}" if root else _FOLDERS[last]
            _relate(_followed(content, examination), folder, members, examination.inside(name))


def _followed(content: Source, examination: Examination) -> Reading:
    from touchstone.scan.pickle_machine.machine import Loader, Machine
    from touchstone.scan.pickle_machine.notes import Notes

    return Machine(content, 0, Notes(), examination.budget, Loader(joblib=False, persistent=True)).run()


def _relate(reading: Reading, folder: str, members: Mapping[str, Source], examination: Examination) -> None:
    from touchstone.scan.pickle_machine.torch_tensors import DTYPES

    for key, (storage_type, elements) in reading.storages.items():
        _, width = DTYPES.get(storage_type.name, ("", 0))
        storage = members.get(f"{folder}/{key}")
        if _STORAGE_NAME.fullmatch(key) is None:
            examination.report(STORAGE_NAME, key)
        elif storage is None:
            examination.gap(
                Text(f"storage {key[:40]!r} is not in the archive", f"归档中缺少存储 {key[:40]!r}"), "absent"
            )
        elif elements * width > storage.size:
            examination.report(SHORT_STORAGE, f"{elements} elements of {width} bytes in {storage.size} bytes")
    for tensor in reading.tensors:
        storage = members.get(f"{folder}/{tensor.storage}")
        dtype, width = DTYPES.get(tensor.storage_type, ("", 0))
        if storage is None or width == 0:
            continue
        start, length = tensor.offset * width, math.prod(tensor.shape) * width
        if length and start >= storage.size:
            examination.report(SHORT_STORAGE, f"{tensor.name} begins at byte {start} of {storage.size}")
        examination.tensor(tensor.name, dtype, tensor.shape, storage.part(start, length))
