"""Graphs exported for one batch size, rewritten to take any.

Many exporters write the batch of their example, most often 1, into the graph. Asked sample by sample such a model costs
several times what it would in batches. What says the batch is little: the first size of the input and of the outputs,
noted shapes of values in between, and the target shapes of reshapes. This module changes those bytes and nothing else.

A reshape is changed only where that is provable: the target begins with the batch; it either names all other sizes, so
that the first one follows from them (`-1`), or reshapes a value whose first axis still is the batch (`0`). Whether the
result answers as the original does is for its user to find out; it is no better than that comparison.

Source: onnx.proto (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np

from touchstone.errors import ArtifactError
from touchstone.scan.protobuf import LENGTH, Field, Message
from touchstone.scan.source import Unreadable
from touchstone.system.models.onnx_graph import (
    Numbers,
    OnnxGraph,
    OnnxNode,
    name_of_value,
    onnx_message,
    read_node,
    read_onnx_graph,
    read_tensor,
)

BATCH_NAME: Final = b"touchstone_batch"

_KEEPS_FIRST_AXIS: Final = frozenset(
    [
        *("Conv", "ConvTranspose", "MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool", "LRN"),
        *("BatchNormalization", "InstanceNormalization", "GroupNormalization", "LayerNormalization"),
        *("Relu", "LeakyRelu", "PRelu", "Elu", "Selu", "Celu", "Sigmoid", "HardSigmoid", "HardSwish", "Tanh", "Mish"),
        *("Softplus", "Softsign", "Gelu", "Clip", "Erf", "Exp", "Log", "Sqrt", "Neg", "Abs", "Cast", "Identity"),
        *("Add", "Sub", "Mul", "Div", "Pow", "Sum", "Dropout", "Softmax", "LogSoftmax", "Resize", "Gemm", "MatMul"),
    ]
)
"""Operators whose result has the batch first when their first argument has."""


Change = Callable[[Field], bytes | None]
"""The new content of a field, or `None` to leave the field out."""


def with_free_batch(data: bytes, batch: int, where: str) -> bytes | None:
    """The same model for batches of any size, or `None` where that is not provable for its reshapes."""
    try:
        graph = read_onnx_graph(data, where)
        targets = _new_targets(graph, batch)
        if targets is None:
            return None
        return _rewritten(data, graph, batch, targets)
    except (ArtifactError, Unreadable):
        return None


def _new_targets(graph: OnnxGraph, batch: int) -> dict[str, Numbers] | None:
    """New target shapes by the name of the constant that holds them, or `None` when one cannot be proved."""
    constants = dict(graph.constants)
    for node in graph.nodes:
        if node.operator == "Constant" and isinstance(value := node.attributes.get("value"), np.ndarray):
            constants[node.outputs[0]] = value
        elif node.operator == "Constant" and isinstance(listed := node.attributes.get("value_ints"), tuple):
            constants[node.outputs[0]] = np.array(listed, dtype=np.int64)
    changing = set(graph.sources)
    batch_first = set(graph.sources)
    targets: dict[str, Numbers] = {}
    kept: set[str] = set()
    for node in graph.nodes:
        depends = bool(changing.intersection(node.inputs))
        if depends:
            changing.update(node.outputs)
        if node.operator != "Reshape" or not depends:
            kept.update(node.inputs)
            if depends and _batch_stays_first(node, batch_first):
                batch_first.update(node.outputs[:1])
            continue
        if len(node.inputs) != 2:
            return None
        source, target = node.inputs
        kept.add(source)
        if target not in constants:  # worked out from the shape of a value: that follows the batch by itself
            continue
        wanted = _new_target(constants[target], batch, first=source in batch_first)
        if wanted is None or not np.array_equal(targets.get(target, wanted), wanted):
            return None
        targets[target] = wanted
        if wanted[0] == 0 or constants[target][0] == batch:
            batch_first.update(node.outputs)
    changed = {name for name, wanted in targets.items() if not np.array_equal(wanted, constants[name])}
    if changed & (kept | set(graph.outputs)):  # somebody else reads the same constant
        return None
    return {name: targets[name] for name in changed}


def _batch_stays_first(node: OnnxNode, batch_first: set[str]) -> bool:
    if not node.inputs or node.inputs[0] not in batch_first:
        return False
    if node.operator == "Flatten":
        return node.attributes.get("axis", 1) == 1
    if node.operator in ("ReduceMean", "ReduceSum", "ReduceMax", "Squeeze"):
        axes = node.attributes.get("axes")
        return isinstance(axes, tuple) and bool(axes) and all(isinstance(axis, int) and axis > 0 for axis in axes)
    if node.operator == "Transpose":
        order = node.attributes.get("perm")
        return isinstance(order, tuple) and order[:1] == (0,)
    if node.operator == "Concat":
        return set(node.inputs) <= batch_first and node.attributes.get("axis", 0) != 0
    return node.operator in _KEEPS_FIRST_AXIS and not node.attributes.get("transA", 0)


def _new_target(target: Numbers, batch: int, *, first: bool) -> Numbers | None:
    """A target shape that follows the batch, or `None` when the given one does not show how."""
    if target.ndim != 1 or target.size == 0:
        return None
    sizes = [int(size) for size in target]
    if sizes[0] == 0 and first:
        return target
    if sizes[0] == -1:
        return target if min(sizes[1:], default=1) > 0 else None
    if sizes[0] != batch:
        return None
    if min(sizes[1:], default=1) > 0:
        return np.array([-1, *sizes[1:]], dtype=np.int64)
    return np.array([0, *sizes[1:]], dtype=np.int64) if first else None


def _rewritten(data: bytes, graph: OnnxGraph, batch: int, targets: dict[str, Numbers]) -> bytes:
    sources = set(graph.sources)

    def in_graph(field: Field) -> bytes | None:
        match field.number:
            case 1:
                return _node(data, field.message(), targets)
            case 5:
                name, _ = read_tensor(data, field.message())
                return _shape_tensor(name, targets[name]) if name in targets else _same(data, field)
            case 11:
                given = name_of_value(field.message()) in sources
                return _value(data, field.message(), batch) if given else _same(data, field)
            case 12:
                return _value(data, field.message(), batch)
            case 13:  # noted shapes of values in between
                return None
        return _same(data, field)

    def in_model(field: Field) -> bytes | None:
        return _changed(data, field.message(), in_graph) if field.number == 7 else _same(data, field)

    return _changed(data, onnx_message(data), in_model)


def _changed(data: bytes, message: Message, change: Change) -> bytes:
    """A message with its fields changed."""
    return b"".join(_fields(data, message, change))


def _fields(data: bytes, message: Message, change: Change) -> Iterator[bytes | memoryview]:
    for field in message.fields():
        if field.wire != LENGTH:
            yield memoryview(data)[field.offset : field.start + field.length]
            continue
        content = change(field)
        if content is not None:
            yield _varint(field.number << 3 | LENGTH) + _varint(len(content))
            yield content


def _same(data: bytes, field: Field) -> bytes:
    return data[field.start : field.start + field.length]


def _value(data: bytes, message: Message, batch: int) -> bytes:
    """ValueInfoProto, TypeProto, its Tensor, its TensorShapeProto: the first size made free where it is the batch."""

    def in_shape(shape: Message) -> bytes:
        first = True

        def dimension(field: Field) -> bytes:
            nonlocal first
            leading, first = first and field.number == 1, first and field.number != 1
            if leading and any(part.number == 1 and part.integer() == batch for part in field.message().fields()):
                return _block(2, BATCH_NAME)
            return _same(data, field)

        return _changed(data, shape, dimension)

    def along(path: tuple[int, ...], inner: Message) -> bytes:
        if not path:
            return in_shape(inner)
        return _changed(
            data,
            inner,
            lambda field: along(path[1:], field.message()) if field.number == path[0] else _same(data, field),
        )

    return along((2, 1, 2), message)


def _node(data: bytes, message: Message, targets: dict[str, Numbers]) -> bytes:
    """NodeProto: a Constant that is the target of a reshape gets its new value."""
    node = read_node(data, message)
    if node.operator != "Constant" or node.outputs[0] not in targets:
        return data[message.start : message.end]
    tensor = _shape_tensor("", targets[node.outputs[0]])
    attribute = _block(1, b"value") + _block(5, tensor) + _varint(20 << 3) + _varint(4)
    kept = _changed(data, message, lambda field: None if field.number == 5 else _same(data, field))
    return kept + _block(5, attribute)


def _shape_tensor(name: str, values: Numbers) -> bytes:
    """TensorProto of whole numbers."""
    sizes = _varint(1 << 3) + _varint(values.size) + _varint(2 << 3) + _varint(7)
    return sizes + _block(8, name.encode()) + _block(9, values.astype("<i8").tobytes())


def _block(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | LENGTH) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])
