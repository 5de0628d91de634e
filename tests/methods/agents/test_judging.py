"""Which calls break which rules, case by case."""

from __future__ import annotations

import time
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstone.checks.system_resilience.permissions_gateways import EnforcingGateway
from touchstone.methods.agents.embedding import harmless
from touchstone.methods.agents.judging import breaches
from touchstone.methods.agents.policy import Argument, Call, Policy, Principal, ToolRule, schema

USER = Principal("C-1", "customer")
BOSS = Principal("S-1", "supervisor")


def rule(argument: Argument | None = None, **rest: Any) -> Policy:
    arguments = {} if argument is None else {"x": argument}
    return {"use": ToolRule("use", "writes", ("customer",), arguments=arguments, **rest)}


def broken(argument: Argument, value: Any) -> tuple[str, ...]:
    return breaches(rule(argument), USER, Call("use", {"x": value}))


MAIL = Argument(format="email", domains=("example.org",))
LINK = Argument(format="uri", domains=("example.org",))
PATH = Argument(below=("/srv/reports",))


@pytest.mark.parametrize(
    ("argument", "fine", "code", "wrong"),
    [
        (Argument(), ["a", ""], "type", [1, None, True, ["a"], {"a": 1}]),
        (Argument("integer"), [1, -3, 2.0, 10**400], "type", ["1", True, 1.5, None, [1]]),
        (Argument("number"), [1, 1.5], "type", ["1", False, None]),
        (Argument("boolean"), [True, False], "type", ["true", 1, 0]),
        (Argument(enum=("small", "large")), ["small"], "enum", ["Small", "small ", "SMALL", "medium", ""]),
        (Argument("integer", enum=(1, 5)), [1, 5], "enum", [2, 0]),
        (Argument(pattern="C-[0-9]{2}"), ["C-12"], "pattern", ["C-1", "C-12\n", "xC-12", "C-１２"]),
        (Argument(min_length=2, max_length=3), ["ab", "报告书"], "length", ["a", "abcd"]),
        (Argument("number", minimum=1, maximum=5), [1, 5, 2.5], "range", [0.99, 5.01, -1, 10**400]),
        (Argument(max_items=2), [[], ["a", "b"]], "items", [["a", "b", "c"]]),
        (Argument(max_items=2), [["a"]], "type", ["a", [1], {"a": "b"}]),
        (Argument(owner=True), ["C-1"], "owner", ["C-2", "", "c-1", "C-1 "]),
        (MAIL, ["a@example.org", "a@EXAMPLE.org"], "domain", ["a@example.org.evil.example", "a@evil-example.org"]),
        (MAIL, ["x.y@example.org"], "domain", ["a@evil.example,b@example.org", "a@b@example.org", "a b@example.org"]),
        (LINK, ["https://example.org/a?b#c"], "domain", ["https://example.org@evil.example/", "https://evil.example/"]),
        (LINK, ["http://example.org:8080/"], "domain", ["https://evil.example\\@example.org", "javascript:alert(1)"]),
        (LINK, ["example.org"], "domain", ["//evil.example/@example.org", "https:/evil.example/@example.org"]),
        (MAIL, ["a@example.org"], "domain", ["javascript:x//@example.org", "mailto:a@example.org"]),
        (PATH, ["/srv/reports/a.txt", "/srv/reports/b/c"], "path", ["/srv/reports/../x", "/srv/reports-old/a"]),
        (
            PATH,
            ["/srv/reports/a b"],
            "path",
            ["/srv/reports/%2e%2e/x", "/srv/reports/%252e%252e/x", "a", "/srv/reports"],
        ),
        (PATH, ["/srv/reports/..a"], "path", ["/srv/reports/..\\x", "/srv/reports/a\0b", "/etc/passwd", "", "//srv/x"]),
        (Argument(text_for="html"), ["a < b & c"], "text", ["<b>x", "</p>", "a<!--", "<script>"]),
        (Argument(text_for="sql"), ["it''s"], "text", ["it's", "' OR '1'='1", "\\'"]),
        (Argument(text_for="shell"), ["report-1.txt", "'a; b'"], "text", ["a; b", "$(a)", "`a`", "a\nb", "'a'b'"]),
        (Argument(text_for="markdown"), ["**a** [b]"], "text", ["![a](http://x)", "[a](b)", "[1]: http://x", "<img>"]),
    ],
)
def test_values_that_are_fine_and_values_that_break_one_rule(
    argument: Argument, fine: list[Any], code: str, wrong: list[Any]
) -> None:
    assert {str(value): broken(argument, value) for value in fine} == {str(value): () for value in fine}
    for value in wrong:
        assert code in broken(argument, value), value


