"""What canaries see of tampering, from labels alone: trained networks, several seeds, tampers nobody chose them by.

    python benchmarks/canaries.py [TRIES]

Five small networks are trained (three families, three tasks). For each, canaries are made with four seeds; each set is
asked all at once (32) and in random halves (16), about tampered models and about the untouched one in shorter formats.
The same number of ordinary inputs of the test set is asked about the same tampers, for comparison.

The benign formats are among those that canaries were chosen to stand; `benign_rate` of each set is the 95 % bound from
the same formats computed in other portions, and from sums in other orders as simulated, which they were not chosen by.
Other hardware is untested. `in float16` is a tampered model that is served in float16, where canaries see less:
rounding moves answers as far as such tampering does.
"""

from __future__ import annotations

import io
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from record import keep
from touchstone.checks.model_integrity.canary_making import CANARIES, make_canaries, simulation_of
from touchstone.methods.fingerprint.canaries import Canaries
from touchstone.methods.fingerprint.poll import some_of, verdict
from touchstone.methods.fingerprint.tampers import (
    MANTISSA_BITS,
    quantised,
    rounded,
    summed_otherwise,
    with_flipped_bits,
)
from touchstone.statistics import proportion_bounds
from touchstone.system.subject import Subject, open_system
from touchstone.training.architecture import FAMILIES
from touchstone.training.learning import Recipe, train
from touchstone.training.networks import weights_file
from touchstone.zoo.making import SCALING
from touchstone.zoo.tasks import TASKS, draw_pictures

MODELS = [
    ("plain", "digits-10"),
    ("vgg", "digits-10"),
    ("plain", "signs-8"),
    ("vgg", "signs-8"),
    ("vgg", "shapes-10"),
]
SEEDS = range(4, 8)
TRAINED_ON, TESTED_ON, EPOCHS = 1500, 400, 4
HALF = CANARIES // 2
OTHER_SUMS = 10


def system(folder: Path, family: str, task: str) -> tuple[Subject, float]:
    """A trained network as a system with its test pictures, and its accuracy on them."""
    learnt = draw_pictures(TASKS[task], TRAINED_ON, 1, held_back=False).rows(np.arange(TRAINED_ON))
    x, y = draw_pictures(TASKS[task], TESTED_ON, 1, held_back=True).rows(np.arange(TESTED_ON))
    architecture = FAMILIES[family](3, 32, TASKS[task].classes)
    network = train(architecture, *learnt, Recipe(seed=3, epochs=EPOCHS), SCALING)
    buffer = io.BytesIO()
    np.savez(buffer, x=x, y=y)
    (folder / "test.npz").write_bytes(buffer.getvalue())
    (folder / "model.safetensors").write_bytes(weights_file(network.network))
    description = {
        "schema": "touchstone.system/v1",
        "system": {
            "name": f"{family}-{task}",
            "version": "1",
            "supplier": {"name": "benchmark"},
            "intended_use": "a benchmark",
            "sector": "other",
            "synthetic": True,
        },
        "model": {
            "format": "safetensors",
            "access": "artefact",
            "file": "model.safetensors",
            "input": {"kind": "image", "shape": [3, 32, 32], "low": 0.0, "high": 1.0},
            "output": {"kind": "logits", "labels": [str(label) for label in range(TASKS[task].classes)]},
            "normalisation": {"mean": [0.5], "scale": [0.25]},
            "architecture": [
                {**part.model_dump(mode="json", exclude_none=True), "name": str(place)}
                for place, part in enumerate(architecture)
            ],
        },
        "data": {
            "test": {
                "path": "test.npz",
                "format": "npz",
                "features": "x",
                "target": "y",
                "origin": "drawn by a program",
            }
        },
    }
    (folder / "system.yaml").write_text(yaml.safe_dump(description), encoding="utf-8")
    return open_system(folder), float((network.labels(x) == y).mean())


class Counts:
    """How often something was seen, over how many tries, by what was done and how it was asked."""

    def __init__(self) -> None:
        self.seen: dict[str, dict[str, list[int]]] = {}

    def add(self, what: str, how: str, seen: bool) -> None:
        count = self.seen.setdefault(what, {}).setdefault(how, [0, 0])
        count[0] += seen
        count[1] += 1

    def document(self) -> dict[str, Any]:
        return {
            what: {
                how: {
                    "share": round(seen / tries, 4),
                    "tries": tries,
                    "bounds_95": [round(bound, 4) for bound in proportion_bounds(seen, tries)],
                }
                for how, (seen, tries) in by_way.items()
            }
            for what, by_way in self.seen.items()
        }


def measure(subject: Subject, seed: int, tries: int, counts: Counts) -> dict[str, float]:
    """One set of canaries of one model."""
    simulation = simulation_of(subject)
    assert simulation is not None
    started = time.process_time()
    canaries = make_canaries(subject, simulation, np.random.default_rng(seed))
    seconds = time.process_time() - started
    generator = np.random.default_rng([seed, 3])
    rows = generator.permutation(len(simulation.inputs))[:CANARIES]
    ordinary = Canaries(simulation.inputs[rows], simulation.labels[rows], {}, 0.0)
    weights = simulation.model.weights
    half, brain = rounded(weights, "f16"), rounded(weights, "bf16")
    forms = {
        "benign: float16": simulation.reading(half, "f16", "f16"),
        "benign: bfloat16": simulation.reading(brain, "bf16", "bf16"),
        "int8 per-channel": simulation.reading(quantised(weights, per_channel=True)),
        "int8 per-tensor": simulation.reading(quantised(weights, per_channel=False)),
    }
    tampers = simulation.tampers() | {
        "8 upper mantissa flips": lambda random: with_flipped_bits(weights, 8, range(20, 23), random)
    }
    readings = list(forms.items())
    readings += [
        ("benign: sums in another order", simulation.reading(summed_otherwise(weights, generator)))
        for _ in range(OTHER_SUMS)
    ]
    readings += [
        ("8 mantissa flips, in float16", simulation.reading(rounded(flipped, "f16"), "f16", "f16"))
        for flipped in (with_flipped_bits(weights, 8, MANTISSA_BITS, generator) for _ in range(tries))
    ]
    readings += [
        (name, simulation.reading(changed))
        for name, tamper in tampers.items()
        for _ in range(tries)
        if (changed := tamper(generator)) is not None
    ]
    for name, reading in readings:
        for way, asked in (("32 canaries", canaries), ("16 of them", some_of(canaries, HALF, generator))):
            found = verdict(asked, reading(asked.inputs))
            counts.add(name, way, found.state == "changed")
            if name.startswith("int8"):
                counts.add(name, f"{way}, told as int8", found.state == "other-form")
        counts.add(name, "32 ordinary inputs", bool((reading(ordinary.inputs) != ordinary.labels).any()))
    return {"canaries": len(canaries), "cpu_seconds": seconds, "benign_rate": canaries.benign_rate}


def main() -> None:
    tries = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    counts, sets = Counts(), []
    for family, task in MODELS:
        with tempfile.TemporaryDirectory() as folder:
            subject, accuracy = system(Path(folder), family, task)
            for seed in SEEDS:
                made = measure(subject, seed, tries, counts)
                sets.append({"model": f"{family}/{task}", "accuracy": round(accuracy, 3), "seed": seed} | made)
                print(sets[-1], file=sys.stderr, flush=True)
    keep(
        "canaries",
        "Labels of 32 canaries show tampering that leaves accuracy as it is, and rounding raises no alarm",
        {"detected": counts.document(), "sets": sets},
    )


if __name__ == "__main__":
    main()
