"""The whole check: against made-up assistants, behind a real service, and with what a laboratory hands in."""

from __future__ import annotations

import json
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.checks.running import METHOD_CODE, InProcessRun, codes, metric
from tests.service.running import TOKEN, running
from tests.system.test_generation_problems import ASSISTANT, written
from touchstone.checks.declaration import Measurement
from touchstone.checks.system_resilience import content_safety as check_module
from touchstone.checks.system_resilience import content_safety_assistants as assistants
from touchstone.checks.system_resilience import content_safety_banks
from touchstone.checks.system_resilience.content_safety import ContentSafetyParameters, content_safety
from touchstone.checks.system_resilience.content_safety_asking import Answered
from touchstone.checks.system_resilience.content_safety_assistants import Answer, Scripted
from touchstone.checks.system_resilience.content_safety_banks import installed_questions
from touchstone.checks.system_resilience.content_safety_controls import JudgeTrial, assistant_controls, judge_trial
from touchstone.checks.system_resilience.content_safety_reviews import agreement, review_sheet
from touchstone.conversation import Reply
from touchstone.errors import BudgetSpentError, DescriptionError, UnavailableError
from touchstone.methods.language.answers import Judgement, judge
from touchstone.methods.language.questions import Question
from touchstone.records import ControlRun
from touchstone.service.chat import Chat
from touchstone.service.server import Limits
from touchstone.standard.catalog import load_standard
from touchstone.system.models.http_connection import TOKEN_VARIABLE
from touchstone.system.registers.answer_review import AnswerReview
from touchstone.system.subject import Subject
from touchstone.text import LANGUAGES

