"""What an input is held against: inputs that the model answers otherwise.

An explanation says why this answer rather than another. Held against what is usual, the usual answer could not be
explained at all: an input without anything gets it too.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from touchstone.methods.attacks.threat_model import Classes, Samples

Starts = Callable[[np.random.Generator], Samples]
"""Draws one input `(n, *shape)` to start from for each of the explained samples."""


class Contrast:
    """Background samples `(m, *shape)` with the model's answers `(m,)`; `centre` makes one sample of several."""

    def __init__(self, background: Samples, answers: Classes, centre: Callable[[Samples], Samples]) -> None:
        self.background, self.centre = background, centre
        everything = np.arange(len(background))
        self._others = {
            int(answer): others if (others := np.flatnonzero(answers != answer)).size else everything
            for answer in np.unique(answers)
        }
        self._everything = everything
        self._centres: dict[int, Samples] = {}

    def baselines(self, y: Classes) -> Samples:
        """The centre of the background that is answered otherwise, for each of the answers `(n,)`."""
        for answer in np.unique(y):
            if int(answer) not in self._centres:
                self._centres[int(answer)] = self.centre(self.background[self._answered_otherwise(int(answer))])
        return np.stack([self._centres[int(answer)] for answer in y])

    def starts(self, y: Classes) -> Starts:
        """Draws for each of the answers `(n,)` a background sample that is answered otherwise."""
        eligible = [self._answered_otherwise(int(answer)) for answer in y]

        def draw(generator: np.random.Generator) -> Samples:
            return self.background[[int(generator.choice(rows)) for rows in eligible]]

        return draw

    def _answered_otherwise(self, answer: int) -> Classes:
        """All of the background where nothing of it is answered so, or everything."""
        return self._others.get(answer, self._everything)
