from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstone.records import Condition
from touchstone.report.words import measured, method, part
from touchstone.standard.citing import cited, place
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


def test_parts_are_named_in_words() -> None:
    assert part("threat=drift") == Text("threat: drift", "威胁：drift")
    assert part("eps=0.1") == Text("eps=0.1", "eps=0.1")


def test_a_condition_is_called_by_its_title() -> None:
    fog = Condition(title=Text("Fog", "雾"), faults={})
    assert part("condition=fog", {"fog": fog}) == Text("condition: Fog", "条件：雾")
    assert part("condition=rain", {"fog": fog}) == Text("condition: rain", "条件：rain")


def test_articles_are_named_as_chinese_texts_name_them() -> None:
    assert place("Art. 28-30") == Text("Art. 28-30", "第 28-30 条")
    assert place("MANAGE 1.4") == Text("MANAGE 1.4", "MANAGE 1.4")
    assert cited(Text("Data Act", "数据法"), "Art. 3") == Text("Data Act, Art. 3", "《数据法》第 3 条")


def test_a_number_that_was_counted_says_so_and_an_interval_keeps_its_name() -> None:
    assert method("exact") == Text("counted", "计数所得")
    assert method("clopper-pearson") == Text("clopper-pearson", "clopper-pearson")
