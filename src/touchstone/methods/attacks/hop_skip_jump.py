"""Decision-based attack along an estimated gradient, for models that answer with a label only.

Chen, Jordan and Wainwright 2020, "HopSkipJumpAttack: A Query-Efficient Decision-Based Attack" (IEEE S&P): at the
boundary, the answers to small random changes tell on which side it rises; a step that way and a walk back to the
boundary bring the change of answer nearer. All moves are in units of each element's radius.

Ours differs where round trips and queries are lost: all samples share every round; several starts, real and noise, and
all step sizes are tried in one round each, and the step that leads nearest is taken rather than the first that leads
anywhere; the walk back divides the way by eight; what is known only ever gets nearer; what the change does not need is
left out again; and a sample leaves as soon as the boundary is inside its ball.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Final

import numpy as np
from numpy.typing import NDArray

from touchstone.errors import BudgetSpentError
from touchstone.methods.attacks.boundary_search import BoundaryResult, BoundarySearch, Rows
from touchstone.methods.attacks.threat_model import Classes, Labels, Samples, ThreatModel

FIRST_DRAWS: Final = 200
MOST_DRAWS: Final = 1000
"""Questions for one estimate of the gradient: grows with the root of the iteration, as in the paper."""
FEWEST_DRAWS: Final = 24
"""Below this an estimate is not worth its questions, and what is left goes into shrinking."""
RESERVE: Final = 64
"""Questions kept for the walk back after an estimate."""
STEPS: Final = 2.0 ** np.arange(1, -6, -1)
"""Step sizes tried at once, in units of the paper's first one."""
SPREAD: Final = 2.0
"""Length of the random moves of an estimate, in shares of the distance over the root of the number of elements."""
WALK_PRECISION: Final = 5e-3
"""How near to the boundary a walk back ends, in shares of the distance."""
SHRINK_EVERY: Final = 3
DRAWN_AT_ONCE: Final = 2**20
"""Most random numbers held per sample."""
HELD_AT_ONCE: Final = 2**25
"""Most numbers in the questions of one round; more samples are attacked one portion after the other."""


def hop_skip_jump(
    labels: Labels,
    x: Samples,
    y: Classes,
    threat: ThreatModel,
    seeds: NDArray[np.int64],
    *,
    queries: int,
    pool: Samples,
    pool_y: Classes,
    stop: float = 1.0,
) -> BoundaryResult:
    """Attack samples that the model classifies as `y`, with at most `queries` questions per sample.

    `pool` holds real samples to start from, `pool_y` their supposed classes; it may be empty. A sample is left alone
    once a change of answer is known within `stop` radii; zero looks for the nearest change until the budget is spent.
    """
    size = _portion(x)
    results = []
    for first in range(0, max(len(x), 1), size):
        part = slice(first, first + size)
        search = BoundarySearch(labels, x[part], y[part], threat, seeds[part], queries=queries, stop=stop)
        with suppress(BudgetSpentError):  # what was found until then stands
            _search(search, pool, pool_y)
        results.append(search.result())
    return results[0] if len(results) == 1 else _joined(results)


def _search(search: BoundarySearch, pool: Samples, pool_y: Classes) -> None:
    rows = np.arange(len(search.x))
    if not search.movable:
        return
    search.start(rows, pool, pool_y)
    search.bisect(rows, WALK_PRECISION)
    search.shrink(rows)
    search.bisect(rows, WALK_PRECISION)
    turn = 0
    while True:
        turn += 1
        rows = search.open(rows)
        rows = rows[search.left(rows) >= RESERVE + FEWEST_DRAWS]
        if not rows.size:
            break
        _turn(search, rows, turn)
        if turn % SHRINK_EVERY == 0:
            search.shrink(rows)
            search.bisect(rows, WALK_PRECISION)
    search.finish(np.arange(len(search.x)))


