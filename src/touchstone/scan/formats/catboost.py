"""CatBoost's binary model: a FlatBuffer of trees and features, then the parts it lists.

Nothing in it runs. CatBoost follows the splits and leaves of each tree without looking back, so they are compared
with what is there. Source: `catboost/libs/model/flatbuffers/*.fbs` and `model.cpp` of catboost 1.2.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

from touchstone.scan.examination import Examination
from touchstone.scan.findings import Rule, shown
from touchstone.scan.flatbuffers import Buffer, Schema, Table, report_unseen, walk
from touchstone.scan.source import Source, Unreadable
from touchstone.text import Text

OUT_OF_BOUNDS: Final = Rule(
    "catboost/tree-out-of-bounds",
    "high",
    "threat",
    Text(
        "A tree leads to splits or leaves that the model does not have, so that a prediction reads foreign memory",
        "决策树指向不存在的分裂或叶子，预测时会读取越界内存",
    ),
    Text("Obtain the file again; CatBoost does not write this.", "重新获取文件；CatBoost 不会写出这种内容。"),
    ("CWE-125",),
)
HIDDEN_BYTES: Final = Rule(
    "catboost/hidden-bytes",
    "medium",
    "threat",
    Text("Bytes follow the parts that the model lists", "模型列出的部分之后还有字节"),
    Text("Obtain the file again; CatBoost does not write this.", "重新获取文件；CatBoost 不会写出这种内容。"),
    ("CWE-506",),
)

RULES: Final[tuple[Rule, ...]] = (OUT_OF_BOUNDS, HIDDEN_BYTES)

_SCHEMA: Final = Schema(
    {
        "TModelCore": "FormatVersion text, ModelTrees TModelTrees, InfoMap* TKeyValue, ModelPartIds* text",
        "TKeyValue": "Key text, Value text",
        "TModelTrees": "ApproxDimension i32, TreeSplits* i32, TreeSizes* i32, TreeStartOffsets* i32,"
        " CatFeatures* TCatFeature, FloatFeatures* TFloatFeature, OneHotFeatures* TOneHotFeature,"
        " CtrFeatures* TCtrFeature, LeafValues* f64, LeafWeights* f64, NonSymmetricStepNodes* struct4,"
        " NonSymmetricNodeIdToLeafId* u32, TextFeatures* TTextFeature, EstimatedFeatures* TEstimatedFeature,"
        " Scale f64, Bias f64, MultiBias* f64, RepackedBins* struct4, EmbeddingFeatures* TEmbeddingFeature",
        "TFloatFeature": "HasNans bool, Index i32, FlatIndex i32, Borders* f32, FeatureId text, NanValueTreatment i8",
        "TCatFeature": "Index i32, FlatIndex i32, FeatureId text, UsedInModel bool",
        "TTextFeature": "Index i32, FlatIndex i32, FeatureId text, UsedInModel bool",
        "TEmbeddingFeature": "Index i32, FlatIndex i32, FeatureId text, Dimension i32, UsedInModel bool",
        "TEstimatedFeature": "SourceFeatureIndex i32, CalcerId struct16, LocalIndex i32, Borders* f32,"
        " SourceFeatureType i8",
        "TOneHotFeature": "Index i32, Values* i32, StringValues* text",
        "TCtrFeature": "Ctr TModelCtr, Borders* f32",
        "TModelCtr": "Base TModelCtrBase, TargetBorderIdx i32, PriorNum f32, PriorDenom f32, Shift f32, Scale f32",
        "TModelCtrBase": "FeatureCombination TFeatureCombination, CtrType i8, TargetBorderClassifierIdx i32",
        "TFeatureCombination": "CatFeatures* i32, FloatSplits* struct8, OneHotSplits* struct8",
        "TCtrValueTable": "ModelCtrBase TModelCtrBase, IndexHashRaw bytes, CTRBlob bytes, CounterDenominator i32,"
        " TargetClassesCount i32",
    }
)

_MOST_NUMBERS: Final = 2_000_000
"""Of one list that is compared number by number."""
_CTR_PART: Final = "static_provider_v1"


def read_catboost(source: Source, examination: Examination) -> None:
    """The core, then each part it lists."""
    size = int.from_bytes(source.read(4, 4), "little")
    if size > source.size - 8:
        raise Unreadable(Text("ends before its core does", "文件在核心部分结束前截断"))
    root = _whole_buffer(source.part(8, size), "TModelCore", examination)
    _describe(root, examination)
    at = 8 + size
    for part in root.texts("ModelPartIds"):
        if part != _CTR_PART:
            name = shown(part.rstrip("\0"), 40)
            examination.gap(Text(f"has a part that is not read: {name}", f"含无法解析的部分：{name}"), "format")
            return
        at = _tables(source, at, examination)
    if at < source.size:
        examination.report(HIDDEN_BYTES, f"{source.size - at} bytes", offset=at, length=source.size - at)
        examination.examine(source.part(at, source.size - at), "bytes behind the model")


def _whole_buffer(part: Source, kind: str, examination: Examination) -> Table:
    """A FlatBuffer of which every table was visited and every byte accounted for."""
    buffer = Buffer(part, _SCHEMA, examination.budget)
    root = buffer.root(kind)
    walk(root, {"TModelTrees": lambda trees: _trees(trees, examination)}, examination)
    for start, length in buffer.unseen():
        report_unseen(start, length, examination)
    return root


def _tables(source: Source, at: int, examination: Examination) -> int:
    """Tables of categorical statistics, each with its size before it; answers the place behind them."""
    count = int.from_bytes(source.read(at, 4), "little")
    at += 4
    for _ in range(count):
        size = int.from_bytes(source.read(at, 4), "little")
        if size < 8 or size > source.size - at - 4:
            raise Unreadable(Text("has a part that ends beyond the file", "部分内容超出文件范围"))
        _whole_buffer(source.part(at + 4, size), "TCtrValueTable", examination)
        at += 4 + size
    return at


def _describe(root: Table, examination: Examination) -> None:
    examination.fact("framework", f"catboost {root.text('FormatVersion')}")
    examination.fact("architecture", "gradient boosted trees")
    for pair in root.tables("InfoMap"):
        key, value = pair.text("Key"), pair.text("Value")
        if key == "catboost_version_info":
            examination.fact("producer", value.split("\n", 1)[0])
        elif key == "model_guid":
            examination.fact("version", value)
        elif key == "params":
            _parameters(value, examination)


def _parameters(text: str, examination: Examination) -> None:
    """What the model was trained with; only looked at when it is whole JSON."""
    try:
        parameters = json.loads(text)
        objective = parameters["loss_function"]["type"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return
    if isinstance(objective, str):
        examination.fact("task", objective)


def _trees(trees: Table, examination: Examination) -> None:
    """Every tree lies within the list of splits, every split is one that the features have, every leaf has values."""
    splits = trees.integers("TreeSplits", _MOST_NUMBERS)
    sizes = trees.integers("TreeSizes", _MOST_NUMBERS)
    starts = trees.integers("TreeStartOffsets", _MOST_NUMBERS)
    if trees.vector("TreeSplits")[1] > _MOST_NUMBERS:
        examination.gap(Text("has more splits than are compared", "分裂数量超过检查上限"), "limit")
        return
    examination.fact("hyper-parameter", f"trees={len(sizes)}")
    if starts and (
        len(starts) != len(sizes)
        or any(a + b > len(splits) or a < 0 or b < 0 for a, b in zip(starts, sizes, strict=True))
    ):
        examination.report(OUT_OF_BOUNDS, f"{len(sizes)} trees lead beyond {len(splits)} splits")
    bins = sum(_bins(trees))
    if splits and not (min(splits) >= 0 and max(splits) < max(bins, 1)):
        examination.report(OUT_OF_BOUNDS, f"splits {min(splits)} to {max(splits)} of {bins}")
    values = trees.vector("LeafValues")[1]
    dimension = trees.integer("ApproxDimension", 1)
    if trees.vector("NonSymmetricStepNodes")[1]:
        leaves = trees.integers("NonSymmetricNodeIdToLeafId", _MOST_NUMBERS)
        used = [leaf for leaf in leaves if leaf != 2**32 - 1]
        if used and max(used) + dimension > values:
            examination.report(OUT_OF_BOUNDS, f"leaf {max(used)} of {values} values")
    elif all(0 <= size <= 16 for size in sizes):
        needed = sum(1 << size for size in sizes) * dimension
        if needed > values:
            examination.report(OUT_OF_BOUNDS, f"{needed} leaves of {values} values")
    else:
        examination.report(OUT_OF_BOUNDS, f"a tree of depth {max(sizes)}")


def _bins(trees: Table) -> Iterator[int]:
    """How many conditions the features offer to split by."""
    for name in ("FloatFeatures", "CtrFeatures", "EstimatedFeatures"):
        for feature in trees.tables(name):
            yield feature.vector("Borders")[1]
    for feature in trees.tables("OneHotFeatures"):
        yield feature.vector("Values")[1]
