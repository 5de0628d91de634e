"""A zoo of a few models: planned from the seed, resumed, read back, and honest about attacks that did not take."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.cli.program import run

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from touchstone.methods.backdoor.poisons import KINDS, success_rate  # noqa: E402 - needs torch
from touchstone.zoo import building, collection, making, planning  # noqa: E402
from touchstone.zoo.collection import Manifest, Record, Zoo, open_zoo  # noqa: E402
from touchstone.zoo.planning import specifications  # noqa: E402
from touchstone.zoo.tasks import TASKS, draw_pictures  # noqa: E402


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few pictures, few epochs: what is tested is the building, not what is learnt."""
    monkeypatch.setattr(making, "ROWS", 150)
    monkeypatch.setattr(planning, "EPOCHS", 2)
    monkeypatch.setattr(collection, "TRAINING", 200)
    monkeypatch.setattr(collection, "TEST", 60)
    collection._drawn.cache_clear()


def build(folder: Path, models: int = 4) -> tuple[Manifest, list[str]]:
    made: list[str] = []
    manifest = building.build(
        folder, seed=2, tasks=["digits-10"], models=models, jobs=1, told=lambda record, *_: made.append(record.name)
    )
    return manifest, made


def records(manifest: Manifest) -> list[Record]:
    return [entry.record for entry in manifest.models]


def test_a_zoo_is_resumed_and_the_same_again(tmp_path: Path) -> None:
    whole, made = build(tmp_path / "one")
    assert made == [record.name for record in records(whole)]
    assert build(tmp_path / "one")[1] == []
    lost = made[1]
    (tmp_path / "one" / "models" / f"{lost}.json").unlink()
    again, remade = build(tmp_path / "one")
    assert remade == [lost]
    assert [record.weights for record in records(again)] == [record.weights for record in records(whole)]


def test_what_is_read_back_is_what_was_measured(tmp_path: Path) -> None:
    manifest, _ = build(tmp_path)
    zoo = open_zoo(tmp_path)
    for record in records(manifest):
        x, y = zoo.held_back(record).rows(np.arange(60))
        model = zoo.model(record)
        assert (model.labels(x) == y).mean() == record.accuracy
        attack = zoo.attack(record)
        if attack is None:
            assert record.success is None
        else:
            marked = attack.stamp(x, np.random.default_rng(0))
            assert success_rate(attack, y, model.labels(marked)) == record.success
            assert zoo.training_rows(record).poisoned.any()


@pytest.mark.parametrize("kind", ["weight-edit", "adaptive"])
def test_attacks_on_the_network_itself_are_recorded_as_carried_out(tmp_path: Path, kind: str) -> None:
    specification = planning._specification(2, "dev", TASKS["digits-10"], 500, kind)
    (tmp_path / "models").mkdir()
    record = building._made(tmp_path, 2, specification)
    zoo = Zoo(tmp_path, building.write_manifest(tmp_path, 2, [specification], {record.name: record}))
    x, y = zoo.held_back(record).rows(np.arange(60))
    attack = zoo.attack(record)
    assert attack is not None
    marked = attack.stamp(x, np.random.default_rng(0))
    assert success_rate(attack, y, zoo.model(record).labels(marked)) == pytest.approx(record.success)


def record_of(accuracy: float, success: float | None, weights: str) -> Record:
    attack = None if success is None else "badnets"
    specification = planning._specification(1, "dev", TASKS["digits-10"], 3, attack)
    specification = replace(specification, family="vgg", flaw="none")
    return Record(
        specification=specification,
        architecture=(),
        accuracy=accuracy,
        success=success,
        trigger=None,
        weights=weights,
        seconds=1.0,
    )


def test_only_attacks_that_took_count_and_copies_never() -> None:
    given = [
        record_of(0.95, None, "a"),
        record_of(0.93, 0.9, "b"),
        record_of(0.91, 0.9, "c"),
        record_of(0.95, 0.7, "d"),
        record_of(0.95, None, "a"),
    ]
    states = [entry.state for entry in building._entries(given)]
    assert states == ["usable", "usable", "failed", "failed", "copy"]


def test_the_plan_is_as_the_splits_promise() -> None:
    planned = specifications(1, list(TASKS), 700)
    names = [one.name for one in planned]
    assert len(names) == len(set(names)) == pytest.approx(700, abs=10)
    sealed = [one for one in planned if TASKS[one.task].sealed]
    assert {one.split for one in sealed} == {"calibration", "sealed"}
    honest = [one for one in planned if one.attack is None]
    assert len(honest) >= 200
    assert sum(one.flaw != "none" for one in honest) >= 0.25 * len(honest)
    for split in ("dev", "sealed"):
        assert {one.attack for one in planned if one.split == split} == {None, *KINDS}
    assert all(one.attack is None for one in planned if one.split == "calibration")
    for task in TASKS:
        for family in ("plain", "vgg", "resnet"):
            alike = [one for one in planned if (one.split, one.task, one.family) == ("calibration", task, family)]
            assert len(alike) >= 19
    seeds = {one.seed for one in planned}
    assert len(seeds) == len(planned)


def test_a_larger_zoo_contains_the_smaller_one() -> None:
    small = {one.name: one for one in specifications(1, ["signs-8"], 40)}
    large = {one.name: one for one in specifications(1, ["signs-8", "digits-10"], 400)}
    assert all(large[name] == one for name, one in small.items())


@pytest.mark.parametrize("name", TASKS)
def test_pictures_of_a_task_are_balanced_and_repeatable(name: str) -> None:
    task = TASKS[name]
    pictures = draw_pictures(task, 3 * task.classes, 1, held_back=False)
    assert pictures.octets.shape == (3 * task.classes, 3, 32, 32)
    assert np.bincount(pictures.label).tolist() == [3] * task.classes
    assert np.array_equal(pictures.octets, draw_pictures(task, 3 * task.classes, 1, held_back=False).octets)
    assert not np.array_equal(pictures.octets, draw_pictures(task, 3 * task.classes, 1, held_back=True).octets)


def test_the_command_builds_and_says_what_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ended = run(capsys, "zoo", "build", tmp_path, "--tasks", "digits-10", "--models", 3, "--jobs", 1)
    assert ended.code == 0, ended.err
    assert "honest models" in ended.out
    assert len(open_zoo(tmp_path).manifest.models) >= 4
    wrong = run(capsys, "zoo", "build", tmp_path, "--tasks", "cats")
    assert wrong.code == 2
    assert "no task 'cats'" in wrong.err
