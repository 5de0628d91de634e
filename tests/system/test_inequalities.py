import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstone.system.inequalities import Inequality, InequalityError, parse_inequality


@pytest.mark.parametrize(
    ("text", "coefficients", "bound"),
    [
        ("debt <= income", {"debt": 1, "income": -1}, 0),
        ("debt <= 0.4 * income + 100", {"debt": 1, "income": -0.4}, 100),
        ("income >= 2 * debt - 1e2", {"income": -1, "debt": 2}, 100),
        ("a*2 + b - 3*-1 <= 10", None, 0),
        ("- a + 2 * 3 <= 10 - b", {"a": -1, "b": 1}, 4),
        ("a + a <= a + 3", {"a": 1}, 3),
        ("`income (CNY)` >= 0", {"income (CNY)": -1}, 0),
        ("收入 >= 负债", {"收入": -1, "负债": 1}, 0),
        ("x.1 <= .5", {"x.1": 1}, 0.5),
    ],
)
def test_what_a_rule_says(text: str, coefficients: dict[str, float] | None, bound: float) -> None:
    if coefficients is None:
        with pytest.raises(InequalityError):
            parse_inequality(text)
        return
    assert parse_inequality(text) == Inequality(tuple(coefficients.items()), bound)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a", "no single"),
        ("a <= b <= c", "no single"),
        ("a < b", "cannot be read from '< b'"),
        ("a == b", "cannot be read from '== b'"),
        ("a <=", "nothing on one side"),
        ("a b <= 1", "lacks + or - before 'b'"),
        ("a * b <= 1", "multiplies the columns 'a' and 'b'"),
        ("2 * <= a", "lacks a number or a column"),
        ("a - a <= 1", "no column that matters"),
        ("1 <= 2", "no column that matters"),
        ("1e999 * a <= 1", "too large"),
        ("__import__('os') <= 1", "cannot be read from \"('os')"),
        ("2a <= 1", "cannot be read"),
        ("", "no single"),
    ],
)
def test_what_is_no_rule(text: str, said: str) -> None:
    with pytest.raises(InequalityError, match=r".*") as caught:
        parse_inequality(text)
    assert said in caught.value.what.en
    assert caught.value.what.zh != caught.value.what.en


@given(st.text(alphabet="ab1.<>=+-*` (e", max_size=30))
def test_whatever_is_written_is_a_rule_or_an_error(text: str) -> None:
    try:
        rule = parse_inequality(text)
    except InequalityError:
        return
    assert rule.coefficients
