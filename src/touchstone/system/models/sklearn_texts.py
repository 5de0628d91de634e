"""Vectorisers of texts, checked before scikit-learn runs them.

A fitted vectoriser writes the column numbers of its vocabulary into a sparse matrix that nobody compares with the size
of what it is multiplied with: a forged vocabulary reads memory that is not its own. And a vectoriser can be set to take
texts for names of files, which it then opens.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np


def unsafe_vectoriser(estimator: Any) -> str | None:
    """What is wrong with a vectoriser held anywhere in `estimator`, or `None` when all are safe to run."""
    for vectoriser in _vectorisers(estimator):
        if getattr(vectoriser, "input", "content") != "content":
            return "a vectoriser opens files"
        vocabulary = getattr(vectoriser, "vocabulary_", {})
        if not isinstance(vocabulary, dict):
            return "a vocabulary is no dictionary"
        if not all(_is_column(column, len(vocabulary)) for column in vocabulary.values()):
            return "a vocabulary points outside itself"
    return None


def _is_column(column: Any, columns: int) -> bool:
    return isinstance(column, int | np.integer) and 0 <= int(column) < columns


def _vectorisers(root: Any) -> Iterator[Any]:
    """Every vectoriser below `root`: estimators, and what their attributes hold in lists and dictionaries."""
    from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer

    seen: set[int] = set()
    waiting = [root]
    while waiting:
        found = waiting.pop()
        if id(found) in seen or isinstance(found, str | bytes | int | float | np.generic | None):
            continue
        seen.add(id(found))
        if isinstance(found, CountVectorizer | HashingVectorizer):
            yield found
        elif isinstance(found, dict):
            waiting += found.values()
        elif isinstance(found, list | tuple | set | frozenset):
            waiting += found
        elif isinstance(found, np.ndarray):
            waiting += list(found.flat) if found.dtype == object else []
        elif hasattr(found, "__dict__"):
            waiting += vars(found).values()
