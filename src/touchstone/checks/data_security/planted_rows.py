"""What the screen for planted rows finds of poison planted here, in a copy of the very data under test."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from touchstone.checks.data_security.row_screen import Labels, Samples, View, screen
from touchstone.checks.declaration import Run
from touchstone.checks.system_resilience.inputs import Layout, value_range
from touchstone.methods.backdoor.poisons import draw_attack, poison
from touchstone.methods.backdoor.rows.columns import mark_rows
from touchstone.records import Budget
from touchstone.system.description import InputSpecification

PICTURE_KINDS: dict[Budget, tuple[str, ...]] = {
    "quick": ("badnets", "blend"),
    "standard": ("badnets", "blend", "sinusoid", "warp"),
    "full": ("badnets", "blend", "sinusoid", "warp", "colour-filter", "one-to-one", "badnets-anywhere"),
}
MARKS: dict[Budget, int] = {"quick": 2, "standard": 4, "full": 7}
"""Marks of other inputs than pictures, each drawn anew."""
STEPS: dict[Budget, int] = {"quick": 400, "standard": 700, "full": 1000}
TAUGHT = 0.8
"""Share of the planted rows the copy must have learnt: what does not take is no backdoor, and is not counted."""


@dataclass(frozen=True, slots=True)
class Planting:
    """One kind of poison, and how many of its rows the screen calls suspects."""

    kind: str
    planted: int
    found: int
    learnt: float
    """Share of the planted rows that the taught copy answers as the attacker wants; one where nothing is taught."""

    @property
    def took(self) -> bool:
        """Whether there was a backdoor to find."""
        return self.learnt >= TAUGHT


@dataclass(frozen=True, slots=True)
class _Poisoned:
    kind: str
    x: Samples
    y: Labels
    planted: NDArray[np.bool_]


def plantings(
    view: View,
    specification: InputSpecification,
    vetted: tuple[Samples, Labels],
    rows: tuple[Samples, Labels],
    classes: int,
    share: float,
    run: Run,
) -> Iterator[Planting]:
    """Plant each kind of poison in the rows, teach it to a copy of the network where there is one, and screen."""
    for poisoned in _poisoned(specification, rows, classes, share, run):
        seen, learnt = view, 1.0
        if view.network is not None:
            from touchstone.methods.backdoor.rows.teaching import taught

            generator = run.generator(f"teaching/{poisoned.kind}")
            student, learnt = taught(
                view.network, poisoned.x, poisoned.y, poisoned.planted, STEPS[run.budget], generator
            )
            seen = View(student, None)
        found = screen(seen, *vetted, poisoned.x, poisoned.y)
        caught = int((found.suspect & poisoned.planted).sum())
        yield Planting(poisoned.kind, int(poisoned.planted.sum()), caught, learnt)


def _poisoned(
    specification: InputSpecification, rows: tuple[Samples, Labels], classes: int, share: float, run: Run
) -> Iterator[_Poisoned]:
    x, y = rows
    if specification.kind != "image":
        for number in range(MARKS[run.budget]):
            marked = mark_rows(x, y, classes, share, run.generator(f"mark/{number}"))
            yield _Poisoned(f"mark-{number + 1}", marked.x, marked.y, marked.poisoned)
        return
    layout, legal = Layout(specification, x.shape[1:]), value_range(specification, x)
    pictures = layout.channels_first(x)
    for kind in PICTURE_KINDS[run.budget]:
        generator = run.generator(f"poison/{kind}")
        shape = (int(pictures.shape[1]), int(pictures.shape[2]), int(pictures.shape[3]))
        attack = draw_attack(kind, classes, shape, generator, low=legal.low, high=legal.high)
        made = poison(replace(attack, rate=share, cover=min(attack.cover, share)), pictures, y, generator)
        yield _Poisoned(kind, layout.original(made.x), made.y, made.poisoned)
