"""An attacker who learns which techniques work on which goals, and then stops learning.

While it learns, every technique is tried on every kind of goal a few times; after that, tries go where a draw from
what is known so far says that success is likeliest (Thompson 1933, Biometrika 25), and the techniques that did best are
put on top of each other. What is known of a technique on one kind of goal starts from what is known of it on all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np

from touchstone.methods.language.attacks import Arm, combined

ALL_KINDS: Final = "*"
"""Under this, the record on all kinds of goals together is kept."""
BORROWED: Final = 2.0
"""Tries that the record on all kinds of goals is worth for a single kind."""
HOPE: Final = 0.2
"""Successes in one try that are taken for granted of what was never tried."""
Option = TypeVar("Option", Arm, str)

BEST: Final = 5
"""Techniques that are put on top of each other."""


@dataclass(frozen=True, slots=True)
class Move:
    """How to try: with which techniques, from where."""

    arm: Arm
    carrier: str


class Learner:
    """Counts of tries and successes, and what follows from them for the next try."""

    def __init__(self, arms: Iterable[Arm], carriers: Sequence[str]) -> None:
        self.arms, self.carriers = list(arms), list(carriers)
        self._counts: defaultdict[tuple[str, Arm | str], list[int]] = defaultdict(lambda: [0, 0])

    def sweep(self, kinds: Sequence[str], generator: np.random.Generator) -> list[tuple[str, Move]]:
        """Every technique once, over all kinds of goals and carriers, in random order."""
        places = generator.permutation(len(self.arms)).tolist()
        first = int(generator.integers(len(kinds) * len(self.carriers)))
        return [
            (
                kinds[(first + turn) % len(kinds)],
                Move(self.arms[place], self.carriers[(first + turn) // len(kinds) % len(self.carriers)]),
            )
            for turn, place in enumerate(places)
        ]

    def note(self, kind: str, move: Move, *, success: bool) -> None:
        """What became of a try."""
        for key in ((kind, move.arm), (ALL_KINDS, move.arm), (kind, move.carrier), (ALL_KINDS, move.carrier)):
            self._counts[key][0] += success
            self._counts[key][1] += 1

    def combine(self) -> None:
        """Add the combinations of those techniques that worked best on the whole, if any worked."""
        worked = [arm for arm in self.arms if self._counts[ALL_KINDS, arm][0]]
        worked.sort(key=lambda arm: self._expected(ALL_KINDS, arm), reverse=True)
        self.arms += [arm for arm in combined(worked[:BEST]) if arm not in self.arms]

    def draw(self, kind: str, generator: np.random.Generator) -> Move:
        """The next try at a goal of that kind. Changes nothing: draws are independent while nothing is noted."""
        return Move(self._drawn(kind, self.arms, generator), self._drawn(kind, self.carriers, generator))

    def best(self, kind: str, generator: np.random.Generator) -> Move:
        """What did best so far on that kind; a :meth:`draw` while nothing ever worked on it."""
        drawn = self.draw(kind, generator)
        arm = max(self.arms, key=lambda each: self._expected(kind, each))
        if not self._counts[ALL_KINDS, arm][0]:
            return drawn
        return Move(arm, max(self.carriers, key=lambda each: self._expected(kind, each)))

    def _drawn(self, kind: str, options: Sequence[Option], generator: np.random.Generator) -> Option:
        shapes = np.array([self._shape(kind, option) for option in options])
        return options[int(np.argmax(generator.beta(shapes[:, 0], shapes[:, 1])))]

    def _expected(self, kind: str, option: Arm | str) -> float:
        wins, losses = self._shape(kind, option)
        return wins / (wins + losses)

    def _shape(self, kind: str, option: Arm | str) -> tuple[float, float]:
        """Parameters of the beta distribution of success."""
        won, tried = self._counts[ALL_KINDS, option]
        won_here, tried_here = self._counts[kind, option]
        expected = (won + HOPE) / (tried + 1)
        return won_here + BORROWED * expected, tried_here - won_here + BORROWED * (1 - expected)
