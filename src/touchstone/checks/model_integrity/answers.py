"""Declared performance of a system that writes texts (MI-09): are its answers what they have to be?

Threat: a claim that was measured on questions the system was tuned to, or not at all. Each question of the test data is
asked once, by itself, however often it occurs; its answer is right when what is expected stands in it, as words of its
own, in whatever case, width and spacing, and not only where the answer repeats the question. An answer that holds
everything is right about nothing: the same answers are held against what other questions expect, and must not be right
there.

What it cannot tell: whether an answer that holds what is expected says the opposite or something else beside it, and
whether the questions represent what the system will be asked.

Source: exact and containment match as in Rajpurkar et al. 2016 (SQuAD); Clopper and Pearson 1934, Biometrika 26.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from touchstone.canonical import canonical_json
from touchstone.checks.declaration import Measurement, MetricDeclaration, Needs, Parameters, Run, check
from touchstone.checks.model_integrity.claims import by_group, claim_notes, group_notes, half_width, least_margin
from touchstone.checks.shares import share_metric
from touchstone.conversation import ask
from touchstone.errors import BudgetSpentError, UnavailableError
from touchstone.methods.language.errands import stands_in
from touchstone.records import Access, ControlRun, Note
from touchstone.statistics import proportion_bounds
from touchstone.text import Text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from touchstone.system.subject import Subject

QUESTIONS = {"quick": 200, "standard": 1000, "full": 100_000}
"""Most questions that are asked; drawn by lot where there are more."""
AT_A_TIME = 20
"""Questions of which none is asked where not all of them may be."""
MOST_BY_CHANCE = 0.5
"""Answers may be right about other questions this often at most, in shares of how often they are right: an answer may
say more than was asked."""
MOST_ALIKE = 0.5
"""Share of questions with the same answer above which the reader is told what always giving it is worth."""
LEAST_RECOGNISED = 0.99


class AnswersParameters(Parameters):
    """How small a slice may be to be reported by itself."""

    minimum_group_size: int = Field(10, ge=2, le=1_000_000)


@check(
    id="model.answers",
    version="1",
    title=Text("Declared performance of a system that writes texts", "生成文本系统的声明性能"),
    measures=Text(
        "Each question of the test data is asked once; an answer is right when what is expected stands in it, outside "
        "a repetition of the question. The share of right answers with exact bounds, by group where groups are "
        "declared, and how far it lies from what the supplier claims as `answered_rightly`.",
        "测试数据中的每个问题各询问一次；除复述问题的部分外，回答中含有期望内容即为正确。给出正确回答的占比及精确界限，"
        "声明了群体时分群体给出，并与供应方以 `answered_rightly` 声明的值比较。",
    ),
    cannot_tell=Text(
        "Whether an answer that holds what is expected denies it in the next sentence or names something else as "
        "well, and whether the questions represent what the system will be asked. Services do not always give the same "
        "answer twice.",
        "无法判断回答在给出期望内容之后是否又予以否认或另给出其他答案，也无法判断问题是否代表实际使用；"
        "服务对同一问题的回答不一定相同。",
    ),
    remedy=Text(
        "Correct the claim to what the lower bound supports, improve the system, or hand in more questions if the "
        "interval is too wide to decide.",
        "将声明值修正至置信下界所支持的水平，或改进系统；若区间过宽无法判定，请补充问题。",
    ),
    threats=("AVID P0204",),
    source="Rajpurkar et al. 2016, arXiv:1606.05250; Clopper and Pearson 1934, Biometrika 26:404",
    needs=Needs(access=Access.LABELS, data=("test",), tasks=("generation",), inputs=("text",)),
    metrics=(
        MetricDeclaration("answered_rightly", "share", "higher", Text("Right answers", "正确回答占比")),
        MetricDeclaration(
            "lower_bound_minus_claim",
            "points",
            "higher",
            Text("Measured performance less the claimed one", "实测值与声明值之差"),
        ),
        MetricDeclaration(
            "interval_half_width",
            "share",
            "lower",
            Text("Distance from the rate to its further bound", "估计值至较远界限的距离"),
        ),
    ),
    parameters=AnswersParameters,
    cost=lambda _, __, budget: {"quick": 10, "standard": 60, "full": 600}[budget],
)
def answers(subject: Subject, parameters: AnswersParameters, run: Run) -> Measurement:
    """Ask the questions of the test data, in an order drawn by lot."""
    test = subject.data("test")
    if test.expected is None:
        raise UnavailableError(
            Text("the test data do not say what is expected", "测试数据未给出期望的答案"), "data.test.target"
        )
    distinct = _distinct(test.inputs.tolist(), test.expected.tolist())
    chosen = run.generator("questions").permutation(distinct)[: QUESTIONS[run.budget]]
    given, spent = _asked(subject, [str(test.inputs[row]) for row in chosen], run)
    chosen = chosen[: len(given)]
    expected = [str(test.expected[row]) for row in chosen]
    beside = [answer.replace(str(test.inputs[row]).strip(), "\n") for row, answer in zip(chosen, given, strict=True)]
    right = _right(expected, beside)
    rates = {"answered_rightly": (int(right.sum()), len(right))}
    claims = subject.description.model.claims
    people = {name: values[chosen] for name, values in test.sensitive.items()}
    groups, unsliced = by_group("answered_rightly", people, right, parameters.minimum_group_size)
    return Measurement(
        metrics=(
            share_metric("answered_rightly", *rates["answered_rightly"], "higher"),
            *least_margin(rates, claims),
            half_width(*rates["answered_rightly"]),
            *groups,
        ),
        controls=(
            _right_elsewhere(expected, beside, right, run.generator("other questions")),
            _right_in_a_sentence(expected),
        ),
        exhibits=(run.exhibit("answers.json", "application/json", _table(chosen, expected, given, right)),),
        warnings=(
            *claim_notes(rates, claims),
            *group_notes(unsliced, parameters.minimum_group_size),
            *_remarks(len(test) - len(distinct), expected, spent),
        ),
    )


def _distinct(questions: Sequence[str], expected: Sequence[str]) -> NDArray[np.int64]:
    """The first row of each question and answer: asking the same again tells nothing new."""
    rows: dict[tuple[str, str], int] = {}
    for row, (question, wanted) in enumerate(zip(questions, expected, strict=True)):
        rows.setdefault((question.strip(), wanted), row)
    return np.array(list(rows.values()), dtype=np.int64)


def _asked(subject: Subject, questions: Sequence[str], run: Run) -> tuple[list[str], BudgetSpentError | None]:
    """The answers to the first questions, as many as may be asked. Raises `BudgetSpentError` where that is none."""
    assistant, given = subject.assistant(), list[str]()
    for first in range(0, len(questions), AT_A_TIME):
        try:
            replies = assistant.reply([ask(question) for question in questions[first : first + AT_A_TIME]])
        except BudgetSpentError as error:
            if not given:
                raise
            return given, error
        given += [reply.text for reply in replies]
        run.progress(len(given) / len(questions))
    return given, None


def _remarks(repeated: int, expected: Sequence[str], spent: BudgetSpentError | None) -> Iterator[Note]:
    """What a reader of the share has to know of the questions."""
    if repeated:
        yield Note(
            code="repeated-questions",
            text=Text(
                f"{repeated} rows of the test data repeat a question; each counts once",
                f"测试数据中有 {repeated} 行为重复问题，各只计一次",
            ),
        )
    alike = max(Counter(expected).values()) / len(expected)
    if alike > MOST_ALIKE:
        yield Note(
            code="one-answer-suffices",
            text=Text(
                f"always giving the same answer would be right {alike:.3f} of the time",
                f"若始终给出同一答案，正确占比可达 {alike:.3f}",
            ),
        )
    if spent is not None:
        yield Note(code="allowance-spent", text=spent.what)


def _right(expected: Sequence[str], given: Sequence[str]) -> NDArray[np.bool_]:
    return np.array([stands_in(wanted, answer) for wanted, answer in zip(expected, given, strict=True)], dtype=bool)


def _right_elsewhere(
    expected: Sequence[str], given: Sequence[str], right: NDArray[np.bool_], generator: np.random.Generator
) -> ControlRun:
    """Wrong answers must be seen as such: the same answers, held against what some other question expects.

    Whoever says everything is right there too, and is not believed here.
    """
    values = generator.permutation(sorted(set(expected))).tolist()
    another = dict(zip(values, [*values[1:], values[0]], strict=True))
    others = [
        (another[wanted], answer)
        for wanted, answer in zip(expected, given, strict=True)
        if not stands_in(another[wanted], wanted)  # of “5 days” and “5” the first holds the second
    ]
    most = MOST_BY_CHANCE * float(right.mean())
    aim = Text(
        f"the answers held against other questions: right {most:.3f} of the time at most",
        f"以其他问题的期望答案核对：正确占比至多 {most:.3f}",
    )
    if not others:
        alike = Text("all questions expect the same answer", "所有问题的期望答案相同")
        return ControlRun(kind="planted", expected=aim, seen=alike, passed=False)
    elsewhere = _right(*zip(*others, strict=True))
    low, _ = proportion_bounds(int(elsewhere.sum()), len(elsewhere))
    return ControlRun(
        kind="planted",
        expected=aim,
        seen=Text(
            f"right {elsewhere.mean():.3f} of the time (at least {low:.3f})",
            f"正确占比 {elsewhere.mean():.3f}（至少 {low:.3f}）",
        ),
        passed=low <= most,
    )


def _right_in_a_sentence(expected: Sequence[str]) -> ControlRun:
    """What is expected, within a sentence and in other letters, must be recognised."""
    said = [f"Well: {wanted.upper()} 。" for wanted in expected]
    share = float(_right(expected, said).mean())
    return ControlRun(
        kind="null",
        expected=Text("the expected answers within sentences: recognised", "置于句中的期望答案：应被识别"),
        seen=Text(f"{share:.3f} recognised", f"识别占比 {share:.3f}"),
        passed=share >= LEAST_RECOGNISED,
    )


def _table(rows: NDArray[np.int64], expected: Sequence[str], given: Sequence[str], right: NDArray[np.bool_]) -> bytes:
    """Every answer beside what was expected, so that each decision can be made again."""
    listed = zip(rows, expected, given, right, strict=True)
    return canonical_json(
        [
            {"row": int(row) + 1, "expected": wanted, "answer": answer, "right": bool(fits)}
            for row, wanted, answer, fits in listed
        ]
    )
