"""Many searches, one question to the model per step: each search is a generator that asks and is told.

Whatever a search does follows from its own text, seed and answers. So the result of one does not depend on which others
run beside it, and a remote model is asked as often as the longest search has steps.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Answers = NDArray[Any]
"""Scores `(n, K)`, higher for likelier classes, in a logarithmic scale; or class indices `(n,)`."""
Ask = Callable[[list[str]], Answers]

Found = TypeVar("Found")
Search = Generator[list[str], Answers, Found]
"""Yields questions, is sent their answers, returns what it found."""


def in_lock_step(ask: Ask, searches: Sequence[Search[Found]]) -> list[Found]:
    """Run all searches to their ends and give what they found, in their order."""
    found: dict[int, Found] = {}
    asking: dict[int, list[str]] = {}

    def advance(place: int, answers: Answers | None) -> None:
        try:
            asking[place] = next(searches[place]) if answers is None else searches[place].send(answers)
        except StopIteration as end:
            asking.pop(place, None)
            found[place] = end.value

    for place in range(len(searches)):
        advance(place, None)
    while asking:
        step = list(asking.items())
        answers = np.asarray(ask([question for _, questions in step for question in questions]))
        start = 0
        for place, questions in step:
            advance(place, answers[start : start + len(questions)])
            start += len(questions)
    return [found[place] for place in range(len(searches))]
