"""Register `event-log`: what the system wrote down of its decisions, in a chain that shows what was changed later.

Each line names the SHA-256 of the line before it, so the file has to be JSON Lines as the system wrote it.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from touchstone.system.description import Line
from touchstone.system.registers.entry import Entry, Fingerprint, Moment, told
from touchstone.system.registers.person import Person
from touchstone.text import Text

Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class LoggedEvent(Entry):
    """One line of the log."""

    register: ClassVar[str] = "event-log"
    about: ClassVar[Text] = Text("a part of the event log", "事件日志片段")

    id: Line = told("number of the event, unique", "事件编号，不重复", examples=["req-000001"])
    at: Moment = told("when it was written", "写入时间")
    kind: Literal["decision", "override", "alarm", "other"] = told("what happened", "事件种类")
    previous: Fingerprint | None = told(
        "SHA-256 of the line before, without its line end; left out in the first line",
        "前一行（不含行尾）的 SHA-256；首行不填",
        None,
    )
    model: Fingerprint | None = told(
        "decision: SHA-256 of the model file that answered", "决策：作答模型文件的 SHA-256", None
    )
    row: Line | None = told(
        "decision: identifier of the row of the test data that was asked", "决策：所询问测试数据行的标识", None
    )
    input: Fingerprint | None = told(
        "decision: SHA-256 of the input, as little-endian 32-bit floats in the declared order, or as UTF-8 text",
        "决策：输入的 SHA-256（按声明顺序的小端 32 位浮点数，或 UTF-8 文本）",
        None,
    )
    output: Line | None = told("decision: the class that the model answered", "决策：模型输出的类别", None)
    probability: Share | None = told("decision: the probability it gave that class", "决策：该类别的概率", None)
    decision: Line | None = told("what was decided on it", "据此作出的决定", None)
    of: Line | None = told("override: number of the decision that was changed", "改判：所改判决策的编号", None)
    person: Person | None = told("override: who decided, by staff number", "改判：决定者工号", None)

    @model_validator(mode="after")
    def _says_what_it_is(self) -> LoggedEvent:
        """A decision under another kind would escape being traced."""
        said = (self.model, self.row, self.input, self.output, self.probability)
        if self.kind in ("alarm", "other") and any(each is not None for each in said):
            raise PydanticCustomError(
                "kind_of_event",
                "holds what only a decision holds, and is of kind {kind}",
                {"kind": self.kind, "zh": f"含有仅决策才有的字段，种类却为 {self.kind}"},
            )
        return self
