"""What the search for copies is tested with: changed copies of training rows, and rows that are nobody's copy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from touchstone.checks.evaluation.copies import Rows
from touchstone.system.description import InputSpecification

NOISE = 0.02
"""Noise on a near copy, in units of each element's spread."""
DIMMED = 0.9
"""Contrast that a near copy of a picture keeps."""

SIMILAR = 10
"""Nearest rows of a table, itself among them; one of the farther half is mixed in to make a stranger."""


def near_copies(rows: Rows, specification: InputSpecification, generator: np.random.Generator) -> Rows:
    """The rows as they come back after being handled again: a little noise, a picture dimmed, a word lost."""
    if specification.kind == "text":
        return np.array([_without_a_word(str(row), generator) for row in rows], dtype=object)
    spread = rows.std(axis=0) if specification.kind != "image" else rows.std()
    noisy = rows + NOISE * spread * generator.standard_normal(rows.shape)
    if specification.kind == "image":
        noisy = rows.mean() + DIMMED * (noisy - rows.mean())
    return np.asarray(noisy, dtype=np.float32)


def strangers(rows: Rows, specification: InputSpecification, generator: np.random.Generator) -> Rows:
    """Rows that look like the data and are copies of none: two rows mixed, in a table two similar ones."""
    others = generator.permutation(len(rows))
    if specification.kind == "tabular" and len(rows) > SIMILAR:
        others = _similar(rows, generator)
    if specification.kind == "text":
        pairs = ((str(row), str(rows[other])) for row, other in zip(rows, others, strict=True))
        return np.array([one[: len(one) // 2] + other[len(other) // 2 :] for one, other in pairs], dtype=object)
    return np.asarray((rows + rows[others]) / 2, dtype=np.float32)


def _similar(rows: Rows, generator: np.random.Generator) -> NDArray[np.int64]:
    """For each row one of the most similar others, so that what is between them lies where the data lie."""
    from scipy.spatial import KDTree

    spread = rows.std(axis=0)
    scaled = rows / np.where(spread > 0, spread, 1.0)
    nearest = KDTree(scaled).query(scaled, SIMILAR)[1]
    chosen = generator.integers(SIMILAR // 2, SIMILAR, len(rows))
    return np.asarray(nearest[np.arange(len(rows)), chosen])


def _without_a_word(text: str, generator: np.random.Generator) -> str:
    """Without one word, or, in a script without spaces, without two characters."""
    words = text.split()
    if len(words) > 4:
        del words[int(generator.integers(len(words)))]
        return " ".join(words)
    at = int(generator.integers(max(1, len(text) - 1)))
    return text[:at] + text[at + 2 :]
