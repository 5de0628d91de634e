"""Claim: triggered inputs are told from honest ones while they arrive, and a benign shift is not taken for an attack.

    benchmarks/live_inputs.py ZOO          # a folder made by `touchstone zoo build`

For every usable attacked model of the zoo's `dev` split: 20 vetted samples of each class, half fitted to and half held
out; a stream of 300 inputs nobody learnt from, one in twenty of them triggered, as they are, darkened, noisy, or both
as strongly as here. `naive` fits to the vetted samples alone and takes nothing off; `copies` fits to shifted copies as
well; `stream` also takes off what the middle of the stream has moved by.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from record import keep
from touchstone.methods.backdoor.live import Stream, fit, score
from touchstone.methods.backdoor.poisons import Attack
from touchstone.methods.backdoor.rows.features import features
from touchstone.statistics import auc, proportion_bounds
from touchstone.zoo.collection import Record, Zoo, open_zoo

VETTED_OF_CLASS = 20
STREAM = 300
TRIGGERED = 15
SHIFTS = {"none": (1.0, 0.0), "darker": (0.5, 0.0), "noisy": (1.0, 0.08), "darker and noisy": (0.7, 0.05)}
"""Share of the brightness that is left, and deviation of the noise."""
COPIES = ((1.0, 0.0), (0.75, 0.0), (1.0, 0.04))
"""Shifts that the vetted samples are copied under: milder than those of the streams."""
Pictures = NDArray[np.float32]


def shifted(x: Pictures, shift: tuple[float, float], generator: np.random.Generator) -> Pictures:
    """Darker, then noisier."""
    light, noise = shift
    return np.clip(x * np.float32(light) + noise * generator.standard_normal(x.shape), 0, 1).astype(np.float32)


def measured_on(zoo: Zoo, record: Record, attack: Attack) -> dict[str, dict[str, Any]]:
    """One model under every shift."""
    model, generator = zoo.model(record), np.random.default_rng(7)
    x, y = zoo.held_back(record).rows(np.arange(len(zoo.held_back(record))))
    classes = int(y.max()) + 1
    order = np.concatenate([np.flatnonzero(y == one)[:VETTED_OF_CLASS] for one in range(classes)])
    first, second = order[::2], order[1::2]
    rest = np.setdiff1d(np.arange(len(y)), order)[:STREAM]
    aimed = rest[attack.goal.aims_at(y[rest])]
    marked = attack.stamp(x[aimed], np.random.default_rng(5))
    wanted = attack.goal.wanted(y[aimed])

    def seen(pictures: Pictures) -> tuple[NDArray[np.float64], ...]:
        return features(model.network, model.scaled(torch.from_numpy(pictures)).numpy())

    def reference(copies: tuple[tuple[float, float], ...]) -> Any:
        fitted = np.concatenate([shifted(x[first], copy, generator) for copy in copies])
        held = np.concatenate([shifted(x[second], copy, generator) for copy in copies])
        return fit(seen(fitted), np.tile(y[first], len(copies)), seen(held), model.labels(held))

    references = {"naive": reference(COPIES[:1]), "copies": reference(COPIES)}
    rows: dict[str, dict[str, Any]] = {}
    for name, shift in SHIFTS.items():
        honest, triggered = shifted(x[rest], shift, generator), shifted(marked, shift, generator)
        triggered = triggered[model.labels(triggered) == wanted]  # the others do what the attacker did not want
        row: dict[str, Any] = {"works": len(triggered) / max(len(wanted), 1)}
        for method, record_ in references.items():
            scores = score(record_, seen(honest), model.labels(honest))
            row[f"{method}_alarms"] = scores > record_.threshold
            if len(triggered):
                strange = score(record_, seen(triggered), model.labels(triggered))
                row[f"{method}_caught"] = strange > record_.threshold
                row[f"{method}_auc"] = auc(strange, scores)
        stream = Stream(references["copies"])
        shown = np.concatenate([honest, triggered[:TRIGGERED]])
        mixed = generator.permutation(len(shown))
        layers, answers = seen(shown[mixed]), model.labels(shown[mixed])
        begun = time.process_time()
        alarms = np.empty(len(shown), dtype=np.bool_)
        for at in range(0, len(shown), 10):
            rows_ = slice(at, at + 10)
            alarms[mixed[rows_]] = stream.alarms([layer[rows_] for layer in layers], answers[rows_])
        row["milliseconds"] = (time.process_time() - begun) / len(shown) * 1000
        row["stream_alarms"], row["stream_caught"] = alarms[: len(honest)], alarms[len(honest) :]
        row["drifted"] = stream.drifted
        rows[name] = row
    return rows


def summary(found: list[tuple[str, dict[str, dict[str, Any]]]]) -> dict[str, Any]:
    """Shares over all models, by shift; areas by attack too."""
    result: dict[str, Any] = {"models": len(found)}
    for name in SHIFTS:
        rows = [(attack, each[name]) for attack, each in found]
        entry: dict[str, Any] = {"trigger_works": mean([row["works"] for _, row in rows])}
        for method in ("naive", "copies", "stream"):
            entry[f"{method}_false_alarms"] = share([row[f"{method}_alarms"] for _, row in rows])
            entry[f"{method}_caught"] = share([row.get(f"{method}_caught", np.zeros(0)) for _, row in rows])
            if method != "stream":
                entry[f"{method}_auc"] = mean([row[f"{method}_auc"] for _, row in rows if f"{method}_auc" in row])
        by_attack: dict[str, list[float]] = defaultdict(list)
        for attack, row in rows:
            if "naive_auc" in row:
                by_attack[attack].append(row["naive_auc"])
        entry["naive_auc_by_attack"] = {attack: mean(values) for attack, values in sorted(by_attack.items())}
        entry["streams_called_drifted"] = mean([float(row["drifted"]) for _, row in rows])
        entry["milliseconds_per_input_without_features"] = mean([row["milliseconds"] for _, row in rows])
        result[name] = entry
    return result


def share(alarms: list[NDArray[Any]]) -> dict[str, Any]:
    """Of all inputs together, with bounds as if each were drawn by itself."""
    every = np.concatenate(alarms).astype(bool)
    low, high = proportion_bounds(int(every.sum()), len(every))
    return {"share": round(float(every.mean()), 3), "n": len(every), "low": round(low, 3), "high": round(high, 3)}


def mean(values: list[float]) -> float:
    """Rounded."""
    return round(float(np.mean(values)), 4)


def main() -> None:
    """All usable attacked models of the split that detectors are made on."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("zoo", type=Path)
    torch.set_num_threads(1)
    zoo = open_zoo(arguments.parse_args().zoo)
    found = []
    for record in zoo.usable("dev"):
        attack = zoo.attack(record)
        if attack is not None:
            found.append((attack.kind, measured_on(zoo, record, attack)))
    keep("live_inputs", "triggered inputs are told from honest ones, a benign shift is not an attack", summary(found))


if __name__ == "__main__":
    main()
