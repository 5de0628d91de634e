"""How well the backdoor screen tells backdoored from honest models of a zoo, and what it costs.

    touchstone zoo build zoo
    python benchmarks/backdoor_screen.py zoo --split sealed

Every model is scored once; scores are kept in `SPLIT-scores.json` beside the zoo's manifest, so that a run that was
broken off goes on. A model is compared with honest models of its own task and architecture where there are 19 of them
(from the calibration split for sealed models), else of its own task; never with itself. Thresholds are those of the
check, frozen before the sealed split is opened. `--developed-on N` says that the first N usable models were looked at
while the statistics were chosen: they serve as references, and are counted apart.

Peers on some of the models, in the same run: Neural Cleanse with its own schedule (one class after the other), and
MM-BD with the settings of its paper; cost only.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from record import keep
from touchstone.methods.backdoor.conformal import ALPHA, least_references
from touchstone.methods.backdoor.screen.combination import anomaly_index, combine
from touchstone.methods.backdoor.screen.margins import largest_margins, margin_p_value
from touchstone.methods.backdoor.screen.network import CutNetwork, cut_network
from touchstone.methods.backdoor.screen.scores import STATISTICS, Vetted, screen
from touchstone.statistics import auc, proportion_bounds
from touchstone.system.models.stages import Stage, module_stages
from touchstone.training.architecture import initialised, vgg
from touchstone.training.networks import LearntNetwork, Scaling
from touchstone.zoo.collection import Record, Zoo, open_zoo
from touchstone.zoo.tasks import TASKS

EACH = 10
"""Vetted pictures of each class, half of them to search with."""
SEED = 1
RESAMPLES = 2000
CLASSES_OF_CURVE = (10, 43, 100, 200)
WIDTHS_OF_CURVE = (1, 2, 4)
NC_STEPS, NC_BATCH, NC_RATE, NC_WANTED, NC_PATIENCE, NC_PRICE, NC_HAGGLE = 1000, 32, 0.1, 0.99, 5, 1e-3, 1.5


@dataclass(frozen=True)
class Scored:
    """One model and its scores."""

    name: str
    task: str
    family: str
    attack: str | None
    developed_on: bool
    target: int | None
    guessed: int
    statistics: NDArray[np.float64]
    anomaly: float
    seconds: float


def main() -> None:
    """Score, compare, keep."""
    arguments = _arguments()
    torch.set_num_threads(1)
    zoo = open_zoo(arguments.zoo)
    deadline = time.monotonic() + 60 * arguments.minutes
    suspects = _scored(zoo, arguments.split, arguments.developed_on, deadline)
    pool = suspects if arguments.split == "dev" else _scored(zoo, "calibration", 0, deadline)
    fresh = [one for one in suspects if not one.developed_on or one.attack is None]
    measured: dict[str, Any] = {
        "split": arguments.split,
        "honest": sum(one.attack is None for one in suspects),
        "attacked": sum(one.attack is not None for one in suspects),
        "looked_at_while_developing": {
            "honest": sum(one.developed_on and one.attack is None for one in suspects),
            "attacked": sum(one.developed_on and one.attack is not None for one in suspects),
        },
        "models_that_do_not_count": sum(entry.state != "usable" for entry in zoo.manifest.models),
        "models_not_made_yet": len(zoo.manifest.missing),
        "all": _figures(suspects, pool),
    }
    if arguments.developed_on:
        measured["attacked_models_not_looked_at_before"] = _figures(fresh, pool)
    measured["references_of_other_tasks"] = _mismatched(suspects, pool)
    measured["cpu_seconds_per_model"] = round(float(np.median([one.seconds for one in suspects])), 2)
    measured["peers"] = _peers(zoo, arguments.split, arguments.peers)
    measured["cost_curve"] = _cost_curve()
    keep("backdoor_screen", "the backdoor screen on small picture classifiers: power, false alarms, cost", measured)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("zoo", type=Path)
    parser.add_argument("--split", choices=["dev", "sealed"], default="sealed")
    parser.add_argument("--developed-on", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=1e6, help="score no more models after this time")
    parser.add_argument("--peers", type=int, default=20, help="models on which the peers are timed")
    return parser.parse_args()


def _network(model: LearntNetwork) -> CutNetwork:
    stages = [Stage(model.scaled), *module_stages(model.parts)]
    return cut_network([stage.function for stage in stages], [stage.weighted for stage in stages])


def _vetted(zoo: Zoo, record: Record) -> Vetted:
    pictures, classes = zoo.held_back(record), TASKS[record.specification.task].classes
    rows = [np.flatnonzero(pictures.label == label)[:EACH] for label in range(classes)]
    searched, held = (pictures.rows(np.concatenate([row[start::2] for row in rows])) for start in (0, 1))
    return Vetted(*searched, *held, classes, 0.0, 1.0)


def _scored(zoo: Zoo, split: Any, developed_on: int, deadline: float) -> list[Scored]:
    """Every usable model of a split, honest ones first; from what was kept, or anew."""
    file = zoo.folder / f"{split}-scores.json"
    kept: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    records = list(enumerate(zoo.usable(split)))
    records.sort(key=lambda each: (each[1].specification.attack is not None, each[0] < developed_on))
    scored = []
    for place, record in records:
        if record.weights not in kept:
            if time.monotonic() > deadline:
                continue
            begun = time.process_time()
            scores = screen(_network(zoo.model(record)), _vetted(zoo, record), SEED)
            kept[record.weights] = {
                "statistics": scores.statistics.tolist(),
                "guessed": scores.target,
                "anomaly": anomaly_index(scores.areas),
                "seconds": time.process_time() - begun,
            }
            file.write_text(json.dumps(kept), encoding="utf-8")
        scored.append(_as_scored(zoo, record, kept[record.weights], developed_on=place < developed_on))
    return scored


def _as_scored(zoo: Zoo, record: Record, kept: dict[str, Any], *, developed_on: bool) -> Scored:
    attack = zoo.attack(record)
    return Scored(
        record.name,
        record.specification.task,
        record.specification.family,
        record.specification.attack,
        developed_on,
        None if attack is None else attack.goal.target,
        kept["guessed"],
        np.array(kept["statistics"]),
        kept["anomaly"],
        kept["seconds"],
    )


def _references(one: Scored, pool: Iterable[Scored]) -> tuple[str, NDArray[np.float64]]:
    """Statistics of the honest models it is compared with, and what they share with it."""
    same_task = [other for other in pool if other.attack is None and other.task == one.task and other.name != one.name]
    same_family = [other for other in same_task if other.family == one.family]
    shared, chosen = ("task and architecture", same_family)
    if len(same_family) < least_references():
        shared, chosen = ("task", same_task)
    return shared, np.array([other.statistics for other in chosen])


def _compared(one: Scored, references: NDArray[np.float64]) -> tuple[float, float]:
    """The combined score, and the conformal p-value, however few the references are."""
    score, others = combine(one.statistics, references)
    return score, (1 + int((others >= score).sum())) / (len(others) + 1)


def _figures(suspects: list[Scored], pool: list[Scored]) -> dict[str, Any]:
    compared = {one.name: _compared(one, _references(one, pool)[1]) for one in suspects}
    counts = [len(_references(one, pool)[1]) for one in suspects]
    level = max(ALPHA, 1 / (min(counts) + 1)) + 1e-9
    honest = [one for one in suspects if one.attack is None]
    attacked = [one for one in suspects if one.attack is not None]

    def area(ones: list[Scored], value: Callable[[Scored], float]) -> dict[str, Any]:
        return _area(np.array([value(one) for one in ones]), np.array([value(one) for one in honest]))

    def score(one: Scored) -> float:
        return compared[one.name][0]

    def flagged(ones: list[Scored]) -> dict[str, Any]:
        return _share(sum(compared[one.name][1] <= level for one in ones), len(ones))

    attacks = sorted({one.attack for one in attacked if one.attack is not None})
    aimed = [one for one in attacked if one.target is not None]
    return {
        "references": {"shared": sorted({_references(one, pool)[0] for one in suspects}), "fewest": min(counts)},
        "auroc": area(attacked, score),
        "auroc_of_anomaly_index": area(attacked, lambda one: one.anomaly),
        "nominal_level": round(level, 4),
        "realised_false_alarms": flagged(honest),
        "found": flagged(attacked),
        "anomaly_index_above_2": {
            "false_alarms": _share(sum(one.anomaly > 2 for one in honest), len(honest)),
            "found": _share(sum(one.anomaly > 2 for one in attacked), len(attacked)),
        },
        "target_named": _share(sum(one.guessed == one.target for one in aimed), len(aimed)),
        "by_attack": {
            attack: {"auroc": area(ones, score), "found": flagged(ones)}
            for attack in attacks
            for ones in [[one for one in attacked if one.attack == attack]]
        },
        "single_statistics": {
            name: round(auc(*(np.array([_alone(one, pool, place) for one in ones]) for ones in (attacked, honest))), 3)
            for place, name in enumerate(STATISTICS)
        },
    }


def _alone(one: Scored, pool: list[Scored], place: int) -> float:
    references = _references(one, pool)[1][:, place]
    return float((one.statistics[place] - np.median(references)) / max(references.std(), 1e-9))


def _mismatched(suspects: list[Scored], pool: list[Scored]) -> dict[str, Any]:
    """What a p-value against references of other tasks would be worth: why the check refuses one."""
    figures = {}
    for task in sorted({one.task for one in suspects}):
        others = np.array([one.statistics for one in pool if one.attack is None and one.task != task])
        if len(others) < least_references():
            continue
        of_task = [one for one in suspects if one.task == task]
        flagged = {one.name: _compared(one, others)[1] <= ALPHA for one in of_task}
        honest, attacked = ([one for one in of_task if (one.attack is None) is kind] for kind in (True, False))
        figures[task] = {
            "false_alarms": _share(sum(flagged[one.name] for one in honest), len(honest)),
            "found": _share(sum(flagged[one.name] for one in attacked), len(attacked)),
        }
    return figures


def _area(positive: NDArray[np.float64], negative: NDArray[np.float64]) -> dict[str, Any]:
    """The area under the ROC curve with a bootstrap interval (percentiles, two-sided 95 %)."""
    if not len(positive) or not len(negative):
        return {"models": len(positive)}
    random = np.random.default_rng(0)
    drawn = [
        auc(random.choice(positive, len(positive)), random.choice(negative, len(negative))) for _ in range(RESAMPLES)
    ]
    low, high = np.percentile(drawn, [2.5, 97.5])
    return {
        "models": len(positive),
        "value": round(auc(positive, negative), 3),
        "interval": [round(float(low), 3), round(float(high), 3)],
    }


def _share(count: int, n: int) -> dict[str, Any]:
    low, high = proportion_bounds(count, n)
    return {"value": round(count / n, 3) if n else None, "low": round(low, 3), "high": round(high, 3), "n": n}


def _peers(zoo: Zoo, split: Any, count: int) -> dict[str, Any]:
    """Processor seconds of the screen and of two peers on the same models, in turns."""
    seconds: dict[str, list[float]] = {"screen": [], "neural_cleanse_sequential": [], "mm_bd": []}
    flags = []
    for record in zoo.usable(split)[:: max(1, len(zoo.usable(split)) // max(count, 1))][:count]:
        network, vetted = _network(zoo.model(record)), _vetted(zoo, record)
        seconds["screen"].append(_timed(partial(screen, network, vetted, SEED))[0])
        spent, sizes = _timed(partial(_neural_cleanse_of_all, network, vetted))
        seconds["neural_cleanse_sequential"].append(spent)
        search = partial(largest_margins, network, vetted.x.shape[1:], vetted.classes, low=0.0, high=1.0, seed=SEED)
        spent, margins = _timed(search)
        seconds["mm_bd"].append(spent)
        flags.append(
            {
                "model": record.name,
                "attack": record.specification.attack,
                "neural_cleanse_index": round(anomaly_index(-np.array(sizes)), 2),
                "mm_bd_p": round(margin_p_value(margins), 3),
            }
        )
    if not flags:
        return {"models": 0}
    medians = {name: round(float(np.median(values)), 2) for name, values in seconds.items()}
    ratios = {
        f"{name}_over_screen": round(float(np.median(np.array(values) / np.array(seconds["screen"]))), 1)
        for name, values in seconds.items()
        if name != "screen"
    }
    return {"models": len(flags), "median_cpu_seconds": medians, **ratios, "what_they_say": flags}


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    begun = time.process_time()
    done = work()
    return time.process_time() - begun, done


def _neural_cleanse_of_all(network: CutNetwork, vetted: Vetted) -> list[float]:
    return [_neural_cleanse(network, vetted, target) for target in range(vetted.classes)]


def _neural_cleanse(network: CutNetwork, vetted: Vetted, target: int) -> float:
    """Size of the mask for one class by the schedule of Wang et al. 2019, on all vetted pictures.

    Adam at 0.1 on `tanh` masks and patterns, batches of 32, at most 1,000 steps; the price of the mask starts at 0.001,
    goes up by 1.5 after five steps at 99 % success and down by 1.5 ** 1.5 after five below; it ends when the smallest
    mask has not become smaller by 1 % for 25 steps.
    """
    generator = torch.Generator().manual_seed(SEED)
    x = torch.from_numpy(np.concatenate([vetted.x, vetted.held_x]))
    mask = torch.rand((1, 1, *x.shape[2:]), generator=generator).requires_grad_()
    pattern = torch.rand((1, *x.shape[1:]), generator=generator).requires_grad_()
    optimiser = torch.optim.Adam([mask, pattern], lr=NC_RATE, betas=(0.5, 0.9))
    wanted = torch.full((NC_BATCH,), target)
    best, price, above, below, waited = float("inf"), NC_PRICE, 0, 0, 0
    for _ in range(NC_STEPS):
        batch = x[torch.randint(len(x), (NC_BATCH,), generator=generator)]
        shown, colours = (torch.tanh(mask) + 1) / 2, (torch.tanh(pattern) + 1) / 2
        scores = network((1 - shown) * batch + shown * colours)
        size = shown.sum()
        loss = torch.nn.functional.cross_entropy(scores, wanted) + price * size
        mask.grad, pattern.grad = torch.autograd.grad(loss, [mask, pattern])
        optimiser.step()
        works = float((scores.argmax(dim=1) == target).float().mean()) >= NC_WANTED
        smaller = works and float(size.detach()) < 0.99 * best
        best = min(best, float(size.detach())) if works else best
        waited = 0 if smaller or best == float("inf") else waited + 1
        above, below = (above + 1, 0) if works else (0, below + 1)
        if above >= NC_PATIENCE:
            price, above = price * NC_HAGGLE, 0
        elif below >= NC_PATIENCE:
            price, below = price / NC_HAGGLE**1.5, 0
        if waited >= 25:
            break
    return best if np.isfinite(best) else float(x.shape[2] * x.shape[3])


def _cost_curve() -> list[dict[str, Any]]:
    """Processor seconds on untrained networks: the cost depends on their size and the number of classes alone."""
    settings = [(classes, 1) for classes in CLASSES_OF_CURVE] + [(10, width) for width in WIDTHS_OF_CURVE[1:]]
    return [_cost(classes, width) for classes, width in settings]


def _cost(classes: int, width: int) -> dict[str, Any]:
    parts = []
    for layer in vgg(3, 32, classes):
        wider = {
            name: value * width
            for name in ("inputs", "outputs")
            if (value := getattr(layer, name, None)) not in (None, 3, classes)
        }
        parts.append(layer.model_copy(update=wider))
    network = initialised(tuple(parts), torch.Generator().manual_seed(SEED)).eval().requires_grad_(False)
    half = np.full((1, 1, 1), 0.5, dtype=np.float32)
    y = np.repeat(np.arange(classes), EACH // 2)
    x = np.random.default_rng(SEED).random((2, len(y), 3, 32, 32)).astype(np.float32)
    cut = _network(LearntNetwork(network, Scaling(half, half)))
    spent, _ = _timed(lambda: screen(cut, Vetted(x[0], y, x[1], y, classes, 0.0, 1.0), SEED))
    parameters = sum(parameter.numel() for parameter in network.parameters())
    return {"classes": classes, "parameters": parameters, "cpu_seconds": round(spent, 2)}


if __name__ == "__main__":
    main()
