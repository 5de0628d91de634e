"""The part of the adversarial check for tables whose description says what an attacker can change in them.

The radius of the check is a share of each column's spread, which says nothing about what somebody can do: this part
asks how many rows get another answer by changes that the declared kinds, bounds, rules and budget allow, and at what
cost. Its rate has its own tests: with everything allowed (nearly) all must break, with nothing allowed none.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from touchstone.checks.declaration import Run
from touchstone.checks.shares import share_metric
from touchstone.checks.system_resilience.attack_controls import UNFINISHED
from touchstone.checks.system_resilience.attacker import Attacker
from touchstone.checks.system_resilience.tables import cheapest_changes
from touchstone.methods.attacks.tabular_constraints import TabularConstraints
from touchstone.methods.attacks.tabular_search import tabular_attack
from touchstone.methods.attacks.threat_model import AttackResult, ThreatModel
from touchstone.records import ControlRun, Metric, Note
from touchstone.text import Text

CONTROL_ROWS = 50
POWER = 0.9
"""Share that must break when everything may be changed: a search that is not led may miss some."""
NULL_QUERIES = 20
CHEAPER = 5
"""What was found is made cheaper with a fifth of the questions."""


@dataclass(frozen=True, slots=True)
class Constrained:
    """What this part adds to the measurement of the check."""

    metrics: tuple[Metric, ...]
    controls: tuple[ControlRun, ...]
    warnings: tuple[Note, ...]


def constrained_attack(attacker: Attacker, constraints: TabularConstraints, run: Run, looks: int) -> Constrained:
    """Attack the rows that were attacked before, within the declared constraints.

    The bounds pay for the `looks`: how many rows there are depends on what was seen.
    """
    rows = attacker.attacked
    x = attacker.samples_at(rows)
    seeds = run.generator("constraints").integers(2**62, size=len(rows))
    result = _attack(attacker, rows, constraints, seeds, attacker.parameters.queries, cheaper=True)
    broken = np.flatnonzero(result.succeeded)
    unfinished = attacker.spent is not None
    rate = share_metric("constrained_asr", len(broken), len(rows), "lower", looks=looks, unfinished=unfinished)
    told = (cheapest_changes(constraints, x[broken], result.adversarial[broken]),) if broken.size else ()
    return Constrained((rate,), _controls(attacker, rows[:CONTROL_ROWS], constraints, seeds[:CONTROL_ROWS]), told)


def _attack(
    attacker: Attacker,
    rows: NDArray[np.int64],
    constraints: TabularConstraints,
    seeds: NDArray[np.int64],
    queries: int,
    *,
    cheaper: bool = False,
) -> AttackResult:
    return tabular_attack(
        attacker.scores if attacker.scored else None,
        attacker.labels,
        attacker.samples_at(rows),
        attacker.y[rows],
        constraints,
        seeds,
        queries=queries,
        references=attacker.samples_at(attacker.attacked),
        cheaper=queries // CHEAPER if cheaper else 0,
    )


def _controls(
    attacker: Attacker, rows: NDArray[np.int64], constraints: TabularConstraints, seeds: NDArray[np.int64]
) -> tuple[ControlRun, ...]:
    if attacker.spent is not None:
        return ()
    controls = _planted(attacker, rows, constraints, seeds), _null(attacker, rows, constraints, seeds)
    return controls if attacker.spent is None else (*controls, UNFINISHED)


def _planted(
    attacker: Attacker, rows: NDArray[np.int64], constraints: TabularConstraints, seeds: NDArray[np.int64]
) -> ControlRun:
    everything = _everything(constraints, attacker.unlimited)
    broken = int(_attack(attacker, rows, everything, seeds, attacker.parameters.queries).succeeded.sum())
    return ControlRun(
        kind="planted",
        expected=Text(
            f"where every column may be anything, the search for legal rows breaks at least {POWER:.0%}",
            f"各列可取任意值时，在合法行中的搜索至少攻破 {POWER:.0%}",
        ),
        seen=Text(f"{broken} of {len(rows)} broken", f"{len(rows)} 行中攻破 {broken} 行"),
        passed=broken >= POWER * len(rows),
    )


def _null(
    attacker: Attacker, rows: NDArray[np.int64], constraints: TabularConstraints, seeds: NDArray[np.int64]
) -> ControlRun:
    broken = int(_attack(attacker, rows, constraints.scaled(0), seeds, NULL_QUERIES).succeeded.sum())
    return ControlRun(
        kind="null",
        expected=Text(
            "where nothing may be changed, the search breaks nothing", "不允许任何改动时，搜索不应攻破任何行"
        ),
        seen=Text(f"{broken} of {len(rows)} broken", f"{len(rows)} 行中攻破 {broken} 行"),
        passed=broken == 0,
    )


def _everything(constraints: TabularConstraints, unlimited: ThreatModel) -> TabularConstraints:
    """Every column, immutable or not, may take any value that is legal for the check, and rules do not count."""
    shape = constraints.reach.shape
    return TabularConstraints(
        names=constraints.names,
        reach=np.broadcast_to(unlimited.epsilon, shape),
        low=np.broadcast_to(unlimited.low, shape),
        high=np.broadcast_to(unlimited.high, shape),
        step=np.zeros(shape),
        rise=np.ones(shape, dtype=bool),
        fall=np.ones(shape, dtype=bool),
        cost=np.zeros(shape),
    )
