"""Register `builders`: the build platforms whose word about a build is taken, and their keys."""

from __future__ import annotations

from typing import ClassVar, Literal

from touchstone.system.description import Line
from touchstone.system.registers.entry import Entry, told
from touchstone.text import Text


class Builder(Entry):
    """One build platform."""

    register: ClassVar[str] = "builders"
    about: ClassVar[Text] = Text("the list of trusted builders", "受信构建平台清单")

    id: Line = told(
        "its name, as its attestations state it (`builder.id`)",
        "平台标识，与其证明中的 `builder.id` 一致",
        examples=["https://build.example.com/training@v2"],
    )
    public_key: str = told(
        "the key that it signs with, ECDSA P-256 in PEM", "平台的签名公钥，PEM 格式的 ECDSA P-256", max_length=10_000
    )
    level: Literal[2, 3] = told(
        "SLSA build level of the platform: 2 hosted, 3 hardened so that builds cannot touch one another or its key",
        "平台的 SLSA 构建等级：2 为托管平台，3 为加固平台（各次构建互不影响，且不能接触签名密钥）",
        2,
    )
    claim: Line = told(
        "who says so, and where",
        "该等级由谁认定、出处何在",
        examples=["Example Cloud, assurance report 2026, section 4"],
    )
