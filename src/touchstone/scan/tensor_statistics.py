"""Whether something lies in the low bits of weights: information for a person, never a reason to refuse.

Weights keep working when their lowest bits are replaced, so those can carry a payload past everybody (Wang et al.,
"EvilModel", 2021; Gilkarov and Dubin, "Steganalysis of AI models LSB attacks", 2024). Looked for, in a sample of each
tensor of floating-point numbers, are:

* text: the low 1 to 8 bits, or whole low bytes, put together in either order, read as a long run of printable letters;
* a file: put together in the same ways, they hold the mark of an archive, a program or a pickle;
* a part that is not like the rest: low bits are zero nearly everywhere, as in weights that were converted from a
  smaller format, and look random in one stretch.

A payload that looks random, as an encrypted one does, cannot be told from the low bits of ordinary weights: nobody can.
`benchmarks/scan_tensor_statistics.py` measures what this finds and how often it is wrong.
"""

from __future__ import annotations

import math
import re
import struct
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from touchstone.files import open_regular
from touchstone.scan.findings import FileResult, Finding, Rule, TensorEntry, shown
from touchstone.scan.source import FileSource, Source
from touchstone.text import Text

_SOURCES: Final = ("AML.T0018", "https://arxiv.org/abs/2107.08590", "CWE-506")
_ASK: Final = Text(
    "Compare the tensor with the publisher's; their digests are equal if nobody touched it.",
    "与发布者的张量比对；若未被改动，两者摘要相同。",
)

HIDDEN_TEXT: Final = Rule(
    "tensor/text-in-low-bits",
    "information",
    "information",
    Text("The low bits of a tensor, put together, are text", "张量低位拼接后是文本"),
    _ASK,
    _SOURCES,
)
HIDDEN_FILE: Final = Rule(
    "tensor/file-in-low-bits",
    "information",
    "information",
    Text("The low bits of a tensor, put together, hold a file", "张量低位拼接后含有文件"),
    _ASK,
    _SOURCES,
)
UNEVEN: Final = Rule(
    "tensor/uneven-low-bits",
    "information",
    "information",
    Text(
        "The low bits of a tensor are zero, apart from one stretch where they look random",
        "张量低位为零，仅有一段看似随机",
    ),
    _ASK,
    _SOURCES,
)

RULES: Final[tuple[Rule, ...]] = (HIDDEN_TEXT, HIDDEN_FILE, UNEVEN)

MOST_TENSORS: Final = 256
"""Tensors looked at in one file: the largest."""
FIRST_SAMPLE: Final = 8192
"""Numbers looked at from the beginning of a tensor, where a payload begins as a rule."""
FURTHER_SAMPLES: Final = 3
FURTHER_SAMPLE: Final = 2048
_SMALLEST: Final = 256
_WORDS: Final = {2: "H", 4: "I", 8: "Q"}

_WIDTHS: Final = {"f16": 2, "float16": 2, "bf16": 2, "bfloat16": 2, "f32": 4, "float32": 4, "f64": 8, "float64": 8}
_MOST_LOW_BITS: Final = 8

_TEXT: Final = re.compile(rb"[\t\n\r\x20-\x7e]{40,}")
_LETTER: Final = re.compile(rb"[A-Za-z0-9 \n]")
_FEWEST_LETTERS: Final = 10
"""Different letters of a text. Numbers with a pattern in their low bits read as a few letters again and again."""
_FILE: Final = re.compile(
    rb"PK\x03\x04[\x0a\x14\x2d]\x00[\x00-\x08][\x00\x08][\x00\x08]\x00"
    rb"|\x7fELF[\x01\x02][\x01\x02]\x01[\x00-\x12]\x00{7}"
    rb"|\x1f\x8b\x08[\x00-\x1f].{4}[\x00\x02\x04][\x00-\x0d\xff]"
    rb"|\x80[\x04\x05]\x95.{4}\x00{4}[\x8c\x8e(\])}cNKMJXUBC]"
    rb"|MZ.{58}[\x40-\xff][\x00-\x03]\x00\x00|%PDF-1\.\d|7z\xbc\xaf\x27\x1c\x00|Rar!\x1a\x07[\x00\x01]|\x89PNG\r\n\x1a\n",
    re.DOTALL,
)
_BLOCK: Final = 512
"""Numbers in one stretch that is compared with the others."""
_LIKE_ZERO: Final = 0.02
"""Share of numbers with a low bit set, in a stretch that counts as zero."""
_LIKE_RANDOM: Final = (0.4, 0.6)
_MOSTLY: Final = 0.6
_MOST_STRETCHES: Final = 16_384
_AT_ONCE: Final = 64


