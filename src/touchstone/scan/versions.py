"""Versions in order, as Python (PEP 440) and npm (Semantic Versioning 2.0.0) have it, and what a demand permits."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

Key = tuple[Any, ...]
"""Compares like the version it was made from."""

_PYTHON: Final = re.compile(
    r"v?(?:(?P<epoch>\d+)!)?(?P<release>\d+(?:\.\d+)*)"
    r"(?:[-_.]?(?P<pre>a|b|c|rc|alpha|beta|pre|preview)[-_.]?(?P<pre_number>\d*))?"
    r"(?P<post>-(?P<bare_post>\d+)|[-_.]?(?:post|rev|r)[-_.]?(?P<post_number>\d*))?"
    r"(?P<dev>[-_.]?dev[-_.]?(?P<dev_number>\d*))?"
    r"(?:\+[a-z0-9]+(?:[-_.][a-z0-9]+)*)?",
    re.IGNORECASE,
)
_SEMANTIC: Final = re.compile(r"v?(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?")
_PRE_ORDER: Final = {"a": 0, "alpha": 0, "b": 1, "beta": 1}
_DEMAND: Final = re.compile(r"(===|==|~=|!=|<=|>=|<|>|\^|~|=)?\s*([\w.*+!-]+)")
_LOWEST: Final = (-1,)
_HIGHEST: Final = (float("inf"),)


@lru_cache(8192)
def version_key(version: str, ecosystem: str = "PyPI") -> Key | None:
    """A key by which versions of one ecosystem sort; `None` when this is no version.

    >>> version_key("2.0rc1") < version_key("2.0") < version_key("2.0.post1") < version_key("2.0.1")
    True
    """
    return _semantic_key(version.strip()) if ecosystem == "npm" else _python_key(version.strip())


def _python_key(version: str) -> Key | None:
    parsed = _PYTHON.fullmatch(version)
    if parsed is None or len(version) > 200:
        return None
    release = [int(part[:18]) for part in parsed["release"].split(".")]
    while len(release) > 1 and release[-1] == 0:
        release.pop()
    pre: Key = _HIGHEST
    if parsed["pre"]:
        pre = (_PRE_ORDER.get(parsed["pre"].lower(), 2), int(parsed["pre_number"] or 0))
    elif parsed["dev"] and not parsed["post"]:
        pre = _LOWEST  # a development release comes before all pre-releases
    post: Key = _LOWEST if not parsed["post"] else (int(parsed["bare_post"] or parsed["post_number"] or 0),)
    dev: Key = _HIGHEST if not parsed["dev"] else (int(parsed["dev_number"] or 0),)
    return int(parsed["epoch"] or 0), tuple(release), pre, post, dev


def _semantic_key(version: str) -> Key | None:
    parsed = _SEMANTIC.fullmatch(version)
    if parsed is None or len(version) > 200:
        return None
    numbers = tuple(int((part or "0")[:18]) for part in parsed.groups()[:3])
    if parsed[4] is None:
        return *numbers, 1, ()
    parts = tuple((0, int(part[:18]), "") if part.isdigit() else (1, 0, part) for part in parsed[4].split("."))
    return *numbers, 0, parts


@dataclass(frozen=True, slots=True)
class Permitted:
    """The versions a demand permits, as far as they form one interval."""

    exactly: str = ""
    """The only version, when there is one."""
    at_least: Key | None = None
    below: Key | None = None
    """First version above all permitted ones; `None` when there is no upper bound."""


def permitted(demand: str, ecosystem: str = "PyPI") -> Permitted:
    """Read a demand: `==1.2`, `>=1,<2`, `~=1.4`, `^1.2`, `1.2.3`. What is not understood permits everything."""
    exactly, at_least, below = "", None, None
    for operator, version in _DEMAND.findall(demand):
        if operator in {"==", "===", "=", ""} and "*" not in version and version_key(version, ecosystem):
            exactly = version
            continue
        low, high = _interval(operator, version, ecosystem)
        at_least = max(filter(None, (at_least, low)), default=None)
        below = min(filter(None, (below, high)), default=None)
    return Permitted(exactly, at_least, below)


def _interval(operator: str, version: str, ecosystem: str) -> tuple[Key | None, Key | None]:
    """The first version of an interval and the first above it."""
    plain = re.sub(r"\.?\*$", "", version)
    key = version_key(plain, ecosystem)
    if key is None or operator == "!=":
        return None, None
    if operator in {"<", "<="}:
        return None, key if operator == "<" else (*key, 1)  # just above this version
    if operator in {">", ">="}:
        return key, None
    numbers = [int(number) for number in re.findall(r"\d+", plain.split("-")[0])[:3]]
    if operator == "^":
        changing = next((place for place, number in enumerate(numbers) if number), len(numbers) - 1)
    else:  # `==1.2.*`, `~=1.4`, `~1.2`
        changing = max(len(numbers) - (2 if operator == "~=" else 1), 0)
    upper = [*numbers[:changing], numbers[changing] + 1]
    return key, version_key(".".join(map(str, upper)), ecosystem)
