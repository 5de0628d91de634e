"""The program started as a user starts it, asked, killed without warning, and started again at the same address."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.checks.system_resilience.systems import table_system
from tests.cli.program import run

TOKEN = "a-token-for-tests-only"


@contextmanager
def served(system: Path, tokens: Path, port: int) -> Iterator[tuple[subprocess.Popen[str], str]]:
    command = [sys.executable, "-m", "touchstone", "serve", system, "--token-file", tokens]
    program = subprocess.Popen([*command, "--listen", f"127.0.0.1:{port}"], stdout=subprocess.PIPE, text=True)
    assert program.stdout is not None
    with program:
        try:
            yield program, program.stdout.readline().strip()
        finally:
            program.kill()


def asked(port: int, path: str) -> tuple[int, dict[str, object]]:
    tensor = {"name": "input", "shape": [1, 2], "datatype": "FP32", "data": [0, 1]}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {TOKEN}"}
    connection.request("POST", path, json.dumps({"inputs": [tensor]}), headers)
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def test_a_killed_service_serves_again_by_the_same_command(tmp_path: Path) -> None:
    (tmp_path / "tokens").write_text(TOKEN + "\n", encoding="utf-8")
    table_system(tmp_path, [0.0, 1.0])
    port = free_port()
    with served(tmp_path, tmp_path / "tokens", port) as (program, address):
        assert address == f"http://127.0.0.1:{port}/v2/models/made-for-a-test"
        before = asked(port, "/v2/models/made-for-a-test/infer")
        program.send_signal(signal.SIGKILL)
    assert before[0] == 200
    with served(tmp_path, tmp_path / "tokens", port):
        assert asked(port, "/v2/models/made-for-a-test/infer") == before


@pytest.mark.parametrize("content", ["", "short\n", f"{TOKEN}\nshort\n"])
def test_a_weak_token_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str) -> None:
    (tmp_path / "tokens").write_text(content, encoding="utf-8")
    finished = run(capsys, "serve", tmp_path, "--token-file", tmp_path / "tokens")
    assert finished.code == 2
    assert "token" in finished.err


def test_an_address_is_host_and_port(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    finished = run(capsys, "serve", tmp_path, "--token-file", tmp_path, "--listen", "nowhere")
    assert finished.code == 2
    assert "HOST:PORT" in finished.err
