"""Right answers of assistants over HTTP: one that knows, one that knows half, one that says everything."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.checks.running import InProcessRun, codes, metric
from tests.service.running import TOKEN, running
from tests.system.test_generation_problems import ASSISTANT
from touchstone.checks.declaration import Measurement
from touchstone.checks.model_integrity.answers import AnswersParameters, answers
from touchstone.conversation import Conversation, Reply
from touchstone.errors import BudgetSpentError, UnavailableError
from touchstone.service.chat import Chat
from touchstone.statistics import proportion_bounds
from touchstone.system.subject import Subject, open_system

FEES = {f"service {number}": str(100 + 7 * number) for number in range(60)}


class Counter:
    """Says what `answer` makes of a question."""

    def __init__(self, answer: Callable[[str], str]) -> None:
        self._answer = answer

    def reply(self, conversations: Sequence[Conversation]) -> list[Reply]:
        return [Reply(self._answer(each.messages[-1].text)) for each in conversations]


def fee(question: str) -> str:
    return f"The fee is ￥{FEES[question.removeprefix('What does ').removesuffix(' cost?')]}."


QUESTIONS = [
    {"question": f"What does {name} cost?", "fee": amount, "language": "en" if place % 2 else "zh"}
    for place, (name, amount) in enumerate(FEES.items())
]


@contextmanager
def system(
    folder: Path,
    answer: Callable[[str], str],
    rows: Sequence[dict[str, str]] = QUESTIONS,
    queries: int | None = None,
    **test: Any,
) -> Iterator[Subject]:
    (folder / "questions.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    (folder / "instructions.txt").write_text("Be brief.", encoding="utf-8")
    declared = {
        "path": "questions.jsonl",
        "format": "jsonl",
        "features": "question",
        "target": "fee",
        "sensitive": ["language"],
        "origin": "made up",
        **test,
    }
    with running(served=Chat({"counter": Counter(answer)})) as service:
        claims = {"answered_rightly": 0.9}
        model = ASSISTANT["model"] | {"endpoint": service.url, "endpoint_queries": queries, "claims": claims}
        document = ASSISTANT | {"model": model, "data": {"test": declared}}
        (folder / "system.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
        yield open_system(folder)


@pytest.fixture(autouse=True)
def _token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOUCHSTONE_ENDPOINT_TOKEN", TOKEN)


def measured(subject: Subject, run: InProcessRun | None = None) -> Measurement:
    return answers.function(subject, AnswersParameters(), run or InProcessRun())


def test_an_assistant_that_knows_is_right(tmp_path: Path) -> None:
    run = InProcessRun()
    with system(tmp_path, fee) as subject:
        result = measured(subject, run)
    found = metric(result, "answered_rightly")
    assert (found.value, found.n) == (1, 60)
    assert float(found.low or 0) == pytest.approx(proportion_bounds(60, 60)[0], abs=1e-8)
    assert float(metric(result, "lower_bound_minus_claim").value) == pytest.approx(0.1)
    assert metric(result, "answered_rightly", "language=zh").n == 30
    assert [control.passed for control in result.controls] == [True, True]
    assert len(json.loads(run.kept["answers.json"])) == 60
    assert not codes(result)


def test_half_of_the_answers(tmp_path: Path) -> None:
    asked = iter(range(1000))
    with system(tmp_path, lambda question: fee(question) if next(asked) % 2 else "Please ask us.") as subject:
        result = measured(subject)
    assert metric(result, "answered_rightly").value == 0.5
    assert float(metric(result, "lower_bound_minus_claim").high or 0) < 0


def test_who_says_everything_has_answered_nothing(tmp_path: Path) -> None:
    everything = ", ".join(FEES.values())
    with system(tmp_path, lambda _: everything) as subject:
        result = measured(subject)
    wrong, right = result.controls
    assert (wrong.kind, wrong.passed, right.kind, right.passed) == ("planted", False, "null", True)


def test_numbers_within_other_numbers_are_not_answers(tmp_path: Path) -> None:
    with system(tmp_path, lambda question: fee(question).replace("￥", "￥1")) as subject:
        assert metric(measured(subject), "answered_rightly").value == 0


def test_questions_without_expected_answers_measure_nothing(tmp_path: Path) -> None:
    with system(tmp_path, fee, target=None) as subject, pytest.raises(UnavailableError, match="what is expected"):
        measured(subject)


def test_a_question_asked_again_counts_once(tmp_path: Path) -> None:
    with system(tmp_path, fee, QUESTIONS * 5) as subject:
        result = measured(subject)
    assert metric(result, "answered_rightly").n == 60
    assert codes(result) == ["repeated-questions"]


def choices(share: float) -> list[dict[str, str]]:
    """Questions to be answered with yes or no; `share` of them with yes."""
    return [
        {
            "question": f"Is room {place} open, yes or no?",
            "fee": "yes" if place < 60 * share else "no",
            "language": "en",
        }
        for place in range(60)
    ]


def open_rooms(share: float) -> Callable[[str], str]:
    right = {each["question"]: each["fee"] for each in choices(share)}
    return lambda question: f"{question}\n{right[question].title()}."


def test_an_echo_of_the_question_is_no_answer(tmp_path: Path) -> None:
    with system(tmp_path, lambda question: f"You ask: {question}", choices(0.5)) as subject:
        assert metric(measured(subject), "answered_rightly").value == 0


@pytest.mark.parametrize(("share", "said"), [(0.5, []), (0.9, ["one-answer-suffices"])])
def test_who_knows_is_right_though_many_questions_have_one_answer(
    tmp_path: Path, share: float, said: list[str]
) -> None:
    with system(tmp_path, open_rooms(share), choices(share)) as subject:
        result = measured(subject)
    assert metric(result, "answered_rightly").value == 1
    assert all(control.passed for control in result.controls)
    assert codes(result) == said


def test_questions_with_one_answer_test_nothing(tmp_path: Path) -> None:
    with system(tmp_path, open_rooms(1), choices(1)) as subject:
        wrong, _ = measured(subject).controls
    assert not wrong.passed


def test_what_was_asked_before_the_allowance_ended_counts(tmp_path: Path) -> None:
    with system(tmp_path, fee, queries=45) as subject:
        result = measured(subject)
    assert metric(result, "answered_rightly").n == 40
    assert codes(result) == ["allowance-spent"]


def test_without_any_allowance_nothing_is_measured(tmp_path: Path) -> None:
    with system(tmp_path, fee, queries=5) as subject, pytest.raises(BudgetSpentError):
        measured(subject)
