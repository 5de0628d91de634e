"""Members and others: who was trained on and who was not, and what the model answers about either."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchstone.system.data.dataset import LabelledData
from touchstone.system.models.handle import Capability, ModelHandle
from touchstone.system.subject import Subject


def fingerprint(row: NDArray[Any] | str) -> bytes:
    """What a sample is recognised by."""
    return hashlib.sha256(row.encode() if isinstance(row, str) else row.tobytes()).digest()


def labelled_test(subject: Subject) -> LabelledData | None:
    """The test data, of checks that can do without: `None` where there are none, or nobody says what they are."""
    if subject.description.data.test is None:
        return None
    test = subject.data("test")
    return None if test.target is None else test


def strangers(test: LabelledData, train: LabelledData) -> NDArray[np.int64]:
    """Which rows of the test data are not training rows as well."""
    known = {fingerprint(row) for row in train.inputs}
    return np.array([i for i, row in enumerate(test.inputs) if fingerprint(row) not in known], dtype=np.int64)


def drawn(rows: NDArray[np.int64], most: int, generator: np.random.Generator) -> NDArray[np.int64]:
    """At most so many of the rows, by lot, in their order."""
    return np.sort(generator.permutation(rows)[:most])


def target_of(data: LabelledData) -> NDArray[np.int64]:
    """The classes of data that are labelled, as the plan makes sure."""
    assert data.target is not None  # noqa: S101 - the plan gives checks that need labels labelled data only
    return data.target


def answers_of(model: ModelHandle, x: NDArray[Any]) -> NDArray[np.float64]:
    """Probabilities `(n, K)`; labels count as sure answers where the model gives no more."""
    if Capability.PROBABILITIES in model.capabilities:
        return model.probabilities(x)
    return np.asarray(np.eye(model.classes)[model.labels(x)])
