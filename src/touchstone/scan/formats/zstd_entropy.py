"""Entropy coding of Zstandard: bit streams that are read from their end, FSE and Huffman tables (RFC 8878, section 4).

A table is a list with an entry for each value of the next bits or state. Everything that a stream says is checked
before a table is made from it, and no table is larger than the RFC allows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from touchstone.scan.source import Unreadable
from touchstone.text import Text

DAMAGED: Final = Text("the compressed data are damaged", "压缩数据已损坏")

_LONGEST_CODE: Final = 11
_WEIGHT_ACCURACY: Final = 6
_CHUNK: Final = 8


class BackwardBits:
    """Bits of a stream from its last to its first; the highest one bit of the last byte marks where they begin."""

    def __init__(self, data: bytes) -> None:
        if not data or not data[-1]:
            raise Unreadable(DAMAGED)
        self._data = data
        self._left = len(data) - 1
        self._count = data[-1].bit_length() - 1
        self._bits = data[-1] & ((1 << self._count) - 1)
        self.lacking = 0
        """Bits that were read beyond the beginning, as zeros."""

    def read(self, count: int) -> int:
        """The next bits as a number."""
        while self._count < count:
            self._refill(count)
        self._count -= count
        value = self._bits >> self._count
        self._bits &= (1 << self._count) - 1
        return value

    def _refill(self, wanted: int) -> None:
        start = max(0, self._left - _CHUNK)
        taken = self._left - start
        if taken:
            self._bits = self._bits << (8 * taken) | int.from_bytes(self._data[start : self._left], "little")
            self._left, self._count = start, self._count + 8 * taken
        else:
            self.lacking += wanted - self._count
            self._bits <<= wanted - self._count
            self._count = wanted

    @property
    def is_used_up(self) -> bool:
        """Whether exactly all bits were read."""
        return self.lacking == 0 and self._left == 0 and self._count == 0

    def decode(self, table: HuffmanTable, count: int) -> bytes:
        """The next `count` symbols, which must be the last."""
        out = bytearray()
        symbols, longest = table.symbols, table.longest
        bits, available, mask = self._bits, self._count, (1 << longest) - 1
        left, data, append = self._left, self._data, out.append
        for _ in range(count):
            if available < longest:
                start = max(0, left - _CHUNK)
                bits = (bits & ((1 << available) - 1)) << 8 * (left - start) | int.from_bytes(
                    data[start:left], "little"
                )
                available += 8 * (left - start)
                left = start
            if available >= longest:
                symbol, length = symbols[bits >> (available - longest) & mask]
            else:
                symbol, length = symbols[bits << (longest - available) & mask]
                if length > available:
                    raise Unreadable(DAMAGED)
            available -= length
            append(symbol)
        if left or available:
            raise Unreadable(DAMAGED)
        return bytes(out)


class _ForwardBits:
    """Bits of a table description, which is read from its start."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "little")
        self._size = 8 * len(data)
        self.position = 0

    def peek(self, count: int) -> int:
        return self._value >> self.position & ((1 << count) - 1)

    def read(self, count: int) -> int:
        value = self.peek(count)
        self.position += count
        if self.position > self._size:
            raise Unreadable(DAMAGED)
        return value


# ---- FSE


@dataclass(frozen=True, slots=True)
class FseTable:
    """For each state its symbol, and how the next state is made: a base, and bits that are added to it."""

    accuracy: int
    symbols: list[int]
    bits: list[int]
    bases: list[int]


def single_symbol(symbol: int) -> FseTable:
    """The table that always gives the same symbol."""
    return FseTable(0, [symbol], [0], [0])


