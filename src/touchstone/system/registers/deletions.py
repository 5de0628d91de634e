"""Register `deletions`: requests to delete what is held about somebody, and what was done."""

from __future__ import annotations

from typing import ClassVar

from touchstone.system.description import Line
from touchstone.system.registers.entry import Moment, told
from touchstone.system.registers.of_subject import OfSubject
from touchstone.text import Text


class Deletion(OfSubject):
    """One request to delete."""

    register: ClassVar[str] = "deletions"
    about: ClassVar[Text] = Text("the record of deletion requests", "删除请求记录")

    id: Line = told("number of the request, unique", "请求编号，不重复", examples=["DEL-0001"])
    subject: Line | None = told("identifier under which records were held", "记录所用的标识", None, min_length=4)
    requested: Moment = told("when it was asked for", "请求时间")
    done: Moment | None = told("when it was done; left out, it was not", "完成时间；不填即未完成", None)
