"""Seeded changes are found by digest always, by canaries mostly; what is not known is not said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

from tests.checks.running import METHOD_CODE, InProcessRun, codes, metric
from tests.checks.system_resilience.systems import striped_system, white_picture_system
from touchstone.canonical import parse_json
from touchstone.checks.model_integrity.canary_making import make_canaries, measured_power, simulation_of
from touchstone.checks.model_integrity.tamper import TamperParameters, tamper
from touchstone.errors import UnavailableError
from touchstone.methods.fingerprint.poll import verdict
from touchstone.methods.fingerprint.tampers import rounded

pytestmark = pytest.mark.torch


def test_every_seeded_change_is_found_and_the_canaries_share_is_told_apart(tmp_path: Path) -> None:
    run = InProcessRun()
    measurement = tamper.function(white_picture_system(tmp_path, gap=0.02, n=60), TamperParameters(), run)
    whole = metric(measurement, "seeded_change_detected")
    assert whole.value == 1
    assert whole.n >= 20
    alone = metric(measurement, "canary_detected")
    assert whole.value > alone.value > 0.5
    assert metric(measurement, "canary_detected", "change=weight noise 1%").value == 1
    assert all(METHOD_CODE.fullmatch(each.method) for each in measurement.metrics)
    assert [(control.kind, control.passed) for control in measurement.controls] == [("null", True), ("planted", True)]
    assert codes(measurement) == ["seeded-here", "interval-not-stated"]
    changes = parse_json(run.kept["seeded_changes.json"], "seeded_changes.json")["changes"]
    assert len(changes) == whole.n
    assert all(change["digest"] for change in changes)


def test_the_latency_is_that_of_the_stated_interval(tmp_path: Path) -> None:
    subject = striped_system(tmp_path, 3, output="logits")
    stated = tamper.function(subject, TamperParameters(interval_s=60), InProcessRun())
    assert metric(stated, "detection_latency_s").high == 60
    assert "interval-not-stated" not in codes(stated)
    unstated = tamper.function(subject, TamperParameters(), InProcessRun())
    assert all(each.id != "detection_latency_s" for each in unstated.metrics)


def test_where_nothing_can_be_seeded_nothing_is_measured(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="cannot be seeded"):
        tamper.function(striped_system(tmp_path, 3, output="labels"), TamperParameters(), InProcessRun())


def test_canaries_stand_rounding_and_show_noise(tmp_path: Path) -> None:
    simulation = simulation_of(subject := striped_system(tmp_path, 4, output="logits"))
    assert simulation is not None
    canaries = make_canaries(subject, simulation, np.random.default_rng(1))
    assert len(canaries) == 32
    assert len(set(canaries.labels.tolist())) >= 3
    overflown = {name: np.full_like(each, 3e38) for name, each in simulation.model.weights.items()}
    assert verdict(canaries, simulation.reading(overflown)(canaries.inputs)).state == "changed"
    for number_format in ("f16", "bf16"):
        weights = rounded(simulation.model.weights, number_format)
        for reading in (simulation.reading(weights), simulation.reading(weights, number_format)):
            assert verdict(canaries, reading(canaries.inputs)).turned == 0
    power = measured_power(canaries, simulation, np.random.default_rng(2), asked=32, tries=10)
    by_name = {each.tamper: each for each in power}
    assert by_name["weight noise 1%"].detected == 10
    assert by_name["weight noise 1%"].low == pytest.approx(0.05 ** (1 / 10))
    before = {name: each.copy() for name, each in simulation.model.weights.items()}
    assert all(np.array_equal(before[name], each) for name, each in simulation.model.weights.items())
