"""What settings may make their loader do, as rules: shared by every format that holds settings."""

from __future__ import annotations

from typing import Final

from touchstone.scan.findings import Rule
from touchstone.text import Text

_REVIEW_CALLED = Text(
    "Ask which program reads this file, and what the named function does with these settings.",
    "请确认由哪个程序读取该文件，以及所指函数会如何使用这些参数。",
)

DANGEROUS_NAME: Final = Rule(
    id="configuration/dangerous-name",
    severity="critical",
    nature="threat",
    title=Text(
        "Tells its loader to call something that acts on the machine or loads code",
        "要求加载程序调用会操作主机或加载代码的对象",
    ),
    remedy=Text("Do not load this configuration.", "请勿加载该配置。"),
    references=("CVE-2025-23304", "CWE-470", "MITRE ATLAS AML.T0011.000"),
)
UNREVIEWED_NAME: Final = Rule(
    id="configuration/unreviewed-name",
    severity="medium",
    nature="unreviewed",
    title=Text("Tells its loader to call something that nobody has reviewed", "要求加载程序调用未经审查的对象"),
    remedy=_REVIEW_CALLED,
    references=("CWE-470",),
)
REMOTE_CODE: Final = Rule(
    id="configuration/remote-code",
    severity="critical",
    nature="threat",
    title=Text(
        "Makes its loader download Python code from another repository and run it",
        "使加载程序从其他仓库下载 Python 代码并运行",
    ),
    remedy=Text(
        "Load with trust_remote_code=False, or copy the code here at a fixed revision and review it.",
        "请以 trust_remote_code=False 加载，或把该代码的固定版本复制到本仓库并审查。",
    ),
    references=("CWE-829", "CWE-494", "MITRE ATLAS AML.T0010.002"),
)
CUSTOM_CODE: Final = Rule(
    id="configuration/custom-code",
    severity="high",
    nature="threat",
    title=Text(
        "Makes its loader run Python files that come with the model",
        "使加载程序运行随模型附带的 Python 文件",
    ),
    remedy=Text(
        "Load with trust_remote_code=False, or review the named files line by line first.",
        "请以 trust_remote_code=False 加载，或先逐行审查所指文件。",
    ),
    references=("CWE-829", "MITRE ATLAS AML.T0011.000"),
)
TRUSTS_CODE: Final = Rule(
    id="configuration/trusts-remote-code",
    severity="high",
    nature="threat",
    title=Text("Switches on the running of code that comes with a model", "启用了运行模型附带代码的选项"),
    remedy=Text("Set trust_remote_code to false.", "请把 trust_remote_code 设为 false。"),
    references=("CWE-829",),
)
REBUILT_OBJECT: Final = Rule(
    id="configuration/rebuilt-object",
    severity="high",
    nature="threat",
    title=Text(
        "Rebuilds Python objects of any class when decoded by jsonpickle",
        "经 jsonpickle 解码时可重建任意类的 Python 对象",
    ),
    remedy=Text("Do not decode it; ask for the data in plain JSON.", "请勿解码；请提供方改用普通 JSON。"),
    references=("CWE-502",),
)
SERIALISED_CONSTRUCTOR: Final = Rule(
    id="configuration/serialised-constructor",
    severity="medium",
    nature="unreviewed",
    title=Text(
        "Names a class or a secret that LangChain puts in its place when it loads this",
        "LangChain 加载时会按其中的名称创建对象或读取密钥",
    ),
    remedy=Text(
        "Load only from a source you trust, with secrets_from_env off.", "仅加载可信来源，并关闭 secrets_from_env。"
    ),
    references=("CVE-2025-68664", "CWE-502"),
)
EXPRESSION: Final = Rule(
    id="configuration/python-expression",
    severity="medium",
    nature="unreviewed",
    title=Text("Holds Python expressions that its loader evaluates", "含有加载程序会求值的 Python 表达式"),
    remedy=_REVIEW_CALLED,
    references=("CWE-95",),
)
LEADS_OUT: Final = Rule(
    id="configuration/path-leads-out",
    severity="high",
    nature="threat",
    title=Text("Names a file outside the model's own folder", "指向模型目录之外的文件"),
    remedy=Text("Do not load it; the path should be a plain file name.", "请勿加载；此处应为普通文件名。"),
    references=("CWE-22", "CWE-73"),
)
REMOTE_KERNEL: Final = Rule(
    id="configuration/remote-kernel",
    severity="high",
    nature="threat",
    title=Text(
        "Makes its loader download compiled code from another repository",
        "使加载程序从其他仓库下载已编译的代码",
    ),
    remedy=Text("Choose a built-in attention implementation.", "请改用内置的注意力实现。"),
    references=("CWE-494", "CWE-829"),
)
RUNS_WHEN_OPENED: Final = Rule(
    id="configuration/runs-when-opened",
    severity="high",
    nature="threat",
    title=Text(
        "Makes an editor or assistant run a command when somebody opens the folder",
        "使编辑器或助手在打开目录时运行命令",
    ),
    remedy=Text("Remove the file before opening the folder.", "打开目录前请先删除该文件。"),
    references=("CWE-829", "CWE-506"),
)
RULES: Final[tuple[Rule, ...]] = (
    RUNS_WHEN_OPENED,
    DANGEROUS_NAME,
    UNREVIEWED_NAME,
    REMOTE_CODE,
    CUSTOM_CODE,
    TRUSTS_CODE,
    REBUILT_OBJECT,
    SERIALISED_CONSTRUCTOR,
    EXPRESSION,
    LEADS_OUT,
    REMOTE_KERNEL,
)
