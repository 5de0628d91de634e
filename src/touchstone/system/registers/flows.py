"""Register `flows`: every flow of data that leaves the jurisdiction, also by access from abroad."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from touchstone.system.description import Identifier, Jurisdiction, Line
from touchstone.system.registers.dated import Dated
from touchstone.system.registers.entry import Day, told
from touchstone.text import Text

Persons = Annotated[int, Field(ge=0, le=10_000_000_000)]
DataKind = Literal[
    "general",
    "automotive",
    "health_record",
    "human_genetic",
    "mapping",
    "model_update",
    "model_weights",
    "evaluation_data",
]

_ORDER = "until_in_year"


class Flow(Dated):
    """One flow. What is left out is unknown, and a decision that depends on it asks for it."""

    register: ClassVar[str] = "flows"
    about: ClassVar[Text] = Text("the record of data flows abroad", "数据出境流记录")

    id: Identifier = told("name of the flow, unique", "出境流编号，不重复", examples=["F-2026-014"])
    what: Line = told("which data, in words", "所涉数据", examples=["model updates of hospital sites"])
    day: Day = told("day on which it took place or began", "发生或开始之日", examples=["2026-03-02"])
    until: Day | None = told(
        "last day, where it went on; a flow that goes on is entered anew every year",
        "持续的，填最后一日；跨年持续的须逐年重新登记",
        None,
    )
    way: Literal["sent", "read-from-abroad", "processed-abroad"] = told(
        "sent or stored abroad; stored here and queried, read or exported from abroad; collected and processed abroad"
        " of persons who are here",
        "传输或存储至境外；存于境内而供境外查询、调取、下载、导出；在境外收集处理境内个人的信息",
    )
    origin: Jurisdiction = told("jurisdiction it leaves", "数据所离开的法域", examples=["CN"])
    country: Jurisdiction = told("jurisdiction of the recipient", "接收方所在法域", examples=["DE"])
    recipient: Line = told("who receives it", "接收方", examples=["Example Research GmbH"])
    kind: DataKind = told("kind of data", "数据类型", examples=["model_update"])
    purpose: Literal["contract_with_individual", "cross_border_hr", "emergency", "other"] = told(
        "what it is for", "出境目的", examples=["other"]
    )
    necessary: bool | None = told("whether that purpose makes it necessary", "是否为该目的所确需", None)
    personal: bool | None = told("whether it holds personal information", "是否包含个人信息", None)
    persons: Persons | None = told(
        "persons whose ordinary personal information it holds, without those that earlier flows of the year counted",
        "所涉非敏感个人信息的人数，不含当年先前出境流已计的个人",
        None,
    )
    sensitive_persons: Persons | None = told(
        "persons whose sensitive personal information it holds, counted the same way",
        "所涉敏感个人信息的人数，计法相同",
        None,
    )
    important: bool | None = told("whether it holds important data", "是否包含重要数据", None)
    exporter_cii: bool | None = told(
        "whether the exporter operates critical information infrastructure; left out, as the fact `deploy.cii` says",
        "出境方是否为关键信息基础设施运营者；不填则依事实 `deploy.cii`",
        None,
    )
    foreign_only: bool | None = told(
        "whether the data were collected abroad and only pass through", "数据是否在境外收集、仅过境处理", None
    )
    off_negative_list: bool | None = told(
        "whether a free trade zone exempts it", "是否属自贸试验区负面清单外数据", None
    )
    foreign_authority: bool | None = told(
        "whether the recipient is a foreign court or enforcement body", "接收方是否为外国司法或者执法机构", None
    )
    genetic_persons: Persons | None = told(
        "persons of whom it holds exome or genome data", "所涉外显子组或基因组数据的人数", None
    )
    data_sets: list[Literal["train", "test", "reference"]] = told(
        "data sets of the description that are part of it", "其中所含的系统描述数据集", []
    )
    filings: list[Identifier] = told("entries of `filings` that it rests on", "所依据的 `filings` 条目", [])

    @property
    def last_day(self) -> date:
        """The last day on which it took place."""
        return self.until or self.day

    def happened(self) -> Iterator[date]:
        yield self.day

    def shows(self) -> Iterator[str]:
        yield "data.exported"
        if self.personal or self.persons or self.sensitive_persons:
            yield "data.personal"

    @model_validator(mode="after")
    def _consistent(self) -> Flow:
        if not (self.day <= self.last_day and self.day.year == self.last_day.year):
            raise PydanticCustomError(
                _ORDER,
                "`until` must not come before `day`, and lie in the same year",
                {"zh": "`until` 不得早于 `day`，且须在同一年"},
            )
        if self.personal is False and (self.persons or self.sensitive_persons):
            raise PydanticCustomError(
                "persons_of_nothing",
                "states persons but holds no personal information",
                {"zh": "填报了人数，却称不含个人信息"},
            )
        return self
