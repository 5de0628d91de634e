#!/usr/bin/env python3
"""List the operators of an installed framework that no operator pack of `touchstone scan` names yet.

    python tools/scan_new_operators.py tensorflow

Runs in an environment that has the framework (not one of ours), with a new version of it, say. Whoever has read what an
operator does adds it to `src/touchstone/scan/packs/<framework>_operators.json`: to `known` when it computes and does
nothing else, else to what it `does`.
"""

from __future__ import annotations

import ctypes
import json
import sys
from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

PACKS = Path(__file__).parents[1] / "src" / "touchstone" / "scan" / "packs"


def main() -> None:
    """Print one operator a line."""
    framework = sys.argv[1]
    pack = json.loads((PACKS / f"{framework}_operators.json").read_text("utf-8"))
    named = {*pack["known"], *(name for names in pack.get("does", {}).values() for name in names)}
    for name in sorted(set(REGISTRIES[framework]()) - named):
        print(name)


def _tensorflow() -> Iterable[str]:
    operators: Any = import_module("tensorflow.core.framework.op_def_pb2").OpList()
    session: Any = import_module("tensorflow.python.client.pywrap_tf_session")
    operators.ParseFromString(session.TF_GetBuffer(session.TF_GetAllOpList()))
    return (operator.name for operator in operators.op)


def _onnx() -> Iterable[str]:
    schemas: Any = import_module("onnx.defs").get_all_schemas_with_history()
    return (f"{schema.domain or 'ai.onnx'}::{schema.name}" for schema in schemas)


def _paddle() -> Iterable[str]:
    names: Iterable[str] = import_module("paddle.base.core").get_all_op_names()
    return (name.rstrip("_") for name in names if not name.endswith("_grad"))


def _mindspore() -> Iterable[str]:
    primitive: Any = import_module("mindspore.ops.primitive").Primitive
    for module in ("operations", "operations._grad_ops", "operations._inner_ops", "auto_generate"):
        for name, value in vars(import_module(f"mindspore.ops.{module}")).items():
            if isinstance(value, type) and issubclass(value, primitive):
                yield name


def _coreml() -> Iterable[str]:
    import_module("coremltools.converters.mil.mil.ops.defs")
    registry: Any = import_module("coremltools.converters.mil.mil.ops.registry").SSAOpRegistry
    return (*registry.core_ops, *registry.dialect_ops)


def _mxnet() -> Iterable[str]:
    library: Any = import_module("mxnet.base")._LIB
    count, names = ctypes.c_uint(), ctypes.POINTER(ctypes.c_char_p)()
    library.MXListAllOpNames(ctypes.byref(count), ctypes.byref(names))
    return (bytes(names[index] or b"").decode() for index in range(count.value))


REGISTRIES: dict[str, Callable[[], Iterable[str]]] = {
    "tensorflow": _tensorflow,
    "onnx": _onnx,
    "paddle": _paddle,
    "mindspore": _mindspore,
    "coreml": _coreml,
    "mxnet": _mxnet,
}

if __name__ == "__main__":
    main()
