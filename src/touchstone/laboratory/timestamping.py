"""Have signatures stamped: by an authority on the network, the only thing ever asked of one, or by one's own."""

from __future__ import annotations

import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from http.client import HTTPException
from typing import Protocol
from urllib.parse import urlsplit

from touchstone.errors import EvidenceError
from touchstone.evidence.timestamp import LARGEST_RESPONSE, Authority, accept, request
from touchstone.laboratory.timestamp_authority import TimestampAuthority
from touchstone.text import Text

_SECONDS = 30


class Stamper(Protocol):
    """Whoever stamps signatures."""

    def stamp(self, signature: bytes) -> bytes:
        """The timestamp of a signature (TimeStampResp, DER). Raises `EvidenceError` when there is none."""


@dataclass(frozen=True, slots=True)
class RemoteAuthority:
    """An authority that answers over HTTP (RFC 3161, section 3.4)."""

    url: str
    authority: Authority | None = None
    """Its certificates, if its answers are to be verified at once."""

    def __post_init__(self) -> None:
        if urlsplit(self.url).scheme not in ("http", "https"):
            raise EvidenceError(
                Text("is not the address of a timestamping authority", "不是时间戳机构的地址"),
                self.url,
                Text("give an http or https address", "请给出 http 或 https 地址"),
            )

    def stamp(self, signature: bytes) -> bytes:
        asked = request(signature)
        return accept(self._post(asked.data), asked, signature, self.authority, self.url)

    def _post(self, data: bytes) -> bytes:
        """One request, without redirections: the address that was given is the one that is asked."""
        opener = urllib.request.OpenerDirector()
        for handler in (
            urllib.request.ProxyHandler(),
            urllib.request.HTTPHandler(),
            urllib.request.HTTPSHandler(),
            urllib.request.HTTPDefaultErrorHandler(),
            urllib.request.HTTPErrorProcessor(),
        ):
            opener.add_handler(handler)
        headers = {"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"}
        try:
            asking = urllib.request.Request(self.url, data, headers)  # noqa: S310 - the scheme was looked at
            with opener.open(asking, timeout=_SECONDS) as answer:
                return bytes(answer.read(LARGEST_RESPONSE + 1))
        except (OSError, HTTPException, ValueError) as error:
            raise EvidenceError(
                Text(f"gives no timestamp: {error}", f"未给出时间戳：{error}"),
                self.url,
                Text("try again with --resume, or leave --tsa out", "请加 --resume 重试，或去掉 --tsa"),
            ) from None


@dataclass(frozen=True, slots=True)
class OwnAuthority:
    """An authority on this machine, with a clock of its own."""

    authority: TimestampAuthority
    clock: Callable[[], datetime]

    def stamp(self, signature: bytes) -> bytes:
        asked = request(signature)
        answer = self.authority.answer(asked.data, self.clock())
        return accept(answer, asked, signature, Authority(self.authority.certificates), "own timestamping authority")
