"""Claim: four references tell members nearly as well as 64, and far better than ART's attacks; chance is not accused.

Networks with one hidden layer on digits with a tenth of the labels drawn by lot, on census records (Adult) and on made
tables, three targets of each, every target with 64 references of its own. AUC and true positive rate at 1 % false
positives of each attack and number of references; ours as the check runs them, and ART's black-box attacks in an
environment of their own, on the same halves of the same answers. Then processor time on one thread (set
OMP_NUM_THREADS=1) of 64 trainings side by side and one after the other, as good as each other on rows not learnt, and
false alarms where nobody is a member.

    OMP_NUM_THREADS=1 python benchmarks/membership.py [--art PYTHON-WITH-ART --data DIR]

Without ART and the census the trainings alone are timed again, beside what was measured before.
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import load_digits, make_classification
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import OneHotEncoder

from record import RESULTS, keep
from touchstone.methods.inference.answers import Answers, References, log_odds, paired_halves
from touchstone.methods.inference.membership import ATTACKS, REFERENCE_ATTACKS, infer_membership, without_ties
from touchstone.statistics import auc, auc_bounds, proportion_bounds
from touchstone.system.models.answers import softmax
from touchstone.training.shadows import scaled
from touchstone.training.side_by_side import learn_side_by_side

TARGETS = 3
REFERENCES = 64
COUNTS = (2, 4, 16, 64)
EPOCHS = 33
NULL_SEEDS = 300
ROWS = 2_000

PEER = """
import sys, json, warnings, numpy as np, art, logging
warnings.simplefilter("ignore"); logging.disable(logging.CRITICAL)
from art.estimators.classification import BlackBoxClassifier
from art.attacks.inference.membership_inference import MembershipInferenceBlackBox
class Answered(BlackBoxClassifier):
    def compute_loss_from_predictions(self, pred, y, **_):
        return -np.log(np.maximum((pred * y).sum(axis=1), 1e-30))
data = np.load(sys.argv[1])
found = {}
for name in sorted({key.split("/")[0] for key in data}):
    part = {key.split("/")[1]: data[key] for key in data if key.startswith(name + "/")}
    classes = part["p"].shape[1]
    model = Answered(lambda x: np.zeros((len(x), classes)), (1,), classes)
    found[name] = {}
    for kind in ("prediction", "loss"):
        for learner in ("rf", "gb", "lr", "nn"):
            attack = MembershipInferenceBlackBox(model, input_type=kind, attack_model_type=learner)
            pick = lambda rows: (None, part["y"][part[rows]])
            attack.fit(*pick("known_in"), *pick("known_out"), pred=part["p"][part["known_in"]],
                       test_pred=part["p"][part["known_out"]])
            found[name][f"{learner} on {kind}"] = [
                np.ravel(attack.infer(*pick(rows), pred=part["p"][part[rows]], probabilities=True)).tolist()
                for rows in ("suspect_in", "suspect_out")]
print(json.dumps({"version": art.__version__, "scores": found}))
"""


@dataclass(frozen=True)
class Target:
    """A model's answers to everything, whom it was trained on, and its references."""

    task: str
    answers: Answers
    member: np.ndarray

    def beside(self, count: int) -> Answers:
        """The answers with so many of the references."""
        assert self.answers.references is not None
        some = References(self.answers.references.log_odds[:count], self.answers.references.trained[:count])
        return Answers(self.answers.probabilities, self.answers.target, some)


