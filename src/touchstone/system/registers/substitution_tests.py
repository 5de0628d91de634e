"""Register `substitution-tests`: what was tried out in the place of something else, and with what result."""

from __future__ import annotations

from typing import ClassVar

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from touchstone.system.description import Identifier, Line
from touchstone.system.registers.entry import Day, Entry, Fingerprint, told
from touchstone.system.registers.supply_graph import Days
from touchstone.text import Text


class SubstitutionTest(Entry):
    """One test of one substitute."""

    register: ClassVar[str] = "substitution-tests"
    about: ClassVar[Text] = Text("tests of substitutes", "替代测试记录")

    item: Line = told("name of the item in `supply-graph` that was replaced", "被替代项在 `supply-graph` 中的名称")
    substitute: Line = told("name of the item that took its place", "替代项的名称")
    tested: Day = told("when", "测试日期", examples=["2026-09-14"])
    evidence: Fingerprint = told(
        "SHA-256 of the record of the test, which is handed in with the system; an observation of `model.equivalence`"
        " decides by what it measured",
        "测试记录文件的 SHA-256，该文件须随系统提交；若为 `model.equivalence` 的观测记录，则以其测量结果为准",
    )
    model: Fingerprint | None = told(
        "SHA-256 of the model file that was run, where a model was run",
        "测试所用模型文件的 SHA-256（如运行了模型）",
        None,
    )
    form: Identifier | None = told(
        "name of the deployed form of the model that stands for the substitute", "代表该替代项的部署形态名称", None
    )
    cases: int = told("cases that were tried with the substitute", "使用替代项测试的案例数", gt=0, examples=[1000])
    agreeing: int = told(
        "of these, cases that came out as they do without it", "其中结果与替代前一致的案例数", ge=0, examples=[998]
    )
    switch_days: Days = told("days that the move to it took", "切换至替代项所用的天数", examples=[14])

    @model_validator(mode="after")
    def _no_more_than_all(self) -> SubstitutionTest:
        if self.agreeing > self.cases:
            raise PydanticCustomError(
                "agreeing", "more cases agree than were tried", {"zh": "一致的案例数多于测试的案例数"}
            )
        return self
