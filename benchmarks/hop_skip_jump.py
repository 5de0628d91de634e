"""HopSkipJump against ART and Foolbox: round trips and distances at the same number of questions.

    ENVIRONMENT/bin/python benchmarks/hop_skip_jump.py

ENVIRONMENT holds this project, scikit-learn, torch, `adversarial-robustness-toolbox`, `foolbox` and `multiprocess`.
Two models on scikit-learn's digits: a random forest, and a small network behind a stub that sleeps 5 ms per call. Every
tool attacks the same samples and answers are labels only. The peers run their defaults over ten iterations; ours may
ask no more per sample than the more frugal of them did on average. It starts from real samples as well as from noise;
`ours_from_noise` does without. Distances are measured here, on points whose answers are asked for once more. Writes
`results/hop_skip_jump.json`.
"""

from __future__ import annotations

import argparse
import os
import time
import warnings
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.neural_network import MLPClassifier

from record import keep
from touchstone.methods.attacks.hop_skip_jump import hop_skip_jump
from touchstone.methods.attacks.threat_model import uniform_threat

CLAIM = (
    "our HopSkipJump needs at most 1/20 of the calls of ART's and Foolbox's at the same number of questions, and comes "
    "at least as near"
)
ITERATIONS, FIRST, MOST = 10, 100, 1000
LARGEST_REQUEST = 256
"""Samples in one request of a service that limits its batches, for the second way of counting."""
ORDERS = {"l2": 2, "linf": np.inf}
Labels = Callable[[NDArray[np.float32]], NDArray[np.int64]]