@dataclass(frozen=True, slots=True)
class Suspicion:
    """What a tensor looks like it holds."""

    rule: Rule
    shown: str


def suspect_payloads(path: Path, result: FileResult) -> list[Finding]:
    """What the low bits of the tensors of a scanned file look like they hold. Raises `FileError`, `OSError`."""
    found = []
    with open_regular(path, result.path) as file:
        source = FileSource(file.fileno(), result.size)
        for entry in _looked_at(result):
            suspicion = suspicion_of(source.part(entry.offset, entry.bytes), _WIDTHS[entry.dtype.lower()])
            if suspicion is not None:
                found.append(_finding(entry, suspicion))
    return found


def _looked_at(result: FileResult) -> list[TensorEntry]:
    floats = [entry for entry in result.tensors if entry.offset >= 0 and entry.dtype.lower() in _WIDTHS]
    return sorted(sorted(floats, key=lambda entry: -entry.bytes)[:MOST_TENSORS])


def _finding(entry: TensorEntry, suspicion: Suspicion) -> Finding:
    return Finding(
        where=entry.where,
        offset=entry.offset,
        rule=suspicion.rule.id,
        severity=suspicion.rule.severity,
        nature=suspicion.rule.nature,
        shown=shown(f"{entry.name}: {suspicion.shown}"),
        what=suspicion.rule.title,
        length=entry.bytes,
    )


def suspicion_of(tensor: Source, width: int) -> Suspicion | None:
    """What a tensor of numbers of `width` bytes, least significant byte first, looks like it holds."""
    if tensor.size < _SMALLEST * width:
        return None
    for sample in _samples(tensor, width):
        hidden = _hidden_in(sample, width)
        if hidden is not None:
            return hidden
    return _uneven(tensor, width)


def _samples(tensor: Source, width: int) -> Iterator[bytes]:
    """The beginning, and places spread over the rest."""
    count = tensor.size // width
    yield tensor.read(0, min(count, FIRST_SAMPLE) * width)
    rest = count - FIRST_SAMPLE - FURTHER_SAMPLE
    for number in range(1, FURTHER_SAMPLES + 1):
        if rest > 0:
            start = FIRST_SAMPLE + rest * number // FURTHER_SAMPLES
            yield tensor.read(start * width, FURTHER_SAMPLE * width)


# ---- text and files


def _hidden_in(sample: bytes, width: int) -> Suspicion | None:
    is_stepped = _is_stepped(sample, width)
    for how, stream in _streams(sample, width):
        file = _file_in(stream)
        if file is not None:
            return Suspicion(HIDDEN_FILE, f"{how} hold {file[:12].hex(' ')}")
        text = None if is_stepped else _TEXT.search(stream)
        if text is not None and _reads_like_text(text[0]):
            return Suspicion(HIDDEN_TEXT, f"{how} read {text[0][:60].decode('ascii')!r}")
    return None


def _file_in(stream: bytes) -> bytes | None:
    """The mark of a file. That of a Windows program is two letters, so it must lead to the second one."""
    for mark in _FILE.finditer(stream):
        if mark[0][:2] != b"MZ":
            return mark[0]
        second = mark.start() + int.from_bytes(mark[0][60:64], "little")
        if stream[second : second + 4] == b"PE\x00\x00":
            return mark[0]
    return None


def _reads_like_text(run: bytes) -> bool:
    return len(set(run)) >= _FEWEST_LETTERS and len(_LETTER.findall(run)) >= 0.7 * len(run)


