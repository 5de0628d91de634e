"""What the answers to some canaries say: unchanged, another form of the same model, unclear, or changed.

If nothing but allowed rounding happened, the number of turned canaries is at most binomial with the benign rate that
was measured when they were made. So many that this has a chance of one in a hundred or less are a change.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from touchstone.methods.attacks.threat_model import Classes
from touchstone.methods.fingerprint.canaries import Canaries

State = Literal["unchanged", "other-form", "unclear", "changed"]

FALSE_ALARM: Final = 0.01
"""Largest chance that one poll calls an unchanged model changed."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One poll."""

    state: State
    asked: int
    turned: int
    """Canaries answered otherwise than by the tested model."""
    alarm_at: int
    """Turned canaries from which on the model counts as changed."""
    p_value: float
    """Chance of so many, or more, under nothing but allowed rounding."""
    form: str | None = None
    """The other form whose answers these are."""


def alarm_threshold(asked: int, benign_rate: float) -> int:
    """The smallest number of turned canaries that has a chance of at most `FALSE_ALARM`; one more than asked if none.

    >>> alarm_threshold(32, 0.0), alarm_threshold(16, 0.005), alarm_threshold(32, 0.02)
    (1, 2, 4)
    """
    return next(
        (turned for turned in range(1, asked + 1) if tail(turned, asked, benign_rate) <= FALSE_ALARM), asked + 1
    )


def tail(turned: int, asked: int, rate: float) -> float:
    """Chance of `turned` or more of `asked` at `rate` each: the exact binomial tail."""
    from scipy.stats import binom

    return float(binom.sf(turned - 1, asked, rate))


def verdict(canaries: Canaries, answers: Classes) -> Verdict:
    """Judge the answers `(n,)` to these canaries.

    Another form is recognised only by answers nearer to its own than any alarm, where at least as many canaries as
    raise one tell it from the tested model, and at least twice as many as are left unexplained.
    """
    asked = len(canaries)
    turned = int((answers != canaries.labels).sum())
    alarm = alarm_threshold(asked, canaries.benign_rate)
    p_value = tail(turned, asked, canaries.benign_rate)
    if turned == 0:
        return Verdict("unchanged", asked, 0, alarm, p_value)
    if turned < alarm:
        return Verdict("unclear", asked, turned, alarm, p_value)
    for name, expected in canaries.patterns.items():
        unexplained = int((answers != expected).sum())
        telling = int((expected != canaries.labels).sum())
        if unexplained < alarm <= telling and telling >= 2 * unexplained + 1:
            return Verdict("other-form", asked, turned, alarm, p_value, name)
    return Verdict("changed", asked, turned, alarm, p_value)


def some_of(canaries: Canaries, count: int, generator: np.random.Generator) -> Canaries:
    """A random selection, so that whoever answers learns only some of them at a time."""
    return canaries.some(generator.permutation(len(canaries))[:count])
