"""Cases of an oversight exercise, one by one: was the advice wrong, and what did the person make of it?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from touchstone.checks.remarks import Remarks
from touchstone.system.registers.oversight import Oversight
from touchstone.system.registers.oversight_cases import OversightCase
from touchstone.text import Text


@dataclass(frozen=True, slots=True)
class Exercise:
    """An exercise, and what its records are compared with."""

    setting: Oversight
    cases: tuple[OversightCase, ...]
    labels: tuple[str, ...]
    """What the model can answer."""
    truths: Mapping[str, str]
    """The true answer of each row of the test data that was handed in, by its identifier."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One person's answer to one case. A record that contradicts itself or the data is held against the exercise."""

    case: str
    """What was shown: a row of the test data is one case under whatever names."""
    overseer: str
    advised: bool
    wrong_advice: bool
    """Whether the advice was an error; false where the person had none."""
    right: bool
    """Whether what came of it was right: an error overruled rightly, stopped or handed on, or a right decision."""
    overruled: bool
    seconds: float
    shown: datetime


def answers(exercise: Exercise, remarks: Remarks) -> list[Answer]:
    """Every case that counts, in the order in which they were shown. What is amiss goes into `remarks`."""
    return list(_answers(exercise, remarks))


def _answers(exercise: Exercise, remarks: Remarks) -> Iterator[Answer]:
    seen: set[tuple[str, str]] = set()
    row_of = {case.case: case.row for case in exercise.cases if case.row is not None}
    for case in sorted(exercise.cases, key=lambda each: (each.shown, each.case, each.overseer)):
        name = f"{case.case} ({case.overseer})"
        if case.overseer not in exercise.setting.overseers:
            remarks.add("not-an-overseer", name, Text("is not one of the overseers", "不在监督人员之列"))
            continue
        shown = row_of.get(case.case, case.case)
        if (shown, case.overseer) in seen:
            remarks.add("case-seen-before", name, Text("had seen this case before", "此前已见过该案例"))
        else:
            seen.add((shown, case.overseer))
            yield _answer(case, shown, name, exercise, remarks)


def _answer(case: OversightCase, shown: str, name: str, exercise: Exercise, remarks: Remarks) -> Answer:
    truth = case.truth if case.row is None else exercise.truths.get(case.row, case.truth)
    sound = _is_sound(case, name, truth, exercise, remarks)
    wrong = case.advice is not None and (case.advice != truth or not sound)
    stopped = case.decision is None
    return Answer(
        case=shown,
        overseer=case.overseer,
        advised=case.advice is not None,
        wrong_advice=wrong,
        right=sound and ((stopped and wrong) or case.decision == truth),
        overruled=sound and case.decision != case.advice,
        seconds=max((case.decided - case.shown).total_seconds(), 0.0),
        shown=case.shown,
    )


def _is_sound(case: OversightCase, name: str, truth: str, exercise: Exercise, remarks: Remarks) -> bool:
    unknown = [
        label for label in (truth, case.advice, case.decision) if label is not None and label not in exercise.labels
    ]
    if unknown:
        what = Text(f"the model has no answer {unknown[0]!r}", f"模型没有 {unknown[0]!r} 这一回答")
        remarks.add("answer-unknown", name, what)
    if case.decided <= case.shown:
        remarks.add("decided-before-shown", name, Text("decided before it was shown", "决定早于展示"))
    if truth != case.truth:
        what = Text(
            f"the test data say {truth!r} for row {case.row}, the register {case.truth!r}",
            f"测试数据第 {case.row} 行为 {truth!r}，登记为 {case.truth!r}",
        )
        remarks.add("truth-contradicts-data", name, what)
    elif case.row is not None and exercise.truths and case.row not in exercise.truths:
        remarks.add("row-unknown", name, Text(f"the test data have no row {case.row}", f"测试数据中没有行 {case.row}"))
        return False
    return not unknown and case.decided > case.shown and truth == case.truth
