"""`schema.json` of a skops archive: a tree of nodes, each of which names the object it rebuilds and how.

skops asks its user to trust the unknown types of a file by name. Here each name is compared with the reviewed lists,
by what its node would do with it. Two kinds of node once constructed something else than the name they showed
(CVE-2025-54412, CVE-2025-54413). Source: `skops/io/_general.py`, `_sklearn.py` and `_numpy.py` of skops 0.16.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from touchstone.scan.examination import Examination
from touchstone.scan.findings import Rule, shown
from touchstone.scan.source import Source, Unreadable
from touchstone.scan.symbols import Right, standing
from touchstone.text import Text

_REVIEW: Final = Text(
    "Review what this name does before you pass it to skops as trusted.",
    "在将该名称作为受信任类型传给 skops 之前，请审查其作用。",
)

DANGEROUS_NAME: Final = Rule(
    "skops/dangerous-name",
    "critical",
    "threat",
    Text("Rebuilds or calls something that acts on the machine", "重建或调用可操作系统的对象"),
    Text("Do not load it, and do not trust this name.", "不要加载，也不要信任该名称。"),
    ("CWE-502", "CVE-2025-54412"),
)
UNKNOWN_NAME: Final = Rule(
    "skops/unknown-name",
    "medium",
    "unreviewed",
    Text("Rebuilds an object that nobody reviewed", "重建未经审查的对象"),
    _REVIEW,
    ("CWE-502",),
)
UNKNOWN_USE: Final = Rule(
    "skops/unknown-use",
    "medium",
    "unreviewed",
    Text("Uses a name in a way that was not reviewed", "以未经审查的方式使用某名称"),
    _REVIEW,
    ("CWE-502",),
)
TWO_NAMES: Final = Rule(
    "skops/two-names",
    "critical",
    "threat",
    Text(
        "A node shows one name and constructs another, so that a trusted name hides what is built",
        "节点显示的名称与实际构造的对象不一致，以受信任名称掩盖真实对象",
    ),
    Text("Do not load it; no version of skops writes this.", "不要加载；skops 不会写出这种内容。"),
    ("CVE-2025-54412", "CVE-2025-54413", "CWE-345"),
)

MEMBER_PATH: Final = Rule(
    "skops/member-path",
    "medium",
    "threat",
    Text("Reads a member by a name that skops never gives", "按 skops 不会使用的名称读取成员"),
    Text("Do not load it; no version of skops writes this.", "不要加载；skops 不会写出这种内容。"),
    ("CWE-22",),
)

RULES: Final[tuple[Rule, ...]] = (DANGEROUS_NAME, UNKNOWN_NAME, UNKNOWN_USE, TWO_NAMES, MEMBER_PATH)

_MEMBER: Final = re.compile(r"[\w-]{1,80}\.(?:npy|npz|bin)")

_USES: Final[dict[str, frozenset[Right]]] = {
    "DictNode": frozenset({"import"}),
    "DefaultDictNode": frozenset({"import"}),
    "_DictWithDeprecatedKeysNode": frozenset({"import"}),
    "ListNode": frozenset({"import"}),
    "SetNode": frozenset({"import"}),
    "TupleNode": frozenset({"import"}),
    "NdArrayNode": frozenset({"import"}),
    "MaskedArrayNode": frozenset({"import"}),
    "DTypeNode": frozenset({"import"}),
    "SparseMatrixNode": frozenset({"import"}),
    "RandomStateNode": frozenset({"import"}),
    "RandomGeneratorNode": frozenset({"import"}),
    "BytesNode": frozenset({"import"}),
    "BytearrayNode": frozenset({"import"}),
    "SliceNode": frozenset({"import"}),
    "TypeNode": frozenset({"import"}),
    "CachedNode": frozenset({"import"}),
    "FunctionNode": frozenset({"import"}),
    "ObjectNode": frozenset({"new", "build"}),
    "ConstructorFromReduceNode": frozenset({"call"}),
    "LossNode": frozenset({"import", "build"}),
    "TreeNode": frozenset({"import", "build"}),
    "SGDNode": frozenset({"import", "build"}),
    "QuantileForestNode": frozenset({"import", "build"}),
}
"""What each node does with the name it shows. The reducing ones call a constructor of their own, from a fixed list."""

_BIT_GENERATORS: Final = frozenset({"MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64"})


def read_schema(source: Source, examination: Examination) -> None:
    """Judge every node of the tree."""
    from touchstone.scan.formats.json import LARGEST, REPEATED_KEY, parse_json
    from touchstone.scan.text_encoding import whole_text

    reading = parse_json(whole_text(source, LARGEST).text)
    for key in dict.fromkeys(reading.repeated[:100]):
        examination.report(REPEATED_KEY, key)
    document = reading.document
    if not isinstance(document, dict):
        raise Unreadable(Text("the schema is not an object", "schema 不是 JSON 对象"))
    examination.fact("framework", f"skops {document.get('_skops_version', '')}".strip())
    if isinstance(document.get("__class__"), str):
        examination.fact("architecture", document["__class__"])
    for tree in (document, *reading.discarded):
        for node in _nodes(tree, examination):
            _judge(node, examination)


def _nodes(document: Any, examination: Examination) -> Iterator[dict[str, Any]]:
    """Every node of the tree, without recursion."""
    waiting = [document]
    while waiting:
        value = waiting.pop()
        examination.budget.check_time()
        if isinstance(value, dict):
            if "__loader__" in value:
                yield value
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)


def _judge(node: dict[str, Any], examination: Examination) -> None:
    loader, module, name = node["__loader__"], node.get("__module__"), node.get("__class__")
    if not (isinstance(loader, str) and isinstance(module, str) and isinstance(name, str)):
        raise Unreadable(Text("a node of the schema is malformed", "schema 节点格式错误"))
    if loader == "JsonNode":
        return
    member = node.get("file")
    if member is not None and not (isinstance(member, str) and _MEMBER.fullmatch(member)):
        examination.report(MEMBER_PATH, str(member))
    if loader == "MethodNode":
        _method(node, module, name, examination)
    elif loader == "OperatorFuncNode":
        _operator(node, module, name, examination)
    elif loader == "PartialNode":
        _partial(node, module, name, examination)
    elif loader in _USES:
        _name(loader, module, name, _USES[loader], examination)
        if loader == "RandomGeneratorNode":
            _generator(node, examination)
        content = node.get("content")
        if loader == "FunctionNode" and isinstance(content, dict) and "function" in content:
            _name(loader, str(content.get("module_path")), str(content["function"]), _USES[loader], examination)
    else:
        examination.report(UNKNOWN_USE, f"{loader} of {module}.{name}")


def _name(loader: str, module: str, name: str, rights: frozenset[Right], examination: Examination) -> None:
    found = standing(module, name)
    written = f"{module}.{name}" if loader in {"ObjectNode", "TypeNode"} else f"{module}.{name} ({loader})"
    examination.fact("imports", module.split(".", 1)[0])
    if found.trust == "dangerous":
        examination.runs_code()
        examination.report(DANGEROUS_NAME, written)
    elif found.trust == "unknown":
        examination.report(UNKNOWN_NAME, written)
    elif not rights <= found.rights or (found.contract and (loader == "FunctionNode" or "call" in rights)):
        examination.report(UNKNOWN_USE, written)


def _method(node: dict[str, Any], module: str, name: str, examination: Examination) -> None:
    """A bound method: of the object within, whatever name the node itself shows."""
    content = node.get("content")
    owner = content.get("obj") if isinstance(content, dict) else None
    if not isinstance(content, dict) or not isinstance(owner, dict):
        raise Unreadable(Text("a node of the schema is malformed", "schema 节点格式错误"))
    built = f"{owner.get('__module__')}.{owner.get('__class__')}"
    method = str(content.get("func"))
    if built != f"{module}.{name}":
        examination.report(TWO_NAMES, f"shows {module}.{name}, takes {method} of {built}")
    if standing(module, name).trust == "dangerous":
        examination.report(DANGEROUS_NAME, f"{module}.{name}.{method}")
    else:
        examination.report(UNKNOWN_USE, f"method {module}.{name}.{method}")


def _operator(node: dict[str, Any], module: str, name: str, examination: Examination) -> None:
    """`operator.NAME(*attrs)`: whatever module the node shows, the name is taken from `operator`."""
    if module != "operator":
        examination.report(TWO_NAMES, f"shows {module}.{name}, calls operator.{name}")
    if name not in {"attrgetter", "itemgetter", "methodcaller"}:
        examination.report(DANGEROUS_NAME, f"operator.{name}(*{shown(str(node.get('attrs')), 80)})")
    elif name != "itemgetter":
        examination.report(UNKNOWN_USE, f"operator.{name}")


def _partial(node: dict[str, Any], module: str, name: str, examination: Examination) -> None:
    """A call that is waiting for its last arguments: as harmless as the function it calls, which is a node itself."""
    content = node.get("content")
    function = content.get("func") if isinstance(content, dict) else None
    if (module, name) != ("functools", "partial"):
        examination.report(TWO_NAMES, f"shows {module}.{name}, builds functools.partial")
    if isinstance(function, dict):
        called = str(function.get("__module__")), str(function.get("__class__"))
        found = standing(*called)
        if "call" in found.rights and not found.contract:
            return
        examination.report(UNKNOWN_USE, f"partial of {called[0]}.{called[1]}")
    else:
        examination.report(UNKNOWN_USE, "partial of something")


def _generator(node: dict[str, Any], examination: Examination) -> None:
    """The bit generator is a name in a text; before skops 0.13 any name of `numpy.random` was called."""
    try:
        state = node["content"]["bit_generator"]["content"]["bit_generator"]["content"]
        name = json.loads(state)
    except (KeyError, TypeError, ValueError, RecursionError):
        name = None
    if name not in _BIT_GENERATORS:
        examination.report(UNKNOWN_USE, f"bit generator numpy.random.{name}")
