"""LightGBM's text model: a head, one block for each tree, and the parameters it was trained with.

Nothing in it runs. LightGBM jumps from tree to tree by sizes it reads, and follows the indices of each tree without
looking back, so both are checked (CWE-125; compare CVE-2024-43598). Source: `gbdt_model_text.cpp` and `tree.cpp`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from touchstone.scan.examination import Examination
from touchstone.scan.findings import Rule, shown
from touchstone.scan.source import Source, Unreadable
from touchstone.text import Text

OUT_OF_BOUNDS: Final = Rule(
    "lightgbm/tree-out-of-bounds",
    "high",
    "threat",
    Text(
        "A tree leads to nodes or leaves that it does not have, so that a prediction reads foreign memory",
        "决策树指向不存在的节点或叶子，预测时会读取越界内存",
    ),
    Text("Obtain the file again; LightGBM does not write this.", "重新获取文件；LightGBM 不会写出这种内容。"),
    ("CVE-2024-43598", "CWE-125"),
)
WRONG_SIZES: Final = Rule(
    "lightgbm/wrong-tree-sizes",
    "high",
    "threat",
    Text(
        "The sizes by which LightGBM finds the trees lead elsewhere than the trees lie",
        "LightGBM 用于定位决策树的大小与实际位置不符",
    ),
    Text("Obtain the file again; LightGBM does not write this.", "重新获取文件；LightGBM 不会写出这种内容。"),
    ("CVE-2024-43598", "CWE-436"),
)
CUSTOM_OBJECTIVE: Final = Rule(
    "lightgbm/custom-objective",
    "information",
    "information",
    Text("Was trained with an objective of its maker's own", "使用自定义目标函数训练"),
    Text("Its scores mean what the maker says they mean.", "其输出含义以提供者说明为准。"),
    (),
)

RULES: Final[tuple[Rule, ...]] = (OUT_OF_BOUNDS, WRONG_SIZES, CUSTOM_OBJECTIVE)

_LONGEST_LINE: Final = 16 * 2**20
_BLOCK: Final = 2**20
_HEAD: Final = frozenset(
    {"version", "num_class", "num_tree_per_iteration", "label_index", "max_feature_idx", "objective", "feature_names",
     "feature_infos", "monotone_constraints", "tree_sizes", "average_output"}
)  # fmt: skip
_NUMBERS: Final = re.compile(r"[-+0-9.eEinfaINFA ]*")
_PARAMETER: Final = re.compile(r"\[[a-zA-Z_0-9]+: [^\x00-\x08\x0e-\x1f]*\]")
_TREE: Final = frozenset(
    {"num_leaves", "num_cat", "split_feature", "split_gain", "threshold", "decision_type", "left_child", "right_child",
     "leaf_value", "leaf_weight", "leaf_count", "internal_value", "internal_weight", "internal_count", "is_linear",
     "shrinkage", "cat_boundaries", "cat_threshold", "leaf_const", "num_features", "leaf_features", "leaf_coeff"}
)  # fmt: skip
_PER_SPLIT: Final = ("split_feature", "threshold", "decision_type", "left_child", "right_child")


@dataclass(slots=True)
class _Tree:
    number: int
    start: int
    fields: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class _Model:
    head: dict[str, str] = field(default_factory=dict)
    starts: list[int] = field(default_factory=list)
    end: int = -1
    """Where `end of trees` stands."""


def read_text(source: Source, examination: Examination) -> None:
    """Every line must be one that LightGBM writes."""
    lines = _lines(source)
    if next(lines, (0, ""))[1] != "tree":
        raise Unreadable(Text("does not begin like a model of LightGBM", "开头不是 LightGBM 模型"))
    model = _Model()
    tree: _Tree | None = None
    for start, line in lines:
        examination.budget.check_time()
        key, separator, value = line.partition("=")
        if line == "end of trees":
            model.end = start
            break
        if not line:
            continue
        if key == "Tree" and value.isdecimal() and len(value) < 10:
            _finish(tree, model, examination)
            tree = _Tree(int(value), start)
            model.starts.append(start)
        elif tree is None:
            if key not in _HEAD or (not separator and key != "average_output") or key in model.head:
                raise _unknown(line)
            model.head[key] = value
        else:
            if key not in _TREE or key in tree.fields or not _NUMBERS.fullmatch(value):
                raise _unknown(line)
            tree.fields[key] = value
    _finish(tree, model, examination)
    if model.end < 0:
        raise Unreadable(Text("ends before the trees do", "文件在决策树结束前截断"))
    _head(model, examination)
    _tail(lines, examination)


def _lines(source: Source) -> Iterator[tuple[int, str]]:
    """Every line with the place where it begins."""
    rest, start = b"", 0
    for block in source.windows(_BLOCK):
        pieces = (rest + block).split(b"\n")
        rest = pieces.pop()
        if len(rest) > _LONGEST_LINE:
            raise Unreadable(Text("has a line that is too long to read", "行过长，无法读取"))
        for piece in pieces:
            yield start, _text(piece)
            start += len(piece) + 1
    if rest:
        yield start, _text(rest)


def _text(line: bytes) -> str:
    try:
        return line.removesuffix(b"\r").decode("utf-8")
    except UnicodeDecodeError:
        raise Unreadable(Text("is not text", "不是文本")) from None


def _unknown(line: str) -> Unreadable:
    written = shown(line, 60)
    return Unreadable(
        Text(f"has a line that LightGBM does not write: {written}", f"含有非 LightGBM 写出的行：{written}")
    )


def _finish(tree: _Tree | None, model: _Model, examination: Examination) -> None:
    """Compare the lists of a tree with its number of leaves, and its indices with what they point to."""
    if tree is None:
        return
    leaves = _natural(tree.fields.get("num_leaves", ""))
    features = _natural(model.head.get("max_feature_idx", ""))
    if len(tree.fields.get("leaf_value", "").split()) != leaves:
        examination.report(OUT_OF_BOUNDS, f"tree {tree.number}: leaf_value for {leaves} leaves", offset=tree.start)
    if leaves < 2:
        return
    for name in _PER_SPLIT:
        values = tree.fields.get(name, "").split()
        if len(values) != leaves - 1:
            what = f"tree {tree.number}: {len(values)} {name} for {leaves} leaves"
            examination.report(OUT_OF_BOUNDS, what, offset=tree.start)
            return
        if name == "split_feature":
            least, most = 0, features
        elif name.endswith("child"):
            least, most = -leaves, leaves - 2
        else:
            continue
        if not all(_lies_in(value, least, most) for value in values):
            examination.report(OUT_OF_BOUNDS, f"tree {tree.number}: {name} leads out of it", offset=tree.start)


def _lies_in(value: str, least: int, most: int) -> bool:
    return len(value) < 12 and value.lstrip("-").isdecimal() and least <= int(value) <= most


def _natural(value: str) -> int:
    if not value.isdecimal() or len(value) > 10:
        raise Unreadable(Text("misses a number that every model has", "缺少模型必备的数字"))
    return int(value)


def _head(model: _Model, examination: Examination) -> None:
    head = model.head
    examination.fact("framework", f"lightgbm model {head.get('version', '')}".strip())
    examination.fact("architecture", "gradient boosted trees")
    examination.fact("hyper-parameter", f"trees={len(model.starts)}")
    if "objective" in head:
        examination.fact("task", head["objective"])
        if head["objective"].startswith("custom"):
            examination.report(CUSTOM_OBJECTIVE, head["objective"])
    if "tree_sizes" not in head:
        return
    sizes = head["tree_sizes"].split()
    ends = [*model.starts[1:], model.end]
    actual = [str(end - start) for start, end in zip(model.starts, ends, strict=True)]
    if sizes != actual:
        wrong = next(
            (n for n, (a, b) in enumerate(zip(sizes, actual, strict=False)) if a != b), min(len(sizes), len(actual))
        )
        examination.report(WRONG_SIZES, f"tree {wrong} of {len(actual)}, {len(sizes)} sizes")


def _tail(lines: Iterator[tuple[int, str]], examination: Examination) -> None:
    """Importances, parameters, and the categories of pandas columns, which Python reads as JSON."""
    part = ""
    for _, line in lines:
        examination.budget.check_time()
        if line in {"feature_importances:", "feature importances:", "parameters:", "end of parameters"}:
            part = line
        elif line.startswith("pandas_categorical:"):
            _categories(line.removeprefix("pandas_categorical:"))
        elif not line or (part.startswith("feature") and re.fullmatch(r".+=\d+", line)):
            continue
        elif part != "parameters:" or not _PARAMETER.fullmatch(line):
            raise _unknown(line)


def _categories(text: str) -> None:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        raise _unknown(f"pandas_categorical:{text}") from None
