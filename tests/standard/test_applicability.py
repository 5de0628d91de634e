"""Kleene logic: sound against every completion of the unknown facts, and a parser that refuses everything else."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstone.errors import StandardError
from touchstone.standard.applicability import applies, known_facts, parse, questions
from touchstone.text import Text

NAMES = ("a.one", "a.two", "b.three", "b.four")
VALUES = ("red", "green", "blue")

mentions = st.one_of(
    st.sampled_from(NAMES[:2]),
    st.builds(lambda fact, value: f"{fact} == {value}", st.sampled_from(NAMES[2:]), st.sampled_from(VALUES)),
    st.builds(
        lambda fact, values: f"{fact} in [{', '.join(values)}]",
        st.sampled_from(NAMES[2:]),
        st.lists(st.sampled_from(VALUES), min_size=1, max_size=2),
    ),
    st.sampled_from(["true", "false"]),
)
expressions = st.recursive(
    mentions,
    lambda inner: st.one_of(
        st.builds(lambda one: f"not ({one})", inner),
        st.builds(lambda one, two: f"({one}) and ({two})", inner, inner),
        st.builds(lambda one, two: f"({one}) or ({two})", inner, inner),
    ),
    max_leaves=6,
)
domains = dict.fromkeys(NAMES[:2], (True, False)) | dict.fromkeys(NAMES[2:], VALUES)
partial_facts = st.fixed_dictionaries({}, optional={name: st.sampled_from(values) for name, values in domains.items()})


@given(expressions, partial_facts)
def test_what_is_decided_holds_for_every_completion_of_the_unknown(expression, facts):
    condition = parse(expression)
    truth = condition.evaluate(facts)
    missing = [name for name in NAMES if name not in facts]
    for completion in itertools.product(*(domains[name] for name in missing)):
        complete = condition.evaluate({**facts, **dict(zip(missing, completion, strict=True))})
        assert complete != "unknown"
        assert truth in (complete, "unknown")


@given(expressions, partial_facts)
def test_explanation_names_facts_that_decide_alone(expression, facts):
    condition = parse(expression)
    truth, deciding = condition.evaluate(facts), condition.explain(facts)
    if truth == "unknown":
        assert deciding
        assert not set(deciding) <= set(facts)
    else:
        assert condition.evaluate({name: facts[name] for name in deciding if name in facts}) == truth


@given(expressions, partial_facts)
def test_answering_every_question_settles_what_applies(expression, facts):
    answered = dict(facts)
    for _ in NAMES:
        for question in questions([expression], {}, answered, {}):
            assert question.fact not in answered
            answered[question.fact] = domains[question.fact][0]
    assert applies(expression, {}, answered) != "unknown"


@given(expressions, partial_facts, partial_facts)
def test_a_declaration_never_removes_what_the_profile_assumes(expression, assumed, declared):
    if parse(expression).evaluate(assumed) == "true":
        assert applies(expression, assumed, declared) == "true"


@pytest.mark.parametrize(
    ("expression", "facts", "expected"),
    [
        ("data.personal", {"data.personal": True}, "true"),
        ("data.personal", {}, "unknown"),
        ("data.personal", {"data.personal": "yes"}, "unknown"),
        ("data.personal", {"data.personal": None}, "unknown"),
        ("not data.personal", {"data.personal": False}, "true"),
        ("a or b and c", {"a": True}, "true"),
        ("a and b", {"a": False}, "false"),
        ("not a and b", {"a": False, "b": True}, "true"),
        ("model.task in [agent, other]", {"model.task": "other"}, "true"),
        ("model.task in [agent, other]", {"model.task": ["ranking", "agent"]}, "true"),
        ("model.task == agent", {"model.task": ["ranking", "unknown"]}, "unknown"),
        ("model.task == agent", {"model.task": []}, "false"),
        ("model.task == agent", {"model.task": True}, "unknown"),
        ("model.task == agent", {"model.task": "unknown"}, "unknown"),
        ("false or true", {}, "true"),
    ],
)
def test_known_answers(expression, facts, expected):
    assert applies(expression, {}, facts) == expected


def test_assumption_fills_what_is_not_declared():
    assert applies("a and b", {"a": True}, {"b": True}) == "true"
    assert applies("a", {"a": False}, {}) == "false"
    assert applies("a", {"a": False}, {"a": True}) == "true"
    assert known_facts({"a": True}, {"a": "unknown", "b": False}) == {"a": True, "b": False}


def test_questions_come_once_with_their_wording():
    asked = questions(["a and b", "a or c", "true"], {}, {"c": False}, {"a": Text("A?", "甲？")})
    assert [(question.fact, question.text.zh) for question in asked] == [("a", "甲？"), ("b", "b")]


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "   ",
        "and",
        "a and",
        "a b",
        "not",
        "(a",
        "a)",
        "a in []",
        "a in [b",
        "a in b",
        "a ==",
        "a == true",
        "a = b",
        "a; b",
        "__import__('os')",
        "a or or b",
        "a == 'b'",
        "(" * 40 + "a" + ")" * 40,
        "not " * 40 + "a",
        " or ".join(["a"] * 600),
    ],
)
def test_everything_else_is_refused(expression):
    with pytest.raises(StandardError) as refusal:
        parse(expression)
    assert refusal.value.what.zh


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text):
    try:
        condition = parse(text)
    except StandardError:
        return
    assert condition.evaluate({}) in ("true", "false", "unknown")
