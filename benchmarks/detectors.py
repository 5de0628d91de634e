"""Claim: no detector here withstands an attacker who knows it; repeated questions are seen, distinct ones are not.

    benchmarks/detectors.py [--mnist FOLDER]       # the folder of MNIST's test part, as IDX files

A small network is trained on a third of scikit-learn's digits (and of MNIST's test part); detectors are fitted to a
second third and their thresholds to half of the last, at 5 % false alarms. Attacked are 100 samples of the rest: by
projected gradient descent that does not know the detector, and by Auto-PGD on model and detector together. What is
harmless is noise of deviation 0.05 and four fifths of the brightness. Questions of HopSkipJump and SimBA on single
pictures go through the query detector as those of one client each, 400 distinct pictures as those of another.
"""

from __future__ import annotations

import argparse
import gzip
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from record import keep
from touchstone.methods.attacks.gradient.balls import Ball
from touchstone.methods.attacks.gradient.differentiable import Differentiable
from touchstone.methods.attacks.gradient.objectives import cross_entropy
from touchstone.methods.attacks.gradient.rungs import Rung
from touchstone.methods.attacks.hop_skip_jump import hop_skip_jump
from touchstone.methods.attacks.simba import simba
from touchstone.methods.attacks.threat_model import uniform_threat
from touchstone.methods.detectors import confidence, mahalanobis, neighbours, queries, squeezing, tensor_scores
from touchstone.methods.detectors.adaptive import DetectorReport, Rate, climbing_attack, detector_report

ATTACKED = 100
DISTINCT = 400
CLIENTS = 8
QUESTIONS = 1000
STEPS = 40
RUNGS = (Rung("apgd-t", 100, targets=1, restarts=3),)
Pictures = NDArray[np.float32]


@dataclass(frozen=True)
class Setting:
    """Pictures in thirds, a network trained on the first, and the radius of the attacks."""

    name: str
    x: list[Pictures]
    y: list[NDArray[np.int64]]
    network: nn.Module
    radius: float

    def scores(self, x: Pictures) -> NDArray[np.float64]:
        with torch.no_grad():
            return np.asarray(self.network(torch.from_numpy(x)).double().numpy())

    def probabilities(self, x: Pictures) -> NDArray[np.float64]:
        with torch.no_grad():
            return np.asarray(self.network(torch.from_numpy(x)).double().softmax(dim=1).numpy())

    def labels(self, x: Pictures) -> NDArray[np.int64]:
        return np.asarray(self.scores(x).argmax(axis=1))


def setting(name: str, x: Pictures, y: NDArray[np.int64], radius: float, epochs: int) -> Setting:
    """Shuffle, divide, train."""
    torch.manual_seed(1)
    order = np.random.default_rng(1).permutation(len(x))
    parts = np.array_split(order, 3)
    side = x.shape[2] // 2
    network = nn.Sequential(
        *(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(16 * side * side, 64), nn.ReLU(), nn.Linear(64, 10)),
    )
    samples, classes = torch.from_numpy(x[parts[0]]), torch.from_numpy(y[parts[0]])
    optimiser = torch.optim.Adam(network.parameters(), 2e-3)
    for _ in range(epochs):
        for rows in torch.randperm(len(samples)).split(64):
            optimiser.zero_grad()
            nn.functional.cross_entropy(network(samples[rows]), classes[rows]).backward()
            optimiser.step()
    network.eval().requires_grad_(False)
    return Setting(name, [x[part] for part in parts], [y[part] for part in parts], network, radius)


def digits() -> Setting:
    from sklearn.datasets import load_digits

    found = load_digits()
    return setting(
        "digits", (found.images / 16).astype(np.float32)[:, None], found.target.astype(np.int64), 0.15, epochs=30
    )


def mnist(folder: Path) -> Setting:
    images = gzip.decompress((folder / "t10k-images-idx3-ubyte.gz").read_bytes())
    labels = gzip.decompress((folder / "t10k-labels-idx1-ubyte.gz").read_bytes())
    x = np.frombuffer(images, np.uint8, offset=16).reshape(-1, 1, 28, 28).astype(np.float32) / 255
    return setting("mnist", x, np.frombuffer(labels, np.uint8, offset=8).astype(np.int64), 0.2, epochs=6)


def plain_attack(of: Setting, ball: Ball, x: Pictures, y: NDArray[np.int64]) -> Pictures:
    """Projected gradient descent that climbs on after the answer has changed, as most attacks do."""
    model, wanted = Differentiable(of.network), torch.from_numpy(y)
    start = torch.from_numpy(x)
    here = start
    for _ in range(STEPS):
        slope = model.climb(here, cross_entropy(wanted))[2]
        here = ball.project(start, here + ball.radius / 10 * slope.sign())
    return np.asarray(here.numpy())


