"""Claim: our ladder finds at least as much as the AutoAttack ensemble, at a fraction of its cost.

Peers: the four attacks of AutoAttack (APGD-CE, APGD-T, FAB-T, Square) in torchattacks at the published strength (100
steps; its own `AutoAttack` uses 10) and, when asked for, ART's `AutoAttack`, which takes several times as long; in an
environment of their own that also holds Touchstone:

    ENVIRONMENT/bin/python benchmarks/attack_parity.py [art]

Models are trained in seconds on data that packages ship: digits and breast cancer from scikit-learn, plain and against
PGD, convolutional and dense. Same models, same points, same process, one thread, CPU time. A success counts when a
neutral scorer finds the point inside the ball and the answer changed.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.preprocessing import minmax_scale

from record import keep
from touchstone.methods.attacks.gradient.balls import Ball
from touchstone.methods.attacks.gradient.differentiable import Differentiable
from touchstone.methods.attacks.gradient.ladder import AUDIT, climb_ladder

POINTS = 60
SLACK = 1e-5


def digits() -> tuple[Any, Any, Any, Any]:
    """8 × 8 pictures of ten digits in [0, 1]."""
    data = load_digits()
    x = torch.from_numpy((data.images / 16).astype(np.float32))[:, None]
    y = torch.from_numpy(data.target.astype(np.int64))
    return x[:1400], y[:1400], x[1400:], y[1400:]


def cancer() -> tuple[Any, Any, Any, Any]:
    """30 measurements of two classes, scaled to [0, 1], as pictures of one row."""
    data = load_breast_cancer()
    x = torch.from_numpy(minmax_scale(data.data).astype(np.float32)).reshape(-1, 1, 5, 6)
    y = torch.from_numpy(data.target.astype(np.int64))
    return x[:400], y[:400], x[400:], y[400:]


def convolutional(width: int) -> Any:
    """A small network of two convolutions."""
    nn = torch.nn
    return nn.Sequential(
        nn.Conv2d(1, width, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(width, 2 * width, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(32 * width, 64),
        nn.ReLU(),
        nn.Linear(64, 10),
    )


def dense(size: int, classes: int) -> Any:
    """Two hidden layers."""
    nn = torch.nn
    return nn.Sequential(
        nn.Flatten(), nn.Linear(size, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, classes)
    )


def train(net: Any, x: Any, y: Any, epsilon: float, epochs: int = 60) -> Any:
    """Train, against seven steps of PGD when `epsilon` is not zero."""
    optimiser = torch.optim.Adam(net.parameters(), 3e-3)
    loss = torch.nn.functional.cross_entropy
    for _ in range(epochs):
        for rows in torch.randperm(len(x)).split(200):
            moved = x[rows]
            for _ in range(7 if epsilon else 0):
                leaf = moved.clone().requires_grad_(True)
                (slope,) = torch.autograd.grad(loss(net(leaf), y[rows]), leaf)
                moved = (moved + epsilon / 3 * slope.sign()).clamp(x[rows] - epsilon, x[rows] + epsilon).clamp(0, 1)
            optimiser.zero_grad()
            loss(net(moved), y[rows]).backward()
            optimiser.step()
    return net.eval()


def pinned() -> dict[str, tuple[Any, Any, Any, float]]:
    """Model, points, classes and radius of each case."""
    torch.manual_seed(1)
    x, y, points, classes = digits()
    cases = {}
    for name, epsilon, radius in (("plain", 0.0, 0.1), ("adversarial", 0.1, 0.1), ("adversarial-strong", 0.2, 0.2)):
        cases[f"digits convolutional {name}"] = (train(convolutional(12), x, y, epsilon), points, classes, radius)
        cases[f"digits dense {name}"] = (train(dense(64, 10), x, y, epsilon), points, classes, radius)
    x, y, points, classes = cancer()
    for name, epsilon in (("plain", 0.0), ("adversarial", 0.05)):
        cases[f"cancer dense {name}"] = (train(dense(30, 2), x, y, epsilon), points, classes, 0.05)
    return {name: (net, p[:POINTS], c[:POINTS], radius) for name, (net, p, c, radius) in cases.items()}


def ours(net: Any, x: Any, y: Any, radius: float) -> Any:
    """The whole ladder, audit included."""
    outcome = climb_ladder(
        Differentiable(net), x.numpy(), y.numpy(), Ball("linf", radius, 0.0, 1.0), AUDIT, seed=1, ids=np.arange(len(x))
    )
    return torch.from_numpy(outcome.points)


def torchattacks_ensemble(net: Any, x: Any, y: Any, radius: float) -> Any:
    """AutoAttack's four attacks in its order, each on the survivors of those before it."""
    import torchattacks

    classes = int(net(x[:1]).shape[1])
    common = {"norm": "Linf", "eps": radius}
    attacks = [torchattacks.APGD(net, **common, steps=100)]
    if classes > 3:  # its targeted attacks divide by the spread of four scores
        attacks.append(torchattacks.APGDT(net, **common, steps=100, n_classes=classes))
    attacks.append(torchattacks.FAB(net, **common, steps=100, multi_targeted=classes > 2, n_classes=classes))
    attacks.append(torchattacks.Square(net, **common, n_queries=5000))
    found = x.clone()
    for attack in attacks:
        with torch.no_grad():
            standing = torch.nonzero(net(found).argmax(dim=1) == y).flatten()
        if not len(standing):
            break
        found[standing] = attack(x[standing], y[standing])
        unbroken = net(found[standing]).argmax(dim=1) == y[standing]
        found[standing[unbroken]] = x[standing[unbroken]]
    return found.detach()