def digits(generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    x, y = load_digits(return_X_y=True)
    return x, np.where(generator.random(len(y)) < 0.1, generator.integers(10, size=len(y)), y)


def census(path: Path, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    rows = np.array(list(csv.reader(path.open())))[1:]
    rows = generator.permutation(rows)[:ROWS]
    numbers = [0, 4, 10, 11, 12]
    names = [column for column in range(14) if column not in (*numbers, 2)]
    x = np.hstack([rows[:, numbers].astype(float), OneHotEncoder(sparse_output=False).fit_transform(rows[:, names])])
    return x, (rows[:, 14] == ">50K").astype(np.int64)


def made(generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    seed = int(generator.integers(2**31))
    return make_classification(ROWS, 20, n_informative=8, n_classes=3, flip_y=0.1, random_state=seed)


def targets(task: str, draw: Callable[[np.random.Generator], tuple[np.ndarray, np.ndarray]]) -> Iterator[Target]:
    for number in range(TARGETS):
        generator = np.random.default_rng([number, len(task)])
        raw, y = draw(generator)
        x, y, classes = scaled(raw), y.astype(np.int64), int(y.max()) + 1
        trained = np.vstack([paired_halves(len(x), 2, generator)[:1], paired_halves(len(x), REFERENCES, generator)])
        logits = learn_side_by_side(x, y, classes, trained, generator, epochs=EPOCHS).logits(x).astype(np.float64)
        odds = np.array([log_odds(softmax(each), y) for each in logits[1:]])
        yield Target(task, Answers(softmax(logits[0]), y, References(odds, trained[1:])), trained[0])


def rate_at(members: np.ndarray, outsiders: np.ndarray, share: float = 0.01) -> float:
    """True positive rate where at most that share of the non-members is accused, some of equal suspicion by lot."""
    members, outsiders = without_ties(members, outsiders, np.random.default_rng(0))
    return float((members > np.sort(outsiders)[-int(share * len(outsiders)) - 1]).mean())


def scores(members: np.ndarray, outsiders: np.ndarray) -> list[float]:
    return [auc(members, outsiders), rate_at(members, outsiders)]


def by_count(all_targets: list[Target]) -> dict[str, Any]:
    """AUC and rate of every attack on all samples, mean over targets."""
    table: dict[str, Any] = {}
    for task in dict.fromkeys(target.task for target in all_targets):
        mine = [target for target in all_targets if target.task == task]
        rows: dict[str, Any] = {"loss": _mean([_all(target, ATTACKS["loss"], 2) for target in mine])}
        for name, attack in REFERENCE_ATTACKS.items():
            rows[name] = {str(count): _mean([_all(target, attack, count) for target in mine]) for count in COUNTS}
        table[task] = rows
    return table


def _all(target: Target, attack: Any, count: int) -> list[float]:
    answers = target.beside(count)
    suspicion = attack(answers, answers, answers)
    return scores(suspicion[target.member], suspicion[~target.member])


def _mean(values: list[list[float]]) -> dict[str, float]:
    area, rate = np.mean(values, axis=0)
    return {"auc": round(float(area), 4), "tpr_at_fpr_0_01": round(float(rate), 4)}


def against_art(python: str, all_targets: list[Target]) -> dict[str, Any]:
    """The check's own choice of attack with four references, and each of ART's, on the same scored halves."""
    arrays: dict[str, np.ndarray] = {}
    ours: dict[str, list[float]] = {}
    for number, target in enumerate(all_targets):
        inside, outside = np.flatnonzero(target.member), np.flatnonzero(~target.member)
        answers = target.beside(4)
        result = infer_membership(answers[inside], answers[outside], np.random.default_rng(number))
        name = f"{target.task} {number}"
        ours[name] = scores(result.members, result.outsiders)
        suspects = {"suspect_in": inside[result.member_rows], "suspect_out": outside[result.outsider_rows]}
        known = {
            "known_in": np.setdiff1d(inside, suspects["suspect_in"]),
            "known_out": np.setdiff1d(outside, suspects["suspect_out"]),
        }
        for part, value in {"p": answers.probabilities, "y": answers.target, **suspects, **known}.items():
            arrays[f"{name}/{part}"] = value
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "answers.npz"
        np.savez(path, **arrays)
        said = subprocess.run([python, "-c", PEER, str(path)], check=True, stdout=subprocess.PIPE, text=True)
    peer = json.loads(said.stdout.splitlines()[-1])
    theirs = {
        name: {attack: scores(*(np.array(side) for side in sides)) for attack, sides in attacks.items()}
        for name, attacks in peer["scores"].items()
    }
    table = {}
    for task in dict.fromkeys(target.task for target in all_targets):
        mine = [name for name in ours if name.startswith(task)]
        attacks = {attack: _mean([theirs[name][attack] for name in mine]) for attack in theirs[mine[0]]}
        best = max(attacks, key=lambda attack: attacks[attack]["tpr_at_fpr_0_01"])
        table[task] = {
            "four references": _mean([ours[name] for name in mine]),
            "art, best at 1 % (chosen on the scored halves)": {"attack": best, **attacks[best]},
            "art, best AUC": max(attack["auc"] for attack in attacks.values()),
        }
    return {"art": peer["version"], "tasks": table}


def speed() -> dict[str, Any]:
    """Processor seconds of 64 trainings, those one after the other from every eighth; and how good they are."""
    generator = np.random.default_rng(0)
    raw, y = digits(generator)
    x = scaled(raw)
    trained = paired_halves(len(x), REFERENCES, generator)
    few = trained[::8]

    def side_by_side(trained: np.ndarray = trained) -> list[np.ndarray]:
        return list(learn_side_by_side(x, y, 10, trained, generator, epochs=EPOCHS).logits(x).argmax(axis=2))

    def one_by_one() -> list[np.ndarray]:
        return [side_by_side(rows[None])[0] for rows in few]

    def scikit_learn() -> list[np.ndarray]:
        made = {"batch_size": 64, "max_iter": EPOCHS, "learning_rate_init": 0.002, "alpha": 0.0, "tol": 0.0}
        return [MLPClassifier(128, **made).fit(x[rows], y[rows]).predict(x) for rows in few]

    def torch_loop() -> list[np.ndarray]:
        import torch

        torch.set_num_threads(1)
        inputs, labels = torch.from_numpy(x), torch.from_numpy(y)
        answers = []
        for rows in few:
            network = torch.nn.Sequential(torch.nn.Linear(64, 128), torch.nn.ReLU(), torch.nn.Linear(128, 10))
            optimiser = torch.optim.Adam(network.parameters(), lr=0.002)
            own = torch.from_numpy(np.flatnonzero(rows))
            for _ in range(EPOCHS):
                for batch in own[torch.randperm(len(own))].split(64):
                    loss = torch.nn.functional.cross_entropy(network(inputs[batch]), labels[batch])
                    optimiser.zero_grad()
                    loss.backward()
                    optimiser.step()
            answers.append(network(inputs).argmax(dim=1).numpy())
        return answers

    ways = {
        "side by side": (side_by_side, trained),
        "one by one": (one_by_one, few),
        "scikit-learn": (scikit_learn, few),
        "torch": (torch_loop, few),
    }
    spent, right = {}, {}
    for name, (work, learnt) in ways.items():
        work()  # what libraries do once only
        started = time.process_time()
        answers = work()
        spent[name] = (time.process_time() - started) * len(trained) / len(learnt)
        right[name] = np.mean([(said == y)[~rows].mean() for said, rows in zip(answers, learnt, strict=True)])
    return {
        "seconds": {name: round(value, 2) for name, value in spent.items()},
        "times_faster_than": {name: round(value / spent["side by side"], 1) for name, value in spent.items()},
        "accuracy_on_rows_not_learnt": {name: round(float(value), 4) for name, value in right.items()},
    }


def null() -> dict[str, Any]:
    """Nobody is a member: the target learnt other rows; its references learnt halves of the suspects."""
    leaks = 0
    for seed in range(NULL_SEEDS):
        generator = np.random.default_rng([seed, 1])
        raw, y = make_classification(1_000, 20, n_informative=8, flip_y=0.1, random_state=seed)
        x, y = scaled(raw), y.astype(np.int64)
        trained = np.zeros((5, 1_000), dtype=bool)
        trained[0, :500], trained[1:, 500:] = True, paired_halves(500, 4, generator)
        logits = learn_side_by_side(x, y, 2, trained, generator, epochs=20).logits(x[500:]).astype(np.float64)
        odds = np.array([log_odds(softmax(each), y[500:]) for each in logits[1:]])
        answers = Answers(softmax(logits[0]), y[500:], References(odds, trained[1:, 500:]))
        result = infer_membership(answers[:250], answers[250:], generator)
        leaks += auc_bounds(result.members, result.outsiders, generator)[0] > 0.5
    return {
        "seeds": NULL_SEEDS,
        "leaks_proven": leaks,
        "upper_bound_of_rate": round(proportion_bounds(leaks, NULL_SEEDS)[1], 4),
    }


def attacks(python: str, folder: Path) -> dict[str, Any]:
    """Everything but the speed of the trainings."""
    tasks = {"digits": digits, "census": lambda draw: census(folder / "adult" / "adult.data", draw), "made": made}
    all_targets = [target for task, draw in tasks.items() for target in targets(task, draw)]
    table = by_count(all_targets)
    behind = {
        task: round(rows["relative_likelihood"]["64"]["auc"] - rows["relative_likelihood"]["4"]["auc"], 4)
        for task, rows in table.items()
    }
    return {
        "attacks": table,
        "auc_that_four_references_miss": behind,
        "against_art": against_art(python, all_targets),
        "null": null(),
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--art", help="a Python with adversarial-robustness-toolbox; without, the trainings alone")
    parser.add_argument("--data", type=Path, help="a folder with adult/adult.data")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    if options.art and options.data:
        measured = attacks(options.art, options.data)
    else:
        measured = json.loads((RESULTS / "membership.json").read_text(encoding="utf-8"))["measured"]
    keep(
        "membership",
        "4 references within 0.015 AUC of 64; above ART at 1 % false positives; chance is accused in at most 5 %; 64 "
        "trainings side by side five times as fast as a loop of scikit-learn",
        measured | {"trainings": speed()},
    )


if __name__ == "__main__":
    main()