def detector_rows(of: Setting) -> list[dict[str, Any]]:
    """Every detector on the same samples."""
    held_x, rest_x = np.array_split(of.x[2], 2)
    rest_y = np.array_split(of.y[2], 2)[1]
    x, y = rest_x[:ATTACKED], rest_y[:ATTACKED]
    ball = Ball("linf", of.radius, 0.0, 1.0)
    plain = plain_attack(of, ball, x, y)
    noise = np.random.default_rng(5).normal(0, 0.05, x.shape)
    shifts = {"noise 0.05": np.clip(x + noise, 0, 1).astype(np.float32), "darker by a fifth": x * np.float32(0.8)}
    fitted, held = of.scores(of.x[1]), of.scores(held_x)
    gaussian = mahalanobis.fit(fitted, of.y[1], held)
    near = neighbours.fit(fitted, held)
    unsure = confidence.fit(held)
    squeeze = squeezing.fit(of.probabilities, held_x, low=0.0, high=1.0)
    network: Callable[[Tensor], Tensor] = of.network
    detectors: dict[str, tuple[Any, Any, Any]] = {
        "feature squeezing": (
            squeeze,
            lambda z: squeezing.score(squeeze, z, of.probabilities),
            lambda z: tensor_scores.squeezing_score(squeeze, z, network),
        ),
        "Mahalanobis": (
            gaussian,
            lambda z: mahalanobis.score(gaussian, of.scores(z)),
            lambda z: tensor_scores.mahalanobis_score(gaussian, network(z)),
        ),
        "nearest neighbours": (
            near,
            lambda z: neighbours.score(near, of.scores(z)),
            lambda z: tensor_scores.neighbours_score(near, network(z)),
        ),
        "confidence": (
            unsure,
            lambda z: confidence.score(unsure, of.scores(z)),
            lambda z: tensor_scores.confidence_score(network(z)),
        ),
    }
    rows = []
    for name, (record, suspicion, tensor_suspicion) in detectors.items():
        attack = climbing_attack(network, tensor_suspicion, ball, RUNGS, seed=3)
        found = detector_report(suspicion, record.threshold, of.labels, (x, y), plain, shifts, attack)
        rows.append({"data": of.name, "detector": name} | figures(found))
    return rows


def figures(found: DetectorReport) -> dict[str, Any]:
    """The report as JSON."""
    return {
        "attacked": found.adaptive.through.n,
        "auc_plain": round(found.plain_auc, 3),
        "detected_plain": rate(found.plain_detected),
        "auc_adaptive": round(found.adaptive.auc, 3),
        "through_adaptive": rate(found.adaptive.through),
        "false_alarms_clean": rate(found.false_alarms),
        "false_alarms_shifted": {name: rate(shift) for name, shift in found.under_shift.items()},
    }


def rate(found: Rate) -> dict[str, Any]:
    """A share with its bounds."""
    low, high = found.bounds
    return {"share": round(found.value, 3), **asdict(found), "low": round(low, 3), "high": round(high, 3)}


def query_row(of: Setting) -> dict[str, Any]:
    """The query detector on questions of attacks, and on distinct pictures."""
    held, rest = np.array_split(of.x[2], 2)
    record = queries.fit(of.x[1][:DISTINCT], held[:DISTINCT], low=0.0, high=1.0, salt=11)
    distinct = queries.QueryDetector(record).scores("reader", rest[:DISTINCT], 0.0)
    asked = questions(of, rest[:CLIENTS])
    found: dict[str, Any] = {"data": of.name, "threshold": record.threshold}
    found["false_alarms"] = rate(Rate(int((distinct > record.threshold).sum()), len(distinct)))
    for attack, clients in asked.items():
        detector = queries.QueryDetector(record)
        alarms = [detector.scores(f"{attack}{place}", x, 0.0) > record.threshold for place, x in enumerate(clients)]
        first = [int(alarm.argmax()) + 1 if alarm.any() else None for alarm in alarms]
        every = np.concatenate(alarms)
        found[attack] = rate(Rate(int(every.sum()), len(every))) | {"first_alarm_at_question": first}
    detector = queries.QueryDetector(record)
    stream = np.concatenate(asked["hop_skip_jump"])[:2000]
    started = time.process_time()
    for row in stream:
        detector.scores("one", row[None], 0.0)
    found["microseconds_per_question"] = round((time.process_time() - started) / len(stream) * 1e6)
    return found


def questions(of: Setting, x: Pictures) -> dict[str, list[Pictures]]:
    """What the attacks ask about each picture."""
    threat = uniform_threat(0.5, 0.0, 1.0, "l2")
    asked: dict[str, list[Pictures]] = {"hop_skip_jump": [], "simba": []}
    y = of.labels(x)
    for place in range(len(x)):
        for attack, streams in asked.items():
            heard: list[Pictures] = []

            def labels(z: Pictures, heard: list[Pictures] = heard) -> NDArray[np.int64]:
                heard.append(z.copy())
                return of.labels(z)

            def scores(z: Pictures, heard: list[Pictures] = heard) -> NDArray[np.float64]:
                heard.append(z.copy())
                return of.scores(z)

            one, own, seeds = x[place : place + 1], y[place : place + 1], np.array([place])
            if attack == "simba":
                simba(scores, one, own, threat, seeds, queries=QUESTIONS)
            else:
                pool = np.zeros((0, *x.shape[1:]), np.float32)
                hop_skip_jump(
                    *(labels, one, own, threat, seeds),
                    queries=QUESTIONS,
                    pool=pool,
                    pool_y=np.zeros(0, np.int64),
                    stop=0.0,
                )
            streams.append(np.concatenate(heard))
    return asked


def main() -> None:
    """Both data sets."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--mnist", type=Path)
    given = arguments.parse_args()
    torch.set_num_threads(1)
    settings = [digits(), *([mnist(given.mnist)] if given.mnist else [])]
    measured = {
        "accuracy": {of.name: round(float((of.labels(of.x[2]) == of.y[2]).mean()), 4) for of in settings},
        "radius_linf": {of.name: of.radius for of in settings},
        "detectors": [row for of in settings for row in detector_rows(of)],
        "questions": [query_row(of) for of in settings],
    }
    keep("detectors", "an attacker who knows a detector gets through; repeated questions are seen", measured)


if __name__ == "__main__":
    main()
