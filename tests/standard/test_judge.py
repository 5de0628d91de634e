"""The judge: what passes, what fails, and everything that must never pass."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstone.records import (
    Access,
    Basis,
    CheckCard,
    CheckIdentity,
    ControlRun,
    Finding,
    Limit,
    Metric,
    Note,
    Observation,
    Plan,
    PlanItem,
    Profile,
    Requirement,
    Verdict,
)
from touchstone.standard.catalog import load_standard
from touchstone.standard.comparing import compare, stopping_limits
from touchstone.standard.judge import conclude, judge
from touchstone.standard.reviews import Review
from touchstone.standard.wording import samples_needed, shown
from touchstone.statistics import proportion_bounds
from touchstone.text import Text

SYSTEM = "sha256:" + "0" * 64
PILOT = Basis(kind="pilot")
LAW = Basis(kind="law", ref="law")
TITLE = Text("title", "标题")
RANK = {Verdict.FAIL: 0, Verdict.INCONCLUSIVE: 1, Verdict.PASS: 2}


def limit(metric="leak", op="<=", value="0.5", bound="upper", **more) -> Limit:
    return Limit(**{"metric": metric, "op": op, "value": value, "unit": "share", "bound": bound, "basis": LAW, **more})


def metric(name="leak", value="0.2", low="0.1", high="0.3", **more) -> Metric:
    given = {"id": name, "unit": "share", "value": value, "low": low, "high": high, "n": 100, "better": "lower"}
    return Metric(**{**given, "method": "clopper-pearson", **more})


def observation(*metrics: Metric, check="data.one", **more) -> Observation:
    given = {"check": CheckIdentity(id=check, version="1"), "system": SYSTEM, "parameters": {}, "seed": "1"}
    return Observation(**{**given, "access": Access.LABELS, "status": "measured", "metrics": metrics, **more})


def requirement(*limits: Limit, **more) -> Requirement:
    given = {
        "control": "DS-01",
        "head": "DS",
        "title": TITLE,
        "what": TITLE,
        "severity": "high",
        "gate": False,
        "required": True,
        "min_level": "AL1",
        "automation": "full",
        "applies_when": "true",
        "checks": ("data.one",),
        "evidence": (),
        "limits": limits,
    }
    return Requirement(**{**given, **more})


def profile(*requirements: Requirement, **more) -> Profile:
    given = {
        "id": "whole",
        "edition": "1",
        "catalog": "small@1",
        "title": Text("Whole", "整体"),
        "scope": TITLE,
        "level": "AL1",
        "certificate_months": 24,
        "assumed_facts": {},
        "requirements": requirements,
        "heads": {"DS": TITLE},
        "references": {},
        "questions": {"a": Text("Is it a?", "是否为甲？")},
        "documents": {"policy": Text("Policy", "方针")},
    }
    return Profile(**{**given, **more})


def item(check="data.one", reason: str | None = None) -> PlanItem:
    return PlanItem(
        check=CheckIdentity(id=check, version="1"),
        controls=("DS-01",),
        runs=reason is None,
        reason=None if reason is None else Note(code=reason, text=TITLE),
        seed="1",
    )


def review(judgement="accepted", kinds=("policy",), **more) -> Review:
    given = {"document": SYSTEM, "title": "a.pdf", "controls": ("DS-01",), "kinds": kinds, "judgement": judgement}
    given |= {"reason": "It says who answers for what.", "reviewer": "Li Wei", "organisation": "Example Laboratory"}
    return Review.model_validate({**given, "reviewed": "2026-01-01", **more})


def card(check="data.one", **metrics: Text) -> CheckCard:
    return CheckCard(
        id=check,
        version="1",
        title=Text("Leaks", "泄漏"),
        measures=TITLE,
        cannot_tell=TITLE,
        remedy=TITLE,
        threats=(),
        source="a paper",
        metrics=metrics,
    )


def finding(
    demand: Requirement, *observations: Observation, facts=None, items=(), documents=(), cards=(), reviews=()
) -> Finding:
    whole = profile(demand)
    plan = Plan(
        system=SYSTEM,
        profile=whole.own_digest(),
        profile_id=whole.id,
        edition=whole.edition,
        budget="quick",
        items=items or tuple(item(each.check.id) for each in observations),
        tool="touchstone",
    )
    by_check = {each.check.id: each for each in observations}
    (found,) = judge(
        whole, facts or {}, plan, by_check, {"DS-01": documents}, {each.id: each for each in cards}, reviews
    )
    for text in filter(None, (found.reason.text, found.remedy)):
        assert re.fullmatch(r"[A-Z0-9].*[.?]", text.en)
        assert re.fullmatch(r".*[。？]", text.zh)
        assert not re.search("[<>]=|_", text.en + text.zh)
    return found


@pytest.mark.parametrize(
    ("op", "bound", "low", "value", "high", "expected"),
    [
        ("<=", "upper", "0.1", "0.3", "0.5", "pass"),
        ("<=", "upper", "0.4", "0.45", "0.51", "inconclusive"),
        ("<=", "upper", "0.5", "0.6", "0.7", "inconclusive"),
        ("<=", "upper", "0.51", "0.6", "0.7", "fail"),
        ("<=", "upper", None, "0.1", None, "inconclusive"),
        ("<=", "upper", None, "0.1", "0.2", "pass"),
        ("<=", "upper", "0.6", "0.7", None, "fail"),
        (">=", "lower", "0.5", "0.6", "0.7", "pass"),
        (">=", "lower", "0.49", "0.6", "0.7", "inconclusive"),
        (">=", "lower", "0.3", "0.4", "0.49", "fail"),
        (">=", "lower", None, "0.9", None, "inconclusive"),
        ("<=", "point", "0.4", "0.5", "0.6", "pass"),
        ("<=", "point", "0.4", "0.500000001", "0.6", "fail"),
        (">=", "exact", None, "0.5", None, "pass"),
        (">=", "exact", None, "0.499", None, "fail"),
    ],
)
def test_the_rule_of_the_house(op, bound, low, value, high, expected):
    measured = metric(value=value, low=low, high=high)
    assert compare(op, Decimal("0.5"), bound, measured) == expected
    found = finding(requirement(limit(op=op, bound=bound)), observation(measured))
    assert found.verdict == expected
    assert found.decisions[0].outcome == expected
    if found.decisions[0].margin is not None:
        assert (found.decisions[0].margin >= 0) == (expected == "pass")


shares = st.integers(0, 1000).map(lambda number: Decimal(number) / 1000)


@given(st.tuples(shares, shares, shares).map(sorted), shares, shares, st.sampled_from(["<=", ">="]))
def test_moving_the_bounds_to_the_passing_side_never_worsens_the_verdict(numbers, threshold, shift, op):
    bound = "upper" if op == "<=" else "lower"
    better = -shift if op == "<=" else shift

    def verdict(moved: Decimal) -> Verdict:
        low, value, high = (number + moved for number in numbers)
        demand = requirement(limit(op=op, bound=bound, value=threshold))
        return finding(demand, observation(metric(value=value, low=low, high=high))).verdict

    assert RANK[verdict(better)] >= RANK[verdict(Decimal(0))]


@given(st.tuples(shares, shares, shares).map(sorted), shares, shares, st.sampled_from(["<=", ">="]))
def test_a_narrower_interval_never_overturns_a_verdict(numbers, threshold, weight, op):
    low, value, high = numbers
    bound = "upper" if op == "<=" else "lower"
    wide = compare(op, threshold, bound, metric(value=value, low=low, high=high))
    closer = metric(value=value, low=low + (value - low) * weight, high=high - (high - value) * weight)
    assert wide in ("inconclusive", compare(op, threshold, bound, closer))


measurements = st.dictionaries(st.sampled_from(["one", "two", "three"]), shares, max_size=3)


@given(measurements)
def test_never_a_pass_when_a_metric_is_missing(measured):
    demand = requirement(*(limit(metric=name) for name in ("one", "two", "three")))
    metrics = [metric(name, value, value, value) for name, value in measured.items()]
    found = finding(demand, observation(*metrics))
    if len(measured) < 3:
        assert found.verdict != Verdict.PASS
    if any(value > Decimal("0.5") for value in measured.values()):
        assert found.verdict == Verdict.FAIL
    elif len(measured) == 3:
        assert found.verdict == Verdict.PASS
    elif measured:
        assert found.reason.code == "not-measured"
        assert found.verdict == Verdict.INCONCLUSIVE
    else:
        assert found.verdict == Verdict.NOT_TESTED


def test_a_slice_is_not_the_whole():
    found = finding(requirement(limit()), observation(metric(slice="sex=F")))
    assert (found.verdict, found.decisions[0].outcome) == (Verdict.NOT_TESTED, "missing")


def test_a_reason_is_a_sentence_with_numbers_as_people_read_them():
    low, high = "0.612345678", "0.812345678"
    found = finding(requirement(limit("leak_rate")), observation(metric("leak_rate", "0.712345678", low, high)))
    assert found.reason.text == Text(
        "Misses the limit: “leak rate” is 0.7123 (one-sided 95 % bounds 0.6123 and 0.8123, n = 100);"
        " even the lower bound is above the limit of 0.5.",
        "未达限值：“leak rate”为 0.7123（单侧 95 % 置信界 0.6123 与 0.8123，n = 100）；即便下界也高于限值 0.5。",
    )
    assert found.remedy == Text(
        "Bring the upper bound of “leak rate” from 0.8123 to at most 0.5, then test again.",
        "将“leak rate”的上界由 0.8123 改进至不高于 0.5，然后重新测试。",
    )
    assert str(found.decisions[0].compared) == high


def test_what_was_measured_is_called_what_its_check_calls_it():
    attack = card(leak=Text("share of attacked inputs", "受攻击输入占比"), days_open=Text("days open", "未处理天数"))
    found = finding(requirement(limit()), observation(metric()), cards=(attack,))
    assert found.reason.text == Text(
        "Meets every limit: “share of attacked inputs” is 0.2 (one-sided 95 % bounds 0.1 and 0.3, n = 100);"
        " the upper bound meets the limit of at most 0.5.",
        "满足全部限值：“受攻击输入占比”为 0.2（单侧 95 % 置信界 0.1 与 0.3，n = 100）；上界满足限值（不高于 0.5）。",
    )
    days = limit("days_open", value="5", unit="days", bound="exact", basis=PILOT)
    late = finding(requirement(days), observation(metric("days_open", "9", None, None, unit="days")), cards=(attack,))
    assert late.reason.text.en.startswith("Misses the limit: “days open” is 9 days, above the limit of 5. Pilot limit")
    assert late.reason.text.zh.startswith("未达限值：“未处理天数”为 9 天，高于限值 5。试点限值")
    assert late.remedy == Text(
        "Bring “days open” from 9 to at most 5 days, then test again.",
        "将“未处理天数”由 9 改进至不高于 5 天，然后重新测试。",
    )
    control = ControlRun(kind="planted", expected=TITLE, seen=TITLE, passed=False)
    distrusted = finding(requirement(limit()), observation(metric(), controls=(control,)), cards=(attack,))
    assert "“Leaks” is not believed" in distrusted.reason.text.en
    assert "检查项“泄漏”的结果不予采信" in distrusted.reason.text.zh


def test_a_controls_own_check_gives_the_name_where_two_checks_share_it():
    foreign, own = card("a.first", leak=Text("another", "另一个")), card(leak=Text("ours", "本项"))
    seen = finding(requirement(limit()), observation(metric()), cards=(foreign, own)).reason.text
    assert "“ours”" in seen.en
    assert "“本项”" in seen.zh


def test_what_no_check_measures_is_called_what_its_control_calls_it():
    title = Text("suppliers with an exit plan", "有退出方案的供应商")
    plans = limit("exit_plans", op=">=", bound="exact")
    demand = requirement(plans, checks=(), evidence=("policy",), titles={"exit_plans": title})
    read = [review(values={"exit_plans": "0.2"})]
    seen = finding(demand, documents=("a.pdf",), reviews=read).reason.text
    assert "“suppliers with an exit plan” is 0.2, below" in seen.en
    assert "“有退出方案的供应商”为 0.2，低于" in seen.zh


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        ("0.4", "0.6", "the limit of 0.5 lies between the two"),
        (None, "0.6", "upper bound 0.6, n = 100); the upper bound is above the limit of 0.5, and the lower bound was"),
        (
            "0.4",
            None,
            "lower bound 0.4, n = 100); the upper bound, which has to meet the limit of at most 0.5, was not",
        ),
        (None, None, "(n = 100); the upper bound, which has to meet the limit of at most 0.5, was not measured"),
    ],
)
def test_an_undecided_limit_says_what_leaves_it_open(low, high, said):
    found = finding(requirement(limit()), observation(metric(value="0.45", low=low, high=high)))
    assert found.reason.code == "bound-straddles-limit"
    assert said in found.reason.text.en


@given(st.decimals("0.001", "2", places=9), st.integers(1, 2000).map(lambda number: Decimal(number) / 1000))
def test_a_number_is_shown_on_its_own_side_of_the_limit(value, threshold):
    assert Decimal(shown(value, threshold)).compare(threshold) == value.compare(threshold)
    if abs(value - threshold) > Decimal("0.001"):
        assert len(Decimal(shown(value, threshold)).as_tuple().digits) <= 4


def test_counts_are_shown_whole():
    assert shown(Decimal(123456)) == "123456"
    assert shown(None) == "–"


def test_numbers_in_different_units_are_never_compared():
    for value in ("0.1", "90"):
        found = finding(requirement(limit()), observation(metric(value=value, low=value, high=value, unit="percent")))
        assert (found.verdict, found.reason.code) == (Verdict.ERROR, "units-differ")


FALLBACK = (limit("primary"), limit("spare", fallback_for="primary"))


def test_a_fallback_counts_only_in_place_of_its_primary():
    both = finding(requirement(*FALLBACK), observation(metric("primary"), metric("spare", "0.9", "0.8", "0.95")))
    assert (both.verdict, [decision.metric for decision in both.decisions]) == (Verdict.PASS, ["primary"])
    spare = finding(requirement(*FALLBACK), observation(metric("spare", "0.9", "0.8", "0.95")))
    assert (spare.verdict, [decision.metric for decision in spare.decisions]) == (Verdict.FAIL, ["spare"])
    neither = finding(requirement(*FALLBACK), observation(metric("other")))
    assert [(decision.metric, decision.outcome) for decision in neither.decisions] == [("primary", "missing")]


def test_facts_decide_before_anything_is_looked_at():
    demand = requirement(limit(), applies_when="a")
    failing = observation(metric(value="0.9", low="0.8", high="1"))
    absent = finding(demand, failing, facts={"a": False})
    assert (absent.verdict, absent.reason.code) == (Verdict.NOT_APPLICABLE, "not-applicable")
    assert absent.reason.text == Text("Does not apply: Is it a? No.", "不适用：是否为甲？否。")
    unknown = finding(demand, failing)
    assert (unknown.verdict, unknown.reason.code) == (Verdict.NOT_TESTED, "fact-unknown")
    assert unknown.reason.text.zh.endswith("是否为甲？")
    assert "`a`" in unknown.remedy.zh
    assert finding(demand, failing, facts={"a": True}).verdict == Verdict.FAIL


def test_a_conditional_limit_is_asked_for_only_where_it_holds():
    demand = requirement(limit(), limit("plates", applies_when="a"))
    good = observation(metric())
    assert finding(demand, good, facts={"a": False}).verdict == Verdict.PASS
    assert finding(demand, good, facts={"a": True}).reason.code == "not-measured"
    assert finding(demand, good).reason.code == "fact-unknown"
    assert finding(demand, good).verdict == Verdict.INCONCLUSIVE


def test_a_crash_is_an_error_unless_another_check_has_already_failed():
    demand = requirement(limit(), checks=("data.one", "data.two"))
    crash = observation(check="data.two", status="error", error=Note(code="memory", text=Text("out", "耗尽")))
    assert finding(demand, observation(metric()), crash).verdict == Verdict.ERROR
    assert finding(demand, observation(metric(value="0.9", low="0.8", high="1")), crash).verdict == Verdict.FAIL


def test_a_planned_observation_that_is_gone_is_an_error():
    demand = requirement(limit(), checks=("data.one", "data.two"))
    found = finding(demand, observation(metric()), items=(item("data.one"), item("data.two")))
    assert (found.verdict, found.reason.code) == (Verdict.ERROR, "observation-absent")


def control_run(kind: str) -> ControlRun:
    return ControlRun(kind=kind, expected=TITLE, seen=TITLE, passed=False)


def test_a_check_that_fails_its_control_run_is_not_believed():
    good, bad = metric(), metric(value="0.9", low="0.8", high="1")

    def verdict(measured: Metric, kind: str) -> Verdict:
        return finding(requirement(limit()), observation(measured, controls=(control_run(kind),))).verdict

    assert verdict(good, "planted") == Verdict.INCONCLUSIVE
    assert verdict(good, "null") == Verdict.INCONCLUSIVE
    assert verdict(bad, "null") == Verdict.INCONCLUSIVE
    assert verdict(bad, "planted") == Verdict.FAIL


def test_remarks_that_are_sentences_are_fitted_into_the_reason():
    ended = Text("Finds it.", "检出。")
    run = ControlRun(kind="planted", expected=ended, seen=ended, passed=False)
    found = finding(requirement(limit()), observation(metric(), controls=(run,)))
    assert found.reason.text.en.endswith("expected: Finds it; seen: Finds it.")
    assert found.reason.text.zh.endswith("预期：检出；实测：检出。")
    crash = observation(status="error", error=Note(code="memory", text=ended))
    assert finding(requirement(limit()), crash).reason.text.en == ("The check “data.one” did not finish: Finds it.")
    warned = observation(warnings=(Note(code="few", text=ended),))
    assert finding(requirement(limit()), warned).reason.text.zh == "未测得：“leak”（检出）。"


def test_a_power_limit_qualifies_the_test_and_not_the_system():
    weak = metric("power", "0.2", "0.1", "0.3")
    demand = requirement(limit(), limit("power", op=">=", bound="lower", power=True))
    found = finding(demand, observation(metric(), weak))
    assert (found.verdict, found.reason.code) == (Verdict.INCONCLUSIVE, "bound-straddles-limit")


def test_a_pilot_limit_is_named_as_such_and_weighs_less():
    bad = observation(metric(value="0.9", low="0.8", high="1"))
    pilot = finding(requirement(limit(basis=PILOT)), bad)
    assert "Pilot limit" in pilot.reason.text.en
    assert "试点限值" in pilot.reason.text.zh
    assert pilot.severity == "medium"
    assert finding(requirement(limit(basis=PILOT), gate=True), bad).severity == "high"
    law = finding(requirement(limit()), bad)
    assert "Pilot" not in law.reason.text.en
    assert law.severity == "high"


def test_why_nothing_was_measured():
    refused = finding(requirement(limit()), items=(item(reason="access-too-low"),))
    assert (refused.verdict, refused.reason.code) == (Verdict.NOT_TESTED, "access-too-low")
    absent = finding(requirement(limit(), evidence=("policy",)))
    assert (absent.verdict, absent.reason.code) == (Verdict.NOT_TESTED, "no-test-yet")
    assert "Policy" in absent.reason.text.en
    uninstalled = finding(
        requirement(limit(), evidence=("policy",)), items=(item(reason="no-test-yet"),), documents=("a.pdf",)
    )
    assert (uninstalled.verdict, uninstalled.reason.code) == (Verdict.NOT_TESTED, "documents-unreviewed")


def test_a_check_for_another_kind_of_input_explains_nothing_beside_one_for_this_kind():
    demand = requirement(limit(), checks=("data.one", "data.two"))
    foreign = item("data.two", reason="input-not-covered")
    assert finding(demand, items=(item(reason="input-not-covered"), foreign)).reason.code == "input-not-covered"
    assert finding(demand, items=(foreign, item(reason="access-too-low"))).reason.code == "access-too-low"
    remark = Note(code="nothing-to-attack", text=Text("nothing was right", "无一正确"))
    silent = finding(demand, observation(warnings=(remark,)), items=(foreign, item()))
    assert silent.reason.code == "not-measured"
    assert "nothing was right" in silent.reason.text.en


def unavailable(check="data.one") -> Observation:
    note = Note(
        code="unavailable", text=Text("data.train: no training data were handed in", "data.train：未提交训练数据")
    )
    way_out = Note(code="remedy", text=Text("hand them in", "请提交"))
    return observation(check=check, status="error", error=note, warnings=(way_out,))


def test_a_check_that_could_not_begin_tested_nothing_and_broke_nothing():
    found = finding(requirement(limit()), unavailable())
    assert (found.verdict, found.reason.code) == (Verdict.NOT_TESTED, "unavailable")
    assert "no training data" in found.reason.text.en
    assert found.remedy is not None
    assert "hand them in" in found.remedy.en.casefold()


def test_half_of_what_was_asked_for_is_undecided_and_says_why():
    both = requirement(limit(), limit(metric="drop"), checks=("data.one", "data.two"))
    found = finding(both, observation(metric()), unavailable("data.two"))
    assert (found.verdict, found.reason.code) == (Verdict.INCONCLUSIVE, "not-measured")
    assert "no training data" in found.reason.text.en


MEMBERS = {"metric": "members", "op": ">=", "value": "7", "bound": "exact", "unit": "count"}


def test_what_a_reviewer_read_stands_where_nothing_can_be_tested():
    committee = requirement(limit(**MEMBERS), checks=(), evidence=("policy",), automation="none")
    passed = finding(committee, documents=("a.pdf",), reviews=[review(values={"members": "9"})])
    assert (passed.verdict, passed.reason.code) == (Verdict.PASS, "attested")
    assert "Li Wei (Example Laboratory)" in passed.reason.text.en
    assert "not tested" in passed.reason.text.en.casefold()
    assert passed.decisions[0].compared == 9
    failed = finding(committee, documents=("a.pdf",), reviews=[review(values={"members": "5"})])
    assert (failed.verdict, failed.reason.code) == (Verdict.FAIL, "attested-value-misses-limit")
    silent = finding(committee, documents=("a.pdf",), reviews=[review()])
    assert (silent.verdict, silent.reason.code) == (Verdict.NOT_TESTED, "attested-without-value")
    for found, attested in ((passed, 1), (failed, 1), (silent, 0)):
        coverage = conclude(profile(committee), [found]).coverage
        assert (coverage.tested, coverage.attested) == (0, attested)


def test_of_two_readings_the_worse_counts():
    committee = requirement(limit(**MEMBERS), checks=(), evidence=("policy",))
    both = [review(values={"members": "9"}), review(values={"members": "6"}, reviewer="Wang Fang")]
    assert finding(committee, documents=("a.pdf",), reviews=both).verdict == Verdict.FAIL


def test_accepted_documents_complete_what_was_measured_and_replace_nothing_of_it():
    both = requirement(limit(), evidence=("policy",))
    seen = finding(both, observation(metric()), documents=("a.pdf",), reviews=[review()])
    assert (seen.verdict, seen.reason.code) == (Verdict.PASS, "all-limits-met")
    high = observation(metric(value="0.9", low="0.8", high="1.0"))
    said_low = review(values={"leak": "0.1"})
    assert finding(both, high, documents=("a.pdf",), reviews=[said_low]).verdict == Verdict.FAIL
    refused = finding(both, items=(item(reason="no-data"),), documents=("a.pdf",), reviews=[said_low])
    assert refused.verdict == Verdict.NOT_TESTED
    assert refused.reason.code == "no-data"


@pytest.mark.parametrize(
    ("judgement", "kinds", "verdict", "code"),
    [
        ("rejected", ("policy",), Verdict.FAIL, "document-rejected"),
        ("needs-work", ("policy",), Verdict.INCONCLUSIVE, "document-needs-work"),
        ("accepted", ("charter",), Verdict.INCONCLUSIVE, "documents-incomplete"),
    ],
)
def test_a_document_that_does_not_do_is_no_pass(judgement, kinds, verdict, code):
    both = requirement(limit(), evidence=("policy",))
    found = finding(both, observation(metric()), documents=("a.pdf",), reviews=[review(judgement, kinds)])
    assert (found.verdict, found.reason.code) == (verdict, code)


def test_documents_are_no_pass_until_someone_else_has_read_them():
    attested = requirement(checks=(), evidence=("policy",))
    assert finding(attested).reason.code == "documents-missing"
    assert finding(attested, documents=("a.pdf", "b.pdf")).verdict == Verdict.NOT_TESTED
    assert "2 documents were" in finding(attested, documents=("a.pdf", "b.pdf")).reason.text.en
    both = requirement(limit(), evidence=("policy",))
    for documents in ((), ("a.pdf",)):
        assert finding(both, observation(metric()), documents=documents).verdict == Verdict.INCONCLUSIVE


def test_without_a_limit_that_applies_nothing_passes():
    for demand in (requirement(), requirement(limit(applies_when="a"))):
        found = finding(demand, observation(metric()), facts={"a": False})
        assert (found.verdict, found.reason.code) == (Verdict.NOT_TESTED, "no-limit-applies")


def test_documents_carry_a_control_whose_limits_are_all_for_other_systems():
    notice = requirement(limit(applies_when="a"), evidence=("policy",))
    nothing_to_test = {"documents": ("a.pdf",), "facts": {"a": False}}
    passed = finding(notice, unavailable(), reviews=[review()], **nothing_to_test)
    assert (passed.verdict, passed.reason.code) == (Verdict.PASS, "attested")
    coverage = conclude(profile(notice), [passed]).coverage
    assert (coverage.tested, coverage.attested) == (0, 1)
    unread = finding(notice, unavailable(), **nothing_to_test)
    assert (unread.verdict, unread.reason.code) == (Verdict.NOT_TESTED, "unavailable")
    for applying in ({"a": True}, {}):
        found = finding(notice, unavailable(), documents=("a.pdf",), facts=applying, reviews=[review()])
        assert found.verdict == Verdict.NOT_TESTED
    measured = finding(notice, observation(metric()), reviews=[review()], **nothing_to_test)
    assert (measured.verdict, measured.reason.code) == (Verdict.NOT_TESTED, "no-limit-applies")


@pytest.mark.parametrize(("successes", "n", "threshold"), [(0, 20, 0.05), (6, 40, 0.2), (30, 60, 0.4), (2, 100, 0.04)])
def test_the_sample_size_told_does_decide(successes, n, threshold):
    rate = successes / n

    def at(size: int) -> str:
        low, high = proportion_bounds(round(rate * size), size)
        return compare("<=", Decimal(str(threshold)), "upper", metric(value=rate, low=low, high=high, n=size))

    low, high = proportion_bounds(successes, n)
    needed = samples_needed(metric(value=rate, low=low, high=high, n=n), Decimal(str(threshold)))
    assert at(n) == "inconclusive"
    assert needed is not None
    assert n < needed
    assert at(2 * needed) != "inconclusive"
    assert at(needed // 3) == "inconclusive"


def test_bounds_widened_for_several_looks_ask_for_more_than_was_used():
    low, high = proportion_bounds(40, 400, looks=7)
    needed = samples_needed(metric(value="0.1", low=low, high=high, n=400), Decimal("0.13"))
    assert needed is not None
    assert 400 < needed < 1000


def test_an_undecided_proportion_says_how_many_samples_would_decide():
    found = finding(requirement(limit(value="0.25")), observation(metric()))
    assert found.reason.code == "bound-straddles-limit"
    assert "about 210 samples" in found.remedy.en
    assert "210" in found.remedy.zh
    other = finding(requirement(limit(value="0.25")), observation(metric(method="bootstrap-percentile")))
    assert "more independent samples than the 100" in other.remedy.en
    pointless = finding(requirement(limit()), observation(metric(low=None, high=None)))
    assert "the upper bound has to be measured" in pointless.remedy.en


def conclusion(*verdicts: Verdict, required: bool = True, **more):
    findings = [
        Finding(
            control=f"DS-{position:02}",
            verdict=verdict,
            required=required,
            gate=False,
            severity="low",
            reason=Note(code="code", text=TITLE),
        )
        for position, verdict in enumerate(verdicts)
    ]
    return conclude(profile(**more), findings)


def test_the_whole_is_no_better_than_its_parts():
    good, none = Verdict.PASS, Verdict.NOT_APPLICABLE
    assert conclusion(good, none).verdict == "pass"
    assert conclusion(good, Verdict.FAIL, Verdict.ERROR).verdict == "fail"
    for obstacle in (Verdict.INCONCLUSIVE, Verdict.NOT_TESTED, Verdict.ERROR):
        assert conclusion(good, obstacle).verdict == "inconclusive"
    assert conclusion(none, none).verdict == "inconclusive"
    assert conclusion().verdict == "inconclusive"
    assert conclusion(good, Verdict.FAIL, required=False).verdict == "inconclusive"


def test_coverage_counts_every_finding_once():
    coverage = conclusion(*Verdict, outside_scope=("DS-90", "DS-91")).coverage
    assert (coverage.tested, coverage.not_tested, coverage.not_applicable, coverage.error) == (3, 1, 1, 1)
    assert coverage.total == len(Verdict)
    assert coverage.outside_scope == 2


def test_the_summary_claims_what_was_covered():
    note = conclusion(
        *Verdict, outside_scope=("DS-90", "DS-91"), whole_title=Text("City", "城市"), whole_profile="city"
    ).summary
    assert note.text.en == (
        "Tested against Whole, edition 1: 1 of 6 controls pass, 1 fail, 1 inconclusive, 1 broken off by an error,"
        " 1 not tested, 1 not applicable; 2 further controls of City outside this test."
    )
    assert note.text.zh == (
        "依据“整体”（1 版）测试：6 项控制中 1 项通过，1 项未通过，1 项无法判定，1 项出错，1 项未测试，1 项不适用；"
        "“城市”另有 2 项控制不在本次测试范围内。"
    )
    assert note.code == "overall-fail"


def test_stopping_limits_are_those_of_the_check_each_once():
    demands = [requirement(limit(), limit("other")), requirement(limit(), limit(value="0.7"))]
    assert [(each.metric, str(each.value)) for each in stopping_limits(demands, ["leak"])] == [
        ("leak", "0.5"),
        ("leak", "0.7"),
    ]


def test_every_profile_is_judged_without_a_single_observation_and_never_passes():
    standard = load_standard()
    for name in standard.profiles:
        whole = standard.profile(name)
        plan = Plan(
            system=SYSTEM, profile=whole.own_digest(), profile_id=name, edition="1", budget="quick", items=(), tool="t"
        )
        findings = judge(whole, {}, plan, {}, {}, {})
        assert [found.control for found in findings] == [each.control for each in whole.requirements]
        assert {found.verdict for found in findings} <= {Verdict.NOT_TESTED, Verdict.NOT_APPLICABLE}
        assert conclude(whole, findings).verdict == "inconclusive"
