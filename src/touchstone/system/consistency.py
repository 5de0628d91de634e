"""Rules that hold between fields of a description: each field is right by itself, but do they fit together?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from touchstone.system.address_problems import address_problems
from touchstone.system.constraint_problems import constraint_problems
from touchstone.system.data_problems import data_problems
from touchstone.system.description import SystemDescription
from touchstone.system.generation_problems import generation_problems
from touchstone.system.input_problems import input_problems
from touchstone.system.model_problems import foreign, model_problems
from touchstone.system.problem import Problem, shown
from touchstone.system.registers.problems import register_problems
from touchstone.system.shown_facts import denied_facts
from touchstone.system.text_problems import text_problems
from touchstone.system.tool_gateway import gateway_problems
from touchstone.text import Text

_FACT_NAME = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*")
_WORDS_FOR_TRUTH = frozenset({"yes", "no", "on", "off", "true", "false", "是", "否"})


def consistency_problems(description: SystemDescription) -> Iterator[Problem]:
    """Every way in which the fields of `description` contradict each other, in the order of the schema."""
    yield from _facts(description)
    yield from denied_facts(description)
    model = description.model
    yield from model_problems(model)
    yield from input_problems(model)
    yield from text_problems(description)
    yield from generation_problems(description)
    yield from constraint_problems(model.input)
    yield from data_problems(description)
    yield from register_problems(description)
    yield from _collaboration(description)
    if description.deployment.endpoint is not None:
        yield from address_problems(("deployment", "endpoint"), description.deployment.endpoint)
    if description.deployment.endpoint_tests is not None and model.format != "http":
        yield foreign(("deployment", "endpoint_tests"), model)
    yield from gateway_problems(description)


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
