"""Register `filings`: what was filed, assessed, certified or approved so that data may go abroad."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import ClassVar, Literal

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from touchstone.system.description import Identifier, Line, RelativePath
from touchstone.system.registers.dated import Dated
from touchstone.system.registers.entry import Day, told
from touchstone.system.registers.flows import DataKind, Persons
from touchstone.text import Text


class Filing(Dated):
    """One filing, and what it covers."""

    register: ClassVar[str] = "filings"
    about: ClassVar[Text] = Text("the record of filings for data export", "数据出境手续记录")

    id: Identifier = told("name of the filing, unique", "手续编号，不重复", examples=["SC-2026-01"])
    kind: Literal[
        "security_assessment",
        "standard_contract",
        "certification",
        "approval",
        "hgr_security_review",
        "hgr_filing",
    ] = told("which procedure", "手续类型", examples=["standard_contract"])
    reference: Line = told("number the authority or certifier gave it", "主管部门或认证机构给出的编号")
    recipients: list[Line] = told(
        "recipients it covers, as in `flows`", "所覆盖的接收方，写法与 `flows` 一致", min_length=1
    )
    kinds: list[DataKind] = told("kinds of data it covers", "所覆盖的数据类型", min_length=1)
    persons: Persons | None = told(
        "most persons a year with ordinary personal information; left out, it sets no number",
        "每年非敏感个人信息的最大人数；不填即未设上限",
        None,
    )
    sensitive_persons: Persons | None = told(
        "most persons a year with sensitive personal information; left out, it sets no number",
        "每年敏感个人信息的最大人数；不填即未设上限",
        None,
    )
    valid_from: Day = told("first day; of a contract, the day it took effect", "生效之日；合同为其生效日")
    valid_until: Day | None = told("last day, where it has one", "届满之日（如有）", None)
    filed: Day | None = told("day on which it was filed", "备案或申报之日", None)
    receipt: RelativePath | None = told(
        "the receipt, one of the files handed in with the system", "回执，须为随系统提交的文件之一", None
    )

    def happened(self) -> Iterator[date]:
        if self.filed is not None:
            yield self.filed

    @model_validator(mode="after")
    def _in_order(self) -> Filing:
        if self.valid_until is not None and self.valid_until < self.valid_from:
            raise PydanticCustomError(
                "filing_order", "`valid_until` comes before `valid_from`", {"zh": "`valid_until` 早于 `valid_from`"}
            )
        return self
