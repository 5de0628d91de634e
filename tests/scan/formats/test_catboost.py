"""CatBoost's binary models: every byte has its place, every tree leads to splits and leaves that exist."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings

from tests.scan.formats.damage import damaged, facts, made, rules, scanned


@pytest.mark.parametrize("name", ["statistics.cbm", "lossguide.cbm"])
def test_real_models_are_clean(name: str) -> None:
    result = scanned(made(name), name)
    assert (result.format, result.verdict, result.findings) == ("catboost", "clean", ())


def test_what_the_model_is_becomes_a_fact() -> None:
    found = facts(made("statistics.cbm"))
    assert {("framework", "catboost FlabuffersModel_v1"), ("task", "Logloss"), ("hyper-parameter", "trees=2")} <= found


def test_a_split_that_no_feature_offers_is_found() -> None:
    content = made("statistics.cbm")
    planted = [
        content[:place] + struct.pack("<i", 2**30) + content[place + 4 :] for place in range(8, len(content) - 4, 4)
    ]
    assert any("catboost/tree-out-of-bounds" in rules(each) for each in planted)


def test_bytes_behind_the_model_are_found() -> None:
    assert "catboost/hidden-bytes" in rules(made("lossguide.cbm") + b"tail")
    assert "catboost/hidden-bytes" in rules(made("statistics.cbm") + b"tail")


@pytest.mark.parametrize(
    "content",
    [
        made("lossguide.cbm")[:-100],
        made("statistics.cbm")[:-100],
        b"CBM1" + struct.pack("<I", 2**31),
        b"CBM1" + struct.pack("<I", 8) + bytes(8),
        b"CBM1",
        made("statistics.cbm").replace(b"static_provider_v1", b"planted_provider_1"),
    ],
)
def test_what_is_not_understood_is_never_clean(content: bytes) -> None:
    assert scanned(content).verdict == "incomplete"


@settings(max_examples=150, deadline=None)
@given(damaged(made("statistics.cbm")))
def test_damage_never_breaks_the_reader(content: bytes) -> None:
    scanned(content)
