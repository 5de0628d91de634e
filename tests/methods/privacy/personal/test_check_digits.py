import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstone.methods.privacy.personal.check_digits import (
    CHECKS,
    iban_digits,
    luhn,
    luhn_digit,
    resident_digit,
    resident_id,
)
from touchstone.methods.privacy.personal.made import MAKERS


@pytest.mark.parametrize(
    ("check", "right", "wrong"),
    [
        ("resident-id", "11010519491231002X", "110105194912310020"),
        ("resident-id", "440524188001010014", "440524188002300014"),  # 30 February
        ("luhn", "4111 1111 1111 1111", "4111 1111 1111 1112"),
        ("luhn", "378282246310005", "000000000000000"),
        ("iban", "GB82 WEST 1234 5698 7654 32", "GB82 WEST 1234 5698 7654 33"),
        ("iban", "DE89370400440532013000", "DE8937040044053201300"),
        ("e164", "+44 20 7946 0958", "+44 20"),
        ("ipv4", "203.0.113.7", "127.0.0.1"),
        ("ipv6", "2001:db8::1", "12:30:45"),
        ("ipv6", "fe80::1", "::1"),
    ],
)
def test_known_numbers(check, right, wrong):
    assert CHECKS[check](right)
    assert not CHECKS[check](wrong)


@given(st.text("0123456789", min_size=12, max_size=18))
def test_exactly_one_last_digit_adds_up(first):
    if set(first) != {"0"}:
        assert [digit for digit in "0123456789" if luhn(first + digit)] == [luhn_digit(first)]


@given(st.integers(0, 10**6))
def test_one_wrong_digit_of_an_identity_number_is_noticed(seed):
    generator = np.random.default_rng(seed)
    right = MAKERS["resident-id"](generator)
    assert resident_id(right)
    place, other = int(generator.integers(17)), str(generator.integers(10))
    wrong = right[:place] + other + right[place + 1 :]
    assert resident_id(wrong) == (wrong == right)
    assert resident_digit(right[:17]) == right[17]


@given(st.text("0123456789", min_size=18, max_size=18))
def test_made_accounts_add_up(account):
    assert CHECKS["iban"](f"DE{iban_digits('DE', account)}{account}")
