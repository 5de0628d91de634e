"""Rules that hold between fields of a description: each field is right by itself, but do they fit together?"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlsplit

from touchstone.documents import FieldPath
from touchstone.records import Access
from touchstone.system.constraint_problems import constraint_problems
from touchstone.system.deployed import deployed_model
from touchstone.system.description import (
    DataSet,
    InputSpecification,
    ModelDeclaration,
    Normalisation,
    OutputSpecification,
    SystemDescription,
)
from touchstone.system.generation_problems import generation_problems
from touchstone.system.problem import Problem, shown
from touchstone.system.registers.problems import register_problems
from touchstone.system.shown_facts import denied_facts
from touchstone.system.text_problems import text_problems
from touchstone.text import Text

MOST_ELEMENTS = 2**28
"""Numbers in one sample: a gigabyte of float32."""

_FACT_NAME = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*")
_WORDS_FOR_TRUTH = frozenset({"yes", "no", "on", "off", "true", "false", "是", "否"})
_PARAMETRIC_LAYERS = frozenset({"linear", "conv2d", "batchnorm2d"})
_POOLING_LAYERS = frozenset({"maxpool2d", "avgpool2d"})


def consistency_problems(description: SystemDescription) -> Iterator[Problem]:
    """Every way in which the fields of `description` contradict each other, in the order of the schema."""
    yield from _facts(description)
    yield from denied_facts(description)
    model = description.model
    yield from _handed_in(model)
    yield from _signed(model)
    yield from _access(model)
    yield from _input(model.input)
    yield from text_problems(description)
    yield from constraint_problems(model.input)
    if model.normalisation is not None:
        yield from _normalisation(model.normalisation, model.input)
    yield from _output(model.output)
    yield from generation_problems(description)
    yield from _layers(model)
    yield from _smoothing(model)
    yield from _deployed(model)
    yield from _data(description)
    yield from register_problems(description)
    yield from _collaboration(description)
    if description.deployment.endpoint is not None:
        yield from _url(("deployment", "endpoint"), description.deployment.endpoint)
    if description.deployment.endpoint_tests is not None and model.format != "http":
        yield _foreign(("deployment", "endpoint_tests"), model)


def _collaboration(description: SystemDescription) -> Iterator[Problem]:
    declared = description.training.collaboration if description.training else None
    if declared is None or declared.clipping_norm is not None:
        return
    for field, given in {
        "noise_multiplier": declared.noise_multiplier > 0,
        "clipping_enforced": declared.clipping_enforced,
    }.items():
        if given:
            yield Problem(
                ("training", "collaboration", field),
                Text("needs a clipping norm, which is not declared", "需要裁剪范数，但未声明"),
                Text("declare clipping_norm beside it", "请同时声明 clipping_norm"),
            )


def _facts(description: SystemDescription) -> Iterator[Problem]:
    for name, value in description.facts.items():
        at = ("facts", name)
        if not _FACT_NAME.fullmatch(name):
            yield Problem(
                at,
                Text("is not a fact name: expected group.name", "不是事实名称：应为 组.名称"),
                Text("for example `data.personal: true`", "例如 `data.personal: true`"),
            )
        if isinstance(value, str) and value.lower() in _WORDS_FOR_TRUTH:
            yield Problem(
                at,
                Text(f"is the text {shown(value)}", f"是文本 {shown(value)}"),
                Text("write true or false, without quotes", "请写 true 或 false，不加引号"),
            )


def _handed_in(model: ModelDeclaration) -> Iterator[Problem]:
    """Each way of handing a model in has fields it needs and fields that would contradict it."""
    by_file = model.format not in {"http", "predictions"}
    by_service = model.format == "http"
    for name, value, wanted, example in (
        ("file", model.file, by_file, "model.onnx"),
        ("endpoint", model.endpoint, by_service, "http://127.0.0.1:8080"),
        ("endpoint_model", model.endpoint_model, by_service, "classifier"),
    ):
        at = ("model", name)
        if wanted and value is None:
            yield Problem(
                at,
                Text(
                    f"is missing: a model of format {model.format} needs it", f"缺失：{model.format} 形式的模型必须填写"
                ),
                Text(f"for example `{name}: {example}`", f"例如 `{name}: {example}`"),
            )
        if not wanted and value is not None:
            yield _foreign(at, model)
    if not by_service and model.endpoint_queries is not None:
        yield _foreign(("model", "endpoint_queries"), model)
    if by_service and model.endpoint is not None:
        yield from _url(("model", "endpoint"), model.endpoint)


def _foreign(at: tuple[str, ...], model: ModelDeclaration) -> Problem:
    return Problem(
        at,
        Text(f"does not belong to a model of format {model.format}", f"不属于 {model.format} 形式的模型"),
        Text("remove it, or correct `model.format`", "请删除，或更正 `model.format`"),
    )


def _signed(model: ModelDeclaration) -> Iterator[Problem]:
    """A signature is checked with a key, and a key checks a signature."""
    for given, missing, name in (
        (model.signature, model.signer, "signer"),
        (model.signer, model.signature, "signature"),
    ):
        if given is not None and missing is None:
            yield Problem(
                ("model", name),
                Text("is missing: a signature and the signer's key go together", "缺失：签名与签名者公钥须一并提交"),
                Text(f"add `{name}:` under `model:`", f"请在 `model:` 下添加 `{name}:`"),
            )


def _url(at: FieldPath, url: str) -> Iterator[Problem]:
    """A service is reached by plain http or https; a password in its address would end up in the evidence."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or any(character.isspace() for character in url):
        yield Problem(
            at,
            Text("is not an http or https URL", "不是 http 或 https URL"),
            Text("for example `https://models.example.org:8443`", "例如 `https://models.example.org:8443`"),
        )
    elif parts.username is not None or parts.password is not None:
        yield Problem(
            at,
            Text("holds a user name or password", "含用户名或口令"),
            Text("remove it: the description is published with the evidence", "请删除：描述会随证据一起公开"),
        )
    elif parts.query or parts.fragment:
        yield Problem(
            at,
            Text("holds a query or fragment", "含查询串或片段"),
            Text("give the base URL only", "只填写基础 URL"),
        )