class Asked:
    """A model that counts what it is asked, and may be far away."""

    def __init__(self, predict: Labels, delay: float) -> None:
        self.predict, self.delay = predict, delay
        self.calls = self.questions = self.requests = 0

    def labels(self, x: NDArray[np.float32]) -> NDArray[np.int64]:
        """Answers to samples of any shape."""
        self.calls += 1
        self.questions += len(x)
        self.requests += -(-len(x) // LARGEST_REQUEST)
        time.sleep(self.delay)
        return np.asarray(self.predict(np.asarray(x, dtype=np.float32).reshape(len(x), -1)), dtype=np.int64)

    def one_hot(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """The same, as the libraries want it."""
        return np.eye(10, dtype=np.float32)[self.labels(x)]


def ours(asked: Asked, case: dict[str, Any], norm: str, seed: int) -> NDArray[np.float32]:
    """Real samples that were not attacked are given as starts, with their true classes."""
    seeds = np.random.default_rng(seed).integers(2**62, size=len(case["x"]))
    threat = uniform_threat(1.0, 0.0, 1.0, norm)
    found = hop_skip_jump(
        asked.labels, case["x"], case["y"], threat, seeds,
        queries=case["queries"], pool=case["pool"], pool_y=case["pool_y"], stop=0.0,
    )  # fmt: skip
    return found.points


def ours_from_noise(asked: Asked, case: dict[str, Any], norm: str, seed: int) -> NDArray[np.float32]:
    """Nothing but noise to start from, like the peers."""
    return ours(asked, case | {"pool": case["pool"][:0], "pool_y": case["pool_y"][:0]}, norm, seed)


def art(asked: Asked, case: dict[str, Any], norm: str, seed: int) -> NDArray[np.float32]:
    """Adversarial Robustness Toolbox."""
    from art.attacks.evasion import HopSkipJump
    from art.estimators.classification import BlackBoxClassifier

    np.random.seed(seed)  # the library draws from the global generator
    model = BlackBoxClassifier(asked.one_hot, case["x"].shape[1:], 10, clip_values=(0.0, 1.0))
    attack = HopSkipJump(model, norm=ORDERS[norm], max_iter=ITERATIONS, init_eval=FIRST, max_eval=MOST, verbose=False)
    return np.asarray(attack.generate(case["x"]), dtype=np.float32)


def foolbox(asked: Asked, case: dict[str, Any], norm: str, seed: int) -> NDArray[np.float32]:
    """Foolbox."""
    import eagerpy as ep
    from foolbox.attacks import HopSkipJumpAttack
    from foolbox.models.base import Model
    from foolbox.types import Bounds

    class Adapter(Model):
        bounds = Bounds(0.0, 1.0)

        def __call__(self, inputs: Any) -> Any:
            return ep.astensor(torch.from_numpy(asked.one_hot(ep.astensor(inputs).numpy())))

    torch.manual_seed(seed)
    attack = HopSkipJumpAttack(
        steps=ITERATIONS, initial_gradient_eval_steps=FIRST, max_gradient_eval_steps=MOST, constraint=norm
    )
    x, y = torch.from_numpy(case["x"]), torch.from_numpy(case["y"])
    return np.asarray(attack.run(Adapter(), x, y).numpy(), dtype=np.float32)


TOOLS = {"art": art, "foolbox": foolbox, "ours": ours, "ours_from_noise": ours_from_noise}


def measured(predict: Labels, delay: float, case: dict[str, Any], norm: str, seeds: int) -> dict[str, Any]:
    """Every tool over the same samples, in turns, once per seed; ours last, with the budget the others used."""
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in TOOLS}
    for seed in range(seeds):
        spent = []
        for name, tool in TOOLS.items():
            asked = Asked(predict, delay)
            case["queries"] = min(spent[:2], default=0) // len(case["x"])
            wall, cpu = time.perf_counter(), time.process_time()
            points = tool(asked, case, norm, seed)
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            spent.append(asked.questions)
            changed = predict(points.reshape(len(points), -1)) != case["y"]
            delta = (points.astype(np.float64) - case["x"]).reshape(len(points), -1)
            distance = np.where(changed, np.linalg.norm(delta, ORDERS[norm], axis=1), np.inf)
            runs[name].append(
                {
                    "calls": asked.calls,
                    f"requests_of_{LARGEST_REQUEST}": asked.requests,
                    "questions": asked.questions,
                    "median_distance": float(np.median(distance)),
                    "mean_distance": float(distance.mean()),
                    "found": int(changed.sum()),
                    "wall_seconds": wall,
                    "cpu_seconds": cpu,
                }
            )
    middle = {
        name: {key: round(float(np.median([run[key] for run in of])), 4) for key in of[0]} for name, of in runs.items()
    }
    for name in ("art", "foolbox"):
        middle[f"{name} over ours"] = {
            key: round(middle[name][key] / middle["ours"][key], 2) for key in middle["ours"] if key != "found"
        }
    return middle


def main() -> None:
    """Both models, both norms."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--delay", type=float, default=0.005)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    digits = load_digits()
    x, y = (digits.data / 16).astype(np.float32), digits.target.astype(np.int64)
    order = np.random.default_rng(0).permutation(len(x))
    train, test, pool = order[:1200], order[1200:-100], order[-100:]
    forest = RandomForestClassifier(100, random_state=0, n_jobs=1).fit(x[train], y[train])
    network = MLPClassifier((64,), max_iter=300, random_state=0).fit(x[train], y[train])
    result: dict[str, Any] = {
        "versions": {
            name: version(name) for name in ("adversarial-robustness-toolbox", "foolbox", "scikit-learn", "torch")
        },
        "seeds": options.seeds,
    }
    for name, model, delay, samples in (("forest", forest, 0.0, 12), ("service", network, options.delay, 10)):
        right = test[model.predict(x[test]) == y[test]][:samples]
        case = {"x": x[right], "y": y[right], "pool": x[pool], "pool_y": y[pool]}
        for norm in ORDERS:
            result[f"{name}, {norm}"] = measured(model.predict, delay, case, norm, options.seeds)
    keep("hop_skip_jump", CLAIM, result)


if __name__ == "__main__":
    main()
