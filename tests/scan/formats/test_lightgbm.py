"""LightGBM's text models: every line is one that it writes, every index leads to a node, every size to a tree."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings

from tests.scan.formats.damage import damaged, facts, made, rules, scanned

TREES = made("trees.txt")


@pytest.mark.parametrize("name", ["trees.txt", "linear_trees.txt"])
def test_real_models_are_clean(name: str) -> None:
    result = scanned(made(name), name)
    assert (result.format, result.verdict, result.findings) == ("lightgbm", "clean", ())


def test_what_the_model_is_becomes_a_fact() -> None:
    assert {("framework", "lightgbm model v4"), ("task", "regression"), ("hyper-parameter", "trees=2")} <= facts(TREES)


@pytest.mark.parametrize(
    ("pattern", "replacement", "rule"),
    [
        (rb"left_child=\S+", b"left_child=99999", "lightgbm/tree-out-of-bounds"),
        (rb"right_child=\S+", b"right_child=-99999", "lightgbm/tree-out-of-bounds"),
        (rb"split_feature=\S+", b"split_feature=77", "lightgbm/tree-out-of-bounds"),
        (rb"leaf_value=\S+ ", b"leaf_value=", "lightgbm/tree-out-of-bounds"),
        (rb"num_leaves=\d", b"num_leaves=9", "lightgbm/tree-out-of-bounds"),
        (rb"tree_sizes=\d", b"tree_sizes=9", "lightgbm/wrong-tree-sizes"),
        (rb"tree_sizes=\d+ ", b"tree_sizes=", "lightgbm/wrong-tree-sizes"),
    ],
)
def test_indices_and_sizes_that_lie_are_found(pattern: bytes, replacement: bytes, rule: str) -> None:
    assert rule in rules(re.sub(pattern, replacement, TREES, count=1))


@pytest.mark.parametrize(
    "content",
    [
        TREES.replace(b"end of trees", b""),
        TREES.replace(b"num_class=1", b"num_class=1\nplanted=1"),
        TREES.replace(b"\nnum_cat=", b"\nplanted=1\nnum_cat="),
        TREES.replace(b"[boosting", b"planted [boosting"),
        TREES.replace(b"shrinkage=1", b"shrinkage=__import__"),
        re.sub(rb"pandas_categorical:.*", b"pandas_categorical:planted", TREES),
        TREES + b"planted\n",
        TREES.replace(b"max_feature_idx=1\n", b""),
        TREES + b"\xff\xfe\n",
    ],
)
def test_lines_that_lightgbm_does_not_write_are_never_clean(content: bytes) -> None:
    assert scanned(content).verdict == "incomplete"


def test_an_objective_of_its_makers_own_is_no_reason_to_refuse() -> None:
    content = TREES.replace(b"objective=regression", b"objective=custom    ")
    assert scanned(content).verdict == "clean"
    assert "lightgbm/custom-objective" in rules(content)


@settings(max_examples=200, deadline=None)
@given(damaged(TREES))
def test_damage_never_breaks_the_reader(content: bytes) -> None:
    scanned(content)
