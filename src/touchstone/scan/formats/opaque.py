"""Formats whose inside nobody can vouch for without their own software: compiled engines, documents, databases.

Engines are programs for one accelerator: their formats are not published, and their loaders run what is in them. All
of these end as a gap, so that a file which was not read is never called clean.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from touchstone.scan.examination import Examination
from touchstone.scan.source import Source
from touchstone.text import Text


@dataclass(frozen=True, slots=True)
class _Opaque:
    why: Text
    runs_code: bool = False


_ENGINE: Final = Text(
    "is a compiled engine: what it computes cannot be inspected statically; ask for the model it was built from",
    "是编译后的推理引擎，无法静态检查；请索取构建它的原始模型",
)
_OPAQUE: Final = {
    b"%PDF": _Opaque(Text("is a PDF document, which is not read here", "是 PDF 文档，此处不解析"), runs_code=True),
    b"Rar!": _Opaque(Text("is a RAR archive, which is not unpacked here", "是 RAR 归档，此处不解包")),
    b"SQLi": _Opaque(Text("is an SQLite database, which is not read here", "是 SQLite 数据库，此处不解析")),
}


def read_opaque(source: Source, examination: Examination) -> None:
    """Say why the file cannot be read."""
    opaque = _OPAQUE.get(source.read(0, 4), _Opaque(_ENGINE, runs_code=True))
    if opaque.runs_code:
        examination.runs_code()
    examination.gap(opaque.why, "format")
