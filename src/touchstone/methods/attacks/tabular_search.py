"""Search for rows that get another answer, among the rows that somebody could really hand in.

With scores, a greedy search: every single change is tried, the good ones are added up (SimBA in spirit: Guo et al.
2019), then random groups of changes with restarts cross what greed cannot. With labels alone, a boundary walk: start
from a row with another answer that is too far away, take back what is not needed, until the rest is legal (the idea
of Brendel et al. 2018, "Decision-based adversarial attacks", in the coordinates of a table).

Each sample's search is written as if it were alone; :func:`_in_lock_step` asks for all of them at once.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from touchstone.errors import BudgetSpentError
from touchstone.methods.attacks.tabular_constraints import OneHot, TabularConstraints
from touchstone.methods.attacks.threat_model import AttackResult, Classes, Labels, Samples, Scores, margin

PATIENCE: Final = 40
"""Random changes in a row that gain nothing before a search starts anew."""
HALVINGS: Final = 5
"""Times the way between an answer and another one is halved."""
SWEEPS: Final = 4
"""Times all changes are gone through to take them back."""
LARGEST_SHARE: Final = 0.5
"""Share of what can be changed that a random change touches at most."""

Row = NDArray[np.float32]
"""One sample, `(d,)`."""


@dataclass(frozen=True, slots=True)
class Try:
    """A row to ask for, made legal first; `far` ones need not keep reach and budget."""

    row: Row
    far: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a try: the row that was asked for, its margin (negative once the answer changed)."""

    row: Row
    margin: float
    changed: bool


Search = Generator[Try, Answer, None]
Ask = Callable[[Samples, Classes], tuple[NDArray[np.float64], NDArray[np.bool_]]]
"""Margins of rows, and whether they are answered otherwise than `y`."""


def tabular_attack(
    scores: Scores | None,
    labels: Labels,
    x: Samples,
    y: Classes,
    constraints: TabularConstraints,
    seeds: NDArray[np.int64],
    *,
    queries: int,
    references: Samples | None = None,
    cheaper: int = 0,
) -> AttackResult:
    """The searches that the answers allow; what they found is made cheaper with as many questions as `cheaper` says.

    With scores, survivors are searched once more by labels, as scores of trees may be flat where the answer is near;
    each of the two searches may ask `queries` questions per row. Rows `x` are answered `y`. `references` are rows of
    the data, good starts for a search by labels. Every success is legal, and one more forward pass has confirmed it;
    that pass is not counted. A model that may be asked nothing more (`BudgetSpentError`) ends the search; what was
    found until then stands.
    """
    if scores is None:
        found = tabular_boundary(labels, x, y, constraints, seeds, queries=queries, references=references)
    else:
        found = tabular_search(scores, x, y, constraints, seeds, queries=queries)
        left = np.flatnonzero(~found.succeeded)
        if left.size:
            again = tabular_boundary(
                labels, x[left], y[left], constraints, seeds[left], queries=queries, references=references
            )
            found.adversarial[left], found.succeeded[left] = again.adversarial, again.succeeded
            found.queries[left] += again.queries
    if cheaper:
        found = cheapened(labels, x, y, found, constraints, seeds, queries=cheaper)
    return confirmed(labels, x, y, found, constraints)


def tabular_search(
    scores: Scores, x: Samples, y: Classes, constraints: TabularConstraints, seeds: NDArray[np.int64], *, queries: int
) -> AttackResult:
    """Attack by scores with at most `queries` questions per row, the first of which is the row itself."""

    def ask(points: Samples, classes: Classes) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        answer = scores(points)
        return margin(answer, classes), answer.argmax(axis=1) != classes

    searches = [_Neighbourhood(row, constraints, seed).by_scores() for row, seed in zip(x, seeds, strict=True)]
    return _in_lock_step(ask, x, y, constraints, searches, queries)


def tabular_boundary(
    labels: Labels,
    x: Samples,
    y: Classes,
    constraints: TabularConstraints,
    seeds: NDArray[np.int64],
    *,
    queries: int,
    references: Samples | None = None,
) -> AttackResult:
    """Attack by labels with at most `queries` questions per row; every other start is one of `references`."""
    starts = x[:0] if references is None else references
    searches = [_Neighbourhood(row, constraints, seed).by_labels(starts) for row, seed in zip(x, seeds, strict=True)]
    return _in_lock_step(_by_labels(labels), x, y, constraints, searches, queries)


