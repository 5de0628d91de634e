"""Matched references: honest models of a system's own architecture, learnt from its own (vetted) training data.

A score of a suspect model means something only beside the scores of such models. They differ from each other as honest
trainings do: in seed, augmentation and weight decay, and every eighth learns from labels or class shares that are not
good. Whoever trains them on poisoned data gets references with the same backdoor: test the data first.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from touchstone.canonical import Digest, digest_of
from touchstone.errors import ArtifactError
from touchstone.files import make_folder, open_regular
from touchstone.system.subject import open_system
from touchstone.text import Text
from touchstone.tlog.durable import replace as write_whole
from touchstone.training.architecture import Architecture
from touchstone.training.blueprint import Blueprint, blueprint_of
from touchstone.training.flaws import Flaw, spoilt
from touchstone.training.learning import Recipe, draw_recipe, train
from touchstone.training.networks import LearntNetwork, Scaling, read_weights, weights_file
from touchstone.training.processes import in_processes

MANIFEST = "references.json"
TOLERANCE = 0.03
"""By how much a reference may miss the accuracy of the system."""
SEEN = 20_000
"""Samples that one training sees, over all epochs."""
EPOCHS = 8, 60
"""Fewest and most."""
PROBE_ROWS = 256
"""Rows of the training that tells how long one takes."""

FLAWS: dict[int, Flaw] = {3: "label-noise", 11: "imbalance"}
"""Of every sixteen references, those that learn from data that are not good."""

State = Literal["usable", "too-inaccurate", "copy"]


class ReferenceSpecification(BaseModel):
    """One reference to train."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    blueprint: Digest
    recipe: Recipe
    flaw: Flaw

    @property
    def name(self) -> str:
        """What its files are called: a digest of all that it follows from, so that nothing is trained twice."""
        return digest_of(self.model_dump_json().encode()).removeprefix("sha256:")[:24]


class Reference(BaseModel):
    """What is known of one reference."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    specification: ReferenceSpecification
    accuracy: float
    weights: Digest
    seconds: float
    """Processor time."""


class Entry(BaseModel):
    """A reference, and whether it may be compared with."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reference: Reference
    state: State


