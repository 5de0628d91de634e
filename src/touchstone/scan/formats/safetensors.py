"""safetensors: a JSON table of tensors, then their bytes. Nothing in it runs; every byte must be accounted for.

Source: the format's own description (https://github.com/huggingface/safetensors#format) and what its reference
implementation refuses. Tensor bytes are not read, apart from the first few of each.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from touchstone.scan.examination import Examination
from touchstone.scan.findings import FactName, Rule, shown
from touchstone.scan.plain_json import LARGEST, read_plain_json
from touchstone.scan.source import Source, Unreadable
from touchstone.scan.tensor_beginnings import look_at_beginning
from touchstone.text import Text

_FORMAT: Final = "https://github.com/huggingface/safetensors#format"

OVERLAP: Final = Rule(
    "safetensors/overlap",
    "high",
    "threat",
    Text("Two tensors share bytes, which the format forbids", "两个张量共用字节，格式不允许"),
    Text("Obtain the file again; no safetensors library writes this.", "重新获取文件；正常的库不会写出这种内容。"),
    (_FORMAT, "CWE-20"),
)
HIDDEN_BYTES: Final = Rule(
    "safetensors/hidden-bytes",
    "medium",
    "threat",
    Text("Bytes that belong to no tensor", "存在不属于任何张量的字节"),
    Text("Obtain the file again; the format leaves no room for such bytes.", "重新获取文件；格式不允许存在此类字节。"),
    (_FORMAT, "CWE-506"),
)
REPEATED_KEY: Final = Rule(
    "safetensors/repeated-key",
    "high",
    "threat",
    Text(
        "A name occurs twice in the header, so that two loaders may load different tensors",
        "文件头中同一名称出现两次，不同加载器可能载入不同的张量",
    ),
    Text("Obtain the file again; the format forbids repeated names.", "重新获取文件；格式不允许名称重复。"),
    (_FORMAT, "CWE-436"),
)
SIZE_LIE: Final = Rule(
    "safetensors/size-mismatch",
    "high",
    "threat",
    Text(
        "A tensor's byte range does not fit its type and shape; a careless loader reads or writes out of bounds",
        "张量的字节范围与类型、形状不符，不严谨的加载器会越界读写",
    ),
    Text("Obtain the file again; no safetensors library writes this.", "重新获取文件；正常的库不会写出这种内容。"),
    (_FORMAT, "CWE-125"),
)
HEADER_LIE: Final = Rule(
    "safetensors/header-length",
    "medium",
    "threat",
    Text(
        "The header claims to be longer than the format allows, so that a loader allocates without limit",
        "文件头声明的长度超过格式上限，可使加载器无限分配内存",
    ),
    Text("Do not load it with a reader that trusts the length.", "不要用信任该长度的加载器载入。"),
    (_FORMAT, "CWE-789"),
)
CODE_IN_METADATA: Final = Rule(
    "safetensors/code-in-metadata",
    "information",
    "information",
    Text("The metadata holds text that looks like a program", "元数据中含有类似程序代码的文本"),
    Text("Nothing runs it; make sure that no program of yours does.", "加载时不会执行；请确认自有程序不会使用它。"),
    ("AML.T0018",),
)

RULES: Final[tuple[Rule, ...]] = (OVERLAP, HIDDEN_BYTES, REPEATED_KEY, SIZE_LIE, HEADER_LIE, CODE_IN_METADATA)

LARGEST_HEADER: Final = 100_000_000
"""The reference implementation's own limit."""

_BITS: Final = {
    "BOOL": 8, "U8": 8, "I8": 8, "U16": 16, "I16": 16, "U32": 32, "I32": 32, "U64": 64, "I64": 64,
    "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6, "F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8, "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8,
    "F16": 16, "BF16": 16, "F32": 32, "F64": 64, "C64": 64,
}  # fmt: skip

_FRAMEWORKS: Final[dict[str, str]] = {"pt": "pytorch", "tf": "tensorflow", "np": "numpy"}

_CODE_WORDS: Final = ("__import__", "os.system", "subprocess", "eval(", "exec(", "import os", "<script", "#!/")

_FACTS: Final[dict[str, FactName]] = {
    "modelspec.title": "name",
    "modelspec.architecture": "architecture",
    "modelspec.author": "author",
    "modelspec.license": "licence",
    "ss_base_model_version": "base-model",
    "ss_sd_model_name": "base-model",
    "modelspec.implementation": "source",
}
"""Of https://github.com/Stability-AI/ModelSpec and of the LoRA trainers."""


@dataclass(frozen=True, slots=True)
class _Tensor:
    name: str
    dtype: str
    shape: tuple[int, ...]
    start: int
    stop: int


