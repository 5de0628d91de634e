import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstone.canonical import canonical_json, digest_of, parse_json
from touchstone.errors import EvidenceError
from touchstone.records import CheckIdentity, Exhibit, Metric, Note, number, plain
from touchstone.text import Text

NOTE = Note(code="a", text=Text("one", "一"))


def test_a_record_is_named_by_its_bytes_and_a_changed_copy_has_another_name() -> None:
    assert NOTE.own_digest() == digest_of(NOTE.to_bytes())
    changed = NOTE.model_copy(update={"code": "b"})
    assert changed.own_digest() == digest_of(changed.to_bytes()) != NOTE.own_digest()


def test_asking_for_the_name_changes_nothing_else() -> None:
    fresh = Note(code="a", text=Text("one", "一"))
    NOTE.own_digest()
    assert fresh == NOTE
    assert fresh.to_bytes() == NOTE.to_bytes()


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e12, max_value=1e12))
def test_measured_numbers_keep_nine_digits_and_have_no_exponent(value: float) -> None:
    kept = number(value)
    assert abs(kept - Decimal(repr(value))) <= max(abs(Decimal(repr(value))) * Decimal("1e-8"), Decimal("1e-300"))
    assert "e" not in plain(kept).lower()
    assert number(plain(kept)) == kept


@pytest.mark.parametrize("value", [float("nan"), float("inf"), True, "x", "1e999", None])
def test_what_is_no_number_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="number"):
        number(value)


def test_a_record_survives_its_bytes() -> None:
    metric = Metric(id="m", unit="share", value=0.1, low=0.05, high=0.2, n=10, better="lower")
    assert Metric.from_bytes(metric.to_bytes(), "x") == metric
    assert b"0.1" in metric.to_bytes()


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".hidden", "a" * 101, "x\n"])
def test_an_exhibit_cannot_be_a_path(name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        Exhibit(name=name, media_type="text/plain", digest=digest_of(b""), size=0)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b'{"id": "a", "id": "b", "version": "1"}', "same key twice"),
        (b'{"id": "a", "version": 1.5}', "float"),
        (b'{"id": "a", "version": NaN}', "float"),
        (b'{"id": "a"}', "version"),
        (b'{"id": "a", "version": "1", "more": 1}', "more"),
        (b"[" * 100_000, "nested"),
        (b"\xff", "UTF-8"),
        (b"{", "not JSON"),
        (b'{"id": "a", "version": 99999999999999999999}', "2\\^53"),
    ],
)
def test_hostile_json_is_refused_with_a_reason(data: bytes, said: str) -> None:
    with pytest.raises(EvidenceError, match=said):
        CheckIdentity.from_bytes(data, "somewhere")


@given(st.binary(max_size=300))
def test_arbitrary_bytes_are_json_or_refused(data: bytes) -> None:
    try:
        value = parse_json(data, "somewhere")
    except EvidenceError:
        return
    assert parse_json(canonical_json(value), "again") == value


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(JSON)
def test_canonical_json_means_the_same_and_has_one_spelling(value: object) -> None:
    data = canonical_json(value)
    assert json.loads(data) == value
    assert canonical_json(parse_json(data, "x")) == data
