"""What follows from opened sums, against brute force over small integer combinations."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from touchstone.methods.federated import cohorts as module
from touchstone.methods.federated.cohorts import Cohort, exposed_parties, is_searched, smallest_mixture

PARTIES = "abcde"
COHORTS = st.lists(st.frozensets(st.sampled_from(PARTIES), min_size=1), min_size=1, max_size=4)


def mixtures(cohorts: list[Cohort], reach: int = 3) -> list[Cohort]:
    """What is left in each combination of the sums with whole weights up to `reach`: by trying them all.

    Minors of a 0/1 matrix with four rows are at most 3, and so are the weights that Cramer's rule needs.
    """
    found = []
    for weights in product(range(-reach, reach + 1), repeat=len(cohorts)):
        totals = {p: sum(w for w, cohort in zip(weights, cohorts, strict=True) if p in cohort) for p in PARTIES}
        if left := frozenset(p for p, total in totals.items() if total):
            found.append(left)
    return found


@settings(deadline=None, max_examples=150)
@given(COHORTS)
def test_brute_force_finds_the_same(cohorts: list[Cohort]) -> None:
    found = mixtures(cohorts)
    assert exposed_parties(cohorts) == frozenset(p for p in PARTIES if frozenset(p) in found)
    smallest = smallest_mixture(cohorts)
    assert smallest in found
    assert len(smallest) == min(map(len, found))


@settings(deadline=None)
@given(COHORTS, st.randoms(use_true_random=False))
def test_order_and_copies_do_not_matter(cohorts: list[Cohort], random: object) -> None:
    mixed = [*cohorts, cohorts[0]]
    random.shuffle(mixed)  # type: ignore[attr-defined]
    assert exposed_parties(mixed) == exposed_parties(cohorts)
    assert smallest_mixture(mixed) == smallest_mixture(cohorts)


@settings(deadline=None)
@given(COHORTS, st.frozensets(st.sampled_from(PARTIES), min_size=1))
def test_another_sum_never_hides_anybody(cohorts: list[Cohort], another: Cohort) -> None:
    assert exposed_parties(cohorts) <= exposed_parties([*cohorts, another])
    assert len(smallest_mixture([*cohorts, another])) <= len(smallest_mixture(cohorts))


def test_two_sums_that_differ_by_one_party_expose_it() -> None:
    everybody = frozenset(f"p{number}" for number in range(30))
    assert exposed_parties([everybody, everybody - {"p7"}]) == {"p7"}
    assert smallest_mixture([everybody, everybody - {"p7"}]) == {"p7"}


def test_three_sums_no_two_of_which_expose_anybody() -> None:
    pairs = [frozenset("ab"), frozenset("bc"), frozenset("ac")]
    assert not exposed_parties(pairs[:2])
    assert exposed_parties(pairs) == set("abc")


def test_disjoint_groups_stay_as_large_as_they_are() -> None:
    groups = [frozenset("abcde"), frozenset("fghijk")]
    assert not exposed_parties(groups)
    assert smallest_mixture(groups) == set("abcde")


def test_nothing_opened_mixes_nobody() -> None:
    assert exposed_parties([]) == smallest_mixture([]) == frozenset()


def test_too_many_combinations_still_find_single_parties(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_COMBINATIONS", 0)
    pairs = [frozenset("ab"), frozenset("bc"), frozenset("ac"), frozenset("abcde")]
    assert len(smallest_mixture(pairs)) == 1
    assert smallest_mixture([frozenset("abcd"), frozenset("cdef")]) == set("abcd")


def test_where_not_every_mixture_is_looked_at_that_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    few = [frozenset("abc"), frozenset("cde")]
    assert is_searched(few)
    monkeypatch.setattr(module, "MOST_COMBINATIONS", 1)
    assert not is_searched(few)
    assert is_searched([])