def _access(model: ModelDeclaration) -> Iterator[Problem]:
    """Nobody can be given more than the form of the model allows."""
    most = {"predictions": Access.PREDICTIONS, "http": Access.PROBABILITIES}.get(model.format, Access.ARTEFACT)
    if model.format == "http" and model.output.kind in {"labels", "text"}:
        most = Access.LABELS
    if not most.allows(model.access):
        yield Problem(
            ("model", "access"),
            Text(
                f"is {model.access}, but this model gives at most {most}",
                f"为 {model.access}，但该模型至多提供 {most}",
            ),
            Text(f"write `access: {most}`", f"请写 `access: {most}`"),
        )


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
        yield from _unique(("model", "input", "columns"), columns or [])
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


def _output(specification: OutputSpecification) -> Iterator[Problem]:
    yield from _unique(("model", "output", "labels"), specification.labels)
    if specification.positive is not None and specification.positive not in specification.labels:
        listed = ", ".join(specification.labels[:8])
        yield Problem(
            ("model", "output", "positive"),
            Text(
                f"{shown(specification.positive)} is not one of the labels",
                f"{shown(specification.positive)} 不在标签之中",
            ),
            Text(f"write one of: {listed}", f"请写以下之一：{listed}"),
        )


def _layers(model: ModelDeclaration) -> Iterator[Problem]:
    at: FieldPath = ("model", "architecture")
    if model.format == "safetensors" and not model.architecture:
        yield Problem(
            at,
            Text(
                "is missing: a safetensors file holds weights, not layers",
                "缺失：safetensors 文件只含权重，不含层结构",
            ),
            Text(
                "list the layers in order, for example `- {kind: linear, name: fc1, inputs: 30, outputs: 16}`",
                "按顺序列出各层，例如 `- {kind: linear, name: fc1, inputs: 30, outputs: 16}`",
            ),
        )
    if model.format != "safetensors" and model.architecture is not None:
        yield Problem(
            at,
            Text(f"does not belong to a model of format {model.format}", f"不属于 {model.format} 形式的模型"),
            Text("remove it: the file itself holds the layers", "请删除：模型文件本身包含层结构"),
        )
    for position, layer in enumerate(model.architecture or []):
        if layer.kind in _PARAMETRIC_LAYERS and layer.name is None:
            yield Problem(
                (*at, position, "name"),
                Text(f"is missing: {layer.kind} has weights", f"缺失：{layer.kind} 层含权重"),
                Text("give the prefix of its tensors, for example `name: fc1`", "填写其张量的前缀，例如 `name: fc1`"),
            )
        if layer.kind in _POOLING_LAYERS and layer.kernel is None:
            yield Problem(
                (*at, position, "kernel"),
                Text(f"is missing: {layer.kind} needs it", f"缺失：{layer.kind} 层必须填写"),
                Text("for example `kernel: 2`", "例如 `kernel: 2`"),
            )


def _smoothing(model: ModelDeclaration) -> Iterator[Problem]:
    """Noise goes into a model that answers; recorded predictions answer nothing."""
    if model.smoothing is not None and (model.format == "predictions" or model.access is Access.PREDICTIONS):
        yield Problem(
            ("model", "smoothing"),
            Text("needs a model that can be asked, not predictions", "需要可查询的模型，而非预测结果"),
            Text("remove it, or hand in the model", "请删除，或提交模型"),
        )


def _deployed(model: ModelDeclaration) -> Iterator[Problem]:
    """A form has to be handed in like a model, and cannot be compared with recorded predictions."""
    at: FieldPath = ("model", "deployed")
    if model.deployed is not None and model.format == "predictions":
        yield Problem(
            at,
            Text("needs an evaluated model that can be asked, not predictions", "需要可查询的被测模型，而非预测结果"),
            Text("remove it, or hand in the model", "请删除，或提交模型"),
        )
        return
    names = Counter(form.name for form in model.deployed or ())
    for position, form in enumerate(model.deployed or ()):
        if names[form.name] > 1:
            yield Problem(
                (*at, position, "name"),
                Text(f"is used more than once: {shown(form.name)}", f"重复使用：{shown(form.name)}"),
                Text("give each form a name of its own", "请为每个形态各取一个名称"),
            )
        if form.runtime is not None and form.format != "onnx":
            yield Problem(
                (*at, position, "runtime"),
                Text(f"does not belong to a form of format {form.format}", f"不属于 {form.format} 形式的部署形态"),
                Text("remove it: only an ONNX file runs on either runtime", "请删除：仅 ONNX 文件可选择运行时"),
            )
        declared = deployed_model(model, form)
        for problem in (*_handed_in(declared), *_layers(declared)):
            yield replace(problem, at=(*at, position, *problem.at[1:]))


def _data(description: SystemDescription) -> Iterator[Problem]:
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
    yield from _unique((*at, "sensitive"), data_set.sensitive)
    yield from _unique((*at, "predictions"), data_set.predictions)


def _unique(at: FieldPath, names: list[str]) -> Iterator[Problem]:
    last = {name: position for position, name in enumerate(names)}
    for name, count in Counter(names).items():
        if count > 1:
            yield Problem(
                (*at, last[name]),
                Text(f"{shown(name)} is listed {count} times", f"{shown(name)} 出现 {count} 次"),
                Text("list it once", "只保留一次"),
            )
