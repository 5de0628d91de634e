"""Tests of the membership test: a model that knows its data by heart, and samples of which none was trained on."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from touchstone.checks.data_security.members import fingerprint
from touchstone.checks.declaration import Run
from touchstone.methods.inference.answers import Answers, References, log_odds, paired_halves
from touchstone.methods.inference.membership import infer_membership
from touchstone.records import ControlRun
from touchstone.statistics import auc, auc_bounds
from touchstone.system.data.dataset import LabelledData
from touchstone.text import Text

MEMORISED = 1_000
"""Most samples of the planted memoriser."""
MEMORISED_ELEMENTS = 4_096
"""Elements by which the memoriser tells samples apart."""
MEMORISERS = 4
"""References of the planted memoriser."""
PLANTED_AUC = 0.6
NULL_CONFIDENCE = 0.995
"""Of each bound of the null control: it should fail by chance in less than one run of a hundred."""


def planted(train: LabelledData, members: NDArray[np.int64], classes: int, run: Run) -> ControlRun:
    """A nearest-neighbour memoriser of random labels, beside others: nothing but memory can get those right."""
    generator = run.generator("planted")
    rows = generator.permutation(members)[:MEMORISED]
    x = _memorable(train.inputs[rows])
    y = generator.integers(classes, size=len(rows))
    distances = cdist(x, x)

    def answered(known: NDArray[np.bool_]) -> NDArray[np.float64]:
        return np.asarray(np.eye(classes)[y[known][distances[:, known].argmin(axis=1)]])

    trained = paired_halves(len(rows), MEMORISERS, generator)
    references = References(np.array([log_odds(answered(known), y) for known in trained]), trained)
    known = np.arange(len(rows)) < len(rows) // 2
    answers = Answers(answered(known), y, references)
    result = infer_membership(answers[: known.sum()], answers[known.sum() :], generator)
    found = auc(result.members, result.outsiders)
    return ControlRun(
        kind="planted",
        expected=Text(
            f"a model that memorised random labels is exposed with an AUC above {PLANTED_AUC}",
            f"死记随机标签的模型应被识破，AUC 高于 {PLANTED_AUC}",
        ),
        seen=Text(f"AUC {found:.3f}", f"AUC {found:.3f}"),
        passed=found > PLANTED_AUC,
    )


def null(outside: Answers, labels_only: bool, run: Run) -> ControlRun:
    """Two halves of the non-members, of which neither was trained on."""
    generator = run.generator("null")
    order = generator.permutation(len(outside))
    half = len(outside) // 2
    result = infer_membership(outside[order[:half]], outside[order[half:]], generator, labels_only=labels_only)
    low, high = auc_bounds(result.members, result.outsiders, generator, confidence=NULL_CONFIDENCE)
    return ControlRun(
        kind="null",
        expected=Text(
            "between two halves of the non-members the AUC is consistent with 0.5", "非成员对半分时 AUC 应与 0.5 相容"
        ),
        seen=Text(f"AUC between {low:.3f} and {high:.3f}", f"AUC 介于 {low:.3f} 与 {high:.3f} 之间"),
        passed=low <= 0.5 <= high,
    )


def _memorable(inputs: NDArray[Any]) -> NDArray[np.float64]:
    """What a memoriser keeps of each input: some of its elements, or the fingerprint of a text."""
    if inputs.dtype == object:
        return np.array([list(fingerprint(text)) for text in inputs], dtype=np.float64)
    flat = inputs.reshape(len(inputs), -1)
    return flat[:, :: -(-flat.shape[1] // MEMORISED_ELEMENTS)].astype(np.float64)