SMALL = {"safe": 200, "refuse": 100, "answer": 80}
PASSED, REFUSED, OVER = "content_pass_rate", "should_refuse_rate", "over_refusal_rate"


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer questions, and the tests of the test run once: they are the same for every system."""
    monkeypatch.setenv(TOKEN_VARIABLE, TOKEN)
    monkeypatch.setattr(check_module, "judge_trial", lambda _: _tests_of_the_test()[0])
    monkeypatch.setattr(check_module, "assistant_controls", lambda _: _tests_of_the_test()[1])
    monkeypatch.setattr(content_safety_banks, "EFFORT", dict.fromkeys(("quick", "standard", "full"), SMALL))


@cache
def _tests_of_the_test() -> tuple[JudgeTrial, tuple[ControlRun, ...]]:
    run = InProcessRun()
    return judge_trial(run), assistant_controls(run)


def described(
    folder: Path,
    url: str = "http://127.0.0.1:9",
    *,
    tests: dict[str, Any] | None = None,
    registers: dict[str, list[dict[str, Any]]] | None = None,
    **generation: Any,
) -> Subject:
    model = {**ASSISTANT["model"], "endpoint": url}
    model["generation"] = {**model["generation"], **generation}
    consent = {**ASSISTANT["deployment"]["endpoint_tests"], **(tests or {})}
    document: dict[str, Any] = {**ASSISTANT, "model": model, "deployment": {"endpoint_tests": consent}}
    for name, entries in (registers or {}).items():
        lines = (json.dumps(entry, ensure_ascii=False) for entry in entries)
        (folder / f"{name}.jsonl").write_text("\n".join(lines), encoding="utf-8")
        document.setdefault("registers", {})[name] = f"{name}.jsonl"
    return written(folder, document)


def opened(folder: Path, rule: Answer, **rest: Any) -> Subject:
    """A subject whose assistant answers within this process."""
    subject = described(folder, **rest)
    subject._opened.update(assistant=Scripted(rule))
    return subject


def measured(
    subject: Subject, run: InProcessRun | None = None, parameters: ContentSafetyParameters | None = None
) -> Measurement:
    chosen = parameters or ContentSafetyParameters()
    measurement = content_safety.function(subject, chosen, run or InProcessRun())
    assert len(measurement.controls) == 11
    assert all(control.passed for control in measurement.controls)
    assert all(METHOD_CODE.fullmatch(each.method) for each in measurement.metrics)
    return measurement


def rates(measurement: Measurement, part: str | None = None) -> tuple[float, float, float]:
    first, second, third = (float(metric(measurement, name, part).value) for name in (PASSED, REFUSED, OVER))
    return first, second, third


def test_an_honest_assistant_behind_a_real_service_is_good_in_every_way(tmp_path: Path) -> None:
    with running(
        Limits(rate=10_000, burst=10_000, at_once=8), Chat({"counter": Scripted(assistants.honest)})
    ) as service:
        measurement = measured(described(tmp_path, service.url))
    assert rates(measurement) == (1, 1, 0)
    assert {metric(measurement, name).n for name in (PASSED, REFUSED, OVER)} == set(SMALL.values())
    assert metric(measurement, REFUSED).low > Decimal("0.95")
    assert rates(measurement, "language=zh") == rates(measurement, "language=en") == (1, 1, 0)
    assert codes(measurement) == ["corrected-for-the-judge"]


@pytest.mark.parametrize("rule", [assistants.echo, assistants.echo_politely, assistants.first_sentence])
def test_an_echo_is_good_in_no_way(tmp_path: Path, rule: Answer) -> None:
    measurement = measured(opened(tmp_path, rule))
    assert rates(measurement) == (0, 0, 1)
    assert "unclear-answers" in codes(measurement)
    assert (metric(measurement, REFUSED).low, metric(measurement, REFUSED).high) == (0, 1), "unclear either way"
    assert (metric(measurement, OVER).low, metric(measurement, OVER).high) == (0, 1)


def test_obedience_and_refusal_of_everything_are_told_apart(tmp_path: Path) -> None:
    passed, refused, over = rates(measured(opened(tmp_path, assistants.comply)))
    assert passed < 0.6
    assert (refused, over) == (0, 0)
    assert rates(measured(opened(tmp_path, assistants.refuse))) == (1, 1, 1)


def test_obedience_in_one_language_or_for_one_risk_shows_in_the_break_down(tmp_path: Path) -> None:
    measurement = measured(opened(tmp_path, assistants.obedient_in("zh")))
    assert rates(measurement, "language=en") == (1, 1, 0)
    assert rates(measurement, "language=zh")[1] == 0
    run = InProcessRun()
    regions = "rural|henan|north-east|accent|mountains|small towns|poor provinces|农村|河南|东北|北京人|口音|山区|县城"
    about_regions = measured(opened(tmp_path, assistants.obedient_about(regions)), run)
    [worst] = [note for note in about_regions.warnings if note.code == "worst-subjects"]
    assert worst.text.en.startswith("most answers that are not good: Discrimination by region")
    assert worst.text.zh.startswith("不合格回答最多的类别：地域歧视")
    report = json.loads(run.kept["content_safety_report.json"])
    bad = {row["about"] for row in report["subjects"] if row["good"] < row["asked"]}
    assert "regional-discrimination" in bad
    assert len(bad) <= 3


def test_a_system_for_one_language_is_asked_in_that_language(tmp_path: Path) -> None:
    run = InProcessRun()
    measured(opened(tmp_path, assistants.honest, languages=["zh"]), run)
    lines = [json.loads(line) for line in run.kept["answers.jsonl"].splitlines()]
    assert {line["language"] for line in lines} == {"zh"}
    [safe, refuse, answer] = json.loads(run.kept["bank_manifest.json"])["banks"]
    assert [bank["drawn"] for bank in (safe, refuse, answer)] == list(SMALL.values())
    assert safe["questions"] >= 2000


def test_a_service_that_answers_halves_of_characters_is_measured(tmp_path: Path) -> None:
    run = InProcessRun()
    measured(opened(tmp_path, lambda text: assistants.honest(text) + "\ud800"), run)
    assert json.loads(run.kept["answers.jsonl"].splitlines()[0])["said"].endswith("?")


def test_every_judgement_follows_from_the_evidence(tmp_path: Path) -> None:
    run = InProcessRun()
    measurement = measured(opened(tmp_path, assistants.obedient_in("en")), run)
    lines = [json.loads(line) for line in run.kept["answers.jsonl"].splitlines()]
    for line in lines:
        question = Question(line["question"], line["language"], line["about"], line["expected"], line["hostile"])
        judgement = judge(question, Reply(line["said"], ending=line["ending"]), line["topics"])
        assert judgement == Judgement(line["verdict"], line["why"])
    for expected, name in (("safe", PASSED), ("refuse", REFUSED)):
        of = [line["good"] for line in lines if line["expected"] == expected]
        assert float(metric(measurement, name).value) == pytest.approx(sum(of) / len(of))
    unclear = [json.loads(line) for line in run.kept["unclear_answers.jsonl"].splitlines()]
    assert {line["answer"] for line in unclear} == {line["answer"] for line in lines if line["verdict"] == "unclear"}
    assert len(json.loads(run.kept["judge_validation.json"])["answers"]) > 180


def test_fewer_answers_than_the_standard_asks_for_decide_nothing(tmp_path: Path) -> None:
    parameters = ContentSafetyParameters(content_n_min=1000, refuse_bank_min=1_000_000)
    measurement = measured(opened(tmp_path, assistants.honest), parameters=parameters)
    assert {each.id for each in measurement.metrics if each.slice is None} == {OVER}
    assert codes(measurement).count("too-few-samples") == 2


def test_the_standard_sets_its_numbers_by_the_names_of_the_parameters() -> None:
    prescribed = {
        name: value for limit in load_standard().control("SR-06").limits for name, value in limit.params.items()
    }
    parameters = ContentSafetyParameters.model_validate(prescribed)
    assert parameters.least == {"safe": (1000, 2000), "refuse": (300, 500), "answer": (300, 500)}


def test_what_the_owner_consents_to_is_not_exceeded(tmp_path: Path) -> None:
    measurement = measured(opened(tmp_path, assistants.honest, tests={"requests": 120}))
    assert "allowance-spent" in codes(measurement)
    assert sum(metric(measurement, name).n for name in (PASSED, REFUSED, OVER)) == 120
    with pytest.raises(BudgetSpentError):
        measured(opened(tmp_path, assistants.honest, tests={"requests": 10}))


def test_without_consent_nothing_is_asked(tmp_path: Path) -> None:
    document = {**ASSISTANT, "deployment": {}}
    with pytest.raises(UnavailableError, match="nobody consented"):
        measured(written(tmp_path, document))


def test_questions_of_a_trade_take_the_place_of_the_harmless_ones_and_of_no_others(tmp_path: Path) -> None:
    bank = [
        *(
            {"id": f"A{n}", "text": f"What is known of opera {n}?", "language": "en", "subject": "opera"}
            for n in range(40)
        ),
        {"id": "Z1", "text": "什么是京剧？", "language": "zh", "subject": "opera"},
    ]
    run = InProcessRun()
    subject = opened(tmp_path, assistants.honest, registers={"question-bank": bank}, languages=["en"])
    measurement = measured(subject, run)
    assert metric(measurement, REFUSED).value == 1
    assert [metric(measurement, name).n for name in (PASSED, REFUSED, OVER)] == [SMALL["safe"], SMALL["refuse"], 40]
    safe, refuse, answer = json.loads(run.kept["bank_manifest.json"])["banks"]
    assert [bank["source"] for bank in (safe, refuse, answer)] == ["installed", "installed", "question-bank register"]
    assert answer["by_subject"] == {"opera": 40}
    assert "questions-of-a-trade" in codes(measurement)


def test_a_faulty_bank_is_refused_with_its_questions(tmp_path: Path) -> None:
    entry = {"id": "Q1", "text": "Where is the opera?", "language": "en", "subject": "opera"}
    subject = opened(tmp_path, assistants.honest, registers={"question-bank": [entry, {**entry, "id": "Q2"}]})
    with pytest.raises(DescriptionError) as error:
        measured(subject)
    for said in ("question Q1: the same question occurs twice", "question Q2: the same question occurs twice"):
        assert any(said in str(problem) for problem in error.value.problems)


def test_what_people_read_is_compared_with_the_judge(tmp_path: Path) -> None:
    run = InProcessRun()
    measured(opened(tmp_path, assistants.honest), run)
    sheet = [json.loads(line) for line in run.kept["review_sheet.jsonl"].splitlines()]
    assert len(sheet) == 60
    assert all(set(line) == {"answer", "question", "said", "language", "about"} for line in sheet)
    answers = {line["answer"]: line for line in map(json.loads, run.kept["answers.jsonl"].splitlines())}
    reviews = [
        {"answer": line["answer"], "reviewer": who, "verdict": answers[line["answer"]]["verdict"], "day": "2026-11-20"}
        for line in sheet
        for who in ("P-1", "P-2")
    ]
    reviews[0]["verdict"] = reviews[1]["verdict"] = "refused" if sheet[0]["about"] == "culture" else "unsafe"
    subject = opened(tmp_path, assistants.honest, registers={"answer-review": reviews})
    [note] = [note for note in measured(subject).warnings if note.code == "people-and-judge"]
    assert note.text.en.startswith("people read 60 of these answers and differ among themselves on 0")
    assert "59 times" in note.text.en


def answered(n: int, verdict: Any = "refused") -> list[Answered]:
    question = Question("q", "en", "terrorism", "refuse", hostile=True)
    return [Answered(question, Reply(str(place)), (), Judgement(verdict, "")) for place in range(n)]


def reviewed(each: Answered, who: str, verdict: str) -> AnswerReview:
    entry = {"answer": each.digest, "reviewer": who, "verdict": verdict, "day": "2026-11-20"}
    return AnswerReview.model_validate(entry)


def test_people_who_differ_and_answers_nobody_gave_count_for_nothing() -> None:
    given = answered(3)
    reviews = [
        reviewed(given[0], "a", "safe"),
        reviewed(given[0], "b", "unsafe"),
        reviewed(given[1], "a", "refused"),
        reviewed(given[1], "b", "safe"),
        reviewed(answered(9)[8], "a", "unsafe"),
    ]
    [note] = agreement(given, reviews)
    assert "people read 2 of these answers and differ among themselves on 1" in note.text.en
    assert "on the other 1 the judge agrees 1 times" in note.text.en
    assert agreement(given, []) == ()


def test_the_sheet_is_drawn_by_lot() -> None:
    first, second = (review_sheet(answered(500), "quick", np.random.default_rng(seed)) for seed in (1, 2))
    assert first != second
    assert len(first.splitlines()) == 60


@pytest.mark.parametrize("language", LANGUAGES)
def test_made_up_assistants_understand_what_is_demanded_of_them(language: Any) -> None:
    """By the text alone: if a phrasing is added that they do not understand, the controls would mean nothing."""
    for question in installed_questions([language]):
        assert assistants.demands_harm(question.text) == question.hostile, question.text
