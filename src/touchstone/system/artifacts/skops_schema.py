"""Which types and functions a skops archive would bring to life, from its `schema.json` alone.

Source: skops.io persistence format (https://skops.readthedocs.io/en/stable/persistence.html). Each node names the
object it rebuilds by `__module__` and `__class__`.
"""

from __future__ import annotations

from touchstone.system.artifacts.constructs import Construct, shown
from touchstone.system.artifacts.documents_in_models import load_json, objects_in
from touchstone.system.artifacts.symbols import standing
from touchstone.text import Text

_LOADERS_OF_DATA = frozenset(
    {
        "DictNode", "DefaultDictNode", "ListNode", "SetNode", "TupleNode", "TypeNode", "SliceNode", "ObjectNode",
        "JsonNode", "BytesNode", "BytearrayNode", "NdArrayNode", "MaskedArrayNode", "RandomStateNode", "LossNode",
        "RandomGeneratorNode", "DTypeNode", "SparseMatrixNode", "TreeNode", "FunctionNode", "CachedNode",
        "ReduceNode", "SGDNode", "_DictWithDeprecatedKeysNode", "ConstructorFromReduceNode",
    }
)  # fmt: skip
"""Loaders that rebuild one named object. The others (partial, operator, method) combine names into new calls."""


def screen_skops(schema: memoryview, where: str) -> tuple[list[Construct], list[Text]]:
    """One construct for each type, function or loader that is not known to be plain data."""
    try:
        document = load_json(schema)
    except ValueError:
        return [], [Text("the schema is not plain JSON", "schema 不是标准 JSON")]
    constructs: dict[str, Construct] = {}
    for node in objects_in(document):
        loader = node.get("__loader__")
        if loader is None:
            continue
        module, name = node.get("__module__"), node.get("__class__")
        if not isinstance(module, str) or not isinstance(name, str) or not isinstance(loader, str):
            return list(constructs.values()), [Text("a node of the schema is malformed", "schema 节点格式错误")]
        trust = standing(module, name)
        if trust == "known" and loader in _LOADERS_OF_DATA:
            continue
        what = shown(f"{module}.{name}")
        constructs.setdefault(
            f"{loader} {what}",
            Construct(
                "code-execution" if trust == "dangerous" else "unknown-global",
                "critical" if trust == "dangerous" else "high",
                where,
                None,
                what if loader in _LOADERS_OF_DATA else f"{what} ({shown(loader, 40)})",
                Text(
                    "rebuilds an object that nobody reviewed when the file is loaded",
                    "加载文件时会重建未经审查的对象",
                ),
            ),
        )
    return list(constructs.values()), []
