"""Timestamping: over a real HTTP connection, and as part of an assessment."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from touchstone.errors import EvidenceError
from touchstone.evidence.timestamp import Authority, stamp_of
from touchstone.laboratory.timestamp_authority import CERTIFICATES, KEY, TimestampAuthority
from touchstone.laboratory.timestamp_server import serve_timestamps
from touchstone.laboratory.timestamping import OwnAuthority, RemoteAuthority

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
POLICY = "1.3.6.1.4.1.99999.1"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> TimestampAuthority:
    return TimestampAuthority.create(tmp_path_factory.mktemp("tsa"), "Example", None, datetime(2026, 1, 1, tzinfo=UTC))


@pytest.fixture(scope="module")
def address(authority: TimestampAuthority) -> Iterator[str]:
    with serve_timestamps(authority, ("127.0.0.1", 0), lambda: NOW, POLICY) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_an_authority_answers_over_http(authority: TimestampAuthority, address: str) -> None:
    pinned = Authority(authority.certificates)
    for given in (None, pinned):
        token = RemoteAuthority(address, given).stamp(b"signature")
        stamp = stamp_of(token, b"signature", pinned, "token")
        assert (stamp.at, stamp.policy) == (NOW, POLICY)


def test_another_authority_than_the_pinned_one_is_refused_at_once(address: str, tmp_path: Path) -> None:
    other = TimestampAuthority.create(tmp_path, "Other", None, datetime(2026, 1, 1, tzinfo=UTC))
    with pytest.raises(EvidenceError, match="is not by the timestamping authority given"):
        RemoteAuthority(address, Authority(other.certificates)).stamp(b"signature")


def test_ones_own_authority_answers_without_a_network(authority: TimestampAuthority) -> None:
    token = OwnAuthority(authority, lambda: NOW).stamp(b"signature")
    assert stamp_of(token, b"signature", Authority(authority.certificates), "token").at == NOW


@pytest.mark.parametrize("data", [b"", b"a letter", b"0" * 70_000])
def test_the_server_answers_nothing_but_requests(address: str, data: bytes) -> None:
    with pytest.raises(HTTPError) as refused:
        urlopen(Request(address, data), timeout=10)  # noqa: S310 - our own server
    assert refused.value.code in (HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)


def test_an_authority_without_an_address_answer_or_reach_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match="is not the address"):
        RemoteAuthority("file:///etc/passwd")
    with pytest.raises(EvidenceError, match="gives no timestamp"):
        RemoteAuthority("http://127.0.0.1:1").stamp(b"signature")


class Elsewhere(BaseHTTPRequestHandler):
    """Sends everyone on, or answers with a page."""

    def do_POST(self) -> None:
        """Answer by the path that was asked."""
        self.send_response(HTTPStatus.FOUND if self.path == "/moved" else HTTPStatus.OK)
        self.send_header("Location", "http://127.0.0.1:1/")
        self.end_headers()
        self.wfile.write(b"<html>")

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the name it has above
        """Keep quiet."""


@pytest.mark.parametrize(("path", "message"), [("/moved", "gives no timestamp"), ("/page", "is not a granted")])
def test_redirections_and_pages_are_no_timestamps(path: str, message: str) -> None:
    with HTTPServer(("127.0.0.1", 0), Elsewhere) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with pytest.raises(EvidenceError, match=message):
            RemoteAuthority(f"http://127.0.0.1:{server.server_address[1]}{path}").stamp(b"signature")
        server.shutdown()


def test_an_authority_is_made_once(tmp_path: Path) -> None:
    made = TimestampAuthority.create(tmp_path / "tsa", "Example", b"correct horse", NOW)
    assert (tmp_path / "tsa" / KEY).read_bytes().startswith(b"-----BEGIN ENCRYPTED")
    assert TimestampAuthority.open(tmp_path / "tsa", b"correct horse").certificates == made.certificates
    with pytest.raises(EvidenceError, match="exists already"):
        TimestampAuthority.create(tmp_path / "tsa", "Example", None, NOW)
    (tmp_path / "tsa" / CERTIFICATES).unlink()
    with pytest.raises(EvidenceError):
        TimestampAuthority.open(tmp_path / "tsa", b"correct horse")
