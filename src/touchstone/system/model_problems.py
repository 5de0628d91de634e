"""Rules for the model itself: how it is handed in, who signed it, its layers, its answers and its deployed forms."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from touchstone.documents import FieldPath
from touchstone.records import Access
from touchstone.system.address_problems import address_problems
from touchstone.system.deployed import deployed_model
from touchstone.system.description import ModelDeclaration, OutputSpecification
from touchstone.system.problem import Problem, repeated, shown
from touchstone.text import Text

_PARAMETRIC_LAYERS = frozenset({"linear", "conv2d", "batchnorm2d"})
_POOLING_LAYERS = frozenset({"maxpool2d", "avgpool2d"})


def model_problems(model: ModelDeclaration) -> Iterator[Problem]:
    """Every way in which the model's own fields contradict each other, but those on what it is given."""
    yield from _handed_in(model)
    yield from _signed(model)
    yield from _access(model)
    yield from _output(model.output)
    yield from _layers(model)
    yield from _smoothing(model)
    yield from _deployed(model)


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
            yield foreign(at, model)
    if not by_service and model.endpoint_queries is not None:
        yield foreign(("model", "endpoint_queries"), model)
    if by_service and model.endpoint is not None:
        yield from address_problems(("model", "endpoint"), model.endpoint)


def foreign(at: FieldPath, model: ModelDeclaration) -> Problem:
    """A field that belongs to a model handed in another way."""
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


def _output(specification: OutputSpecification) -> Iterator[Problem]:
    yield from repeated(("model", "output", "labels"), specification.labels)
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
