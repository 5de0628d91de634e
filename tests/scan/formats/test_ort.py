"""ONNX Runtime's own format: what it saves is clean; the threats of ONNX are found here as well."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.scan.flatbuffer_writer import Number, Numbers, Table, flatbuffer
from tests.scan.formats.damage import damaged, facts, made, rules, scanned
from tests.scan.formats.graphs import is_plainly_clean


def session(graph: Table) -> bytes:
    """A session of one graph."""
    return flatbuffer({0: "1.32.0", 1: {0: Number("i64", 8), 7: graph}}, b"ORTM")


def test_what_onnxruntime_saves_is_clean() -> None:
    result = scanned(made("torch.ort"), "torch.ort")
    assert result.format == "ort"
    assert is_plainly_clean(result)
    assert ("producer", "pytorch 2.13.0") in {(fact.name, fact.value.split("+")[0]) for fact in result.facts}


@pytest.mark.parametrize(
    ("domain", "operator", "rule"),
    [("planted", "Run", "onnx/custom-operator"), ("ai.onnx.contrib", "PyOp", "onnx/python-operator")],
)
def test_foreign_operators_are_found_in_graphs_within_graphs(domain: str, operator: str, rule: str) -> None:
    node: Table = {2: domain, 5: operator}
    branch: Table = {5: "If", 10: [{0: "then_branch", 7: {2: [node]}}]}
    for nodes in ([node], [branch]):
        assert rules(session({2: nodes})) == {rule}


def test_sizes_and_outside_data() -> None:
    tensor: Table = {0: "w", 2: Numbers("i64", [3]), 3: Number("i32", 1), 4: bytes(8)}
    assert rules(session({0: [tensor]})) == {"onnx/size-mismatch"}
    outside: Table = {0: "w", 2: Numbers("i64", [2]), 3: Number("i32", 1), 6: Number("i64", 64)}
    assert [gap.code for gap in scanned(session({0: [outside]})).gaps] == ["absent"]
    assert ("parameters", "2") in facts(session({0: [{**tensor, 2: Numbers("i64", [2])}]}))


@settings(max_examples=100)
@given(st.data())
def test_damage_never_breaks_the_reader(data: st.DataObject) -> None:
    scanned(data.draw(damaged(made("torch.ort"))), "torch.ort")
