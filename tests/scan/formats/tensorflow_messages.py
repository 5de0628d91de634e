"""TensorFlow graphs for tests. Field numbers from tensorflow/core/framework/*.proto."""

from __future__ import annotations

from tests.scan.protobuf_writer import block, number


def attribute(key: str, value: bytes) -> bytes:
    """One entry of a node's attributes."""
    return block(5, block(1, key) + block(2, value))


def node(name: str, operator: str, inputs: tuple[str, ...] = (), attributes: bytes = b"") -> bytes:
    """NodeDef."""
    return block(1, name) + block(2, operator) + b"".join(block(3, each) for each in inputs) + attributes


def text_constant(name: str, text: str) -> bytes:
    """A constant of one text."""
    tensor = number(1, 7) + block(2, b"") + block(8, text)
    return node(name, "Const", (), attribute("dtype", number(6, 7)) + attribute("value", block(8, tensor)))


def call(name: str, function: str, inputs: tuple[str, ...]) -> bytes:
    """A call of a function of the library."""
    return node(name, "StatefulPartitionedCall", inputs, attribute("f", block(10, block(1, function))))


def function(name: str, arguments: tuple[str, ...], *nodes: bytes) -> bytes:
    """FunctionDef."""
    signature = block(1, name) + b"".join(block(2, block(1, each) + number(3, 7)) for each in arguments)
    return block(1, signature) + b"".join(block(3, each) for each in nodes)


def graph(nodes: tuple[bytes, ...], functions: tuple[bytes, ...] = ()) -> bytes:
    """GraphDef."""
    library = block(2, b"".join(block(1, each) for each in functions)) if functions else b""
    return b"".join(block(1, each) for each in nodes) + library + block(4, number(1, 1882))


def meta_graph(graph_def: bytes, more: bytes = b"") -> bytes:
    """MetaGraphDef."""
    return block(1, block(4, "serve") + block(5, "2.21.0")) + block(2, graph_def) + more


def saved_model(graph_def: bytes, more: bytes = b"") -> bytes:
    """SavedModel."""
    return number(1, 1) + block(2, meta_graph(graph_def, more))
