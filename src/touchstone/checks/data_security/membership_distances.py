"""How far the answers of a model hold around members and others, where it answers with labels only."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from touchstone.checks.data_security.members import target_of
from touchstone.checks.declaration import Run
from touchstone.methods.attacks.hop_skip_jump import hop_skip_jump
from touchstone.methods.attacks.threat_model import ThreatModel
from touchstone.methods.inference.answers import Answers
from touchstone.system.data.dataset import LabelledData
from touchstone.system.subject import Subject

QUESTIONS = 64
"""Most labels asked for the distance of one sample: enough for walks towards samples of other classes, no more."""
WALKED_TO = 200
"""Samples of other classes that walks may lead to."""
MOST_ELEMENTS = 4_096
"""Of an input around which answers are looked at."""


def may_be_walked_around(subject: Subject, run: Run) -> bool:
    """Whether thousands of samples may be asked about dozens of times.

    A quick look has no time for that, and the owner of a service no patience.
    """
    declared = subject.description.model
    if run.budget == "quick" or declared.format == "http" or declared.input.kind == "text":
        return False
    return math.prod(subject.data("train").inputs.shape[1:]) <= MOST_ELEMENTS


def with_distances(
    subject: Subject, sides: Sequence[tuple[LabelledData, NDArray[np.int64], Answers]], run: Run
) -> list[Answers]:
    """The answers to rows of data sets, each with its distance to the nearest change of answer that short walks find.

    The last side are the non-members, which are walked to: the attacker may have such data.
    """
    generator = run.generator("walks")
    data, rows, _ = sides[-1]
    pool = generator.permutation(rows)[:WALKED_TO]
    specification = subject.description.model.input
    spread = np.maximum(data.inputs[pool].std(axis=0, dtype=np.float64), 1e-6)
    threat = ThreatModel(
        spread,
        np.full(spread.shape, -math.inf if specification.low is None else specification.low),
        np.full(spread.shape, math.inf if specification.high is None else specification.high),
        "l2",
    )
    found = []
    for each, own, answers in sides:
        right = np.flatnonzero(answers.probabilities.argmax(axis=1) == answers.target)
        walked = hop_skip_jump(
            subject.model().labels,
            each.inputs[own[right]],
            answers.target[right],
            threat,
            generator.integers(2**63, size=len(right)),
            queries=QUESTIONS,
            pool=data.inputs[pool],
            pool_y=target_of(data)[pool],
            stop=0.0,
        )
        distance = np.zeros(len(answers))
        # Where no change was found the answer holds at least as far as anywhere else.
        distance[right] = np.minimum(walked.distance, walked.distance[np.isfinite(walked.distance)].max(initial=1.0))
        found.append(replace(answers, distance=distance))
    return found
