"""What the models of the zoo are for: five picture tasks, one of which nothing is developed on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from touchstone.zoo import digits, shapes, signs, textures

CHANNELS = 3
TRAINING, TEST = 4000, 1000
"""Pictures a task has to learn from, and others to measure with."""


@dataclass(frozen=True, slots=True)
class Task:
    """A task: how to draw one picture of a class, from the pictures to learn from or from those held back."""

    name: str
    classes: int
    draw: Callable[[int, np.random.Generator, bool], NDArray[np.uint8]]
    sealed: bool = False
    """Whether detectors may be tried on it only once they are finished."""


@dataclass(frozen=True, slots=True)
class Pictures:
    """Drawn pictures in octets `(n, 3, 32, 32)` and their classes `(n,)`."""

    octets: NDArray[np.uint8]
    label: NDArray[np.int64]

    def rows(self, chosen: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Some of the pictures with values in `[0, 1]`, and their classes."""
        return (self.octets[chosen] / np.float32(255)).astype(np.float32), self.label[chosen]

    def __len__(self) -> int:
        return len(self.label)


TASKS = {
    task.name: task
    for task in (
        Task("signs-12", 12, lambda label, random, _: signs.draw(label, random)),
        Task("signs-8", 8, lambda label, random, _: signs.draw(label, random)),
        Task("shapes-10", 10, lambda label, random, _: shapes.draw(label, random)),
        Task("digits-10", 10, lambda label, random, held_back: digits.draw(label, random, held_back=held_back)),
        Task("textures-10", 10, lambda label, random, _: textures.draw(label, random), sealed=True),
    )
}
"""By name."""


def draw_pictures(task: Task, count: int, seed: int, *, held_back: bool) -> Pictures:
    """`count` pictures with equally many of every class, in random order."""
    random = np.random.default_rng([seed, held_back, *task.name.encode()])
    label = random.permutation(np.arange(count) % task.classes)
    return Pictures(np.stack([task.draw(int(one), random, held_back) for one in label]), label)
