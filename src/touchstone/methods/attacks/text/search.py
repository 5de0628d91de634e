"""Search for a small set of perturbations that turns a classifier's answer.

First every unit of the text is left out once, to see which ones the answer rests on (Li et al. 2016; word importance as
in Jin et al. 2020, TextFooler). Then the most important units are perturbed first, keeping what brings the answer
nearest to another class: greedily, or with a beam of several states. A model that answers with labels alone gives no
such direction: whole sets of perturbations are drawn at random, and what turns the answer is made smaller again as long
as it does (Maheshwary et al. 2021).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from touchstone.methods.attacks.text.changes import Change, applied, edits_of
from touchstone.methods.attacks.text.families import FAMILIES, can_change, changes_of
from touchstone.methods.attacks.text.lock_step import Answers, Ask, Search, in_lock_step
from touchstone.methods.attacks.text.segments import Unit, units
from touchstone.methods.attacks.threat_model import margin

IMPORTANCE_SHARE = 0.5
"""Of the queries, what finding the important units may take; in long texts several are left out together."""
DRAWN_AT_ONCE = 8
"""Random sets of perturbations per step, against labels only."""


@dataclass(frozen=True, slots=True)
class TextThreat:
    """What an attacker on a text may do."""

    share: float
    """Of the units (words and Chinese characters), how many may be changed; above zero always at least one."""
    queries: int
    """Questions to the model per text."""
    families: tuple[str, ...] = tuple(FAMILIES)
    beam: int = 1
    """States that the search keeps."""

    def most_changes(self, count: int) -> int:
        """Units that may be changed in a text of `count`."""
        return min(count, max(1, int(self.share * count + 1e-9))) if self.share > 0 else 0


@dataclass(frozen=True, slots=True)
class TextResult:
    """What the attack made of one text."""

    text: str
    """The perturbed text where it succeeded, else the original."""
    changes: tuple[Change, ...]
    succeeded: bool
    queries: int
    units: int
    """Units of the original."""
    edits: int
    """Characters inserted, deleted or replaced."""

    @property
    def share(self) -> float:
        """Units that were changed, of all."""
        return len(self.changes) / self.units if self.units else 0.0


class _State(NamedTuple):
    """A set of changes, and how far the answer to it is from another class; below zero it is there."""

    margin: float
    changes: tuple[Change, ...]


def attack_texts(
    ask: Ask, texts: Sequence[str], y: NDArray[np.int64], seeds: Sequence[int], threat: TextThreat
) -> list[TextResult]:
    """Attack texts that are answered with their classes `y`, all in lock step.

    Each text has a seed of its own and fares the same in any company.
    """
    attempts = [
        _Attempt(text, int(target), int(seed), threat) for text, target, seed in zip(texts, y, seeds, strict=True)
    ]
    return in_lock_step(ask, [attempt.search() for attempt in attempts])


class _Attempt:
    """The attack on one text: what it may change, what it has asked, what it has found."""

    def __init__(self, text: str, target: int, seed: int, threat: TextThreat) -> None:
        self.text, self.target, self.threat = text, target, threat
        self.units: tuple[Unit, ...] = units(text)
        self.most = threat.most_changes(len(self.units))
        self.generator = np.random.default_rng(seed)
        self.options: dict[int, list[Change]] = {}
        self.queries = 0
        self.scored = True
        self.found: tuple[Change, ...] | None = None

    def search(self) -> Search[TextResult]:
        """The whole attack, and what came of it."""
        yield from self._search()
        changes = self.found or ()
        return TextResult(
            text=applied(self.text, changes),
            changes=changes,
            succeeded=self.found is not None,
            queries=self.queries,
            units=len(self.units),
            edits=edits_of(self.text, changes),
        )

    def _search(self) -> Search[None]:
        """It ends as soon as the answer has turned."""
        [start] = yield from self._ask([()])
        if start.margin < 0:
            self.found = ()
        if self.found is not None or not self.most:
            return
        importance = yield from self._importance(start)
        if self.scored:
            yield from self._best_first(start, importance)
        else:
            yield from self._at_random(importance)

    def _ask(self, sets: Sequence[tuple[Change, ...]]) -> Search[list[_State]]:
        """The states that sets of changes lead to, as many as the queries left allow."""
        asked = sets[: self.threat.queries - self.queries]
        if not asked:
            return []
        answers = yield [applied(self.text, changes) for changes in asked]
        self.queries += len(asked)
        margins: list[float] = self._margins(answers).tolist()
        return [_State(value, changes) for value, changes in zip(margins, asked, strict=True)]

    def _margins(self, answers: Answers) -> NDArray[np.float64]:
        """Below zero where the answer has turned: of equal scores the first wins."""
        self.scored = answers.ndim == 2
        if not self.scored:
            return np.where(answers == self.target, 1.0, -1.0)
        turned = answers.argmax(axis=1) != self.target
        found = margin(answers, np.full(len(answers), self.target))
        return np.where(turned, np.minimum(found, -np.finfo(np.float64).tiny), found)

    def _importance(self, start: _State) -> Search[dict[int, float]]:
        """How much the answer rests on each unit that can be changed, by place, most first; ties in random order.

        Of a long text whole blocks are left out first, then the units of those that mattered most.
        """
        places = [i for i in range(len(self.units)) if can_change(self.text, self.units, i, self.threat.families)]
        most = int(IMPORTANCE_SHARE * (self.threat.queries - self.queries))
        importance = dict.fromkeys(self._shuffled(places), 0.0)
        blocks = _blocks(places, most if len(places) <= most else most // 2)
        for _ in range(2):
            states = yield from self._ask([self._without(block) for block in blocks])
            for block, state in zip(blocks, states, strict=False):
                importance |= dict.fromkeys(block, (start.margin - state.margin) / len(block))
            if len(blocks) in (0, len(places)):
                break
            blocks = [[place] for place in list(_most_first(importance))[: most - len(blocks)]]
        return _most_first(importance)

    def _without(self, block: Sequence[int]) -> tuple[Change, ...]:
        return tuple(Change(self.units[place].start, self.units[place].end, "", "") for place in block)

    def _shuffled(self, places: Sequence[int]) -> list[int]:
        shuffled: list[int] = self.generator.permutation(np.array(places, dtype=np.int64)).tolist()
        return shuffled

    def _best_first(self, start: _State, importance: dict[int, float]) -> Search[None]:
        """Perturb one unit after the other and keep the states nearest to another class."""
        states = [start]
        for place in importance:
            growing = [state for state in states if len(state.changes) < self.most]
            tried = yield from self._ask(
                [(*state.changes, option) for state in growing for option in self._options(place)]
            )
            if self._keep(tried):
                return
            states = sorted([*states, *tried], key=lambda state: state.margin)[: self.threat.beam]
            if not growing or self.queries >= self.threat.queries:
                return

    def _at_random(self, importance: dict[int, float]) -> Search[None]:
        """Draw whole sets of perturbations until one turns the answer, then take back what it does not need.

        Every other set begins with the units without which the answer turned.
        """
        places = list(importance)
        telling = [place for place in places if importance[place] > 0]
        while places and self.found is None and self.queries < self.threat.queries:
            sets = [self._drawn(telling if draw % 2 else [], places) for draw in range(DRAWN_AT_ONCE)]
            self._keep((yield from self._ask(sets)))
        for change in self.found or ():
            fewer = tuple(other for other in self.found or () if other != change)
            if fewer:
                self._keep((yield from self._ask([fewer])))

    def _drawn(self, first: Sequence[int], places: Sequence[int]) -> tuple[Change, ...]:
        """A random variant of each of as many units as may be changed: some `first`, then any."""
        order = dict.fromkeys([*self._shuffled(first), *self._shuffled(places)])
        chosen = [self._options(place) for place in list(order)[: self.most]]
        return tuple(options[int(self.generator.integers(len(options)))] for options in chosen)

    def _options(self, place: int) -> list[Change]:
        """What can be made of one unit, drawn once."""
        if place not in self.options:
            drawn = changes_of(self.text, self.units, place, self.threat.families, self.generator)
            self.options[place] = drawn
        return self.options[place]

    def _keep(self, states: Sequence[_State]) -> bool:
        """Keep the smallest of the sets that turned the answer, if there is one."""
        turned = [state.changes for state in states if state.margin < 0]
        if turned:
            self.found = min(turned, key=lambda changes: (len(changes), edits_of(self.text, changes)))
        return bool(turned)


def _most_first(importance: dict[int, float]) -> dict[int, float]:
    return dict(sorted(importance.items(), key=lambda found: found[1], reverse=True))


def _blocks(places: Sequence[int], most: int) -> list[list[int]]:
    """Neighbouring places in at most so many blocks of equal size; none where nothing can be asked."""
    if most < 1:
        return []
    size = ceil(len(places) / most)
    return [list(places[start : start + size]) for start in range(0, len(places), size)] if places else []
