"""PyTorch's format before the zip archive: five pickles, then raw storages (torch/serialization.py, `_legacy_save`).

The storages are accounted for by what the fourth pickle says about them; their bytes are not read, apart from the
first few of each.
"""

from __future__ import annotations

import math
from typing import Final

from touchstone.scan.examination import Examination
from touchstone.scan.pickle_machine.machine import Reading
from touchstone.scan.pickle_machine.torch_tensors import DTYPES
from touchstone.scan.pickle_machine.values import Container, Value, as_dictionary
from touchstone.scan.source import Source, Unreadable
from touchstone.text import Text

MAGIC: Final = 0x1950A86A20F9469CFC6C
_PROTOCOL: Final = 1001


def is_legacy_head(results: list[Value]) -> bool:
    """Whether the second and third stream are what PyTorch writes there, whatever the first is."""
    _, protocol, machine = results[:3]
    return protocol == _PROTOCOL and isinstance(machine, Container) and "little_endian" in as_dictionary(machine)


def read_storages(source: Source, start: int, reading: Reading, examination: Examination) -> None:
    """Account for the storages behind the five streams: for each, its number of elements, then its bytes.

    `reading` is that of the fourth stream.
    """
    storages = reading.storages
    examination.fact("framework", "pytorch")
    position = start
    parts: dict[str, Source] = {}
    for key in sorted(storages):
        storage_type, _ = storages[key]
        elements = int.from_bytes(source.read(position, 8), "little")
        _, width = DTYPES.get(storage_type.name, ("", 0))
        if width == 0:
            raise Unreadable(Text("has a storage of a type that is not known", "存在未知类型的存储"))
        length = elements * width
        if length > source.size - position - 8:
            raise Unreadable(Text("a storage is longer than the file", "存储长度超过文件"))
        parts[key] = source.part(position + 8, length)
        examination.examine(parts[key], f"storage {key}", as_format="torch-storage")
        position += 8 + length
    if position != source.size:
        raise Unreadable(
            Text(
                f"{source.size - position} bytes behind the storages belong to none",
                f"存储之后还有 {source.size - position} 字节不属于任何存储",
            )
        )
    for tensor in reading.tensors:
        if tensor.storage in parts:
            dtype, width = DTYPES[storages[tensor.storage][0].name]
            data = parts[tensor.storage].part(tensor.offset * width, math.prod(tensor.shape) * width)
            examination.tensor(tensor.name, dtype, tensor.shape, data)
    if reading.tensors:
        examination.fact("parameters", str(sum(math.prod(tensor.shape) for tensor in reading.tensors)))
