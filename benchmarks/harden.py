"""Claim: adversarial training gives a digits network robustness that is shown; what it and smoothing cost is said.

A small convolutional network for scikit-learn's digits is hardened in both ways by `touchstone harden`'s own function,
against L∞ 0.1 and L2 0.5. Figures are those of the report: 100 test samples, the quick ladder and audit before and
after (through the noise for the smoothed model), exact bounds of the paired difference.
"""

from __future__ import annotations

import tempfile
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch
import yaml
from numpy.typing import NDArray
from torch import nn

from record import keep
from touchstone.hardening.harden import harden
from touchstone.hardening.instructions import Instructions, Recipe
from touchstone.hardening.outcome import Change, Share
from touchstone.system.subject import Subject, open_system

LAYERS: list[dict[str, Any]] = [
    {"kind": "conv2d", "name": "first", "inputs": 1, "outputs": 16, "kernel": 3, "padding": 1},
    {"kind": "relu"},
    {"kind": "conv2d", "name": "second", "inputs": 16, "outputs": 32, "kernel": 3, "padding": 1},
    {"kind": "relu"},
    {"kind": "maxpool2d", "kernel": 2, "stride": 2},
    {"kind": "flatten"},
    {"kind": "linear", "name": "third", "inputs": 512, "outputs": 64},
    {"kind": "relu"},
    {"kind": "linear", "name": "answer", "inputs": 64, "outputs": 10},
]
TRAINED_ON = 1200
WAYS = (
    Instructions(Recipe.ADVERSARIAL_TRAINING, "linf", Fraction(1, 10), 20, "quick", 1),
    Instructions(Recipe.SMOOTHING, "l2", Fraction(1, 2), 20, "quick", 1, sigma=Fraction(1, 4)),
)


class Silent:
    """Nobody watches."""

    def stage(self, stage: object) -> None:
        """Nothing to say."""

    def epoch(self, epoch: object, most: int) -> None:
        """Nothing to say."""


def trained(x: NDArray[np.float32], y: NDArray[np.int64]) -> dict[str, torch.Tensor]:
    """The weights of a network trained as usual."""
    torch.manual_seed(0)
    network = nn.Sequential(
        *(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(512, 64), nn.ReLU(), nn.Linear(64, 10)),
    )
    samples, classes = torch.from_numpy(x), torch.from_numpy(y)
    optimiser = torch.optim.Adam(network.parameters(), 1e-3)
    for _ in range(20):
        for rows in torch.randperm(len(x)).split(64):
            optimiser.zero_grad()
            nn.functional.cross_entropy(network(samples[rows]), classes[rows]).backward()
            optimiser.step()
    names = {str(place): layer["name"] for place, layer in enumerate(LAYERS) if "name" in layer}
    return {
        f"{names[name.partition('.')[0]]}.{name.partition('.')[2]}": value
        for name, value in network.state_dict().items()
    }


def system(folder: Path) -> Subject:
    """The network and its data, described."""
    from sklearn.datasets import load_digits

    found = load_digits()
    order = np.random.default_rng(0).permutation(len(found.images))
    x, y = (found.images[order] / 16).astype(np.float32)[:, None], found.target[order].astype(np.int64)
    folder.mkdir()
    np.savez(folder / "train.npz", x=x[:TRAINED_ON], y=y[:TRAINED_ON])
    np.savez(folder / "test.npz", x=x[TRAINED_ON:], y=y[TRAINED_ON:])
    safetensors.torch.save_file(trained(x[:TRAINED_ON], y[:TRAINED_ON]), folder / "model.safetensors")
    shared = {"format": "npz", "features": "x", "target": "y", "origin": "scikit-learn digits"}
    description = {
        "schema": "touchstone.system/v1",
        "system": {
            "name": "digits",
            "version": "1",
            "supplier": {"name": "benchmark"},
            "intended_use": "benchmark",
            "sector": "other",
        },
        "facts": {"data.personal": False},
        "model": {
            "format": "safetensors",
            "file": "model.safetensors",
            "access": "artefact",
            "input": {"kind": "image", "shape": [1, 8, 8], "low": 0.0, "high": 1.0},
            "output": {"kind": "logits", "labels": [str(digit) for digit in range(10)]},
            "architecture": LAYERS,
        },
        "data": {role: {"path": f"{role}.npz", **shared} for role in ("train", "test")},
    }
    (folder / "system.yaml").write_text(yaml.safe_dump(description), encoding="utf-8")
    return open_system(folder)


def share(found: Share) -> str:
    """As `n of m`."""
    return f"{found.count} of {found.n}"


def change(found: Change) -> dict[str, Any]:
    """Before, after, and the bounds of the difference."""
    return {
        "before": share(found.before),
        "after": share(found.after),
        "gained": found.gained,
        "lost": found.lost,
        "difference_low": round(float(found.low), 4),
        "difference_high": round(float(found.high), 4),
        "mcnemar_p": float(f"{float(found.p_value):.2g}"),
    }


def main() -> None:
    """Both recipes on the same system."""
    measured: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as place:
        subject = system(Path(place) / "given")
        for wanted in WAYS:
            started = time.process_time()
            report = harden(subject, wanted, Path(place) / wanted.recipe, Silent()).report
            measured[wanted.recipe] = {
                "parameters": wanted.parameters(),
                "clean": change(report.clean),
                "robust": change(report.robust),
                "proven": None
                if report.proof is None
                else {
                    "method": report.proof.method,
                    "before": share(report.proof.before),
                    "after": share(report.proof.after),
                },
                "epoch_kept": None if report.training is None else report.training.kept,
                "passes_per_answer": report.effort_after.passes,
                "inference_cost_ratio": round(float(report.effort_after.seconds / report.effort_before.seconds), 1),
                "attacks_after": report.attacks_after,
                "conclusions": [text.en for text in report.conclusions],
                "cpu_seconds": round(time.process_time() - started),
            }
    keep("harden", "adversarial training gains robustness that is shown, and every cost is said", measured)


if __name__ == "__main__":
    main()
