"""A look at the low bits of weights, where a message can be hidden without a model getting worse.

Statistics, not evidence: a message that was compressed or encrypted looks like noise, and so do the low bits of weights
that were trained in full precision. What is told is what a plain message leaves behind: text in the lowest byte, or in
the lowest bits put together. Only samples are read. Source: Wang, Liu and Cui, EvilModel (ISCC 2021); MITRE ATLAS
AML.T0018.
"""

from __future__ import annotations

import math
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from touchstone.files import open_regular
from touchstone.scan.findings import FileResult, Finding, Rule, TensorEntry, shown
from touchstone.text import Text

SPELLS_TEXT: Final = Rule(
    "tensor/text-in-low-bits",
    "information",
    "information",
    Text("The low bits of these weights spell text", "这些权重的低位拼成文本"),
    Text(
        "Ask who made the model what it is. It cannot run by itself, but a program can read it from there.",
        "请向模型提供方了解其内容。它本身不会运行，但程序可从中读取。",
    ),
    ("MITRE ATLAS AML.T0018",),
)
STATISTICS: Final = Rule(
    "tensor/statistics",
    "information",
    "information",
    Text("Samples of the weights' lowest bytes were taken", "已对权重最低字节抽样统计"),
    Text("Nothing need be done.", "无需处理。"),
    (),
)
RULES: Final[tuple[Rule, ...]] = (SPELLS_TEXT, STATISTICS)

_WIDTHS: Final = {"f16": 2, "float16": 2, "bf16": 2, "bfloat16": 2, "f32": 4, "float32": 4, "f64": 8, "float64": 8}
_MOST_TENSORS: Final = 256
_SAMPLES: Final = 4
_SAMPLE: Final = 64 * 1024
_SMALLEST: Final = 4096
_TEXT: Final = re.compile(rb"[\x20-\x7e\t\r\n]{32,}")
"""Three of eight random bytes are printable, so that 32 in a row come once in 10^13 places."""
_FEWEST_LETTERS: Final = 8
"""Equal weights have equal low bytes, which are no text."""
_LOWEST_BIT: Final = bytes(0x30 + (value & 1) for value in range(256))


@dataclass(frozen=True, slots=True)
class _Sample:
    """What the lowest bytes of one tensor look like."""

    tensor: TensorEntry
    entropy: float
    """Bits of information in one lowest byte, at most 8."""
    text: bytes
    """The longest text found, if any."""


def inspect_tensors(path: Path, result: FileResult) -> FileResult:
    """The result with what was seen in samples of its largest floating-point tensors.

    Raises `FileError` when the file cannot be opened, `OSError` when it cannot be read.
    """
    floats = [
        entry
        for entry in result.tensors
        if entry.dtype.lower() in _WIDTHS and entry.offset >= 0 and entry.bytes >= _SMALLEST
    ]
    largest = sorted(floats, key=lambda entry: (-entry.bytes, entry.name))[:_MOST_TENSORS]
    if not largest:
        return result
    with open_regular(path, result.path) as file:
        samples = [_sampled(entry, file.fileno()) for entry in largest]
    return replace(result, findings=(*result.findings, *_findings(samples, len(floats))))


def _findings(samples: Iterable[_Sample], tensors: int) -> Iterator[Finding]:
    listed = list(samples)
    for sample in listed:
        if sample.text:
            yield _finding(sample.tensor.where, SPELLS_TEXT, f"{sample.tensor.name}: {sample.text.decode('ascii')}")
    entropies = sorted(sample.entropy for sample in listed)
    told = f"{len(listed)} of {tensors} tensors, entropy {entropies[0]:.2f} to {entropies[-1]:.2f} bits of 8"
    yield _finding(listed[0].tensor.where.partition("!")[0], STATISTICS, told)


def _finding(where: str, rule: Rule, fact: str) -> Finding:
    return Finding(where, -1, rule.id, rule.severity, rule.nature, shown(fact), rule.title)


def _sampled(entry: TensorEntry, descriptor: int) -> _Sample:
    width = _WIDTHS[entry.dtype.lower()]
    counts: Counter[int] = Counter()
    text = b""
    for start in _starts(entry.bytes, width):
        block = os.pread(descriptor, min(_SAMPLE, entry.bytes - start), entry.offset + start)
        lowest = block[::width]
        counts.update(lowest)
        text = max(text, _longest_text(lowest), _longest_text(_packed_bits(lowest)), key=len)
    return _Sample(entry, _entropy(counts), text)


def _starts(size: int, width: int) -> list[int]:
    """Where samples begin: at the first weight, and spread evenly."""
    step = max(size // _SAMPLES, _SAMPLE)
    return [start - start % width for start in range(0, size, step)][:_SAMPLES]


def _longest_text(data: bytes) -> bytes:
    found = (each.group() for each in _TEXT.finditer(data))
    return max((text for text in found if len(set(text)) >= _FEWEST_LETTERS), key=len, default=b"")


def _packed_bits(lowest: bytes) -> bytes:
    """The lowest bit of every weight, eight to a byte, the first one highest."""
    bits = lowest[: len(lowest) // 8 * 8].translate(_LOWEST_BIT)
    return int(bits, 2).to_bytes(len(bits) // 8, "big") if bits else b""


def _entropy(counts: Counter[int]) -> float:
    total = counts.total()
    return abs(sum(count / total * math.log2(total / count) for count in counts.values()))
