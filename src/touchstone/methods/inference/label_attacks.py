"""Membership attacks on a model that answers with labels only, from how far its answers hold.

A model is surer of what it learnt, and keeps its answer farther around it (Choquette-Choo et al. 2021, "Label-Only
Membership Inference Attacks", ICML). How far depends on how hard a sample is, which references know.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from touchstone.methods.inference.answers import Answers
from touchstone.methods.inference.reference_attacks import at_large, unseen

NEAREST = 0.01
"""Smallest distance that is told apart, in units of the median one."""


def boundary_distance(suspects: Answers, members: Answers, outsiders: Answers) -> NDArray[np.float64]:
    """Distance to the nearest change of answer, beside what references make of the sample.

    A linear discriminant of the attacker's known members and non-members (Fisher 1936): log distance, whether the
    answer is right, and how references that never saw the sample, and all of them, like the true class.
    """
    found = np.concatenate([_distance(members), _distance(outsiders)])
    unit = float(np.median(found[found > 0])) if (found > 0).any() else 1.0
    known = np.concatenate([_columns(members, unit), _columns(outsiders, unit)])
    side = np.repeat([1.0, -1.0], [len(members), len(outsiders)])
    # Both sides weigh alike, however many samples of each are known.
    weight = np.sqrt(np.repeat([1.0 / len(members), 1.0 / len(outsiders)], [len(members), len(outsiders)]))
    direction, *_ = np.linalg.lstsq(known * weight[:, None], side * weight, rcond=None)
    return np.asarray(_columns(suspects, unit) @ direction)


def _columns(answers: Answers, unit: float) -> NDArray[np.float64]:
    distance = _distance(answers)
    columns = [np.ones(len(answers)), distance > 0, np.log(np.maximum(distance / unit, NEAREST))]
    if answers.references is not None:
        hard = unseen(answers.references)
        columns += [hard, hard * (distance > 0), at_large(answers.references)]
    return np.stack(columns, axis=1)


def _distance(answers: Answers) -> NDArray[np.float64]:
    if answers.distance is None:
        raise ValueError("this attack needs distances")
    return answers.distance
