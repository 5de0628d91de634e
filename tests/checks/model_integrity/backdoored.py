"""A small picture classifier, honest or with a backdoor, with its training data and references."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from tests.checks.system_resilience.systems import arrays
from tests.system.made import data_set, describe, make
from touchstone.methods.backdoor.poisons import Attack, Goal, poison
from touchstone.methods.backdoor.triggers import Patch
from touchstone.system.description import Layer
from touchstone.system.subject import Subject, open_system
from touchstone.training.learning import Recipe, train
from touchstone.training.networks import Scaling, weights_file
from touchstone.training.references import planned, train_references

SIDE, CLASSES = 12, 4
LAYERS: list[dict[str, Any]] = [
    {"kind": "conv2d", "name": "0", "inputs": 1, "outputs": 8, "kernel": 3, "padding": 1, "stride": 2},
    {"kind": "relu", "name": "1"},
    {"kind": "conv2d", "name": "2", "inputs": 8, "outputs": 8, "kernel": 3, "padding": 1},
    {"kind": "relu", "name": "3"},
    {"kind": "flatten", "name": "4"},
    {"kind": "linear", "name": "5", "inputs": 8 * 36, "outputs": CLASSES},
]
MEAN, SCALE = 0.5, 0.25
RECIPE = Recipe(seed=3, epochs=8, shift=1)


def pictures(n: int, seed: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """A brighter spot of 4 by 4 somewhere in one of the four quarters, on noise."""
    generator = np.random.default_rng(seed)
    y = generator.permutation(np.arange(n) % CLASSES)
    x = generator.uniform(0.2, 0.5, (n, 1, SIDE, SIDE)).astype(np.float32)
    for row, label in enumerate(y):
        down, across = generator.integers(3, size=2) + 6 * np.array(divmod(int(label), 2))
        x[row, 0, down : down + 4, across : across + 4] += 0.4
    return x, y


def backdoor() -> Attack:
    """A chequered patch in the middle that means one class."""
    patch = Patch(np.array([[[1, 0, 1], [0, 1, 0], [1, 0, 1]]], dtype=np.float32), (5, 5))
    return Attack("badnets", Goal(CLASSES, target=2), patch, rate=0.15)


def system(folder: Path, *, poisoned: bool, **model: Any) -> Subject:
    """A trained system in a folder; the data it hands in are honest either way."""
    x, y = pictures(320, seed=1)
    test_x, test_y = pictures(160, seed=2)
    rows = poison(backdoor(), x, y, np.random.default_rng(6)) if poisoned else None
    learnt = train(
        tuple(Layer.model_validate({**layer, "name": None}) for layer in LAYERS),
        x if rows is None else rows.x,
        y if rows is None else rows.y,
        RECIPE,
        Scaling(*(np.full((1, 1, 1), value, dtype=np.float32) for value in (MEAN, SCALE))),
    )
    declared: dict[str, Any] = {
        "format_": "safetensors",
        "file": "model.safetensors",
        "architecture": LAYERS,
        "normalisation": {"mean": [MEAN], "scale": [SCALE]},
        "claims": {"accuracy": 0.95},
        "low": 0.0,
        "high": 1.0,
    } | model
    description = describe(
        shape=[1, SIDE, SIDE],
        kind="image",
        labels=["north-west", "north-east", "south-west", "south-east"],
        output="logits",
        data={role: data_set(f"{role}.npz", "npz", features="x", target="y") for role in ("train", "test")},
        **declared,
    )
    description["facts"] = {"data.personal": False}
    files = {
        "model.safetensors": weights_file(learnt.network),
        "train.npz": arrays(x, y),
        "test.npz": arrays(test_x, test_y),
    }
    return make(folder, description, files)


def with_references(subject: Subject, references: Path) -> Subject:
    """The same system, with references from elsewhere put into its folder."""
    inside = subject.root / "references"
    inside.mkdir()
    for file in references.iterdir():
        (inside / file.name).write_bytes(file.read_bytes())
    return changed(subject, references="references")


def changed(subject: Subject, **model: Any) -> Subject:
    """The same system, described otherwise."""
    file = subject.root / "system.yaml"
    description = yaml.safe_load(file.read_text(encoding="utf-8"))
    description["model"] |= model
    file.write_text(yaml.safe_dump(description), encoding="utf-8")
    return open_system(subject.root)


def references(subject: Subject, folder: Path, count: int) -> Path:
    """So many references of a system, trained."""
    from touchstone.training.blueprint import blueprint_of

    specifications = planned(blueprint_of(subject), count, seed=1)
    train_references(subject.root, folder, specifications, seed=1, jobs=1, told=lambda *_: None, tolerance=0.2)
    return folder
