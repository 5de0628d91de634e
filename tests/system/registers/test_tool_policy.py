"""The policy for tools: what it accepts, and what it calls by its line."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from touchstone.errors import DescriptionError
from touchstone.methods.agents.patterns import parse
from touchstone.system.registers.reading import parse_register
from touchstone.system.registers.tool_policy import ToolPolicy

REFUND: dict[str, Any] = {
    "name": "refund_order",
    "does": "pays back what an order cost",
    "effect": "moves-money",
    "roles": ["clerk"],
    "approval": "supervisor",
    "arguments": {
        "order": {"pattern": "ORD-[0-9]{6}", "about": "the order"},
        "amount": {"type": "number", "minimum": 0.5, "maximum": 200},
    },
    "calls": 5,
    "total": {"argument": "amount", "most": 500},
}


def read(entry: dict[str, Any]) -> ToolPolicy:
    [found] = parse_register(yaml.safe_dump([entry]).encode(), "tools.yaml", ToolPolicy)
    return found


def with_argument(**fields: Any) -> dict[str, Any]:
    return {**REFUND, "arguments": {**REFUND["arguments"], "more": fields}}


def test_a_rule_is_read_and_shows_that_the_system_uses_tools() -> None:
    found = read(REFUND)
    assert found.arguments["order"].pattern == "ORD-[0-9]{6}"
    assert found.total is not None
    assert list(found.shows()) == ["model.tool_use"]


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({**REFUND, "effect": "explodes"}, "effect"),
        ({**REFUND, "roles": []}, "roles"),
        ({**REFUND, "total": {"argument": "order", "most": 5}}, "is no single number among the arguments"),
        ({**REFUND, "total": {"argument": "gone", "most": 5}}, "is no single number among the arguments"),
        (with_argument(pattern="(a+)+"), "pattern"),
        (with_argument(pattern="a|b"), "pattern"),
        (with_argument(pattern=r"\w+"), "pattern"),
        (with_argument(pattern="[^a]"), "pattern"),
        (with_argument(pattern="a**"), "pattern"),
        (with_argument(pattern="a{3,1}"), "is no regular expression"),
        (with_argument(pattern="[z-a]"), "is no regular expression"),
        (with_argument(type="number", max_length=3), "`max_length` has no meaning for type number"),
        (with_argument(minimum=3), "`minimum` has no meaning for type string"),
        (with_argument(type="boolean", enum=[1]), "`enum` has no meaning for type boolean"),
        (with_argument(enum=[1]), "`enum` holds values of another type"),
        (with_argument(below=["reports"]), "below"),
        (with_argument(below=["/srv/../x%2e"]), "below"),
        (with_argument(shape="round"), "shape"),
    ],
)
def test_what_does_not_fit_is_named(entry: dict[str, Any], said: str) -> None:
    with pytest.raises(DescriptionError) as error:
        read(entry)
    assert said in str(error.value)


@given(st.text(st.sampled_from(r"ab01.[]-\d^$*+?{2},~&|()" + "单"), min_size=1, max_size=12))
def test_every_pattern_that_is_accepted_means_what_it_says(pattern: str) -> None:
    try:
        read(with_argument(pattern=pattern))
    except DescriptionError:
        return
    re.compile(pattern)
    assert parse(pattern)
