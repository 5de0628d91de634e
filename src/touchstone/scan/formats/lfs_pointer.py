"""Git LFS pointers: a few lines that stand for a large file which is kept elsewhere (git-lfs, docs/spec.md).

The file itself was not handed in. Its SHA-256 is, so that the content can be fetched and compared.
"""

from __future__ import annotations

import re
from typing import Final

from touchstone.scan.examination import Examination
from touchstone.scan.findings import Rule
from touchstone.scan.source import Source, Unreadable
from touchstone.text import Text

RULES: Final[tuple[Rule, ...]] = ()

_LONGEST: Final = 1024
_POINTER: Final = re.compile(
    rb"version https://git-lfs\.github\.com/spec/v1\n"
    rb"(?:ext-\d-[\w.-]+ sha256:[0-9a-f]{64}\n)*"
    rb"oid sha256:(?P<digest>[0-9a-f]{64})\nsize (?P<size>\d{1,18})\n"
)


def read_pointer(source: Source, examination: Examination) -> None:
    """Say what the pointer stands for, and that it is not here."""
    pointer = _POINTER.fullmatch(source.whole(_LONGEST).replace(b"\r\n", b"\n"))
    if pointer is None:
        raise Unreadable(Text("is not a well-formed Git LFS pointer", "不是格式正确的 Git LFS 指针"))
    digest, size = pointer["digest"].decode(), int(pointer["size"])
    examination.fact("source", f"git-lfs sha256:{digest} ({size} bytes)")
    examination.gap(
        Text(
            f"only a Git LFS pointer: the file itself (sha256 {digest}, {size} bytes) is not here",
            f"只是 Git LFS 指针：文件本身（sha256 {digest}，{size} 字节）不在此处",
        ),
        "absent",
    )
