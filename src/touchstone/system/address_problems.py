"""Rules for the addresses of services."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from touchstone.documents import FieldPath
from touchstone.system.problem import Problem
from touchstone.text import Text


def address_problems(at: FieldPath, url: str) -> Iterator[Problem]:
    """A service is reached by plain http or https; a password in its address would end up in the evidence."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or any(character.isspace() for character in url):
        yield Problem(
            at,
            Text("is not an http or https URL", "不是 http 或 https URL"),
            Text("for example `https://models.example.org:8443`", "例如 `https://models.example.org:8443`"),
        )
    elif parts.username is not None or parts.password is not None:
        yield Problem(
            at,
            Text("holds a user name or password", "含用户名或口令"),
            Text("remove it: the description is published with the evidence", "请删除：描述会随证据一起公开"),
        )
    elif parts.query or parts.fragment:
        yield Problem(
            at,
            Text("holds a query or fragment", "含查询串或片段"),
            Text("give the base URL only", "只填写基础 URL"),
        )
