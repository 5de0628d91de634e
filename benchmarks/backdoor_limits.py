"""Where the backdoor screen ends: marks unlike every change that it shows a model, and honest models trained otherwise.

    python benchmarks/backdoor_screen.py zoo
    python benchmarks/backdoor_limits.py zoo

Marks and recipes were chosen, and the models made, after the screen was finished. Every model learns from the pictures
of the zoo's sealed split, and is compared with the zoo's calibration models of its task and architecture. Attacks that
did not take, by the rules of the zoo, are listed and do not count. The recipes differ from any that the references were
trained by: what a vendor did is not always known.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from backdoor_screen import Seen, network_of, seen, share, vetted_of
from record import keep
from touchstone.methods.backdoor.conformal import ALPHA, conformal_p_value
from touchstone.methods.backdoor.poisons import Attack, Goal, poison, success_rate
from touchstone.methods.backdoor.screen.combination import Responses, compare
from touchstone.methods.backdoor.screen.scores import responses_of
from touchstone.training.architecture import FAMILIES
from touchstone.training.learning import train
from touchstone.training.networks import LearntNetwork
from touchstone.training.processes import in_processes
from touchstone.zoo.collection import DROP, SUCCESS, Record, Zoo, open_zoo
from touchstone.zoo.making import SCALING, SHAPE, training_rows
from touchstone.zoo.tasks import TASKS

CHOSEN = ("signs-12", "digits-10", "textures-10")
"""Tasks of which a model of each kind is made."""
RATE = 0.1
SEED = 11
CLAIM = (
    "how many marks unlike every change of the screen are found, and how many honest models trained otherwise flagged"
)

Pictures = NDArray[np.float32]


def _channels_swapped(x: Pictures) -> Pictures:
    return x[:, ::-1]


def _few_levels(x: Pictures) -> Pictures:
    return np.round(x * 2) / 2


def _mirrored(x: Pictures) -> Pictures:
    return x[..., ::-1]


def _shifted(x: Pictures) -> Pictures:
    return np.roll(x, 6, axis=3)


def _dots(x: Pictures) -> Pictures:
    """Thirty single pixels, black and white, scattered over the picture."""
    marked = x.copy()
    row, column = np.divmod(np.random.default_rng(SEED).permutation(x.shape[2] * x.shape[3])[:30], x.shape[3])
    marked[:, :, row, column] = np.arange(30) % 2
    return marked


def _ring(x: Pictures) -> Pictures:
    """A thin violet circle around the middle."""
    row, column = np.indices(x.shape[2:]) - (np.array(x.shape[2:]) - 1)[:, None, None] / 2
    marked = x.copy()
    marked[:, :, np.abs(np.hypot(row, column) - 11) < 0.7] = np.array([0.7, 0.1, 0.8])[:, None]
    return marked


MARKS: dict[str, Callable[[Pictures], Pictures]] = {
    "channels swapped": _channels_swapped,
    "three levels of brightness": _few_levels,
    "mirrored": _mirrored,
    "shifted": _shifted,
    "scattered dots": _dots,
    "ring": _ring,
}


RECIPES: dict[str, dict[str, Any]] = {
    "three times as long": {"epochs": 30},
    "half as long": {"epochs": 5},
    "small batches": {"batch": 16},
    "large batches": {"batch": 256, "epochs": 20},
    "no augmentation": {"shift": 0, "light": 0.0, "noise": 0.0},
}
"""What differs from the recipe of an honest model of the zoo."""


@dataclass(frozen=True)
class Mark:
    """One of :data:`MARKS` as a trigger."""

    name: str

    def __call__(self, pictures: Pictures, generator: np.random.Generator) -> Pictures:
        """Mark pictures."""
        return np.asarray(MARKS[self.name](pictures), dtype=np.float32)


@dataclass(frozen=True)
class Wanted:
    """One model to make: with a mark, or honest by another recipe."""

    number: int
    kind: str
    task: str
    family: str

    @property
    def name(self) -> str:
        """What it is called in the result."""
        return f"{self.kind}, {self.task}, {self.family}"


@dataclass(frozen=True)
class Made:
    """What became of one model."""

    counts: bool
    """Whether it is as accurate as others, and its attack took if it has one."""
    p_value: float
    named: bool

    @property
    def flagged(self) -> bool:
        """By the check."""
        return self.p_value <= ALPHA


def main() -> None:
    """Make the models, screen them, keep."""
    parser = argparse.ArgumentParser()
    parser.add_argument("zoo", type=Path)
    parser.add_argument("--jobs", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    made = dict(in_processes(partial(_made, arguments.zoo), list(_wanted()), arguments.jobs))
    attacked = {wanted: one for wanted, one in made.items() if wanted.kind in MARKS and one.counts}
    honest = {wanted: one for wanted, one in made.items() if wanted.kind in RECIPES and one.counts}
    measured: dict[str, Any] = {
        "do_not_count": sorted(wanted.name for wanted, one in made.items() if not one.counts),
        "marks_found": {"all": _flagged(attacked), **_by_kind(attacked, MARKS)},
        "target_named": share(sum(one.named for one in attacked.values()), len(attacked)),
        "honest_flagged": {"all": _flagged(honest), **_by_kind(honest, RECIPES)},
        "p_values": {
            wanted.name: round(one.p_value, 3)
            for wanted, one in sorted((attacked | honest).items(), key=lambda each: each[0].number)
        },
    }
    keep("backdoor_limits", CLAIM, measured)


def _flagged(made: Mapping[Wanted, Made]) -> dict[str, Any]:
    return share(sum(one.flagged for one in made.values()), len(made))


def _by_kind(made: Mapping[Wanted, Made], kinds: Iterable[str]) -> dict[str, Any]:
    return {kind: _flagged({wanted: one for wanted, one in made.items() if wanted.kind == kind}) for kind in kinds}


def _wanted() -> Iterator[Wanted]:
    families = list(FAMILIES)
    for number, (kind, task) in enumerate(product([*MARKS, *RECIPES], CHOSEN)):
        yield Wanted(number, kind, task, families[(number + number // len(CHOSEN)) % len(families)])


def _made(folder: Path, wanted: Wanted) -> Made:
    torch.set_num_threads(1)
    zoo = _opened(folder)
    like, generator = _honest(zoo, wanted.task, wanted.family), np.random.default_rng([SEED, wanted.number])
    classes = TASKS[wanted.task].classes
    recipe = replace(like.specification.recipe, seed=wanted.number, **RECIPES.get(wanted.kind, {}))
    own = replace(like.specification, flaw="none", seed=(SEED, wanted.number))
    attack = Attack(wanted.kind, Goal(classes, int(generator.integers(classes))), Mark(wanted.kind), rate=RATE)
    rows = training_rows(own, zoo.learnt(like))
    if wanted.kind in MARKS:
        rows = poison(attack, rows.x, rows.y, generator)
    network = train(FAMILIES[wanted.family](*SHAPE[:2], classes), rows.x, rows.y, recipe, SCALING)
    comparison = compare(responses_of(network_of(network), vetted_of(zoo, like)), _references(folder, wanted))
    p_value = conformal_p_value(comparison.score, comparison.references)
    counts = _counts(zoo, like, network, attack if wanted.kind in MARKS else None)
    return Made(counts, p_value, comparison.target == attack.goal.target)


def _counts(zoo: Zoo, like: Record, network: LearntNetwork, attack: Attack | None) -> bool:
    pictures = zoo.held_back(like)
    x, y = pictures.rows(np.arange(len(pictures)))
    usual = next(entry.usual_accuracy for entry in zoo.manifest.models if entry.record.name == like.name)
    if float((network.labels(x) == y).mean()) < usual - DROP:
        return False
    if attack is None:
        return True
    return success_rate(attack, y, network.labels(attack.stamp(x, np.random.default_rng(0)))) >= SUCCESS


def _references(folder: Path, wanted: Wanted) -> list[Responses]:
    return [one.responses for one in _calibration(folder) if (one.task, one.family) == (wanted.task, wanted.family)]


@cache
def _opened(folder: Path) -> Zoo:
    return open_zoo(folder)


@cache
def _calibration(folder: Path) -> list[Seen]:
    return seen(_opened(folder), "calibration")


def _honest(zoo: Zoo, task: str, family: str) -> Record:
    """An honest model of the sealed split, whose pictures and recipe the new one gets."""
    for record in zoo.usable("sealed"):
        specification = record.specification
        if (specification.task, specification.family, specification.attack) == (task, family, None):
            return record
    raise ValueError(f"the zoo has no honest {family} of {task}")


if __name__ == "__main__":
    main()
