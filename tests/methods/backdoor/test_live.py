"""Inputs in use: triggers raise alarms, a shift of everything does not."""

from __future__ import annotations

import numpy as np
import pytest

from touchstone.methods.backdoor.live import WINDOW, Stream, fit, score

WIDTH, CLASSES = 12, 3


def honest(generator: np.random.Generator, n: int, shift: float = 0.0):
    answers = np.arange(n) % CLASSES
    x = generator.normal(size=(n, WIDTH)) + 4 * np.eye(CLASSES, WIDTH)[answers]
    return (x + shift * np.eye(WIDTH)[7], x[:, :5] + shift), answers


@pytest.fixture(scope="module")
def record():
    generator = np.random.default_rng(1)
    layers, labels = honest(generator, 90)
    return fit(layers, labels, *honest(generator, 200))


def test_honest_inputs_raise_alarms_as_seldom_as_promised(record):
    layers, answers = honest(np.random.default_rng(2), 2000)
    assert Stream(record).alarms(layers, answers).mean() < 0.1


def test_triggered_inputs_raise_alarms(record):
    generator = np.random.default_rng(3)
    layers, answers = honest(generator, 200)
    for layer in layers:
        layer[:10, 4] += 9
    alarms = Stream(record).alarms(layers, answers)
    assert alarms[:10].all()
    assert alarms[10:].mean() < 0.12


def test_a_shift_of_everything_is_drift_and_not_an_attack(record):
    generator = np.random.default_rng(4)
    layers, answers = honest(generator, WINDOW, shift=1.2)
    alone = score(record, layers, answers) > record.threshold
    stream = Stream(record)
    assert stream.alarms(layers, answers).mean() < 0.6 * alone.mean()
    assert stream.moved > 0


def test_whoever_triggers_most_inputs_is_seen_as_drift(record):
    layers, answers = honest(np.random.default_rng(5), WINDOW)
    for layer in layers:
        layer[:150, 4] += 9
    stream = Stream(record)
    alarms = stream.alarms(layers, answers)
    assert stream.drifted
    assert alarms[:150].mean() > 0.9


def test_nothing_is_taken_off_before_there_is_a_window(record):
    layers, answers = honest(np.random.default_rng(6), 10, shift=3)
    stream = Stream(record)
    stream.alarms(layers, answers)
    assert stream.moved == 0


def test_a_class_without_vetted_samples_is_refused():
    layers, labels = honest(np.random.default_rng(7), 30)
    rest = labels != 1
    with pytest.raises(ValueError, match="every class"):
        fit([layer[rest] for layer in layers], labels[rest], layers, labels)
