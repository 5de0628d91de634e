"""A subset of regular expressions that is matched in time proportional to the text, whoever wrote the pattern.

A pattern is a row of pieces, each one character or class (`a`, `.`, `[0-9A-F]`, `\\d`, an escaped sign), repeated as
`?`, `*`, `+`, `{m}`, `{m,}` or `{m,n}` says. There are no groups and no alternatives, so nothing is tried twice. The
pattern describes the whole text, with or without `^` and `$` around it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

_PIECE = re.compile(r"(\[(?:\\.|[^\\\]])*\]|\\.|.)(\?|\*|\+|\{[0-9]+(?:,[0-9]*)?\})?", re.DOTALL)
_SIGNS = re.compile(r"(\\.|[^\\])(?:-(\\.|[^\\]))?", re.DOTALL)
_DIGITS = (("0", "9"),)
_ANY = (("\x00", "\t"), ("\x0b", "\U0010ffff"))
_READABLE = "abcdefghijklmnopqrstuvwxyz0123456789"
_SPREAD = 6
"""Repetitions beyond the least that an example has at most."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Characters out of some ranges, at least and at most so many of them in a row."""

    ranges: tuple[tuple[str, str], ...]
    least: int
    most: int | None

    def holds(self, sign: str) -> bool:
        """Whether the character is one of them."""
        return any(low <= sign <= high for low, high in self.ranges)


def inner(pattern: str) -> str:
    """The pattern without the `^` and `$` that it means in any case.

    >>> inner("^A-[0-9]$"), inner(r"[0-9]+\\$")
    ('A-[0-9]', '[0-9]+\\\\$')
    """
    rest = pattern.removeprefix("^")
    return rest[:-1] if rest.endswith("$") and not rest.endswith("\\$") else rest


def parse(pattern: str) -> tuple[Piece, ...]:
    """The pieces of a pattern. Whatever is no sign of the subset stands for itself."""
    return tuple(Piece(_ranges(atom), *_times(repeated)) for atom, repeated in _PIECE.findall(inner(pattern)))


def matches(pieces: tuple[Piece, ...], text: str) -> bool:
    """Whether the pieces make up the whole text. Takes `len(pieces) * len(text)` steps."""
    reached = [True] + [False] * len(text)
    for piece in pieces:
        reached = _after(piece, reached, text)
    return reached[-1]


def example(pieces: tuple[Piece, ...], generator: np.random.Generator) -> str:
    """A text that the pieces make up, short where they leave the length open."""
    signs = []
    for piece in pieces:
        most = piece.least + _SPREAD if piece.most is None else min(piece.most, piece.least + _SPREAD)
        times = int(generator.integers(piece.least, max(most, piece.least) + 1))
        signs += [_sign(piece, generator) for _ in range(times)]
    return "".join(signs)


def _after(piece: Piece, reached: list[bool], text: str) -> list[bool]:
    """Which places can be reached with this piece from those reached before it."""
    counts = [0]
    for each in reached:  # how many of the first places are reached: any window is a difference of two of them
        counts.append(counts[-1] + each)
    following = []
    run_start = 0
    for place in range(len(text) + 1):
        if place and not piece.holds(text[place - 1]):
            run_start = place
        first = run_start if piece.most is None else max(run_start, place - piece.most)
        last = place - piece.least
        following.append(last >= first and counts[last + 1] > counts[first])
    return following


def _ranges(atom: str) -> tuple[tuple[str, str], ...]:
    if atom == ".":
        return _ANY
    if not (atom.startswith("[") and len(atom) > 1):
        return _DIGITS if atom == r"\d" else ((atom[-1], atom[-1]),)
    ranges: list[tuple[str, str]] = []
    for low, high in _SIGNS.findall(atom[1:-1]):
        if low == r"\d":
            ranges += _DIGITS
        else:
            ranges.append((low[-1], (high or low)[-1]))
    return tuple(ranges)


def _times(repeated: str) -> tuple[int, int | None]:
    if repeated in {"", "?", "*", "+"}:
        return {"": (1, 1), "?": (0, 1), "*": (0, None), "+": (1, None)}[repeated]
    least, comma, most = repeated[1:-1].partition(",")
    return int(least), int(most) if most else (None if comma else int(least))


def _sign(piece: Piece, generator: np.random.Generator) -> str:
    if piece.ranges == _ANY:
        return str(generator.choice(list(_READABLE)))
    low, high = piece.ranges[int(generator.integers(len(piece.ranges)))]
    return chr(int(generator.integers(ord(low), max(ord(high), ord(low)) + 1)))
