"""A sample that anyone can draw again and nobody can choose: rows in the order of a hash."""

from __future__ import annotations

import hashlib


def drawn(digest: str, rows: int, size: int) -> list[int]:
    """The first `size` of `rows` rows, numbered from 0, in the order of the SHA-256 of `digest/row`.

    `digest` is that of the file that holds the rows: whoever changes a row to escape draws anew. By hand, the place of
    the first row is that of `printf 'sha256:…/0' | sha256sum`.

    >>> drawn("sha256:00", 5, 3)
    [3, 0, 4]
    """
    order = sorted(range(rows), key=lambda row: hashlib.sha256(f"{digest}/{row}".encode()).digest())
    return order[:size]
