"""The bytes of a pickle, read forward through a window.

A window is refilled between opcodes and always holds the whole of an opcode with a short argument, so that reading
one costs a slice. Long arguments are stepped over: tensor bytes are never read.
"""

from __future__ import annotations

from typing import Final, Literal, NoReturn

from touchstone.scan.pickle_machine import rules
from touchstone.scan.pickle_machine.notes import Notes
from touchstone.scan.pickle_machine.values import Stretch
from touchstone.scan.source import WINDOW, Source
from touchstone.text import Text

LONGEST_INLINE: Final = 1024
"""Bytes of an argument that are looked at; longer ones are known by their place and beginning."""
LONGEST_IN_PLACE: Final = 32
"""Bytes of an opcode and its argument that is followed in place."""
_MARGIN: Final = LONGEST_INLINE + 16
_BEGINNING: Final = 40
_LINE_STEP: Final = 64 * 1024
_SUSPICIOUS_CLAIM: Final = 2**28
"""A length that is this much and many times what there is was not written by a pickler whose file was cut off."""


class Malformed(Exception):  # noqa: N818 - ends a reading, is not an error of ours
    """The stream cannot be followed any further: every unpickler stops here as well."""

    def __init__(self, problem: Text, *, truncated: bool = False) -> None:
        super().__init__(problem.en)
        self.problem = problem
        self.truncated = truncated


ENDS_INSIDE: Final = Text("the file ends inside an opcode", "文件在操作码中间结束")


class OpcodeStream:
    """Reads opcodes and their arguments, and keeps to frames."""

    def __init__(self, source: Source, start: int, notes: Notes) -> None:
        self.source = source
        self.notes = notes
        self._data = b""
        self._base = start
        """Place of the window in the source."""
        self._at = 0
        """Next byte, within the window."""
        self._opcode = 0
        """First byte of the opcode that is followed just now, within the window."""
        self._bound = 0
        """Place in the window from which on the next opcode may not be read without a look at window and frame."""
        self._limit = 0
        """Place in the window up to which opcodes with short arguments may be read without any such care: they lie
        wholly before `_bound`."""
        self._frame_end: int | None = None
        self._frame_is_cut = False
        """Whether the present frame claims to end behind the file."""

    @property
    def position(self) -> int:
        """The next byte."""
        return self._base + self._at

    @property
    def opcode_at(self) -> int:
        """First byte of the opcode that is followed just now."""
        return self._base + self._opcode

    def _move_on(self) -> None:
        """Make sure that an opcode can be read: refill the window, leave the frame."""
        position = self.position
        if self._frame_end is not None and position >= self._frame_end:
            if position > self._frame_end:
                self._straddles()
            self._frame_end = None
        if position >= self.source.size:
            self._opcode = self._at
            raise Malformed(ENDS_INSIDE, truncated=True)
        window_end = self._base + len(self._data)
        if position + _MARGIN > window_end and window_end < self.source.size:
            self._data = self.source.read(position, WINDOW)
            self._base, self._at, self._opcode = position, 0, self._opcode - self._at
            window_end = position + len(self._data)
            if not self._data:
                raise Malformed(ENDS_INSIDE, truncated=True)
        self._bound = len(self._data) if window_end >= self.source.size else len(self._data) - _MARGIN
        if self._frame_end is not None:
            self._bound = min(self._bound, self._frame_end - self._base)
        self._limit = self._bound - LONGEST_IN_PLACE

    def _look_again(self) -> None:
        """Have window and frame looked at before the next opcode."""
        self._bound = self._limit = 0

    # ---- arguments

    def _take(self, count: int) -> bytes:
        """A short argument."""
        end = self._at + count
        taken = self._data[self._at : end]
        if len(taken) < count:
            self._ends_inside(self._base + end)
        self._at = end
        return taken

    def _byte(self) -> int:
        at = self._at
        if at >= len(self._data):
            self._ends_inside(self.position + 1)
        self._at = at + 1
        return self._data[at]

    def _unsigned(self, width: int) -> int:
        return int.from_bytes(self._take(width), "little")

    def _step_over(self, length: int, kind: Literal["text", "bytes", "integer"]) -> Stretch:
        """A long argument."""
        offset = self.position
        available = self.source.size - offset
        if length > available:
            if length > _SUSPICIOUS_CLAIM and length > 16 * self.source.size:
                claim = f"{length} bytes claimed, {available} there"
                self.notes.notice(rules.BOMB, claim, self.opcode_at, about="length", length=offset - self.opcode_at)
            self._ends_inside(offset + length)
        beginning = self._data[self._at : self._at + _BEGINNING]
        self._at += length
        return Stretch(kind, offset, length, beginning)

    def _line(self) -> bytes:
        """Bytes up to the next newline, without it; of long lines one byte more than is looked at."""
        end = self._data.find(b"\n", self._at)
        if end >= 0:
            line = self._data[self._at : min(end, self._at + LONGEST_INLINE + 1)]
            self._at = end + 1
            return line
        line = self._data[self._at : self._at + LONGEST_INLINE + 1]
        position = self._base + len(self._data)
        while True:
            piece = self.source.read(position, _LINE_STEP)
            if not piece:
                self._ends_inside(position)
            found = piece.find(b"\n")
            if found >= 0:
                break
            line += piece[: max(0, LONGEST_INLINE + 1 - len(line))]
            position += len(piece)
        line += piece[: max(0, min(found, LONGEST_INLINE + 1 - len(line)))]
        self._at = position + found + 1 - self._base
        return line

    def _ends_inside(self, wanted: int) -> NoReturn:
        """The argument ends behind the file, at `wanted`."""
        if self._frame_end is not None and not self._frame_is_cut and wanted > self._frame_end:
            self._straddles()
        raise Malformed(ENDS_INSIDE, truncated=True)

    def _go_to(self, position: int) -> None:
        """Go on elsewhere, behind what something else has read."""
        self._opcode += self._base - position
        self._base, self._at, self._data = position, 0, b""
        self._look_again()

    # ---- frames

    def _enter_frame(self, length: int) -> None:
        if self._frame_end is not None and self.position < self._frame_end:
            self.notes.notice(rules.FRAME_LIE, "FRAME inside a FRAME", self.opcode_at, about="inside", length=9)
        end = self.position + length
        self._frame_is_cut = end > self.source.size
        self._frame_end = min(end, self.source.size)
        self._look_again()

    def _leave_frame(self) -> None:
        """joblib writes raw arrays between frames; the frame before them is over."""
        if self._frame_end is not None and self.position >= self._frame_end:
            self._frame_end = None
            self._look_again()

    def _straddles(self) -> None:
        """The C and the Python unpickler disagree about an argument that crosses the end of a frame."""
        self._frame_end = None
        self.notes.notice(rules.FRAME_STRADDLE, "argument across the end of a FRAME", self.opcode_at, about="straddle")

    def _stops_in_frame(self) -> None:
        """The stream ends properly although its last frame does not: only some unpicklers get as far."""
        if self._frame_is_cut and self._frame_end is not None:
            self.notes.notice(rules.FRAME_LIE, "FRAME that ends behind the file", self.opcode_at, about="cut")
