"""How verdicts, severities and gaps are called, in every format that speaks to people."""

from __future__ import annotations

from typing import Final

from touchstone.scan.findings import GapCode, Severity, Verdict
from touchstone.text import Text

MARKS: Final[dict[Verdict, str]] = {"unsafe": "✗", "review": "!", "incomplete": "?", "accepted": "=", "clean": "✓"}

VERDICTS: Final[dict[Verdict, Text]] = {
    "unsafe": Text("unsafe", "危险"),
    "review": Text("to review", "待审查"),
    "incomplete": Text("incomplete", "不完整"),
    "accepted": Text("accepted", "已接受"),
    "clean": Text("clean", "未发现问题"),
}

MEANINGS: Final[dict[Verdict, Text]] = {
    "unsafe": Text(
        "Something in here does harm, or may do it, when it is loaded. Do not load it.",
        "其中的内容在加载时会或可能造成危害。请勿加载。",
    ),
    "review": Text(
        "Somebody should look before this is loaded: it names code nobody reviewed, or does something unusual.",
        "加载前应由人员审查：其中引用了未经审查的代码，或含有不寻常的内容。",
    ),
    "incomplete": Text(
        "Nothing harmful was found, but not everything was understood, so nothing is said about the rest.",
        "未发现危害，但有内容未能解析，对这部分不作任何结论。",
    ),
    "accepted": Text(
        "Nothing is open that nobody answers for; what was accepted is listed with its reason.",
        "所有问题均有人负责接受，所接受的内容与理由已列出。",
    ),
    "clean": Text(
        "Every byte was read, and nothing was found that runs code or misleads a loader.",
        "全部字节均已读取，未发现会运行代码或误导加载程序的内容。",
    ),
}

SEVERITIES: Final[dict[Severity, Text]] = {
    "critical": Text("critical", "严重"),
    "high": Text("high", "高"),
    "medium": Text("medium", "中"),
    "low": Text("low", "低"),
    "information": Text("note", "提示"),
}

GAPS: Final[dict[GapCode, Text]] = {
    "format": Text("format not understood", "格式无法识别"),
    "damaged": Text("damaged", "已损坏"),
    "limit": Text("limit reached", "达到上限"),
    "encrypted": Text("encrypted", "已加密"),
    "reader": Text("reader failed", "解析器失败"),
    "changed": Text("changed meanwhile", "期间被改动"),
    "absent": Text("part missing", "缺少部分内容"),
    "unopened": Text("not opened", "未打开"),
}
