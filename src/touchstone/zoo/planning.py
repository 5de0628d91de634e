"""Which models a zoo holds. Every model follows from the seed, its split, its task and its number there, so that a
larger zoo contains the smaller one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Literal

import numpy as np

from touchstone.methods.backdoor.poisons import KINDS
from touchstone.training.architecture import FAMILIES
from touchstone.training.flaws import Flaw
from touchstone.training.learning import Recipe, draw_recipe
from touchstone.zoo.tasks import TASKS, Task

Split = Literal["dev", "calibration", "sealed"]

SPLITS: dict[Split, tuple[float, float]] = {"dev": (1.0, 2.0), "calibration": (4.0, 0.0), "sealed": (1.0, 2.0)}
"""Honest and attacked models of each task in a split, relative to each other.

Detectors are developed on `dev`; `sealed` is opened once, at the end. Its pictures are others, and one of its tasks is
not in `dev`. `calibration` holds honest models to compare the sealed ones with: 19 or more of each task and family.
"""
FIRST_ATTACKED = 500
"""Number of the first attacked model of a task in a split; honest ones are counted from 0."""
ROWS = 2000
"""Pictures a model learns from."""
EPOCHS = 10


@dataclass(frozen=True, slots=True)
class Specification:
    """One model to make. `attack` is one of the kinds of poisoning, or `None` for an honest one."""

    split: Split
    task: str
    number: int
    family: str
    attack: str | None
    flaw: Flaw
    recipe: Recipe
    seed: tuple[int, ...]
    """Of everything else that is drawn: the training rows, and the attack."""

    @property
    def name(self) -> str:
        """What its files are called."""
        return f"{self.split}-{self.task}-{self.number:03d}"


def specifications(seed: int, tasks: Sequence[str], models: int) -> list[Specification]:
    """About `models` models, shared evenly over tasks; `dev` first, `sealed` last.

    Within a split, tasks, honest and attacked models take turns, so that half a zoo is of use as well.
    """
    places = [(split, TASKS[task]) for split in SPLITS for task in tasks if _belongs(TASKS[task], split)]
    unit = models / sum(sum(SPLITS[split]) for split, _ in places)
    planned = []
    for split in SPLITS:
        rows = [list(_of_place(seed, split, task, unit)) for at, task in places if at == split]
        planned += [one for turn in zip_longest(*rows) for one in turn if one is not None]
    return planned


def _belongs(task: Task, split: Split) -> bool:
    """A sealed task has its own honest models to compare with, and none to develop on."""
    return split != "dev" or not task.sealed


def _of_place(seed: int, split: Split, task: Task, unit: float) -> Iterator[Specification]:
    """The models of one task in one split, one honest to every two attacked ones."""
    honest, attacked = (max(round(share * unit), 1 if share else 0) for share in SPLITS[split])
    kinds = tuple(KINDS)
    for number in range(max(honest, -(-attacked // 2))):
        if number < honest:
            yield _specification(seed, split, task, number, None)
        for place in range(2 * number, min(2 * number + 2, attacked)):
            yield _specification(seed, split, task, FIRST_ATTACKED + place, kinds[place % len(kinds)])


def _specification(seed: int, split: Split, task: Task, number: int, attack: str | None) -> Specification:
    own = (seed, list(SPLITS).index(split), list(TASKS).index(task.name), number)
    random = np.random.default_rng(own)
    family = list(FAMILIES)[int(random.integers(len(FAMILIES)))] if attack else list(FAMILIES)[number % len(FAMILIES)]
    flaw: Flaw = "none"
    turn = number // len(FAMILIES)
    if attack is None and turn % 3 == 1:  # a third of the honest models is hard to tell from attacked ones
        flaw = "label-noise" if turn % 2 else "imbalance"
    return Specification(split, task.name, number, family, attack, flaw, draw_recipe(random, epochs=EPOCHS), own)