def _turn(search: BoundarySearch, rows: Rows, turn: int) -> None:
    """Estimate where the boundary rises, step that way by several lengths, and walk back from where it pays most."""
    base, distance = search.points[rows].copy(), search.distance[rows].copy()
    draws = np.minimum(min(int(FIRST_DRAWS * turn**0.5), MOST_DRAWS), search.left(rows) - RESERVE)
    direction = _rise(search, rows, base, distance, draws)
    lengths = STEPS / turn**0.5 * distance[:, None]
    step = _each(lengths, base) * search.weight * direction[:, None]
    far = search.legal(rows, base[:, None] + step)
    changed = search.ask(rows, far)
    search.look_nearer(rows, far, changed)
    search.bisect(rows[search.distance[rows] < distance], WALK_PRECISION)


def _rise(
    search: BoundarySearch, rows: Rows, base: Samples, distance: NDArray[np.float64], draws: NDArray[np.int64]
) -> Samples:
    """The direction, of unit length in the norm of the steps, in which changes of answer lie, as estimated."""
    size = base[0].size
    width = SPREAD * distance / size**0.5
    block = max(DRAWN_AT_ONCE // size, FEWEST_DRAWS)
    signed, plain = np.zeros((2, len(rows), size), dtype=np.float32)
    balance = np.zeros(len(rows))
    for first in range(0, int(draws.max()), block):
        taken = np.clip(draws - first, 0, block)
        noise = np.zeros((len(rows), int(taken.max()), *base.shape[1:]), dtype=np.float32)
        for place, row in enumerate(rows):
            noise[place, : taken[place]] = _noise(search, int(row), int(taken[place]))
        points = search.legal(rows, base[:, None] + _each(width[:, None], base) * search.weight * noise)
        changed = search.ask(rows, points, np.arange(noise.shape[1]) < taken[:, None])
        for place, count in enumerate(taken):
            moved = _in_radii(search, points[place, :count] - base[place]).reshape(count, size)
            answer = np.where(changed[place, :count], np.float32(1), np.float32(-1))
            signed[place] += answer @ moved
            plain[place] += moved.sum(axis=0)
            balance[place] += answer.sum()
    mean = balance / draws
    one_sided = np.abs(mean) == 1.0
    rise = signed - np.where(one_sided, 0.0, mean)[:, None].astype(np.float32) * plain
    if search.threat.norm == "linf":
        return np.asarray(np.sign(rise).reshape(base.shape))
    length = np.linalg.norm(rise, axis=1, keepdims=True)
    return np.asarray(rise / np.maximum(length, 1e-30)).reshape(base.shape)


def _noise(search: BoundarySearch, row: int, count: int) -> Samples:
    """Random moves of one sample: of unit length, or in L∞ with every element between minus one and one."""
    generator, shape = search.generators[row], (count, *search.x.shape[1:])
    if search.threat.norm == "linf":
        return 2 * generator.random(shape, dtype=np.float32) - 1
    drawn = generator.standard_normal(shape, dtype=np.float32)
    length = np.linalg.norm(drawn.reshape(count, -1), axis=1)
    return np.asarray(drawn / np.maximum(length, np.float32(1e-12)).reshape(-1, *[1] * (len(shape) - 1)))


def _in_radii(search: BoundarySearch, step: Samples) -> Samples:
    movable = search.weight > 0
    return np.asarray(np.where(movable, step / np.where(movable, search.weight, 1.0), 0.0), dtype=np.float32)


def _each(values: NDArray[np.float64], base: Samples) -> NDArray[np.float64]:
    """Values `(rows, k)`, shaped to spread over the elements of `(rows, k, *shape)`."""
    return values.reshape(*values.shape, *[1] * (base.ndim - 1))


def _portion(x: Samples) -> int:
    """Samples whose questions of one round fit into memory together."""
    size = max(x[0].size, 1) if len(x) else 1
    held = min(MOST_DRAWS, max(DRAWN_AT_ONCE // size, 64))
    return max(HELD_AT_ONCE // (size * held), 1)


def _joined(results: list[BoundaryResult]) -> BoundaryResult:
    return BoundaryResult(
        np.concatenate([result.points for result in results]),
        np.concatenate([result.distance for result in results]),
        np.concatenate([result.succeeded for result in results]),
        np.concatenate([result.queries for result in results]),
        np.concatenate([result.rounds for result in results]),
        sum(result.calls for result in results),
    )
