"""The compressed files of joblib before version 0.10: `ZF`, the length in hexadecimal digits, a zlib stream.

Source: joblib, `numpy_pickle_compat.py`, `read_zfile`. The length says how much memory the loader asks for at once.
"""

from __future__ import annotations

import re
from typing import Final

from touchstone.scan.examination import Examination
from touchstone.scan.findings import Rule
from touchstone.scan.source import Source, Unreadable
from touchstone.text import Text

LENGTH_LIE: Final = Rule(
    "joblib/zfile-length",
    "high",
    "threat",
    Text(
        "Claims to unpack to far more than it can, and the loader asks for that memory at once",
        "声明的解压长度远超实际可能，加载器会一次性申请该内存",
    ),
    Text("Obtain the file again; joblib does not write this.", "重新获取文件；joblib 不会写出这种内容。"),
    ("CWE-789",),
)

RULES: Final[tuple[Rule, ...]] = (LENGTH_LIE,)

_HEADER: Final = re.compile(rb"ZF(0x[0-9a-f]{1,17}L?) *")
_HEADER_LENGTH: Final = 21
_LARGEST_RATIO: Final = 1_032
"""Deflate does not pack better (zlib technical details, https://zlib.net/zlib_tech.html)."""


def read_zfile(source: Source, examination: Examination) -> None:
    """Compare the length with what is possible, then unpack."""
    head = source.read(0, _HEADER_LENGTH + 1)
    header = _HEADER.match(head[:_HEADER_LENGTH])
    if header is None or header.end() != _HEADER_LENGTH:
        raise Unreadable(Text("the header is damaged", "文件头损坏"))
    length = int(header[1].rstrip(b"L"), 16)
    start = _HEADER_LENGTH + (head[_HEADER_LENGTH:] == b" ")
    packed = source.part(start, source.size - start)
    if length > _LARGEST_RATIO * packed.size + 64:
        fact = f"{length} bytes claimed, {packed.size} bytes compressed"
        examination.report(LENGTH_LIE, fact, offset=2, length=_HEADER_LENGTH - 2)
    examination.runs_code()
    examination.examine(packed, "contents", as_format="zlib")
