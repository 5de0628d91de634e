"""Rules for systems that classify texts: what such a description needs, and what in it has no meaning."""

from __future__ import annotations

from collections.abc import Iterator

from touchstone.documents import FieldPath
from touchstone.system.description import DataSet, SystemDescription
from touchstone.system.problem import Problem
from touchstone.text import Text

MODEL_FORMATS = ("skops", "http", "predictions")
"""Forms of a model that can take texts."""
DATA_FORMATS = ("csv", "jsonl")
"""Files that can hold texts."""


def text_problems(description: SystemDescription) -> Iterator[Problem]:
    """Every way in which the description of a model of texts, or the use of JSON Lines, does not fit together."""
    model = description.model
    takes_texts = model.input.kind == "text"
    if takes_texts:
        yield from _model_problems(description)
    for role, data_set in description.data.declared().items():
        if takes_texts:
            yield from _data_problems(("data", role), data_set)
        elif data_set.format == "jsonl":
            yield Problem(
                ("data", role, "format"),
                Text(
                    f"is jsonl, which holds texts, but the model takes {model.input.kind} input",
                    f"为 jsonl（用于文本），但模型输入为 {model.input.kind}",
                ),
                Text("hand tables in as csv, parquet or npz", "表格请以 csv、parquet 或 npz 提交"),
            )


def _model_problems(description: SystemDescription) -> Iterator[Problem]:
    model = description.model
    if model.format not in MODEL_FORMATS:
        yield Problem(
            ("model", "format"),
            Text(f"is {model.format}, which cannot take texts here", f"为 {model.format}，此处不支持文本输入"),
            Text(
                "hand in a scikit-learn pipeline as skops, a service as http, or predictions",
                "请以 skops 提交 scikit-learn 流水线、以 http 提交服务，或提交 predictions",
            ),
        )
    foreign = {
        ("model", "input", "columns"): model.input.columns,
        ("model", "input", "shape"): model.input.shape,
        ("model", "input", "low"): model.input.low,
        ("model", "input", "high"): model.input.high,
        ("model", "normalisation"): model.normalisation,
    }
    for at, value in foreign.items():
        if value is not None:
            yield Problem(at, Text("has no meaning for text input", "对文本输入没有意义"), Text("remove it", "请删除"))


def _data_problems(at: FieldPath, data_set: DataSet) -> Iterator[Problem]:
    if data_set.format not in DATA_FORMATS:
        yield Problem(
            (*at, "format"),
            Text(f"is {data_set.format}, which holds no texts", f"为 {data_set.format}，不含文本"),
            Text("hand texts in as csv or jsonl", "文本请以 csv 或 jsonl 提交"),
        )
    elif data_set.features is None:
        yield Problem(
            (*at, "features"),
            Text("is missing: which column holds the texts?", "缺失：文本在哪一列？"),
            Text("for example `features: text`", "例如 `features: text`"),
        )
    elif data_set.features in {data_set.target, *data_set.predictions, *data_set.sensitive}:
        yield Problem(
            (*at, "features"),
            Text("is also a label, a prediction or an attribute", "同时是标签、预测或敏感属性列"),
            Text("name the column of the texts", "请填写文本所在的列"),
        )
