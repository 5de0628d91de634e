"""The interfaces of a service as they are asked: ordinary questions, greedy ones, and how to make new ones."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from touchstone.checks.declaration import Run
from touchstone.errors import UnavailableError
from touchstone.methods.abuse import protocols, sponge
from touchstone.methods.abuse.protocols import Question
from touchstone.system.models.http import ServiceModel
from touchstone.system.subject import Subject
from touchstone.text import Text

GREEDY_TOKENS = 4096
"""What a client that wants to cause cost asks a chat for; the service is free to give less."""
PROMPTS = ("Name three colours.", "How many days has a week?", "What is the capital of France?", "Say good morning.")
"""Ordinary questions where the system brings no texts of its own."""


@dataclass(frozen=True, slots=True)
class Interface:
    """One way to ask the service. A sample is an array or a text, as the interface takes them."""

    name: str
    question: Question
    ordinary: Callable[[Any], bytes]
    """The body that asks about one sample."""
    greedy: Callable[[Any], bytes]
    """The body that asks about it and for as much as a client may."""
    samples: Sequence[Any]
    starts: Sequence[Any]
    """Where a search for costly samples begins."""
    vary: Callable[[Any, Any], Any]


def interfaces_of(subject: Subject, run: Run) -> list[Interface]:
    """Every interface that the consent names, in its order."""
    tests = subject.description.deployment.endpoint_tests
    assert tests is not None  # noqa: S101 - the plan gives this check systems with consent only
    made = {"open-inference-v2": _inference, "openai-chat": _chat, "openai-embeddings": _embeddings}
    return [made[name](subject, run.generator(f"sponge/{name}")) for name in dict.fromkeys(tests.interfaces)]


def _inference(subject: Subject, generator: np.random.Generator) -> Interface:
    model = subject.model()
    assert isinstance(model, ServiceModel)  # noqa: S101 - the plan gives this check services only
    inputs = subject.data("test").inputs
    if not len(inputs):
        raise UnavailableError(Text("there is no sample to ask about", "没有可用于询问的样本"), "data.test")
    samples = inputs[:64]
    path, legal = model.question(samples[:1])

    def body(sample: Any) -> bytes:
        one = np.empty(1, dtype=object) if isinstance(sample, str) else np.asarray(sample)[None]
        if isinstance(sample, str):
            one[0] = sample
        return model.question(one)[1]

    question = protocols.inference_question(path, json.loads(legal))
    if subject.description.model.input.kind == "text":
        texts = [str(text) for text in samples]
        return Interface(
            "open-inference-v2",
            question,
            body,
            body,
            texts,
            sponge.text_starts(texts),
            sponge.text_variation(generator),
        )
    declared = subject.description.model.input
    low = float(samples.min()) if declared.low is None else declared.low
    high = float(samples.max()) if declared.high is None else declared.high
    starts = sponge.number_starts(samples, low, high, generator)
    return Interface(
        "open-inference-v2", question, body, body, list(samples), starts, sponge.number_variation(low, high, generator)
    )


def _chat(subject: Subject, generator: np.random.Generator) -> Interface:
    model, texts = str(subject.description.model.endpoint_model), _texts(subject)
    return Interface(
        "openai-chat",
        protocols.chat_question("/v1/chat/completions", protocols.chat_document(model, texts[0])),
        lambda text: json.dumps(protocols.chat_document(model, text)).encode(),
        lambda text: json.dumps(protocols.chat_document(model, text, GREEDY_TOKENS)).encode(),
        texts,
        sponge.text_starts(texts),
        sponge.text_variation(generator),
    )


def _embeddings(subject: Subject, generator: np.random.Generator) -> Interface:
    model, texts = str(subject.description.model.endpoint_model), _texts(subject)

    def body(text: Any) -> bytes:
        return json.dumps(protocols.embeddings_document(model, text)).encode()

    return Interface(
        "openai-embeddings",
        protocols.embeddings_question("/v1/embeddings", protocols.embeddings_document(model, texts[0])),
        body,
        body,
        texts,
        sponge.text_starts(texts),
        sponge.text_variation(generator),
    )


def _texts(subject: Subject) -> list[str]:
    if subject.description.model.input.kind != "text" or subject.description.data.test is None:
        return list(PROMPTS)
    return [str(text) for text in subject.data("test").inputs[:64]] or list(PROMPTS)
