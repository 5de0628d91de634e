"""DER: one encoding of every value, and nothing else is read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstone.evidence import der
from touchstone.evidence.der import Element


@given(st.binary(max_size=70_000))
def test_what_is_written_is_read_again(content: bytes) -> None:
    encoded = der.octet_string(content)
    assert Element.parse(encoded) == Element(der.OCTET_STRING, content)
    assert Element.parse(encoded).encoded == encoded
    assert [child.content for child in Element.parse(der.sequence(encoded, encoded)).children] == [content, content]


@given(st.binary(max_size=40))
def test_whatever_is_read_has_no_other_spelling(data: bytes) -> None:
    try:
        element = Element.parse(data)
    except ValueError:
        return
    assert element.encoded == data


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x04",
        b"\x04\x02a",
        b"\x04\x01ab",
        b"\x04\x81\x01a",  # a length that needs no second octet
        b"\x04\x82\x00\x01a",
        b"\x04\x80a\x00\x00",  # a length that is not given
        b"\x1f\x81\x01\x00",  # a tag of several octets
    ],
)
def test_other_encodings_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"is not DER|more than one element"):
        Element.parse(data)


def test_a_plain_value_holds_nothing() -> None:
    with pytest.raises(ValueError, match="holds no elements"):
        _ = Element.parse(der.integer(5)).children
    with pytest.raises(ValueError, match="has tag"):
        Element.parse(der.integer(5)).expect(der.SEQUENCE)


def test_the_elements_of_a_set_are_sorted() -> None:
    assert der.set_of(der.integer(2), der.integer(1)) == der.set_of(der.integer(1), der.integer(2))


@pytest.mark.parametrize(
    ("dotted", "encoded"),
    [
        ("1.2.840.113549", "06062a864886f70d"),  # X.690, and every introduction to DER
        ("2.999.3", "0603883703"),  # X.690, 8.19.5
        ("2.16.840.1.101.3.4.2.1", "0609608648016503040201"),
    ],
)
def test_object_identifiers(dotted: str, encoded: str) -> None:
    assert der.object_identifier(dotted).hex() == encoded


@pytest.mark.parametrize(("value", "encoded"), [(0, "020100"), (127, "02017f"), (128, "02020080"), (256, "02020100")])
def test_integers(value: int, encoded: str) -> None:
    assert der.integer(value).hex() == encoded
