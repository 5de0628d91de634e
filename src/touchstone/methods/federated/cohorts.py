"""What follows from sums that were opened: whose update can be worked out from them, and what stays mixed how well.

Secure aggregation shows a server sums of updates and nothing else. Sums over cohorts that overlap are equations all the
same: two that differ by one party differ by that party's update. A *cohort* is a set of parties, a matrix of cohorts
has one row of 0 and 1 for each, and what can be computed linearly from the sums is the span of its rows. Arithmetic is
exact: rationals, no tolerance.

Source: So et al. 2023 (AAAI, "Securing secure aggregation"); Zhao and Sun 2022 (IEEE Trans. Inf. Theory 68).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import combinations
from math import comb

Cohort = frozenset[str]
Row = list[Fraction]

MOST_COMBINATIONS = 20_000
"""Combinations of sums that are looked at one by one."""


def exposed_parties(cohorts: Iterable[Cohort]) -> Cohort:
    """Parties whose own update is a linear combination of the sums: unit vectors in the span of the rows.

    A unit vector is in the span exactly where it is a row of the reduced echelon form.
    """
    rows, parties = _matrix(cohorts)
    units = [row for row in _reduced(rows) if sum(value != 0 for value in row) == 1]
    return frozenset(parties[next(place for place, value in enumerate(row) if value)] for row in units)


def smallest_mixture(cohorts: Iterable[Cohort]) -> Cohort:
    """The fewest parties whose updates, weighted somehow, are all that is left in a combination of the sums.

    Exact up to `MOST_COMBINATIONS` candidates. Beyond that (`is_searched` is false) the cohorts themselves, their
    differences and the reduced echelon form are looked at: every mixture found is one, and a single party is never
    missed, but a smaller mixture may be.
    """
    rows, parties = _matrix(cohorts)
    basis = _reduced(rows)
    if not basis:
        return frozenset()
    alike = _alike(basis, parties)
    columns = list(alike)
    if _combinations(basis, alike) > MOST_COMBINATIONS:
        return _smallest_seen(rows, basis, parties)
    # A combination that mixes the fewest is zero on columns that span all but one dimension; try all such columns.
    best = frozenset(parties)
    for zeros in combinations(columns, len(basis) - 1):
        weights = _annihilator(zeros, len(basis))
        if weights is None:
            continue
        mixed = [alike[column] for column in columns if sum(w * v for w, v in zip(weights, column, strict=True))]
        found = frozenset(party for same in mixed for party in same)
        best = min(best, found, key=_size)
    return best


def is_searched(cohorts: Iterable[Cohort]) -> bool:
    """Whether `smallest_mixture` of these sums is the smallest there is."""
    rows, parties = _matrix(cohorts)
    basis = _reduced(rows)
    return not basis or _combinations(basis, _alike(basis, parties)) <= MOST_COMBINATIONS


def _alike(basis: Sequence[Row], parties: Sequence[str]) -> dict[tuple[Fraction, ...], list[str]]:
    """The parties by their column of the basis: those with the same one cannot be told apart."""
    found: dict[tuple[Fraction, ...], list[str]] = {}
    for place, party in enumerate(parties):
        found.setdefault(tuple(row[place] for row in basis), []).append(party)
    return found


def _combinations(basis: Sequence[Row], alike: Mapping[tuple[Fraction, ...], Sequence[str]]) -> int:
    return comb(len(alike), len(basis) - 1)


def _size(cohort: Cohort) -> tuple[int, list[str]]:
    """Fewer parties first, then by name, so that the answer does not depend on an order."""
    return len(cohort), sorted(cohort)


def _matrix(cohorts: Iterable[Cohort]) -> tuple[list[Row], list[str]]:
    distinct = sorted({cohort for cohort in cohorts if cohort}, key=_size)
    parties = sorted(frozenset().union(*distinct))
    return [[Fraction(party in cohort) for party in parties] for cohort in distinct], parties


def _reduced(rows: Sequence[Row]) -> list[Row]:
    """The reduced row echelon form, without its rows of zeros."""
    rest = [list(row) for row in rows]
    basis: list[Row] = []
    for column in range(len(rest[0]) if rest else 0):
        pivot = next((row for row in rest if row[column]), None)
        if pivot is None:
            continue
        rest.remove(pivot)
        pivot = [value / pivot[column] for value in pivot]
        rest = [_without(row, pivot, column) for row in rest]
        basis = [*(_without(row, pivot, column) for row in basis), pivot]
    return basis


def _without(row: Row, pivot: Row, column: int) -> Row:
    factor = row[column]
    return [a - factor * b for a, b in zip(row, pivot, strict=True)] if factor else row


def _annihilator(vectors: Sequence[tuple[Fraction, ...]], size: int) -> Row | None:
    """The one direction that is orthogonal to all vectors; `None` where they leave more than one."""
    basis = _reduced([list(vector) for vector in vectors])
    if len(basis) != size - 1:
        return None
    pivots = [next(place for place, value in enumerate(row) if value) for row in basis]
    free = next(place for place in range(size) if place not in pivots)
    direction = [Fraction(0)] * size
    direction[free] = Fraction(1)
    for row, pivot in zip(basis, pivots, strict=True):
        direction[pivot] = -row[free]
    return direction


def _smallest_seen(rows: list[Row], basis: list[Row], parties: list[str]) -> Cohort:
    differences = ([a - b for a, b in zip(one, other, strict=True)] for one, other in combinations(rows, 2))
    found = (
        frozenset(party for party, value in zip(parties, row, strict=True) if value)
        for row in (*rows, *basis, *differences)
    )
    return min((cohort for cohort in found if cohort), key=_size)
