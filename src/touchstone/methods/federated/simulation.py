"""A federation in one process: honest parties, malicious ones who know the rule, and what the server makes of both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from touchstone.methods.federated.learner import Classes, Learner, LocalTraining, Rows, party_update
from touchstone.methods.federated.malicious import ATTACKS, HONEST, LABEL_FLIP
from touchstone.methods.federated.rules import Rule, Updates, Vector, aggregate, clipped


@dataclass(frozen=True, slots=True)
class Protocol:
    """How updates become one."""

    rule: Rule
    trimmed: float = 0.2
    groups: int | None = None
    """Groups by lot that are averaged each by itself before the rule is applied to their means; `None`: no averages."""
    clips: bool = False
    """Whether an update of a malicious party is clipped, too."""


@dataclass(frozen=True, slots=True)
class Parties:
    """The rows of each party, and how it trains."""

    rows: Sequence[tuple[Rows, Classes]]
    training: LocalTraining
    malicious: int
    """The last so many of them."""
    classes: int


def trained(
    learner: Learner, parties: Parties, protocol: Protocol, *, rounds: int, seed: int, attack: str | None
) -> Vector:
    """The weights after all rounds. Without an attack the malicious parties are not there at all.

    Honest parties draw the same rows and the same noise with and without an attack.
    """
    weights = learner.fresh(np.random.default_rng([seed, 0]))
    if weights is None:
        raise ValueError("the learner has no fresh weights")
    first_bad = len(parties.rows) - parties.malicious
    honest, malicious = range(first_bad), range(first_bad, len(parties.rows))
    for number in range(1, rounds + 1):
        updates = _sent(learner, weights, parties, honest, [seed, number])
        if attack in (LABEL_FLIP, HONEST):
            theirs = _sent(learner, weights, parties, malicious, [seed, number], flip=attack == LABEL_FLIP)
            updates = np.concatenate([updates, theirs])
        elif attack is not None:
            bad = ATTACKS[attack](updates, parties.malicious)
            if protocol.clips:
                bad = clipped(bad, parties.training.clipping_norm)
            updates = np.concatenate([updates, np.tile(bad, (parties.malicious, 1))])
        lots = np.random.default_rng([seed, number]).permutation(len(updates))
        weights = weights + combined(updates[lots], protocol)
    return weights


def combined(updates: Updates, protocol: Protocol) -> Vector:
    """What the server adds to the weights, of updates in an order by lot."""
    if protocol.groups is not None:
        groups = np.array_split(updates, min(protocol.groups, len(updates)))
        updates = np.stack([group.mean(axis=0) for group in groups])
    return aggregate(updates, protocol.rule, protocol.trimmed)


def _sent(
    learner: Learner, weights: Vector, parties: Parties, who: range, seeds: list[int], *, flip: bool = False
) -> Updates:
    """The updates of some parties, each with a generator of its own; `flip`: of rows that are called the next class."""
    sent = []
    for party in who:
        generator = np.random.default_rng([*seeds, party + 1])
        x, y = parties.rows[party]
        drawn = generator.integers(len(x), size=parties.training.rows)
        labels = (y[drawn] + 1) % parties.classes if flip else y[drawn]
        sent.append(party_update(learner, weights, x[drawn], labels, parties.training, generator))
    return np.stack(sent)
