"""Keras models: Lambda and other callables in `.keras` archives and HDF5 files, and HDF5 links that lead out.

Source: keras/src/saving/serialization_lib.py, keras/src/legacy/saving, and the advisories CVE-2024-3660, CVE-2025-1550,
CVE-2025-8747, CVE-2025-9905, CVE-2025-9906, CVE-2025-12058, CVE-2026-1462.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

from hostile_hdf5_writer import Dataset, External, Group, Soft, hdf5
from hostile_opcodes import getpid, stream
from hostile_units import Class, Unit
from hostile_zip_writer import member, zipped

# Marshalled code of `lambda x: x`, of Python 3.11: what matters is that there is bytecode.
BYTECODE = base64.b64encode(bytes.fromhex("e3010000000000000000000000010000000300000053") + b"planted" * 8).decode()
FLOATS = Dataset((4,), bytes(16))

Config = dict[str, Any]


def layer(class_name: str, config: Any, module: str = "keras.layers", registered: str | None = None) -> Config:
    """One layer as Keras 3 writes it."""
    return {
        "module": module,
        "class_name": class_name,
        "config": config,
        "registered_name": registered,
        "build_config": {"input_shape": [None, 4]},
    }


def function(name: str, module: str = "builtins", registered: str | None = None) -> Config:
    """A reference to a function."""
    return {"module": module, "class_name": "function", "config": name, "registered_name": registered or name}


def sequential(*layers: Config, **more: Any) -> Config:
    """A Sequential model."""
    inputs = layer("InputLayer", {"batch_shape": [None, 4], "dtype": "float32", "name": "input"})
    return {**layer("Sequential", {"name": "m", "layers": [inputs, *layers]}, "keras"), **more}


def dense(**config: Any) -> Config:
    """An ordinary layer and what is changed about it."""
    return layer("Dense", {"name": "d", "units": 4, "activation": "linear", **config})


def keras(config: Config, *members: Any, weights: bytes | None = None) -> bytes:
    """A `.keras` archive."""
    metadata = {"keras_version": "3.10.0", "date_saved": "2025-01-01@00:00:00"}
    data = hdf5(Group(links={"layers": Group(links={"d": FLOATS})})) if weights is None else weights
    described = {"metadata.json": metadata, "config.json": config}
    texts = [member(name, json.dumps(value).encode()) for name, value in described.items()]
    return zipped([*texts, member("model.weights.h5", data), *members])


_LAMBDA = {"class_name": "__lambda__", "config": {"code": BYTECODE, "defaults": None, "closure": None}}
_LAMBDA_LAYER = layer("Lambda", {"name": "l", "function": _LAMBDA, "arguments": {}})


def units() -> Iterator[Unit]:
    """All of them."""
    yield from _archives()
    yield from _containers()
    yield from _legacy()
    yield from _links()


def _archives() -> Iterator[Unit]:
    planted: dict[str, tuple[Config, str]] = {
        "lambda": (sequential(_LAMBDA_LAYER), "a Lambda layer with bytecode"),
        "lambda-nested-model": (
            sequential(layer("Sequential", {"name": "inner", "layers": [_LAMBDA_LAYER]}, "keras")),
            "a Lambda in a model within the model",
        ),
        "lambda-time-distributed": (
            sequential(layer("TimeDistributed", {"name": "t", "layer": _LAMBDA_LAYER})),
            "a Lambda within a wrapper",
        ),
        "lambda-bidirectional": (
            sequential(layer("Bidirectional", {"layer": layer("RNN", {"cell": _LAMBDA_LAYER})})),
            "a Lambda as the cell of an RNN",
        ),
        "lambda-as-activation": (sequential(dense(activation=_LAMBDA)), "bytecode as an activation"),
        "lambda-as-initialiser": (sequential(dense(kernel_initializer=_LAMBDA)), "bytecode as an initialiser"),
        "lambda-as-metric": (
            sequential(dense(), compile_config={"optimizer": "adam", "loss": "mse", "metrics": [_LAMBDA]}),
            "bytecode as a metric",
        ),
        "lambda-named-function": (
            sequential(layer("Lambda", {"function": function("getpid", "os")})),
            "a Lambda over os.getpid",
        ),
        "layer-os-system": (sequential(layer("system", "echo planted", "os")), "os.system as a layer's class"),
        "function-os-system": (sequential(dense(activation=function("system", "os"))), "os.system as an activation"),
        "function-subprocess": (
            sequential(dense(kernel_regularizer=function("getoutput", "subprocess"))),
            "subprocess.getoutput as a regulariser",
        ),
        "function-builtins-eval": (sequential(dense(bias_initializer=function("eval"))), "eval as an initialiser"),
        "call-argument": (
            sequential({**dense(), "inbound_nodes": [{"args": [function("getpid", "os")], "kwargs": {}}]}),
            "os.getpid among a node's arguments",
        ),
        "loss-os": (
            sequential(dense(), compile_config={"loss": function("getpid", "os"), "optimizer": "adam"}),
            "os.getpid as the loss",
        ),
        "optimizer-os": (
            sequential(
                dense(), compile_config={"optimizer": layer("Popen", {"args": ["true"]}, "subprocess"), "loss": "mse"}
            ),
            "subprocess.Popen as the optimiser",
        ),
        "build-config-os": (
            {**sequential(dense()), "build_config": {"input_shape": function("getpid", "os")}},
            "os.getpid in the build configuration",
        ),
        "get-file": (
            sequential(dense(activation=function("get_file", "keras.utils"))),
            "keras.utils.get_file: fetches and unpacks any URL (CVE-2025-8747)",
        ),
        "get-file-src": (
            sequential(dense(activation=function("get_file", "keras.src.utils.file_utils"))),
            "the same by its inner name",
        ),
        "load-model": (
            sequential(
                layer(
                    "Lambda",
                    {
                        "function": function("load_model", "keras.saving"),
                        "arguments": {"filepath": "/nonexistent/planted"},
                    },
                )
            ),
            "keras.saving.load_model on another file",
        ),
        "unsafe-switch": (
            sequential(layer("Lambda", {"function": function("enable_unsafe_deserialization", "keras.config")})),
            "switches safe mode off (CVE-2025-9906)",
        ),
        "tfsm-layer": (
            sequential(layer("TFSMLayer", {"filepath": "/nonexistent/planted", "call_endpoint": "serve"})),
            "TFSMLayer loads a SavedModel from elsewhere (CVE-2026-1462)",
        ),
        "torch-wrapper": (
            sequential(
                layer(
                    "TorchModuleWrapper",
                    {
                        "module": {
                            "class_name": "__bytes__",
                            "config": {"value": base64.b64encode(stream(getpid())).decode()},
                        }
                    },
                )
            ),
            "TorchModuleWrapper holds a pickle",
        ),
        "torch-wrapper-text": (
            sequential(layer("TorchModuleWrapper", {"module": stream(getpid()).decode("latin-1")})),
            "TorchModuleWrapper, the pickle as text",
        ),
        "jax-layer": (
            sequential(layer("JaxLayer", {"call_fn": function("getpid", "os")}, "keras.layers")),
            "JaxLayer calls os.getpid",
        ),
        "flax-layer": (
            sequential(layer("FlaxLayer", {"module": layer("Popen", {}, "subprocess")})),
            "FlaxLayer over subprocess.Popen",
        ),
        "string-lookup": (
            sequential(layer("StringLookup", {"vocabulary": "/etc/planted"})),
            "StringLookup reads any file (CVE-2025-12058)",
        ),
        "string-lookup-url": (
            sequential(layer("StringLookup", {"vocabulary": "http://127.0.0.1:9/planted"})),
            "StringLookup fetches a URL",
        ),
        "text-vectorization": (
            sequential(layer("TextVectorization", {"vocabulary": "/etc/planted"})),
            "TextVectorization reads any file",
        ),
        "integer-lookup": (
            sequential(layer("IntegerLookup", {"vocabulary": "../../planted"})),
            "IntegerLookup reads a file above",
        ),
        "custom-registered": (
            sequential(layer("Planted", {}, "planted_module", "planted>Planted")),
            "a registered custom class of an unknown module",
        ),
        "custom-module": (
            sequential(layer("Planted", {}, "planted_module.layers")),
            "a class of an unknown module, which is imported",
        ),
        "module-in-keras-dotted": (
            sequential(layer("os.system", "echo planted", "keras.src.utils.file_utils")),
            "a dotted walk out of a Keras module",
        ),
        "reexported-module": (
            sequential(dense(activation=function("os", "keras.src.utils.file_utils"))),
            "a module as another module's attribute",
        ),
        "numpy-loader": (
            sequential(layer("load", {"file": "/nonexistent/planted", "allow_pickle": True}, "numpy")),
            "numpy.load as a layer's class",
        ),
        "typespec": (
            sequential(
                dense(dtype={"class_name": "__typespec__", "spec_name": "os.getpid", "module": "os", "config": []})
            ),
            "a type specification of another module",
        ),
        "deep": (
            sequential(
                dense(
                    kernel_constraint={
                        "class_name": "MaxNorm",
                        "module": "keras.constraints",
                        "config": {"a": [[[[[function("getpid", "os")]]]]]},
                    }
                )
            ),
            "os.getpid deep in a list",
        ),
    }
    for name, (config, threat) in planted.items():
        yield _unit(f"{name}.keras", keras(config), threat)
    yield Unit(
        "keras/config.json",
        json.dumps(sequential(_LAMBDA_LAYER)).encode(),
        "code",
        "keras config",
        "a bare configuration with a Lambda",
        "keras.models.model_from_json",
        "a Lambda layer with bytecode",
    )
    yield _unit(
        "zip-lambda-unsafe-name.keras",
        keras(sequential(_LAMBDA_LAYER), member("safe_mode", b"1")),
        "a Lambda; a member pretends safety",
    )


def _containers() -> Iterator[Unit]:
    benign = sequential(dense())
    two = keras(benign, member("config.json", json.dumps(sequential(_LAMBDA_LAYER)).encode()))
    yield _unit(
        "two-configs.keras", two, "two members are called config.json", expect="duplicate member with two meanings"
    )
    yield _unit(
        "pickle-asset.keras",
        keras(benign, member("assets/planted.pkl", stream(getpid()))),
        "an asset is a hostile pickle",
        expect="call of os.getpid in a member",
    )
    yield _unit(
        "script-asset.keras",
        keras(benign, member("assets/setup.py", b"import os\nos.system('echo planted')\n")),
        "an asset is a script that runs a program",
        expect="call of os.system in a script",
    )
    yield _unit(
        "traversal.keras",
        keras(benign, member("../../planted", b"planted")),
        "a member's name climbs out",
        kind="integrity",
        expect="path out of the archive",
    )
    yield _unit(
        "tail.keras",
        keras(benign) + b"planted" * 30,
        "bytes follow the archive",
        kind="integrity",
        expect="bytes after the archive",
    )
    link = Group(links={"layers": External("/etc/planted", "/x")})
    yield _unit(
        "external-link.keras",
        keras(benign, weights=hdf5(link)),
        "the weights link into another file",
        expect="HDF5 external link",
    )
    lies = hdf5(Group(links={"layers": Group(links={"d": Dataset((2**40,))})}))
    yield _unit(
        "shape-bomb.keras",
        keras(benign, weights=lies),
        "weights of 4 TiB",
        kind="resource",
        expect="dataset beyond the file",
    )
    wide = sequential(layer("Dense", {"name": "d", "units": 2**40}))
    yield _unit(
        "layer-bomb.keras", keras(wide), "a layer of 2^40 units", kind="resource", expect="layer of absurd size"
    )
    deep = json.dumps(benign).replace('"linear"', "[" * 20_000 + "]" * 20_000).encode()
    yield _unit(
        "nesting-bomb.keras",
        zipped(
            [member("config.json", deep), member("metadata.json", b"{}"), member("model.weights.h5", hdf5(Group()))]
        ),
        "JSON nested 20,000 deep",
        kind="resource",
        expect="nesting",
    )


def _old(config: Config, training: str = "") -> bytes:
    attributes = {"keras_version": "2.15.0", "backend": "tensorflow", "model_config": json.dumps(config)}
    if training:
        attributes["training_config"] = training
    weights = Group({"backend": "tensorflow"}, {"d": FLOATS})
    return hdf5(Group(attributes, {"model_weights": weights}))


def _legacy() -> Iterator[Unit]:
    """HDF5 files with the configuration of Keras 2: safe mode never applied to them (CVE-2025-9905)."""

    def old(*layers: Config) -> Config:
        return {"class_name": "Sequential", "config": {"name": "m", "layers": list(layers)}}

    lambda_layer = {
        "class_name": "Lambda",
        "config": {
            "name": "l",
            "function": [BYTECODE, None, None],
            "function_type": "lambda",
            "module": "__main__",
            "output_shape_type": "raw",
            "arguments": {},
        },
    }
    planted: dict[str, tuple[Config, str]] = {
        "lambda": (old(lambda_layer), "a Lambda layer with marshalled bytecode"),
        "lambda-output-shape": (
            old(
                {
                    "class_name": "Lambda",
                    "config": {
                        "function": "relu",
                        "function_type": "function",
                        "output_shape": [BYTECODE, None, None],
                        "output_shape_type": "lambda",
                    },
                }
            ),
            "bytecode as the output shape",
        ),
        "lambda-nested": (old(old(lambda_layer)), "a Lambda in a model within the model"),
        "lambda-wrapped": (
            old({"class_name": "TimeDistributed", "config": {"layer": lambda_layer}}),
            "a Lambda within a wrapper",
        ),
        "lambda-v3": (sequential(_LAMBDA_LAYER), "a Lambda of Keras 3"),
        "function-os": (sequential(dense(activation=function("system", "os"))), "os.system as an activation"),
        "lambda-module": (
            old(
                {"class_name": "Lambda", "config": {"function": "getpid", "function_type": "function", "module": "os"}}
            ),
            "a Lambda over a function of module os",
        ),
        "op-lambda": (
            old({"class_name": "TFOpLambda", "config": {"name": "t", "function": "io.read_file"}}),
            "TFOpLambda reads a file",
        ),
        "op-lambda-write": (
            old({"class_name": "TFOpLambda", "config": {"name": "t", "function": "io.write_file"}}),
            "TFOpLambda writes a file",
        ),
        "op-lambda-py-function": (
            old({"class_name": "TFOpLambda", "config": {"name": "t", "function": "py_function"}}),
            "TFOpLambda runs Python",
        ),
        "custom": (old({"class_name": "planted>Planted", "config": {}}), "a registered custom class"),
    }
    for name, (config, threat) in planted.items():
        yield _unit(f"{name}.h5", _old(config), threat, loader="keras.models.load_model")
    training = json.dumps(
        {
            "loss": {"module": "os", "class_name": "function", "config": "getpid", "registered_name": "getpid"},
            "optimizer_config": {"class_name": "Adam", "config": {}},
        }
    )
    yield _unit("training-config.h5", _old(old(), training), "os.getpid as the loss", loader="keras.models.load_model")
    block = (b"#!/bin/sh\necho planted\n").ljust(512, b"\0")
    yield _unit(
        "user-block.h5",
        block + _old(old()),
        "a shell script in the user block before the file",
        kind="integrity",
        loader="the shell",
        expect="bytes before the file",
    )
    yield _unit(
        "tail.h5",
        _old(old()) + b"planted" * 40,
        "bytes follow the file",
        kind="integrity",
        expect="bytes after the file",
    )
    yield _unit(
        "tail-pickle.h5",
        _old(old()) + stream(getpid()),
        "a pickle follows the file",
        kind="integrity",
        expect="a pickle after the file",
    )


def _links() -> Iterator[Unit]:
    files = {
        "external-link": (Group(links={"w": External("/etc/planted", "/x")}), "a link into another file"),
        "external-link-up": (Group(links={"w": External("../../planted.h5", "/x")}), "a link into a file above"),
        "external-storage": (
            Group(links={"w": Dataset((4,), external="/etc/planted")}),
            "floats that are read from any file",
        ),
        "external-storage-up": (
            Group(links={"g": Group(links={"w": Dataset((4,), external="../../planted")})}),
            "floats from a file above, a group deeper",
        ),
    }
    for name, (group, threat) in files.items():
        yield _unit(f"{name}.h5", hdf5(group), threat, loader="h5py, keras", expect="HDF5 reads another file")
    yield _unit(
        "soft-loop.h5",
        hdf5(Group(links={"a": Soft("/b"), "b": Soft("/a")})),
        "two soft links in a circle",
        kind="integrity",
        loader="h5py",
        expect="circle of links",
    )
    yield _unit(
        "claims.h5",
        hdf5(Group(links={"w": Dataset((2**20, 2**20))})),
        "a dataset of 4 TiB without data",
        kind="resource",
        loader="h5py",
        expect="dataset beyond the file",
    )


def _unit(
    name: str,
    data: bytes,
    threat: str,
    *,
    kind: Class = "code",
    loader: str = "keras.models.load_model",
    expect: str = "",
) -> Unit:
    return Unit(
        f"keras/{name}", data, kind, "keras" if name.endswith("keras") else "hdf5", threat, loader, expect or threat
    )
