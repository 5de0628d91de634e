"""Canaries of a system: made from its own test inputs, and their power measured on tampers of our own making.

With the weights at hand, a canary must stand under every usual rounding of the whole model (weights, inputs and layers
in float16 or bfloat16), what eight-bit weights answer is kept as a pattern of its own, and tampering is simulated to
say how much of it would be seen. Without weights (an endpoint, a model of trees) none of this is possible: canaries
are then a small fixed step from the boundary, and power and tolerance stay unknown.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from touchstone.errors import ArtifactError, UnavailableError
from touchstone.methods.attacks.threat_model import Classes, Labels, Samples
from touchstone.methods.fingerprint.canaries import (
    LINES_PER_CANARY,
    BoundaryLines,
    Canaries,
    boundary_lines,
    chosen,
    stepped_back,
)
from touchstone.methods.fingerprint.poll import some_of, verdict
from touchstone.methods.fingerprint.tampers import (
    EXPONENT_BITS,
    MANTISSA_BITS,
    Changed,
    quantised,
    rounded,
    summed_otherwise,
    with_flipped_bits,
    with_noise,
    with_swapped_classes,
)
from touchstone.statistics import proportion_bounds
from touchstone.system.models.altered import AlteredModel, Arithmetic, Weights, open_altered
from touchstone.system.subject import Subject
from touchstone.text import Text

CANARIES: Final = 32
MOST_INPUTS: Final = 2000
"""Test inputs that canaries are drawn from."""
NEARNESS: Final = 1 / 256
"""Margin of a canary in float32, as a share of the spread that rounding to float16 gives to margins: eight times what
sums in another order, which are good to a unit in the last place of float32, do to them."""
PORTIONS: Final = (1, 3, 5)
"""How many inputs at a time the model is asked when nothing was done to it, to see whether a canary turns by itself."""
SUMS: Final = 3
"""Other orders of summation that are simulated."""
UNKNOWN_RATE: Final = 0.01
"""Benign rate that is assumed where no rounding can be simulated."""
STEP: Final = 1e-3
"""Length of the simulated training step, as a share of the norm of all weights."""
STEP_ROWS: Final = 64

Tamper = Callable[[np.random.Generator], Changed | None]


@dataclass(frozen=True, slots=True)
class Power:
    """How many of some simulated tampers one poll of a number of canaries detects."""

    tamper: str
    asked: int
    detected: int
    tries: int

    @property
    def low(self) -> float:
        """Lower bound (95 %) of the share detected."""
        return proportion_bounds(self.detected, self.tries)[0]


@dataclass(frozen=True, slots=True)
class Simulation:
    """The model with its weights at hand."""

    model: AlteredModel
    inputs: Samples
    labels: Classes
    """Answers of the model to its test inputs."""
    classes: int

    def reading(
        self, weights: Weights | None = None, arithmetic: Arithmetic | None = None, inputs: Arithmetic | None = None
    ) -> Labels:
        """The labels of the model with other weights, layers computed, and inputs handed over, in another format.

        A model that answers no numbers any more, as after an overflow, gives the label -1, which no canary expects.
        """

        def labels(x: Samples) -> Classes:
            try:
                return np.asarray(self.model.scores(_in(inputs, x), weights, arithmetic).argmax(axis=1))
            except ArtifactError:
                return np.full(len(x), -1, dtype=np.int64)

        return labels

    def readings(self) -> list[Labels]:
        """What a canary must stand: the model, and all of it or its weights or inputs alone in a shorter format."""
        half, brain = rounded(self.model.weights, "f16"), rounded(self.model.weights, "bf16")
        return [
            self.reading(),
            self.reading(half),
            self.reading(inputs="f16"),
            self.reading(half, inputs="f16"),
            self.reading(half, "f16"),
            self.reading(half, "f16", "f16"),
            self.reading(brain),
            self.reading(brain, "bf16"),
            self.reading(brain, "bf16", "bf16"),
        ]

    def held_out(self, generator: np.random.Generator) -> list[Labels]:
        """Readings no canary was chosen by: the same in other portions, and as sums in other orders would make it."""
        half, brain = rounded(self.model.weights, "f16"), rounded(self.model.weights, "bf16")
        together = [
            self.reading(),
            self.reading(half),
            self.reading(half, "f16"),
            self.reading(half, "f16", "f16"),
            self.reading(brain, "bf16"),
            self.reading(brain, "bf16", "bf16"),
        ]
        otherwise = [
            self.reading(summed_otherwise(each, generator)) for each in (self.model.weights, half) for _ in range(SUMS)
        ]
        return [_in_portions(reading, size) for size in PORTIONS for reading in together] + otherwise

    def tampers(self) -> dict[str, Tamper]:
        """What is simulated, by name."""
        weights = self.model.weights
        return {
            "8 mantissa flips": lambda generator: with_flipped_bits(weights, 8, MANTISSA_BITS, generator),
            "1 exponent flip": lambda generator: with_flipped_bits(weights, 1, EXPONENT_BITS, generator),
            "weight noise 0.1%": lambda generator: with_noise(weights, 0.001, generator),
            "weight noise 0.3%": lambda generator: with_noise(weights, 0.003, generator),
            "weight noise 1%": lambda generator: with_noise(weights, 0.01, generator),
            "training step 0.1%": self._stepped,
            "two classes swapped": lambda generator: with_swapped_classes(weights, self.classes, generator),
        }

    def _stepped(self, generator: np.random.Generator) -> Changed:
        rows = generator.permutation(len(self.inputs))[:STEP_ROWS]
        return self.model.step(self.inputs[rows], self.labels[rows], STEP)

    def margins(self, x: Samples, labels: Classes) -> NDArray[np.float64]:
        """How far the scores of the labels lie above the best other ones."""
        return _margins(self.model.scores(x), labels)

    def nearness(self, lines: BoundaryLines) -> float:
        """The margin that canaries shall have: a small part of what rounding to float16 does to margins."""
        points = lines.at(lines.share)
        half = rounded(self.model.weights, "f16")
        moved = _margins(self.model.scores(points, half, "f16"), lines.label) - self.margins(points, lines.label)
        return NEARNESS * float(moved.std())


def simulation_of(subject: Subject) -> Simulation | None:
    """The model of a subject with its weights, or `None` where they cannot be changed here."""
    try:
        model = open_altered(subject)
    except UnavailableError:
        return None
    inputs = subject.data("test").inputs[:MOST_INPUTS]
    return Simulation(model, inputs, subject.model().labels(inputs), subject.model().classes)


def make_canaries(
    subject: Subject, simulation: Simulation | None, generator: np.random.Generator, count: int = CANARIES
) -> Canaries:
    """At most `count` canaries of a subject. Raises `UnavailableError` when it gives all its inputs one answer."""
    own = subject.data("test").inputs[:MOST_INPUTS]
    labels = subject.model().labels
    lines = boundary_lines(labels, own, count * (LINES_PER_CANARY if simulation else 1), generator)
    if not len(lines):
        raise UnavailableError(
            Text("the model gives all test inputs one answer", "模型对全部测试输入给出同一判定"),
            "data.test",
            Text("hand in inputs of several classes", "请提交涵盖多个类别的输入"),
        )
    if simulation is None:
        points = stepped_back(lines, None, 0.0)
        rows = chosen(lines, points, [labels], count)
        return Canaries(points[rows], lines.label[rows], {}, UNKNOWN_RATE)
    points = stepped_back(lines, simulation.margins, simulation.nearness(lines))
    rows = chosen(lines, points, [labels, *simulation.readings()], count)
    inputs, expected = points[rows], lines.label[rows]
    held_out = simulation.held_out(generator)
    turned = sum(int((reading(inputs) != expected).sum()) for reading in held_out)
    patterns = {
        f"int8 {kind}": simulation.reading(quantised(simulation.model.weights, per_channel=kind == "per-channel"))(
            inputs
        )
        for kind in ("per-channel", "per-tensor")
    }
    _, rate = proportion_bounds(turned, len(rows) * len(held_out))
    return Canaries(inputs, expected, patterns, rate)


def measured_power(
    canaries: Canaries, simulation: Simulation, generator: np.random.Generator, *, asked: int, tries: int
) -> tuple[Power, ...]:
    """How many of `tries` tampers of each kind one poll of `asked` canaries calls a change, from labels alone."""
    found = []
    for name, tamper in simulation.tampers().items():
        made = [changed for _ in range(tries) if (changed := tamper(generator)) is not None]
        detected = sum(is_detected(canaries, simulation, changed, asked, generator) for changed in made)
        if made:
            found.append(Power(name, min(asked, len(canaries)), detected, len(made)))
    return tuple(found)


def is_detected(
    canaries: Canaries, simulation: Simulation, changed: Weights, asked: int, generator: np.random.Generator
) -> bool:
    """Whether one poll of `asked` canaries calls a model with the `changed` weights changed."""
    some = some_of(canaries, asked, generator)
    return verdict(some, simulation.reading(changed)(some.inputs)).state == "changed"


def _in(number_format: Arithmetic | None, x: Samples) -> Samples:
    return x if number_format is None else rounded({"x": x}, number_format)["x"]


def _in_portions(reading: Labels, size: int) -> Labels:
    """Sums may be made in another order when fewer inputs, or more, are asked about at a time."""
    return lambda x: np.concatenate(
        [reading(x[row : row + size]) for row in range(0, len(x), size)] or [np.zeros(0, np.int64)]
    )


def _margins(scores: NDArray[np.float64], labels: Classes) -> NDArray[np.float64]:
    rows = np.arange(len(labels))
    own = scores[rows, labels]
    others = scores.copy()
    others[rows, labels] = -np.inf
    return np.asarray(own - others.max(axis=1))
