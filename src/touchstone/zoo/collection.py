"""A zoo on disk: one weights file and one record for each model, and the manifest of them all.

    zoo = open_zoo(Path("zoo"))
    for record in zoo.usable("dev"):
        model = zoo.model(record)              # takes pictures in [0, 1]; `parts` are its modules in order
        x, y = zoo.held_back(record).rows(...)  # pictures the model did not learn from
        rows = zoo.training_rows(record)       # what it learnt from, and which rows were poisoned

Nothing in a zoo is a pickle: weights are safetensors, everything else is JSON.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from touchstone.errors import ArtifactError
from touchstone.files import open_regular
from touchstone.methods.backdoor.poisons import Attack, PoisonedRows
from touchstone.methods.backdoor.triggers import Patch
from touchstone.text import Text
from touchstone.training.architecture import Architecture
from touchstone.training.networks import LearntNetwork, read_weights
from touchstone.zoo.making import SCALING, attack_of, training_rows
from touchstone.zoo.planning import Specification, Split
from touchstone.zoo.tasks import TASKS, TEST, TRAINING, Pictures, draw_pictures

MANIFEST = "manifest.json"
MODELS = "models"
SUCCESS = 0.8
"""Least attack success of an attack that took."""
DROP = 0.03
"""Most accuracy an attack may cost: one that costs more is found by looking at the accuracy."""

State = Literal["usable", "failed", "copy"]


class Record(BaseModel):
    """What is known of one model. `trigger` are the patch's values where they were fitted to the model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    specification: Specification
    architecture: Architecture
    accuracy: float
    success: float | None
    trigger: list[Any] | None
    weights: str
    """SHA-256 of the weights file."""
    seconds: float
    """Processor time the model took."""

    @property
    def name(self) -> str:
        """What its files are called."""
        return self.specification.name


class Entry(BaseModel):
    """A record with what only the whole zoo can tell: whether the model counts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    record: Record
    usual_accuracy: float
    """Median accuracy of honest models without flaw of the same task and family."""
    state: State
    """`failed` is an attack that did not take or cost too much accuracy; `copy` has the weights of an earlier model."""


class Manifest(BaseModel):
    """All models of a zoo."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_: Literal["touchstone.zoo/v1"] = "touchstone.zoo/v1"
    seed: int
    models: list[Entry]
    missing: list[str]
    """Models still to be made."""


@dataclass(frozen=True)
class Zoo:
    """A zoo and its folder."""

    folder: Path
    manifest: Manifest

    def usable(self, split: Split) -> list[Record]:
        """Honest models, and attacked ones whose attack took. Leave `sealed` alone until a detector is finished."""
        return [
            entry.record
            for entry in self.manifest.models
            if entry.state == "usable" and entry.record.specification.split == split
        ]

    def model(self, record: Record) -> LearntNetwork:
        """The model, its weights compared with the digest in the manifest. Raises `ArtifactError`."""
        path = self.folder / MODELS / f"{record.name}.safetensors"
        return LearntNetwork(read_weights(path, record.architecture, record.weights), SCALING)

    def attack(self, record: Record) -> Attack | None:
        """The attack as it was carried out, or `None` for an honest model."""
        attack = attack_of(record.specification)
        if attack is None or record.trigger is None:
            return attack
        place = cast("Patch", attack.trigger).place
        return replace(attack, trigger=Patch(np.asarray(record.trigger, dtype=np.float32), place))

    def learnt(self, record: Record) -> Pictures:
        """The pictures its training rows were drawn from."""
        return pictures(self.manifest.seed, record.specification, held_back=False)

    def held_back(self, record: Record) -> Pictures:
        """Pictures it did not learn from."""
        return pictures(self.manifest.seed, record.specification, held_back=True)

    def training_rows(self, record: Record) -> PoisonedRows:
        """What it learnt from."""
        return training_rows(record.specification, self.learnt(record))


def pictures(seed: int, specification: Specification, *, held_back: bool) -> Pictures:
    """The pictures of a model's task. What detectors were developed on is not what they are measured on."""
    return _drawn(2 * seed + (specification.split != "dev"), specification.task, held_back)


@cache
def _drawn(seed: int, task: str, held_back: bool) -> Pictures:
    return draw_pictures(TASKS[task], TEST if held_back else TRAINING, seed, held_back=held_back)


def open_zoo(folder: Path) -> Zoo:
    """Read a zoo's manifest. Raises `ArtifactError` when there is none, or it is not one."""
    path = folder / MANIFEST
    try:
        with open_regular(path) as stream:
            return Zoo(folder, Manifest.model_validate_json(stream.read()))
    except ValidationError as error:
        raise ArtifactError(
            Text(f"is not the manifest of a zoo: {error.errors()[0]['msg']}", "不是模型库清单"), str(path)
        ) from None
