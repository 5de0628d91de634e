"""XGBoost models: JSON, the same document as Universal Binary JSON, and the binary form before version 2.1.

Nothing in them runs. XGBoost follows the indices of each tree without looking back, so indices that lead out of a
tree read foreign memory; and a model can name an objective that only its own program has.
Source: https://xgboost.readthedocs.io/en/stable/tutorials/saving_model.html and `doc/model.schema`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from touchstone.scan.examination import Examination
from touchstone.scan.findings import Rule
from touchstone.scan.source import Source, Unreadable
from touchstone.scan.ubjson import Numbers, read_ubjson_value
from touchstone.text import Text

OUT_OF_BOUNDS: Final = Rule(
    "xgboost/tree-out-of-bounds",
    "high",
    "threat",
    Text(
        "A tree leads to nodes that it does not have, so that a prediction reads foreign memory",
        "决策树指向不存在的节点，预测时会读取越界内存",
    ),
    Text("Obtain the file again; XGBoost does not write this.", "重新获取文件；XGBoost 不会写出这种内容。"),
    ("CWE-125",),
)
UNKNOWN_OBJECTIVE: Final = Rule(
    "xgboost/unknown-objective",
    "medium",
    "unreviewed",
    Text("Names an objective that is not part of XGBoost", "引用了不属于 XGBoost 的目标函数"),
    Text("Find out which program registers this objective.", "请查明由哪个程序注册该目标函数。"),
    ("CWE-829",),
)
REPEATED_KEY: Final = Rule(
    "xgboost/repeated-key",
    "medium",
    "threat",
    Text(
        "A key occurs twice in one object, so that two readers may see different models",
        "同一对象中键重复，不同读取器可能得到不同模型",
    ),
    Text("Obtain the file again; XGBoost does not write this.", "重新获取文件；XGBoost 不会写出这种内容。"),
    ("CWE-436",),
)
HIDDEN_BYTES: Final = Rule(
    "xgboost/hidden-bytes",
    "medium",
    "threat",
    Text("Bytes follow the model", "模型之后还有字节"),
    Text("Obtain the file again; XGBoost does not write this.", "重新获取文件；XGBoost 不会写出这种内容。"),
    ("CWE-506",),
)

RULES: Final[tuple[Rule, ...]] = (OUT_OF_BOUNDS, UNKNOWN_OBJECTIVE, REPEATED_KEY, HIDDEN_BYTES)

_OBJECTIVES: Final = frozenset(
    {
        "reg:squarederror", "reg:squaredlogerror", "reg:logistic", "reg:pseudohubererror", "reg:absoluteerror",
        "reg:quantileerror", "reg:expectileerror", "reg:gamma", "reg:tweedie", "reg:linear", "binary:logistic",
        "binary:logitraw", "binary:hinge", "count:poisson", "survival:cox", "survival:aft", "multi:softmax",
        "multi:softprob", "rank:pairwise", "rank:ndcg", "rank:map", "gpu:reg:linear", "gpu:binary:logistic",
    }
)  # fmt: skip
_PER_NODE: Final = ("left_children", "right_children", "parents", "split_indices", "split_conditions")
_NO_NODE: Final = (-1, 2**31 - 1, 2**32 - 1)
"""What stands for no child and no parent in the various versions."""
_LONGEST_NAME: Final = 64


def read_ubjson(source: Source, examination: Examination) -> None:
    """A model as Universal Binary JSON."""
    document, end, repeated = read_ubjson_value(source, examination.budget)
    for key in dict.fromkeys(repeated[:100]):
        examination.report(REPEATED_KEY, key)
    if end < source.size:
        examination.report(HIDDEN_BYTES, f"{source.size - end} bytes", offset=end, length=source.size - end)
        examination.examine(source.part(end, source.size - end), "bytes behind the model")
    if not isinstance(document, dict) or "learner" not in document:
        examination.gap(
            Text("is Universal Binary JSON, but no model of XGBoost", "是 UBJSON，但不是 XGBoost 模型"), "format"
        )
        return
    examine_xgboost_json(document, examination)


def read_binary(source: Source, examination: Examination) -> None:
    """The form before version 2.1: names are read, the trees behind them are raw memory that only XGBoost knows."""
    head = source.read(4, 136)
    names = source.read(140, 2 * (8 + _LONGEST_NAME))
    objective, rest = _prefixed(names)
    booster, _ = _prefixed(rest)
    if len(head) < 136 or not objective or booster not in {"gbtree", "gblinear", "dart"}:
        raise Unreadable(Text("does not begin like a binary model of XGBoost", "开头不是 XGBoost 二进制模型"))
    examination.fact("framework", "xgboost")
    examination.fact("architecture", booster)
    _objective(objective, examination)
    examination.gap(
        Text(
            "is a model in XGBoost's binary form, which is not read; save it again as JSON or UBJSON",
            "是 XGBoost 旧二进制格式，无法解析；请重新保存为 JSON 或 UBJSON",
        ),
        "format",
    )


def _prefixed(data: bytes) -> tuple[str, bytes]:
    """A text with its length in 64 bits before it, and what follows."""
    length = int.from_bytes(data[:8], "little")
    if length > _LONGEST_NAME:
        return "", b""
    return data[8 : 8 + length].decode("ascii", "replace"), data[8 + length :]


def examine_xgboost_json(document: dict[str, Any], examination: Examination) -> None:
    """A model that was parsed already, from JSON or its binary form."""
    learner = _object(document.get("learner"))
    booster = _object(learner.get("gradient_booster"))
    version = document.get("version")
    if isinstance(version, (list, Numbers)):
        numbers = version.load() if isinstance(version, Numbers) else version
        examination.fact("framework", "xgboost " + ".".join(str(part) for part in numbers[:3]))
    examination.fact("architecture", str(booster.get("name")))
    _objective(str(_object(learner.get("objective")).get("name")), examination)
    parameters = learner.get("learner_model_param")
    for key, value in parameters.items() if isinstance(parameters, dict) else ():
        examination.fact("hyper-parameter", f"{key}={value}")
    if "gbtree" in booster:
        booster = _object(booster["gbtree"])
    model = _object(booster.get("model"))
    trees = model.get("trees", [])
    if not isinstance(trees, list):
        raise Unreadable(Text("has trees that are no list", "决策树不是列表"))
    for index, tree in enumerate(trees):
        examination.budget.check_time()
        _tree(index, _object(tree), examination)
    if trees:
        examination.fact("hyper-parameter", f"trees={len(trees)}")


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Unreadable(Text("misses a part that every model has", "缺少模型必备部分"))
    return value


def _objective(name: str, examination: Examination) -> None:
    examination.fact("task", name)
    if name not in _OBJECTIVES:
        examination.report(UNKNOWN_OBJECTIVE, name)


def _tree(index: int, tree: dict[str, Any], examination: Examination) -> None:
    """Every list has an entry for each node, and every child is a node of this tree that comes after its parent."""
    counted = _object(tree.get("tree_param")).get("num_nodes")
    try:
        count = int(str(counted))
    except ValueError:
        raise Unreadable(Text("has a tree that does not count its nodes", "决策树没有节点数")) from None
    for name in _PER_NODE:
        values = tree.get(name)
        if not isinstance(values, (list, Numbers)):
            raise Unreadable(Text(f"has a tree without {name}", f"决策树缺少 {name}"))
        if len(values) != count:
            examination.report(OUT_OF_BOUNDS, f"tree {index}: {len(values)} {name} for {count} nodes")
            return
        if name in _PER_NODE[:3]:
            _links(
                f"tree {index}: {name}", values.load() if isinstance(values, Numbers) else values, count, examination
            )


def _links(where: str, values: Sequence[Any], count: int, examination: Examination) -> None:
    for value in values:
        if type(value) is not int or not (0 <= value < count or value in _NO_NODE):
            examination.report(OUT_OF_BOUNDS, f"{where} {value} of {count} nodes")
            return
