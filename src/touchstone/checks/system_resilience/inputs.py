"""How the tests of this room see a system's inputs: axes, legal values, and what is normal for them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from touchstone.records import Note
from touchstone.system.description import InputSpecification
from touchstone.system.subject import Subject
from touchstone.text import Text

Samples = NDArray[np.float32]

MOST_ELEMENTS = 2**24
"""Elements worked on at once: 64 MiB per array, however large a sample is."""


@dataclass(frozen=True, slots=True)
class ValueRange:
    """Legal values of one element. `declared` is false where the range is only what the data show."""

    low: float
    high: float
    declared: bool


def value_range(specification: InputSpecification, seen: Samples) -> ValueRange:
    """The declared range. Undeclared, a picture's range is what `seen` shows; other inputs have none."""
    picture = specification.kind == "image"
    low = float(seen.min()) if picture else -math.inf
    high = float(seen.max()) if picture else math.inf
    return ValueRange(
        low if specification.low is None else specification.low,
        high if specification.high is None else specification.high,
        declared=specification.low is not None and specification.high is not None,
    )


def range_not_declared(seen: ValueRange) -> Note:
    """The remark that goes with an undeclared range of a picture."""
    return Note(
        code="range-not-declared",
        text=Text(
            f"the range of pixel values is not declared; taken from the data: {seen.low:.6g} to {seen.high:.6g}",
            f"未声明像素取值范围；取自数据：{seen.low:.6g} 至 {seen.high:.6g}",
        ),
    )


def normal_inputs(subject: Subject) -> Samples:
    """Inputs that show what is normal: training data, else reference data, else the test data themselves."""
    sets = subject.description.data
    if sets.train is not None:
        return subject.data("train").inputs
    if sets.reference is not None:
        return subject.data("reference").inputs
    return subject.data("test").inputs


def may_be_shown(subject: Subject) -> bool:
    """Whether single test samples may go into the evidence: never those of real people."""
    test = subject.description.data.test
    made_up = test is not None and test.synthetic
    return made_up or subject.facts.get("data.personal") is not True


def portions(rows: NDArray[np.int64], elements: int) -> list[NDArray[np.int64]]:
    """Rows of samples with that many elements each, in portions that fit into memory."""
    size = max(1, MOST_ELEMENTS // elements)
    return [rows[start : start + size] for start in range(0, len(rows), size)]


class Layout:
    """Samples as the system takes them, seen as `(n, channels, height, width)` and back.

    A time series becomes a picture of one channel.
    """

    def __init__(self, specification: InputSpecification, shape: tuple[int, ...]) -> None:
        self.shape = shape
        self.channels_last = specification.kind == "image" and specification.layout == "HWC" and len(shape) == 3

    def channels_first(self, x: Samples) -> Samples:
        """Samples `(n, *shape)` as `(n, channels, height, width)`."""
        if self.channels_last:
            return np.ascontiguousarray(np.moveaxis(x, -1, 1))
        return x.reshape(len(x), *[1] * (3 - len(self.shape)), *self.shape)

    def original(self, x: Samples) -> Samples:
        """The way back."""
        if self.channels_last:
            return np.ascontiguousarray(np.moveaxis(x, 1, -1))
        return x.reshape(len(x), *self.shape)
