"""A real server in the test answers, with a real small model behind it, or misbehaves as real servers do."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any

import numpy as np
import pytest

from tests.system.made import describe
from touchstone.canonical import digest_of
from touchstone.errors import ArtifactError, BudgetSpentError, DescriptionError
from touchstone.methods.attacks.black_box import black_box_ladder
from touchstone.methods.attacks.threat_model import uniform_threat
from touchstone.system.description import ModelDeclaration
from touchstone.system.models.handle import Capability, ModelHandle
from touchstone.system.models.http import ServiceModel, answers_remembered, open_service
from touchstone.system.models.http_connection import Limits, seconds_to_wait

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


def opened(service: Service, limits: Limits = QUICK, **changes: Any) -> ServiceModel:
    return open_service(declaration(service.url, **changes), limits)


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
    assert sorted(question["inputs"][0]["shape"][0] for question in infers) == sorted(sizes)


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
    assert time.monotonic() - started < QUICK.attempts * (QUICK.timeout + 0.3)


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


def test_a_slow_answer_is_asked_for_again_and_counted_again(service: Service) -> None:
    delays = iter([0.8])

    def slow_once(question: dict[str, Any]) -> Answer:
        time.sleep(next(delays, 0))
        return softmax(question)

    service.infer = slow_once
    model = opened(service, replace(QUICK, queries=10))
    assert np.abs(model.probabilities(X[:3]) - exact(X[:3])).max() < 1e-12
    assert model.ledger.left == 10 - 2 * 3
    assert model.ledger.summary()["timing"]["retries"] == {"timeout": 1}


def test_a_request_turned_away_costs_nothing(service: Service) -> None:
    answers = iter([(429, {}, b""), (503, {}, b"")])
    service.infer = lambda question: next(answers, None) or softmax(question)
    model = opened(service, replace(QUICK, queries=3))
    model.labels(X[:3])
    assert model.ledger.left == 0
    assert model.ledger.summary()["timing"]["retries"] == {"429": 1, "503": 1}


@pytest.mark.parametrize(("asked", "least", "most"), [("1", 0.3, 0.9), ("99999999", 0.3, 0.9), ("soon", 0, 0.29)])
def test_the_service_says_how_long_to_wait_within_a_bound(
    service: Service, asked: str, least: float, most: float
) -> None:
    answers = iter([(429, {"Retry-After": asked}, b"")])
    service.infer = lambda question: next(answers, None) or softmax(question)
    model = opened(service, replace(QUICK, longest_wait=0.3))
    started = time.monotonic()
    model.labels(X[:1])
    assert least <= time.monotonic() - started < most


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, 0),
        ("7", 7),
        (" 7 ", 7),
        ("-7", 0),
        ("1.5", 0),
        ("٣", 0),
        ("9" * 400, 999_999_999),
        ("Fri, 31 Dec 1999 23:59:59 GMT", 0),
        ("Fri, 99 Dec 1999", 0),
    ],
)
def test_retry_after(header: str | None, seconds: float) -> None:
    assert seconds_to_wait(header) == seconds


def test_retry_after_as_a_date() -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    assert 80 < seconds_to_wait(later) <= 90


def test_retries_end_for_all_requests_together(service: Service) -> None:
    turns = count()
    service.infer = lambda question: (503, {}, b"") if next(turns) % 2 == 0 else softmax(question)
    model = opened(service, replace(QUICK, retries=4, concurrency=1))
    for _ in range(4):
        model.labels(X[:1])
    with pytest.raises(ArtifactError, match="stays busy"):
        model.labels(X[:1])


def test_no_more_requests_are_under_way_than_allowed(service: Service) -> None:
    """Batches are slow: the highest number seen at once is the cap, and the answers stay in order."""
    lock, running, most = threading.Lock(), 0, 0

    def watched(question: dict[str, Any]) -> Answer:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.05 * (1 + question["inputs"][0]["shape"][0] % 3))
        with lock:
            running -= 1
        return softmax(question)

    service.infer = watched
    x = np.random.default_rng(6).normal(size=(10 * 64 + 5, 2)).astype(np.float32)
    model = opened(service, replace(QUICK, concurrency=3))
    assert np.abs(model.probabilities(x) - exact(x)).max() < 1e-12
    assert most == 3


def test_the_record_of_exchanges_does_not_depend_on_who_was_first(service: Service) -> None:
    def jittery(question: dict[str, Any]) -> Answer:
        time.sleep(float(np.random.default_rng().uniform(0, 0.02)))
        return softmax(question)

    service.infer = jittery
    x = np.random.default_rng(6).normal(size=(500, 2)).astype(np.float32)
    records, summaries = [], []
    for _ in range(2):
        model = opened(service)
        model.labels(x)
        records.append(model.requests)
        summaries.append({key: value for key, value in model.ledger.summary().items() if key != "timing"})
    assert records[0] == records[1]
    assert summaries[0] == summaries[1]


def test_the_query_budget_is_a_hard_stop(service: Service) -> None:
    model = opened(service, replace(QUICK, queries=100))
    model.labels(X[:90])
    before = len(service.asked)
    with pytest.raises(BudgetSpentError, match="budget of 100 samples is spent: 11 more were needed, 10 are left"):
        model.labels(X[:11])
    assert len(service.asked) == before
    model.labels(X[:10])
    with pytest.raises(BudgetSpentError) as caught:
        model.labels(X[:1])
    assert caught.value.where == service.url
    sent = sum(json.loads(body)["inputs"][0]["shape"][0] for path, body in service.asked if path.endswith("/infer"))
    assert sent == 100


def test_the_budget_of_the_description_holds(service: Service) -> None:
    described = declaration(service.url).model_copy(update={"endpoint_queries": 5})
    for model in (open_service(described), open_service(described, QUICK)):
        model.labels(X[:5])
        with pytest.raises(BudgetSpentError):
            model.labels(X[:1])


def test_samples_that_fill_up_a_batch_are_not_counted(service: Service) -> None:
    tensor = {"name": "features", "datatype": "FP32", "shape": [100, 2]}
    service.metadata = METADATA | {"inputs": [tensor]}
    model = opened(service, replace(QUICK, queries=150))
    model.labels(X)
    assert model.ledger.left == 0
    assert model.ledger.summary()["batch_sizes"] == {"50": 1, "100": 1}


def test_answers_are_remembered_only_where_asked_for(service: Service) -> None:
    model = opened(service)
    model.labels(X[:10])
    model.labels(X[:10])
    assert model.ledger.summary()["samples_sent"] == 20
    with answers_remembered(model):
        model.probabilities(X[:10])
        mixed = np.concatenate([X[5:12], X[:3], X[11:12]])
        assert np.abs(model.probabilities(mixed) - exact(mixed)).max() < 1e-12
    summary = model.ledger.summary()
    assert (summary["samples_sent"], summary["samples_remembered"]) == (32, 9)
    assert model.queries == 20 + 10 + 11
    model.labels(X[:10])
    assert model.ledger.summary()["samples_sent"] == 42


def test_memory_is_bounded_and_forgets_the_oldest(service: Service) -> None:
    model = opened(service, replace(QUICK, remembered=6))
    with answers_remembered(model):
        model.labels(X[:10])
        model.labels(X[4:10])
        assert model.ledger.summary()["samples_sent"] == 10
        model.labels(X[:1])
    assert model.ledger.summary()["samples_sent"] == 11


def test_labels_by_name_are_remembered_too(service: Service) -> None:
    def named(question: dict[str, Any]) -> Answer:
        names = ["yes", "no", "yes"][: question["inputs"][0]["shape"][0]]
        return said({"outputs": [{"name": "y", "shape": [len(names)], "datatype": "BYTES", "data": names}]})

    service.infer = named
    model = opened(service, output="labels")
    with answers_remembered(model):
        assert model.labels(X[:3]).tolist() == model.labels(X[:3]).tolist() == [1, 0, 1]
    assert model.ledger.summary()["samples_sent"] == 3


def test_a_spent_budget_leaves_what_an_attack_found(service: Service) -> None:
    model = opened(service, replace(QUICK, queries=400))
    y = model.labels(X[:20])
    with answers_remembered(model):
        result = black_box_ladder(
            X[:20],
            y,
            uniform_threat(1.0, -9.0, 9.0, "l2"),
            np.arange(20),
            queries=1500,
            labels=model.labels,
            pool=X[20:60],
            pool_y=exact(X[20:60]).argmax(axis=1),
        )
    assert result.stopped is not None
    assert result.attack.succeeded.any()
    broken = result.attack.succeeded
    assert (exact(result.attack.adversarial[broken]).argmax(axis=1) != y[broken]).all()
    left = model.ledger.left
    assert left is not None and 0 <= left < 400


def test_the_log_shows_what_was_asked(service: Service) -> None:
    model = opened(service)
    model.labels(X)
    summary = model.ledger.summary()
    assert summary["batch_sizes"] == {"22": 1, "64": 2}
    assert summary["budget"] is summary["budget_left"] is None
    timing = summary["timing"]
    assert timing["answered_requests"] == sum(timing["latencies_ms"].values()) == 4
    assert json.loads(json.dumps(summary)) == summary
