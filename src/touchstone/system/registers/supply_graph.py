"""Register `supply-graph`: what the system is for, what that needs, and how long each item lasts without its source."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from touchstone.system.description import Finite, Jurisdiction, Line
from touchstone.system.registers.entry import Entry, EntryPart, told
from touchstone.text import Text

Days = Annotated[Finite, Field(ge=0, le=1_000_000)]
Mode = Literal["supply", "updates", "remote", "use"]


class Interruption(EntryPart):
    """One way in which an item can be cut off, how long it lasts then, and when it is back."""

    mode: Mode = told(
        "what stops: delivery of more (`supply`), new versions (`updates`), a service from outside (`remote`), or the"
        " permission to go on (`use`)",
        "中断的内容：供货（`supply`）、更新（`updates`）、外部服务（`remote`）或继续使用的许可（`use`）",
    )
    survive_days: Days = told(
        "time to survive: days that the item goes on working, from stock or as it is",
        "存续时间：依靠库存或现状可继续工作的天数",
        examples=[180],
    )
    recover_days: Days | None = told(
        "time to recover: days from the cut-off until it is there again from elsewhere; left out, there is no plan",
        "恢复时间：自中断起至从他处恢复的天数；不填即无方案",
        None,
        examples=[120],
    )


class SupplyNeed(EntryPart):
    """Something without which an item or a function stops."""

    item: Line = told("name of the item that is in use", "在用项的名称", examples=["inference GPU"])
    substitutes: list[Line] = told(
        "names of items that can take its place; one counts once a test of it stands in `substitution-tests`",
        "可替代它的项；须在 `substitution-tests` 中有测试记录方可计入",
        [],
        examples=[["second GPU"]],
    )


class SupplyItem(Entry):
    """One function of the system, or one item that functions or other items need."""

    register: ClassVar[str] = "supply-graph"
    about: ClassVar[Text] = Text("the graph of supplies", "供应图谱")

    name: Line = told("its name, unique in this register", "名称，在本登记中唯一", examples=["inference GPU"])
    kind: Literal["function", "item"] = told(
        "whether it is something that the system does, or something it needs", "系统的功能，或其所需之物", "item"
    )
    needs: list[SupplyNeed] = told("all that it needs to work", "其工作所需的全部", [], examples=[[{"item": "driver"}]])
    component: Line | None = told(
        "name of the component of `system.yaml` that it is", "对应 `system.yaml` 中组件的名称", None
    )
    supplier: Line | None = told("who supplies it", "供应方", None, examples=["Example Semiconductors Ltd."])
    jurisdictions: list[Jurisdiction] | None = told(
        "all jurisdictions that can stop its supply; an empty list when none can, left out when unknown",
        "能够阻断其供应的全部法域；确无则填空列表，未知则不填",
        None,
        examples=[["TW", "US"]],
    )
    interruptions: list[Interruption] | None = told(
        "how it can be cut off; an empty list when it cannot, left out when unknown",
        "可能的中断方式；确不会中断则填空列表，未知则不填",
        None,
        examples=[[{"mode": "supply", "survive_days": 180, "recover_days": 120}]],
    )

    @model_validator(mode="after")
    def _functions_only_need(self) -> SupplyItem:
        sourced = (self.component, self.supplier, self.jurisdictions, self.interruptions)
        if self.kind == "function" and (not self.needs or any(each is not None for each in sourced)):
            raise PydanticCustomError(
                "function", "a function has needs and nothing else", {"zh": "功能只填写其所需（needs），不填其他"}
            )
        return self
