"""How well the backdoor screen tells backdoored from honest models of a zoo, and what it costs.

    touchstone zoo build zoo
    python benchmarks/backdoor_screen.py zoo --split sealed --jobs 2

Every model is seen once; its responses are kept in `responses/` beside the zoo's manifest, so that a run that was
broken off goes on. A model is compared with honest models of its own task and architecture where there are 19 of them
(from the calibration split for sealed models), else of its own task; never with itself. Thresholds are those of the
check, frozen before the sealed split is opened, and so is the curve from scores to probabilities.

Peer in the same run: Neural Cleanse with its own schedule, one class after the other; cost only. It is timed on the
first `PEER_CLASSES` classes of a model and multiplied by the number of classes.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from record import keep
from touchstone.methods.backdoor.conformal import ALPHA, least_references
from touchstone.methods.backdoor.screen.combination import Comparison, Responses, compare
from touchstone.methods.backdoor.screen.inversion import invert
from touchstone.methods.backdoor.screen.network import CutNetwork, cut_network
from touchstone.methods.backdoor.screen.scores import Vetted, responses_of
from touchstone.statistics import auc, proportion_bounds
from touchstone.system.models.stages import Stage, module_stages
from touchstone.training.architecture import initialised, vgg
from touchstone.training.networks import LearntNetwork, Scaling
from touchstone.training.processes import in_processes
from touchstone.zoo.collection import Record, Zoo, open_zoo
from touchstone.zoo.tasks import TASKS

EACH = 10
"""Vetted pictures of each class, half of them to search with."""
SEED = 1
RESAMPLES = 2000
CLASSES_OF_CURVE = (10, 43, 100, 200)
WIDTHS_OF_CURVE = (1.25, 2, 4, 8, 20)
"""Of a network of 64,000 parameters: from 0.1 to 25 millions."""
LARGE = 2_000_000
"""Parameters above which a fifth of the pictures is timed, and multiplied: the cost is in proportion."""
PEER_CLASSES = 2
NC_STEPS, NC_BATCH, NC_RATE, NC_WANTED, NC_PATIENCE, NC_PRICE, NC_HAGGLE = 1000, 32, 0.1, 0.99, 5, 1e-3, 1.5
SLOPE, OFFSET = 0.89, -5.46
"""Log odds of a backdoor are `OFFSET + SLOPE * score`, half of all models having one: fitted on the dev split."""
MOST_CERTAIN = 0.01
"""No probability is nearer to nought or one: a cross-entropy would hang on a single model."""


@dataclass(frozen=True)
class Seen:
    """One model and its responses."""

    record: Record
    responses: Responses
    seconds: float

    @property
    def name(self) -> str:
        """What its files are called."""
        return self.record.name

    @property
    def task(self) -> str:
        """What it is for."""
        return self.record.specification.task

    @property
    def family(self) -> str:
        """Of its architecture."""
        return self.record.specification.family

    @property
    def attack(self) -> str | None:
        """Kind of its backdoor, if it has one."""
        return self.record.specification.attack


@dataclass(frozen=True)
class Compared:
    """A model beside its references, and what these share with it."""

    seen: Seen
    target: int | None
    comparison: Comparison
    shared: str

    @property
    def score(self) -> float:
        """Higher is more suspicious."""
        return self.comparison.score

    @property
    def p_value(self) -> float:
        """Conformal, however few the references are."""
        return _p_value(self.comparison)

    @property
    def probability(self) -> float:
        """That it has a backdoor, if half of all models have one."""
        sure = 1 / (1 + math.exp(-min(OFFSET + SLOPE * self.score, 50.0)))
        return min(max(sure, MOST_CERTAIN), 1 - MOST_CERTAIN)


def main() -> None:
    """See every model, compare, keep."""
    arguments = _arguments()
    torch.set_num_threads(1)
    zoo = open_zoo(arguments.zoo)
    _make(zoo, arguments.split, arguments.jobs)
    suspects = seen(zoo, arguments.split)
    pool = suspects if arguments.split == "dev" else seen(zoo, "calibration")
    compared = [_compared(zoo, one, pool) for one in suspects]
    measured: dict[str, Any] = {
        "split": arguments.split,
        "honest": sum(one.attack is None for one in suspects),
        "attacked": sum(one.attack is not None for one in suspects),
        "models_that_do_not_count": sum(entry.state != "usable" for entry in zoo.manifest.models),
        "models_not_made": len(zoo.manifest.missing),
        "all": _figures(compared),
        "task_never_developed_on": _figures([one for one in compared if TASKS[one.seen.task].sealed]),
        "references_of_other_tasks": _mismatched(suspects, pool),
        "cpu_seconds_per_model": round(float(np.median([one.seconds for one in suspects])), 2),
        "peers": _peers(zoo, arguments.split, arguments.peers),
        "cost_curve": _cost_curve(),
    }
    keep("backdoor_screen", "the backdoor screen on small picture classifiers: power, false alarms, cost", measured)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("zoo", type=Path)
    parser.add_argument("--split", choices=["dev", "sealed"], default="sealed")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--peers", type=int, default=24, help="models on which the peer is timed")
    return parser.parse_args()


def network_of(model: LearntNetwork) -> CutNetwork:
    stages = [Stage(model.scaled), *module_stages(model.parts)]
    return cut_network([stage.function for stage in stages], [stage.weighted for stage in stages])


def vetted_of(zoo: Zoo, record: Record) -> Vetted:
    pictures, classes = zoo.held_back(record), TASKS[record.specification.task].classes
    rows = [np.flatnonzero(pictures.label == label)[:EACH] for label in range(classes)]
    searched, held = (pictures.rows(np.concatenate([row[start::2] for row in rows])) for start in (0, 1))
    return Vetted(*searched, *held, classes, 0.0, 1.0)


def _make(zoo: Zoo, split: Any, jobs: int) -> None:
    """See the models that were not seen before."""
    (zoo.folder / "responses").mkdir(exist_ok=True)
    needed = zoo.usable(split) if split == "dev" else [*zoo.usable("calibration"), *zoo.usable(split)]
    waiting = [record for record in needed if not _file(zoo.folder, record).exists()]
    for _ in in_processes(partial(_made, zoo.folder), waiting, jobs):
        pass


def _made(folder: Path, record: Record) -> None:
    torch.set_num_threads(1)
    zoo = _opened(folder)
    network, vetted = network_of(zoo.model(record)), vetted_of(zoo, record)
    seconds, found = _timed(partial(responses_of, network, vetted))
    kept = {"seconds": seconds, "responses": {kind: values.tolist() for kind, values in found.items()}}
    _file(folder, record).write_text(json.dumps(kept), encoding="utf-8")


@cache
def _opened(folder: Path) -> Zoo:
    return open_zoo(folder)


def _file(folder: Path, record: Record) -> Path:
    return folder / "responses" / f"{record.weights.removeprefix('sha256:')}.json"


def seen(zoo: Zoo, split: Any) -> list[Seen]:
    """Every usable model of a split."""
    models = []
    for record in zoo.usable(split):
        kept = json.loads(_file(zoo.folder, record).read_text(encoding="utf-8"))
        models.append(Seen(record, {kind: np.array(at) for kind, at in kept["responses"].items()}, kept["seconds"]))
    return models


def _compared(zoo: Zoo, one: Seen, pool: Iterable[Seen]) -> Compared:
    """With honest models of its task and architecture, or of its task where there are too few of them."""
    same_task = [other for other in pool if other.attack is None and other.task == one.task and other.name != one.name]
    same_family = [other for other in same_task if other.family == one.family]
    shared, chosen = "task and architecture", same_family
    if len(same_family) < least_references():
        shared, chosen = "task", same_task
    attack = zoo.attack(one.record)
    target = None if attack is None else attack.goal.target
    return Compared(one, target, compare(one.responses, [other.responses for other in chosen]), shared)


def _p_value(comparison: Comparison) -> float:
    others = comparison.references
    return (1 + int((others >= comparison.score).sum())) / (len(others) + 1)


def _figures(compared: Sequence[Compared]) -> dict[str, Any]:
    if not compared:
        return {"models": 0}
    fewest = min(len(one.comparison.references) for one in compared)
    level = max(ALPHA, 1 / (fewest + 1)) + 1e-9
    honest = [one for one in compared if one.seen.attack is None]
    attacked = [one for one in compared if one.seen.attack is not None]
    aimed = [one for one in attacked if one.target is not None]
    by_attack = {
        attack: [one for one in attacked if one.seen.attack == attack]
        for attack in sorted({one.seen.attack for one in attacked if one.seen.attack is not None})
    }

    def area(ones: list[Compared]) -> dict[str, Any]:
        return _area(np.array([one.score for one in ones]), np.array([one.score for one in honest]))

    def flagged(ones: list[Compared]) -> dict[str, Any]:
        return share(sum(one.p_value <= level for one in ones), len(ones))

    return {
        "references": {"shared": sorted({one.shared for one in compared}), "fewest": fewest},
        "auroc": area(attacked),
        "auroc_one_target_for_all_classes": area([one for one in aimed if one.seen.attack != "one-to-one"]),
        "nominal_level": round(level, 4),
        "realised_false_alarms": flagged(honest),
        "false_alarms_by_flaw": {
            flaw: flagged([one for one in honest if one.seen.record.specification.flaw == flaw])
            for flaw in ("none", "label-noise", "imbalance")
        },
        "found": flagged(attacked),
        "target_named": share(sum(one.comparison.target == one.target for one in aimed), len(aimed)),
        **_proper_scores(honest, attacked),
        "by_attack": {attack: {"auroc": area(ones), "found": flagged(ones)} for attack, ones in by_attack.items()},
        "auroc_of_each_kind_of_change": {
            kind: round(
                auc(*(np.array([one.comparison.kinds[kind] for one in ones]) for ones in (attacked, honest))), 3
            )
            for kind in compared[0].comparison.kinds
        },
    }


def _proper_scores(honest: Sequence[Compared], attacked: Sequence[Compared]) -> dict[str, float]:
    """Cross-entropy and Brier score, honest and attacked models counting half each; 0.693 and 0.25: nothing known."""
    halves = (
        np.array([one.probability for one in attacked]),
        np.array([1 - one.probability for one in honest]),
    )
    return {
        "cross_entropy": round(float(np.mean([-np.log(half).mean() for half in halves])), 3),
        "brier": round(float(np.mean([((1 - half) ** 2).mean() for half in halves])), 3),
    }


def _mismatched(suspects: Sequence[Seen], pool: Sequence[Seen]) -> dict[str, Any]:
    """What a p-value against references of other tasks would be worth: why the check refuses one."""
    figures = {}
    for task in sorted({one.task for one in suspects}):
        classes = TASKS[task].classes
        others = [
            one.responses
            for one in pool
            if one.attack is None and one.task != task and TASKS[one.task].classes == classes
        ]
        if len(others) < least_references():
            continue
        of_task = [one for one in suspects if one.task == task]
        flagged = {one.name: _p_value(compare(one.responses, others)) <= ALPHA for one in of_task}
        honest, attacked = ([one for one in of_task if (one.attack is None) is kind] for kind in (True, False))
        figures[task] = {
            "false_alarms": share(sum(flagged[one.name] for one in honest), len(honest)),
            "found": share(sum(flagged[one.name] for one in attacked), len(attacked)),
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


def share(count: int, n: int) -> dict[str, Any]:
    low, high = proportion_bounds(count, n)
    return {"value": round(count / n, 3) if n else None, "low": round(low, 3), "high": round(high, 3), "n": n}


def _peers(zoo: Zoo, split: Any, count: int) -> dict[str, Any]:
    """Processor seconds of the screen and of Neural Cleanse on the same models, in turns.

    The screen decides by the responses alone; the mark of the one class that it names is sought once, as evidence.
    """
    records = zoo.usable(split)
    seconds: dict[str, list[float]] = {"screen": [], "screen_and_mark": [], "neural_cleanse_sequential": []}
    families = set()
    for record in records[:: max(1, len(records) // max(count, 1))][:count]:
        network, vetted = network_of(zoo.model(record)), vetted_of(zoo, record)
        screened, _ = _timed(partial(responses_of, network, vetted))
        marked, _ = _timed(partial(_mark, network, vetted))
        cleansed, _ = _timed(partial(_neural_cleanse_of_some, network, vetted))
        seconds["screen"].append(screened)
        seconds["screen_and_mark"].append(screened + marked)
        seconds["neural_cleanse_sequential"].append(cleansed * vetted.classes / PEER_CLASSES)
        families.add(f"{record.specification.task}, {record.specification.family}")
    if not families:
        return {"models": 0}
    theirs = np.array(seconds["neural_cleanse_sequential"])
    return {
        "models": len(theirs),
        "tasks_and_architectures": sorted(families),
        "median_cpu_seconds": {name: round(float(np.median(spent)), 2) for name, spent in seconds.items()},
        "neural_cleanse_timed_on_classes": PEER_CLASSES,
        "and_multiplied": "by the number of classes",
        "neural_cleanse_sequential_over": {
            name: {
                "median": round(float(np.median(ratios)), 1),
                "smallest": round(float(ratios.min()), 1),
                "largest": round(float(ratios.max()), 1),
            }
            for name in ("screen", "screen_and_mark")
            for ratios in [theirs / np.array(seconds[name])]
        },
    }


def _mark(network: CutNetwork, vetted: Vetted) -> None:
    x, y = torch.from_numpy(vetted.x), torch.from_numpy(vetted.y)
    invert(network, x, y, [0], low=vetted.low, high=vetted.high, seed=SEED)


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    begun = time.process_time()
    done = work()
    return time.process_time() - begun, done


def _neural_cleanse_of_some(network: CutNetwork, vetted: Vetted) -> None:
    for target in range(PEER_CLASSES):
        _neural_cleanse(network, vetted, target)


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
    settings = [(classes, 1.0) for classes in CLASSES_OF_CURVE] + [(10, width) for width in WIDTHS_OF_CURVE]
    return [_cost(classes, width) for classes, width in settings]


def _cost(classes: int, width: float) -> dict[str, Any]:
    parts = []
    for layer in vgg(3, 32, classes):
        wider = {
            name: round(value * width)
            for name in ("inputs", "outputs")
            if (value := getattr(layer, name, None)) not in (None, 3, classes)
        }
        parts.append(layer.model_copy(update=wider))
    network = initialised(tuple(parts), torch.Generator().manual_seed(SEED)).eval().requires_grad_(False)
    parameters = sum(parameter.numel() for parameter in network.parameters())
    half = np.full((1, 1, 1), 0.5, dtype=np.float32)
    each, whole = (1 if parameters > LARGE else EACH // 2), EACH // 2
    y = np.repeat(np.arange(classes), each)
    x = np.random.default_rng(SEED).random((2, len(y), 3, 32, 32)).astype(np.float32)
    cut = network_of(LearntNetwork(network, Scaling(half, half)))
    spent, _ = _timed(lambda: responses_of(cut, Vetted(x[0], y, x[1], y, classes, 0.0, 1.0)))
    return {
        "classes": classes,
        "parameters": parameters,
        "cpu_seconds": round(spent * whole / each, 2),
        "timed_on_share_of_pictures": each / whole,
    }


if __name__ == "__main__":
    main()
