"""A writer of ONNX files for tests, nothing but what the tests need.

Field numbers from onnx.proto (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.scan.protobuf_writer import block, number, varint

FLOAT, INT64, STRING = 1, 7, 8


def tensor(name: str, values: NDArray[np.float32]) -> bytes:
    dims = b"".join(number(1, size) for size in values.shape)
    return dims + number(2, FLOAT) + block(8, name) + block(9, values.astype("<f4").tobytes())


ELEMENTS = {
    "float32": 1,
    "uint8": 2,
    "int8": 3,
    "int32": 6,
    "int64": 7,
    "bool": 9,
    "float16": 10,
    "float64": 11,
}


def array(name: str, values: NDArray[Any]) -> bytes:
    """A constant of any element type, as raw bytes."""
    dims = b"".join(number(1, size) for size in values.shape)
    return dims + number(2, ELEMENTS[str(values.dtype)]) + block(8, name) + block(9, values.tobytes())


def listed(name: str, values: NDArray[Any]) -> bytes:
    """A constant of any element type, its values written in the typed field."""
    dims = b"".join(number(1, size) for size in values.shape)
    flat = values.reshape(-1)
    match str(values.dtype):
        case "float32":
            content = block(4, flat.tobytes())
        case "float64":
            content = block(10, flat.tobytes())
        case "int64":
            content = block(7, b"".join(varint(int(item)) for item in flat))
        case "float16":
            content = block(5, b"".join(varint(int(item)) for item in flat.view(np.uint16)))
        case _:
            content = block(5, b"".join(varint(int(item)) for item in flat))
    return dims + number(2, ELEMENTS[str(values.dtype)]) + content + block(8, name)


def external_tensor(name: str, location: str) -> bytes:
    entry = block(1, "location") + block(2, location)
    return number(1, 2) + number(2, FLOAT) + block(8, name) + block(13, entry) + number(14, 1)


def value(name: str, shape: Sequence[int | str] | None, element: int = FLOAT) -> bytes:
    dimensions = b"".join(block(1, number(1, d) if isinstance(d, int) else block(2, d)) for d in shape or ())
    kind = number(1, element) + (block(2, dimensions) if shape is not None else b"")
    return block(1, name) + block(2, block(1, kind))


def node(operator: str, inputs: Sequence[str], outputs: Sequence[str], *attributes: bytes, domain: str = "") -> bytes:
    ends = b"".join(block(1, name) for name in inputs) + b"".join(block(2, name) for name in outputs)
    return ends + block(4, operator) + b"".join(block(5, item) for item in attributes) + block(7, domain)


def integer_attribute(name: str, content: int) -> bytes:
    return block(1, name) + number(3, content) + number(20, 2)


def float_attribute(name: str, content: float) -> bytes:
    return block(1, name) + varint(2 << 3 | 5) + struct.pack("<f", content) + number(20, 1)


def text_attribute(name: str, content: str) -> bytes:
    return block(1, name) + block(4, content) + number(20, 3)


def floats_attribute(name: str, content: Sequence[float]) -> bytes:
    return block(1, name) + block(7, struct.pack(f"<{len(content)}f", *content)) + number(20, 6)


def integers_attribute(name: str, content: Sequence[int]) -> bytes:
    return block(1, name) + b"".join(number(8, item) for item in content) + number(20, 7)


def strings_attribute(name: str, content: Sequence[str]) -> bytes:
    return block(1, name) + b"".join(block(9, item) for item in content) + number(20, 8)


def tensor_attribute(name: str, content: bytes) -> bytes:
    return block(1, name) + block(5, content) + number(20, 4)


def graph_attribute(name: str, content: bytes) -> bytes:
    return block(1, name) + block(6, content) + number(20, 5)


def attribute(name: str, content: Any) -> bytes:
    """An attribute of the kind that its content has."""
    match content:
        case int():
            return integer_attribute(name, int(content))
        case float():
            return float_attribute(name, content)
        case str():
            return text_attribute(name, content)
        case np.ndarray():
            return tensor_attribute(name, array("", content))
    if content and all(isinstance(item, str) for item in content):
        return strings_attribute(name, content)
    whole = all(isinstance(item, int) for item in content)
    return integers_attribute(name, content) if whole else floats_attribute(name, content)


def operator(name: str, inputs: Sequence[str], outputs: Sequence[str], domain: str = "", **attributes: Any) -> bytes:
    """A node whose attributes are written as Python values."""
    return node(name, inputs, outputs, *(attribute(key, item) for key, item in attributes.items()), domain=domain)


def graph(
    nodes: Sequence[bytes], inputs: Sequence[bytes], outputs: Sequence[bytes], weights: Sequence[bytes] = ()
) -> bytes:
    parts = [*((1, item) for item in nodes), (2, b"g"), *((5, item) for item in weights)]
    ends = [*((11, item) for item in inputs), *((12, item) for item in outputs)]
    return b"".join(block(field, item) for field, item in [*parts, *ends])


def model(graph_bytes: bytes, opsets: dict[str, int] | None = None, *, functions: Sequence[bytes] = ()) -> bytes:
    sets = {"": 17} | (opsets or {})
    return (
        number(1, 8)
        + block(2, "test")
        + block(7, graph_bytes)
        + b"".join(block(8, block(1, domain) + number(2, version)) for domain, version in sets.items())
        + b"".join(block(25, function) for function in functions)
    )


def linear_classifier(
    weights: NDArray[np.float32],
    bias: NDArray[np.float32],
    *,
    softmax: bool = True,
    batch: int | str = "n",
) -> bytes:
    """`softmax(x W + b)` with `W` of shape `(features, classes)`; input `x`, output `y`."""
    features, classes = weights.shape
    nodes = [node("Gemm", ["x", "W", "b"], ["z" if softmax else "y"])]
    if softmax:
        nodes.append(node("Softmax", ["z"], ["y"], integer_attribute("axis", 1)))
    return model(
        graph(
            nodes,
            [value("x", [batch, features])],
            [value("y", [batch, classes])],
            [tensor("W", weights), tensor("b", bias)],
        )
    )
