"""What a worker may say to its parent: frames of bounded size, parsed without trusting the worker.

A frame is one line of JSON (`kind`, `size` and a few strings), then `size` bytes. The parent reads them from a
socket that belongs to this worker alone, so that one worker cannot speak for another.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass

from touchstone.errors import TouchstoneError

LARGEST_HEADER = 4096
LARGEST_FRAME = 64 * 1024 * 1024
LARGEST_TOTAL = 512 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Frame:
    """One message: what it is, further strings about it, and its bytes."""

    kind: str
    about: dict[str, str]
    content: bytes


def encode(kind: str, content: bytes = b"", **about: str) -> bytes:
    """One frame as bytes."""
    return json.dumps({"kind": kind, "size": str(len(content)), **about}).encode() + b"\n" + content


def send(channel: socket.socket, kind: str, content: bytes = b"", **about: str) -> None:
    """Send one frame, whole."""
    channel.sendall(encode(kind, content, **about))


def receive(channel: socket.socket) -> Frame:
    """Wait for one whole frame (the worker's side, which trusts its parent)."""
    parser = Parser()
    while True:
        data = channel.recv(65536)
        if not data:
            raise TouchstoneError("the parent closed the channel before the request was whole")
        for frame in parser.feed(data):
            return frame


class Parser:
    """Cuts a byte stream into frames, however it arrives. Raises `TouchstoneError` on anything malformed."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._total = 0

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Take more bytes; give every frame that is now complete."""
        self._buffer += data
        self._total += len(data)
        if self._total > LARGEST_TOTAL:
            raise TouchstoneError("the worker sent more than it may")
        while True:
            end = self._buffer.find(b"\n", 0, LARGEST_HEADER + 1)
            if end < 0:
                if len(self._buffer) > LARGEST_HEADER:
                    raise TouchstoneError("the worker sent a header without end")
                return
            header = self._header(bytes(self._buffer[:end]))
            size = int(header.pop("size"))
            if len(self._buffer) < end + 1 + size:
                return
            content = bytes(self._buffer[end + 1 : end + 1 + size])
            del self._buffer[: end + 1 + size]
            yield Frame(header.pop("kind"), header, content)

    @staticmethod
    def _header(line: bytes) -> dict[str, str]:
        try:
            header = json.loads(line)
        except (ValueError, RecursionError):
            raise TouchstoneError("the worker sent a header that is not JSON") from None
        strings = isinstance(header, dict) and all(isinstance(value, str) for value in header.values())
        if not strings or "kind" not in header or not header.get("size", "").isdecimal():
            raise TouchstoneError("the worker sent a header of the wrong shape")
        if len(header["size"]) > 10 or int(header["size"]) > LARGEST_FRAME:
            raise TouchstoneError("the worker sent a frame larger than it may")
        return {str(key): value for key, value in header.items()}
