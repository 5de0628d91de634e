"""What TensorFlow operators do besides arithmetic, and which ones are known at all.

The list of known operators is the registry of TensorFlow itself; those that touch files, the network, Python or
foreign code are set apart, with the attributes that say which file. The lists are data
(`packs/tensorflow_operators.json`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

from touchstone.scan.findings import Rule
from touchstone.scan.operator_packs import operator_pack
from touchstone.text import Text

_REMEDY: Final = Text(
    "Do not load the model; export it again without this operator.", "不要加载；请去掉该算子后重新导出。"
)

RUNS_PYTHON: Final = Rule(
    "tensorflow/python-operator",
    "critical",
    "threat",
    Text("An operator that calls Python code while the model runs", "模型运行时会调用 Python 代码的算子"),
    _REMEDY,
    ("CWE-94", "AML.T0011"),
)
WRITES_FILES: Final = Rule(
    "tensorflow/writes-files",
    "critical",
    "threat",
    Text("An operator that writes files while the model runs", "模型运行时会写入文件的算子"),
    _REMEDY,
    ("CWE-73", "AML.T0011"),
)
READS_FILES: Final = Rule(
    "tensorflow/reads-files",
    "high",
    "threat",
    Text("An operator that reads files while the model runs", "模型运行时会读取文件的算子"),
    _REMEDY,
    ("CWE-73", "AML.T0011"),
)
USES_NETWORK: Final = Rule(
    "tensorflow/uses-network",
    "high",
    "threat",
    Text("An operator that talks to other machines while the model runs", "模型运行时会访问其他机器的算子"),
    _REMEDY,
    ("CWE-918", "AML.T0011"),
)
CALLS_NATIVE_CODE: Final = Rule(
    "tensorflow/native-call",
    "high",
    "threat",
    Text("An operator that calls native code by its name", "按名称调用本机代码的算子"),
    _REMEDY,
    ("CWE-829", "AML.T0011"),
)
ENDS_PROCESS: Final = Rule(
    "tensorflow/ends-process",
    "medium",
    "threat",
    Text("An operator that ends the process that runs the model", "会终止模型运行进程的算子"),
    _REMEDY,
    ("CWE-400",),
)
PATH_LEADS_OUT: Final = Rule(
    "tensorflow/path-leads-out",
    "critical",
    "threat",
    Text("A fixed path leads out of the model's folder", "固定写入的路径指向模型目录之外"),
    _REMEDY,
    ("CWE-22", "CWE-73"),
)
COMPUTED_PATH: Final = Rule(
    "tensorflow/computed-path",
    "medium",
    "threat",
    Text("A path is computed in the graph, so that nobody can say where it leads", "路径由计算图算出，无法判断其指向"),
    _REMEDY,
    ("CWE-73",),
)
RECURSION: Final = Rule(
    "tensorflow/recursion",
    "medium",
    "threat",
    Text("Functions that call each other without end", "相互调用、永不结束的函数"),
    _REMEDY,
    ("CWE-674",),
)
LARGE_CONSTANT: Final = Rule(
    "tensorflow/large-constant",
    "medium",
    "threat",
    Text("A constant grows to a size that no file can hold", "常量展开后的体积超出任何文件的容量"),
    _REMEDY,
    ("CWE-789",),
)
UNKNOWN_OPERATOR: Final = Rule(
    "tensorflow/unknown-operator",
    "high",
    "unreviewed",
    Text("An operator that TensorFlow itself does not have", "TensorFlow 自身没有的算子"),
    Text("Review the library that provides the operator.", "审查提供该算子的库。"),
    ("CWE-829",),
)
OPERATOR_RULES: Final[tuple[Rule, ...]] = (
    RUNS_PYTHON,
    WRITES_FILES,
    READS_FILES,
    USES_NETWORK,
    CALLS_NATIVE_CODE,
    ENDS_PROCESS,
    PATH_LEADS_OUT,
    COMPUTED_PATH,
    RECURSION,
    LARGE_CONSTANT,
    UNKNOWN_OPERATOR,
)

RULE_OF: Final = {
    "runs-python": RUNS_PYTHON,
    "writes-files": WRITES_FILES,
    "reads-files": READS_FILES,
    "uses-network": USES_NETWORK,
    "calls-native-code": CALLS_NATIVE_CODE,
    "ends-process": ENDS_PROCESS,
}


@dataclass(frozen=True, slots=True)
class Operators:
    """The lists."""

    known: frozenset[str]
    does: dict[str, str]
    """What an operator does besides arithmetic."""
    take_paths: dict[str, list[int]]
    """Inputs that are paths, also of operators that are normal in models (checkpoints, vocabularies)."""
    attributes: dict[str, dict[str, str]]
    """Attributes that name files, addresses or Python functions, and what the operator does when they are set."""
    libraries: dict[str, str]
    """Operators of reviewed libraries beside TensorFlow."""


@cache
def operators() -> Operators:
    """The lists of the pack."""
    pack = operator_pack("tensorflow")
    return Operators(
        known=pack.known,
        does=pack.does,
        take_paths=pack.more["take_paths"],
        attributes=pack.more["attributes"],
        libraries={operator: library for library, names in pack.more["libraries"].items() for operator in names},
    )


def is_harmless_setting(attribute: str, value: str) -> bool:
    """Whether an attribute that may name a file names none: `PrintV2` to standard output, a linked-in descriptor."""
    match attribute:
        case "output_stream":
            return not value.startswith("file://")
        case "descriptor_source":
            return value in {"", "local://"} or value.startswith("bytes://")
        case "debug_ops_spec":
            return "://" not in value
        case _:
            return not value
