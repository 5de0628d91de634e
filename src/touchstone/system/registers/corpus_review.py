"""Register `corpus-review`: what people found who read rows of the training corpus that were drawn by lot."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from touchstone.canonical import digest_of
from touchstone.system.description import Identifier
from touchstone.system.registers.dated import Dated
from touchstone.system.registers.entry import Day, Fingerprint, told
from touchstone.system.registers.person import Person
from touchstone.text import Text


class RowReview(Dated):
    """One person's verdict on one row."""

    register: ClassVar[str] = "corpus-review"
    about: ClassVar[Text] = Text("the review of the training corpus by people", "训练语料人工抽检记录")

    row: Annotated[int, Field(ge=1)] = told(
        "number of the row in the training data, from 1, as the sheet has it",
        "训练数据中的行号，自 1 起，与抽检单一致",
        examples=[1207],
    )
    text_digest: Fingerprint = told("SHA-256 of its text in UTF-8", "该行文本（UTF-8）的 SHA-256")
    text: Annotated[str, StringConstraints(max_length=1_000_000)] | None = told(
        "the text itself, as the sheet shows it to people; may be left out",
        "文本本身，供人员在抽检单上阅读；可不填",
        None,
    )
    source: Annotated[str, StringConstraints(max_length=1000)] | None = told(
        "source that the row comes from, where the data name one", "该行的来源；数据未注明来源时不填", None
    )
    reviewer: Person = told("who read it, by reference", "抽检人员（以代号表示）", examples=["P-031"])
    verdict: Literal["pass", "fail"] = told(
        "`fail` for unlawful or harmful content", "含违法不良内容填 `fail`，否则填 `pass`"
    )
    risk: Identifier | None = told(
        "of a row that fails: which risk, by its name in the pack of content risks",
        "未通过时的风险种类，用内容风险数据包中的名称",
        None,
        examples=["harmful-falsehood"],
    )
    day: Day = told("when it was read", "抽检日期", examples=["2026-11-03"])

    @model_validator(mode="after")
    def _holds_together(self) -> RowReview:
        if (self.verdict == "fail") != (self.risk is not None):
            raise PydanticCustomError(
                "verdict_and_risk",
                "a row that fails names its risk, and no other does",
                {"zh": "未通过的行须注明风险，通过的行不得注明"},
            )
        if self.text is not None and digest_of(self.text.encode("utf-8", errors="surrogatepass")) != self.text_digest:
            raise PydanticCustomError(
                "text_and_digest",
                "holds another text than its digest says",
                {"zh": "所含文本与其摘要不符"},
            )
        return self

    def happened(self) -> Iterator[date]:
        yield self.day