def art_ensemble(net: Any, x: Any, y: Any, radius: float) -> Any:
    """ART's own ensemble."""
    from art.attacks.evasion import AutoAttack
    from art.estimators.classification import PyTorchClassifier

    classes = int(net(x[:1]).shape[1])
    classifier = PyTorchClassifier(net, torch.nn.CrossEntropyLoss(), tuple(x.shape[1:]), classes, clip_values=(0, 1))
    attack = AutoAttack(classifier, norm=np.inf, eps=radius, eps_step=radius / 5, batch_size=256)
    return torch.from_numpy(attack.generate(x.numpy(), y.numpy()))


CONTESTANTS: dict[str, Callable[[Any, Any, Any, float], Any]] = {
    "touchstone": ours,
    "torchattacks": torchattacks_ensemble,
    "art": art_ensemble,
}


def scored(net: Any, x: Any, y: Any, found: Any, radius: float) -> int:
    """How many points still stand: right to begin with, and not broken inside the ball."""
    inside = (found - x).abs().flatten(1).amax(dim=1) <= radius + SLACK
    inside &= (found.flatten(1).amin(dim=1) >= -SLACK) & (found.flatten(1).amax(dim=1) <= 1 + SLACK)
    with torch.no_grad():
        right = net(x).argmax(dim=1) == y
        broken = inside & (net(found).argmax(dim=1) != y)
    return int((right & ~broken).sum())


def main() -> None:
    """Measure and keep."""
    torch.set_num_threads(1)
    measured: dict[str, Any] = {}
    for name, (net, x, y, radius) in pinned().items():
        row: dict[str, Any] = {"points": len(x), "radius": radius}
        for who, attack in CONTESTANTS.items():
            if who == "art" and who not in sys.argv[1:]:
                continue
            started = time.process_time()
            try:
                found = attack(net, x, y, radius)
            except Exception as fault:
                row[who] = {"failed": f"{type(fault).__name__}: {str(fault)[:120]}"}
                continue
            seconds = time.process_time() - started
            row[who] = {"standing": scored(net, x, y, found, radius), "cpu_seconds": round(seconds, 2)}
        for who in ("torchattacks", "art"):
            if "cpu_seconds" in row.get(who, {}):
                row[f"{who}_cost_over_ours"] = round(row[who]["cpu_seconds"] / row["touchstone"]["cpu_seconds"], 2)
        measured[name] = row
        print(name, row, flush=True)
    keep(
        "attack_parity",
        "robust accuracy <= the AutoAttack ensemble on every pinned set; cost <= 1/30 (plain) and <= 1/2.5 (robust)",
        measured,
    )


if __name__ == "__main__":
    main()
