"""A real server in the test answers, with a real small model behind it, or misbehaves as real servers do."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import pytest

from tests.system.made import describe
from touchstone.canonical import digest_of
from touchstone.errors import ArtifactError, DescriptionError
from touchstone.system.description import ModelDeclaration
from touchstone.system.models.handle import Capability, ModelHandle
from touchstone.system.models.http import Limits, ServiceModel, open_service

WEIGHTS = np.array([[1.0, -1.0], [0.5, 2.0]])
X = np.random.default_rng(5).normal(size=(150, 2)).astype(np.float32)
QUICK = Limits(timeout=0.6, attempts=3, back_off=0.01, largest_answer=50_000)
METADATA = {
    "name": "risk",
    "inputs": [{"name": "features", "datatype": "FP32", "shape": [-1, 2]}],
    "outputs": [{"name": "scores", "datatype": "FP64", "shape": [-1, 2]}],
}


def exact(x: np.ndarray) -> np.ndarray:
    e = np.exp(np.asarray(x, dtype=np.float64) @ WEIGHTS)
    return e / e.sum(axis=1, keepdims=True)


Answer = tuple[int, dict[str, str], bytes]
Behaviour = Callable[[dict[str, Any]], Answer]


def said(value: Any, status: int = 200) -> Answer:
    return status, {}, json.dumps(value).encode()


def softmax(question: dict[str, Any]) -> Answer:
    given = question["inputs"][0]
    scores = exact(np.array(given["data"]).reshape(given["shape"]))
    output = {"name": "scores", "shape": list(scores.shape), "datatype": "FP64", "data": scores.ravel().tolist()}
    return said({"model_name": "risk", "outputs": [output]})


class Service:
    """One server on a port of its own."""

    def __init__(self) -> None:
        self.infer: Behaviour = softmax
        self.metadata: Any = METADATA
        self.drip = False
        self.asked: list[tuple[str, bytes]] = []
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                service.asked.append((self.path, b""))
                self.answer(said(service.metadata) if service.metadata else (404, {}, b"no"))

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                service.asked.append((self.path, body))
                self.answer(service.infer(json.loads(body)))

            def answer(self, answer: Answer) -> None:
                status, headers, body = answer
                if service.drip:
                    body = b" " * 20
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                for piece in (body[i : i + 1] for i in range(len(body))) if service.drip else [body]:
                    self.wfile.write(piece)
                    time.sleep(0.1 if service.drip else 0)

            def log_message(self, *arguments: Any) -> None:
                """Say nothing on the test's output."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *arguments: Any) -> None:
                """A client that hangs up on a misbehaving server is what these tests are about."""

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()


@pytest.fixture
def service() -> Iterator[Service]:
    running = Service()
    yield running
    running.server.shutdown()
    running.server.server_close()


def declaration(endpoint: str, **changes: Any) -> ModelDeclaration:
    settings = {
        "columns": ["a", "b"],
        "format_": "http",
        "access": "probabilities",
        "endpoint": endpoint,
        "endpoint_model": "risk",
        **changes,
    }
    return ModelDeclaration.model_validate(describe(**settings)["model"])


def opened(service: Service, **changes: Any) -> ServiceModel:
    return open_service(declaration(service.url, **changes), QUICK)


def test_answers_are_the_services_own(service: Service) -> None:
    model = opened(service)
    assert isinstance(model, ModelHandle)
    assert np.abs(model.probabilities(X) - exact(X)).max() < 1e-12
    assert np.array_equal(model.labels(X), exact(X).argmax(axis=1))
    assert model.queries == 2 * len(X)
    assert model.capabilities == {Capability.LABELS, Capability.PROBABILITIES, Capability.ANY_INPUT}
    assert {path for path, _ in service.asked} == {"/v2/models/risk", "/v2/models/risk/infer"}


def test_every_exchange_is_kept_as_digests(service: Service) -> None:
    model = opened(service)
    model.labels(X[:1])
    metadata, infer = model.requests
    assert (metadata.method, metadata.status) == ("GET", 200)
    assert metadata.answer == digest_of(json.dumps(METADATA).encode())
    assert (infer.method, infer.path, infer.status) == ("POST", "/v2/models/risk/infer", 200)
    assert infer.request == digest_of(service.asked[1][1])


@pytest.mark.parametrize(("first", "sizes"), [(-1, [64, 64, 22]), (100, [100, 100]), (None, [1] * 150)])
def test_batches_are_as_the_metadata_have_them(service: Service, first: int | None, sizes: list[int]) -> None:
    tensor = {"name": "features", "datatype": "FP32", "shape": [first, 2]}
    service.metadata = None if first is None else METADATA | {"inputs": [tensor]}
    assert np.abs(opened(service).probabilities(X) - exact(X)).max() < 1e-12
    infers = [json.loads(body) for path, body in service.asked if path.endswith("/infer")]
    assert [question["inputs"][0]["shape"][0] for question in infers] == sizes


def test_tensors_are_asked_for_by_name(service: Service) -> None:
    model = opened(service, tensors={"input": "features", "output": "scores"})
    model.labels(X[:2])
    question = json.loads(service.asked[-1][1])
    assert question["inputs"][0]["name"] == "features"
    assert question["outputs"] == [{"name": "scores"}]


