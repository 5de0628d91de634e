"""MXNet parameters: what MXNet saves is clean and listed; what does not fit is never clean."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.scan.formats.damage import damaged, made, scanned
from tests.scan.formats.graphs import is_plainly_clean


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("list.params", [("array 0", "float16", (3,)), ("array 1", "int8", (1, 1))]),
        ("sparse.params", [("a", "float32", (1,)), ("b", "float32", (1, 2))]),
    ],
)
def test_what_mxnet_saves_is_clean_and_listed(name: str, expected: list[tuple[str, str, tuple[int, ...]]]) -> None:
    result = scanned(made(name), name)
    assert result.format == "mxnet-parameters"
    assert is_plainly_clean(result)
    assert sorted((each.name, each.dtype, each.shape) for each in result.tensors) == expected


def test_what_does_not_fit_is_never_clean() -> None:
    data = made("list.params")
    assert scanned(data + b"planted").verdict == "incomplete"
    assert scanned(data[:-9]).verdict == "incomplete"
    assert scanned(data.replace(b"\x03\x00\x00\x00\x00\x00\x00\x00", b"\xff" * 8, 1)).verdict == "incomplete"


@settings(max_examples=150)
@given(st.data())
def test_damage_never_breaks_the_reader(data: st.DataObject) -> None:
    scanned(data.draw(damaged(made("sparse.params"))), "model.params")
