"""What a detector is worth: never without an attack that knows it.

The attacker wants two things of one input: another answer, and no alarm. Both become one number, the larger of the
own class's lead and of the distance to the threshold, each in units of what is usual for clean inputs. An attack on
that number works on whichever still stands in its way (as in Bryniarski et al. 2022, "Evading adversarial example
detection defenses with orthogonal projected gradient descent", ICLR), and is through when it is negative.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from touchstone.methods.attacks.square import square_attack
from touchstone.methods.attacks.threat_model import Classes, Labels, Samples, Scores, ThreatModel, margin
from touchstone.statistics import auc, proportion_bounds

if TYPE_CHECKING:
    from torch import Tensor

    from touchstone.methods.attacks.gradient.balls import Ball
    from touchstone.methods.attacks.gradient.rungs import Rung

Suspicion = Callable[[Samples], NDArray[np.float64]]
"""A detector's score of each sample, `(n,)`."""
AdaptiveAttack = Callable[[Samples, Classes, float], Samples]
"""A point for each sample that is answered otherwise and scores no more than given, or the sample itself: what an
attacker finds who knows model and detector."""


@dataclass(frozen=True, slots=True)
class Rate:
    """A share with one-sided Clopper-Pearson bounds."""

    count: int
    n: int

    @property
    def value(self) -> float:
        """The share; not a number for no samples."""
        return self.count / self.n if self.n else float("nan")

    @property
    def bounds(self) -> tuple[float, float]:
        """Lower and upper bound, each at 95 %."""
        return proportion_bounds(self.count, self.n)


@dataclass(frozen=True, slots=True)
class AdaptiveOutcome:
    """What the attacker who knows the detector achieved on samples that were answered rightly."""

    through: Rate
    """Samples turned without an alarm."""
    auc: float
    """How well scores still tell the attacker's points from clean samples, when they aim at the usual clean score."""


@dataclass(frozen=True, slots=True)
class DetectorReport:
    """A detector's figures. There are none without the adaptive ones: they are a part of the type."""

    false_alarms: Rate
    """On clean samples."""
    under_shift: Mapping[str, Rate]
    """Alarms on harmless changes, by their name."""
    plain_auc: float
    """Against attacks that do not know the detector. Says little by itself."""
    plain_detected: Rate
    adaptive: AdaptiveOutcome

    def __post_init__(self) -> None:
        if not self.adaptive.through.n:
            raise ValueError("a detector is reported only with an adaptive attack on at least one sample")


def detector_report(
    suspicion: Suspicion,
    threshold: float,
    labels: Labels,
    clean: tuple[Samples, Classes],
    plain: Samples,
    shifts: Mapping[str, Samples],
    attack: AdaptiveAttack,
) -> DetectorReport:
    """The report of a detector on `clean` samples with their classes, none of which it was fitted to.

    `plain` holds the point that a plain attack found for each clean sample (the sample itself where none was found),
    `shifts` harmless versions of them by name. `attack` is run here, and what it found is checked here.
    """
    x, y = clean
    right = labels(x) == y
    x, y, plain = x[right], y[right], plain[right]
    if not len(x):
        raise ValueError("no clean sample is answered rightly: there is nothing to attack")
    usual = suspicion(x)
    fooled = labels(plain) != y
    caught = suspicion(plain[fooled]) > threshold
    points = attack(x, y, threshold)
    through = (labels(points) != y) & (suspicion(points) <= threshold)
    deeper = attack(x, y, float(np.median(usual)))
    turned = labels(deeper) != y
    tried = np.concatenate([deeper[turned], points[through & ~turned], plain[fooled & ~through & ~turned]])
    return DetectorReport(
        false_alarms=_rate(usual > threshold),
        under_shift={name: _rate(suspicion(moved[right]) > threshold) for name, moved in shifts.items()},
        plain_auc=auc(suspicion(plain[fooled]), usual) if fooled.any() else float("nan"),
        plain_detected=_rate(caught),
        adaptive=AdaptiveOutcome(
            through=_rate(through),
            auc=auc(suspicion(tried), usual) if len(tried) else float("nan"),
        ),
    )


def climbing_attack(
    function: Callable[[Tensor], Tensor],
    suspicion: Callable[[Tensor], Tensor],
    ball: Ball,
    rungs: tuple[Rung, ...],
    seed: int,
) -> AdaptiveAttack:
    """The attack along the gradient of model and detector: `function` and `suspicion` are those of tensors."""
    import torch

    from touchstone.methods.attacks.gradient import objectives
    from touchstone.methods.attacks.gradient.differentiable import Differentiable
    from touchstone.methods.attacks.gradient.ladder import climb_ladder

    def attack(x: Samples, y: Classes, goal: float) -> Samples:
        points = x.copy()
        with torch.no_grad():
            lead, distrust = _units(
                objectives.margin(function(torch.from_numpy(x)), torch.from_numpy(y)).numpy(),
                suspicion(torch.from_numpy(x)).numpy(),
            )

        def joint(z: Tensor, own: int) -> Tensor:
            behind = objectives.margin(function(z), torch.full((len(z),), own))
            standing = torch.maximum(behind / lead, (suspicion(z) - goal) / distrust)
            return torch.stack([standing, torch.zeros_like(standing)], dim=1)

        for own in np.unique(y):
            rows = np.flatnonzero(y == own)
            model = Differentiable(partial(joint, own=int(own)))
            nothing = np.zeros(len(rows), dtype=np.int64)
            points[rows] = climb_ladder(model, x[rows], nothing, ball, rungs, seed=seed, ids=rows).points
        return points

    return attack


def searching_attack(
    scores: Scores, suspicion: Suspicion, threat: ThreatModel, *, queries: int, seed: int
) -> AdaptiveAttack:
    """The attack by random search, for detectors without a gradient; pictures `(n, channels, height, width)`."""

    def attack(x: Samples, y: Classes, goal: float) -> Samples:
        points = x.copy()
        lead, distrust = _units(margin(scores(x), y), suspicion(x))

        def joint(z: Samples, own: int) -> NDArray[np.float64]:
            behind = margin(scores(z), np.full(len(z), own))
            standing = np.maximum(behind / lead, (suspicion(z) - goal) / distrust)
            return np.stack([standing, np.zeros_like(standing)], axis=1)

        seeds = np.random.default_rng(seed).integers(2**62, size=len(x))
        for own in np.unique(y):
            rows = np.flatnonzero(y == own)
            found = square_attack(
                partial(joint, own=int(own)),
                x[rows],
                np.zeros(len(rows), dtype=np.int64),
                threat,
                seeds[rows],
                queries=queries,
            )
            points[rows] = found.adversarial
        return points

    return attack


def _units(lead: NDArray[np.float64], distrust: NDArray[np.float64]) -> tuple[float, float]:
    """What is usual for clean samples: their lead, and how far a detector's scores of them lie apart."""
    return max(float(np.median(np.maximum(lead, 0.0))), 1e-12), max(float(distrust.std()), 1e-12)


def _rate(hits: NDArray[np.bool_]) -> Rate:
    return Rate(int(hits.sum()), len(hits))
