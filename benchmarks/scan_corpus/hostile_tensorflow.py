"""TensorFlow graphs whose operators reach files, the network or Python: in the graph, and in its function library.

Source: tensorflow/core/protobuf/saved_model.proto, meta_graph.proto, graph.proto; TensorFlow's SECURITY.md, which says
that graphs are programs.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator

from hostile_keras import BYTECODE
from hostile_protobuf_writer import Table, flatbuffer, message
from hostile_units import Class, Unit
from hostile_zip_writer import member, zipped

OPERATORS = {
    "ReadFile": "reads any file",
    "WriteFile": "writes any file",
    "MatchingFiles": "lists folders",
    "PyFunc": "calls Python",
    "PyFuncStateless": "calls Python",
    "EagerPyFunc": "calls Python",
    "WholeFileReaderV2": "reads any file",
    "TextLineDataset": "reads any file",
    "TFRecordDataset": "reads any file",
    "FixedLengthRecordDataset": "reads any file",
    "InitializeTableFromTextFileV2": "reads any file",
    "ImmutableConst": "maps a file into memory",
    "SaveSlices": "writes any file",
    "MergeV2Checkpoints": "renames and deletes files",
    "CreateSummaryFileWriter": "writes any file",
    "SqlDataset": "opens a database",
    "DebugIdentityV2": "sends tensors to a URL",
    "DataServiceDataset": "connects to a server",
    "RpcClient": "connects to a server",
    "PlantedOperator": "calls an operator of a library that must be loaded",
}


def node(name: str, operator: str, *inputs: str, **attributes: bytes) -> bytes:
    """A NodeDef."""
    attrs = [(5, message((1, key), (2, value))) for key, value in attributes.items()]
    return message((1, name), (2, operator), *[(3, source) for source in inputs], *attrs)


def string_const(name: str, value: str) -> bytes:
    """A Const node that holds a text."""
    tensor = message((1, 7), (2, b""), (8, value))
    return node(name, "Const", dtype=message((6, 7)), value=message((8, tensor)))


def graph(*nodes: bytes, library: bytes = b"") -> bytes:
    """A GraphDef."""
    return message(*[(1, part) for part in nodes], (4, message((1, 1882))), *([(2, library)] if library else []))


def function(name: str, *nodes: bytes) -> bytes:
    """A FunctionDef."""
    return message((1, message((1, name))), *[(3, part) for part in nodes])


def saved_model(graph_def: bytes, *more: tuple[int, bytes]) -> bytes:
    """A SavedModel with one MetaGraphDef."""
    about = message((4, "serve"), (5, "2.18.0"))
    return message((1, 1), (2, meta_graph(graph_def, about, *more)))


def meta_graph(graph_def: bytes, about: bytes = b"", *more: tuple[int, bytes]) -> bytes:
    """A MetaGraphDef."""
    return message((1, about or message((5, "2.18.0"))), (2, graph_def), *more)


def acting(operator: str) -> list[bytes]:
    """An operator and a path for it."""
    return [string_const("path", "/nonexistent/planted"), node("planted", operator, "path")]


def units() -> Iterator[Unit]:
    """All of them."""
    for operator, does in OPERATORS.items():
        yield _folder(
            f"graph-{operator}", saved_model(graph(*acting(operator))), f"{operator} in the graph: {does}", operator
        )
    for operator in ("ReadFile", "WriteFile", "PyFunc", "PlantedOperator", "TextLineDataset"):
        library = message((1, function("inner", *acting(operator))))
        called = node("call", "PartitionedCall", f=message((10, message((1, "inner")))))
        yield _folder(
            f"function-{operator}",
            saved_model(graph(called, library=library)),
            f"{operator} within a function of the library",
            operator,
        )
        yield Unit(
            f"tensorflow/frozen-{operator}.pb",
            graph(*acting(operator)),
            "code",
            "tensorflow graph",
            f"{operator} in a frozen graph",
            "tf.import_graph_def",
            operator,
        )
        yield Unit(
            f"tensorflow/meta-{operator}.meta",
            meta_graph(graph(*acting(operator))),
            "code",
            "tensorflow meta graph",
            f"{operator} in a meta graph",
            "tf.train.import_meta_graph",
            operator,
        )
    conditional = message(
        (1, function("branch", *acting("WriteFile"))),
        (1, function("outer", node("if", "If", then_branch=message((10, message((1, "branch"))))))),
    )
    yield _folder(
        "function-in-function",
        saved_model(
            graph(node("c", "StatefulPartitionedCall", f=message((10, message((1, "outer"))))), library=conditional)
        ),
        "WriteFile two functions deep",
        "WriteFile",
    )
    printing = node("p", "PrintV2", "path", output_stream=message((2, "file:///nonexistent/planted")))
    yield _folder(
        "print-to-file",
        saved_model(graph(string_const("path", "planted"), printing)),
        "PrintV2 writes to a file",
        "PrintV2 to a file",
    )
    asset = message((1, message((1, "path:0"))), (2, "../../planted"))
    yield _folder(
        "asset-traversal", saved_model(graph(), (6, asset)), "an asset's file name climbs out", "path out of the folder"
    )
    restoring = [string_const("path", "/etc/planted"), node("r", "RestoreV2", "path")]
    yield _folder(
        "restore-elsewhere",
        saved_model(graph(*restoring)),
        "RestoreV2 with a fixed path outside",
        "RestoreV2 of an outside path",
        kind="integrity",
    )
    loops = [node("w", "While", body=message((10, message((1, "w")))), cond=message((10, message((1, "w")))))]
    yield _folder(
        "endless",
        saved_model(graph(*loops, library=message((1, function("w", *loops))))),
        "a function that calls itself for ever",
        "recursion",
        kind="resource",
    )
    huge = node(
        "c",
        "Const",
        dtype=message((6, 1)),
        value=message((8, message((1, 1), (2, message((2, message((1, 2**40))))), (5, struct.pack("<f", 1.0))))),
    )
    yield _folder(
        "const-bomb",
        saved_model(graph(huge)),
        "a constant of 4 TiB from one float",
        "constant of absurd size",
        kind="resource",
    )
    yield _folder(
        "tail",
        saved_model(graph()) + b"\xff" * 50,
        "bytes follow the message",
        "bytes after the message",
        kind="integrity",
    )
    pbtxt = (
        'saved_model_schema_version: 1\nmeta_graphs { graph_def { node { name: "p" op: "WriteFile" input: "a" } } }\n'
    )
    yield Unit(
        "tensorflow/text-graph",
        {"saved_model.pbtxt": pbtxt.encode()},
        "code",
        "tensorflow saved model",
        "WriteFile in a model written as text",
        "tf.saved_model.load",
        "WriteFile",
    )
    config = {
        "class_name": "Lambda",
        "config": {
            "name": "l",
            "function": {"class_name": "__tuple__", "items": [BYTECODE, None, None]},
            "function_type": "lambda",
        },
    }
    meta = message(
        (1, message((2, 1), (3, "root.layer-0"), (4, "_tf_keras_layer"), (5, json.dumps(config)), (6, message((1, 1)))))
    )
    yield Unit(
        "tensorflow/keras-metadata",
        {"saved_model.pb": saved_model(graph()), "keras_metadata.pb": meta},
        "code",
        "tensorflow saved model",
        "a Lambda layer in the metadata Keras reads",
        "keras.models.load_model",
        "a Lambda layer with bytecode",
    )
    so = b"\x7fELF\x02\x01\x01" + bytes(200)
    yield Unit(
        "tensorflow/native-asset",
        {"saved_model.pb": saved_model(graph()), "assets/libplanted.so": so},
        "integrity",
        "tensorflow saved model",
        "a library among the assets",
        "tf.load_op_library",
        "a program in the folder",
    )
    yield from _lite()


def _lite() -> Iterator[Unit]:
    """TensorFlow Lite: operators that are not built in. Source: tensorflow/lite/schema/schema.fbs."""

    def model(code: Table, **more: bytes) -> bytes:
        operator = Table({0: ("I", 0), 1: [0], 2: [0]})
        graph_ = Table(
            {0: [Table({0: [4], 1: ("b", 0), 2: ("I", 0), 3: "t"})], 1: [0], 2: [0], 3: [operator], 4: "main"}
        )
        buffers = [Table({0: more["buffer"]}) if "buffer" in more else Table()]
        return flatbuffer(Table({0: ("I", 3), 1: [code], 2: [graph_], 3: "planted", 4: buffers}), b"TFL3")

    custom = {
        "custom-op": ("PlantedOperator", "a custom operator of a library that must be loaded"),
        "flex-write": ("FlexWriteFile", "the Flex delegate runs TensorFlow's WriteFile"),
        "flex-read": ("FlexReadFile", "the Flex delegate runs TensorFlow's ReadFile"),
        "flex-py": ("FlexPyFunc", "the Flex delegate runs Python"),
    }
    for name, (code, threat) in custom.items():
        yield Unit(
            f"tflite/{name}.tflite",
            model(Table({0: ("b", 32), 1: code, 2: ("i", 1), 3: ("i", 32)})),
            "code",
            "tflite",
            threat,
            "tf.lite.Interpreter",
            f"custom operator {code}",
        )
    relu = Table({0: ("b", 19), 2: ("i", 1), 3: ("i", 19)})
    good = model(relu)
    yield Unit(
        "tflite/elf-buffer.tflite",
        model(relu, buffer=b"\x7fELF\x02\x01\x01" + bytes(200)),
        "integrity",
        "tflite",
        "a buffer is a program",
        "whoever unpacks it",
        "a program in a buffer",
    )
    yield Unit(
        "tflite/tail.tflite",
        good + b"planted" * 40,
        "integrity",
        "tflite",
        "bytes follow the model",
        "nobody",
        "bytes after the model",
    )
    yield Unit(
        "tflite/zip-script.tflite",
        good + zipped([member("labels.txt", b"a"), member("run.sh", b"#!/bin/sh\necho planted\n")]),
        "integrity",
        "tflite",
        "the metadata archive behind the model carries a script",
        "the metadata reader",
        "a script in the archive",
    )
    broken = bytearray(good)
    struct.pack_into("<I", broken, 0, 2**31)
    yield Unit(
        "tflite/root-out-of-bounds.tflite",
        bytes(broken),
        "integrity",
        "tflite",
        "the root table lies outside the file",
        "interpreters that do not verify",
        "offset beyond the file",
    )
    broken = bytearray(good)
    position = good.index(b"main") - 4
    struct.pack_into("<I", broken, position, 2**31)
    yield Unit(
        "tflite/string-out-of-bounds.tflite",
        bytes(broken),
        "integrity",
        "tflite",
        "a text is longer than the file",
        "interpreters that do not verify",
        "length beyond the file",
    )
    yield from _executorch()


def _executorch() -> Iterator[Unit]:
    """ExecuTorch programs. Source: executorch/schema/program.fbs."""

    def program(operator: str, overload: str = "out", backend: str = "", blob: bytes = b"") -> bytes:
        delegates = [Table({0: backend, 1: Table({0: ("b", 0), 1: ("I", 0)})})] if backend else []
        plan: dict[int, object] = {0: "forward", 3: [0], 4: [0], 6: [Table({0: operator, 1: overload})]}
        if delegates:
            plan[7] = delegates
        tables: dict[int, object] = {0: ("I", 0), 1: [Table(plan)]}
        if blob:
            tables[4] = [Table({0: blob})]
        return flatbuffer(Table(tables), b"ET12")

    yield Unit(
        "executorch/custom-op.pte",
        program("planted::run"),
        "code",
        "executorch",
        "an operator of a library that must be linked",
        "executorch runtime",
        "unknown operator",
    )
    yield Unit(
        "executorch/delegate.pte",
        program("aten::add", backend="PlantedBackend", blob=b"\x7fELF\x02\x01\x01" + bytes(200)),
        "code",
        "executorch",
        "an unknown backend is handed a program",
        "executorch runtime",
        "unknown backend; a program in a blob",
    )


def _folder(name: str, data: bytes, threat: str, expect: str, kind: Class = "code") -> Unit:
    files = {"saved_model.pb": data, "fingerprint.pb": message((1, 1))}
    return Unit(f"tensorflow/{name}", files, kind, "tensorflow saved model", threat, "tf.saved_model.load", expect)
