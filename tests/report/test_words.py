from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstone.checks.registry import installed_checks
from touchstone.report.words import measured, part, unit
from touchstone.standard.catalog import load_standard
from touchstone.text import Text


@pytest.mark.parametrize(
    ("value", "shown"),
    [("0.123456", "0.1235"), ("1500", "1500"), ("0", "0"), ("-0.00696832579", "-0.006968"), ("12.3456", "12.35")],
)
def test_four_significant_digits(value: str, shown: str) -> None:
    assert measured(Decimal(value)) == shown


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9, places=9))
def test_what_is_shown_is_close_and_has_no_exponent(value: Decimal) -> None:
    shown = measured(value)
    assert "E" not in shown.upper()
    assert abs(Decimal(shown) - value) <= max(abs(value) / 1000, Decimal("0.000001"))


def test_every_unit_has_words_in_both_languages() -> None:
    units = {metric.unit for check in installed_checks().values() for metric in check.metrics}
    units |= {limit.unit for control in load_standard().controls.values() for limit in control.entry.limits}
    same = {name for name in units if unit(name).zh == unit(name).en}
    assert same <= {"alpha", "epsilon", "nat", "z_score", "mad_score", "score"}, "symbols are the same everywhere"


def test_parts_are_named_in_words() -> None:
    assert part("threat=drift") == Text("threat: drift", "威胁：drift")
    assert part("eps=0.1") == Text("eps=0.1", "eps=0.1")
