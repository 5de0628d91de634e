"""Pickles that exhaust memory, stack or time of their loader."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from hostile_opcodes import MARK, MEMOIZE, NEWOBJ, POP, REDUCE, Raw, call, named, push, stream
from hostile_units import Unit


def units() -> Iterator[Unit]:
    """All of them."""
    yield from _claims()
    yield from _growth()
    yield from _calls()


def _unit(name: str, data: bytes, threat: str, expect: str) -> Unit:
    return Unit(f"pickle/bomb-{name}.pkl", data, "resource", "pickle", threat, "pickle.load", expect)


def _claims() -> Iterator[Unit]:
    """A few bytes that claim many."""
    yield _unit(
        "long-binput",
        stream(push("x") + b"r\xff\xff\xff\x7f", framed=False),
        "LONG_BINPUT at index 2^31-1: the memo table grows to it",
        "memo index beyond reason",
    )
    yield _unit(
        "put-text", stream(push("x", 0) + b"p1000000000\n", protocol=0), "PUT at index 10^9", "memo index beyond reason"
    )
    yield _unit("long4", b"\x80\x02\x8b\xff\xff\xff\x7f" + bytes(16), "LONG4 of 2 GiB", "length beyond the file")
    yield _unit(
        "binbytes8",
        b"\x80\x04\x8e" + struct.pack("<Q", 2**62) + bytes(16),
        "BINBYTES8 of 2^62 bytes",
        "length beyond the file",
    )
    yield _unit(
        "bytearray8",
        b"\x80\x05\x96" + struct.pack("<Q", 2**40) + bytes(16),
        "BYTEARRAY8 of 2^40 bytes, allocated first",
        "length beyond the file",
    )
    yield _unit(
        "binunicode8",
        b"\x80\x04\x8d" + struct.pack("<Q", 2**40) + bytes(16),
        "BINUNICODE8 of 2^40 bytes",
        "length beyond the file",
    )
    yield _unit("binbytes", b"\x80\x03B\xff\xff\xff\xff" + bytes(16), "BINBYTES of 4 GiB", "length beyond the file")
    yield _unit(
        "frame-huge",
        b"\x80\x04\x95" + struct.pack("<Q", 2**62) + push(None) + b".",
        "a frame of 2^62 bytes",
        "frame beyond the file",
    )
    yield _unit(
        "negative-long4", b"\x80\x02\x8b\x00\x00\x00\x80" + bytes(16), "LONG4 of a negative length", "negative length"
    )


def _growth() -> Iterator[Unit]:
    """Small streams that build large objects."""
    yield _unit(
        "nested-lists", stream(b"]" * 200_000 + b"a" * 199_999, framed=False), "lists nested 200,000 deep", "nesting"
    )
    yield _unit(
        "nested-tuples", stream(b")" + b"\x85" * 200_000, framed=False), "tuples nested 200,000 deep", "nesting"
    )
    yield _unit(
        "nested-dicts",
        stream(b"}" + b"}K\x01" * 100_000 + b"N" + b"s" * 100_000, framed=False),
        "dictionaries nested 100,000 deep",
        "nesting",
    )
    yield _unit(
        "nested-reduce",
        stream(named("builtins", "list") + b")" + REDUCE + b"\x85" * 100_000, framed=False),
        "a call's result in tuples 100,000 deep",
        "nesting",
    )
    doubling = (
        push([0])
        + MEMOIZE
        + b"".join(b"](" + b"h" + bytes([n]) + b"h" + bytes([n]) + b"e" + MEMOIZE for n in range(60))
    )
    yield _unit("memo-laughs", stream(doubling), "each list holds the one before twice, 60 times", "memo fan-out")
    tuples = (
        push("x") + MEMOIZE + b"".join(b"h" + bytes([n]) + b"h" + bytes([n]) + b"\x86" + MEMOIZE for n in range(60))
    )
    yield _unit(
        "tuple-hash-laughs",
        stream(b"}" + tuples + b"K\x01s", framed=False),
        "a doubling tuple as dictionary key: its hash takes 2^60 steps",
        "memo fan-out as a key",
    )
    yield _unit(
        "dup-flood",
        stream(push("x" * 64) + b"2" * 3_000_000 + MARK + b"1", framed=False),
        "three million DUPs",
        "stack of millions",
    )
    yield _unit(
        "mark-flood",
        stream(MARK * 2_000_000 + b"1" * 2_000_000 + b"N", framed=False),
        "two million marks",
        "stack of millions",
    )
    yield _unit(
        "memoize-flood",
        stream(push("x") + MEMOIZE * 2_000_000, framed=False),
        "two million memo entries",
        "memo of millions",
    )
    yield _unit(
        "long-decimal",
        b"L" + b"9" * 400_000 + b"L\n.",
        "an integer of 400,000 decimal digits (quadratic to read)",
        "integer of absurd length",
    )
    yield _unit("int-decimal", b"I" + b"9" * 400_000 + b"\n.", "the same by INT", "integer of absurd length")


def _calls() -> Iterator[Unit]:
    """Harmless functions with harmful arguments."""
    big = 2**33
    calls = {
        "bytearray": call("builtins", "bytearray", big),
        "bytes": call("builtins", "bytes", big),
        "bytes-newobj": Raw(named("builtins", "bytes") + push((big,)) + NEWOBJ),
        "list-range": call("builtins", "list", call("builtins", "range", 2**40)),
        "set-range": call("builtins", "set", call("builtins", "range", 2**40)),
        "deque-range": call("collections", "deque", call("builtins", "range", 2**40)),
        "bytearray-range": call("builtins", "bytearray", call("builtins", "range", 2**40)),
        "array-range": call("array", "array", "q", call("builtins", "range", 2**40)),
        "pow": call("builtins", "pow", 9, 9**9),
        "mul": call("operator", "mul", "x", 2**34),
        "lshift": call("operator", "lshift", 1, 2**38),
        "zlib": call("zlib", "decompress", zlib.compress(bytes(64 * 2**20), 9)),
        "re": call("re", "match", "(a+)+$", "a" * 40 + "b"),
        "numpy-zeros": call("numpy", "zeros", 2**40),
        "numpy-reconstruct": call("numpy.core.multiarray", "_reconstruct", named("numpy", "ndarray"), (2**40,), b"d"),
        "numpy-dtype": call("numpy", "ndarray", (2**40,)),
        "torch-empty": call("torch", "empty", 2**40),
        "repeat": call("builtins", "list", call("itertools", "repeat", 0)),
        "cycle": call("builtins", "list", call("itertools", "cycle", [0])),
        "sleep": call("time", "sleep", 10**8),
        "decimal": call("operator", "pow", call("decimal", "Decimal", 9), 10**9),
        "input": call("builtins", "input", "planted"),
    }
    for way, body in calls.items():
        yield _unit(
            f"call-{way}",
            stream(body, POP, push({"weights": [0.5]})),
            f"a harmless function made to exhaust its caller ({way})",
            "unbounded allocation or loop by a call",
        )
