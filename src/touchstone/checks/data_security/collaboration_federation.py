"""What a few malicious parties can do to the declared rule: a federation on the system's data, with and without them.

Each run is made once without malicious parties and once under each attack, with the same weights, rows and noise for
everybody else. A run's drop is that under its strongest attack. Five runs bound the median over all runs exactly: it
lies above the largest of five once in 32 times, and below the smallest as often; the rest of the error goes to bounds
over the test rows, which hold for each run by itself. The run that decides is one of them, so its bound is enough.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from touchstone.checks.data_security.collaboration_effort import affordable, gradient_seconds
from touchstone.checks.data_security.collaboration_learner import stand_in, trained_model
from touchstone.checks.data_security.collaboration_part import Part
from touchstone.checks.data_security.members import target_of
from touchstone.checks.declaration import Run
from touchstone.errors import UnavailableError
from touchstone.methods.federated.learner import Classes, Learner, LocalTraining, Rows
from touchstone.methods.federated.malicious import ATTACKS, HONEST, LABEL_FLIP
from touchstone.methods.federated.simulation import Parties, Protocol, trained
from touchstone.records import Budget, ControlRun, Metric, Note, number
from touchstone.statistics import CONFIDENCE, mean_bounds
from touchstone.system.data.dataset import LabelledData
from touchstone.system.description import Collaboration
from touchstone.system.subject import Subject
from touchstone.text import Text

RUNS = 5
BEYOND_ALL_RUNS = 0.5**RUNS
"""Chance that the median over all runs is larger than in each of these."""
ALL_ATTACKS = (*ATTACKS, LABEL_FLIP)
ROUNDS: dict[Budget, int] = {"quick": 25, "standard": 60, "full": 200}
MOST_PARTIES: dict[Budget, int] = {"quick": 10, "standard": 20, "full": 50}
MOST_STEPS: dict[Budget, int] = {"quick": 3, "standard": 10, "full": 20}
MOST_BATCH = 64
MOST_ROWS: dict[Budget, int] = {"quick": 5_000, "standard": 20_000, "full": 50_000}
"""Test rows."""
FEWEST_OF_A_PARTY = 5
CONTROL_RUNS = 4
OF_A_SENT_WEIGHT = 1e-7
"""Seconds: what the strongest attack and the slowest rule do with each weight of each update."""
LEARNT = 0.05
"""Accuracy above that of the largest class, without which there is nothing to lose."""


@dataclass(frozen=True, slots=True)
class Task:
    """A learner and its rows."""

    learner: Learner
    x: Rows
    y: Classes
    test_x: Rows
    test_y: Classes
    classes: int
    own_kind: bool

    @property
    def largest_class(self) -> float:
        """Accuracy of whoever always says the commonest class."""
        return float(np.bincount(self.test_y).max() / len(self.test_y))


@dataclass(frozen=True, slots=True)
class Runs:
    """Which test rows each run got right, `(runs, n)`: without malicious parties, and under each attack."""

    clean: NDArray[np.bool_]
    attacked: dict[str, NDArray[np.bool_]]

    def drops(self, attack: str) -> NDArray[np.float64]:
        """Points lost in each run under one attack."""
        return np.asarray(self.clean.mean(axis=1) - self.attacked[attack].mean(axis=1))

    @property
    def worst(self) -> NDArray[np.float64]:
        """Points lost in each run under its strongest attack."""
        return np.asarray(np.max([self.drops(attack) for attack in self.attacked], axis=0))


def attack_federation(subject: Subject, declared: Collaboration, malicious_share: float, run: Run) -> Part:
    """Train together, under attack and not. Raises `UnavailableError` without data, or where nothing is learnt."""
    task, level = task_of(subject, declared, run)
    parties, protocol = federation(task, declared, malicious_share, level, run)
    rounds = min(declared.rounds, ROUNDS[level])
    seeds = run.generator("federations").integers(2**31, size=RUNS).tolist()
    clean = _right(task, parties, protocol, rounds, seeds, None)
    accuracy = float(clean.mean(axis=1).min())
    if accuracy < task.largest_class + LEARNT:
        raise UnavailableError(
            Text(
                f"the federation learns nothing in {rounds} rounds: accuracy {accuracy:.3f}, the largest class alone "
                f"{task.largest_class:.3f}",
                f"联邦训练 {rounds} 轮后没有学到东西：准确率 {accuracy:.3f}，仅猜最大类为 {task.largest_class:.3f}",
            ),
            "training.collaboration",
            Text("declare the rounds, steps and learning rate that were used", "请如实声明轮数、步数与学习率"),
        )
    attacked = {attack: _right(task, parties, protocol, rounds, seeds, attack) for attack in ALL_ATTACKS}
    run.progress(0.9)
    runs = Runs(clean, attacked)
    strongest = max(ALL_ATTACKS, key=lambda attack: float(np.median(runs.drops(attack))))
    listed = {
        "parties": len(parties.rows),
        "malicious": parties.malicious,
        "rounds": rounds,
        "model": type(task.learner).__name__,
        "accuracy": str(number(accuracy)),
        "drops": {attack: [str(number(drop)) for drop in runs.drops(attack).tolist()] for attack in ALL_ATTACKS},
        "strongest": strongest,
    }
    notes = (_scope(task, parties, rounds, strongest, accuracy),)
    return Part((drop_metric(runs),), _controls(task, parties, protocol, rounds, run), notes, listed)


def drop_metric(runs: Runs) -> Metric:
    """The median drop over runs under the strongest attack of each, with bounds over runs and test rows."""
    error = 1 - CONFIDENCE - BEYOND_ALL_RUNS
    each = {
        attack: [
            (
                mean_bounds(lost, smallest=-1, confidence=1 - error, looks=len(runs.attacked))[0],
                mean_bounds(lost, smallest=-1, confidence=1 - error)[1],
            )
            for lost in runs.clean.astype(np.float64) - right
        ]
        for attack, right in runs.attacked.items()
    }
    low = min(max(bounds[number][0] for bounds in each.values()) for number in range(len(runs.clean)))
    high = max(bound for bounds in each.values() for _, bound in bounds)
    return Metric(
        id="byzantine_accuracy_drop",
        unit="points",
        value=number(float(np.median(runs.worst))),
        low=number(low),
        high=number(high),
        method="order-statistic/betting",
        n=runs.clean.shape[1],
        better="lower",
    )


def task_of(subject: Subject, declared: Collaboration, run: Run) -> tuple[Task, Budget]:
    """What is learnt, and with the effort of which budget.

    By the model's own kind where it can be trained often enough, else by softmax regression.
    """
    train, test = subject.data("train"), subject.data("test")
    x, y = _labelled(train)
    test_x, test_y = _labelled(test)
    kept = np.sort(run.generator("test rows").permutation(len(test_x))[: MOST_ROWS[run.budget]])
    test_x, test_y = test_x[kept], test_y[kept]
    classes = len(subject.description.model.output.labels)
    try:
        own = trained_model(subject)
    except UnavailableError:
        own = None
    if own is not None and own.trains:
        task = Task(own.learner, own.rows(x), y, own.rows(test_x), test_y, classes, own_kind=True)
        if (level := _affordable(task, declared, run.budget)) is not None:
            return task, level
    learner, rows, test_rows = stand_in(x, test_x, classes)
    task = Task(learner, rows, y, test_rows, test_y, classes, own_kind=False)
    return task, _affordable(task, declared, run.budget) or "quick"


def _affordable(task: Task, declared: Collaboration, budget: Budget) -> Budget | None:
    weights, _ = task.learner.size(task.x[:1])
    step = gradient_seconds(task.learner, task.x, min(declared.batch_size, MOST_BATCH))

    def seconds(level: Budget) -> float:
        updates = min(declared.rounds, ROUNDS[level]) * min(declared.parties, MOST_PARTIES[level])
        each = min(declared.local_steps, MOST_STEPS[level]) * step + OF_A_SENT_WEIGHT * weights
        return (RUNS * (1 + len(ALL_ATTACKS)) + CONTROL_RUNS) * updates * each

    return affordable(budget, seconds)


def federation(
    task: Task, declared: Collaboration, malicious_share: float, level: Budget, run: Run
) -> tuple[Parties, Protocol]:
    """The declared federation, in the size of that budget; rows are dealt to the parties by lot."""
    count = min(declared.parties, MOST_PARTIES[level])
    malicious = int(np.ceil(malicious_share * count))
    if len(task.x) < FEWEST_OF_A_PARTY * count or malicious >= count:
        raise UnavailableError(
            Text(
                f"{len(task.x)} training rows are too few for {count} parties, {malicious} of them malicious",
                f"训练数据 {len(task.x)} 行，不足以分给 {count} 个参与方（其中恶意 {malicious} 个）",
            ),
            "data.train",
            Text("hand in more training data", "请提交更多训练数据"),
        )
    dealt = np.array_split(run.generator("rows of parties").permutation(len(task.x)), count)
    training = LocalTraining(
        min(declared.local_steps, MOST_STEPS[level]),
        min(declared.batch_size, MOST_BATCH),
        declared.learning_rate,
        declared.clipping_norm,
        declared.noise_multiplier * (declared.clipping_norm or 0.0),
    )
    groups = None
    if declared.server_sees == "sums":
        groups = max(1, round(declared.groups * count / declared.parties)) if declared.groups > 1 else 1
    protocol = Protocol(declared.rule, declared.trimmed, groups, declared.clipping_enforced)
    return Parties([(task.x[rows], task.y[rows]) for rows in dealt], training, malicious, task.classes), protocol


def _labelled(data: LabelledData) -> tuple[Rows, Classes]:
    if data.target is None:
        raise UnavailableError(
            Text("has no labels", "没有标签"), f"data.{data.role}.target", Text("name its column", "请指明标签列")
        )
    return data.inputs, target_of(data)


def _right(
    task: Task, parties: Parties, protocol: Protocol, rounds: int, seeds: Sequence[int], attack: str | None
) -> NDArray[np.bool_]:
    """Which test rows a run of each seed gets right, `(runs, n)`."""
    weights = (trained(task.learner, parties, protocol, rounds=rounds, seed=seed, attack=attack) for seed in seeds)
    return np.stack([task.learner.labels(each, task.test_x) == task.test_y for each in weights])


def _controls(task: Task, parties: Parties, protocol: Protocol, rounds: int, run: Run) -> tuple[ControlRun, ControlRun]:
    """Parties that could attack and do not; and an attack on the plain mean that nobody clips."""
    seeds = run.generator("control federation").integers(2**31, size=1).tolist()
    bare = replace(parties, training=replace(parties.training, clipping_norm=None, noise=0.0))

    def lost(who: Parties, how: Protocol, attack: str) -> float:
        clean, attacked = (_right(task, who, how, rounds, seeds, each).mean() for each in (None, attack))
        return float(clean - attacked)

    well, stretched = lost(parties, protocol, HONEST), lost(bare, Protocol("mean"), "sign-flip")
    return (
        ControlRun(
            kind="null",
            expected=Text(
                "the same parties, sending honest updates: the accuracy falls by a twentieth at most",
                "同样的参与方提交诚实更新：准确率下降不超过二十分之一",
            ),
            seen=Text(f"fell by {well:.3f}", f"下降 {well:.3f}"),
            passed=well <= 0.05,
        ),
        ControlRun(
            kind="planted",
            expected=Text(
                "flipped and stretched updates under the plain mean, unclipped: the accuracy falls by a tenth at least",
                "对普通均值（不裁剪）提交反向放大的更新：准确率至少下降十分之一",
            ),
            seen=Text(f"fell by {stretched:.3f}", f"下降 {stretched:.3f}"),
            passed=stretched >= 0.1,
        ),
    )


def _scope(task: Task, parties: Parties, rounds: int, strongest: str, accuracy: float) -> Note:
    kind_en, kind_zh = (
        ("the model's own architecture", "模型自身的结构")
        if task.own_kind
        else ("softmax regression in its place", "以 softmax 回归代替")
    )
    return Note(
        code="federation-simulated",
        text=Text(
            f"the rule was measured on a simulation of this task: {kind_en}, {len(parties.rows)} parties with rows by "
            f"lot, {parties.malicious} of them malicious, {rounds} rounds, accuracy {accuracy:.3f} at least without "
            f"them; strongest attack: {strongest}",
            f"聚合规则在本任务的模拟中测得：{kind_zh}，{len(parties.rows)} 个参与方随机分配数据，"
            f"其中恶意 {parties.malicious} 个，训练 {rounds} 轮，"
            f"无恶意方时准确率至少 {accuracy:.3f}；最强攻击：{strongest}",
        ),
    )