def test_labels_by_name(service: Service) -> None:
    service.infer = lambda question: said(
        {"outputs": [{"name": "y", "shape": [2], "datatype": "BYTES", "data": ["yes", "no"]}]}
    )
    assert opened(service, output="labels").labels(X[:2]).tolist() == [1, 0]


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_service_is_asked_again(service: Service, status: int) -> None:
    answers = iter([(status, {}, b""), (status, {}, b"")])
    service.infer = lambda question: next(answers, None) or softmax(question)
    model = opened(service)
    assert len(model.labels(X[:3])) == 3
    assert [exchange.status for exchange in model.requests] == [200, status, status, 200]


def tensor(**changes: Any) -> Answer:
    return said({"outputs": [{"name": "y", "shape": [1, 2], "datatype": "FP32", "data": [0.5, 0.5], **changes}]})


def slow(question: dict[str, Any]) -> Answer:
    time.sleep(1.0)
    return softmax(question)


MISBEHAVIOUR: dict[str, tuple[Answer | Behaviour, str]] = {
    "no JSON": ((200, {}, b"<html>"), "not Open Inference Protocol"),
    "cut JSON": ((200, {}, b'{"outputs": [{"na'), "not Open Inference Protocol"),
    "not UTF-8": ((200, {}, b'{"outputs": "\xff"}'), "not Open Inference Protocol"),
    "deep JSON": ((200, {}, b"[" * 20_000), "not Open Inference Protocol"),
    "no object": (said([1]), "not Open Inference Protocol"),
    "no outputs": (said({"outputs": []}), "not Open Inference Protocol"),
    "NaN": ((200, {}, b'{"outputs":[{"name":"y","shape":[1,2],"datatype":"FP32","data":[NaN,1]}]}'), "finite"),
    "overflow": ((200, {}, b'{"outputs":[{"name":"y","shape":[1,2],"datatype":"FP32","data":[1e999,1]}]}'), "finite"),
    "huge integer": (tensor(data=[10**400, 0]), "not Open Inference Protocol"),
    "text": (tensor(data=["0.5", "0.5"]), "not Open Inference Protocol"),
    "null": (tensor(data=[None, 1]), "not Open Inference Protocol"),
    "too few": (tensor(data=[0.5]), "not Open Inference Protocol"),
    "negative shape": (tensor(shape=[-1, -2]), "not Open Inference Protocol"),
    "unknown type": (tensor(datatype="FP1024"), "not Open Inference Protocol"),
    "three classes": (tensor(shape=[1, 3], data=[0.2, 0.3, 0.5]), r"shape \(1, 3\)"),
    "two answers": (tensor(shape=[2, 2], data=[0.5] * 4), r"shape \(2, 2\)"),
    "no probabilities": (tensor(data=[3.0, -2.0]), "logits"),
    "error": (said({"error": "model is\nbroken"}, 500), r"HTTP 500\): .*model is"),
    "busy": ((503, {}, b""), "stays busy"),
    "redirect": ((307, {"Location": "http://169.254.169.254/latest/meta-data"}, b""), "redirects"),
    "huge": ((200, {}, b" " * 60_000), "more than 50,000 bytes"),
    "slow": (slow, "did not answer within 0.6 s"),
}


@pytest.mark.parametrize("name", MISBEHAVIOUR)
def test_a_misbehaving_service_is_an_error_of_the_model(service: Service, name: str) -> None:
    model = opened(service)
    answer, reason = MISBEHAVIOUR[name]
    service.infer = answer if callable(answer) else lambda question: answer
    with pytest.raises(ArtifactError, match=reason) as caught:
        model.probabilities(X[:1])
    assert caught.value.where == service.url


def test_a_dripping_service_is_cut_off(service: Service) -> None:
    """Each byte comes well within the socket's own time limit; the whole answer does not."""
    model = opened(service)
    service.drip = True
    started = time.monotonic()
    with pytest.raises(ArtifactError, match="did not answer within"):
        model.labels(X[:1])
    assert time.monotonic() - started < 1.5


@pytest.mark.parametrize(
    ("metadata", "reason"),
    [
        ([1], "not Open Inference Protocol"),
        ({"inputs": []}, "not Open Inference Protocol"),
        ({"inputs": [{"name": "f", "datatype": "FP32"}]}, "not Open Inference Protocol"),
        ({"inputs": [{"name": "f", "datatype": "FP32", "shape": [-1, 3]}]}, r"\[-1, 3\]"),
        ({"inputs": [{"name": "f", "datatype": "BYTES", "shape": [-1, 2]}]}, "BYTES"),
        ({"inputs": [{"datatype": "FP32", "shape": [-1, 2]}]}, "no tensor"),
    ],
)
def test_another_model_is_refused(service: Service, metadata: Any, reason: str) -> None:
    service.metadata = metadata
    with pytest.raises(ArtifactError, match=reason):
        opened(service)


def test_a_service_that_is_not_there_is_an_error(service: Service) -> None:
    service.server.shutdown()
    service.server.server_close()
    with pytest.raises(ArtifactError, match="cannot be reached"):
        opened(service)


@pytest.mark.parametrize(
    "endpoint", ["ftp://host", "file:///etc/passwd", "host:8080", "http://", "http://a:b@host", "http://host:port"]
)
def test_endpoints_that_are_no_plain_address_are_refused(endpoint: str) -> None:
    with pytest.raises(DescriptionError):
        open_service(declaration(endpoint), QUICK)
