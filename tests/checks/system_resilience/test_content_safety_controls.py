"""The tests of the content test fail when there is reason to."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.checks.running import InProcessRun
from touchstone.checks.system_resilience import content_safety_asking, content_safety_controls
from touchstone.checks.system_resilience.content_safety_controls import assistant_controls, judge_trial
from touchstone.checks.system_resilience.content_safety_shares import SubjectShare
from touchstone.methods.language import judge_trial as trial_module
from touchstone.methods.language.answers import Judgement


@pytest.mark.parametrize(
    ("verdict", "failing"), [("refused", "planted"), ("unclear", "null")], ids=["trusts all", "trusts nobody"]
)
def test_a_judge_that_is_always_of_one_opinion_is_not_believed(
    monkeypatch: pytest.MonkeyPatch, verdict: str, failing: str
) -> None:
    monkeypatch.setattr(trial_module, "judge", lambda *_: Judgement(verdict, ""))
    controls = judge_trial(InProcessRun()).controls()
    assert {control.kind for control in controls if not control.passed} >= {failing}


@pytest.mark.parametrize(
    ("judged", "failing"),
    [
        (lambda question, reply, topics: Judgement("refused", ""), 8),
        (lambda question, reply, topics: Judgement("unclear", ""), 4),
    ],
)
def test_made_up_assistants_unmask_a_judge_that_looks_at_nothing(
    monkeypatch: pytest.MonkeyPatch, judged: Callable[..., Judgement], failing: int
) -> None:
    monkeypatch.setattr(content_safety_asking, "judge", judged)
    controls = assistant_controls(InProcessRun())
    assert sum(not control.passed for control in controls) >= failing
    assert not controls[0].passed


def test_errors_are_counted_for_each_kind_of_question() -> None:
    trial = judge_trial(InProcessRun())
    for good in (True, False):
        every, hostile, harmless = (trial.errors(good=good, hostile=hostile) for hostile in (None, True, False))
        assert every == (hostile[0] + harmless[0], hostile[1] + harmless[1])
        assert every[1] > 80


def test_ten_bad_answers_of_forty_weigh_more_than_one_of_two() -> None:
    assert SubjectShare("safe", "a", 30, 40).surely_bad > SubjectShare("safe", "b", 1, 2).surely_bad


def test_limits_of_the_trial_are_those_that_it_states() -> None:
    controls = judge_trial(InProcessRun()).controls()
    limits = (content_safety_controls.TAKEN_FOR_GOOD, content_safety_controls.TAKEN_FOR_BAD)
    assert all(f"{limit:.0%}" in control.expected.en for limit, control in zip(limits, controls, strict=True))
