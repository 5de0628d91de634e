"""The reference service answers legal questions, refuses everything else, and shows nothing of its inside."""

import http.client
import json
import socket
import time

import numpy as np
import pytest

from tests.service.running import COLUMNS, OTHER, TOKEN, running, scores
from touchstone.methods.abuse.leaks import leaks
from touchstone.service.allowances import Allowance
from touchstone.service.open_inference import Interface
from touchstone.service.served import NoQuestion
from touchstone.service.server import InferenceService, Limits


def document(x: np.ndarray) -> bytes:
    tensor = {"name": "input", "shape": list(x.shape), "datatype": "FP32", "data": x.ravel().tolist()}
    return json.dumps({"inputs": [tensor]}).encode()


def asked(
    service: InferenceService, method: str, path: str, body: bytes | None = None, token: str | None = TOKEN
) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", service.server_port, timeout=5)
    headers = {"Content-Type": "application/json"} | ({} if token is None else {"Authorization": f"Bearer {token}"})
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    found = answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    connection.close()
    return found


def test_the_answers_are_the_models() -> None:
    x = np.array([[0.5, -1.0, 2.0], [0.0, 0.0, 0.0]], dtype=np.float32)
    with running() as service:
        status, headers, body = asked(service, "POST", service.served.asked_at, document(x))
        assert asked(service, "GET", service.served.described_at)[0] == 200
    assert status == 200
    assert np.allclose(np.reshape(json.loads(body)["outputs"][0]["data"], (2, 2)), scores(x))
    assert not leaks(headers, body)


@pytest.mark.parametrize("token", [None, "", "wrong", TOKEN[:-1], "é"])
def test_nobody_is_answered_without_a_token_but_that_it_lives(token: str | None) -> None:
    with running() as service:
        for method, path in (
            ("POST", service.served.asked_at),
            ("GET", service.served.described_at),
            ("GET", "/nothing"),
        ):
            assert asked(service, method, path, b"{}", token)[0] == 401
        assert asked(service, "GET", "/v2/health/live", token=None)[::2] == (200, b"{}")


def test_each_client_has_a_rate_of_its_own() -> None:
    question = document(np.zeros((1, COLUMNS)))
    with running(Limits(rate=0.001, burst=2)) as service:
        path = service.served.asked_at
        assert [asked(service, "POST", path, question)[0] for _ in range(3)] == [200, 200, 429]
        assert asked(service, "POST", path, question, OTHER)[0] == 200


def test_a_large_body_is_refused_before_it_is_sent() -> None:
    with (
        running(Limits(largest_body=1000)) as service,
        socket.create_connection(("127.0.0.1", service.server_port)) as client,
    ):
        head = f"POST {service.served.asked_at} HTTP/1.1\r\nAuthorization: Bearer {TOKEN}\r\n"
        client.sendall(f"{head}Content-Type: application/json\r\nContent-Length: 1001\r\n\r\n".encode())
        assert client.recv(100).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("start", ["POST / HTTP/1.1\r\n", "POST /v2/models/small/infer HTTP/1.1\r\n"])
def test_who_sends_byte_by_byte_is_cut_off_all_the_same(start: str) -> None:
    """A time-out for each read would never end this client."""
    with (
        running(Limits(seconds=0.5)) as service,
        socket.create_connection(("127.0.0.1", service.server_port)) as client,
    ):
        client.sendall(start.encode())
        begun = time.monotonic()
        with pytest.raises(OSError):  # whichever way the connection ends
            while time.monotonic() - begun < 4:
                client.sendall(b"a")
                time.sleep(0.1)
        assert time.monotonic() - begun < 3


@pytest.mark.parametrize(
    "changes",
    [
        {"shape": [1, 2]},
        {"shape": [65, 3]},
        {"shape": [0, 3]},
        {"shape": [True, 3]},
        {"shape": 3},
        {"datatype": "FP64"},
        {"name": "x"},
        {"data": [1, 2]},
        {"data": [1, 2, "3"]},
        {"data": [1, 2, None]},
        {"data": [1, 2, 1e39]},
        {"data": [[1, 2, 3]]},
        {"parameters": {"binary_data_size": 1}},
    ],
)
def test_what_is_not_exactly_a_question_is_refused(changes: dict[str, object]) -> None:
    legal = {"name": "input", "shape": [1, 3], "datatype": "FP32", "data": [1, 2, 3]}
    interface = Interface("small", (3,), most_samples=64)
    assert interface.samples(json.dumps({"inputs": [legal]}).encode()).tolist() == [[1, 2, 3]]
    with pytest.raises(NoQuestion):
        interface.samples(json.dumps({"inputs": [legal | changes]}).encode())


def test_texts_are_taken_as_texts() -> None:
    interface = Interface("small", None, most_samples=2)
    legal = {"name": "input", "shape": [2], "datatype": "BYTES", "data": ["a", "二"]}
    assert interface.samples(json.dumps({"inputs": [legal]}).encode()).tolist() == ["a", "二"]
    with pytest.raises(NoQuestion):
        interface.samples(json.dumps({"inputs": [legal | {"data": ["a", 2]}]}).encode())


def test_places_are_given_back() -> None:
    allowance = Allowance(rate=1000, burst=10, at_once=1)
    with allowance.one_request() as first, allowance.one_request() as second:
        assert (first, second) == (True, False)
    with allowance.one_request() as third:
        assert third
