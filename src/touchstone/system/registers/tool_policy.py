"""Register `tool-policy`: what each tool does, who may use it with which arguments, and on whose approval.

The schema of arguments is a subset of JSON Schema, with what that cannot say added: that an identifier must be the
user's own, where an address may lead, where a path must lie, and where a text is put as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from touchstone.system.description import Finite, Identifier, Line
from touchstone.system.registers.entry import Entry, EntryPart, told
from touchstone.text import Text

_ATOM = r"(?:[^\\^$.\[\](){}|?*+]|\\[^A-Za-z0-9]|\\d|\.|\[(?:[^\\\[\]^&~]|\\[^A-Za-z0-9]|\\d)+\])"
_REPEATED = r"(?:\?|\*|\+|\{[0-9]{1,4}(?:,[0-9]{0,4})?\})?"


def _regular(pattern: str) -> str:
    """Refuses what has the form of a pattern and matches nothing: ranges and repetitions the wrong way round."""
    try:
        re.compile(pattern)
    except re.error:
        raise PydanticCustomError("no_pattern", "is no regular expression", {"zh": "不是有效的正则表达式"}) from None
    return pattern


SimplePattern = Annotated[
    str,
    StringConstraints(max_length=500, pattern=rf"^\^?(?:{_ATOM}{_REPEATED}){{1,64}}\$?$"),
    AfterValidator(_regular),
]
"""A row of characters and classes, each repeated or not: no groups, no alternatives, so that matching is linear."""
Folder = Annotated[str, StringConstraints(min_length=2, max_length=1000, pattern=r"^/[^\\%\x00]*[^/\\%\x00]$")]
Count = Annotated[int, Field(ge=0, le=1_000_000)]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$")]


class ArgumentRule(EntryPart):
    """What one argument may be."""

    type: Literal["string", "integer", "number", "boolean"] = told("its type, as in JSON", "JSON 类型", "string")
    about: Line | None = told("what it is for", "用途", None, examples=["order to refund"])
    required: bool = told("whether it must be given", "是否必填", True)
    max_items: Annotated[int, Field(ge=1, le=1000)] | None = told(
        "for a list of at most so many values, each as said here; left out, it is one value",
        "列表的最多项数，各项均须符合此处规定；不填即为单个值",
        None,
    )
    enum: list[str | int] = told("the only values it may have", "允许的取值", [], examples=[["email", "sms"]])
    pattern: SimplePattern | None = told(
        "regular expression for the whole value, without groups and alternatives",
        "整个取值须匹配的正则表达式，不含分组与选择",
        None,
        examples=["ORD-[0-9]{6}"],
    )
    format: Literal["email", "uri", "hostname"] | None = told("what kind of address it is", "地址种类", None)
    min_length: Count = told("fewest characters", "最少字符数", 0)
    max_length: Count | None = told("most characters", "最多字符数", None)
    minimum: Finite | None = told("least value", "最小值", None)
    maximum: Finite | None = told("greatest value", "最大值", None)
    owner: bool = told("whether it must be the identifier of the user who asks", "是否必须为当前用户本人的标识", False)
    domains: list[Line] = told(
        "hosts that the address may lead to, each exactly",
        "地址可指向的主机，须完全一致",
        [],
        examples=[["example.org"]],
    )
    below: list[Folder] = told(
        "folders that the path must lie in", "路径所须位于的目录", [], examples=[["/srv/reports"]]
    )
    text_for: Literal["html", "sql", "shell", "markdown"] | None = told(
        "where the text is put as it is; left out where it is encoded or bound there",
        "文本原样拼入何处；若在该处编码或参数绑定则不填",
        None,
    )

    @model_validator(mode="after")
    def _fits_its_type(self) -> ArgumentRule:
        of_texts = {
            "pattern": self.pattern is not None,
            "format": self.format is not None,
            "min_length": self.min_length > 0,
            "max_length": self.max_length is not None,
            "owner": self.owner,
            "domains": bool(self.domains),
            "below": bool(self.below),
            "text_for": self.text_for is not None,
        }
        of_numbers = {"minimum": self.minimum is not None, "maximum": self.maximum is not None}
        wrong = of_numbers if self.type == "string" else of_texts
        if self.type == "boolean":
            wrong = of_texts | of_numbers | {"enum": bool(self.enum)}
        for name, given in wrong.items():
            if given:
                raise PydanticCustomError(
                    "not_of_type",
                    "`{name}` has no meaning for type {type}",
                    {"name": name, "type": self.type, "zh": f"`{name}` 对类型 {self.type} 没有意义"},
                )
        if any(isinstance(each, str) != (self.type == "string") for each in self.enum):
            raise PydanticCustomError(
                "enum_type", "`enum` holds values of another type", {"zh": "`enum` 中有其他类型的取值"}
            )
        return self


class Total(EntryPart):
    """A limit on the sum of one argument."""

    argument: Name = told("the argument that is summed up", "求和的参数")
    most: Annotated[Finite, Field(ge=0)] = told("most in one conversation", "一次会话中的上限", examples=[500])


class ToolPolicy(Entry):
    """The rules for one tool. What they do not allow is forbidden."""

    register: ClassVar[str] = "tool-policy"
    about: ClassVar[Text] = Text("the policy for tools", "工具使用规则")

    name: Name = told(
        "name of the tool, unique in this register", "工具名称，在本登记中唯一", examples=["refund_order"]
    )
    does: Line = told("what it does", "功能", examples=["pays back what an order cost"])
    effect: Literal["reads", "writes", "sends-outside", "moves-money", "runs-code", "controls-device"] = told(
        "the gravest thing that a call of it brings about", "一次调用所能造成的最重后果"
    )
    roles: list[Identifier] = told("roles that may use it", "可使用它的角色", min_length=1, examples=[["clerk"]])
    approval: Identifier | None = told(
        "the role that has to approve each call; left out, nobody has to", "须逐次批准调用的角色；不填即无须批准", None
    )
    arguments: dict[Name, ArgumentRule] = told("its arguments; there are no others", "参数；除此之外一律不接受")
    calls: Annotated[int, Field(ge=1, le=1_000_000)] | None = told(
        "most calls in one conversation", "一次会话中的最多调用次数", None
    )
    total: Total | None = told("a limit on the sum of an argument", "某一参数总和的上限", None)

    def shows(self) -> Iterator[str]:
        yield "model.tool_use"

    @model_validator(mode="after")
    def _sums_a_number(self) -> ToolPolicy:
        summed = None if self.total is None else self.arguments.get(self.total.argument)
        if self.total is not None and (
            summed is None or summed.type not in {"integer", "number"} or summed.max_items is not None
        ):
            raise PydanticCustomError(
                "no_sum",
                "`total` sums {name}, which is no single number among the arguments",
                {"name": self.total.argument, "zh": f"`total` 所求和的 {self.total.argument} 不是单个数值参数"},
            )
        return self
