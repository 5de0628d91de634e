"""Operators of ONNX graphs: which ones ONNX Runtime has, and which need a library of somebody else's.

Source: https://onnx.ai/onnx/operators/, onnxruntime/core/graph/constants.h, onnxruntime-extensions.
"""

from __future__ import annotations

from typing import Final

from touchstone.scan.examination import Examination
from touchstone.scan.findings import Rule
from touchstone.scan.operator_packs import HOLDS_ENGINE, engine_not_read, operator_pack
from touchstone.text import Text

PYTHON_OPERATOR: Final = Rule(
    "onnx/python-operator",
    "critical",
    "threat",
    Text("An operator that calls Python code while the model runs", "模型运行时会调用 Python 代码的算子"),
    Text("Do not run the model; export it without this operator.", "不要运行；请去掉该算子后重新导出。"),
    ("CWE-94", "AML.T0011"),
)
CUSTOM_OPERATOR: Final = Rule(
    "onnx/custom-operator",
    "high",
    "unreviewed",
    Text("Needs an operator library that is not part of ONNX Runtime", "需要 ONNX Runtime 以外的算子库"),
    Text(
        "Review the library that provides the operator, or export the model without it.",
        "审查提供该算子的库，或去掉该算子后重新导出。",
    ),
    ("CWE-829", "AML.T0011"),
)
UNKNOWN_OPERATOR: Final = Rule(
    "onnx/unknown-operator",
    "medium",
    "unreviewed",
    Text("An operator that its own operator set is not known to have", "所属算子集中未见过的算子"),
    Text(
        "Find out which version has the operator, or export the model without it.",
        "确认所属版本，或去掉后重新导出。",
    ),
    ("CWE-829",),
)

SHADOWED_OPERATOR: Final = Rule(
    "onnx/shadowed-operator",
    "medium",
    "threat",
    Text(
        "A function takes the name of a standard operator, so that two runtimes may compute different things",
        "函数占用了标准算子的名称，不同运行时的计算可能不同",
    ),
    Text("Export the model again and use that file.", "请重新导出模型并使用新文件。"),
    ("CWE-436",),
)
OPERATOR_RULES: Final[tuple[Rule, ...]] = (
    PYTHON_OPERATOR,
    CUSTOM_OPERATOR,
    UNKNOWN_OPERATOR,
    SHADOWED_OPERATOR,
)

_RUNTIME_DOMAINS: Final = ("ai.onnx", "com.microsoft", "com.ms.internal")
"""Operator domains that ONNX Runtime brings along, with those below them (onnxruntime/core/graph/constants.h)."""
PYTHON_OPERATORS: Final = frozenset({"PyOp", "PythonOp", "PythonOpGrad", "PyCustomOp", "TritonOp"})
"""Operators of onnxruntime-extensions and of ONNX Runtime's training that call back into Python."""


def judge_operator(domain: str, operator: str, offset: int, examination: Examination) -> None:
    """Report an operator unless it only computes."""
    pack, name = operator_pack("onnx"), f"{domain}::{operator}"
    if operator in PYTHON_OPERATORS:
        examination.runs_code()
        examination.report(PYTHON_OPERATOR, name, offset=offset)
    elif pack.does.get(name) == HOLDS_ENGINE:
        examination.gap(engine_not_read(name), "format")
    elif name not in pack.known:
        is_own = any(domain == own or domain.startswith(f"{own}.") for own in _RUNTIME_DOMAINS)
        is_own = is_own and not domain.startswith("ai.onnx.contrib")
        examination.report(UNKNOWN_OPERATOR if is_own else CUSTOM_OPERATOR, name, offset=offset)


def judge_function(domain: str, name: str, examination: Examination) -> None:
    """Report a function of the file that takes the place of a known operator."""
    if f"{domain}::{name}" in operator_pack("onnx").known:
        examination.report(SHADOWED_OPERATOR, f"{domain}::{name}")
