"""The white box of the adversarial check: the ladder of gradient attacks on a model handle, passes counted.

PyTorch is imported when a white box is opened: checks are listed and planned without it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from touchstone.methods.attacks.gradient.rungs import AUDIT, Rung
from touchstone.methods.attacks.threat_model import Classes, Samples, ThreatModel

if TYPE_CHECKING:
    from torch import Tensor

    from touchstone.checks.system_resilience.inputs import Layout
    from touchstone.methods.attacks.gradient.balls import Ball
    from touchstone.methods.attacks.gradient.ladder import Outcome
    from touchstone.records import Budget
    from touchstone.system.models.handle import ModelHandle

AUDITS: Final[dict[Budget, tuple[Rung, ...]]] = {
    "quick": (Rung("apgd-ce", 100), Rung("apgd-t", 100, targets=3), Rung("square", 500)),
    "standard": AUDIT,
    "full": (
        Rung("apgd-ce", 100, restarts=2),
        Rung("apgd-t", 100, targets=9, restarts=2),
        *AUDIT[2:4],
        Rung("apgd-t", 1000, targets=3, restarts=5, nearest=20),
    ),
}
"""What survivors of the quick rungs face, by budget. The quick budget has a shortened audit, and says so."""

_STANDING_COST: Final = 11_630
_BROKEN_COST: Final = 303
"""Passes that the fixed ensemble spends on a sample that stands (Auto-PGD 1,010 steps, FAB-T 900 steps of one more
forward pass, Square 5,000 queries) and on one that breaks (101 steps), a step counted as three passes."""
_STANDING_ANSWERS: Final = 1_010 + 2 * 900 + 5_000
_BROKEN_ANSWERS: Final = 101
"""The same as answers of the model, whether or not a gradient is taken of them."""
_ENSEMBLE_SAMPLES: Final = 1000


def ensemble_passes(accuracy: float, robust_accuracy: float) -> int:
    """Passes of the fixed ensemble on 1,000 samples of a model with these shares."""
    fallen = max(accuracy - robust_accuracy, 0.0)
    return round(_ENSEMBLE_SAMPLES * (1 + robust_accuracy * _STANDING_COST + fallen * _BROKEN_COST))


def ensemble_answers(accuracy: float, robust_accuracy: float) -> int:
    """Answers that the fixed ensemble asks for on 1,000 samples of a model with these shares."""
    fallen = max(accuracy - robust_accuracy, 0.0)
    return round(_ENSEMBLE_SAMPLES * (1 + robust_accuracy * _STANDING_ANSWERS + fallen * _BROKEN_ANSWERS))


class WhiteBox:
    """Gradient attacks on a model, each sample with dice of its own."""

    def __init__(self, model: ModelHandle, layout: Layout | None, seed: int) -> None:
        from touchstone.methods.attacks.gradient.differentiable import Differentiable, Passes

        function = model.differentiable()
        self.model = Differentiable(function if layout is None else lambda x: function(_original(x, layout)))
        self.seed = seed
        self.passes = Passes()
        """Spent so far; what is spent on controls and curves is not."""

    def climb(
        self, x: Samples, y: Classes, ids: NDArray[np.int64], ball: Ball, rungs: tuple[Rung, ...], *, counted: bool
    ) -> Outcome:
        """Attack samples in the layout of the attacks. What is called broken is so by the function of tensors only."""
        from touchstone.methods.attacks.gradient.ladder import climb_ladder

        outcome = climb_ladder(self.model, x, y, ball, rungs, seed=self.seed, ids=ids)
        if counted:
            self.passes.forward += sum(spent.forward for spent in outcome.passes.values())
            self.passes.backward += sum(spent.backward for spent in outcome.passes.values())
        return outcome


def ball_of(threat: ThreatModel, x: Samples) -> Ball:
    """The same attacker for tensors: one radius, and the reach of each element as a share of it.

    Where no range is declared the ball gets one that these samples cannot leave.
    """
    import torch

    from touchstone.methods.attacks.gradient.balls import Ball

    radius = float(threat.epsilon.max())
    low = float(np.min(threat.low)) if np.isfinite(threat.low).all() else float(x.min()) - radius
    high = float(np.max(threat.high)) if np.isfinite(threat.high).all() else float(x.max()) + radius
    if (threat.epsilon == radius).all():
        return Ball(threat.norm, radius, low, high)
    return Ball(threat.norm, radius, low, high, torch.from_numpy((threat.epsilon / radius).astype(np.float32)))


def _original(x: Tensor, layout: Layout) -> Tensor:
    return x.movedim(1, -1) if layout.channels_last else x.reshape(len(x), *layout.shape)
