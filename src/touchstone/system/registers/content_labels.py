"""Register `content-labels`: how the product labels what it generates."""

from __future__ import annotations

from typing import ClassVar, Literal

from touchstone.system.description import Line, RelativePath
from touchstone.system.registers.entry import Entry, EntryPart, told
from touchstone.text import Text

Scheme = Literal["gb45438", "c2pa", "iptc"]


class Mark(EntryPart):
    """A mark that the product draws into pictures."""

    picture: RelativePath = told(
        "the mark alone, as PNG, on a plain or transparent ground",
        "标识本身的 PNG 图片，底色单一或透明",
        examples=["exports/marks/corner.png"],
    )
    says: Line = told("the text in it", "标识中的文字", examples=["AI生成"])
    lines: int = told("lines of text in it", "文字行数", 1, ge=1, le=4)


class ContentLabels(Entry):
    """What labels look like here."""

    register: ClassVar[str] = "content-labels"
    about: ClassVar[Text] = Text("how generated content is labelled", "生成内容标识的方式")
    single: ClassVar[bool] = True

    scheme: Scheme = told(
        "kind of metadata label: `gb45438`, a C2PA manifest, or an IPTC digital source type",
        "隐式标识的方案：`gb45438`、C2PA 凭证或 IPTC 数字来源类型",
        "gb45438",
    )
    producers: list[Line] = told(
        "names or codes of the producer as labels state them",
        "标识中所写的生成服务提供者名称或编码",
        min_length=1,
        examples=[["001191440300EXAMPLE0000000001"]],
    )
    wordings: list[Line] = told(
        "labels in texts, where they are worded in your own way", "文本标识的自有措辞", [], max_length=50
    )
    marks: list[Mark] = told("marks in pictures", "图片中的标识", [], max_length=10)
    prompts: list[RelativePath] = told("spoken labels, as WAV", "语音标识的 WAV 文件", [], max_length=10)
