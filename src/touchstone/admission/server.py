"""The gate behind HTTP: hand an item in, get the decision. Put a TLS proxy before it.

    POST /v1/items/NAME     the file itself as the body; answers the decision as JSON
    GET  /v1/decisions/TICKET   the signed statement of an earlier decision

Every request carries `Authorization: Bearer TOKEN`. One decision is made at a time; a request that has to wait too
long is told to come again (503). Bodies are written to a folder that nobody else looks at before they are scanned.
"""

from __future__ import annotations

import hmac
import os
import re
import secrets
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import BoundedSemaphore, Lock
from typing import Final
from urllib.parse import unquote

from touchstone.admission.gate import Decided, Gate
from touchstone.admission.store import Taken
from touchstone.canonical import canonical_json

_ITEM: Final = "/v1/items/"
_DECISION: Final = re.compile(r"/v1/decisions/([0-9a-f]{32})")
_NAME: Final = re.compile(r"[\w][\w .+-]{0,199}")
_MOST_AT_ONCE: Final = 8
_SECONDS_TO_SEND: Final = 30
_SECONDS_TO_WAIT: Final = 600
_BLOCK: Final = 2**20


class GateServer(ThreadingHTTPServer):
    """Serves one gate until it is shut down."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], gate: Gate, token: str) -> None:
        super().__init__(address, _Handler)
        self.gate = gate
        self.token = token.encode()
        self.places = BoundedSemaphore(_MOST_AT_ONCE)
        self.deciding = Lock()


class _Refused(Exception):  # noqa: N818 - an answer, not an error of ours
    def __init__(self, status: HTTPStatus, why: str) -> None:
        super().__init__(why)
        self.status = status


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = _SECONDS_TO_SEND
    server: GateServer

    def do_POST(self) -> None:
        """Take one item and answer what was decided."""
        self._answer(self._take_and_decide)

    def do_GET(self) -> None:
        """Answer one signed decision."""
        self._answer(self._signed_decision)

    def _answer(self, act: Callable[[], bytes]) -> None:
        """Answer with what `act` gives. The connection ends after each answer: a body may be left unread."""
        if not self.server.places.acquire(blocking=False):
            self._send(HTTPStatus.SERVICE_UNAVAILABLE, canonical_json({"error": "busy, come again"}))
            return
        try:
            self._authorise()
            self._send(HTTPStatus.OK, act())
        except _Refused as refused:
            self._send(refused.status, canonical_json({"error": str(refused)}))
        finally:
            self.server.places.release()

    def _authorise(self) -> None:
        given = self.headers.get("Authorization", "").encode("latin-1", "replace")
        if not hmac.compare_digest(given, b"Bearer " + self.server.token):
            raise _Refused(HTTPStatus.UNAUTHORIZED, "a valid bearer token is needed")

    def _take_and_decide(self) -> bytes:
        taken = self._receive(self._item_name())
        if not self.server.deciding.acquire(timeout=_SECONDS_TO_WAIT):
            raise _Refused(HTTPStatus.SERVICE_UNAVAILABLE, "busy; the item is kept and decided on later")
        try:
            return _as_json(self.server.gate.finish(taken))
        finally:
            self.server.deciding.release()

    def _item_name(self) -> str:
        name = unquote(self.path.removeprefix(_ITEM)) if self.path.startswith(_ITEM) else ""
        if _NAME.fullmatch(name) is None or len(name.encode()) > 200:
            raise _Refused(HTTPStatus.NOT_FOUND, f"post to {_ITEM}NAME; a name has letters, digits and any of ' .+-_'")
        return name

    def _receive(self, name: str) -> Taken:
        """Write the body to a folder of its own and hand it to the gate."""
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit() and len(length) < 16):
            raise _Refused(HTTPStatus.LENGTH_REQUIRED, "say the length of the body in Content-Length")
        if int(length) > self.server.gate.policy.largest_bytes:
            raise _Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "larger than this gate admits")
        upload = self.server.gate.store.root / "inbox" / f".upload-{secrets.token_hex(8)}"
        upload.mkdir(mode=0o700)
        path = upload / name
        try:
            self._write_body(path, int(length))
            return self.server.gate.store.take(path)
        finally:
            path.unlink(missing_ok=True)
            upload.rmdir()

    def _write_body(self, path: Path, length: int) -> None:
        with path.open("xb") as file:
            left = length
            while left:
                block = self.rfile.read(min(left, _BLOCK))
                if not block:
                    raise _Refused(HTTPStatus.BAD_REQUEST, "the body ended too early")
                file.write(block)
                left -= len(block)
            file.flush()
            os.fsync(file.fileno())

    def _signed_decision(self) -> bytes:
        asked = _DECISION.fullmatch(self.path)
        store = self.server.gate.store
        path = None if asked is None else store.decisions / store.decision_file(asked[1])
        if path is None or not path.is_file():
            raise _Refused(HTTPStatus.NOT_FOUND, "there is no such decision")
        return path.read_bytes()

    def _send(self, status: HTTPStatus, body: bytes) -> None:
        self.close_connection = True
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        if status == HTTPStatus.UNAUTHORIZED:
            self.send_header("WWW-Authenticate", "Bearer")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Say nothing here: the decisions are on the log."""


def _as_json(decided: Decided) -> bytes:
    return canonical_json(
        {
            "ticket": decided.ticket,
            "item": decided.decision.item,
            "outcome": decided.decision.outcome,
            "reasons": [reason.to_json() for reason in decided.decision.reasons],
            "files": [file.to_json() for file in decided.decision.files],
        }
    )
