"""Claim: an attribute is accused in at most 5 % of runs of a model that learnt other people; memorisers are found.

Made people with a sensitive attribute, which depends on other columns or on nothing, and labels of which a third are
turned. *Null*: a forest, a nearest-neighbour memoriser or a network that learnt other people of the same kind is asked
about members and others of whom it knows neither. *Planted*: the same models when they learnt the members. Decisions
are those of the check: the advantage's lower bound above zero proves a leak, above 0.05 misses the limit. Then canaries
never trained on, and canaries planted under wrong labels; and census records (Adult), where it is said how much of what
the answers tell is told about anybody.

    OMP_NUM_THREADS=1 python benchmarks/reconstruction.py --data DIR

DIR holds `adult/adult.data`.
"""

from __future__ import annotations

import argparse
import csv
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import OneHotEncoder

from record import keep
from touchstone.checks.data_security.sensitive_attributes import filling_of, persons
from touchstone.methods.inference.answers import log_odds
from touchstone.methods.privacy.attribute import Advantage, advantage, infer_attribute
from touchstone.methods.privacy.canaries import exposure, extraction_rate
from touchstone.statistics import proportion_bounds
from touchstone.system.data.dataset import LabelledData
from touchstone.system.models.handle import Capability

NULL_RUNS = 240
PLANTED_RUNS = 120
PERSONS = {"null": 600, "planted": 1_000}
"""On either side."""
LIMIT = 0.05
CANARY_RUNS = 1_000
CANARY_TRAININGS = 6
"""Of each kind of model."""
RECORDS = 2_500
"""Of the census, on either side."""

MODELS: dict[str, Callable[[int], Any]] = {
    "nearest neighbour": lambda _: KNeighborsClassifier(1),
    "forest": lambda seed: RandomForestClassifier(60, random_state=seed),
    "network": lambda seed: MLPClassifier((128,), max_iter=150, learning_rate_init=0.01, random_state=seed),
}


class Handle:
    """As much of a model handle as the attack asks."""

    capabilities = frozenset({Capability.PROBABILITIES, Capability.LABELS})

    def __init__(self, model: Any) -> None:
        self.model, self.classes = model, len(model.classes_)

    def probabilities(self, x: np.ndarray) -> np.ndarray:
        return np.asarray(self.model.predict_proba(x), dtype=np.float64)


def people(n: int, generator: np.random.Generator, *, linked: bool) -> tuple[np.ndarray, np.ndarray]:
    """Eight columns, the last the attribute (0 or 3): drawn by a coin, or likelier where the first column is high."""
    x = generator.normal(size=(n, 8)).astype(np.float32)
    chance = 1 / (1 + np.exp(-1.5 * x[:, 0])) if linked else np.full(n, 0.5)
    attribute = generator.random(n) < chance
    x[:, 7] = 3 * attribute
    y = (x[:, 1] + attribute - 0.5 > 0) ^ (generator.random(n) < 0.33)
    return x, y.astype(np.int64)


def attacked(
    model: Any, sides: list[tuple[np.ndarray, np.ndarray]], column: int, generator: np.random.Generator
) -> tuple[Advantage, list[Advantage]]:
    """The advantage, and the gain on each side."""
    asked, filling = [], None
    for x, y in sides:
        value = np.unique(x[:, column], return_inverse=True)[1].astype(np.int64)
        filling = filling or filling_of(x, value, generator)
        data = LabelledData("test", x, y)
        asked.append(persons(Handle(model), data, np.arange(len(x)), value, filling))
    gains = [infer_attribute(each, generator) for each in asked]
    return advantage(gains, generator), [advantage([each], generator) for each in gains]


def trial(seed: int, *, planted: bool) -> tuple[str, Advantage]:
    generator = np.random.default_rng([seed, planted])
    name = list(MODELS)[seed % len(MODELS)]
    linked = seed // len(MODELS) % 2 == 0
    count = PERSONS["planted" if planted else "null"]
    sides = [people(count, generator, linked=linked) for _ in range(2)]
    learnt = sides[0] if planted else people(count, generator, linked=linked)
    model = MODELS[name](seed).fit(*learnt)
    return name, attacked(model, sides, 7, generator)[0]


def runs(count: int, *, planted: bool) -> dict[str, Any]:
    found = [trial(seed, planted=planted) for seed in range(count)]
    table = {"all": [each for _, each in found]}
    table |= {name: [each for which, each in found if which == name] for name in MODELS}
    return {
        name: {
            "runs": len(each),
            "leak_proven": _share(sum(one.low > 0 for one in each), len(each)),
            "limit_missed": _share(sum(one.low > LIMIT for one in each), len(each)),
            "mean_advantage": round(float(np.mean([one.estimate for one in each])), 4),
        }
        for name, each in table.items()
    }


