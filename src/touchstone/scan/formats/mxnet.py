"""MXNet symbols: a graph of operators as JSON (`model-symbol.json`).

Operators compute, apart from a few that call back into Python, take a memory address, or read a file by its name;
what MXNet does not have itself comes from a library that must be loaded.

Source: src/nnvm/legacy_json_util.cc of https://github.com/apache/mxnet.
"""

from __future__ import annotations

from typing import Any, Final

from touchstone.scan.examination import Examination
from touchstone.scan.findings import Rule
from touchstone.scan.operator_packs import HOLDS_ENGINE, engine_not_read, operator_pack
from touchstone.scan.source import Unreadable
from touchstone.text import Text

_REMEDY: Final = Text(
    "Do not load the model; export it again without this operator.", "不要加载；请去掉该算子后重新导出。"
)

PYTHON_OPERATOR: Final = Rule(
    "mxnet/python-operator",
    "high",
    "threat",
    Text("An operator that calls Python or Lua code while the model runs", "模型运行时会调用 Python 或 Lua 代码的算子"),
    _REMEDY,
    ("CWE-94", "AML.T0011"),
)
NATIVE_CALL: Final = Rule(
    "mxnet/native-call",
    "critical",
    "threat",
    Text("An operator that calls a function at an address written in the file", "按文件中写入的地址调用函数的算子"),
    _REMEDY,
    ("CWE-822", "AML.T0011"),
)
READS_FILES: Final = Rule(
    "mxnet/reads-files",
    "high",
    "threat",
    Text("An operator that reads a file while the model runs", "模型运行时会读取文件的算子"),
    _REMEDY,
    ("CWE-73", "AML.T0011"),
)
CUSTOM_OPERATOR: Final = Rule(
    "mxnet/custom-operator",
    "high",
    "unreviewed",
    Text("An operator that MXNet itself does not have", "MXNet 自身没有的算子"),
    Text("Review the library that provides the operator.", "审查提供该算子的库。"),
    ("CWE-829",),
)
RULES: Final[tuple[Rule, ...]] = (PYTHON_OPERATOR, NATIVE_CALL, READS_FILES, CUSTOM_OPERATOR)

_RULE_OF: Final = {"runs-python": PYTHON_OPERATOR, "calls-native-code": NATIVE_CALL, "reads-files": READS_FILES}
_DEEPEST: Final = 32


def examine_symbol_json(document: Any, examination: Examination) -> None:
    """A symbol, told by its `nodes`, `arg_nodes` and `heads`. Raises `Unreadable` when it is not built like one."""
    examination.fact("framework", "mxnet")
    attributes = document.get("attrs", {})
    if isinstance(attributes, dict) and isinstance(attributes.get("mxnet_version"), list):
        version = str(attributes["mxnet_version"][-1])
        if version.isdigit():
            examination.fact("producer", f"mxnet {int(version) // 10000}.{int(version) // 100 % 100}")
    waiting = [(document, 0)]
    while waiting:
        symbol, depth = waiting.pop()
        nodes = symbol.get("nodes") if isinstance(symbol, dict) else None
        if not isinstance(nodes, list) or depth > _DEEPEST:
            raise Unreadable(Text("is not built like a symbol", "结构不符合符号格式"))
        examination.budget.spend_opcodes(len(nodes))
        for node in nodes:
            if not isinstance(node, dict) or not isinstance(node.get("op"), str):
                raise Unreadable(Text("has a node without an operator", "含没有算子的节点"))
            _judge(node, examination)
            subgraphs = node.get("subgraphs", [])
            waiting += [(each, depth + 1) for each in (subgraphs if isinstance(subgraphs, list) else [subgraphs])]


def _judge(node: dict[str, Any], examination: Examination) -> None:
    """One node. Older versions call its settings `attr` or `param`."""
    operator, pack = node["op"], operator_pack("mxnet")
    what = pack.does.get(operator)
    if what == HOLDS_ENGINE:
        examination.gap(engine_not_read(operator), "format")
    elif what is not None:
        settings: dict[str, Any] = next(
            (node[key] for key in ("attrs", "attr", "param") if isinstance(node.get(key), dict)), {}
        )
        shown = ", ".join(f"{key}={value!r}" for key, value in settings.items())
        examination.report(_RULE_OF[what], f"{operator}({shown})")
    elif operator not in pack.known:
        examination.report(CUSTOM_OPERATOR, operator)
