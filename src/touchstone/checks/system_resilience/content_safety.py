"""Harmful content and refusals: what an assistant says about the risks of the standard, and what it will not speak of.

Three banks of questions, in the languages that the system is made for: questions on each of the 31 risks, half of them
asking for harm; questions that have to be refused; and questions that only sound sensitive. Whether an answer refuses,
is harmless or does as it was asked is judged by its wording, in doubt against the assistant, and what no program can
say is listed for people, with a sample of the rest.

Tests of the test: the judge on answers whose kind is known, and assistants in this process that are honest, repeat what
they are asked, obey, refuse everything, obey in one language or for one risk.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from touchstone.canonical import canonical_json
from touchstone.checks.declaration import Measurement, MetricDeclaration, Needs, Parameters, Run, check
from touchstone.checks.least_samples import too_few
from touchstone.checks.system_resilience.consented_assistant import ConsentedAssistant, agreed_allowance
from touchstone.checks.system_resilience.content_safety_asking import Answered, answers_of
from touchstone.checks.system_resilience.content_safety_banks import Asking, asking
from touchstone.checks.system_resilience.content_safety_controls import assistant_controls, judge_trial
from touchstone.checks.system_resilience.content_safety_findings import (
    QUESTIONS,
    answer_lines,
    metrics_of,
    remarks,
    report,
    unclear_lines,
)
from touchstone.checks.system_resilience.content_safety_reviews import agreement, review_sheet
from touchstone.checks.system_resilience.content_safety_shares import answers_to
from touchstone.errors import BudgetSpentError
from touchstone.methods.language.questions import EXPECTED, Expected
from touchstone.records import Access, Note
from touchstone.system.registers.answer_review import AnswerReview
from touchstone.system.subject import Subject
from touchstone.text import Text


class ContentSafetyParameters(Parameters):
    """How many questions the standard asks for, in a bank and of each system."""

    content_n_min: int = Field(1, ge=1)
    content_bank_min: int = Field(1, ge=1)
    refuse_n_min: int = Field(1, ge=1)
    refuse_bank_min: int = Field(1, ge=1)
    answer_n_min: int = Field(1, ge=1)
    answer_bank_min: int = Field(1, ge=1)

    @property
    def least(self) -> Mapping[Expected, tuple[int, int]]:
        """Questions to be asked, and in the bank."""
        return {
            "safe": (self.content_n_min, self.content_bank_min),
            "refuse": (self.refuse_n_min, self.refuse_bank_min),
            "answer": (self.answer_n_min, self.answer_bank_min),
        }


@check(
    id="llm.content_safety",
    version="1",
    title=Text("Harmful content and refusals", "有害内容与拒答"),
    measures=Text(
        "Questions drawn by lot from three banks, in every language the system is made for: the share of answers "
        "without harmful content to questions on the 31 content risks, half of which ask for harm; the share of "
        "refusals or warnings after questions that have to be refused; and the share of harmless questions that only "
        "sound sensitive and are refused or not answered. Compared by risk and language.",
        "按系统面向的语言，从三个题库随机抽题：对 31 类内容风险提问（约半数直接索要有害内容）的回答不含有害内容的占比；"
        "应拒题被拒答或劝诫的占比；仅表面敏感的非拒题被拒答或未作答的占比。并按风险与语言比较。",
    ),
    cannot_tell=Text(
        "Wording is judged, by patterns and lexicons, not meaning: whether what an answer says is true, subtle "
        "prejudice, harm in unusual words, pictures or links are not seen, and unusual refusals are taken for bad "
        "answers. How often the judge errs on answers made for that purpose is stated; it may err more on real ones. "
        "The questions come in one turn and without disguise, so whoever tries harder may get more; and a supplier may "
        "have trained on the installed banks.",
        "评判依据措辞模式与词表，而非含义：无法判断回答是否属实，难以发现隐晦偏见、非常见措辞的危害以及图片与链接；"
        "少见的拒答方式会被判为不合格。评判器在专门编写的回答上的误判率已列出，在真实回答上可能更高。"
        "提问均为单轮且不加伪装，刻意诱导者可能得到更多；供应方也可能用内置题库做过训练。",
    ),
    remedy=Text(
        "Train and filter for the risks and languages named in the notes, on the input and on the answer; answer "
        "questions about a risk instead of refusing them, and refuse requests for it in words that say so and lead to "
        "help; let people read the unclear answers and the sample, and hand their verdicts in as `answer-review`.",
        "针对备注所列的风险与语言，对输入和回答同时做训练与过滤；对了解风险的提问应当作答，对索要有害内容的请求应明确拒答"
        "并引导求助；安排人工阅读未能判定的回答与抽检样本，并以 `answer-review` 提交结论。",
    ),
    threats=("AML.T0054", "AML.T0048", "NISTAML.018"),
    source="TC260-003 (8.2, 8.3, 9.3, 9.4, Appendix A); Röttger et al. 2024 (XSTest); Rogan and Gladen 1978",
    needs=Needs(access=Access.LABELS, target=False, tasks=("generation",), inputs=("text",), attacked_service=True),
    metrics=(
        MetricDeclaration(
            "content_pass_rate",
            "share",
            "higher",
            Text("answers without harmful content to questions on risks", "风险题的回答不含有害内容的占比"),
        ),
        MetricDeclaration(
            "should_refuse_rate",
            "share",
            "higher",
            Text("questions to refuse that are refused or met with a warning", "应拒题被拒答或劝诫的占比"),
        ),
        MetricDeclaration(
            "over_refusal_rate",
            "share",
            "lower",
            Text("harmless questions that are refused or not answered", "非拒题被拒答或未作答的占比"),
        ),
    ),
    parameters=ContentSafetyParameters,
    cost=lambda _, __, budget: {"quick": 60, "standard": 120, "full": 240}[budget],
)
def content_safety(subject: Subject, parameters: ContentSafetyParameters, run: Run) -> Measurement:
    """Try the judge, ask the assistant, and compare what it says with what a good one does.

    No look decides early: the standard compares the rate itself, over a number of questions that it states.
    """
    questions = asking(subject, run)
    allowance = agreed_allowance(subject)
    trial = judge_trial(run)
    controls = (*trial.controls(), *assistant_controls(run))
    run.progress(0.15)
    answered: list[Answered] = []
    spent = None
    try:
        assistant = ConsentedAssistant(subject.assistant(), allowance)
        answered.extend(answers_of(assistant, questions.chosen, lambda done: run.progress(0.15 + 0.8 * done)))
    except BudgetSpentError as error:
        if not answered:
            raise
        spent = Note(code="allowance-spent", text=error.what)
    enough = {expected: _enough(parameters, questions, answered, expected) for expected in EXPECTED}
    reviews = subject.register_if_any(AnswerReview)
    return Measurement(
        metrics_of(answered, enough),
        controls,
        (
            run.exhibit("answers.jsonl", "application/jsonl", answer_lines(answered)),
            run.exhibit("unclear_answers.jsonl", "application/jsonl", unclear_lines(answered)),
            run.exhibit(
                "review_sheet.jsonl",
                "application/jsonl",
                review_sheet(answered, run.budget, run.generator("review sheet")),
            ),
            run.exhibit("content_safety_report.json", "application/json", canonical_json(report(answered))),
            run.exhibit("bank_manifest.json", "application/json", canonical_json(questions.manifest())),
            run.exhibit("judge_validation.json", "application/json", canonical_json(trial.to_json())),
        ),
        (
            *(() if spent is None else (spent,)),
            *((_OF_A_TRADE,) if questions.of_a_trade else ()),
            *(note for expected in EXPECTED for note in _too_little(parameters, questions, answered, expected)),
            *remarks(answered, trial),
            *agreement(answered, reviews),
        ),
    )


_OF_A_TRADE = Note(
    code="questions-of-a-trade",
    text=Text(
        "the harmless questions are ordinary ones of the assistant's trade, chosen by whoever handed them in; how it "
        "does with harmless questions in general was not asked",
        "非拒题为提交方所选的助手本业普通提问；未测试其对一般无害提问的表现",
    ),
)


def _enough(
    parameters: ContentSafetyParameters, questions: Asking, answered: list[Answered], expected: Expected
) -> bool:
    """Whether the standard takes a rate over so many questions, out of so many, for one."""
    asked, bank = parameters.least[expected]
    return questions.size(expected) >= bank and len(answers_to(answered, expected)) >= asked


def _too_little(
    parameters: ContentSafetyParameters, questions: Asking, answered: list[Answered], expected: Expected
) -> tuple[Note, ...]:
    """Remarks on too small banks and too few answers."""
    least, bank = parameters.least[expected]
    what = QUESTIONS[expected]
    return (
        *too_few(bank, questions.size(expected), Text(f"{what.en} are in the bank", f"题库中的{what.zh}")),
        *too_few(least, len(answers_to(answered, expected)), Text(f"{what.en} were asked", f"所提问的{what.zh}")),
    )
