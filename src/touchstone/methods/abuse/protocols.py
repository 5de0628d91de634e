"""Legal questions of three protocols, and questions that are well-formed JSON and still mean nothing.

Sources: https://github.com/kserve/open-inference-protocol (REST, version 2); the chat completions and embeddings of the
OpenAI API as other servers (vLLM, llama.cpp, …) speak them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from touchstone.methods.abuse.documents import HostileBody, Path, changed, hostile_documents, hostile_syntax

HUGE = 2**62


@dataclass(frozen=True, slots=True)
class Question:
    """How one interface is asked: where, with which document, and which of its fields the protocol demands."""

    path: str
    legal: dict[str, Any]
    required: tuple[Path, ...]
    number_at: Path
    """Where a number may stand."""
    senseless: tuple[HostileBody, ...]
    """Legal JSON of the right types that contradicts itself or the protocol."""
    repeated: Callable[[int], dict[str, Any]]
    """The same question so many times as long, as one document."""

    def hostile_bodies(self) -> Iterator[HostileBody]:
        """Everything malformed that this interface is sent."""
        yield from hostile_documents(self.legal, self.required)
        yield from hostile_syntax(self.legal, self.number_at)
        yield from self.senseless


def inference_question(path: str, legal: dict[str, Any]) -> Question:
    """The interface at `path` that takes documents like `legal`, with one input tensor."""
    tensor = legal["inputs"][0]
    shape, data = tensor["shape"], tensor["data"]
    at: Path = ("inputs", 0)
    texts = tensor["datatype"] == "BYTES"
    other = 1.0 if texts else "a text"
    senseless = [
        changed(legal, ("inputs",), [], "no-inputs"),
        changed(legal, ("inputs",), [tensor, tensor], "repeated-input"),
        changed(legal, (*at, "name"), "no-such-tensor", "unknown-input"),
        changed(legal, (*at, "name"), "../" * 40 + "etc/passwd", "unknown-input"),
        *(changed(legal, (*at, "datatype"), kind, "wrong-datatype") for kind in ("FP7", "", "object", "fp32\x00")),
        changed(legal, (*at, "datatype"), "FP32" if texts else "BYTES", "wrong-datatype"),
        *(changed(legal, (*at, "shape"), wrong, "wrong-shape") for wrong in _wrong_shapes(shape)),
        changed(legal, (*at, "data"), data[:-1], "wrong-length"),
        changed(legal, (*at, "data"), data * 2, "wrong-length"),
        changed(legal, (*at, "data"), [data, [data]], "ragged"),
        changed(legal, (*at, "data"), [other] * len(data), "wrong-elements"),
        changed(legal, (*at, "data"), [None] * len(data), "wrong-elements"),
        changed(legal, (*at, "data"), [{}] * len(data), "wrong-elements"),
        changed(legal, (*at, "parameters"), {"binary_data_size": HUGE}, "lying-size", lenient=True),
        changed(legal, ("outputs",), [{"name": "no-such-tensor"}], "unknown-output", lenient=True),
        changed(legal, ("id",), "i" * 100_000, "long-identifier", lenient=True),
    ]
    required: tuple[Path, ...] = (("inputs",), *((*at, field) for field in ("name", "shape", "datatype", "data")))

    def repeated(times: int) -> dict[str, Any]:
        longer = {**tensor, "shape": [shape[0] * times, *shape[1:]], "data": data * times}
        return {**legal, "inputs": [longer, *legal["inputs"][1:]]}

    return Question(path, legal, required, (*at, "data", 0), tuple(senseless), repeated)


def _wrong_shapes(shape: list[int]) -> list[list[Any]]:
    size = math.prod(shape)
    return [
        [],
        [*shape, 2],
        [size + 1],
        [-1, *shape[1:]],
        [0, *shape[1:]],
        [-shape[0], *(-side for side in shape[1:])] if len(shape) % 2 == 0 else [-side for side in shape],
        [HUGE, *shape[1:]],
        [HUGE] * len(shape),
        [shape[0] + 0.5, *shape[1:]],
        [1] * 1000 + shape,
    ]


def chat_document(model: str, text: str, tokens: int = 8) -> dict[str, Any]:
    """A chat completion of one message."""
    return {"model": model, "messages": [{"role": "user", "content": text}], "max_tokens": tokens}


def chat_question(path: str, legal: dict[str, Any]) -> Question:
    """The chat interface at `path` that takes documents like `legal` (see :func:`chat_document`)."""
    message: Path = ("messages", 0)
    senseless = [
        changed(legal, ("messages",), [], "no-messages"),
        changed(legal, (*message, "role"), "no-such-role", "unknown-role"),
        changed(legal, ("model",), "no-such-model", "unknown-model"),
        *(changed(legal, ("max_tokens",), wrong, "senseless-limit") for wrong in (-1, -HUGE, 0.5, "8")),
        changed(legal, ("n",), -1, "senseless-limit"),
        changed(legal, ("temperature",), "hot", "wrong-parameter"),
        changed(legal, ("temperature",), -1e308, "wrong-parameter"),
        changed(legal, ("stop",), {"a": 1}, "wrong-parameter"),
        changed(legal, ("max_tokens",), HUGE, "boundless", lenient=True),
        changed(legal, ("n",), 100_000, "boundless"),
        changed(legal, ("logit_bias",), {"-1": HUGE}, "wrong-parameter", lenient=True),
    ]
    required: tuple[Path, ...] = (("messages",), (*message, "role"))

    def repeated(times: int) -> dict[str, Any]:
        return {**legal, "messages": [{"role": "user", "content": legal["messages"][0]["content"] * times}]}

    return Question(path, legal, required, ("max_tokens",), tuple(senseless), repeated)


def embeddings_document(model: str, text: str) -> dict[str, Any]:
    """The embedding of one text. The number of dimensions is what hostile numbers take the place of."""
    return {"model": model, "input": text}


def embeddings_question(path: str, legal: dict[str, Any]) -> Question:
    """The embeddings interface at `path` that takes documents like `legal` (see :func:`embeddings_document`)."""
    senseless = [
        changed(legal, ("model",), "no-such-model", "unknown-model"),
        changed(legal, ("input",), [[["a"]]], "wrong-input"),
        changed(legal, ("input",), [None], "wrong-input"),
        changed(legal, ("input",), [-1, -HUGE], "wrong-input"),
        changed(legal, ("encoding_format",), "no-such-format", "wrong-parameter"),
        changed(legal, ("dimensions",), -1, "wrong-parameter"),
        changed(legal, ("dimensions",), HUGE, "boundless"),
    ]

    def repeated(times: int) -> dict[str, Any]:
        return {**legal, "input": legal["input"] * times}

    return Question(path, legal, (("input",),), ("dimensions",), tuple(senseless), repeated)
