"""The index of concentration, on shares worked out by hand."""

from fractions import Fraction

from touchstone.methods.supply.concentration import herfindahl


def test_known_shares() -> None:
    assert herfindahl([]) == 0
    assert herfindahl([["a"], ["a"]]) == 1
    assert herfindahl([["a"], ["b"], ["c"], ["d"]]) == Fraction(1, 4)
    assert herfindahl([["a"], ["a"], ["a"], ["b"]]) == Fraction(9, 16) + Fraction(1, 16)


def test_two_holders_of_one_item_share_it() -> None:
    assert herfindahl([["a", "b"]]) == Fraction(1, 2)
    assert herfindahl([["a", "b"], ["a"]]) == Fraction(9, 16) + Fraction(1, 16)
    assert herfindahl([[], ["a"]]) == 1
