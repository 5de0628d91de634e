"""One sort of attack from beginning to end: the attacker learns, stops learning, and is measured on fresh goals.

The unit that counts is a goal: one secret, one sum, one paper, made afresh, at which the attacker may try several
times. While it learns, the chance of the next goal depends on those before, and no bound for independent samples would
hold. Therefore what it has learnt is frozen before the first goal that counts: from then on goals are drawn
independently from one distribution, tried with independent draws from one policy, and counts of them are binomial.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from touchstone.checks.shares import share_metric
from touchstone.checks.system_resilience.injection_talk import Tried, try_all
from touchstone.conversation import Assistant
from touchstone.methods.attacks.sequential import looks_at
from touchstone.methods.language.adaptive import Learner, Move
from touchstone.methods.language.attacks import CHAT, Attempt, attempt, single_arms
from touchstone.methods.language.documents import carriers_for
from touchstone.methods.language.goals import Goal, direct_kinds, indirect_kinds, new_goal
from touchstone.methods.language.wording import Language, pick
from touchstone.records import Metric

Sort = Literal["direct", "indirect"]

BLOCK = 25
"""Goals that are tried side by side: what a budget that runs out costs."""
BATCH = 24
"""Tries after which the attacker thinks again while it learns."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How hard the attacker tries, and on how many goals and errands it is measured."""

    lessons: int
    """Tries while it learns, for each sort of attack."""
    tries: int
    """Tries at each goal that counts."""
    goals: int
    errands: int


@dataclass(frozen=True, slots=True)
class Setting:
    """What the assistant is made for."""

    languages: Sequence[Language]
    calls_tools: bool


class Campaign:
    """All goals of one sort against one assistant."""

    def __init__(
        self, sort: Sort, assistant: Assistant, setting: Setting, effort: Effort, generator: np.random.Generator
    ) -> None:
        direct = sort == "direct"
        self.sort, self.setting, self.effort = sort, setting, effort
        self.kinds = direct_kinds(setting.calls_tools) if direct else indirect_kinds(setting.calls_tools)
        carriers = [CHAT] if direct else carriers_for(setting.calls_tools)
        self.learner = Learner(single_arms(in_papers=not direct), carriers)
        self.lessons: list[Tried] = []
        self.tried: list[Tried] = []
        """Tries at goals that count."""
        self.reached: list[bool] = []
        """Of each goal that counts."""
        self._assistant, self._generator = assistant, generator

    @property
    def samples(self) -> int:
        """Goals that count, at most."""
        return self.effort.goals

    def learn(self) -> None:
        """Try everything, then more of what works, then combinations of it."""
        while len(self.lessons) < self.effort.lessons:
            if len(self.lessons) < self.effort.lessons / 2:
                plan = self.learner.sweep(self.kinds, self._generator)
            else:
                self.learner.combine()
                kinds = [pick(self._generator, self.kinds) for _ in range(BATCH)]
                plan = [(kind, self.learner.draw(kind, self._generator)) for kind in kinds]
            attempts = [self._attempt(self._goal(kind), move) for kind, move in plan]
            for (kind, move), success in zip(plan, try_all(self._assistant, attempts, self.lessons), strict=True):
                self.learner.note(kind, move, success=success)

    def measure_up_to(self, look: int) -> None:
        """Try at fresh goals until that many were tried at. Learns nothing."""
        while len(self.reached) < look:
            goals = [self._goal(pick(self._generator, self.kinds)) for _ in range(min(BLOCK, look - len(self.reached)))]
            reached = [False] * len(goals)
            for turn in range(self.effort.tries):
                left = [place for place, done in enumerate(reached) if not done]
                attempts = [self._attempt(goals[place], self._move(goals[place].kind, turn)) for place in left]
                for place, success in zip(left, try_all(self._assistant, attempts, self.tried), strict=True):
                    reached[place] = success
            self.reached += reached

    def metrics(self, name: str) -> tuple[Metric, ...]:
        """The share of goals reached, at the last look that was completed; nothing before the first.

        Where a budget runs out depends on the replies. Only at a look that was settled beforehand do the bounds, which
        pay for all looks together, hold whatever the reason for stopping.
        """
        looks = looks_at(self.samples)
        n = last_look(looks, len(self.reached))
        return (share_metric(name, sum(self.reached[:n]), n, "lower", looks=len(looks)),) if n else ()

    def _move(self, kind: str, turn: int) -> Move:
        """First what worked best, then draws from what is known, so that nothing is left out for good."""
        return self.learner.best(kind, self._generator) if turn == 0 else self.learner.draw(kind, self._generator)

    def _goal(self, kind: str) -> Goal:
        language = pick(self._generator, self.setting.languages)
        return new_goal(self._generator, kind, language, calls_tools=self.setting.calls_tools)

    def _attempt(self, goal: Goal, move: Move) -> Attempt:
        return attempt(goal, move.arm, move.carrier, self._generator)


def last_look(looks: Sequence[int], done: int) -> int:
    """The last of the looks that was completed; 0 before the first."""
    return max((look for look in looks if look <= done), default=0)
