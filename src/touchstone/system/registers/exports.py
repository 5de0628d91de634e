"""Register `exports`: outputs of the system as they left the product, by the way on which users get them.

The exported files lie in the folder of the register, or below it; all files there are hashed with the system.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Annotated, ClassVar, Literal

from pydantic import StringConstraints

from touchstone.system.description import Identifier, RelativePath
from touchstone.system.registers.dated import Dated
from touchstone.system.registers.entry import Fingerprint, Moment, told
from touchstone.text import Text

Medium = Literal["text", "image", "audio", "video", "document"]


class Export(Dated):
    """One generated output."""

    register: ClassVar[str] = "exports"
    about: ClassVar[Text] = Text("generated outputs as users get them", "用户所得的生成内容样本")

    id: Identifier = told("number of the output, unique", "样本编号，不重复", examples=["E-0001"])
    medium: Medium = told("what users take it for", "内容类型")
    file: RelativePath = told("the exported file", "导出的文件", examples=["exports/0001.png"])
    at: Moment = told("when it was exported", "导出时间", examples=["2026-11-02T10:00:00+08:00"])
    way: Literal["download", "copy", "share", "api", "other"] = told("how it left the product", "导出方式")
    before: Fingerprint | None = told("SHA-256 of the output before it was exported", "导出之前该内容的 SHA-256", None)
    carried: Annotated[str, StringConstraints(min_length=1, max_length=16_384)] | None = told(
        "the label in the header or field of the reply that carried it, for files without a place for metadata",
        "文件本身无元数据位置时，承载该内容的应答标头或字段中的标识",
        None,
    )

    def shows(self) -> Iterator[str]:
        yield "model.generative"

    def happened(self) -> Iterator[date]:
        yield self.at.date()