def cheapened(
    labels: Labels,
    x: Samples,
    y: Classes,
    found: AttackResult,
    constraints: TabularConstraints,
    seeds: NDArray[np.int64],
    *,
    queries: int,
) -> AttackResult:
    """The same successes with fewer and smaller changes, as far as `queries` more questions per row go."""
    rows = np.flatnonzero(found.succeeded)
    adversarial, spent = found.adversarial.copy(), found.queries.copy()
    if rows.size:
        searches = [_Neighbourhood(x[row], constraints, seeds[row]).closer(adversarial[row]) for row in rows]
        closer = _in_lock_step(_by_labels(labels), x[rows], y[rows], constraints, searches, queries, go_on=True)
        better = closer.succeeded & (
            constraints.price(x[rows], closer.adversarial) <= constraints.price(x[rows], adversarial[rows])
        )
        adversarial[rows[better]] = closer.adversarial[better]
        spent[rows] += closer.queries
    return AttackResult(adversarial, found.succeeded.copy(), spent)


def confirmed(
    labels: Labels, x: Samples, y: Classes, found: AttackResult, constraints: TabularConstraints
) -> AttackResult:
    """Only what is legal and one more question confirms, if the model may be asked another one."""
    succeeded = found.succeeded & constraints.contains(x, found.adversarial)
    rows = np.flatnonzero(succeeded)
    if rows.size:
        with contextlib.suppress(BudgetSpentError):
            succeeded[rows] = labels(found.adversarial[rows]) != y[rows]
    return AttackResult(found.adversarial, succeeded, found.queries)


def _by_labels(labels: Labels) -> Ask:
    def ask(points: Samples, classes: Classes) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        changed = labels(points) != classes
        return np.where(changed, -1.0, 1.0), changed

    return ask


def _in_lock_step(
    ask: Ask,
    x: Samples,
    y: Classes,
    constraints: TabularConstraints,
    searches: Sequence[Search],
    queries: int,
    *,
    go_on: bool = False,
) -> AttackResult:
    """Run one search per row, all questions of a round in one batch, until it succeeds.

    With `go_on` a search runs to its own end and its last success counts. A try that comes to nothing but the row
    itself costs no question; a search that goes on so ends like one out of questions.
    """
    adversarial, succeeded = x.copy(), np.zeros(len(x), dtype=bool)
    spent, idle = np.zeros(len(x), dtype=np.int64), np.zeros(len(x), dtype=np.int64)
    own = np.full(len(x), np.inf)
    far = constraints.loosened()
    tries = {row: first for row, search in enumerate(searches) if (first := next(search, None)) is not None}
    while tries:
        rows = np.array(list(tries))
        points = np.stack([tries[row].row for row in rows])
        loose = np.array([tries[row].far for row in rows])
        for wanted, rule in ((~loose, constraints), (loose, far)):
            if wanted.any():
                points[wanted] = rule.project(x[rows[wanted]], points[wanted])
        legal = ~loose
        legal[loose] = constraints.contains(x[rows[loose]], points[loose])
        margins, changed = own[rows], np.zeros(len(rows), dtype=bool)
        asked = (points != x[rows]).any(axis=1) | np.isinf(margins)
        if asked.any():
            try:
                margins[asked], changed[asked] = ask(points[asked], y[rows[asked]])
            except BudgetSpentError:
                break
        spent[rows] += asked
        idle[rows] += ~asked
        broken = changed & legal
        adversarial[rows[broken]], succeeded[rows[broken]] = points[broken], True
        first = np.isinf(own[rows]) & (points == x[rows]).all(axis=1)
        own[rows[first]] = margins[first]
        for place, row in enumerate(rows):
            over = max(spent[row], idle[row]) >= queries or (broken[place] and not go_on)
            answer = Answer(points[place], float(margins[place]), bool(changed[place]))
            following = None if over else _next(searches[row], answer)
            if following is None:
                del tries[row]
            else:
                tries[row] = following
    return AttackResult(adversarial, succeeded, spent)


def _next(search: Search, answer: Answer) -> Try | None:
    try:
        return search.send(answer)
    except StopIteration:
        return None