def read_safetensors(source: Source, examination: Examination) -> None:
    """Compare the table with itself and with the file."""
    length = int.from_bytes(source.read(0, 8), "little")
    if length > LARGEST_HEADER:
        examination.report(HEADER_LIE, f"header of {length} bytes", offset=0, length=8)
    if length > source.size - 8:
        raise Unreadable(Text("the header is longer than the file", "文件头长度超过文件"))
    if length > LARGEST:
        examination.gap(
            Text(f"has a header of more than {LARGEST} bytes", f"文件头超过 {LARGEST} 字节"),
            "limit",
        )
        return
    header = _header(source.read(8, length), examination)
    begin = 8 + length
    tensors = sorted(_tensors(header, examination), key=lambda tensor: (tensor.start, tensor.stop))
    _account_for_every_byte(tensors, source, begin, examination)
    for tensor in tensors:
        data = source.part(begin + tensor.start, tensor.stop - tensor.start)
        examination.tensor(tensor.name, tensor.dtype, tensor.shape, data)
        look_at_beginning(data, tensor.name, begin + tensor.start, examination)
    if tensors:
        examination.fact("parameters", str(sum(math.prod(tensor.shape) for tensor in tensors)))


def _header(data: bytes, examination: Examination) -> dict[str, Any]:
    text = data.rstrip(b" ")
    if not text.startswith(b"{") or b"}" not in text:
        raise Unreadable(Text("the header is not an object", "文件头不是 JSON 对象"))
    if not text.endswith(b"}"):
        examination.report(
            HIDDEN_BYTES, f"header ends in {text[-16:].hex(' ')}", offset=8 + len(text), what=_PADDING, length=0
        )
        text = text[: text.rfind(b"}") + 1]
    reading = read_plain_json(text)
    if not isinstance(reading.document, dict):
        raise Unreadable(Text("the header is not an object", "文件头不是 JSON 对象"))
    for key in reading.repeated_keys:
        examination.report(REPEATED_KEY, key, offset=8, length=len(text))
    return reading.document


_PADDING: Final = Text("The header is padded with something else than spaces", "文件头用空格以外的字节填充")


def _tensors(header: dict[str, Any], examination: Examination) -> Iterator[_Tensor]:
    for name, entry in header.items():
        if name == "__metadata__":
            _metadata(entry, examination)
            continue
        tensor = _tensor(name, entry)
        bits = _BITS.get(tensor.dtype)
        if bits is None:
            examination.gap(
                Text(f"has a tensor of the type {shown(tensor.dtype, 40)}", f"张量类型 {shown(tensor.dtype, 40)} 未知"),
                "format",
            )
        elif 8 * (tensor.stop - tensor.start) != math.prod(tensor.shape) * bits:
            size = tensor.stop - tensor.start
            examination.report(
                SIZE_LIE, f"{shown(name, 120)}: {tensor.dtype} {list(tensor.shape[:8])} in {size} bytes", offset=8
            )
        yield tensor


def _tensor(name: str, entry: Any) -> _Tensor:
    if isinstance(entry, dict) and set(entry) == {"dtype", "shape", "data_offsets"}:
        dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
        if isinstance(dtype, str) and _naturals(shape, most=64) and _naturals(offsets, most=2) and len(offsets) == 2:
            start, stop = offsets
            if start <= stop:
                return _Tensor(name, dtype, tuple(shape), start, stop)
    raise Unreadable(Text(f"the entry of {shown(name, 80)} is malformed", f"{shown(name, 80)} 的条目格式错误"))


def _naturals(values: Any, most: int) -> bool:
    return (
        isinstance(values, list)
        and len(values) <= most
        and all(type(value) is int and 0 <= value < 2**64 for value in values)
    )


def _account_for_every_byte(tensors: list[_Tensor], source: Source, begin: int, examination: Examination) -> None:
    """The format leaves no holes: each tensor begins where the one before ends, and the last ends the file."""
    available = source.size - begin
    reached = 0
    for tensor in tensors:
        if tensor.start < reached and tensor.stop > tensor.start:
            examination.report(
                OVERLAP, f"{shown(tensor.name, 120)} begins before {reached}", offset=begin + tensor.start
            )
        elif tensor.start > reached:
            _hidden(source, begin + reached, tensor.start - reached, examination)
        reached = max(reached, tensor.stop)
    if reached < available:
        _hidden(source, begin + reached, available - reached, examination)
    elif reached > available:
        examination.gap(Text("ends before its last tensor does", "文件在最后一个张量结束前截断"))


def _hidden(source: Source, start: int, length: int, examination: Examination) -> None:
    """Bytes of no tensor are examined like a file of their own: something put them there."""
    inside = source.part(start, length)
    if inside.size == 0:
        return
    examination.report(HIDDEN_BYTES, f"{length} bytes", offset=start, length=length)
    examination.examine(inside, "bytes of no tensor")


def _metadata(entry: Any, examination: Examination) -> None:
    if not isinstance(entry, dict) or not all(isinstance(value, str) for value in entry.values()):
        raise Unreadable(Text("the metadata is no table of texts", "元数据不是文本表"))
    texts: dict[str, str] = entry
    for key, value in texts.items():
        if key == "format":
            examination.fact("framework", _FRAMEWORKS.get(value, value))
        elif key in _FACTS:
            examination.fact(_FACTS[key], value)
        if any(word in value or word in key for word in _CODE_WORDS):
            examination.report(CODE_IN_METADATA, f"{shown(key, 60)}: {value}")
