"""MXNet symbols: plain ones are clean; operators that call back, read files or come from elsewhere are found."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.scan.formats.damage import facts, made, rules, scanned
from tests.scan.formats.graphs import is_plainly_clean, shown


def symbol(*nodes: dict[str, Any], **more: Any) -> bytes:
    """A symbol as `save` writes it."""
    document = {"nodes": list(nodes), "arg_nodes": [0], "node_row_ptr": [0, 1], "heads": [[0, 0, 0]]}
    return json.dumps(document | {"attrs": {"mxnet_version": ["int", 10901]}} | more).encode()


def node(operator: str, **more: Any) -> dict[str, Any]:
    """One node."""
    return {"op": operator, "name": "n", "inputs": [], **more}


def test_what_mxnet_exports_is_clean() -> None:
    assert is_plainly_clean(scanned(made("mxnet-symbol.json"), "model-symbol.json"))


def test_a_plain_symbol_is_clean() -> None:
    data = symbol(node("null"), node("FullyConnected", attrs={"num_hidden": "10"}), node("SoftmaxOutput"))
    assert is_plainly_clean(scanned(data, "model-symbol.json"))
    assert {("framework", "mxnet"), ("producer", "mxnet 1.9")} <= facts(data, "model-symbol.json")


@pytest.mark.parametrize(
    ("operator", "rule"),
    [
        ("Custom", "mxnet/python-operator"),
        ("_Native", "mxnet/native-call"),
        ("_NDArray", "mxnet/native-call"),
        ("_cvimread", "mxnet/reads-files"),
        ("_contrib_planted", "mxnet/custom-operator"),
    ],
)
def test_operators_that_act_are_found_in_subgraphs(operator: str, rule: str) -> None:
    inner = {"nodes": [node(operator)], "arg_nodes": [], "heads": []}
    for data in (symbol(node(operator)), symbol(node("_foreach", subgraphs=[inner]))):
        assert rules(data, "model-symbol.json") == {rule}


def test_settings_are_shown_whatever_the_version_calls_them() -> None:
    for key in ("attrs", "attr", "param"):
        result = scanned(symbol(node("Custom", **{key: {"op_type": "planted"}})), "model-symbol.json")
        assert shown(result, "mxnet/python-operator") == ["Custom(op_type='planted')"]


@pytest.mark.parametrize("nodes", [5, [5], [{"name": "n"}], [{"op": 5}]])
def test_what_is_not_built_like_a_symbol_is_a_gap(nodes: Any) -> None:
    data = json.dumps({"nodes": nodes, "arg_nodes": [], "heads": []}).encode()
    assert scanned(data, "model-symbol.json").verdict == "incomplete"
