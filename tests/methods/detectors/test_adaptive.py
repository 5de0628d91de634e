"""A detector is reported only beside the attacker who knows it, and that attacker is worth the name."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from touchstone.methods.attacks.threat_model import Classes, Samples, uniform_threat
from touchstone.methods.detectors.adaptive import (
    AdaptiveOutcome,
    DetectorReport,
    Rate,
    detector_report,
    searching_attack,
)

GENERATOR = np.random.default_rng(3)
N = 30
X = np.full((N, 1, 6, 6), 0.5, dtype=np.float32) + GENERATOR.uniform(-0.01, 0.01, (N, 1, 6, 6)).astype(np.float32)
Y = np.zeros(N, dtype=np.int64)
THREAT = uniform_threat(0.2, 0.0, 1.0)


def scores(x: Samples) -> NDArray[np.float64]:
    """Class 1 once the left half is brighter than the right by 0.1."""
    lead = x[..., :3].mean(axis=(1, 2, 3)) - x[..., 3:].mean(axis=(1, 2, 3)) - 0.1
    return np.stack([np.zeros(len(x)), 10 * lead.astype(np.float64)], axis=1)


def labels(x: Samples) -> Classes:
    return np.asarray(scores(x).argmax(axis=1))


def brightness(x: Samples) -> NDArray[np.float64]:
    """A detector that is easy to evade: darkness of the right half makes up for brightness of the left."""
    return np.asarray(np.abs(x.mean(axis=(1, 2, 3)) - 0.5), dtype=np.float64)


def plain_attack() -> Samples:
    """Brightens the left half, which the detector sees."""
    moved = X.copy()
    moved[..., :3] += 0.2
    return moved


def report(attack: object, suspicion: object = brightness) -> DetectorReport:
    return detector_report(
        suspicion,  # type: ignore[arg-type]
        0.03,
        labels,
        (X, Y),
        plain_attack(),
        {"brighter": X + np.float32(0.1)},
        attack,  # type: ignore[arg-type]
    )


def test_a_detector_that_sees_every_plain_attack_is_evaded() -> None:
    found = report(searching_attack(scores, brightness, THREAT, queries=300, seed=1))
    assert found.false_alarms == Rate(0, N)
    assert found.plain_auc == 1.0
    assert found.plain_detected == Rate(N, N)
    assert found.under_shift["brighter"] == Rate(N, N)
    assert found.adaptive.through.value > 0.9
    assert found.adaptive.auc < 0.95


def test_what_cannot_be_evaded_is_not() -> None:
    """The detector's score is the model's own: whoever is turned is seen."""

    def lead(x: Samples) -> NDArray[np.float64]:
        return scores(x)[:, 1] + 0.5

    found = report(searching_attack(scores, lead, THREAT, queries=100, seed=1), lead)
    assert found.adaptive.through.count == 0
    assert found.adaptive.auc == 1.0


def test_a_useless_attack_is_checked_not_believed() -> None:
    found = report(lambda x, y, goal: x)
    assert found.adaptive.through.count == 0
    assert found.adaptive.auc == 1.0  # what the plain attack found stands in


def test_there_is_no_report_without_an_adaptive_attack() -> None:
    full = report(lambda x, y, goal: x)
    with pytest.raises(ValueError, match="adaptive"):
        replace(full, adaptive=AdaptiveOutcome(Rate(0, 0), float("nan")))
    with pytest.raises(TypeError, match="adaptive"):
        DetectorReport(Rate(0, 1), {}, 1.0, Rate(1, 1))  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="nothing to attack"):
        detector_report(brightness, 0.03, labels, (X, 1 - Y), X, {}, lambda x, y, goal: x)


@pytest.mark.torch
def test_the_gradient_evades_as_well() -> None:
    torch = pytest.importorskip("torch")
    from touchstone.methods.attacks.gradient.balls import Ball
    from touchstone.methods.attacks.gradient.rungs import Rung
    from touchstone.methods.detectors.adaptive import climbing_attack

    def function(x: object) -> object:
        lead = x[..., :3].mean(dim=(1, 2, 3)) - x[..., 3:].mean(dim=(1, 2, 3)) - 0.1  # type: ignore[index]
        return torch.stack([torch.zeros_like(lead), 10 * lead], dim=1)

    attack = climbing_attack(
        function,  # type: ignore[arg-type]
        lambda x: (x.mean(dim=(1, 2, 3)) - 0.5).abs(),
        Ball("linf", 0.2, 0.0, 1.0),
        (Rung("apgd-t", 40, targets=1),),
        seed=1,
    )
    assert report(attack).adaptive.through == Rate(N, N)
