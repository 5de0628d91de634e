"""Asking witnesses to cosign a log's checkpoint, over HTTP."""

from __future__ import annotations

import urllib.error
import urllib.request
from email.message import Message
from http.client import HTTPException, HTTPResponse
from typing import IO

from touchstone.tlog.cosignature import cosigned_at
from touchstone.tlog.errors import TlogError
from touchstone.tlog.log import Log
from touchstone.tlog.note import LARGEST_NOTE, NoteSignature, VerifierKey, parse_signatures
from touchstone.tlog.witness import SIZE_TYPE, Answer, Submission
from touchstone.tlog.witness_server import PATH

_SECONDS = 30
_ATTEMPTS = 3


def ask_to_cosign(log: Log, url: str, key: VerifierKey) -> NoteSignature:
    """The cosignature of the witness at `url` over the log's present checkpoint, verified with its `key`.

    Raises `TlogError` when the witness cannot be reached, refuses, or answers with anything but its cosignature.
    """
    if not url.startswith(("https://", "http://")):
        raise TlogError("is not an http or https address", url)
    size = 0
    for _ in range(_ATTEMPTS):  # the first learns what the witness knows; others may submit in between
        proof = log.prove_consistency(size, log.checkpoint.size) if size else []
        submission = Submission(size, tuple(proof), log.note, log.checkpoint)
        answer = _post(url.rstrip("/") + PATH, submission.to_bytes())
        if answer.status == 200:
            return _cosignature(log, answer.body, url, key)
        known = _known_size(answer)
        if known is None:
            raise TlogError("refuses to cosign", f"{url} ({answer.status}: {_shown(answer.body)})")
        if known > log.checkpoint.size:
            raise TlogError("has seen a larger tree of this log than there is here: it was rolled back", url)
        if known == size:
            break
        size = known
    raise TlogError("has seen another tree of this log: it was forked", url)


def _known_size(answer: Answer) -> int | None:
    """The size a witness says it knows, when that is what it says."""
    size = answer.body.removesuffix(b"\n")
    says_so = answer.status == 409 and answer.content_type == SIZE_TYPE and size.isdigit() and len(size) < 19
    return int(size) if says_so else None


def _cosignature(log: Log, body: bytes, url: str, key: VerifierKey) -> NoteSignature:
    """The one line that is by the witness we asked."""
    try:
        lines = parse_signatures(body.decode(), url)
    except UnicodeDecodeError:
        lines = ()
    for line in lines:
        if line.claims(key) and cosigned_at(log.note.with_signatures([line]), key) is not None:
            return line
    raise TlogError("answers without a cosignature of its key", url)


def _post(url: str, body: bytes) -> Answer:
    request = urllib.request.Request(url, body, {"Content-Type": "text/plain"}, method="POST")  # noqa: S310 - checked
    try:
        with _OPENER.open(request, timeout=_SECONDS) as response:
            return _read(response.status, response)
    except urllib.error.HTTPError as error:
        with error:
            return _read(error.code, error)
    except (OSError, HTTPException, ValueError) as error:
        raise TlogError("cannot be reached", f"{url} ({error})") from None


def _read(status: int, response: HTTPResponse | urllib.error.HTTPError) -> Answer:
    return Answer(status, response.read(LARGEST_NOTE), response.headers.get_content_type())


def _shown(body: bytes) -> str:
    text = body[:200].decode("utf-8", "replace").strip()
    return "".join(character if character.isprintable() else " " for character in text)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A witness that has moved is another witness."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> None:
        return None


_OPENER = urllib.request.build_opener(_NoRedirect)