def _is_stepped(sample: bytes, width: int) -> bool:
    """Whether there are few different numbers, each with upper bits of its own: weights that were rounded to steps.

    Their low bits follow from the upper ones, so they carry nothing, whatever they read like.
    """
    numbers = struct.unpack(f"<{len(sample) // width}{_WORDS[width]}", sample[: len(sample) // width * width])
    different = len(set(numbers))
    upper = len({number >> _MOST_LOW_BITS for number in numbers})
    return different < 0.75 * len(numbers) and upper > 0.9 * different


def _streams(sample: bytes, width: int) -> Iterator[tuple[str, bytes]]:
    """The low bits of all numbers as bytes, put together in every usual way, with what was put together."""
    for count in range(2, width):
        low = b"".join(sample[start : start + count] for start in range(0, len(sample), width))
        yield f"low {count} bytes", low
        yield f"low {count} bytes", _reversed_groups(low, count)
    lowest = sample[::width]
    for bits in range(1, _MOST_LOW_BITS + 1):
        for first in ("highest", "lowest"):
            digits = "".join(map(_groups(bits, first).__getitem__, lowest))
            whole = int(digits, 2)
            for phase in range(8 if bits < 8 else 1):
                length = (len(digits) - phase) // 8 * 8
                rest = len(digits) - phase - length
                stream = (whole >> rest & (1 << length) - 1).to_bytes(length // 8, "big")
                yield f"low {bits} bits", stream if first == "highest" else stream.translate(_MIRRORED)


def _reversed_groups(data: bytes, size: int) -> bytes:
    """The same with each group of bytes the other way round."""
    swapped = bytearray(len(data))
    for place in range(size):
        swapped[place::size] = data[size - 1 - place :: size]
    return bytes(swapped)


@cache
def _groups(bits: int, first: str) -> tuple[str, ...]:
    """For each value of a byte its low bits as digits, the highest or the lowest first."""
    digits = [format(value & ((1 << bits) - 1), f"0{bits}b") for value in range(256)]
    return tuple(digits if first == "highest" else [each[::-1] for each in digits])


_MIRRORED: Final = bytes(int(format(value, "08b")[::-1], 2) for value in range(256))
"""Each byte with its bits the other way round."""


# ---- a stretch that is not like the rest


def _uneven(tensor: Source, width: int) -> Suspicion | None:
    """Compare stretches: nearly all zero in their lowest bit, and some like random."""
    shares = [ones / _BLOCK for ones in _lowest_bits_set(tensor, width)]
    zero = sum(share <= _LIKE_ZERO for share in shares)
    random = sum(_LIKE_RANDOM[0] <= share <= _LIKE_RANDOM[1] for share in shares)
    if random and zero >= _MOSTLY * len(shares):
        return Suspicion(UNEVEN, f"{random} of {len(shares)} stretches have random low bits, {zero} have none")
    return None


def _lowest_bits_set(tensor: Source, width: int) -> Iterator[int]:
    """For each stretch how many numbers have their lowest bit set: all stretches, or some of a very large tensor."""
    length = _BLOCK * width
    stretches = tensor.size // length
    step = max(-(-stretches // _MOST_STRETCHES), 1)
    for first in range(0, stretches, _AT_ONCE * step):
        window = tensor.read(first * length, _AT_ONCE * length if step == 1 else length)
        lowest = window[::width].translate(_LOWEST_BIT)
        for start in range(0, len(lowest) - _BLOCK + 1, _BLOCK):
            yield lowest.count(1, start, start + _BLOCK)


_LOWEST_BIT: Final = bytes(value & 1 for value in range(256))


def bit_plane_entropies(sample: bytes, width: int) -> tuple[float, ...]:
    """Entropy in bits of each bit of the numbers, the lowest first: 1 for one that is set half of the time.

    >>> bit_plane_entropies(bytes([0, 1, 2, 3]) * 8, 1)[:3]
    (1.0, 1.0, 0.0)
    """
    planes = []
    for place in range(width):
        counts = Counter(sample[place::width])
        total = counts.total()
        for bit in range(8):
            share = sum(count for value, count in counts.items() if value >> bit & 1) / max(total, 1)
            planes.append(_entropy(share))
    return tuple(planes)


def _entropy(share: float) -> float:
    if share in {0.0, 1.0}:
        return 0.0
    return -share * math.log2(share) - (1 - share) * math.log2(1 - share)
