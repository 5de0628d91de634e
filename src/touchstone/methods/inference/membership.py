"""Membership inference from a model's answers: was this sample in the training data?

Each attack gives every sample one number, higher for likelier members. The attacker knows some members and some
non-members (half of each), picks with them the best attack, and is scored on the other halves only: choosing and
scoring on the same samples would report leaks that are not there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc

from touchstone.methods.inference.answers import SMALLEST, Answers
from touchstone.methods.inference.label_attacks import boundary_distance
from touchstone.methods.inference.reference_attacks import (
    FEWEST_FOR_LIKELIHOODS,
    calibrated_loss,
    likelihood_ratio,
    relative_likelihood,
)
from touchstone.statistics import CONFIDENCE, auc, proportion_bounds

Suspicion = NDArray[np.float64]
"""One number per sample, higher for likelier members."""

Attack = Callable[[Answers, Answers, Answers], Suspicion]
"""`(suspects, known members, known non-members)` to suspicion."""


def label_gap(suspects: Answers, _: Answers, __: Answers) -> Suspicion:
    """Members are classified correctly more often (Yeom et al. 2018, "Privacy Risk in Machine Learning", CSF)."""
    return np.asarray(suspects.probabilities.argmax(axis=1) == suspects.target, dtype=np.float64)


def loss(suspects: Answers, _: Answers, __: Answers) -> Suspicion:
    """Members have a small loss: log-odds of the true class, which orders like the loss and keeps its tail apart."""
    return suspects.log_odds


def confidence(suspects: Answers, _: Answers, __: Answers) -> Suspicion:
    """Members get sure answers, whatever the true class (Salem et al. 2019, "ML-Leaks", NDSS)."""
    largest: Suspicion = suspects.probabilities.max(axis=1)
    return largest


def modified_entropy(suspects: Answers, _: Answers, __: Answers) -> Suspicion:
    """Entropy that counts only certainty in the *true* class as certainty (Song and Mittal 2021, USENIX Security)."""
    p = np.clip(suspects.probabilities, SMALLEST, 1.0)
    terms = p * np.log(np.maximum(1.0 - p, SMALLEST))
    rows = np.arange(len(suspects))
    given = p[rows, suspects.target]
    terms[rows, suspects.target] = (1.0 - given) * np.log(given)
    total: Suspicion = terms.sum(axis=1)
    return total


def loss_for_its_class(suspects: Answers, members: Answers, outsiders: Answers) -> Suspicion:
    """Loss against what is usual for the class: some classes are hard for members too (Song and Mittal 2021)."""
    known = np.concatenate([loss(members, members, outsiders), loss(outsiders, members, outsiders)])
    classes = np.concatenate([members.target, outsiders.target])
    suspicion = loss(suspects, members, outsiders)
    for index in np.unique(suspects.target):
        usual = known[classes == index] if (classes == index).any() else known
        spread = usual.std()
        suspicion[suspects.target == index] -= np.median(usual)
        suspicion[suspects.target == index] /= spread if spread > 0 else 1.0
    return suspicion


ATTACKS: dict[str, Attack] = {
    attack.__name__: attack for attack in (label_gap, loss, confidence, modified_entropy, loss_for_its_class)
}


FEW_REFERENCES_ATTACKS: dict[str, Attack] = {
    attack.__name__: attack for attack in (relative_likelihood, calibrated_loss)
}
REFERENCE_ATTACKS: dict[str, Attack] = FEW_REFERENCES_ATTACKS | {"likelihood_ratio": likelihood_ratio}


@dataclass(frozen=True, slots=True)
class MembershipResult:
    """The chosen attack and its numbers on samples that had no part in the choice.

    `members` and `outsiders` are suspicions; the rows say which of the samples handed in they belong to.
    """

    attack: str
    members: Suspicion
    outsiders: Suspicion
    member_rows: NDArray[np.int64]
    outsider_rows: NDArray[np.int64]


def infer_membership(
    members: Answers, outsiders: Answers, generator: np.random.Generator, *, labels_only: bool = False
) -> MembershipResult:
    """Attack a model through its answers to members and non-members, at least two of each.

    Attacks with references are tried where both have them.
    """
    known_in, suspect_in = _halves(len(members), generator)
    known_out, suspect_out = _halves(len(outsiders), generator)
    inside, outside = members[known_in], outsiders[known_out]
    candidates = _candidates(inside, labels_only=labels_only)
    power = {
        name: auc(attack(inside, inside, outside), attack(outside, inside, outside))
        for name, attack in candidates.items()
    }
    chosen = max(power, key=lambda name: power[name])
    attack = candidates[chosen]
    return MembershipResult(
        chosen,
        attack(members[suspect_in], inside, outside),
        attack(outsiders[suspect_out], inside, outside),
        suspect_in,
        suspect_out,
    )


def _candidates(known: Answers, *, labels_only: bool) -> dict[str, Attack]:
    alone: dict[str, Attack] = {"label_gap": label_gap} if labels_only else ATTACKS
    if labels_only and known.distance is not None:
        alone = alone | {"boundary_distance": boundary_distance}
    if known.references is None:
        return alone
    likelihoods = not labels_only and len(known.references) >= FEWEST_FOR_LIKELIHOODS
    return alone | (REFERENCE_ATTACKS if likelihoods else FEW_REFERENCES_ATTACKS)


def true_positive_rate(
    members: Suspicion, outsiders: Suspicion, false_positive_rate: float, *, confidence: float = CONFIDENCE
) -> tuple[float, float, float]:
    """Share of members accused where only `false_positive_rate` of non-members are, with one-sided bounds.

    Carlini et al. 2022, "Membership Inference Attacks From First Principles" (S&P): an attack that is sure about a few
    is a leak even when it is no better than chance on average. The threshold is itself estimated: the k-th largest of
    n suspicions of non-members is exceeded by a share that follows Beta(k, n - k + 1). Each bound spends half of its
    error on a threshold that is surely too low (too high), and half on the count of members above it.
    """
    n = len(outsiders)
    error = (1.0 - confidence) / 2
    ranks = np.arange(1, n + 1)
    below_rate = betainc(ranks, n - ranks + 1, false_positive_rate)
    lenient = int(np.argmax(below_rate <= error)) + 1 if (below_rate <= error).any() else n
    strict = int((below_rate >= 1.0 - error).sum())
    usual = int(np.floor(false_positive_rate * n)) + 1
    value = _above(members, outsiders, usual) / len(members)
    low, _ = proportion_bounds(_above(members, outsiders, strict), len(members), confidence=1.0 - error)
    _, high = proportion_bounds(_above(members, outsiders, lenient), len(members), confidence=1.0 - error)
    return value, low if strict else 0.0, high


def without_ties(
    members: Suspicion, outsiders: Suspicion, generator: np.random.Generator
) -> tuple[Suspicion, Suspicion]:
    """The same order of suspicions, with equal ones ordered by lot.

    Models that answer with few different values tie many samples at the top. An attacker who may accuse only some of
    them draws lots; a threshold that must take all or none would hide what leaks.
    """
    both = np.concatenate([members, outsiders])
    places = np.empty(len(both))
    places[np.lexsort((generator.random(len(both)), both))] = np.arange(len(both))
    return places[: len(members)], places[len(members) :]


def _above(members: Suspicion, outsiders: Suspicion, rank: int) -> int:
    """How many members exceed the suspicion of the non-member of this rank, counted from the most suspicious."""
    return int((members > np.sort(outsiders)[len(outsiders) - max(rank, 1)]).sum())


def _halves(n: int, generator: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    order = generator.permutation(n)
    return np.sort(order[: n // 2]), np.sort(order[n // 2 :])
