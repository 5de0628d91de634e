"""A witness behind HTTP: `POST …/add-checkpoint`, nothing else. Put a TLS proxy before it."""

from __future__ import annotations

import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import BoundedSemaphore

from touchstone.tlog.witness import LARGEST_REQUEST, Answer, Witness

PATH = "/add-checkpoint"
_MOST_AT_ONCE = 32
_SECONDS_TO_SEND = 10


class WitnessServer(ThreadingHTTPServer):
    """Serves one witness until it is shut down."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], witness: Witness) -> None:
        super().__init__(address, _Handler)
        self.witness = witness
        self.places = BoundedSemaphore(_MOST_AT_ONCE)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = _SECONDS_TO_SEND
    server: WitnessServer

    def do_POST(self) -> None:
        """Answer one request."""
        if not self.server.places.acquire(blocking=False):
            self._send(Answer(503, b"busy\n"), close=True)
            return
        try:
            self._post()
        finally:
            self.server.places.release()

    def _post(self) -> None:
        length = self.headers.get("Content-Length", "")
        if self.path != PATH:
            self._send(Answer(404, b"not found\n"), close=True)
        elif not (length.isascii() and length.isdigit()):
            self._send(Answer(411, b"length required\n"), close=True)
        elif len(length) > 9 or int(length) > LARGEST_REQUEST:
            self._send(Answer(413, b"too large\n"), close=True)
        else:
            self._send(self.server.witness.add_checkpoint(self.rfile.read(int(length)), int(time.time())))

    def _send(self, answer: Answer, *, close: bool = False) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        if close:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Say nothing: who submits what is no business of a terminal."""
