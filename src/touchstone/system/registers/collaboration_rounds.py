"""Register `collaboration-rounds`: which sums of the parties' updates were opened in joint training."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Annotated, ClassVar

from pydantic import Field

from touchstone.system.description import Identifier
from touchstone.system.registers.dated import Dated
from touchstone.system.registers.entry import Fingerprint, Moment, told
from touchstone.text import Text


class CollaborationRound(Dated):
    """One sum that was opened. A round has several where it is divided into groups, or a sum was opened again."""

    register: ClassVar[str] = "collaboration-rounds"
    about: ClassVar[Text] = Text("sums that were opened in joint training", "协同训练中公开的求和记录")

    id: Identifier = told("name of the opened sum", "该求和的编号", examples=["R12-A"])
    round: Annotated[int, Field(ge=1)] = told("round of training it belongs to", "所属训练轮次", examples=[12])
    at: Moment = told("when it was opened", "公开时间", examples=["2026-10-12T15:00:00+08:00"])
    invited: list[Identifier] = told("parties that were asked to take part", "受邀参与方", min_length=1)
    summed: list[Identifier] = told(
        "parties whose updates are in the sum, after drop-outs", "掉线后实际计入求和的参与方", min_length=1
    )
    authenticated: list[Identifier] = told(
        "parties that proved who they are in this round", "本轮已通过身份认证的参与方"
    )
    aggregate: Fingerprint = told("digest of the sum that was opened", "所公开求和的摘要")

    def happened(self) -> Iterator[date]:
        yield self.at.date()

    def shows(self) -> Iterator[str]:
        yield "training.federated_or_mpc"
