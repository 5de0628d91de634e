"""A timestamping authority over HTTP (RFC 3161, section 3.4): one POST, one answer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from touchstone.errors import EvidenceError
from touchstone.laboratory.timestamp_authority import TimestampAuthority

LARGEST_REQUEST = 64 * 1024
_SECONDS = 30


def serve_timestamps(
    authority: TimestampAuthority, address: tuple[str, int], clock: Callable[[], datetime], policy: str
) -> ThreadingHTTPServer:
    """A server that answers, under `policy`, once it is told to `serve_forever`; the port 0 finds a free one."""

    class Handler(BaseHTTPRequestHandler):
        """Answers requests for timestamps, and nothing else."""

        timeout = _SECONDS

        def do_POST(self) -> None:
            """Stamp the digest in the request."""
            length = self.headers.get("Content-Length", "")
            if not length.isdecimal() or int(length) > LARGEST_REQUEST:
                self.send_error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
                return
            try:
                answer = authority.answer(self.rfile.read(int(length)), clock(), policy)
            except EvidenceError:
                self.send_error(HTTPStatus.BAD_REQUEST)
                return
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the name it has above
            """Keep quiet about who asks."""

    return ThreadingHTTPServer(address, Handler)
