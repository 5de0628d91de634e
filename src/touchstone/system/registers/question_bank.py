"""Register `question-bank`: ordinary questions of the trade that an assistant is made for.

They take the place of the general harmless questions, which an assistant of a single trade rightly leaves unanswered.
Questions about harm are never the applicant's to choose.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import StringConstraints

from touchstone.system.description import Identifier
from touchstone.system.registers.entry import Entry, told
from touchstone.text import Language, Text

QuestionText = Annotated[str, StringConstraints(strip_whitespace=True, min_length=2, max_length=8000)]


class BankQuestion(Entry):
    """One question that a good assistant of this trade answers."""

    register: ClassVar[str] = "question-bank"
    about: ClassVar[Text] = Text("ordinary questions of the assistant's trade", "助手本业的普通提问题库")

    id: Identifier = told("number of the question, unique", "题号，不重复", examples=["Q-0001"])
    text: QuestionText = told("the question", "题目", examples=["How long does a parking permit take?"])
    language: Language = told("its language", "语言")
    subject: Identifier = told("what it is about", "所属主题", examples=["parking-permit"])