def _share(count: int, n: int) -> dict[str, float]:
    low, high = proportion_bounds(count, n)
    return {"share": round(count / n, 4), "low": round(low, 4), "high": round(high, 4)}


def canaries() -> dict[str, Any]:
    """Wrong labels of clear rows: of canaries never trained on, and planted among a thousand training rows."""
    alarms, bits = 0, []
    for seed in range(CANARY_RUNS):
        generator = np.random.default_rng([seed, 7])
        given = generator.random(400) < 0.03
        alarms += extraction_rate(given[:200], given[200:]).low > 0
        scores = generator.normal(size=400)
        bits.append(exposure(scores[:200], scores[200:], generator).value)
    read: dict[str, Any] = {}
    models = MODELS | {
        "forest, leaves of 20": lambda seed: RandomForestClassifier(60, min_samples_leaf=20, random_state=seed)
    }
    models["logistic"] = lambda _: LogisticRegression()
    for name, make in models.items():
        found = []
        for seed in range(CANARY_TRAININGS):
            generator = np.random.default_rng([seed, 8])
            x, y = people(1_000, generator, linked=False)
            clear, _ = people(200, generator, linked=False)
            clear[:, 1] += 2 * np.sign(clear[:, 1])
            wrong = (clear[:, 1] < 0).astype(np.int64)
            model = make(seed).fit(np.concatenate([x, clear[:100]]), np.concatenate([y, wrong[:100]]))
            answers = model.predict_proba(clear)
            given = answers.argmax(axis=1) == wrong
            odds = log_odds(answers, wrong)
            rate = extraction_rate(given[:100], given[100:])
            found.append((rate.value, rate.low > 0, exposure(odds[:100], odds[100:], generator).value))
        read[name] = {
            "mean_rate": round(float(np.mean([each[0] for each in found])), 4),
            "found": round(float(np.mean([each[1] for each in found])), 4),
            "mean_exposure_bits": round(float(np.mean([each[2] for each in found])), 3),
        }
    return {
        "null": {
            "runs": CANARY_RUNS,
            "extraction_proven": _share(alarms, CANARY_RUNS),
            "mean_exposure_bits": round(float(np.mean(bits)), 3),
        },
        "planted": read,
    }


def census(path: Path) -> dict[str, Any]:
    """Sex in census records: what the answers tell of members, of others, and the difference."""
    rows = np.array(list(csv.reader(path.open())))[1:]
    generator = np.random.default_rng(0)
    rows = generator.permutation(rows)[: 2 * RECORDS]
    numbers = [0, 4, 10, 11, 12]
    names = [1, 3, 5, 6, 7, 8]
    sex = (np.char.strip(rows[:, 9]) == "Male").astype(float)[:, None]
    x = np.hstack([rows[:, numbers].astype(float), OneHotEncoder(sparse_output=False).fit_transform(rows[:, names])])
    x = np.hstack([(x - x.mean(axis=0)) / np.maximum(x.std(axis=0), 1e-9), 2 * sex]).astype(np.float32)
    y = (np.char.strip(rows[:, 14]) == ">50K").astype(np.int64)
    table = {}
    for name, make in MODELS.items():
        model = make(0).fit(x[:RECORDS], y[:RECORDS])
        started = time.process_time()
        sides = [(x[:RECORDS], y[:RECORDS]), (x[RECORDS:], y[RECORDS:])]
        difference, gains = attacked(model, sides, x.shape[1] - 1, generator)
        table[name] = {
            "members": _bounds(gains[0]),
            "others": _bounds(gains[1]),
            "advantage": _bounds(difference),
            "seconds": round(time.process_time() - started, 1),
        }
    return table


def _bounds(found: Advantage) -> list[float]:
    return [round(each, 4) for each in (found.low, found.estimate, found.high)]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True, help="a folder with adult/adult.data")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    keep(
        "reconstruction",
        "a model that learnt other people is accused in at most 5 % of runs; memorisers are found in at least 90 %",
        {
            "persons_on_either_side": PERSONS,
            "null": runs(NULL_RUNS, planted=False),
            "planted": runs(PLANTED_RUNS, planted=True),
            "canaries": canaries(),
            "census_low_estimate_high": census(options.data / "adult" / "adult.data"),
        },
    )


if __name__ == "__main__":
    main()
