"""The gate as a hook: over a real socket."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.admission.doors import HARMLESS, RUNS_CODE, Door
from touchstone.admission.policy import GatePolicy
from touchstone.admission.server import GateServer
from touchstone.evidence.envelope import open_envelope

TOKEN = "0123456789abcdef"
SMALL = GatePolicy(schema="touchstone.gate-policy/v1", name="small", largest_bytes=1000)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Door, GateServer]]:
    door = Door.build(tmp_path, SMALL)
    with GateServer(("127.0.0.1", 0), door.gate, TOKEN) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield door, server
        server.shutdown()


def _ask(
    server: GateServer, method: str, path: str, body: bytes | None = None, **headers: str
) -> tuple[int, dict[str, Any]]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=20)
    connection.request(method, path, body, {"Authorization": f"Bearer {TOKEN}", **headers})
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


def test_a_model_is_posted_and_decided_on(served: tuple[Door, GateServer]) -> None:
    door, server = served
    status, answer = _ask(server, "POST", "/v1/items/model.pkl", RUNS_CODE)
    assert (status, answer["outcome"]) == (200, "refuse")
    assert "system('echo planted')" in answer["reasons"][0]["shown"]
    status, envelope = _ask(server, "GET", f"/v1/decisions/{answer['ticket']}")
    assert status == 200
    signed = open_envelope(json.dumps(envelope, separators=(",", ":")).encode(), "decision", door.laboratory.public)
    assert signed.predicate["outcome"] == "refuse"
    assert door.logged(answer["ticket"])
    assert _ask(server, "POST", "/v1/items/good%20model.pkl", HARMLESS)[1]["outcome"] == "admit"
    assert (door.gate.store.root / "admitted" / "good model.pkl").exists()


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "status"),
    [
        ("POST", "/v1/items/model.pkl", b"x", {"Authorization": "Bearer wrong"}, 401),
        ("GET", "/v1/decisions/" + "0" * 32, None, {"Authorization": ""}, 401),
        ("POST", "/v1/items/..%2Fmodel.pkl", b"x", {}, 404),
        ("POST", "/v1/items/.hidden", b"x", {}, 404),
        ("POST", "/v1/items/", b"x", {}, 404),
        ("POST", "/elsewhere", b"x", {}, 404),
        ("POST", "/v1/items/model.pkl", b"x" * 1001, {}, 413),
        ("POST", "/v1/items/model.pkl", None, {"Content-Length": "-1"}, 411),
        ("POST", "/v1/items/model.pkl", None, {"Content-Length": "9" * 40}, 411),
        ("GET", "/v1/decisions/" + "0" * 32, None, {}, 404),
        ("GET", "/v1/decisions/..%2f..%2fx", None, {}, 404),
    ],
)
def test_wrong_requests_get_one_clear_answer_and_leave_nothing(
    served: tuple[Door, GateServer],
    method: str,
    path: str,
    body: bytes | None,
    headers: dict[str, str],
    status: int,
) -> None:
    door, server = served
    answered, answer = _ask(server, method, path, body, **headers)
    assert answered == status
    assert answer["error"]
    assert door.held() == []


def test_a_body_that_ends_early_is_not_decided_on(served: tuple[Door, GateServer]) -> None:
    door, server = served
    connection = http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=20)
    connection.putrequest("POST", "/v1/items/model.pkl")
    connection.putheader("Authorization", f"Bearer {TOKEN}")
    connection.putheader("Content-Length", "100")
    connection.endheaders()
    connection.send(b"short")
    assert connection.sock is not None
    connection.sock.shutdown(1)
    assert connection.getresponse().status == 400
    assert door.held() == []
