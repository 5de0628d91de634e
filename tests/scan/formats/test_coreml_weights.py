"""Weights beside a Core ML model: every byte belongs to a blob, a header, or is padding."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.scan.formats.damage import damaged, made, scanned
from tests.scan.formats.graphs import is_plainly_clean


def test_what_coremltools_writes_is_clean() -> None:
    result = scanned(made("coreml_weight.bin"), "weight.bin")
    assert result.format == "coreml-weights"
    assert is_plainly_clean(result)
    assert sum(tensor.bytes for tensor in result.tensors) > 400


def test_what_is_hidden_between_and_behind_is_noticed() -> None:
    data = made("coreml_weight.bin")
    assert scanned(data + b"planted").verdict == "incomplete"
    assert scanned(data[:70] + b"\xff" + data[71:]).verdict == "incomplete"
    assert scanned(data[:-1]).verdict == "incomplete"


@settings(max_examples=100)
@given(st.data())
def test_damage_never_breaks_the_reader(data: st.DataObject) -> None:
    scanned(data.draw(damaged(made("coreml_weight.bin"))), "weight.bin")