class Manifest(BaseModel):
    """The references of one system."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_: Literal["touchstone.references/v1"] = "touchstone.references/v1"
    blueprint: Digest
    """Of the architecture, the preprocessing and the training data: those of the system, or it is not matched."""
    architecture: Architecture
    mean: JsonValue
    scale: JsonValue
    seed: int
    demanded_accuracy: float
    references: list[Entry]


@dataclass(frozen=True)
class References:
    """The usable references of a folder, each read when a loop comes to it: one is held at a time."""

    folder: Path
    manifest: Manifest

    @property
    def usable(self) -> list[Reference]:
        """What is known of each, in the order of the sequence."""
        return [entry.reference for entry in self.manifest.references if entry.state == "usable"]

    def matches(self, blueprint: Blueprint) -> bool:
        """Whether they are references of that system, and p-values against them mean something."""
        return self.manifest.blueprint == blueprint.digest

    def __len__(self) -> int:
        return len(self.usable)

    def __iter__(self) -> Iterator[LearntNetwork]:
        manifest = self.manifest
        mean, scale = (np.asarray(values, dtype=np.float32) for values in (manifest.mean, manifest.scale))
        for known in self.usable:
            path = self.folder / f"{known.specification.name}.safetensors"
            yield LearntNetwork(read_weights(path, manifest.architecture, known.weights), Scaling(mean, scale))


def references_of(folder: Path) -> References:
    """The references in a folder. Raises `FileError` when there are none, `ArtifactError` for a damaged manifest."""
    path = folder / MANIFEST
    with open_regular(path) as stream:
        content = stream.read()
    try:
        return References(folder, Manifest.model_validate_json(content))
    except ValidationError as error:
        reason = error.errors()[0]["msg"]
        raise ArtifactError(
            Text(f"is no manifest of references: {reason}", f"不是参考模型清单：{reason}"), str(path)
        ) from None


def planned(blueprint: Blueprint, count: int, seed: int) -> list[ReferenceSpecification]:
    """What to train. Asking for more later keeps the first ones."""
    epochs = int(np.clip(round(SEEN / len(blueprint.x)), *EPOCHS))
    digest = blueprint.digest
    specifications = []
    for number in range(count):
        recipe = draw_recipe(np.random.default_rng([seed, number]), epochs=epochs)
        if not blueprint.moves:
            recipe = replace(recipe, shift=0)
        specifications.append(
            ReferenceSpecification(blueprint=digest, recipe=recipe, flaw=FLAWS.get(number % 16, "none"))
        )
    return specifications


def seconds_each(blueprint: Blueprint, specification: ReferenceSpecification) -> float:
    """How long one training takes on one core, from one epoch on a few rows."""
    rows, recipe = slice(0, PROBE_ROWS), replace(specification.recipe, epochs=1)
    some = replace(blueprint, x=blueprint.x[rows], y=blueprint.y[rows])
    _trained(some, recipe)  # whatever PyTorch does once only
    begun = time.process_time()
    _trained(some, recipe)
    spent = time.process_time() - begun
    return spent * specification.recipe.epochs * len(blueprint.x) / len(some.x)


def train_references(
    system: Path,
    folder: Path,
    specifications: Sequence[ReferenceSpecification],
    *,
    seed: int,
    jobs: int,
    told: Callable[[Reference, int], None],
    tolerance: float = TOLERANCE,
) -> References:
    """Train the references that are not there yet, and write the manifest.

    `system` is the description of the system they are for; `told` hears of each, and how many there are.
    """
    make_folder(folder)
    blueprint = _blueprint(system)
    there = {one.name: found for one in specifications if (found := _read(folder, one)) is not None}
    waiting = [one for one in specifications if one.name not in there]
    for one, reference in in_processes(partial(_trained_and_kept, system, folder), waiting, jobs):
        there[one.name] = reference
        told(reference, len(there))
    demanded = blueprint.accuracy - tolerance
    manifest = Manifest(
        blueprint=blueprint.digest,
        architecture=blueprint.architecture,
        mean=blueprint.scaling.mean.tolist(),
        scale=blueprint.scaling.scale.tolist(),
        seed=seed,
        demanded_accuracy=demanded,
        references=list(_entries([there[one.name] for one in specifications], demanded)),
    )
    write_whole(folder / MANIFEST, manifest.model_dump_json(indent=1).encode(), flush=True)
    return References(folder, manifest)


def _entries(references: Sequence[Reference], demanded: float) -> Iterator[Entry]:
    seen: set[Digest] = set()
    for reference in references:
        state: State = "usable" if reference.accuracy >= demanded else "too-inaccurate"
        yield Entry(reference=reference, state="copy" if reference.weights in seen else state)
        seen.add(reference.weights)


@cache
def _blueprint(system: Path) -> Blueprint:
    """Read once by each process."""
    return blueprint_of(open_system(system))


def _trained_and_kept(system: Path, folder: Path, specification: ReferenceSpecification) -> Reference:
    """Train one reference and write it down: the record last, so that one without is trained again."""
    blueprint = _blueprint(system)
    begun = time.process_time()
    generator = np.random.default_rng(specification.recipe.seed)
    x, y = spoilt(specification.flaw, blueprint.x, blueprint.y, blueprint.classes, generator)
    network = _trained(replace(blueprint, x=x, y=y), specification.recipe)
    accuracy = float((network.labels(blueprint.test_x) == blueprint.test_y).mean())
    weights = weights_file(network.network)
    reference = Reference(
        specification=specification,
        accuracy=accuracy,
        weights=digest_of(weights),
        seconds=round(time.process_time() - begun, 2),
    )
    write_whole(folder / f"{specification.name}.safetensors", weights, flush=False)
    write_whole(_record(folder, specification), reference.model_dump_json(indent=1).encode(), flush=False)
    return reference


def _trained(blueprint: Blueprint, recipe: Recipe) -> LearntNetwork:
    return train(blueprint.architecture, blueprint.x, blueprint.y, recipe, blueprint.scaling, biases=blueprint.biases)


def _read(folder: Path, specification: ReferenceSpecification) -> Reference | None:
    """What was written down about a reference; a record that cannot be read is as good as none."""
    try:
        return Reference.model_validate_json(_record(folder, specification).read_bytes())
    except (FileNotFoundError, ValidationError):
        return None


def _record(folder: Path, specification: ReferenceSpecification) -> Path:
    return folder / f"{specification.name}.json"
