"""The Python standard library: what people put into a pickle without any framework."""

from __future__ import annotations

import array
import collections
import datetime
import decimal
import enum
import fractions
import functools
import io
import ipaddress
import operator
import pathlib
import pickle
import random
import re
import types
import uuid
import zoneinfo
from argparse import Namespace
from typing import Any

from benign_room import SEED, Room


def make(room: Room) -> None:
    """The same things in all protocols, and things of their own that only newer protocols hold."""
    for protocol in range(6):
        for name, thing in _things().items():
            if protocol in (0, 2, 4, 5) or name in {"containers", "numbers"}:
                place = room.file(f"python/{name}-{protocol}.pkl", "pickle", "python")
                place.write_bytes(pickle.dumps(thing, protocol=protocol))
    buffers = [io.BytesIO(b"abc"), io.StringIO("text")]
    room.file("python/buffers.pkl", "pickle", "python").write_bytes(pickle.dumps(buffers))
    several = room.file("python/several-streams.pkl", "pickle", "python")
    several.write_bytes(pickle.dumps({"part": 1}) + pickle.dumps({"part": 2}))
    vocabulary = {f"word{number}": number for number in range(3000)}
    room.file("python/vocabulary.pkl", "pickle", "python").write_bytes(pickle.dumps(vocabulary))
    shared = [1, 2]
    shared.append(shared)  # type: ignore[arg-type]
    room.file("python/recursive.pkl", "pickle", "python").write_bytes(pickle.dumps(shared))
    long = {"text": "x" * 70_000, "bytes": bytes(70_000), "number": 1 << 3000, "unicode": "中文" * 200}
    room.file("python/long-values.pkl", "pickle", "python").write_bytes(pickle.dumps(long))
    room.file("python/bytes-4.pkl", "pickle", "python").write_bytes(pickle.dumps([b"a\x00", bytearray(b"b")], 4))


def _things() -> dict[str, Any]:
    return {
        "containers": {
            "list": [1, "two", b"three", None, True, 2.5],
            "tuple": ((), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)),
            "set": {1, 2, 3},
            "frozenset": frozenset("abc"),
            "nested": {"a": [{"b": [{"c": ()}]}]},
            "complex": 1 + 2j,
            "range": range(2, 9, 3),
            "slice": slice(1, None),
            "bytearray": bytearray(b"xyz"),
        },
        "numbers": [
            0,
            -1,
            255,
            65536,
            2**40,
            -(2**70),
            0.1,
            float("inf"),
            decimal.Decimal("1.50"),
            fractions.Fraction(1, 3),
        ],
        "collections": [
            collections.OrderedDict(a=1),
            collections.Counter("hello"),
            collections.defaultdict(list, a=[1]),
            collections.deque([1, 2], maxlen=4),
            collections.ChainMap({"a": 1}),
        ],
        "times": [
            datetime.datetime(2026, 1, 2, 3, 4, tzinfo=datetime.UTC),
            datetime.date(2026, 1, 2),
            datetime.timedelta(days=1),
            datetime.time(1, 2),
            datetime.timezone(datetime.timedelta(hours=8)),
            datetime.datetime(2026, 1, 2, tzinfo=zoneinfo.ZoneInfo("Asia/Shanghai")),
        ],
        "names-and-places": [
            pathlib.PurePosixPath("models/one"),
            pathlib.Path("data"),
            uuid.UUID(int=SEED),
            ipaddress.ip_address("192.0.2.1"),
            ipaddress.ip_network("2001:db8::/32"),
        ],
        "settings": [Namespace(lr=0.1, layers=[1, 2]), types.SimpleNamespace(a=1), re.compile(r"\w+", re.IGNORECASE)],
        "arrays": [array.array("d", [1.0, 2.0]), array.array("i", [1, 2])],
        "functions": [
            functools.partial(int, base=2),
            operator.itemgetter(1),
            operator.attrgetter("name"),
            len,
            str.upper,
            max,
            type(None),
            type(...),
        ],
        "errors": [ValueError("no"), KeyError("a"), RuntimeError("b", 1)],
        "random": random.Random(SEED),
        "enumerations": [enum.Enum, re.IGNORECASE | re.MULTILINE],
    }
