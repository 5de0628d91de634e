"""Weights and small model formats: safetensors, skops, message packs, R, XGBoost and friends."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import struct
from collections.abc import Iterator
from typing import Any

from hostile_opcodes import getpid, push, stream
from hostile_units import Class, Unit
from hostile_zip_writer import member, zipped


def units() -> Iterator[Unit]:
    """All of them."""
    yield from _safetensors()
    yield from _skops()
    yield from _msgpack()
    yield from _r()
    yield from _boosting()


def safetensors(header: bytes | dict[str, Any], data: bytes = bytes(16), length: int | None = None) -> bytes:
    """A file: length, header, tensors."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def _safetensors() -> Iterator[Unit]:
    def entry(start: int = 0, end: int = 16, shape: list[int] | None = None, dtype: str = "F32") -> dict[str, Any]:
        return {"dtype": dtype, "shape": [4] if shape is None else shape, "data_offsets": [start, end]}

    integrity: dict[str, tuple[bytes, str]] = {
        "header-beyond": (safetensors({"w": entry()}, length=2**40), "the header is longer than the file"),
        "header-huge": (safetensors({"w": entry()}, length=2**63), "a header of 2^63 bytes"),
        "duplicate-key": (
            safetensors(
                b'{"w":{"dtype":"F32","shape":[4],"data_offsets":[0,16]},"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}'
            ),
            "one tensor name twice",
        ),
        "overlap": (safetensors({"a": entry(), "b": entry(8, 16, [2])}), "two tensors share bytes"),
        "gap": (safetensors({"a": entry(0, 8, [2]), "b": entry(12, 16, [1])}), "bytes no tensor owns"),
        "gap-at-start": (safetensors({"a": entry(8, 16, [2])}), "bytes before the first tensor"),
        "tail": (safetensors({"w": entry()}) + b"planted" * 30, "bytes follow the tensors"),
        "tail-pickle": (safetensors({"w": entry()}) + stream(getpid()), "a pickle follows the tensors"),
        "size-mismatch": (safetensors({"w": entry(shape=[400])}), "a tensor has fewer bytes than its shape"),
        "offsets-reversed": (safetensors({"w": entry(16, 0)}), "offsets run backwards"),
        "offsets-beyond": (safetensors({"w": entry(0, 2**40)}), "a tensor beyond the file"),
        "negative-shape": (safetensors({"w": entry(shape=[-4])}), "a negative dimension"),
        "unknown-dtype": (safetensors({"w": entry(dtype="PLANTED")}), "an unknown type"),
        "not-json": (safetensors(b"{'w': planted}"), "the header is no JSON"),
        "leading-space": (
            safetensors(b"   " + json.dumps({"w": entry()}).encode()),
            "the header does not begin with a brace",
        ),
        "metadata-number": (safetensors({"__metadata__": {"a": 1}, "w": entry()}), "metadata that is no text"),
        "elf-tensor": (
            safetensors(
                {"w": entry(0, 256, [64])},
                (b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HHI", 3, 62, 1)).ljust(256, b"\0"),
            ),
            "a tensor is a program",
        ),
        "pickle-tensor": (
            safetensors({"w": entry(0, 64, [64], "U8")}, stream(getpid()).ljust(64, b"\0")),
            "a tensor is a hostile pickle",
        ),
        "infinity": (
            safetensors(b'{"w":{"dtype":"F32","shape":[4],"data_offsets":[0,16]},"__metadata__":{"a":NaN}}'),
            "the header has NaN",
        ),
    }
    for way, (data, threat) in integrity.items():
        yield _unit(f"safetensors/{way}.safetensors", data, "safetensors", threat, "integrity", "safetensors")
    overflow = safetensors({"w": entry(shape=[2**32, 2**32])})
    yield _unit(
        "safetensors/shape-overflow.safetensors",
        overflow,
        "safetensors",
        "a shape whose product overflows",
        "resource",
        "safetensors",
    )
    deep = safetensors(b'{"w":' + b"[" * 100_000 + b"]" * 100_000 + b"}")
    yield _unit(
        "safetensors/nesting.safetensors",
        deep,
        "safetensors",
        "a header nested 100,000 deep",
        "resource",
        "safetensors",
    )


def _skops() -> Iterator[Unit]:
    """Source: skops/io/_audit.py and the node classes beside it."""

    def skops(schema: dict[str, Any], *members: Any) -> bytes:
        whole = {"protocol": 2, "_skops_version": "0.13.0", **schema}
        return zipped([member("schema.json", json.dumps(whole).encode()), *members])

    def node(module: str, name: str, loader: str, **more: Any) -> dict[str, Any]:
        return {"__class__": name, "__module__": module, "__loader__": loader, "__id__": 1, **more}

    listed = {"content": [node("builtins", "str", "JsonNode", content='"echo planted"')]}
    planted = {
        "function-os": node("os", "system", "FunctionNode"),
        "function-eval": node("builtins", "eval", "FunctionNode"),
        "type-popen": node("subprocess", "Popen", "TypeNode"),
        "object-popen": node("subprocess", "Popen", "ObjectNode", content=None),
        "object-unknown": node(
            "planted_module",
            "Planted",
            "ObjectNode",
            content=node(
                "builtins", "dict", "DictNode", content={}, key_types=node("builtins", "list", "ListNode", content=[])
            ),
        ),
        "method-os": node(
            "builtins", "method", "MethodNode", content={"func": "system", "obj": node("os", "path", "TypeNode")}
        ),
        "partial-os": node(
            "functools",
            "partial",
            "PartialNode",
            content={
                "func": node("os", "system", "FunctionNode"),
                "args": node("builtins", "tuple", "TupleNode", **listed),
                "kwds": node(
                    "builtins",
                    "dict",
                    "DictNode",
                    content={},
                    key_types=node("builtins", "list", "ListNode", content=[]),
                ),
                "namespace": None,
            },
        ),
        "methodcaller": node(
            "operator", "methodcaller", "OperatorFuncNode", attrs=node("builtins", "tuple", "TupleNode", **listed)
        ),
        "reduce": node("builtins", "object", "ReduceNode", reduce={"args": node("os", "system", "FunctionNode")}),
        "in-list": node(
            "builtins",
            "list",
            "ListNode",
            content=[
                node(
                    "builtins",
                    "dict",
                    "DictNode",
                    content={"a": node("os", "system", "FunctionNode")},
                    key_types=node("builtins", "list", "ListNode", content=[]),
                )
            ],
        ),
        "dotted": node("sklearn", "os.system", "FunctionNode"),
    }
    for way, schema in planted.items():
        yield Unit(
            f"skops/{way}.skops",
            skops(schema),
            "code",
            "skops",
            f"{schema['__module__']}.{schema['__class__']} by {schema['__loader__']}",
            "skops.io.load with that type trusted",
            "a type outside the reviewed ones",
        )
    array = node("numpy", "ndarray", "NdArrayNode", type="numpy", file="planted.npy")
    from hostile_numpy import npy

    yield Unit(
        "skops/object-array.skops",
        skops(array, member("planted.npy", npy("'|O'", stream(push([getpid()]))))),
        "code",
        "skops",
        "an object array: its elements are a pickle",
        "numpy.load of the member",
        "call of os.getpid in an object array",
    )
    yield Unit(
        "skops/traversal.skops",
        skops(array | {"file": "../../planted.npy"}),
        "integrity",
        "skops",
        "a member's name climbs out",
        "skops.io.load",
        "path out of the archive",
    )
    yield Unit(
        "skops/unknown-loader.skops",
        skops(node("builtins", "list", "PlantedNode")),
        "integrity",
        "skops",
        "an unknown kind of node",
        "skops.io.load",
        "unknown node",
    )


def _msgpack() -> Iterator[Unit]:
    """Source: the MessagePack specification; flax/serialization.py (extension types 1 to 3)."""
    array = b"\x93" + b"\x91\x04" + b"\xa7float32" + b"\xc4\x10" + bytes(16)
    extension = b"\xc7" + bytes([len(array), 1]) + array
    payload = stream(getpid())
    odd: dict[str, tuple[bytes, str, Class]] = {
        "extension-unknown": (
            b"\x81\xa1w" + b"\xc7" + bytes([len(payload), 42]) + payload,
            "an unknown extension type that holds a pickle",
            "integrity",
        ),
        "pickle-bytes": (
            b"\x82\xa1w" + extension + b"\xa1p" + b"\xc4" + bytes([len(payload)]) + payload,
            "bytes that are a hostile pickle",
            "integrity",
        ),
        "tail": (b"\x81\xa1w" + extension + b"planted" * 20, "bytes follow the message", "integrity"),
        "object-dtype": (
            b"\x81\xa1w" + b"\xc7\x14\x01" + b"\x93\x91\x01\xa6object\xc4\x09" + bytes(9),
            "an array of objects",
            "integrity",
        ),
        "array-length": (b"\xdd\xff\xff\xff\xff", "an array of 2^32 items", "resource"),
        "map-length": (b"\xdf\xff\xff\xff\xff", "a map of 2^32 items", "resource"),
        "nesting": (b"\x91" * 100_000 + b"\xc0", "arrays nested 100,000 deep", "resource"),
        "duplicate-key": (b"\x82\xa1w\x01\xa1w\x02", "one key twice", "integrity"),
    }
    for way, (data, threat, kind) in odd.items():
        yield _unit(f"msgpack/{way}.msgpack", data, "msgpack", threat, kind, "flax.serialization")


def _r() -> Iterator[Unit]:
    """R's serialisation: a promise holds an expression that is evaluated when it is looked at (CVE-2024-27322)."""

    def word(*values: int) -> bytes:
        return struct.pack(f">{len(values)}i", *values)

    def symbol(name: str) -> bytes:
        return word(1) + word(0x40009, len(name)) + name.encode()

    def chars(value: str) -> bytes:
        return word(16, 1) + word(0x40009, len(value)) + value.encode()

    nil = word(254)
    cell = symbol("system") + word(2) + chars("echo planted") + nil
    call = word(6) + cell  # LANGSXP: system("echo planted")
    promise = word(0x405) + word(253) + word(252) + call  # PROMSXP: environment (global), value (unbound), expression
    bare = word(5) + word(252) + call
    head = word(2, 0x040301, 0x020300)
    head3 = word(3, 0x040301, 0x030500) + word(5) + b"UTF-8"
    forms = {
        "promise.rds": gzip.compress(b"X\n" + head + promise, mtime=0),
        "promise-plain.rds": b"X\n" + head + bare,
        "promise-bz2.rds": bz2.compress(b"X\n" + head + promise),
        "promise-xz.rds": lzma.compress(b"X\n" + head + promise),
        "promise-v3.rds": gzip.compress(b"X\n" + head3 + promise, mtime=0),
        "promise-in-list.rds": gzip.compress(b"X\n" + head + word(19, 2) + chars("weights") + promise, mtime=0),
        "promise-as-attribute.rds": gzip.compress(
            b"X\n" + head + word(0x200 | 19, 0) + word(0x402) + symbol("names") + promise + nil, mtime=0
        ),
        "call.rds": gzip.compress(b"X\n" + head + call, mtime=0),
        "bytecode.rds": gzip.compress(b"X\n" + head + word(21, 0) + nil, mtime=0),
        "workspace.rdata": gzip.compress(b"RDX2\nX\n" + head + word(0x402) + symbol("model") + promise + nil, mtime=0),
    }
    for name, data in forms.items():
        acts = name not in {"call.rds", "bytecode.rds"}
        yield Unit(
            f"r/{name}",
            data,
            "code",
            "rds",
            "a promise calls system when the object is looked at"
            if acts
            else "an unevaluated call or byte code in the data",
            "readRDS, load",
            "a promise, call or byte code",
        )
    yield _unit(
        "r/length-bomb.rds",
        gzip.compress(b"X\n" + head + word(14, -1, 2**30, 0), mtime=0),
        "rds",
        "a vector of 2^62 numbers",
        "resource",
        "readRDS",
    )


def _boosting() -> Iterator[Unit]:
    wrapped = stream(push({"booster": getpid(), "objective": "binary:logistic"}))
    for name in ("xgboost.model", "lightgbm.txt", "catboost.cbm", "model.ubj", "model.bst"):
        yield Unit(
            f"pickle/wrapper/{name}",
            wrapped,
            "code",
            "pickle",
            f"a pickled wrapper called {name}",
            "pickle.load",
            "call of os.getpid",
            "pickle",
            "os:getpid",
        )
    nested = b'{"learner":' + b"[" * 100_000 + b"]" * 100_000 + b',"version":[2,1,0]}'
    yield _unit(
        "boosting/nesting.json", nested, "xgboost json", "JSON nested 100,000 deep", "resource", "xgboost.Booster"
    )
    yield _unit(
        "boosting/array-claim.ubj",
        b"{L" + struct.pack(">q", 7) + b"learner[$d#L" + struct.pack(">q", 2**60),
        "ubjson",
        "an array of 2^60 floats",
        "resource",
        "xgboost.Booster",
    )
    yield _unit(
        "boosting/nothing-bomb.ubj",
        b"{L" + struct.pack(">q", 7) + b"learner[$Z#L" + struct.pack(">q", 2**60) + b"}",
        "ubjson",
        "2^60 nulls in 20 bytes",
        "resource",
        "xgboost.Booster",
    )
    yield _unit(
        "boosting/tail.ubj",
        b"{L" + struct.pack(">q", 7) + b"learner{}}" + b"planted" * 30,
        "ubjson",
        "bytes follow the object",
        "integrity",
        "xgboost.Booster",
    )


def _unit(path: str, data: bytes, format_: str, threat: str, kind: Class, loader: str) -> Unit:
    return Unit(path, data, kind, format_, threat, loader, threat)
