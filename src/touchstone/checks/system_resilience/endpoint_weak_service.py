"""A deliberately weak service: what a test of endpoints has to find, planted. For loopback only, never for use.

It asks for no credentials, knows no limit of size, rate or time, serves one client at a time, shows its stack traces
and versions, believes what a request says of itself, and takes very long over one kind of legal input.
"""

from __future__ import annotations

import json
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import numpy as np

COLUMNS = 4
SLOW_SECONDS = 0.06
"""What it takes over an input whose values are all equal."""
TOKENS_PER_SECOND = 50_000
"""How fast it pretends to generate text, of any length it is asked for."""


class WeakService(HTTPServer):
    """Serves a made-up model of four columns over the Open Inference Protocol, chat completions and embeddings."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is what this service is for."""

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}"


@contextmanager
def weak_service() -> Iterator[WeakService]:
    """A running weak service on a port of its own."""
    service = WeakService(("127.0.0.1", 0), WeakHandler)
    thread = threading.Thread(target=service.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield service
    finally:
        service.shutdown()
        thread.join()
        service.server_close()


class WeakHandler(BaseHTTPRequestHandler):
    """Answers, or shows why it could not."""

    server_version = "WeakService/0.1.2"
    timeout = 5  # so that this process ends; the slowness it is planted to show is far below

    def do_GET(self) -> None:
        """Metadata, whoever asks."""
        tensor = {"name": "x", "datatype": "FP32", "shape": [-1, COLUMNS]}
        self._answer(200, {"name": "weak", "inputs": [tensor], "outputs": [{**tensor, "name": "y", "shape": [-1, 2]}]})

    def do_POST(self) -> None:
        """An answer to anything that can be made sense of, and to some that cannot."""
        try:
            question = json.loads(self.rfile.read(int(self.headers.get("Content-Length", "0"))))
            self._answer(200, _meaning(self.path, question))
        except Exception:  # the weakness: whatever went wrong is shown to the client
            self._answer(500, {"error": traceback.format_exc()})

    def _answer(self, status: int, document: Any) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Say nothing."""


def _meaning(path: str, question: Any) -> dict[str, Any]:
    if path == "/v1/chat/completions":
        time.sleep(min(float(question["max_tokens"]) / TOKENS_PER_SECOND, 0.2))
        return {"choices": [{"message": {"role": "assistant", "content": question["messages"][0]["content"]}}]}
    if path == "/v1/embeddings":
        return {"data": [{"embedding": [float(len(question["input"]))]}]}
    values = np.asarray(question["inputs"][0]["data"], dtype=np.float64)
    if values.size and values.min() == values.max():
        time.sleep(SLOW_SECONDS)
    x = np.resize(values, (max(values.size // COLUMNS, 1), COLUMNS))
    positive = 1.0 / (1.0 + np.exp(-np.clip(x.sum(axis=1), -50, 50)))
    scores = np.stack([1.0 - positive, positive], axis=1)
    output = {"name": "y", "datatype": "FP32", "shape": list(scores.shape), "data": scores.ravel().tolist()}
    return {"model_name": "weak", "outputs": [output]}
