"""Where a model is wrong more often: readable rules over columns, found on one half of the data, proven on the other.

A rule is up to three conditions that hold together (`age > 60 & sex = F`). The search looks at every single condition
and every pair, and goes on from the best pairs (as Chung et al. 2019, "Slice Finder", ICDE, and Sagadeeva and Boehm
2021, "SliceLine", SIGMOD). Whoever looks at thousands of rules finds some that look bad by chance; so nothing is said
of the half that was searched. The few rules that were found are tested on the other half, which had no part in it, and
share the error among themselves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from touchstone.statistics import CONFIDENCE, difference_bounds

QUANTILES: Final = (0.1, 0.25, 0.5, 0.75, 0.9)
"""Where columns of many values are cut."""
FEW_VALUES: Final = 12
"""A column of no more values is compared with each of them instead."""
BEAM: Final = 30
"""Pairs of conditions that get a third."""
PRICE: Final = 0.5
"""Standard errors that a further condition has to gain: the shorter of two like rules is the better one."""
LARGEST_OVERLAP: Final = 0.5
"""Share of two rules' rows that they may have in common, before the weaker of them says nothing new."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """Conditions in words, and for each whether it holds in each row `(len(words), n)`; `column` of each."""

    words: tuple[str, ...]
    column: NDArray[np.int64]
    holds: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Rule:
    """Conditions, by number, that hold together."""

    conditions: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ProvenSlice:
    """One rule on the half that was not searched: errors inside and outside, and bounds of the difference of rates."""

    words: str
    wrong: int
    n: int
    wrong_elsewhere: int
    n_elsewhere: int
    low: float
    high: float

    @property
    def excess(self) -> float:
        """Error rate inside less that outside."""
        return self.wrong / self.n - self.wrong_elsewhere / self.n_elsewhere


def conditions_on(columns: Mapping[str, NDArray[Any]]) -> Conditions:
    """All conditions on columns `(n,)` of numbers or of strings that neither hold everywhere nor nowhere.

    They rest on the columns alone, never on where the model was wrong.
    """
    words: list[str] = []
    column: list[int] = []
    holds: list[NDArray[np.bool_]] = []
    for place, (name, values) in enumerate(columns.items()):
        for word, where in _conditions(name, values):
            words.append(word)
            column.append(place)
            holds.append(where)
    n = len(next(iter(columns.values()))) if columns else 0
    return Conditions(
        tuple(words), np.array(column, dtype=np.int64), np.array(holds, dtype=bool).reshape(len(words), n)
    )


def find_rules(
    conditions: Conditions, wrong: NDArray[np.bool_], rows: NDArray[np.int64], *, least: int, most: int
) -> tuple[Rule, ...]:
    """Up to `most` rules under which the model errs most on `rows`, each of at least `least` rows, worst first.

    `wrong` is `(n,)`. Only rules with more errors than there are on average are returned.
    """
    if not conditions.words:
        return ()
    holds = conditions.holds[:, rows].astype(np.float32)
    error = wrong[rows].astype(np.float32)
    overall = float(error.mean())
    if overall in (0.0, 1.0):
        return ()

    def scores(masks: NDArray[np.float32], length: int) -> NDArray[np.float64]:
        """Score of every mask `(m, n)` under each further condition, `(m, conditions)`."""
        n = (masks @ holds.T).astype(np.float64)
        errors = ((masks * error) @ holds.T).astype(np.float64)
        spread = np.sqrt(overall * (1.0 - overall) * n * np.maximum(0.0, 1.0 - n / len(rows)))
        strays = (errors - overall * n) / np.where(spread > 0, spread, np.inf)
        return np.where((n >= least) & (n <= len(rows) - least), strays - PRICE * (length - 1), -np.inf)

    pairs = scores(holds, 2)
    singles = np.diag(pairs) + PRICE
    same_column = conditions.column[:, None] == conditions.column[None, :]
    pairs = np.where(np.triu(~same_column), pairs, -np.inf)
    best = np.unravel_index(np.argsort(-pairs, axis=None, kind="stable")[:BEAM], pairs.shape)
    beam = [(int(a), int(b)) for a, b in zip(*best, strict=True) if np.isfinite(pairs[a, b])]
    found = [(float(score), Rule((index,))) for index, score in enumerate(singles)]
    found += [(float(pairs[pair]), Rule(pair)) for pair in beam]
    if beam:
        triples = scores(np.stack([holds[a] * holds[b] for a, b in beam]), 3)
        for pair, row in zip(beam, triples, strict=True):
            taken = np.isin(conditions.column, conditions.column[list(pair)])
            third = int(np.argmax(np.where(taken, -np.inf, row)))
            if not taken[third]:
                found.append((float(row[third]), Rule((*pair, third))))
    return _different([rule for score, rule in sorted(found, key=lambda each: -each[0]) if score > 0], holds, most)


def prove(
    conditions: Conditions,
    rules: Sequence[Rule],
    wrong: NDArray[np.bool_],
    rows: NDArray[np.int64],
    *,
    confidence: float = CONFIDENCE,
) -> tuple[ProvenSlice, ...]:
    """What the rules are worth on `rows` that had no part in finding them; rules that nothing meets there are left out.

    Lower bounds hold for all rules together, each upper bound by itself.
    """
    proven = []
    for rule in rules:
        inside = _holds(conditions.holds[:, rows], rule)
        n, n_elsewhere = int(inside.sum()), int((~inside).sum())
        if n and n_elsewhere:
            errors, elsewhere = int(wrong[rows][inside].sum()), int(wrong[rows][~inside].sum())
            low, _ = difference_bounds(errors, n, elsewhere, n_elsewhere, confidence=confidence, looks=len(rules))
            _, high = difference_bounds(errors, n, elsewhere, n_elsewhere, confidence=confidence)
            words = " & ".join(conditions.words[index] for index in sorted(rule.conditions))
            proven.append(ProvenSlice(words, errors, n, elsewhere, n_elsewhere, low, high))
    return tuple(proven)


def _conditions(name: str, values: NDArray[Any]) -> list[tuple[str, NDArray[np.bool_]]]:
    different = np.unique(values)
    if len(different) <= FEW_VALUES:
        return [(f"{name} = {value}", values == value) for value in different] if len(different) > 1 else []
    if values.dtype.kind not in "fiu":
        return []
    cuts = np.unique(np.quantile(values, QUANTILES, method="inverted_cdf"))
    made = []
    for cut in cuts[cuts < different[-1]]:
        made += [(f"{name} ≤ {cut:.4g}", values <= cut), (f"{name} > {cut:.4g}", values > cut)]
    for low, high in pairwise(cuts):
        made.append((f"{low:.4g} < {name} ≤ {high:.4g}", (values > low) & (values <= high)))
    return made


def _different(rules: Sequence[Rule], holds: NDArray[np.float32], most: int) -> tuple[Rule, ...]:
    """The first rules that say something new."""
    chosen: list[tuple[Rule, NDArray[np.bool_]]] = []
    for rule in rules:
        mask = _holds(holds > 0, rule)
        overlaps = ((mask & other).sum() / (mask | other).sum() for _, other in chosen)
        if all(overlap <= LARGEST_OVERLAP for overlap in overlaps):
            chosen.append((rule, mask))
        if len(chosen) == most:
            break
    return tuple(rule for rule, _ in chosen)


def _holds(holds: NDArray[np.bool_], rule: Rule) -> NDArray[np.bool_]:
    return np.asarray(holds[list(rule.conditions)].all(axis=0))
