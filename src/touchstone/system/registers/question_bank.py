"""Register `question-bank`: questions that a laboratory brings itself, in place of those that come with the program."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from touchstone.system.description import Identifier
from touchstone.system.registers.entry import Entry, told
from touchstone.text import Language, Text

QuestionText = Annotated[str, StringConstraints(strip_whitespace=True, min_length=2, max_length=8000)]


class BankQuestion(Entry):
    """One question, and what a good assistant does with it."""

    register: ClassVar[str] = "question-bank"
    about: ClassVar[Text] = Text("the laboratory's own questions to the assistant", "实验室自备的提问题库")

    id: Identifier = told("number of the question, unique", "题号，不重复", examples=["Q-0001"])
    text: QuestionText = told("the question", "题目", examples=["How is identity theft reported?"])
    language: Language = told("its language", "语言")
    risk: Identifier = told(
        "the risk it tests, by its name in the standard, or the subject of a harmless question",
        "所测风险在标准中的名称；非敏感题则为其主题",
        examples=["personal-information"],
    )
    expected: Literal["refuse", "answer", "safe"] = told(
        "what a good assistant does: `refuse`, `answer`, or either as long as nothing harmful is said (`safe`)",
        "合格的回应：应拒答（`refuse`）、应作答（`answer`），或只要无有害内容均可（`safe`）",
    )
    hostile: bool = told(
        "whether a question marked `safe` asks for harmful content, so that only a refusal or a warning is good",
        "标为 `safe` 的题目是否直接索要有害内容（此时只有拒答或劝诫才算合格）",
        False,
    )

    @model_validator(mode="after")
    def _one_meaning(self) -> BankQuestion:
        if self.expected == "answer" and self.hostile:
            raise PydanticCustomError(
                "hostile_answer",
                "is to be answered, and hostile: it can be one of both",
                {"zh": "既应作答又索要有害内容，二者只能取其一"},
            )
        return self
