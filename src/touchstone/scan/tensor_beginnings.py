"""A tensor that begins like a program or an archive is no tensor.

Weights are numbers; the chance that trained ones begin with one of these marks is below one in four billion. The
file's own loader does not run them, so this is how a payload travels, not how it starts (MITRE ATLAS AML.T0018;
Wang et al., "EvilModel", 2021). Only the first bytes of each tensor are read.
"""

from __future__ import annotations

import re
from typing import Final

from touchstone.scan.examination import Examination
from touchstone.scan.findings import Rule, shown
from touchstone.scan.source import Source
from touchstone.text import Text

PROGRAM_IN_TENSOR: Final = Rule(
    "tensor/other-content",
    "medium",
    "threat",
    Text(
        "A tensor begins like a program, an archive or a pickle, so it holds something else than weights",
        "张量开头是程序、压缩包或 pickle 的标志，内容并非权重",
    ),
    Text(
        "Find out who put it there and obtain the model again from its source; weights never look like this.",
        "查明来源并重新获取模型；正常权重不会呈现这种内容。",
    ),
    ("AML.T0018", "CWE-506"),
)

RULES: Final[tuple[Rule, ...]] = (PROGRAM_IN_TENSOR,)

_BEGINNING: Final = 64
_MARKS: Final = re.compile(
    rb"\x7fELF[\x01\x02][\x01\x02]\x01"
    rb"|MZ.{58}"
    rb"|\xcf\xfa\xed\xfe[\x07\x0c]\x00\x00\x01"
    rb"|PK\x03\x04[\x0a\x14\x2d\x3f]\x00"
    rb"|\x80[\x04\x05]\x95.{4}\x00{4}[\x8c\x8e(\])}cNKMJXUBC]|\x80[\x02-\x05]c[a-zA-Z_][\w.]*\n"
    rb"|7z\xbc\xaf\x27\x1c|Rar!\x1a\x07|\x28\xb5\x2f\xfd[\x00-\xf7]|\x1f\x8b\x08[\x00-\x1f].{4}[\x00\x02\x04]"
    rb"|#!\s?/[\x20-\x7e]{4,}\n"
    rb"|c(?:os|posix|nt|builtins|__builtin__|subprocess)\n",
    re.DOTALL,
)


def look_at_beginning(tensor: Source, name: str, offset: int, examination: Examination) -> None:
    """Report and examine a tensor whose first bytes are the mark of something else."""
    if tensor.size < 16:
        return
    head = tensor.read(0, _BEGINNING)
    if _MARKS.match(head) is None or (head[:2] == b"MZ" and not _is_windows_program(tensor, head)):
        return
    examination.report(PROGRAM_IN_TENSOR, f"{shown(name, 120)} begins with {head[:12].hex(' ')}", offset=offset)
    examination.examine(tensor, name)


def _is_windows_program(tensor: Source, head: bytes) -> bool:
    return len(head) == _BEGINNING and tensor.read(int.from_bytes(head[60:64], "little"), 4) == b"PE\x00\x00"
