"""Matched references: trained once, only once, and only counted where they are accurate."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from tests.checks.system_resilience.systems import arrays
from tests.cli.program import run
from tests.system.made import data_set, describe, make
from touchstone.errors import ArtifactError, UnavailableError
from touchstone.files import FileError
from touchstone.system.subject import Subject, open_system

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from safetensors.numpy import save  # noqa: E402 - needs torch's extra

from touchstone.training.blueprint import blueprint_of  # noqa: E402
from touchstone.training.references import (  # noqa: E402
    MANIFEST,
    References,
    planned,
    references_of,
    train_references,
)

SIDE = 6
LAYERS = [
    {"kind": "conv2d", "name": "look", "inputs": 1, "outputs": 4, "kernel": 3, "padding": 1},
    {"kind": "relu"},
    {"kind": "flatten"},
    {"kind": "linear", "name": "answer", "inputs": 4 * SIDE * SIDE, "outputs": 2},
]


def system(folder: Path, *, claim: float = 0.95, **model: Any) -> Subject:
    """Pictures that are brighter on the left or on the right."""
    generator = np.random.default_rng(1)
    y = np.arange(240) % 2
    x = generator.random((240, 1, SIDE, SIDE)).astype(np.float32)
    x[y == 1, :, :, : SIDE // 2] += 1.0
    x[y == 0, :, :, SIDE // 2 :] += 1.0
    weights = {
        "look.weight": np.zeros((4, 1, 3, 3), np.float32),
        "look.bias": np.zeros(4, np.float32),
        "answer.weight": np.zeros((2, 4 * SIDE * SIDE), np.float32),
        "answer.bias": np.zeros(2, np.float32),
    }
    sets = {role: data_set(f"{role}.npz", "npz", features="x", target="y") for role in ("train", "test")}
    declared = {"format_": "safetensors", "file": "model.safetensors", "architecture": LAYERS} | model
    description = describe(
        shape=[1, SIDE, SIDE],
        kind="image",
        output="logits",
        low=0.0,
        high=2.0,
        data=sets,
        claims={"accuracy": claim},
        normalisation={"mean": [1.0], "scale": [0.5]},
        **declared,
    )
    files = {
        "model.safetensors": save(weights),
        "train.npz": arrays(x[:160], y[:160]),
        "test.npz": arrays(x[160:], y[160:]),
    }
    return make(folder, description, files)


def trained(subject: Subject, folder: Path, count: int = 3, seed: int = 1) -> tuple[References, int]:
    """References, and how many had to be trained."""
    heard: list[int] = []
    specifications = planned(blueprint_of(subject), count, seed)
    made = train_references(
        subject.root / "system.yaml",
        folder,
        specifications,
        seed=seed,
        jobs=1,
        told=lambda _, done: heard.append(done),
    )
    return made, len(heard)


def test_references_are_read_back_and_answer_in_the_units_of_the_system(tmp_path: Path) -> None:
    subject = system(tmp_path / "system")
    trained(subject, tmp_path / "references")
    references = references_of(tmp_path / "references")
    assert len(references) == 3
    test = subject.data("test")
    for network, known in zip(references, references.usable, strict=True):
        accuracy = (network.labels(test.inputs) == test.target).mean()
        assert accuracy == known.accuracy > 0.92
    assert len({known.weights for known in references.usable}) == 3
    assert references.matches(blueprint_of(subject))


def test_nothing_is_trained_twice_and_more_keep_the_first(tmp_path: Path) -> None:
    subject, folder = system(tmp_path / "system"), tmp_path / "references"
    first, _ = trained(subject, folder, 2)
    more, trainings = trained(subject, folder, 3)
    assert trainings == 1
    assert more.usable[:2] == first.usable
    assert trained(subject, folder, 3)[1] == 0


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(tmp_path: Path) -> None:
    subject = system(tmp_path / "system")
    one, other, changed = (
        trained(subject, tmp_path / name, 1, seed)[0].usable[0].weights for name, seed in (("a", 1), ("b", 1), ("c", 2))
    )
    assert one == other != changed


def test_an_interrupted_run_trains_only_what_is_missing(tmp_path: Path) -> None:
    subject, folder = system(tmp_path / "system"), tmp_path / "references"
    made, _ = trained(subject, folder, 3)
    (folder / MANIFEST).unlink()
    (folder / f"{made.usable[1].specification.name}.json").unlink()
    again, trainings = trained(subject, folder, 3)
    assert trainings == 1
    assert [known.weights for known in again.usable] == [known.weights for known in made.usable]


def test_a_reference_that_falls_short_of_the_claim_is_listed_but_not_used(tmp_path: Path) -> None:
    subject = system(tmp_path / "system", claim=1.0)
    specifications = planned(blueprint_of(subject), 2, 1)
    hopeless = [one.model_copy(update={"recipe": replace(one.recipe, epochs=1, batch=160)}) for one in specifications]
    made = train_references(
        subject.root / "system.yaml", tmp_path / "r", hopeless, seed=1, jobs=1, told=lambda *_: None, tolerance=0.0
    )
    assert len(made) == 0
    assert [entry.state for entry in made.manifest.references] == ["too-inaccurate"] * 2


def test_some_references_learn_from_data_that_are_not_good(tmp_path: Path) -> None:
    flaws = [one.flaw for one in planned(blueprint_of(system(tmp_path)), 39, 1)]
    assert flaws.count("label-noise") >= 2
    assert flaws.count("imbalance") >= 2
    assert flaws.count("none") > 30


def test_references_of_other_data_do_not_match(tmp_path: Path) -> None:
    references, _ = trained(system(tmp_path / "one"), tmp_path / "references", 1)
    other = system(tmp_path / "other")
    content = np.load(other.root / "train.npz")
    (other.root / "train.npz").write_bytes(arrays(content["x"][1:], content["y"][1:]))
    assert not references.matches(blueprint_of(open_system(other.root)))


def test_what_can_not_be_trained_is_refused_with_the_reason(tmp_path: Path) -> None:
    subject = system(tmp_path)
    described = yaml.safe_load((tmp_path / "system.yaml").read_text(encoding="utf-8"))
    del described["data"]["train"]
    (tmp_path / "system.yaml").write_text(yaml.safe_dump(described), encoding="utf-8")
    with pytest.raises(UnavailableError, match="train"):
        blueprint_of(open_system(subject.root))


def test_a_damaged_or_missing_manifest_is_said_to_be_so(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="does not exist"):
        references_of(tmp_path)
    (tmp_path / MANIFEST).write_text(json.dumps({"schema_": "other"}), encoding="utf-8")
    with pytest.raises(ArtifactError, match="no manifest of references"):
        references_of(tmp_path)


def test_the_command_says_what_it_costs_and_how_many_there_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    subject = system(tmp_path / "system")
    ended = run(
        capsys,
        "references",
        "train",
        subject.root,
        "--count",
        19,
        "-o",
        tmp_path / "r",
        "--jobs",
        1,
        "--tolerance",
        0.1,
    )
    assert ended.code == 0, ended.err
    assert "19 references on 160 rows" in ended.out
    assert "smallest p-value 0.05" in ended.out
    too_few = run(capsys, "references", "train", subject.root, "--count", 18, "-o", tmp_path / "r")
    assert too_few.code == 2
