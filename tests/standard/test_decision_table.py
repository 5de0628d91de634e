"""A table decides a case as trying every possible completion of it would, and is refused where it could not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from touchstone.errors import StandardError
from touchstone.standard.decision_table import (
    ASK,
    AtLeast,
    Basis,
    Fact,
    Input,
    Overlay,
    Rule,
    Span,
    Table,
    Value,
    divide,
)
from touchstone.standard.decision_table_analysis import require_sound
from touchstone.text import Text

BASIS = Basis("a-law", "Art. 1", Text("says so", "如此规定"), "A")
INPUTS = {
    "personal": Input("personal", (True, False), Text("personal?", "个人信息？")),
    "kind": Input("kind", ("general", "mapping", "genetic"), Text("kind?", "类型？")),
    "count": Input("count", (Span(0, 0), Span(1, 9_999), Span(10_000, None)), Text("how many?", "多少？")),
}
OUTCOMES = ("exempt", "contract", "assessment")

conditions = st.fixed_dictionaries(
    {},
    optional={
        name: st.sets(st.sampled_from(each.values), min_size=1).map(frozenset[Value]) for name, each in INPUTS.items()
    },
)
rules = st.lists(
    st.tuples(st.integers(0, 3), conditions, st.sampled_from(OUTCOMES), st.booleans()), min_size=1, max_size=6
).map(
    lambda drawn: (
        *(Rule(f"R{n}", priority, when, out, BASIS, goes_on) for n, (priority, when, out, goes_on) in enumerate(drawn)),
        Rule("last", 0, {}, "exempt", BASIS),
    )
)
facts = st.fixed_dictionaries(
    {},
    optional={
        "personal": st.booleans(),
        "kind": st.sampled_from(INPUTS["kind"].values),
        "count": st.sampled_from([0, 1, 9_999, 10_000, AtLeast(0), AtLeast(1), AtLeast(20_000)]),
    },
)


def cases(table: Table, known: Mapping[str, Fact]) -> Iterator[dict[str, Value]]:
    """Every complete case that what is known allows."""
    region = table.region(known)
    for values in product(*(region[name] for name in table.inputs)):
        yield dict(zip(table.inputs, values, strict=True))


def tried(table: Table, case: Mapping[str, Value]) -> tuple[str, list[str], str]:
    """The plain reading of a table: its outcome for one complete case, what was added, and the rule that decided."""
    added: list[str] = []
    for rule in sorted(table.rules, key=lambda each: -each.priority):
        if all(case[name] in values for name, values in rule.when.items()):
            if not rule.goes_on:
                return rule.outcome, added, rule.id
            added += [] if rule.outcome in added else [rule.outcome]
    raise AssertionError("undecided")


@given(rules, facts)
def test_possible_is_what_some_completion_has(drawn: tuple[Rule, ...], known: dict[str, Fact]) -> None:
    table = Table(INPUTS, drawn)
    decision = table.decide(known)
    read = [tried(table, case) for case in cases(table, known)]
    assert set(decision.possible) == {outcome for outcome, _, _ in read}
    assert all(set(decision.adds) <= set(added) for _, added, _ in read)
    open_and_fired = {rule.id for rule in (*decision.fired, *decision.open)}
    assert {decider for _, _, decider in read} <= open_and_fired
    agreed = len({(outcome, *added) for outcome, added, _ in read}) == 1
    if decision.outcome != ASK:
        assert agreed
        assert set(decision.adds) == set(read[0][1])
    elif agreed:  # the same result from different rules that go on: asked all the same, never passed
        assert any(rule.goes_on for rule in decision.open)
    assert (decision.outcome == ASK) == bool(decision.questions)
    assert all(len(table.region(known)[each.name]) > 1 for each in decision.questions)


@given(rules, facts, facts)
def test_learning_a_fact_never_adds_an_outcome_or_a_duty(
    drawn: tuple[Rule, ...], known: dict[str, Fact], more: dict[str, Fact]
) -> None:
    overlays = tuple(Overlay(rule.id, rule.when, (rule.id,), BASIS) for rule in drawn)
    table = Table(INPUTS, drawn, overlays)
    learned = more | known
    before, after = table.decide(known), table.decide(learned)
    assert set(after.possible) <= set(before.possible)
    assert set(after.duties) <= set(before.duties)
    assert {rule.id for rule in before.fired} <= {rule.id for rule in after.fired}
    if before.outcome != ASK:
        assert after.outcome == before.outcome


@given(rules)
def test_the_division_covers_every_case_once(drawn: tuple[Rule, ...]) -> None:
    table = Table(INPUTS, drawn)
    shares, left = divide(table.region({}), table.rules)
    assert left == []
    for case in cases(table, {}):
        deciding = [
            share.rule.id
            for share in shares
            for region in share.regions
            if not share.rule.goes_on and all(case[name] in values for name, values in region.items())
        ]
        assert deciding == [tried(table, case)[2]]


@given(rules)
def test_a_table_is_refused_exactly_when_trying_shows_why(drawn: tuple[Rule, ...]) -> None:
    table = Table(INPUTS, drawn)
    ordered = sorted(drawn, key=lambda each: -each.priority)
    every = list(cases(table, {}))

    def holds(rule: Rule, case: Mapping[str, Value]) -> bool:
        return all(case[name] in values for name, values in rule.when.items())

    def above(rule: Rule) -> list[Rule]:
        return [each for each in ordered[: ordered.index(rule)] if not each.goes_on]

    reachable = all(
        any(holds(rule, case) and not any(holds(each, case) for each in above(rule)) for case in every)
        for rule in ordered
    )
    contradiction = any(
        holds(one, case)
        and holds(two, case)
        and not any(holds(each, case) for each in ordered if not each.goes_on and each.priority > one.priority)
        for one, two in product(ordered, ordered)
        if one.priority == two.priority and one.outcome != two.outcome and not one.goes_on and not two.goes_on
        for case in every
    )
    if reachable and not contradiction:
        require_sound(table, "t.yaml", lambda rule: rule)
    else:
        with pytest.raises(StandardError):
            require_sound(table, "t.yaml", lambda rule: rule)


def refused(*drawn: Rule) -> str:
    with pytest.raises(StandardError) as caught:
        require_sound(Table(INPUTS, drawn), "t.yaml", lambda rule: f"t.yaml:{rule}")
    return caught.value.render("en")


def test_problems_are_named_with_a_case() -> None:
    rest = Rule("rest", 0, {}, "exempt", BASIS)
    mapping = Rule("map", 5, {"kind": frozenset({"mapping"})}, "assessment", BASIS)
    personal = Rule("pi", 5, {"personal": frozenset({True})}, "contract", BASIS)
    assert "rules map and pi have the same priority" in refused(mapping, personal, rest)
    assert "kind = mapping" in refused(mapping, personal, rest)
    assert "t.yaml:late: rule late can never apply" in refused(rest, Rule("late", 0, {}, "contract", BASIS))
    assert "t.yaml: no rule decides where personal = false" in refused(personal)


def test_a_fact_that_is_no_value_is_refused() -> None:
    table = Table(INPUTS, (Rule("rest", 0, {}, "exempt", BASIS),))
    for known in ({"kind": "genomic"}, {"count": -1}, {"personal": "true"}, {"colour": "red"}, {"kind": True}):
        with pytest.raises(StandardError):
            table.decide(known)


def test_a_rule_that_goes_on_blocks_while_it_is_open() -> None:
    adds = Rule("adds", 9, {"kind": frozenset({"genetic"})}, "assessment", BASIS, goes_on=True)
    table = Table(INPUTS, (adds, Rule("rest", 0, {}, "exempt", BASIS)))
    asked = table.decide({})
    assert (asked.outcome, [each.name for each in asked.questions]) == (ASK, ["kind"])
    assert table.decide({"kind": "genetic"}).adds == ("assessment",)
    assert table.decide({"kind": "general"}).adds == ()


@given(facts)
def test_a_hidden_condition_is_asked_for(known: dict[str, Fact]) -> None:
    """Whether a rule adds may depend on what the rules above it decide."""
    assume("personal" not in known)
    table = Table(
        INPUTS,
        (
            Rule("first", 9, {"personal": frozenset({True})}, "exempt", BASIS),
            Rule("adds", 5, {}, "contract", BASIS, goes_on=True),
            Rule("rest", 0, {}, "exempt", BASIS),
        ),
    )
    assert [each.name for each in table.decide(known).questions] == ["personal"]


def test_a_table_that_divides_without_end_is_refused() -> None:
    names = [f"fact{n}" for n in range(24)]
    inputs = {name: Input(name, (True, False), Text("?", "？")) for name in names}
    tangled = [
        Rule(f"R{n}", 100 - n, {name: frozenset({True}) for name in names[n::5]}, "exempt", BASIS) for n in range(5)
    ]
    tangled += [
        Rule(f"S{n}", 50 - n, {name: frozenset({False}) for name in names[n : n + 6]}, "exempt", BASIS)
        for n in range(18)
    ]
    table = Table(inputs, (*tangled, Rule("rest", 0, {}, "exempt", BASIS)))
    with pytest.raises(StandardError, match="divides into more than"):
        table.decide({})
