"""Rules for systems that generate texts: what such a description needs, and what in it has no meaning."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from touchstone.documents import FieldPath
from touchstone.system.description import ModelDeclaration, SystemDescription
from touchstone.system.problem import Problem
from touchstone.text import Text


def generation_problems(description: SystemDescription) -> Iterator[Problem]:
    """Every way in which a system generates by one field of its description, and by another does not."""
    model = description.model
    if model.task != "generation":
        yield from _does_not_generate(model)
        return
    yield from _needed(model)
    yield from _foreign(model)
    if model.generation is not None and model.generation.unguarded_model == model.endpoint_model is not None:
        yield Problem(
            ("model", "generation", "unguarded_model"),
            Text("is the guarded model itself", "与带防护的模型相同"),
            Text("name the one without guards, or remove it", "请填写不带防护的模型名称，或删除"),
        )
    if model.endpoint is not None and _path_of(model.endpoint).endswith("/v1"):
        yield Problem(
            ("model", "endpoint"),
            Text("ends in /v1, which is added when the service is asked", "以 /v1 结尾，而询问时会自动加上"),
            Text("leave /v1 out", "请去掉 /v1"),
        )
    tests = description.deployment.endpoint_tests
    if tests is not None and "open-inference-v2" in tests.interfaces:
        yield Problem(
            ("deployment", "endpoint_tests", "interfaces"),
            Text("names open-inference-v2, which generates no texts", "含 open-inference-v2，该接口不生成文本"),
            Text("write `interfaces: [openai-chat]`", "请写 `interfaces: [openai-chat]`"),
        )


def _does_not_generate(model: ModelDeclaration) -> Iterator[Problem]:
    at: FieldPath = ("model", "generation")
    if model.generation is not None:
        yield Problem(
            at,
            Text(f"does not belong to a model of task {model.task}", f"不属于任务为 {model.task} 的模型"),
            Text("write `task: generation`, or remove it", "请写 `task: generation`，或删除"),
        )
    if model.output.kind == "text":
        yield Problem(
            ("model", "output", "kind"),
            Text(f"is text, but the model's task is {model.task}", f"为 text，而模型任务为 {model.task}"),
            Text("write `task: generation`, or correct it", "请写 `task: generation`，或更正"),
        )
    elif len(model.output.labels) < 2:
        yield Problem(
            ("model", "output", "labels"),
            Text("names fewer than two classes", "少于两个类别"),
            Text("list the class names in the order of the output", "请按输出顺序列出类别名称"),
        )


def _needed(model: ModelDeclaration) -> Iterator[Problem]:
    for at, value, wanted in (
        (("model", "format"), model.format, "http"),
        (("model", "input", "kind"), model.input.kind, "text"),
        (("model", "output", "kind"), model.output.kind, "text"),
    ):
        if value != wanted:
            yield Problem(
                at,
                Text(f"is {value}; a model that generates has {wanted}", f"为 {value}；生成类模型应为 {wanted}"),
                Text(f"write `{at[-1]}: {wanted}`", f"请写 `{at[-1]}: {wanted}`"),
            )


def _foreign(model: ModelDeclaration) -> Iterator[Problem]:
    foreign: dict[FieldPath, object] = {
        ("model", "output", "labels"): model.output.labels,
        ("model", "output", "positive"): model.output.positive,
        ("model", "smoothing"): model.smoothing,
        ("model", "deployed"): model.deployed,
    }
    for at, value in foreign.items():
        if value:
            yield Problem(
                at,
                Text("has no meaning for a model that generates texts", "对生成文本的模型没有意义"),
                Text("remove it", "请删除"),
            )


def _path_of(url: str) -> str:
    try:
        return urlsplit(url).path.rstrip("/")
    except ValueError:
        return ""