def read_distribution(data: bytes, most_accuracy: int, most_symbols: int) -> tuple[FseTable, int]:
    """A table from its description (4.1.1), and the length of the description."""
    bits = _ForwardBits(data[:_LONGEST_DESCRIPTION])
    accuracy = bits.read(4) + 5
    if accuracy > most_accuracy:
        raise Unreadable(DAMAGED)
    remaining = 1 << accuracy
    probabilities: list[int] = []
    while remaining > 0:
        width = (remaining + 1).bit_length()
        short = (1 << (width - 1)) - 1
        threshold = (1 << width) - 2 - remaining
        value = bits.peek(width)
        if value & short < threshold:
            value = bits.read(width - 1)
        else:
            value = bits.read(width)
            value -= threshold if value > short else 0
        probability = value - 1
        remaining -= abs(probability)
        probabilities.append(probability)
        repeat = 3 if probability == 0 else 0
        while repeat == 3:
            repeat = bits.read(2)
            probabilities.extend([0] * repeat)
        if len(probabilities) > most_symbols:
            raise Unreadable(DAMAGED)
    if remaining:
        raise Unreadable(DAMAGED)
    return fse_table(accuracy, probabilities), (bits.position + 7) // 8


_LONGEST_DESCRIPTION: Final = 512


def fse_table(accuracy: int, probabilities: Sequence[int]) -> FseTable:
    """Spread the symbols over the states by their probabilities; -1 stands for less than one."""
    size = 1 << accuracy
    symbols = [0] * size
    upper = size
    for symbol, probability in enumerate(probabilities):
        if probability == -1:
            upper -= 1
            symbols[upper] = symbol
    position, step = 0, (size >> 1) + (size >> 3) + 3
    for symbol, probability in enumerate(probabilities):
        for _ in range(probability):
            symbols[position] = symbol
            position = (position + step) % size
            while position >= upper:
                position = (position + step) % size
    following = [abs(probability) for probability in probabilities]
    bits, bases = [0] * size, [0] * size
    for state, symbol in enumerate(symbols):
        count = following[symbol]
        following[symbol] += 1
        bits[state] = accuracy - count.bit_length() + 1
        bases[state] = (count << bits[state]) - size
    return FseTable(accuracy, symbols, bits, bases)


# ---- Huffman


@dataclass(frozen=True, slots=True)
class HuffmanTable:
    """For each value of the next `longest` bits a symbol and the length of its code."""

    longest: int
    symbols: list[tuple[int, int]]


def read_huffman(data: bytes) -> tuple[HuffmanTable, int]:
    """A table from its description (4.2.1), and the length of the description."""
    if not data:
        raise Unreadable(DAMAGED)
    head = data[0]
    if head < 128:
        weights, used = _packed_weights(data[1 : 1 + head]), 1 + head
    else:
        count = head - 127
        used = 1 + (count + 1) // 2
        weights = [nibble for byte in data[1:used] for nibble in (byte >> 4, byte & 15)][:count]
    if used > len(data):
        raise Unreadable(DAMAGED)
    return _huffman_table(weights), used


def _packed_weights(data: bytes) -> list[int]:
    """Weights that are FSE coded themselves, with two states that take turns."""
    table, used = read_distribution(data, _WEIGHT_ACCURACY, 256)
    bits = BackwardBits(data[used:])
    states = [bits.read(table.accuracy), bits.read(table.accuracy)]
    weights: list[int] = []
    turn = 0
    while not bits.lacking and len(weights) < 256:
        state = states[turn]
        weights.append(table.symbols[state])
        states[turn] = table.bases[state] + bits.read(table.bits[state])
        turn ^= 1
    return [*weights, table.symbols[states[turn]]]


def _huffman_table(weights: list[int]) -> HuffmanTable:
    total = sum(1 << weight >> 1 for weight in weights)
    longest = total.bit_length()
    # The last weight is not written: it fills the table up to a power of two.
    rest = (1 << longest) - total
    if not total or longest > _LONGEST_CODE or rest & (rest - 1) or len(weights) > 255:
        raise Unreadable(DAMAGED)
    weights = [*weights, rest.bit_length()]
    symbols: list[tuple[int, int]] = []
    for weight in range(1, longest + 1):
        for symbol, other in enumerate(weights):
            if other == weight:
                symbols.extend([(symbol, longest + 1 - weight)] * (1 << (weight - 1)))
    if len(symbols) != 1 << longest:
        raise Unreadable(DAMAGED)
    return HuffmanTable(longest, symbols)
