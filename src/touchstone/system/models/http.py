"""Models behind a service that speaks the Open Inference Protocol v2 (KServe, Triton, MLServer, …) over JSON.

Only the host the description names is contacted: no redirects, no proxies, no credentials. Every exchange is kept
as a pair of digests in :attr:`ServiceModel.requests`, so that evidence can show what was asked and what came back.

Source: https://github.com/kserve/open-inference-protocol, "HTTP/REST", version 2.
"""

from __future__ import annotations

import http.client
import json
import time
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import numpy as np

from touchstone.canonical import Digest, digest_of
from touchstone.errors import ArtifactError, DescriptionError, UserError
from touchstone.system.models.answers import AnsweringModel
from touchstone.system.samples import sample_shape
from touchstone.text import Text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from touchstone.system.description import ModelDeclaration

OPEN_BATCH = 64
"""Samples per request to a service whose metadata leave the batch size open."""

FLOAT_TYPES = frozenset({"FP16", "FP32", "FP64"})
NUMBER_TYPES = FLOAT_TYPES | {"BF16", "BOOL"} | {f"{sign}INT{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64)}

_BUSY = frozenset({429, 503})


@dataclass(frozen=True, slots=True)
class Limits:
    """How patient the client is, and how much it lets itself be told."""

    timeout: float = 30.0
    """Seconds from sending a request to the last byte of its answer."""
    attempts: int = 5
    """Times one request is sent before a busy or broken connection is an error."""
    back_off: float = 0.5
    """Seconds before the second attempt; doubled for each further one."""
    largest_answer: int = 64 * 1024**2
    """Bytes of one answer."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its answer, as digests of their bodies."""

    method: str
    path: str
    status: int
    request: Digest
    answer: Digest


@dataclass(frozen=True, slots=True)
class Metadata:
    """What the service says about the model; guesses where it says nothing."""

    input_name: str = "input"
    input_type: str = "FP32"
    output_name: str | None = None
    batch: int = 1
    fixed: bool = False


def open_service(declaration: ModelDeclaration, limits: Limits | None = None) -> ServiceModel:
    """A handle for the service at `model.endpoint`.

    Asks for the model's metadata once. Raises `DescriptionError` for an unusable endpoint and `ArtifactError` when
    the service cannot be reached or describes another model.
    """
    if declaration.endpoint is None or declaration.endpoint_model is None:
        raise _endpoint_problem(Text("endpoint or endpoint_model is missing", "缺少 endpoint 或 endpoint_model"))
    connection = Connection(declaration.endpoint, limits or Limits())
    path = f"/v2/models/{quote(declaration.endpoint_model, safe='')}"
    return ServiceModel(declaration, connection, path, _metadata(connection, path, declaration))


class ServiceModel(AnsweringModel):
    """A model that answers over the network."""

    def __init__(self, declaration: ModelDeclaration, connection: Connection, path: str, metadata: Metadata) -> None:
        super().__init__(declaration, connection.where, batch=metadata.batch, fixed=metadata.fixed)
        self._connection = connection
        self._path = f"{path}/infer"
        self._metadata = metadata

    @property
    def requests(self) -> tuple[Exchange, ...]:
        """Every exchange so far, in order, repeated attempts included."""
        return tuple(self._connection.exchanges)

    def forward(self, batch: NDArray[np.float32]) -> NDArray[Any]:
        """One `infer` request."""
        values = self.normalised(batch)
        question: dict[str, Any] = {
            "inputs": [
                {
                    "name": self._metadata.input_name,
                    "shape": list(values.shape),
                    "datatype": self._metadata.input_type,
                    "data": values.ravel().tolist(),
                }
            ]
        }
        if self._metadata.output_name is not None:
            question["outputs"] = [{"name": self._metadata.output_name}]
        status, body = self._connection.exchange("POST", self._path, json.dumps(question).encode())
        if status != 200:
            raise _refused(status, body, self.where)
        return _tensor(_parsed(body, self.where), self._metadata.output_name, self.where)


class Connection:
    """A kept-alive connection to one host; every exchange is bounded in time and size, and noted."""

    def __init__(self, endpoint: str, limits: Limits) -> None:
        parts = urlsplit(endpoint)
        try:
            port = parts.port
        except ValueError:
            raise _endpoint_problem(Text("the port is not a number", "端口不是数字")) from None
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise _endpoint_problem(Text(f"{endpoint[:200]!r} is not a web address", f"{endpoint[:200]!r} 不是网址"))
        if parts.username is not None or parts.query or parts.fragment:
            raise _endpoint_problem(
                Text(
                    "credentials, query or fragment in the address are not supported",
                    "地址中不支持凭据、查询参数或片段",
                )
            )
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self.where = f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"
        self.exchanges: list[Exchange] = []
        self._prefix = parts.path.rstrip("/")
        self._limits = limits
        self._connection = kind(parts.hostname, port, timeout=limits.timeout)

    def exchange(self, method: str, path: str, content: bytes = b"") -> tuple[int, bytes]:
        """Send one request, again while the service is busy or drops it. Returns status and body.

        Raises `ArtifactError` when it stays so, redirects, is slow, or answers more than the limit.
        """
        trouble = Text("", "")
        for attempt in range(self._limits.attempts):
            if attempt:
                time.sleep(self._limits.back_off * 2 ** (attempt - 1))
            try:
                status, body = self._once(method, self._prefix + path, content)
            except TimeoutError:
                seconds = self._limits.timeout
                raise self._fault(Text(f"did not answer within {seconds:g} s", f"{seconds:g} 秒内未应答")) from None
            except (OSError, http.client.HTTPException) as error:
                self._connection.close()
                reason = str(error)[:200] or type(error).__name__
                trouble = Text(f"cannot be reached: {reason}", f"无法连接：{reason}")
                continue
            self.exchanges.append(Exchange(method, path, status, digest_of(content), digest_of(body)))
            if status not in _BUSY:
                return status, body
            trouble = Text(f"stays busy (HTTP {status})", f"持续繁忙（HTTP {status}）")
        raise self._fault(trouble)

    def _once(self, method: str, path: str, content: bytes) -> tuple[int, bytes]:
        deadline = time.monotonic() + self._limits.timeout
        headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
        if content:
            headers["Content-Type"] = "application/json"
        self._connection.request(method, path, content or None, headers)
        answer = self._connection.getresponse()
        body = self._body(answer, deadline)
        if 300 <= answer.status < 400:
            raise self._fault(
                Text(
                    f"redirects (HTTP {answer.status}); another address is never followed",
                    f"返回重定向（HTTP {answer.status}）；不会访问其他地址",
                )
            )
        return answer.status, body

    def _body(self, answer: http.client.HTTPResponse, deadline: float) -> bytes:
        body = bytearray()
        while chunk := answer.read1(65536):
            body += chunk
            if len(body) > self._limits.largest_answer:
                self._connection.close()
                size = self._limits.largest_answer
                raise self._fault(Text(f"answers more than {size:,} bytes", f"应答超过 {size:,} 字节"))
            if time.monotonic() > deadline:
                self._connection.close()
                raise TimeoutError
        answer.close()  # an answer read to its end frees the connection for the next request
        return bytes(body)

    def _fault(self, what: Text) -> ArtifactError:
        return ArtifactError(
            what, self.where, Text("check that the service runs and is reachable", "请确认服务正在运行且可访问")
        )


def _metadata(connection: Connection, path: str, declaration: ModelDeclaration) -> Metadata:
    """Tensor names, type and batch size: from the service where it tells, as declared, or guessed."""
    wanted_input, wanted_output = declaration.input.tensor, declaration.output.tensor
    status, body = connection.exchange("GET", path)
    if status != 200:  # metadata are optional in practice: without them one sample is sent at a time
        return Metadata(input_name=wanted_input or "input", output_name=wanted_output)
    described = _parsed(body, connection.where)
    source = _entry(described.get("inputs"), wanted_input, connection.where)
    shape = source.get("shape")
    if not isinstance(shape, list) or not all(type(size) is int for size in shape):
        raise _not_protocol(connection.where)
    expected = sample_shape(declaration.input)
    if len(shape) != len(expected) + 1 or any(
        size > 0 and size != one for size, one in zip(shape[1:], expected, strict=True)
    ):
        raise ArtifactError(
            Text(
                f"takes inputs of shape {str(shape)[:200]}, the description declares samples of {expected}",
                f"输入形状为 {str(shape)[:200]}，而描述文件声明的样本形状为 {expected}",
            ),
            connection.where,
            Text("correct model.input, or name another model", "请更正 model.input，或指定其他模型"),
        )
    if source.get("datatype") not in FLOAT_TYPES:
        raise ArtifactError(
            Text(
                f"takes {str(source.get('datatype'))[:40]} inputs; float inputs are supported",
                f"输入类型为 {str(source.get('datatype'))[:40]}；仅支持浮点输入",
            ),
            connection.where,
            Text("serve the model with an FP32 input", "请以 FP32 输入提供模型服务"),
        )
    fixed = shape[0] > 0
    return Metadata(source["name"], source["datatype"], wanted_output, shape[0] if fixed else OPEN_BATCH, fixed)


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


def _endpoint_problem(what: Text) -> DescriptionError:
    remedy = Text("give the base URL, e.g. http://127.0.0.1:8080, and the model's name", "请给出基础网址与模型名称")
    return DescriptionError([UserError(what, "model.endpoint", remedy)])
