"""ONNX models that read other files, call foreign operators, or claim more than they have. Source: onnx/onnx.proto."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from hostile_protobuf_writer import message
from hostile_units import Class, Unit

Field = tuple[int, bytes]
_FLOAT = 1


def entry(key: str, value: str) -> bytes:
    """A StringStringEntryProto."""
    return message((1, key), (2, value))


def tensor(
    name: str = "w", *, external: dict[str, str] | None = None, raw: bytes | None = None, dims: tuple[int, ...] = (2,)
) -> bytes:
    """A TensorProto, its bytes here or elsewhere."""
    head = [*[(1, size) for size in dims], (2, _FLOAT), (8, name)]
    if external is None:
        return message(*head, (9, struct.pack("<2f", 0.5, 0.25) if raw is None else raw))
    return message(*head, *[(13, entry(key, value)) for key, value in external.items()], (14, 1))


def node(operator: str, *attributes: bytes, domain: str = "", output: str = "y") -> bytes:
    """A NodeProto."""
    return message(
        (1, "x"),
        (2, output),
        (3, "n"),
        (4, operator),
        *[(5, part) for part in attributes],
        *([(7, domain)] if domain else []),
    )


def graph(*nodes: bytes, initialisers: tuple[bytes, ...] = (), sparse: tuple[bytes, ...] = ()) -> bytes:
    """A GraphProto from x to y."""
    shape = message((1, message((1, _FLOAT), (2, message((1, message((1, 2))))))))
    value = [message((1, name), (2, shape)) for name in ("x", "y")]
    ends = [*[(5, part) for part in initialisers], (11, value[0]), (12, value[1]), *[(15, part) for part in sparse]]
    return message(*[(1, part) for part in nodes or (node("Relu"),)], (2, "g"), *ends)


def model(graph_: bytes, *more: Field, domains: tuple[str, ...] = ()) -> bytes:
    """A ModelProto."""
    imports = [(8, message((1, domain), (2, 1))) for domain in domains]
    return message((1, 9), (2, "planted"), (7, graph_), (8, message((1, ""), (2, 17))), *imports, *more)


def units() -> Iterator[Unit]:
    """All of them."""
    yield from _external()
    yield from _operators()
    yield from _claims()


def _external() -> Iterator[Unit]:
    places = {
        "absolute": "/etc/planted",
        "traversal": "../../planted",
        "traversal-inside": "weights/../../../planted",
        "backslash": "..\\..\\planted",
        "drive": "C:\\planted",
        "share": "\\\\planted.invalid\\share",
        "url": "http://127.0.0.1:9/planted",
        "file-url": "file:///etc/planted",
        "proc": "/proc/self/environ",
        "home": "~/planted",
        "nul": "weights.bin\0../../planted",
        "dot-slash": "./../../planted",
    }
    for way, location in places.items():
        data = model(graph(initialisers=(tensor(external={"location": location}),)))
        yield _unit(f"external-{way}", data, f"weights are read from {location!r}", "external data outside the folder")
    outside = tensor(external={"location": "../../planted"})
    constant = node("Constant", message((1, "value"), (20, 4), (5, outside)))
    inner = graph(constant)
    deeper = {
        "constant": graph(constant),
        "subgraph": graph(node("If", message((1, "then_branch"), (20, 5), (6, inner)))),
        "sub-subgraph": graph(
            node(
                "Loop",
                message((1, "body"), (20, 5), (6, graph(node("If", message((1, "else_branch"), (20, 5), (6, inner)))))),
            )
        ),
        "tensor-list": graph(node("Constant", message((1, "values"), (20, 9), (10, outside)))),
        "graph-list": graph(node("Scan", message((1, "bodies"), (20, 10), (11, inner)))),
        "sparse": graph(sparse=(message((1, outside), (2, tensor("i")), (3, 2)),)),
        "sparse-indices": graph(sparse=(message((1, tensor("v")), (2, outside), (3, 2)),)),
        "subgraph-initialiser": graph(
            node("If", message((1, "then_branch"), (20, 5), (6, graph(initialisers=(outside,)))))
        ),
    }
    for way, graph_ in deeper.items():
        yield _unit(
            f"external-in-{way}",
            model(graph_),
            f"a file above is read by a tensor in a {way}",
            "external data outside the folder",
        )
    body = message((1, "F"), (4, "x"), (5, "y"), (7, constant), (9, message((1, ""), (2, 17))), (10, "planted"))
    yield _unit(
        "external-in-function",
        model(graph(node("F", domain="planted")), (25, body), domains=("planted",)),
        "a file above is read by a tensor in a function",
        "external data outside the folder",
    )
    training = message((1, graph(constant)), (2, graph()))
    yield _unit(
        "external-in-training",
        model(graph(), (20, training)),
        "a file above is read by a tensor of the training graph",
        "external data outside the folder",
    )
    lies = {
        "offset-negative": {"offset": "-1"},
        "length-huge": {"length": str(2**62)},
        "offset-text": {"offset": "planted"},
        "beyond": {"offset": "1000000", "length": "8"},
    }
    for way, extra in lies.items():
        yield Unit(
            f"onnx/external-{way}",
            {
                "model.onnx": model(graph(initialisers=(tensor(external={"location": "w.bin", **extra}),))),
                "w.bin": bytes(64),
            },
            "integrity",
            "onnx",
            f"external data: {way}",
            "onnx.load",
            "external data beyond the file",
        )
    yield Unit(
        "onnx/external-missing",
        {"model.onnx": model(graph(initialisers=(tensor(external={"location": "w.bin"}),)))},
        "integrity",
        "onnx",
        "the weights' file is missing",
        "onnx.load",
        "external data missing",
    )


def _operators() -> Iterator[Unit]:
    named = {
        "custom-domain": ("Run", "planted.operators"),
        "pyop": ("PyOp", "pyopmulti"),
        "extensions": ("PyCustomOp", "ai.onnx.contrib"),
        "python": ("PythonOp", "com.microsoft"),
        "torch-script": ("ATen", "org.pytorch.aten"),
    }
    for way, (operator, domain) in named.items():
        data = model(graph(node(operator, domain=domain)), domains=(domain,))
        yield _unit(
            f"operator-{way}",
            data,
            f"{domain}::{operator} comes from a library that must be loaded, or calls Python",
            "foreign operator",
            loader="onnxruntime with that library",
        )
    inner = graph(node("Run", domain="planted.operators"))
    yield _unit(
        "operator-in-subgraph",
        model(graph(node("If", message((1, "then_branch"), (20, 5), (6, inner)))), domains=("planted.operators",)),
        "a foreign operator in a subgraph",
        "foreign operator",
    )
    body = message((1, "F"), (4, "x"), (5, "y"), (7, node("Run", domain="planted.operators")), (10, "local"))
    yield _unit(
        "operator-in-function",
        model(graph(node("F", domain="local")), (25, body), domains=("local",)),
        "a foreign operator in a local function",
        "foreign operator",
    )
    context = node(
        "EPContext",
        message((1, "ep_cache_context"), (20, 3), (4, "../../planted.so")),
        message((1, "embed_mode"), (20, 2), (3, 0)),
        domain="com.microsoft",
    )
    yield _unit(
        "ep-context",
        model(graph(context), domains=("com.microsoft",)),
        "a compiled engine is loaded from a file above",
        "engine outside the folder",
    )
    shadow = message((1, "Relu"), (4, "x"), (5, "y"), (7, node("Run", domain="planted.operators")), (10, ""))
    yield _unit(
        "shadowed-operator",
        model(graph(), (25, shadow), domains=("planted.operators",)),
        "a local function takes the name of a standard operator",
        "function shadows a standard operator",
    )
    yield _unit(
        "unknown-standard",
        model(graph(node("PlantedOperator"))),
        "an operator that the standard does not have",
        "unknown operator",
        kind="integrity",
    )


def _claims() -> Iterator[Unit]:
    elf = b"\x7fELF\x02\x01\x01" + bytes(200)
    yield _unit(
        "elf-in-raw",
        model(graph(initialisers=(tensor(raw=elf, dims=(52,)),))),
        "a tensor's bytes are a program",
        "a program in a tensor",
        kind="integrity",
    )
    yield _unit(
        "size-mismatch",
        model(graph(initialisers=(tensor(dims=(1000, 1000)),))),
        "a tensor has fewer bytes than its shape",
        "size mismatch",
        kind="integrity",
    )
    yield _unit(
        "negative-dims",
        model(graph(initialisers=(tensor(dims=(-1,)),))),
        "a negative dimension",
        "negative dimension",
        kind="integrity",
    )
    yield _unit(
        "dims-bomb",
        model(graph(node("ConstantOfShape"), initialisers=(tensor(dims=(2**40, 2**20)),))),
        "a tensor of 2^62 bytes",
        "size beyond the file",
        kind="resource",
    )
    yield _unit(
        "tail",
        model(graph()) + b"\0planted" * 40,
        "bytes follow the message",
        "bytes after the message",
        kind="integrity",
    )
    yield _unit("truncated", model(graph())[:-10], "the message is cut short", "message cut short", kind="integrity")
    yield _unit(
        "metadata-script",
        model(graph(), (14, entry("planted", "<script>planted()</script>"))),
        "a script in the metadata",
        "a script in metadata",
        kind="integrity",
    )
    deep = graph()
    for _ in range(400):
        deep = graph(node("If", message((1, "then_branch"), (20, 5), (6, deep))))
    yield _unit("nested-graphs", model(deep), "graphs nested 400 deep", "nesting", kind="resource")


def _unit(
    name: str, data: bytes, threat: str, expect: str, *, kind: Class = "code", loader: str = "onnx.load, onnxruntime"
) -> Unit:
    return Unit(f"onnx/{name}.onnx", data, kind, "onnx", threat, loader, expect)
