"""Entries as long as those of signed statements, and logs to put them in, for the benchmarks of the log."""

from __future__ import annotations

import hashlib
from pathlib import Path

from touchstone.signatures.keys import generate_log_key, load_log_signing_key
from touchstone.tlog.log import Log

ORIGIN = "benchmark.example.org"
LENGTH = 490


def entry(number: int) -> bytes:
    """The number-th entry: as long as the log entry of a statement, and like no other."""
    return (hashlib.sha256(str(number).encode()).hexdigest() * 8)[:LENGTH].encode()


def entries(count: int) -> list[bytes]:
    """The first entries."""
    return [entry(number) for number in range(count)]


def new_log(folder: Path) -> Log:
    """An empty log in `folder/log`, with a key of its own beside it."""
    generate_log_key(folder / "key", None)
    return Log.create(folder / "log", ORIGIN, load_log_signing_key(folder / "key", None))
