"""What to do to a system: the recipe, against which attacker, for how long."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Final

from touchstone.methods.attacks.threat_model import Norm
from touchstone.records import Budget


class Recipe(StrEnum):
    """How a system is hardened."""

    ADVERSARIAL_TRAINING = "adversarial-training"
    SMOOTHING = "smoothing"


RADII: Final[dict[Norm, Fraction]] = {"linf": Fraction(4, 255), "l2": Fraction(1, 2), "l1": Fraction(5)}
"""Default radius by norm, in units of the legal range."""
TABLE_RADIUS: Final = Fraction(1, 20)
"""Default radius for tables, as a share of each element's interquartile range."""
EPOCHS: Final[dict[Budget, int]] = {"quick": 10, "standard": 30, "full": 60}
SAMPLES: Final[dict[Budget, int]] = {"quick": 100, "standard": 300, "full": 1000}
"""Test samples on which both systems are attacked."""


@dataclass(frozen=True, slots=True)
class Instructions:
    """One hardening. `eps` is the radius in units of the legal range; for tables in L∞ the share of each element's
    interquartile range."""

    recipe: Recipe
    norm: Norm
    eps: Fraction
    epochs: int
    budget: Budget = "quick"
    seed: int = 0
    sigma: Fraction | None = None
    """Smoothing: deviation of the noise in units of the legal range; by default the radius."""
    votes: int = 64
    """Smoothing: noisy copies asked for each answer."""
    fine_tuning: bool = True
    """Smoothing: whether the weights are trained under noise first."""

    @property
    def noise(self) -> Fraction:
        """Deviation of the noise in units of the legal range."""
        return self.eps if self.sigma is None else self.sigma

    @property
    def trains(self) -> bool:
        """Whether weights change."""
        return self.recipe is Recipe.ADVERSARIAL_TRAINING or self.fine_tuning

    def parameters(self) -> dict[str, str]:
        """What a reader needs to do the same again, besides the seed."""
        shared = {"norm": self.norm, "eps": str(self.eps), "budget": self.budget}
        if self.trains:
            shared["epochs"] = str(self.epochs)
        if self.recipe is Recipe.SMOOTHING:
            shared |= {"sigma": str(self.noise), "samples": str(self.votes)}
        return shared