class _Neighbourhood:
    """One row, what can be changed in it, and three ways to look for another answer."""

    def __init__(self, x: Row, constraints: TabularConstraints, seed: int) -> None:
        self.x = x
        self.constraints = constraints
        self.generator = np.random.default_rng(int(seed))
        self.lower, self.upper = (side[0] for side in constraints.box(x[None]))
        far = constraints.loosened().box(x[None])
        self.far_lower, self.far_upper = far[0][0], far[1][0]
        self.parts: list[int | OneHot] = [int(column) for column in constraints.movable] + list(constraints.groups)

    def by_scores(self) -> Search:
        """Try every single change, add up the good ones, then random changes with restarts."""
        if not self.parts:
            return
        own = (yield Try(self.x)).margin
        gains: list[tuple[float, Row]] = []
        moves = self._single_changes()
        for place in self.generator.permutation(len(moves)):
            answer = yield Try(moves[place])
            gains.append((own - answer.margin, answer.row))
        current, least = self.x, own
        for gain, moved in sorted(gains, key=lambda found: -found[0]):
            if gain <= 0:
                break
            answer = yield Try(np.where(moved != self.x, moved, current))
            if answer.margin <= least:
                current, least = answer.row, answer.margin
        while True:
            yield from self._random_search(current, least)
            answer = yield Try(self._randomly_changed(self.x, 1.0))
            current, least = answer.row, answer.margin

    def _random_search(self, current: Row, least: float) -> Search:
        """Random changes, ever fewer at once, until nothing gains any more."""
        idle = 0
        while idle < PATIENCE:
            share = LARGEST_SHARE * (1 - idle / PATIENCE)
            answer = yield Try(self._randomly_changed(current, share))
            idle = 0 if answer.margin < least else idle + 1
            if answer.margin <= least:
                current, least = answer.row, answer.margin

    def by_labels(self, references: Samples) -> Search:
        """Start far away where the answer is another one, and take back what is not needed until the rest is legal."""
        if not self.parts:
            return
        turn = 0
        while True:
            answer = yield Try(self._start(turn, references), far=True)
            turn += 1
            if answer.changed:
                yield from self.closer(answer.row, far=True)

    def closer(self, start: Row, *, far: bool = False) -> Search:
        """Take changes back, whole ones first, then by halves, as long as the answer stays another one."""
        current = start
        for _ in range(SWEEPS):
            before = current
            for part in self._shuffled():
                current = yield from self._taken_back(current, part, far=far)
            if far:
                yield Try(current)
            if (current == before).all():
                break

    def _taken_back(self, current: Row, part: int | OneHot, *, far: bool) -> Generator[Try, Answer, Row]:
        """One change taken back as far as the answer allows; a category has no half."""
        columns = _columns(part)
        if (current[columns] == self.x[columns]).all():
            return current
        trial = current.copy()
        trial[columns] = self.x[columns]
        answer = yield Try(trial, far=far)
        if answer.changed:
            return answer.row
        if not isinstance(part, int):
            return current
        too_little = self.x[part]
        for _ in range(HALVINGS):
            trial = current.copy()
            trial[part] = (too_little + current[part]) / 2
            answer = yield Try(trial, far=far)
            if answer.changed:
                current = answer.row
            else:
                too_little = trial[part]
        return current

    def _single_changes(self) -> list[Row]:
        """Each column at either end of its range, each category that is not the row's own."""
        moves: list[Row] = []
        for part in self.parts:
            if isinstance(part, int):
                values = [side[part : part + 1] for side in (self.lower, self.upper)]
            else:
                values = list(np.eye(len(part.columns), dtype=np.float32))
            moves += [self._with(_columns(part), value) for value in values if (value != self.x[_columns(part)]).any()]
        return moves

    def _with(self, columns: NDArray[np.int64], values: Row) -> Row:
        row = self.x.copy()
        row[columns] = values
        return row

    def _start(self, turn: int, references: Samples) -> Row:
        """A row far away: one of the data in all that can be changed, or a random one."""
        if turn % 2 == 0 and len(references):
            row, other = self.x.copy(), references[self.generator.integers(len(references))]
            for part in self.parts:
                row[_columns(part)] = other[_columns(part)]
            return row
        return self._randomly_changed(self.x, 1.0, far=True)

    def _randomly_changed(self, current: Row, share: float, *, far: bool = False) -> Row:
        """Up to that share of what can be changed set to an end of its range or, as often, to a value inside."""
        lower, upper = (self.far_lower, self.far_upper) if far else (self.lower, self.upper)
        row = current.copy()
        count = self.generator.integers(1, max(round(share * len(self.parts)), 1) + 1)
        for place in self.generator.choice(len(self.parts), count, replace=False):
            part = self.parts[place]
            if isinstance(part, int):
                weight = self.generator.random()
                weight = np.rint(weight) if self.generator.random() < 0.5 else weight
                row[part] = lower[part] + np.float32(weight) * (upper[part] - lower[part])
            else:
                row[part.columns] = 0.0
                row[self.generator.choice(part.columns)] = 1.0
        return row

    def _shuffled(self) -> list[int | OneHot]:
        return [self.parts[place] for place in self.generator.permutation(len(self.parts))]


def _columns(part: int | OneHot) -> NDArray[np.int64]:
    return np.array([part]) if isinstance(part, int) else part.columns
