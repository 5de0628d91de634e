"""How the tests of this room see a system's inputs: axes, legal values, and what is normal for them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from touchstone.errors import UnavailableError
from touchstone.records import Note
from touchstone.system.data.dataset import LabelledData
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
    """The declared range. Undeclared, a picture's range is what `seen` shows; other inputs have none.

    Raises `UnavailableError` where that leaves no room between the smallest and the largest value.
    """
    picture = specification.kind == "image"
    low, high = specification.low, specification.high
    declared = low is not None and high is not None
    if low is None:
        low = float(seen.min()) if picture else -math.inf
    if high is None:
        high = float(seen.max()) if picture else math.inf
    if low >= high:
        raise UnavailableError(
            Text(
                f"the data show no range of pixel values: {low:.6g} to {high:.6g}",
                f"数据未体现像素取值范围：{low:.6g} 至 {high:.6g}",
            ),
            "model.input",
            Text(
                "declare the smallest and the largest legal value as low and high", "请以 low 与 high 声明合法取值范围"
            ),
        )
    return ValueRange(low, high, declared)


def times_small(subject: Subject, elements: int) -> int:
    """How many times `elements` one input has, at least one: what a test on larger inputs costs more."""
    return max(1, math.prod(subject.description.model.input.shape or [1]) // elements)


def range_not_declared(seen: ValueRange) -> Note:
    """The remark that goes with an undeclared range of a picture."""
    return Note(
        code="range-not-declared",
        text=Text(
            f"the range of pixel values is not declared; taken from the data: {seen.low:.6g} to {seen.high:.6g}",
            f"未声明像素取值范围；取自数据：{seen.low:.6g} 至 {seen.high:.6g}",
        ),
    )


def normal_inputs(subject: Subject, test: LabelledData) -> Samples:
    """Inputs that show what is normal: training data, else reference data, else the test data themselves."""
    sets = subject.description.data
    if sets.train is not None:
        return subject.data("train").inputs
    if sets.reference is not None:
        return subject.data("reference").inputs
    return test.inputs


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
