"""What may be found in a stream of R."""

from __future__ import annotations

from typing import Final

from touchstone.scan.findings import Rule
from touchstone.text import Text

_REFUSE: Final = Text(
    "Do not read it with R before 4.4; ask for plain data.", "不要用 4.4 之前的 R 读取；请索取纯数据文件。"
)

PROMISE: Final = Rule(
    "rds/promise",
    "critical",
    "threat",
    Text(
        "Holds a promise among data, where R never puts one; R runs it as soon as the object is looked at",
        "数据中含有 R 不会写入的 promise，一旦访问对象即被 R 执行",
    ),
    _REFUSE,
    ("CVE-2024-27322", "CWE-502"),
)
CALL: Final = Rule(
    "rds/dangerous-call",
    "high",
    "threat",
    Text(
        "Keeps a call of a function that acts on the machine, to be run later", "保存了可操作系统的函数调用，待后续执行"
    ),
    _REFUSE,
    ("CVE-2024-27322", "CWE-502"),
)
PROMISE_IN_FRAME: Final = Rule(
    "rds/promise-in-environment",
    "medium",
    "unreviewed",
    Text(
        "An environment keeps an argument of a function call that R would compute when it is used",
        "环境中保留了尚未求值的函数参数，使用时由 R 求值",
    ),
    Text("Save the object without the environment it was made in.", "保存对象时不要附带其创建环境。"),
    ("CVE-2024-27322",),
)
ACTIVE_BINDING: Final = Rule(
    "rds/active-binding",
    "critical",
    "threat",
    Text("A variable runs a function each time it is looked at", "变量每次被访问都会运行一个函数"),
    _REFUSE,
    ("CWE-502",),
)
HOOK: Final = Rule(
    "rds/session-hook",
    "critical",
    "threat",
    Text(
        "Defines a function that R calls by itself when a session begins or ends",
        "定义了 R 会话开始或结束时自动调用的函数",
    ),
    Text("Do not load it into a session; remove this object.", "不要载入会话；请删除该对象。"),
    ("https://stat.ethz.ch/R-manual/R-devel/library/base/html/Startup.html", "CWE-506"),
)
FUNCTION: Final = Rule(
    "rds/function",
    "medium",
    "unreviewed",
    Text("Holds functions; they run when somebody calls them", "含有函数，被调用时运行"),
    Text("Review the functions, or ask for the data alone.", "请审查这些函数，或仅索取数据。"),
    ("CWE-502",),
)
BYTECODE: Final = Rule(
    "rds/bytecode",
    "high",
    "threat",
    Text("Holds bytecode outside of any function, where R never puts it", "在函数之外含有字节码，R 不会如此保存"),
    _REFUSE,
    ("CVE-2024-27322", "CWE-502"),
)
MAPPED_FILE: Final = Rule(
    "rds/mapped-file",
    "high",
    "threat",
    Text("A vector is read from another file", "向量内容从其他文件读取"),
    _REFUSE,
    ("CWE-73",),
)
UNKNOWN_CLASS: Final = Rule(
    "rds/foreign-vector",
    "medium",
    "unreviewed",
    Text("A vector is rebuilt by native code of a package", "向量由某个包的本机代码重建"),
    Text("Find out what this package does with it.", "请查明该包的处理方式。"),
    ("CWE-829",),
)
HIDDEN_BYTES: Final = Rule(
    "rds/hidden-bytes",
    "medium",
    "threat",
    Text("Bytes follow the last object", "最后一个对象之后还有字节"),
    Text("Obtain the file again; R does not write this.", "重新获取文件；R 不会写出这种内容。"),
    ("CWE-506",),
)

RULES: Final[tuple[Rule, ...]] = (
    PROMISE, CALL, PROMISE_IN_FRAME, ACTIVE_BINDING, HOOK, FUNCTION, BYTECODE, MAPPED_FILE, UNKNOWN_CLASS, HIDDEN_BYTES,
)  # fmt: skip
