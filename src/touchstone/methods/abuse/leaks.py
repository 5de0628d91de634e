"""What an answer gives away about the inside of a service: stack traces, paths, exception names, versions.

Source: CWE-209 (error messages with sensitive information), CWE-497; OWASP ASVS 5.0, 13.4 and 16.5.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

_IN_BODY: Final = {
    "stack-trace": re.compile(
        r"Traceback \(most recent call last\)|File \\?\"[^\"\n]{1,300}\", line \d+|"
        r"\bat [\w$.]+\([\w$]+\.(?:java|kt|scala):\d+\)|\bgoroutine \d+ \[|\.(?:go|rs|cc|cpp|cu|js|ts):\d+(?::\d+)?\b|"
        r"thread '[^'\n]*' panicked at"
    ),
    "path": re.compile(
        r"(?<![\w./:-])/(?:home|root|usr|opt|app|srv|var|tmp|etc|mnt|workspace)/[\w.-]|\b[A-Za-z]:\\{1,2}[\w.-]+\\"
    ),
    "exception": re.compile(
        r"\b(?:[a-z_]\w*\.)*[A-Z]\w*(?:Error|Exception)\b(?=\s*[:(]|['\"]?\s*,\s*['\"](?:msg|message))|"
        r"onnxruntime|CUDA error|std::\w+"
    ),
}
_BANNER: Final = re.compile(r"[A-Za-z][\w.-]*/\d+(?:\.\d+)+")
_BANNER_HEADERS: Final = ("server", "x-powered-by", "via", "x-aspnet-version")


def leaks(headers: Mapping[str, str], body: bytes) -> frozenset[str]:
    """Kinds of internals that an answer shows. Header names are in lower case.

    A version counts in the headers that name software, and in a body that is no JSON: a page that the server made.
    """
    text = body.decode("utf-8", "replace")
    found = {kind for kind, pattern in _IN_BODY.items() if pattern.search(text)}
    banners = [headers.get(name, "") for name in _BANNER_HEADERS]
    if not text.lstrip().startswith(("{", "[")):
        banners.append(text)
    if any(_BANNER.search(banner) for banner in banners):
        found.add("version")
    return frozenset(found)
