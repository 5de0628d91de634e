"""Tests of the reconstruction check: models that know their data by heart, and answers that say nothing of anybody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from touchstone.checks.data_security.membership_controls import NULL_CONFIDENCE
from touchstone.checks.data_security.planted_canaries import Canaries
from touchstone.checks.declaration import Run
from touchstone.methods.inference.answers import log_odds
from touchstone.methods.privacy.attribute import SUREST, Persons, advantage, infer_attribute
from touchstone.methods.privacy.canaries import extraction_rate
from touchstone.records import ControlRun
from touchstone.text import Text

PERSONS = 800
"""Made persons that the memoriser knows, and as many others."""
COLUMNS = 6
FAR = 1e3
"""What a wrong attribute adds to a distance: nobody is confused with somebody of another value."""


def attribute_controls(sides: Sequence[Persons], run: Run) -> tuple[ControlRun, ControlRun]:
    """A memoriser of random labels gives an attribute away; answers about somebody else do not."""
    generator = run.generator("attribute controls")
    made = [_beside_memoriser(side, generator) for side in (True, False)]
    found = advantage([infer_attribute(each, generator) for each in made], generator)
    mixed = [replace(each, told=generator.permutation(each.told)) for each in sides]
    nothing = advantage([infer_attribute(each, generator) for each in mixed], generator, confidence=NULL_CONFIDENCE)
    return (
        ControlRun(
            kind="planted",
            expected=Text(
                "a model that memorised random labels gives a random attribute of its members away",
                "死记随机标签的模型应泄露成员的随机属性",
            ),
            seen=Text(f"advantage at least {found.low:.3f}", f"增益不低于 {found.low:.3f}"),
            passed=found.low > 0,
        ),
        ControlRun(
            kind="null",
            expected=Text(
                "with each person's answers exchanged for somebody else's the advantage is consistent with 0",
                "将每人的模型输出换成他人的之后，增益应与 0 相容",
            ),
            seen=Text(
                f"between {nothing.low:.3f} and {nothing.high:.3f}",
                f"介于 {nothing.low:.3f} 与 {nothing.high:.3f} 之间",
            ),
            passed=nothing.low <= 0 if len(sides) == 1 else nothing.low <= 0 <= nothing.high,
        ),
    )


def canary_controls(found: Canaries, run: Run) -> tuple[ControlRun, ControlRun]:
    """A memoriser gives planted labels back; between two halves of the canaries left out there is nothing to find."""
    generator = run.generator("canary controls")
    rows = generator.normal(size=(2 * PERSONS, COLUMNS))
    labels = generator.integers(2, size=2 * PERSONS)
    given = labels[:PERSONS][cdist(rows, rows[:PERSONS]).argmin(axis=1)] == labels
    read = extraction_rate(given[:PERSONS], given[PERSONS:])
    left = generator.permutation(found.given_out)
    nothing = extraction_rate(left[::2], left[1::2], confidence=NULL_CONFIDENCE)
    return (
        ControlRun(
            kind="planted",
            expected=Text(
                "half or more of random labels are read off a memoriser", "可从死记模型读出多余随机水平的标签"
            ),
            seen=Text(f"at least {read.low:.3f}", f"至少 {read.low:.3f}"),
            passed=read.low > 0,
        ),
        ControlRun(
            kind="null",
            expected=Text("nothing is extracted of canaries that were left out", "未参与训练的金丝雀应无法读出"),
            seen=Text(f"at least {nothing.low:.4f}", f"至少 {nothing.low:.4f}"),
            passed=nothing.low == 0,
        ),
    )


def _beside_memoriser(known: bool, generator: np.random.Generator) -> Persons:
    """Persons with a random attribute and label; what a nearest-neighbour memoriser says under either attribute.

    It knows these very persons, or others made alike.
    """
    rows, attribute, y = _made(generator)
    learnt = (rows, attribute, y) if known else _made(generator)
    distance = cdist(rows, learnt[0])
    sure = []
    for value in (0, 1):
        nearest = (distance + FAR * (learnt[1] != value)).argmin(axis=1)
        sure.append(np.clip(log_odds(np.eye(2)[learnt[2][nearest]], y), -SUREST, SUREST))
    told = np.array(sure).T
    return Persons(np.hstack([rows, y[:, None]]), told - told.mean(axis=1, keepdims=True), attribute)


def _made(generator: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
    return (
        generator.normal(size=(PERSONS, COLUMNS)),
        generator.integers(2, size=PERSONS),
        generator.integers(2, size=PERSONS),
    )
