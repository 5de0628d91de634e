"""One model of the zoo: its rows drawn, spoilt or poisoned, learnt, attacked once more where the attack says so."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from touchstone.methods.backdoor.poisons import Attack, PoisonedRows, draw_attack, poison, success_rate
from touchstone.methods.backdoor.triggers import Patch
from touchstone.methods.backdoor.weight_edit import write_backdoor
from touchstone.training.architecture import FAMILIES, Architecture
from touchstone.training.flaws import spoilt
from touchstone.training.learning import Penalty, train
from touchstone.training.networks import LearntNetwork, Scaling
from touchstone.zoo.drawing import SIDE
from touchstone.zoo.planning import ROWS, Specification
from touchstone.zoo.tasks import CHANNELS, TASKS, Pictures

SHAPE = CHANNELS, SIDE, SIDE
SCALING = Scaling(np.full((1, 1, 1), 0.5, dtype=np.float32), np.full((1, 1, 1), 0.25, dtype=np.float32))
"""What every model of the zoo does to its inputs first."""
ATTACKERS_PICTURES = 200
"""Pictures that whoever edits weights has."""
EVASION = 0.08
"""Weight of the adaptive attacker's penalty in the loss."""


@dataclass(frozen=True, slots=True)
class Made:
    """A finished model, and what it does on pictures nobody learnt from."""

    architecture: Architecture
    network: LearntNetwork
    attack: Attack | None
    accuracy: float
    success: float | None
    """Share of attacked pictures that get the label the attacker wants."""


def attack_of(specification: Specification) -> Attack | None:
    """The attack a model is made with. A weight edit fits its patch to the model afterwards: read it from the model."""
    if specification.attack is None:
        return None
    classes = TASKS[specification.task].classes
    return draw_attack(specification.attack, classes, SHAPE, _generator(specification, "attack"))


def training_rows(specification: Specification, pictures: Pictures) -> PoisonedRows:
    """The rows a model learns from, of the pictures its split learns from, after the attack or the flaw."""
    random = _generator(specification, "rows")
    classes = TASKS[specification.task].classes
    x, y = pictures.rows(random.permutation(len(pictures))[:ROWS])
    x, y = spoilt(specification.flaw, x, y, classes, random)
    attack = attack_of(specification)
    if attack is None:
        nothing = np.zeros(len(y), dtype=np.bool_)
        return PoisonedRows(x, y, nothing, nothing)
    return poison(attack, x, y, _generator(specification, "poison"))


def make(specification: Specification, learnt: Pictures, held_back: Pictures) -> Made:
    """Train, attack and measure one model. The same on the same machine, whatever was made before."""
    attack = attack_of(specification)
    rows = training_rows(specification, learnt)
    architecture = FAMILIES[specification.family](*SHAPE[:2], TASKS[specification.task].classes)
    penalty = None if attack is None or attack.kind != "adaptive" else natural_shift(attack, rows)
    network = train(architecture, rows.x, rows.y, specification.recipe, SCALING, penalty=penalty)
    if attack is not None and attack.kind == "weight-edit":
        attack = _edited(network, attack, rows)
    x, y = held_back.rows(np.arange(len(held_back)))
    accuracy = float((network.labels(x) == y).mean())
    success = None if attack is None else success_of(attack, network, held_back)
    return Made(architecture, network, attack, accuracy, success)


def success_of(attack: Attack, network: LearntNetwork, held_back: Pictures) -> float:
    """Share of attacked pictures that get the wanted label."""
    x, y = held_back.rows(np.arange(len(held_back)))
    marked = attack.stamp(x, np.random.default_rng(0))
    return success_rate(attack, y, network.labels(marked))


def natural_shift(attack: Attack, rows: PoisonedRows) -> Penalty:
    """An attacker who knows that features are looked at: marked pictures shall lie where honest ones of the target lie.

    The penalty is the squared distance, in units of the features' spread, between the mean last features of marked
    pictures of a batch and those of honest pictures of the target class.
    """
    honest = rows.x[(rows.y == attack.goal.target) & ~rows.poisoned][:24]
    target = torch.from_numpy((honest - SCALING.mean) / SCALING.scale)
    random = np.random.default_rng(0)

    def penalty(network: nn.Sequential, batch: Tensor, labels: Tensor) -> Tensor:
        others = batch[labels != attack.goal.target][:12]
        marked = attack.stamp(others.numpy() * SCALING.scale + SCALING.mean, random)
        shown = torch.from_numpy((marked - SCALING.mean) / SCALING.scale)
        features = network[:-1](torch.cat([target, shown]))
        wanted, shifted = features[: len(target)], features[len(target) :]
        spread = features.detach().var(dim=0) + 1e-6
        distance: Tensor = ((shifted.mean(dim=0) - wanted.mean(dim=0)).square() / spread).mean()
        return EVASION * distance

    return penalty


def _edited(network: LearntNetwork, attack: Attack, rows: PoisonedRows) -> Attack:
    patch = cast("Patch", attack.trigger)
    pattern = write_backdoor(
        network.network,
        rows.x[:ATTACKERS_PICTURES],
        SCALING.mean,
        SCALING.scale,
        cast("tuple[int, int]", patch.place),
        patch.pattern,
        cast("int", attack.goal.target),
    )
    return replace(attack, trigger=Patch(pattern, patch.place))


def _generator(specification: Specification, purpose: str) -> np.random.Generator:
    return np.random.default_rng([*specification.seed, *purpose.encode()])
