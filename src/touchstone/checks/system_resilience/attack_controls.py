"""Tests of the attack itself: with an unlimited radius it must break what it is pointed at, with radius zero nothing.

A search may miss at any radius, so survivors of the unlimited attack get further tries, each reported by itself:
restarts with fresh random numbers and more queries, and last a search that begins beside the decision boundary, on the
way to an input of another class. That one has to find what is known to be there, and is no excuse for an attack that
only ever works from there: most samples must fall to the search that began at the sample itself.
"""

from __future__ import annotations

from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from touchstone.checks.declaration import Run
from touchstone.checks.system_resilience.attacker import Attacker
from touchstone.checks.system_resilience.inputs import portions
from touchstone.errors import BudgetSpentError
from touchstone.records import ControlRun, Tally
from touchstone.text import Text

CONTROL_SAMPLES = 50
NULL_QUERIES = 20
POWER = 0.99
"""Share that an attack with unlimited radius must break, all tries together."""
POWER_FROM_THE_SAMPLE = 0.9
"""Share that it must break without being led to the boundary."""
RESTARTS = 3
MORE_QUERIES = 4
"""Times the queries of the attack, for each restart."""
WORTH_RESTARTING = 0.5
"""Share that must fall at once before questions are spent on restarts: a model that never changes its answer costs."""
BISECTIONS = 20
"""Halvings of the way to an input of another class."""
NEAR = 1 / 16
"""Radius of the search beside the boundary, as a share of the unlimited one."""

UNFINISHED = ControlRun(
    kind="planted",
    expected=Text("the query budget suffices for attack and controls", "查询预算足以完成攻击与对照"),
    seen=Text("it was spent before", "预算提前用尽"),
    passed=False,
)

Rows = NDArray[np.int64]
Broken = NDArray[np.bool_]


def attack_controls(attacker: Attacker, run: Run) -> tuple[ControlRun, ...]:
    """The planted and the null control of the black-box attack, on the first samples that were attacked."""
    rows, controls = attacker.attacked[:CONTROL_SAMPLES], list[ControlRun]()
    with suppress(BudgetSpentError):
        if attacker.spent is None:
            controls.append(_planted(attacker, rows, run))
            controls.append(_null(attacker, rows))
    return tuple(controls) if attacker.spent is None else (*controls, UNFINISHED)


def _planted(attacker: Attacker, rows: Rows, run: Run) -> ControlRun:
    queries = attacker.parameters.queries
    agreeing = _scores_agree(attacker, rows)
    broken = _broken(attacker, rows, queries)
    at_once = int(broken.sum())
    restarts = RESTARTS if at_once >= WORTH_RESTARTING * len(rows) else 0
    for restart in range(1, restarts + 1):
        broken[~broken] = _broken(attacker, rows[~broken], MORE_QUERIES * queries, restart=restart)
    from_samples = int(broken.sum())
    broken[~broken] = _broken_beside_boundary(attacker, rows[~broken], run.generator("boundary"))
    total = len(rows)
    restarted, led = from_samples - at_once, int(broken.sum()) - from_samples
    contradicted = int((~agreeing).sum())
    return ControlRun(
        kind="planted",
        expected=Text(
            f"with an unlimited radius the same attack breaks at least {POWER:.0%}, where survivors (if at most half) "
            f"get {RESTARTS} restarts with {MORE_QUERIES} times the queries and then a start beside the boundary to an "
            f"input of another class; at least {POWER_FROM_THE_SAMPLE:.0%} without that start; scores agree with the "
            "labels",
            f"半径不受限时同一攻击至少攻破 {POWER:.0%}：未攻破者（不超过半数时）以 {MORE_QUERIES} 倍查询"
            f"重启 {RESTARTS} 次，最后从通向其他类别输入的决策边界旁出发；"
            f"不借助该起点时至少攻破 {POWER_FROM_THE_SAMPLE:.0%}；分数须与标签一致",
        ),
        seen=Text(
            f"of {total} samples {at_once} broken at once, {restarted} more by restarts, {led} more from beside the "
            f"boundary; scores contradict {contradicted} labels",
            f"{total} 个样本中首次攻破 {at_once} 个，重启后再攻破 {restarted} 个，从边界旁出发再攻破 {led} 个；"
            f"分数与标签矛盾 {contradicted} 个",
        ),
        passed=bool(broken.sum() >= POWER * total)
        and from_samples >= POWER_FROM_THE_SAMPLE * total
        and contradicted == 0,
        unlimited=Tally(found=int(broken.sum()), of=total),
    )


def _null(attacker: Attacker, rows: Rows) -> ControlRun:
    nothing = 0
    for part in portions(rows, attacker.inputs[0].size):
        x, nowhere = attacker.samples_at(part), attacker.threat.scaled(0.0)
        nothing += int(attacker.search(x, part, nowhere, NULL_QUERIES, starts=True).attack.succeeded.sum())
    return ControlRun(
        kind="null",
        expected=Text("with radius zero the attack breaks nothing", "半径为零时攻击不应攻破任何样本"),
        seen=Text(f"{nothing} of {len(rows)} broken", f"{len(rows)} 个样本中攻破 {nothing} 个"),
        passed=nothing == 0,
    )


def _scores_agree(attacker: Attacker, rows: Rows) -> Broken:
    """Whether the scores that lead the search are highest for the label that the model answers."""
    if not attacker.scored:
        return np.ones(len(rows), dtype=bool)
    return np.asarray(attacker.scores(attacker.samples_at(rows)).argmax(axis=1) == attacker.y[rows])


def _broken(attacker: Attacker, rows: Rows, queries: int, *, restart: int = 0) -> Broken:
    found = [
        attacker.search(attacker.samples_at(part), part, attacker.unlimited, queries, restart=restart).attack.succeeded
        for part in portions(rows, attacker.inputs[0].size)
    ]
    return np.concatenate([np.zeros(0, dtype=bool), *found])


def _broken_beside_boundary(attacker: Attacker, rows: Rows, generator: np.random.Generator) -> Broken:
    """Search from the last point that is still answered correctly on the straight way to an input of another class."""
    broken = np.zeros(len(rows), dtype=bool)
    foreign = [attacker.attacked[attacker.y[attacker.attacked] != target] for target in attacker.y[rows]]
    reachable = np.array([bool(others.size) for others in foreign], dtype=bool)
    if not reachable.any():
        return broken
    left = rows[reachable]
    x = attacker.samples_at(left)
    lower, upper = attacker.unlimited.box(x)
    goals = np.array([generator.choice(others) for others in foreign if others.size], dtype=np.int64)
    goal = np.clip(attacker.samples_at(goals), lower, upper)
    crossed = attacker.labels(goal) != attacker.y[left]
    near, far = x.copy(), goal
    for _ in range(BISECTIONS):
        middle = np.clip((near + far) / 2, lower, upper).astype(np.float32)
        same = (attacker.labels(middle) == attacker.y[left]).reshape(-1, *[1] * (x.ndim - 1))
        near, far = np.where(same, middle, near), np.where(same, far, middle)
    result = attacker.search(near, left, attacker.unlimited.scaled(NEAR), attacker.parameters.queries).attack
    broken[reachable] = crossed & result.succeeded & attacker.unlimited.contains(x, result.adversarial)
    return broken
