"""What is attacked with, in which order: data alone, so that it can be planned and listed without PyTorch.

Tiers are the ones of a measured study: forty steps of cross-entropy and of the three nearest classes find all but a few
of the breaks that the whole ensemble finds, at a twentieth of its cost. The whole ensemble is what survivors must
withstand before anything passes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["apgd-ce", "apgd-t", "fab-t", "square"]


@dataclass(frozen=True, slots=True)
class Rung:
    """One attack on whoever still stands."""

    kind: Kind
    iterations: int
    targets: int = 0
    """Nearest other classes that are aimed at, all at once."""
    restarts: int = 1
    """Random starts. A later rung of the same kind goes on with others."""
    nearest: int = 0
    """Only this many survivors, those that came nearest to breaking; 0: all."""

    @property
    def name(self) -> str:
        """As it stands in the evidence: `apgd-t9x100`."""
        aimed = str(self.targets) if self.targets else ""
        again = f"r{self.restarts}" if self.restarts > 1 else ""
        return f"{self.kind}{aimed}x{self.iterations}{again}" + (f"n{self.nearest}" if self.nearest else "")


QUICK: Final = (Rung("apgd-ce", 40), Rung("apgd-t", 40, targets=3))
AUDIT: Final = (
    Rung("apgd-ce", 100),
    Rung("apgd-t", 100, targets=9),
    Rung("fab-t", 100, targets=9),
    Rung("square", 5000),
    Rung("apgd-t", 100, targets=9, nearest=20),
)
"""What survivors of the quick rungs face before a pass. It needs nothing to go before it."""
