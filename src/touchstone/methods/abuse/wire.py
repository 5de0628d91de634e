"""Requests that lie about themselves below the level of JSON: lengths, chunks, lines and headers that do not fit.

Every entry is a complete stream of bytes; the sender closes its side after the last one. A service answers with an
error or hangs up. What it may not do is wait for ever, answer as if all were well, or fail.

Source: RFC 9112 (HTTP/1.1) 3, 5, 6.3, 7.1; Klein 2020 and Kettle 2019 on request smuggling.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

LONG = 256 * 1024
"""Bytes of a request line or header: more than any server is known to take by default."""
MANY = 5_000
"""Header fields of one request."""


@dataclass(frozen=True, slots=True)
class HostileStream:
    """The bytes of one request. A `lenient` one may be answered as well, because readers are told to be tolerant."""

    kind: str
    content: bytes
    lenient: bool = False


def hostile_streams(path: str, headers: bytes, body: bytes) -> Iterator[HostileStream]:
    """Streams derived from a legal `POST` of `body` to `path`.

    `headers` are complete lines, each ended by CRLF, without `Content-Length` and `Transfer-Encoding`.
    """
    start = f"POST {path} HTTP/1.1\r\n".encode()
    length, chunked = f"Content-Length: {len(body)}\r\n".encode(), b"Transfer-Encoding: chunked\r\n"

    def request(fields: bytes, content: bytes, first: bytes = start) -> bytes:
        return first + headers + fields + b"\r\n" + content

    yield HostileStream("body-too-short", request(f"Content-Length: {len(body) + 1000}\r\n".encode(), body))
    for lie in (b"-1", b"+" + str(len(body)).encode(), b"0x10", b"1e3", b"", b"9" * 30, b"\xb2"):
        yield HostileStream("senseless-length", request(b"Content-Length: " + lie + b"\r\n", body))
    other = f"Content-Length: {len(body) // 2}\r\n".encode()
    yield HostileStream("two-lengths", request(other + length, body))
    yield HostileStream("length-and-chunks", request(length + chunked, b"0\r\n\r\n" + body))
    for size in (b"ffffffffffffffff", b"-1", b"zz", b"7fffffffffffffff"):
        yield HostileStream("lying-chunk", request(chunked, size + b"\r\n" + body + b"\r\n0\r\n\r\n"))
    yield HostileStream("unfinished-chunks", request(chunked, f"{len(body):x}\r\n".encode() + body))
    yield HostileStream("unknown-encoding", request(b"Transfer-Encoding: chunked, x-unknown\r\n", body))
    yield HostileStream("long-line", request(length, body, b"POST /" + b"a" * LONG + b" HTTP/1.1\r\n"))
    yield HostileStream("long-header", request(length + b"X-Long: " + b"a" * LONG + b"\r\n", body))
    many = b"".join(b"X-%d: a\r\n" % number for number in range(MANY))
    yield HostileStream("many-headers", request(many + length, body))
    yield HostileStream("no-colon", request(length + b"this is no header\r\n", body), lenient=True)
    yield HostileStream("nul-in-header", request(length + b"X-Nul: a\x00b\r\n", body), lenient=True)
    yield HostileStream("bare-line-feeds", request(length, body).replace(b"\r\n", b"\n"), lenient=True)
    yield HostileStream("unknown-version", request(length, body, start.replace(b"1.1", b"7.9")))
    yield HostileStream("unknown-method", request(length, body, start.replace(b"POST", b"BREW")))
    yield HostileStream("no-request", bytes(range(256)) * 4)
    yield HostileStream("no-request", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200))
