"""Rules for what a model is given: a shape that fits its kind, and a normalisation that fits the shape."""

from __future__ import annotations

import math
from collections.abc import Iterator

from touchstone.system.description import InputSpecification, ModelDeclaration, Normalisation
from touchstone.system.problem import Problem, repeated
from touchstone.text import Text

MOST_ELEMENTS = 2**28
"""Numbers in one sample: a gigabyte of float32."""


def input_problems(model: ModelDeclaration) -> Iterator[Problem]:
    """Every way in which input and normalisation contradict each other."""
    yield from _input(model.input)
    if model.normalisation is not None:
        yield from _normalisation(model.normalisation, model.input)


def _input(specification: InputSpecification) -> Iterator[Problem]:
    columns, shape = specification.columns, specification.shape
    if specification.kind == "text":
        return
    if specification.kind == "tabular":
        if not columns:
            yield Problem(
                ("model", "input", "columns"),
                Text("is missing: tabular input needs its feature columns", "缺失：表格输入须列出特征列"),
                Text("for example `columns: [age, income]`", "例如 `columns: [age, income]`"),
            )
        yield from repeated(("model", "input", "columns"), columns or [])
    elif not shape:
        yield Problem(
            ("model", "input", "shape"),
            Text(
                f"is missing: {specification.kind} input needs its shape", f"缺失：{specification.kind} 输入须给出形状"
            ),
            Text(
                "the shape of one sample without the batch axis, for example `shape: [3, 32, 32]`",
                "单个样本的形状，不含批次维，例如 `shape: [3, 32, 32]`",
            ),
        )
    elif specification.kind == "timeseries" and columns and len(columns) != math.prod(shape):
        yield Problem(
            ("model", "input", "columns"),
            Text(
                f"lists {len(columns)} columns, but a series of shape {shape} has {math.prod(shape)} readings",
                f"列出 {len(columns)} 列，而形状为 {shape} 的序列有 {math.prod(shape)} 个读数",
            ),
            Text("list one column per reading, channel after channel", "每个读数一列，逐通道排列"),
        )
    elif specification.kind == "image" and len(shape) != 3:
        yield Problem(
            ("model", "input", "shape"),
            Text(f"has {len(shape)} axes; an image has three", f"有 {len(shape)} 维；图像应为三维"),
            Text("for a grey image write for example `shape: [1, 28, 28]`", "灰度图像可写 `shape: [1, 28, 28]`"),
        )
    if shape and math.prod(shape) > MOST_ELEMENTS:
        yield Problem(
            ("model", "input", "shape"),
            Text(f"has more than {MOST_ELEMENTS} elements per sample", f"单个样本超过 {MOST_ELEMENTS} 个元素"),
        )
    if specification.low is not None and specification.high is not None and specification.low >= specification.high:
        yield Problem(
            ("model", "input", "low"),
            Text(
                f"is {specification.low:g}, not below high ({specification.high:g})",
                f"为 {specification.low:g}，未小于 high（{specification.high:g}）",
            ),
            Text("correct one of the two", "请更正其中之一"),
        )


def _normalisation(normalisation: Normalisation, specification: InputSpecification) -> Iterator[Problem]:
    means, scales = len(normalisation.mean), len(normalisation.scale)
    if means != scales or means == 0:
        yield Problem(
            ("model", "normalisation"),
            Text(f"has {means} values of mean and {scales} of scale", f"mean 有 {means} 个值，scale 有 {scales} 个值"),
            Text("give one of each per channel or column", "每通道或每列各给一个"),
        )
        return
    wanted = _channels(specification)
    if wanted is not None and means not in {1, wanted}:
        yield Problem(
            ("model", "normalisation"),
            Text(f"has {means} values for {wanted} channels or columns", f"有 {means} 个值，而通道或列数为 {wanted}"),
            Text("give one value per channel or column, or a single one for all", "每通道或每列一个，或统一给一个"),
        )


def _channels(specification: InputSpecification) -> int | None:
    """How many normalisation values an input takes; `None` where the description does not say."""
    if specification.kind == "tabular" and specification.columns:
        return len(specification.columns)
    if specification.kind == "image" and specification.shape and len(specification.shape) == 3:
        return specification.shape[0 if specification.layout == "CHW" else 2]
    return None
