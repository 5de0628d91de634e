"""Models of XGBoost are clean in every notation; indices that lead out of a tree are found."""

from __future__ import annotations

import json
import struct
from typing import Any

import pytest
from hypothesis import given, settings

from tests.scan.formats.damage import damaged, facts, made, rules, scanned


@pytest.mark.parametrize("name", ["trees.json", "trees.ubj"])
def test_real_models_are_clean_and_described(name: str) -> None:
    result = scanned(made(name), name)
    assert (result.verdict, result.findings) == ("clean", ())
    assert {
        ("framework", "xgboost 3.2.0"),
        ("architecture", "gbtree"),
        ("task", "binary:logistic"),
        ("hyper-parameter", "trees=2"),
    } <= facts(made(name), name)


def changed(key: str, value: Any) -> bytes:
    document = json.loads(made("trees.json"))
    document["learner"]["gradient_booster"]["model"]["trees"][1][key] = value
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("left_children", [1, 10**6, -1, -1, -1, -1, -1]),
        ("right_children", [2, -7, -1, -1, -1, -1, -1]),
        ("parents", [0.5] * 7),
        ("split_indices", []),
    ],
)
def test_indices_that_lead_out_of_a_tree_are_found(key: str, value: Any) -> None:
    assert "xgboost/tree-out-of-bounds" in rules(changed(key, value), "model.json")


def test_indices_of_the_binary_notation_are_followed_too() -> None:
    content = made("trees.ubj")
    place = content.index(b"left_children") + len(b"left_children[$l#L") + 8
    assert "xgboost/tree-out-of-bounds" in rules(content[:place] + b"\x00\x01\x00\x00" + content[place + 4 :])


def test_an_objective_of_somebody_else_is_for_review() -> None:
    content = made("trees.json").replace(b'"binary:logistic"', b'"planted:logistic"')
    assert scanned(content, "model.json").verdict == "review"


def long(number: int) -> bytes:
    return b"L" + struct.pack(">q", number)


@pytest.mark.parametrize(
    "content",
    [
        b"{" + long(7) + b"learner[$d#" + long(2**60),
        b"{" + long(7) + b"learner[$Z#" + long(2**60),
        b"{" + long(7) + b"learner" + b"[" * 1000,
        b"{" + long(7) + b"learnerS" + long(2**40),
        b"{" + long(7) + b"learnerS" + long(-1),
        b"{" + long(7) + b"learner{}}",
        b"{" + long(7) + b"planted{}}",
        made("trees.ubj")[:-9],
        b"binf" + bytes(136) + b"",
        b"binf"
        + bytes(136)
        + struct.pack("<Q", 15)
        + b"binary:logistic"
        + struct.pack("<Q", 6)
        + b"gbtree"
        + bytes(99),
    ],
)
def test_what_is_not_understood_is_never_clean(content: bytes) -> None:
    assert scanned(content).verdict == "incomplete"


def test_bytes_behind_the_model_and_repeated_keys_are_found() -> None:
    assert "xgboost/hidden-bytes" in rules(made("trees.ubj") + b"tail")
    twice = b"{" + long(7) + b"version" + b"Z" + long(7) + b"version" + b"Z}"
    assert "xgboost/repeated-key" in rules(twice)


@settings(max_examples=200, deadline=None)
@given(damaged(made("trees.ubj")))
def test_damage_never_breaks_the_reader(content: bytes) -> None:
    scanned(content)
