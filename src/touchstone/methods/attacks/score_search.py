"""Score-based black-box search: keep a change when it brings the answer nearer to another class.

All samples move in lock step, one question each per round, so a remote model is asked in batches; a sample leaves
the batch in the round that breaks it. What is tried next is the business of a :class:`Proposals`.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from touchstone.errors import BudgetSpentError
from touchstone.methods.attacks.threat_model import AttackResult, Classes, Samples, Scores, ThreatModel, margin

Rows = NDArray[np.int64]
"""Positions of the samples still in play, among all samples of the attack."""


class Proposals(Protocol):
    """Where a search looks next. Randomness must follow from the sample alone, never from its neighbours."""

    def propose(self, step: int, rows: Rows, best: Samples, lower: Samples, upper: Samples) -> Samples:
        """Candidates for the samples `rows`, whose best so far is `best`, inside `[lower, upper]`.

        In L2 and L1 the search draws them in until they are legal.
        Step 0 gives the starting points.
        """


def score_search(
    scores: Scores, x: Samples, y: Classes, threat: ThreatModel, proposals: Proposals, *, queries: int
) -> AttackResult:
    """Search with at most `queries` questions per sample.

    Equally good candidates are accepted too, or the search would never cross the plateaus of a tree ensemble.
    """
    adversarial = x.copy()
    succeeded = np.zeros(len(x), dtype=bool)
    spent = np.zeros(len(x), dtype=np.int64)
    rows = np.arange(len(x))
    best, target = x.copy(), y
    smallest = np.full(len(x), np.inf)
    lower, upper = threat.box(x)
    for step in range(queries):
        if not rows.size:
            break
        candidate = proposals.propose(step, rows, best, lower, upper)
        if threat.norm != "linf":
            candidate = threat.drawn_in(x[rows], candidate)
        try:
            answer = scores(candidate)
        except BudgetSpentError:
            break
        spent[rows] += 1
        found = margin(answer, target)
        better = found <= smallest
        best[better], smallest[better] = candidate[better], found[better]
        broken = answer.argmax(axis=1) != target
        if broken.any():
            adversarial[rows[broken]], succeeded[rows[broken]] = candidate[broken], True
            rows, best, target, smallest = rows[~broken], best[~broken], target[~broken], smallest[~broken]
            lower, upper = lower[~broken], upper[~broken]
    return AttackResult(adversarial, succeeded, spent)
