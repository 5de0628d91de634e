"""The opcodes that push what is written in the stream: numbers, texts, bytes."""

from __future__ import annotations

import struct
from collections.abc import Callable

from touchstone.scan.pickle_machine.containers import ContainerMachine
from touchstone.scan.pickle_machine.lines import (
    LONGEST_DECIMAL,
    decimal_integer,
    decimal_or_boolean,
    float_of_line,
    text_of_string_line,
    text_of_unicode_line,
)
from touchstone.scan.pickle_machine.payloads import (
    LARGEST_DECODED,
    MARKS,
    SHORTEST_BYTES,
    SHORTEST_TEXT,
    pickle_within,
)
from touchstone.scan.pickle_machine.stream import LONGEST_INLINE, Malformed
from touchstone.scan.pickle_machine.values import Stretch
from touchstone.scan.source import MemorySource
from touchstone.text import Text


class LiteralMachine(ContainerMachine):
    """Pushes literals. Long ones are known by their place; data that looks like another pickle is remembered."""

    def none(self) -> None:
        self._stack.append(None)

    def true(self) -> None:
        self._stack.append(True)

    def false(self) -> None:
        self._stack.append(False)

    def int_line(self) -> None:
        self._stack.append(decimal_or_boolean(self._number_line()))

    def long_line(self) -> None:
        self._stack.append(decimal_integer(self._number_line().removesuffix(b"L")))

    def _number_line(self) -> bytes:
        offset = self.position
        line = self._line()
        if self.position - offset > LONGEST_DECIMAL:
            self._bomb(f"an integer of {self.position - offset} decimal digits", "digits")
        return line

    def int_byte(self) -> None:
        self._stack.append(self._byte())

    def int_two_bytes(self) -> None:
        self._stack.append(self._unsigned(2))

    def int_word(self) -> None:
        self._stack.append(int.from_bytes(self._take(4), "little", signed=True))

    def long_short(self) -> None:
        self._long(self._unsigned(1))

    def long_long(self) -> None:
        self._long(self._signed_length("LONG4"))

    def _long(self, length: int) -> None:
        if length > LONGEST_INLINE:
            self._stack.append(self._step_over(length, "integer"))
        else:
            self._stack.append(int.from_bytes(self._take(length), "little", signed=True))

    def _signed_length(self, opcode: str) -> int:
        length = int.from_bytes(self._take(4), "little", signed=True)
        if length < 0:
            raise Malformed(Text(f"{opcode} has a negative length", f"{opcode} 的长度为负"))
        return length

    def float_line(self) -> None:
        self._stack.append(float_of_line(self._line()))

    def float_binary(self) -> None:
        self._stack.append(struct.unpack(">d", self._take(8))[0])

    def string_line(self) -> None:
        self._push_line_text(text_of_string_line)

    def unicode_line(self) -> None:
        self._push_line_text(text_of_unicode_line)

    def _push_line_text(self, decode: Callable[[bytes], str]) -> None:
        offset = self.position
        line = self._line()
        if len(line) > LONGEST_INLINE:
            length = self.position - 1 - offset
            self._stack.append(Stretch("text", offset, length, line[:40]))
            if MARKS.match(line.lstrip(b"'\"")) is not None and length <= LARGEST_DECODED:
                self._look_inside_text(decode(self.source.read(offset, length)), offset)
            return
        text = decode(line)
        self._stack.append(text)
        if len(text) >= SHORTEST_TEXT:
            self._look_inside_text(text, offset)

    def _look_inside_text(self, text: str, offset: int) -> None:
        self._look_inside(text.encode("utf-8", "surrogatepass"), offset)

    def text_short(self) -> None:
        self._text(self._byte())

    def text_word(self) -> None:
        self._text(self._unsigned(4))

    def text_long(self) -> None:
        self._text(self._unsigned(8))

    def _text(self, length: int) -> None:
        offset = self._base + self._at
        if length > LONGEST_INLINE:
            stretch = self._step_over(length, "text")
            self._stack.append(stretch)
            self._look_inside(stretch.beginning, offset, stretch)
            return
        raw = self._take(length)
        self._stack.append(raw.decode("utf-8", "surrogateescape"))
        if length >= SHORTEST_TEXT:
            self._look_inside(raw, offset)

    def string_short(self) -> None:
        self._string(self._unsigned(1))

    def string_word(self) -> None:
        self._string(self._signed_length("BINSTRING"))

    def _string(self, length: int) -> None:
        """A string of Python 2, which may be bytes; most loaders decode it as latin-1."""
        offset = self._base + self._at
        if length > LONGEST_INLINE:
            stretch = self._step_over(length, "bytes")
            self._stack.append(stretch)
            self._look_inside(stretch.beginning, offset, stretch)
            return
        raw = self._take(length)
        self._stack.append(raw.decode("latin-1"))
        if length >= SHORTEST_BYTES:
            self._look_inside(raw, offset)

    def bytes_short(self) -> None:
        self._bytes(self._unsigned(1))

    def bytes_word(self) -> None:
        self._bytes(self._unsigned(4))

    def bytes_long(self) -> None:
        self._bytes(self._unsigned(8))

    def _bytes(self, length: int) -> None:
        offset = self._base + self._at
        if length > LONGEST_INLINE:
            stretch = self._step_over(length, "bytes")
            self._stack.append(stretch)
            self._look_inside(stretch.beginning, offset, stretch)
            return
        raw = self._take(length)
        self._stack.append(raw)
        if length >= SHORTEST_BYTES:
            self._look_inside(raw, offset)

    def _look_inside(self, beginning: bytes, offset: int, stretch: Stretch | None = None) -> None:
        """Remember data that begins like another pickle, to be looked at when this one has been followed."""
        if MARKS.match(beginning) is None:
            return
        data = MemorySource(beginning) if stretch is None else self.source.part(offset, stretch.length)
        inner = pickle_within(data)
        if inner is not None:
            self.notes.candidate(offset, inner)