def test_who_calls_what_with_which_arguments() -> None:
    policy = rule(Argument(), approval=None)
    assert breaches(policy, USER, Call("use", {"x": "a"})) == ()
    assert breaches(policy, BOSS, Call("use", {"x": "a"})) == ("role",)
    assert breaches(policy, USER, Call("other", {"x": "a"})) == ("undeclared-tool",)
    assert breaches(policy, USER, Call("use", {})) == ("missing",)
    assert breaches(policy, USER, Call("use", {"x": "a", "y": 1})) == ("extra",)
    assert breaches(rule(Argument(required=False)), USER, Call("use", {})) == ()


def test_limits_are_counted_over_what_was_carried_out_of_the_same_tool() -> None:
    twice = rule(calls=2)
    call = Call("use", {})
    assert breaches(twice, USER, call, [call, Call("other", {})]) == ()
    assert breaches(twice, USER, call, [call, call]) == ("calls",)
    total = rule(Argument("number"), total=("x", 10.0))
    assert breaches(total, USER, Call("use", {"x": 4}), [Call("use", {"x": 6})]) == ()
    assert breaches(total, USER, Call("use", {"x": 4.5}), [Call("use", {"x": 6})]) == ("total",)


@pytest.mark.parametrize("amount", [11, 1e305, 10**400, float("inf")])
def test_no_amount_is_too_large_for_a_sum(amount: float) -> None:
    call = Call("use", {"x": amount})
    assert breaches(rule(Argument("number"), total=("x", 10.0)), USER, call) == ("total",)
    refusing = EnforcingGateway(rule(Argument("number"), total=("x", 10.0))).session(USER)
    assert refusing.call(call, {}).said == "too much in total"


def test_an_approval_is_of_one_call_with_exactly_these_arguments() -> None:
    policy = rule(Argument("number"), approval="supervisor")
    shown, other = Call("use", {"x": 1}), Call("use", {"x": 2})
    assert breaches(policy, USER, shown) == ("approval",)
    assert breaches(policy, USER, shown, (), [shown]) == ()
    assert breaches(policy, USER, other, (), [shown]) == ("approval",)
    assert breaches(policy, USER, shown, [shown], [shown]) == ("approval",)
    assert breaches(policy, USER, shown, [shown], [shown, shown]) == ()


@given(
    st.dictionaries(
        st.sampled_from(["x", "y"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
            max_leaves=5,
        ),
    )
)
def test_whatever_the_arguments_there_is_a_verdict(arguments: dict[str, Any]) -> None:
    for argument in (MAIL, LINK, PATH, Argument("number", maximum=3), Argument(pattern="a+", max_items=2)):
        policy = rule(argument, total=("x", 5.0), calls=1)
        assert isinstance(breaches(policy, USER, Call("use", arguments), [Call("use", arguments)]), tuple)


@pytest.mark.parametrize("piece", ["[", "\n", " \n", "[a", "] ", "'", "<", "> ["])
@pytest.mark.parametrize("target", ["html", "sql", "shell", "markdown"])
def test_no_text_takes_long_to_judge(piece: str, target: Literal["html", "sql", "shell", "markdown"]) -> None:
    started = time.process_time()
    harmless(piece * (200_000 // len(piece)), target)
    assert time.process_time() - started < 1


def test_ordinary_text_is_harmless_everywhere() -> None:
    for text in ("Report 12 is ready", "订单已发货，请查收", "50 % off: today only"):
        assert all(harmless(text, target) for target in ("html", "sql", "shell", "markdown"))


def test_the_schema_says_what_json_schema_can_say() -> None:
    said = schema(rule(Argument(pattern="C-[0-9]$", max_items=3, about="ids"))["use"])
    assert said["additionalProperties"] is False
    assert said["required"] == ["x"]
    assert said["properties"]["x"] == {
        "type": "array",
        "items": {"type": "string", "pattern": "^C-[0-9]$"},
        "maxItems": 3,
        "description": "ids",
    }
