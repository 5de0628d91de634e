"""Rules for the data sets of a description: which columns mean what, and which cannot mean two things."""

from __future__ import annotations

from collections.abc import Iterator

from touchstone.documents import FieldPath
from touchstone.system.description import DataSet, ModelDeclaration, SystemDescription
from touchstone.system.problem import Problem, repeated, shown
from touchstone.text import Text


def data_problems(description: SystemDescription) -> Iterator[Problem]:
    """Every way in which the data sets contradict each other, or the model."""
    data = description.data
    for role, data_set in data.declared().items():
        yield from _data_set(("data", role), data_set, description.model)
    if data.test is not None and data.train is not None and data.test.path == data.train.path:
        yield Problem(
            ("data", "test", "path"),
            Text("is also the training data", "同时也是训练数据"),
            Text("test on data the model has not seen", "请用模型未见过的数据测试"),
        )
    if description.model.format == "predictions" and (data.test is None or not data.test.predictions):
        yield Problem(
            ("data", "test", "predictions"),
            Text("is missing: a model of format predictions is nothing else", "缺失：predictions 形式的模型只有预测"),
            Text("for example `predictions: [score_no, score_yes]`", "例如 `predictions: [score_no, score_yes]`"),
        )


def _data_set(at: FieldPath, data_set: DataSet, model: ModelDeclaration) -> Iterator[Problem]:
    if data_set.format == "npz" and data_set.features is None:
        yield Problem(
            (*at, "features"),
            Text("is missing: an npz file holds several arrays", "缺失：npz 文件含多个数组"),
            Text("name the array of the inputs, for example `features: x`", "填写输入数组的名称，例如 `features: x`"),
        )
    if data_set.format == "image-folder" and model.input.kind != "image":
        yield Problem(
            (*at, "format"),
            Text(
                f"is image-folder, but the model takes {model.input.kind} input",
                f"为 image-folder，但模型输入为 {model.input.kind}",
            ),
        )
    yield from _columns(at, data_set, model)


def _missing(at: FieldPath, data_set: DataSet, model: ModelDeclaration) -> Iterator[Problem]:
    """What is filled in for a missing value must be a value the model may be given in that column."""
    low, high = model.input.low, model.input.high
    for name, value in (data_set.missing or {}).items():
        if name not in (model.input.columns or ()):
            yield Problem(
                (*at, "missing", name),
                Text("is not one of the model's inputs", "不是模型的输入列"),
                Text("name a column of `model.input.columns`", "请填写 `model.input.columns` 中的列"),
            )
        elif (low is not None and value < low) or (high is not None and value > high):
            yield Problem(
                (*at, "missing", name),
                Text("lies outside `model.input.low` and `high`", "超出 `model.input.low` 与 `high`"),
                Text("write what the deployed system fills in", "请填写部署系统实际填补的值"),
            )


def _columns(at: FieldPath, data_set: DataSet, model: ModelDeclaration) -> Iterator[Problem]:
    """One column, one meaning: an answer that is also an input makes every score worthless."""
    inputs = model.input.columns or []
    yield from _missing(at, data_set, model)
    if data_set.target is not None and data_set.target in inputs:
        yield Problem(
            (*at, "target"),
            Text(
                f"{shown(data_set.target)} is also one of the model's inputs",
                f"{shown(data_set.target)} 同时是模型输入",
            ),
            Text("remove it from `model.input.columns`", "请从 `model.input.columns` 中删除"),
        )
    if data_set.target is not None and data_set.target in data_set.predictions:
        yield Problem(
            (*at, "predictions"),
            Text(
                f"{shown(data_set.target)} is the true class, not a prediction",
                f"{shown(data_set.target)} 是真实类别，不是预测",
            ),
            Text("name the columns that the model wrote", "请列出由模型给出的列"),
        )
    if len(data_set.predictions) not in {0, 1, len(model.output.labels)}:
        yield Problem(
            (*at, "predictions"),
            Text(
                f"names {len(data_set.predictions)} columns for {len(model.output.labels)} labels",
                f"列出 {len(data_set.predictions)} 列，而标签有 {len(model.output.labels)} 个",
            ),
            Text(
                "give one label column, or one column per class in the order of the labels",
                "给出一列标签，或按标签顺序每类一列",
            ),
        )
    yield from repeated((*at, "sensitive"), data_set.sensitive)
    yield from repeated((*at, "predictions"), data_set.predictions)
