#!/usr/bin/env python3
"""Write a message pack of `touchstone scan` from a framework's own protocol-buffer descriptors.

    python tools/scan_message_packs.py tensorflow > src/touchstone/scan/packs/tensorflow_messages.json

Runs in an environment that has the framework (not one of ours). A pack lists the fields of every message that can be
reached from the messages files consist of; `touchstone.scan.protobuf_schema` reads it.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOTS: dict[str, tuple[str, str, tuple[tuple[str, str], ...]]] = {
    # pack: distribution, prefix left out of names, (module, message) that files consist of
    "onnx": ("onnx", "onnx.", (("onnx.onnx_ml_pb2", "ModelProto"),)),
    "tensorflow": (
        "tensorflow-cpu",
        "tensorflow.",
        (
            ("tensorflow.core.protobuf.saved_model_pb2", "SavedModel"),
            ("tensorflow.core.protobuf.fingerprint_pb2", "FingerprintDef"),
            ("tensorflow.core.protobuf.tensor_bundle_pb2", "BundleHeaderProto"),
            ("tensorflow.core.protobuf.tensor_bundle_pb2", "BundleEntryProto"),
            ("tensorflow.core.protobuf.trackable_object_graph_pb2", "TrackableObjectGraph"),
            ("tensorflow.core.framework.variable_pb2", "VariableDef"),
            ("tensorflow.core.protobuf.control_flow_pb2", "WhileContextDef"),
            ("tensorflow.core.protobuf.control_flow_pb2", "CondContextDef"),
            ("tensorflow.core.protobuf.queue_runner_pb2", "QueueRunnerDef"),
            ("tensorflow.python.keras.protobuf.saved_metadata_pb2", "SavedMetadata"),
        ),
    ),
    "coreml": ("coremltools", "CoreML.Specification.", (("coremltools.proto.Model_pb2", "Model"),)),
    "paddle": ("paddlepaddle", "paddle.framework.proto.", (("paddle.base.proto.framework_pb2", "ProgramDesc"),)),
    "mindspore": ("mindspore", "mind_ir.", (("mindspore.train.mind_ir_pb2", "ModelProto"),)),
    "mindspore_checkpoint": ("mindspore", "mindspore.", (("mindspore.train.checkpoint_pb2", "Checkpoint"),)),
}

_KINDS = {
    "int": "TYPE_INT32 TYPE_INT64 TYPE_UINT32 TYPE_UINT64 TYPE_BOOL TYPE_ENUM TYPE_SINT32 TYPE_SINT64",
    "float": "TYPE_FLOAT TYPE_FIXED32 TYPE_SFIXED32",
    "double": "TYPE_DOUBLE TYPE_FIXED64 TYPE_SFIXED64",
    "text": "TYPE_STRING",
    "bytes": "TYPE_BYTES",
}


def main() -> None:
    """Print the pack named on the command line."""
    distribution, prefix, roots = ROOTS[sys.argv[1]]
    waiting = [getattr(import_module(_found(module)), name).DESCRIPTOR for module, name in roots]
    messages: dict[str, str] = {}
    while waiting:
        message = waiting.pop(0)
        name = _name(message, prefix)
        if name not in messages:
            fields = sorted(message.fields, key=lambda field: int(field.number))
            messages[name] = ", ".join(_line(field, prefix) for field in fields)
            waiting += [field.message_type for field in fields if field.message_type is not None]
    source = f"protocol-buffer descriptors of {distribution} {version(distribution)}"
    print(json.dumps({"source": source, "messages": dict(sorted(messages.items()))}, indent=1))


def _name(message: Any, prefix: str) -> str:
    """Name of a message in a pack; Keras' metadata lies in a package of its own, with names TensorFlow also has."""
    name: str = message.full_name
    return name.removeprefix(prefix).replace("third_party.tensorflow.python.keras.protobuf.", "Keras")


def _found(module: str) -> str:
    """The module, imported by its last name alone where the package around it cannot be imported here."""
    try:
        import_module(module)
    except ImportError:
        package, _, name = module.rpartition(".")
        for folder in sys.path:
            inside = Path(folder, *package.split("."))
            if (inside / f"{name}.py").is_file():
                sys.path.insert(0, str(inside))
                return name
        raise
    return module


def _line(field: Any, prefix: str) -> str:
    kind = next((kind for kind, types in _KINDS.items() if _type_name(field) in types.split()), "")
    repeated = field.is_repeated if hasattr(field, "is_repeated") else field.label == field.LABEL_REPEATED
    if kind in {"int", "float", "double"}:
        return f"{field.number} {field.name} {kind}{'s' if repeated else ''}"
    kind = kind or _name(field.message_type, prefix)
    return f"{field.number} {field.name}{'*' if repeated else ''} {kind}"


def _type_name(field: Any) -> str:
    return next(name for name in dir(field) if name.startswith("TYPE_") and getattr(field, name) == field.type)


if __name__ == "__main__":
    main()
