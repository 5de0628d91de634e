"""PyTorch's format before the zip archive: five pickles, then raw storages (torch/serialization.py, `_legacy_save`).

The storages are accounted for by what the fourth pickle says about them; their bytes are not read, apart from the
first few of each.
"""

from __future__ import annotations

import math
from typing import Final

from touchstone.scan.examination import Examination
from touchstone.scan.findings import Rule
from touchstone.scan.formats.torch_archive import SHORT_STORAGE
from touchstone.scan.pickle_machine.machine import Reading
from touchstone.scan.pickle_machine.torch_tensors import DTYPES
from touchstone.scan.pickle_machine.values import Container, Global, Value, as_dictionary
from touchstone.scan.source import Source, Unreadable
from touchstone.text import Text

SIZE_LIE: Final = Rule(
    "torch/storage-size",
    "high",
    "threat",
    Text(
        "A storage claims to be far longer than the file, and the loader asks for that memory at once",
        "存储声明的长度远超文件，加载器会一次性申请该内存",
    ),
    Text("Obtain the file again; PyTorch does not write this.", "重新获取文件；PyTorch 不会写出这种内容。"),
    ("CWE-789",),
)

RULES: Final[tuple[Rule, ...]] = (SIZE_LIE,)

MAGIC: Final = 0x1950A86A20F9469CFC6C
_PROTOCOL: Final = 1001
_SUSPICIOUS_SIZE: Final = 2**28


def is_legacy_head(results: list[Value]) -> bool:
    """Whether the second and third stream are what PyTorch writes there, whatever the first is."""
    _, protocol, machine = results[:3]
    return protocol == _PROTOCOL and isinstance(machine, Container) and "little_endian" in as_dictionary(machine)


def read_storages(source: Source, start: int, reading: Reading, examination: Examination) -> int:
    """Account for the storages behind the five streams: for each, its number of elements, then its bytes.

    `reading` is that of the fourth stream, which names the storages; PyTorch writes them in the order of their names.
    Answers where they end.
    """
    examination.fact("framework", "pytorch")
    position = start
    parts: dict[str, Source] = {}
    for key in sorted(reading.storages):
        storage_type, elements = reading.storages[key]
        parts[key] = _storage(source, position, storage_type, examination)
        if elements > parts[key].size // DTYPES[storage_type.name][1]:
            examination.report(SHORT_STORAGE, f"{elements} elements in {parts[key].size} bytes", offset=position)
        examination.examine(parts[key], f"storage {key}", as_format="torch-storage")
        position += 8 + parts[key].size
    _list_tensors(reading, parts, examination)
    return position


def _storage(source: Source, position: int, storage_type: Global, examination: Examination) -> Source:
    elements = int.from_bytes(source.read(position, 8), "little")
    _, width = DTYPES.get(storage_type.name, ("", 0))
    if width == 0:
        raise Unreadable(Text("has a storage of a type that is not known", "存在未知类型的存储"))
    length = elements * width
    available = max(0, source.size - position - 8)
    if length > available:
        if length > _SUSPICIOUS_SIZE and length > 16 * source.size:
            examination.report(SIZE_LIE, f"{length} bytes claimed, {available} there", offset=position, length=8)
        raise Unreadable(Text("a storage is longer than the file", "存储长度超过文件"))
    return source.part(position + 8, length)


def _list_tensors(reading: Reading, parts: dict[str, Source], examination: Examination) -> None:
    for tensor in reading.tensors:
        storage = parts.get(tensor.storage)
        if storage is None:
            continue
        dtype, width = DTYPES[reading.storages[tensor.storage][0].name]
        start, length = tensor.offset * width, math.prod(tensor.shape) * width
        if length and start >= storage.size:
            examination.report(SHORT_STORAGE, f"{tensor.name} begins at byte {start} of {storage.size}")
        examination.tensor(tensor.name, dtype, tensor.shape, storage.part(start, length))
    if reading.tensors:
        examination.fact("parameters", str(sum(math.prod(tensor.shape) for tensor in reading.tensors)))
