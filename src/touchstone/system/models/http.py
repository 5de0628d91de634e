"""Models behind a service that speaks the Open Inference Protocol v2 (KServe, Triton, MLServer, …) over JSON.

Only the host the description names is contacted: no redirects, no proxies. Every exchange is kept
as a pair of digests in :attr:`ServiceModel.requests`, and counted in :attr:`ServiceModel.ledger`, so that evidence can
show what was asked and what came back. However many questions are asked at once, they are sent in batches of the size
the service takes, a few at a time, and answered in order.

Source: https://github.com/kserve/open-inference-protocol, "HTTP/REST", version 2.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from math import prod
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import numpy as np

from touchstone.errors import ArtifactError
from touchstone.system.models.answers import AnsweringModel
from touchstone.system.models.http_connection import Exchange, Limits, Line, Request, endpoint_problem
from touchstone.system.samples import sample_shape
from touchstone.text import Text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from touchstone.system.description import ModelDeclaration
    from touchstone.system.models.handle import ModelHandle
    from touchstone.system.models.http_ledger import RequestLedger

OPEN_BATCH = 64
"""Samples per request to a service whose metadata leave the batch size open."""

FLOAT_TYPES = frozenset({"FP16", "FP32", "FP64"})
TEXT_TYPE = "BYTES"
NUMBER_TYPES = FLOAT_TYPES | {"BF16", "BOOL"} | {f"{sign}INT{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64)}


@dataclass(frozen=True, slots=True)
class Metadata:
    """What the service says about the model; guesses where it says nothing."""

    input_name: str = "input"
    input_type: str = "FP32"
    output_name: str | None = None
    batch: int = 1
    fixed: bool = False
    column: bool = False
    """Whether texts are sent as a column `(n, 1)`, not as `(n,)`."""


def open_service(declaration: ModelDeclaration, limits: Limits | None = None) -> ServiceModel:
    """A handle for the service at `model.endpoint`.

    Asks for the model's metadata once. Raises `DescriptionError` for an unusable endpoint and `ArtifactError` when
    the service cannot be reached or describes another model.
    """
    if declaration.endpoint is None or declaration.endpoint_model is None:
        raise endpoint_problem(Text("endpoint or endpoint_model is missing", "缺少 endpoint 或 endpoint_model"))
    limits = limits or Limits()
    if limits.queries is None:
        limits = replace(limits, queries=declaration.endpoint_queries)
    line = Line(declaration.endpoint, limits)
    path = f"/v2/models/{quote(declaration.endpoint_model, safe='')}"
    return ServiceModel(declaration, line, path, _metadata(line, path, declaration), remembered=limits.remembered)


class ServiceModel(AnsweringModel):
    """A model that answers over the network."""

    def __init__(
        self, declaration: ModelDeclaration, line: Line, path: str, metadata: Metadata, *, remembered: int
    ) -> None:
        super().__init__(declaration, line.where, batch=sys.maxsize)  # batches are made here, of what has to be sent
        self._line = line
        self._path = f"{path}/infer"
        self._metadata = metadata
        self._memory: dict[bytes, NDArray[Any]] = {}
        self._remembered = remembered
        self._remembering = False

    @property
    def requests(self) -> tuple[Exchange, ...]:
        """Every exchange so far, in order, repeated attempts included."""
        return tuple(self._line.exchanges)

    @property
    def ledger(self) -> RequestLedger:
        """Counts of all requests, and what is left of the query budget."""
        return self._line.ledger

    def question(self, samples: NDArray[Any]) -> tuple[str, bytes]:
        """Path and body of the request that asks about so many samples, for tests of the service itself."""
        return self._path, self._question(samples)

    @contextmanager
    def remembering(self) -> Iterator[None]:
        """Within, a sample that was answered within before is not sent again.

        Not the rule, because whoever asks the same question twice may want to know whether the answer is the same.
        """
        before, self._remembering = self._remembering, True
        try:
            yield
        finally:
            self._remembering = before

    def forward(self, batch: NDArray[np.float32]) -> NDArray[Any]:
        """The answers to any number of samples: from memory where allowed, all others from the service."""
        if not self._remembering:
            return self._sent(batch)
        keys = [hashlib.sha256(_bytes_of(sample)).digest() for sample in batch]
        new = {key: place for place, key in reversed([*enumerate(keys)]) if key not in self._memory}
        places = sorted(new.values())
        self.ledger.recalled(len(batch) - len(places))
        fresh = dict(zip((keys[place] for place in places), self._sent(batch[places]), strict=True)) if places else {}
        answers = np.stack([fresh[key] if key in fresh else self._memory[key] for key in keys])
        self._memory |= fresh
        for key in list(self._memory)[: max(len(self._memory) - self._remembered, 0)]:
            del self._memory[key]
        return answers

    def _sent(self, batch: NDArray[np.float32]) -> NDArray[Any]:
        size = self._metadata.batch
        parts = [batch[first : first + size] for first in range(0, len(batch), size)]
        requests = [Request("POST", self._path, len(part), partial(self._question, part)) for part in parts]
        answers = [self._answer(part, *said) for part, said in zip(parts, self._line.ask(requests), strict=True)]
        if len({answer.shape[1:] for answer in answers}) > 1:
            raise self.fault(
                Text(
                    "answers batches of one question in different shapes", "对同一次询问的各批样本给出了不同形状的输出"
                )
            )
        return answers[0] if len(answers) == 1 else np.concatenate(answers)

    def _question(self, part: NDArray[np.float32]) -> bytes:
        """The body of one `infer` request. A batch of fixed size is filled up with copies of its last sample."""
        missing = self._metadata.batch - len(part) if self._metadata.fixed else 0
        values = self.normalised(np.concatenate([part, np.repeat(part[-1:], missing, axis=0)]) if missing else part)
        question: dict[str, Any] = {
            "inputs": [
                {
                    "name": self._metadata.input_name,
                    "shape": [*values.shape, 1] if self._metadata.column else list(values.shape),
                    "datatype": self._metadata.input_type,
                    "data": values.ravel().tolist(),
                }
            ]
        }
        if self._metadata.output_name is not None:
            question["outputs"] = [{"name": self._metadata.output_name}]
        return json.dumps(question).encode()

    def _answer(self, part: NDArray[np.float32], status: int, body: bytes) -> NDArray[Any]:
        if status != 200:
            raise _refused(status, body, self.where)
        answer = _tensor(_parsed(body, self.where), self._metadata.output_name, self.where)
        expected = self._metadata.batch if self._metadata.fixed else len(part)
        if answer.shape[:1] != (expected,):
            raise self.fault(
                Text(
                    f"answered shape {answer.shape} to {expected} samples",
                    f"对 {expected} 个样本给出了形状 {answer.shape} 的输出",
                )
            )
        return answer[: len(part)]


def _bytes_of(sample: NDArray[np.float32] | str) -> bytes:
    return sample.encode() if isinstance(sample, str) else sample.tobytes()


def answers_remembered(model: ModelHandle) -> AbstractContextManager[None]:
    """For searches that come back to points they know: a remote model is not asked about them again within."""
    return model.remembering() if isinstance(model, ServiceModel) else nullcontext()


def _metadata(line: Line, path: str, declaration: ModelDeclaration) -> Metadata:
    """Tensor names, type and batch size: from the service where it tells, as declared, or guessed."""
    wanted_input, wanted_output = declaration.input.tensor, declaration.output.tensor
    status, body = line.ask([Request("GET", path)])[0]
    if status != 200:  # metadata are optional in practice: without them one sample is sent at a time
        kind = TEXT_TYPE if declaration.input.kind == "text" else "FP32"
        return Metadata(input_name=wanted_input or "input", input_type=kind, output_name=wanted_output)
    described = _parsed(body, line.where)
    source = _entry(described.get("inputs"), wanted_input, line.where)
    shape = source.get("shape")
    if not isinstance(shape, list) or not all(type(size) is int for size in shape):
        raise _not_protocol(line.where)
    texts = declaration.input.kind == "text"
    column = texts and len(shape) == 2
    expected = (1,) if column else sample_shape(declaration.input)
    if len(shape) != len(expected) + 1 or any(
        size > 0 and size != one for size, one in zip(shape[1:], expected, strict=True)
    ):
        raise ArtifactError(
            Text(
                f"takes inputs of shape {str(shape)[:200]}, the description declares samples of {expected}",
                f"输入形状为 {str(shape)[:200]}，而描述文件声明的样本形状为 {expected}",
            ),
            line.where,
            Text("correct model.input, or name another model", "请更正 model.input，或指定其他模型"),
        )
    if texts and source.get("datatype") != TEXT_TYPE:
        raise ArtifactError(
            Text(
                f"takes {str(source.get('datatype'))[:40]} inputs; texts are sent as BYTES",
                f"输入类型为 {str(source.get('datatype'))[:40]}；文本以 BYTES 类型发送",
            ),
            line.where,
            Text(
                "serve the model with a BYTES input, or correct model.input.kind",
                "请以 BYTES 输入提供模型服务，或更正 model.input.kind",
            ),
        )
    if not texts and source.get("datatype") not in FLOAT_TYPES:
        raise ArtifactError(
            Text(
                f"takes {str(source.get('datatype'))[:40]} inputs; float inputs are supported",
                f"输入类型为 {str(source.get('datatype'))[:40]}；仅支持浮点输入",
            ),
            line.where,
            Text("serve the model with an FP32 input", "请以 FP32 输入提供模型服务"),
        )
    fixed = shape[0] > 0
    batch = shape[0] if fixed else OPEN_BATCH
    return Metadata(source["name"], source["datatype"], wanted_output, batch, fixed, column)


def _entry(tensors: Any, name: str | None, where: str) -> dict[str, Any]:
    """The tensor `name` of a list of tensors, or the only (first) one."""
    if not isinstance(tensors, list) or not tensors or not all(isinstance(entry, dict) for entry in tensors):
        raise _not_protocol(where)
    found = [entry for entry in tensors if name is None or entry.get("name") == name]
    if not found or not isinstance(found[0].get("name"), str):
        raise ArtifactError(
            Text(f"has no tensor {name!r}", f"没有名为 {name!r} 的张量"),
            where,
            Text(
                "correct model.input.tensor or model.output.tensor", "请更正 model.input.tensor 或 model.output.tensor"
            ),
        )
    return dict(found[0])


def _tensor(answer: dict[str, Any], name: str | None, where: str) -> NDArray[Any]:
    """The output tensor of an answer, as an array of its own shape."""
    entry = _entry(answer.get("outputs"), name, where)
    shape, data, kind = entry.get("shape"), entry.get("data"), entry.get("datatype")
    if not isinstance(shape, list) or not all(type(size) is int and size >= 0 for size in shape):
        raise _not_protocol(where)
    flat: list[Any] = []
    if not isinstance(data, list) or not _flatten(data, flat, depth=0) or len(flat) != prod(shape):
        raise _not_protocol(where)
    if kind == "BYTES":
        if not all(isinstance(item, str) for item in flat):
            raise _not_protocol(where)
        return np.array(flat, dtype=object).reshape(shape)
    if kind not in NUMBER_TYPES or not all(isinstance(item, int | float) for item in flat):
        raise _not_protocol(where)
    try:
        return np.array(flat, dtype=np.float64).reshape(shape)
    except OverflowError:  # an integer beyond any float
        raise _not_protocol(where) from None


def _flatten(data: list[Any], flat: list[Any], depth: int) -> bool:
    """Append the scalars of nested lists to `flat`; whether nothing but lists and scalars was met."""
    if depth > 8:
        return False
    for item in data:
        if isinstance(item, list):
            if not _flatten(item, flat, depth + 1):
                return False
        elif isinstance(item, int | float | str):
            flat.append(item)
        else:
            return False
    return True


def _parsed(body: bytes, where: str) -> dict[str, Any]:
    def refuse(constant: str) -> Any:
        raise ValueError(constant)

    try:
        answer = json.loads(body.decode("utf-8"), parse_constant=refuse)
    except (ValueError, RecursionError):
        raise _not_protocol(where) from None
    if not isinstance(answer, dict):
        raise _not_protocol(where)
    return answer


def _refused(status: int, body: bytes, where: str) -> ArtifactError:
    said = " ".join(body[:300].decode("utf-8", "replace").split())
    return ArtifactError(
        Text(f"refuses a request (HTTP {status}): {said}", f"拒绝请求（HTTP {status}）：{said}"),
        where,
        Text(
            "check model.endpoint_model and the tensor names in the description",
            "请检查描述文件中的 model.endpoint_model 与张量名称",
        ),
    )


def _not_protocol(where: str) -> ArtifactError:
    return ArtifactError(
        Text(
            "answers something that is not Open Inference Protocol v2 JSON with finite numbers",
            "应答不是 Open Inference Protocol v2 的 JSON，或含非有限数值",
        ),
        where,
        Text(
            "serve the model with KServe, Triton, MLServer or another v2 server",
            "请使用 KServe、Triton、MLServer 或其他 v2 服务",
        ),
    )
