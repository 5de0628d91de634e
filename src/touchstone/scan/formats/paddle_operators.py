"""What PaddlePaddle operators do besides arithmetic, and which ones are known at all.

The list of known operators is the registry of Paddle itself, with those of older versions; the ones that touch files,
the network, Python or foreign code are set apart. The lists are data (`packs/paddle_operators.json`).
"""

from __future__ import annotations

from typing import Final

from touchstone.scan.examination import Examination
from touchstone.scan.findings import Rule
from touchstone.scan.operator_packs import HOLDS_ENGINE, engine_not_read, operator_pack
from touchstone.text import Text

_REMEDY: Final = Text(
    "Do not load the model; export it again without this operator.", "不要加载；请去掉该算子后重新导出。"
)

RUNS_PYTHON: Final = Rule(
    "paddle/python-operator",
    "critical",
    "threat",
    Text("An operator that calls Python code while the model runs", "模型运行时会调用 Python 代码的算子"),
    _REMEDY,
    ("CWE-94", "AML.T0011"),
)
WRITES_FILES: Final = Rule(
    "paddle/writes-files",
    "critical",
    "threat",
    Text("An operator that writes files while the model runs", "模型运行时会写入文件的算子"),
    _REMEDY,
    ("CWE-73", "AML.T0011"),
)
READS_FILES: Final = Rule(
    "paddle/reads-files",
    "high",
    "threat",
    Text("An operator that reads files while the model runs", "模型运行时会读取文件的算子"),
    _REMEDY,
    ("CWE-73", "AML.T0011"),
)
USES_NETWORK: Final = Rule(
    "paddle/uses-network",
    "high",
    "threat",
    Text("An operator that talks to other machines while the model runs", "模型运行时会访问其他机器的算子"),
    _REMEDY,
    ("CWE-918", "AML.T0011"),
)
CALLS_NATIVE_CODE: Final = Rule(
    "paddle/native-call",
    "high",
    "threat",
    Text("An operator that runs code outside the program it is part of", "会运行程序之外代码的算子"),
    _REMEDY,
    ("CWE-829", "AML.T0011"),
)
CUSTOM_OPERATOR: Final = Rule(
    "paddle/custom-operator",
    "high",
    "unreviewed",
    Text("An operator that PaddlePaddle itself does not have", "飞桨自身没有的算子"),
    Text("Review the library that provides the operator.", "审查提供该算子的库。"),
    ("CWE-829",),
)
OPERATOR_RULES: Final[tuple[Rule, ...]] = (
    RUNS_PYTHON,
    WRITES_FILES,
    READS_FILES,
    USES_NETWORK,
    CALLS_NATIVE_CODE,
    CUSTOM_OPERATOR,
)

_RULE_OF: Final = {
    "runs-python": RUNS_PYTHON,
    "writes-files": WRITES_FILES,
    "reads-files": READS_FILES,
    "uses-network": USES_NETWORK,
    "calls-native-code": CALLS_NATIVE_CODE,
}


def judge_operator(operator: str, details: str, offset: int, examination: Examination) -> None:
    """Report an operator unless it only computes. `details` shows what it does it with."""
    pack = operator_pack("paddle")
    name = operator if operator in pack.does else operator.rstrip("_")
    what = pack.does.get(name)
    if what == HOLDS_ENGINE:
        examination.gap(engine_not_read(name), "format")
    elif what is not None:
        examination.report(_RULE_OF[what], f"{operator}({details})", offset=offset)
    elif name not in pack.known and not _is_gradient(name, pack.known):
        examination.report(CUSTOM_OPERATOR, operator, offset=offset)


def _is_gradient(name: str, known: frozenset[str]) -> bool:
    """Whether an operator is the gradient, of any order, of one that is known."""
    while name.endswith("_grad"):
        name = name.removesuffix("_grad")
    return name in known
