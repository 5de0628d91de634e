"""How rows of one set are found again in another, for every kind of input."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchstone.checks.system_resilience.inputs import Layout
from touchstone.methods.data_quality.coincidence import beyond_chance
from touchstone.methods.data_quality.nearness import FEWEST, nearness
from touchstone.methods.data_quality.pictures import low_frequencies
from touchstone.methods.data_quality.texts import SHORTEST, most_alike, normal_form, shingles, threshold
from touchstone.system.description import InputSpecification

Rows = NDArray[Any]

MOST_COLUMNS = 1024
"""Elements of a row that is no picture which distances are measured in: every so many-th of them."""


@dataclass(frozen=True, slots=True)
class Copies:
    """For each row `(n,)` whether it has an equal, or a near, row in the other set that chance does not explain.

    `place` is that row, `nearness` how far it is (texts: how alike). `common` are rows that have an equal which chance
    explains. `near_searched` is false where nobody can say how near strangers are: too few rows, or columns.
    """

    equal: NDArray[np.bool_]
    near: NDArray[np.bool_]
    mirrored: NDArray[np.bool_]
    common: NDArray[np.bool_]
    place: NDArray[np.int64]
    nearness: NDArray[np.float64]
    near_searched: bool

    @property
    def found(self) -> NDArray[np.bool_]:
        """Rows with a copy of any kind."""
        return self.equal | self.near | self.mirrored


def find_copies(rows: Rows, others: Rows, specification: InputSpecification) -> Copies:
    """Look for each of the rows among the others."""
    if specification.kind == "text":
        return _copies_of_texts([str(row) for row in rows], [str(row) for row in others])
    return _copies_of_numbers(rows, others, specification)


def fingerprint(row: NDArray[np.float32] | str) -> bytes:
    """A digest that equal rows share."""
    # Zero has two signs and one meaning.
    content = normal_form(row).encode() if isinstance(row, str) else (row + np.float32(0.0)).tobytes()
    return hashlib.sha256(content).digest()


def _copies_of_numbers(rows: Rows, others: Rows, specification: InputSpecification) -> Copies:
    place = _equal_places(list(rows), list(others))
    unlikely = beyond_chance(rows, len(others))
    equal, common = (place >= 0) & unlikely, (place >= 0) & ~unlikely
    near = mirrored = np.zeros(len(rows), dtype=np.bool_)
    distance = np.zeros(len(rows))
    searched = min(len(rows), len(others)) >= FEWEST
    if searched:
        mine, theirs = vectors(rows, others, specification)
        found = nearness(mine, theirs)
        searched = found.told
        near = found.copies & (place < 0)
        place, distance = np.where(near, found.nearest, place), np.where(place < 0, found.distance, 0.0)
        if specification.kind == "image":
            turned = vectors(_mirrored(rows, specification), others, specification)[0]
            other = nearness(turned, theirs)
            mirrored = other.copies & ~near & (place < 0)
            place = np.where(mirrored, other.nearest, place)
            distance = np.where(mirrored, other.distance, distance)
    return Copies(equal, near, mirrored, common, place, distance, searched)


def vectors(rows: Rows, others: Rows, specification: InputSpecification) -> tuple[Rows, Rows]:
    """Both sets as vectors whose distance says how different two rows are."""
    if specification.kind == "image":
        layout = Layout(specification, rows.shape[1:])
        return low_frequencies(layout.channels_first(rows)), low_frequencies(layout.channels_first(others))
    mine, theirs = (part.reshape(len(part), -1) for part in (rows, others))
    step = -(-mine.shape[1] // MOST_COLUMNS)
    mine, theirs = mine[:, ::step], theirs[:, ::step]
    spread = theirs.std(axis=0, dtype=np.float64)
    varied = spread > 0
    centre = theirs.mean(axis=0, dtype=np.float64)[varied]

    def scaled(part: Rows) -> Rows:
        return np.asarray((part[:, varied] - centre) / spread[varied], dtype=np.float32)

    return scaled(mine), scaled(theirs)


def _copies_of_texts(texts: Sequence[str], others: Sequence[str]) -> Copies:
    place = _equal_places(texts, others)
    long_enough = np.array([len(normal_form(text)) >= SHORTEST for text in texts], dtype=np.bool_)
    mine, theirs = ([shingles(text) for text in part] for part in (texts, others))
    nearest, alike = most_alike(mine, theirs)
    near = (alike >= threshold(mine)) & long_enough & (place < 0)
    return Copies(
        equal=(place >= 0) & long_enough,
        near=near,
        mirrored=np.zeros(len(texts), dtype=np.bool_),
        common=(place >= 0) & ~long_enough,
        place=np.where(near, nearest, place),
        nearness=alike,
        near_searched=True,
    )


def _equal_places(rows: Sequence[Any], others: Sequence[Any]) -> NDArray[np.int64]:
    """The first equal of each row, or -1."""
    known: dict[bytes, int] = {}
    for at, row in enumerate(others):
        known.setdefault(fingerprint(row), at)
    return np.array([known.get(fingerprint(row), -1) for row in rows], dtype=np.int64)


def _mirrored(rows: Rows, specification: InputSpecification) -> Rows:
    layout = Layout(specification, rows.shape[1:])
    return layout.original(np.ascontiguousarray(layout.channels_first(rows)[..., ::-1]))
