"""The screen over whole files: clean means understood to the last byte, and hidden code is found in every wrapping."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import pickle
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
import skops.io
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from tests.system import onnx_writer
from touchstone.system.artifacts.constructs import FileScreen
from touchstone.system.artifacts.screen import external_tensors, screen_file

CALL = b"cos\nsystem\n(S'id'\ntR."
SHOWN = "os.system('id')"


def _zip(members: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


def _npy(array: Any) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def _safetensors(header: dict[str, Any], body: bytes) -> bytes:
    raw = json.dumps(header).encode()
    return len(raw).to_bytes(8, "little") + raw + body


def _shown(screen: FileScreen) -> list[str]:
    return [construct.shown for construct in screen.constructs]


def _fitted(estimator: Any) -> Any:
    inputs = np.arange(24.0).reshape(12, 2)
    return estimator.fit(inputs, np.arange(12) % 2)


ESTIMATORS = [
    _fitted(LogisticRegression()),
    _fitted(RandomForestClassifier(2, random_state=0)),
    _fitted(make_pipeline(FunctionTransformer(np.log1p), StandardScaler(), LogisticRegression())),
]

TENSORS = _safetensors(
    {"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}, "__metadata__": {"a": "b"}}, bytes(8)
)
STORAGE = b"(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x02tQ"
TORCH = {
    "model/data.pkl": b"\x80\x02}X\x01\x00\x00\x00wctorch._utils\n_rebuild_tensor_v2\n("
    + STORAGE
    + b"K\x00K\x02\x85K\x01\x85\x89ccollections\nOrderedDict\n)RtRs.",
    "model/byteorder": b"little",
    "model/data/0": struct.pack("<2f", 1.0, 2.0),
    "model/version": b"3\n",
}

CLEAN = {
    "npy": _npy(np.ones((2, 3))),
    "structured npy": _npy(np.zeros(3, dtype=[("a", "i4"), ("b", "f8", (2,)), ("c", "U3")])),
    "npz": _zip({"a.npy": _npy(np.ones(3)), "b.npy": _npy(np.array(["x"]))}),
    "safetensors": TENSORS,
    "empty safetensors": _safetensors({}, b""),
    "csv": b"a,b\n1,2\n3,4\n",
    "json": b'{"a": [1.5, null]}',
    "yaml": b"a: 1\nb: [x, !!str y]\n",
    "text": b"hello\n",
    "empty": b"",
    "png": b"\x89PNG\r\n\x1a\n" + bytes(20),
    "pickle": pickle.dumps({"w": [1.0]}),
    "torch": _zip(TORCH),
}


@pytest.mark.parametrize(("kind", "content"), CLEAN.items(), ids=CLEAN.keys())
def test_clean_files(kind: str, content: bytes) -> None:
    screen = screen_file(content, kind)
    assert (screen.constructs, screen.not_understood) == ((), ())
    assert screen.clean
    assert screen.unsafe_format == (kind in {"pickle", "torch"})


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda estimator: type(estimator).__name__)
def test_real_estimators(estimator: Any) -> None:
    safe = screen_file(skops.io.dumps(estimator), "skops")
    assert (safe.format, safe.constructs, safe.not_understood) == ("skops", (), ())
    assert not safe.unsafe_format
    for protocol in range(6):
        pickled = screen_file(pickle.dumps(estimator, protocol), "pickle")
        assert (pickled.constructs, pickled.not_understood, pickled.unsafe_format) == ((), (), True)
    for compress in (0, ("zlib", 3), ("gzip", 3), ("bz2", 3), ("xz", 3), ("lzma", 3)):
        stream = io.BytesIO()
        joblib.dump(estimator, stream, compress=compress)
        dumped = screen_file(stream.getvalue(), "joblib")
        assert (dumped.constructs, dumped.not_understood, dumped.unsafe_format) == ((), (), True)


WRAPPINGS = {
    "bare": CALL,
    "object array": _npy(np.array([1, None], dtype=object))[:-1] + CALL,
    "object array in npz": _zip({"a.npy": _npy(np.array([None], dtype=object))[:-1] + CALL}),
    "structured object array": b"\x93NUMPY\x01\x00\x46\x00"
    + b"{'descr': [('a', '|O')], 'fortran_order': False, 'shape': (1,), }".ljust(69)
    + b"\n"
    + CALL,
    "torch": _zip(TORCH | {"model/data.pkl": CALL}),
    "torch, second pickle": _zip(TORCH | {"model/extra": CALL}),
    "torch, as a storage": _zip(TORCH | {"model/data/0": CALL}),
    "deflated": _zip({"x": CALL}, zipfile.ZIP_DEFLATED),
    "zip in zip": _zip({"inner": _zip({"x": CALL})}),
    "gzip": gzip.compress(CALL),
    "zlib": zlib.compress(CALL + bytes(100)),
    "bz2": bz2.compress(CALL),
    "xz": lzma.compress(CALL),
    "lzma": lzma.compress(CALL, lzma.FORMAT_ALONE),
    "gzip in zip": _zip({"x": gzip.compress(CALL)}),
    "exported program": _zip(
        {
            "m/archive_format": b"pt2",
            "m/data/sample_inputs/model.pt": _zip({"m/data.pkl": CALL}),
            "m/data/weights/w": CALL,
        }
    ),
    "two meanings: GGUF and pickle": b"GGUF\x03\x00\x00\x00\x00" + CALL,
}


@pytest.mark.parametrize("content", WRAPPINGS.values(), ids=WRAPPINGS.keys())
def test_a_call_is_found_in_every_wrapping(content: bytes) -> None:
    screen = screen_file(content, "f")
    assert SHOWN in _shown(screen)
    assert screen.unsafe_format
    assert not screen.clean


SEVERAL_KINDS = {
    "elf": (b"\x7fELF" + bytes(60), "elf"),
    "script": (b"#!/bin/sh\nid\n", "script: #!/bin/sh"),
    "python": (b"import os\nos.system('id')\n", "python: import os"),
    "yaml apply": (b"!!python/object/apply:os.system ['id']\n", "python/object/apply:os.system"),
    "yaml key": (b"a:\n  b: !!python/name:os.system\n", "python/name:os.system"),
    "yaml, escaped tag": (b"a: !!p%79thon/name:os.system\n", "python/name:os.system"),
    "yaml, own handle": (b"%TAG !p! tag:yaml.org,2002:python/\n---\na: !p!name:os.system\n", "python/name:os.system"),
    "auto_map": (b'{"auto_map": {"AutoModel": "m.M"}}', "auto_map: {'AutoModel': 'm.M'}"),
    "auto_map, escaped key": (b'{"\\u0061uto_map": 1}', "auto_map: 1"),
    "hydra": (b'{"a": {"_target_": "os.system"}}', "_target_: 'os.system'"),
    "keras lambda": (
        _zip({"config.json": b'{"layers": [{"class_name": "Lambda"}]}', "metadata.json": b"{}"}),
        "keras.layers.Lambda",
    ),
    "keras lambda, h5": (
        b"\x89HDF\r\n\x1a\n" + b'{"class_name": "Lambda", "config": {}}' + bytes(20),
        "keras.layers.Lambda",
    ),
    "png and zip": (b"\x89PNG\r\n\x1a\n" + _zip({"a": b"1"}), "png + zip"),
}


@pytest.mark.parametrize(("content", "expected"), SEVERAL_KINDS.values(), ids=SEVERAL_KINDS.keys())
def test_other_kinds_of_code(content: bytes, expected: str) -> None:
    assert expected in _shown(screen_file(content, "f"))


def _schema(module: str, name: str, loader: str = "ObjectNode") -> bytes:
    node = {"__class__": name, "__module__": module, "__loader__": loader, "content": {"inner": []}}
    return _zip({"schema.json": json.dumps({"content": [node], "protocol": 2}).encode()})


@pytest.mark.parametrize(
    ("module", "name", "loader", "expected"),
    [
        ("os", "system", "FunctionNode", ("code-execution", "os.system")),
        ("mylib", "Model", "ObjectNode", ("unknown-global", "mylib.Model")),
        (
            "operator",
            "methodcaller",
            "OperatorFuncNode",
            ("code-execution", "operator.methodcaller (OperatorFuncNode)"),
        ),
        ("numpy", "ndarray", "MethodNode", ("unknown-global", "numpy.ndarray (MethodNode)")),
        ("sklearn.base", "clone.__globals__", "FunctionNode", ("code-execution", "sklearn.base.clone.__globals__")),
    ],
)
def test_skops_types_outside_the_list_are_named(module: str, name: str, loader: str, expected: tuple[str, str]) -> None:
    screen = screen_file(_schema(module, name, loader), "f")
    assert [(construct.kind, construct.shown) for construct in screen.constructs] == [expected]


def test_skops_with_a_broken_schema_is_not_understood() -> None:
    assert not screen_file(_zip({"schema.json": b"{"}), "f").understood
    assert not screen_file(_zip({"schema.json": b'{"__loader__": 1}'}), "f").understood
    assert not screen_file(_zip({"schema.json": b"[" * 100_000}), "f").understood


def _program(target: str, expression: str = "s0 + 1") -> bytes:
    node = {"target": target, "inputs": [], "outputs": [], "metadata": {}}
    program = {"graph_module": {"graph": {"nodes": [node]}}, "sizes": [{"as_expr": {"expr_str": expression}}]}
    return _zip({"m/archive_format": b"pt2", "m/models/model.json": json.dumps(program).encode()})


def test_exported_programs() -> None:
    assert screen_file(_program("torch.ops.aten.linear.default"), "f").clean
    assert screen_file(_program("_operator.add", "Max(1, s0*2 - u1)"), "f").clean
    assert _shown(screen_file(_program("torch.ops.mylib.evil.default"), "f")) == ["torch.ops.mylib.evil.default"]
    assert _shown(screen_file(_program("torch.ops.aten.from_file.default"), "f")) == [
        "torch.ops.aten.from_file.default"
    ]
    hostile = "__import__('os').system('id')"
    assert _shown(screen_file(_program("torch.ops.aten.add.Tensor", hostile), "f")) == [hostile]


TWICE = 37
NOT_UNDERSTOOD = {
    "unknown": b"\x00\x01\x02\x03",
    "gguf": b"GGUF\x03\x00\x00\x00" + bytes(16),
    "7z": b"7z\xbc\xaf\x27\x1c" + bytes(20),
    "keras": _zip({"config.json": b"{}", "metadata.json": b"{}"}),
    "torchscript": _zip(TORCH | {"model/code/__torch__.py": b"def forward(self): ..."}),
    "broken zip": b"PK\x03\x04" + bytes(40),
    "broken gzip": b"\x1f\x8b\x08" + bytes(40),
    "gzip, cut off": gzip.compress(b"x" * 1000)[:-6],
    "gzip, more after": gzip.compress(b"x") + b"tail",
    "truncated pickle": pickle.dumps([1, 2, 3])[:-3],
    "pickle and garbage": pickle.dumps([1]) + b"garbage",
    "broken json": b'{"a": ',
    "json with a key twice": b'{"a": 1, "a": 2}',
    "npy, cut off": _npy(np.ones(9))[:-1],
    "npy, more after": _npy(np.ones(9)) + b"\x00",
    "npy, strange header": _npy(np.ones(9)).replace(b"'descr'", b"'desc\\'"),
    "safetensors, tail": TENSORS + b"tail",
    "safetensors, cut off": TENSORS[:-1],
    "safetensors, gap": _safetensors({"w": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}}, bytes(8)),
    "safetensors, overlap": _safetensors(
        {name: {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]} for name in "ab"}, bytes(8)
    ),
    "safetensors, size": _safetensors({"w": {"dtype": "F32", "shape": [3], "data_offsets": [0, 8]}}, bytes(8)),
    "safetensors, type": _safetensors({"w": {"dtype": "OBJ", "shape": [1], "data_offsets": [0, 8]}}, bytes(8)),
    "safetensors, same key twice": TWICE.to_bytes(8, "little") + b'{"__metadata__":{},"__metadata__":{}}',
    "safetensors, header too long": (10**7).to_bytes(8, "little") + b"{}",
    "onnx, cut off": onnx_writer.number(1, 8) + onnx_writer.block(7, b"x" * 100)[:-50],
}


@pytest.mark.parametrize("content", NOT_UNDERSTOOD.values(), ids=NOT_UNDERSTOOD.keys())
def test_what_is_not_understood_is_never_clean(content: bytes) -> None:
    screen = screen_file(content, "f")
    assert not screen.understood
    assert not screen.clean
    assert all(reason.en.startswith("f") and reason.zh.startswith("f") for reason in screen.not_understood)


def test_archives_nested_too_deeply_are_not_understood() -> None:
    content = CALL
    for _ in range(8):
        content = _zip({"x": content})
    assert not screen_file(content, "f").understood


def _onnx(*nodes: bytes, initialisers: tuple[bytes, ...] = ()) -> bytes:
    graph = b"".join(onnx_writer.block(1, node) for node in nodes) + onnx_writer.block(2, "g")
    graph += b"".join(onnx_writer.block(5, tensor) for tensor in initialisers)
    opset = onnx_writer.block(8, onnx_writer.number(2, 17))
    return onnx_writer.number(1, 8) + onnx_writer.block(7, graph) + opset


def test_onnx() -> None:
    relu = onnx_writer.node("Relu", ["x"], ["y"])
    assert screen_file(_onnx(relu), "f").clean
    custom = onnx_writer.node("Evil", ["x"], ["y"], domain="my.domain")
    assert _shown(screen_file(_onnx(custom), "f")) == ["my.domain::Evil"]
    python = onnx_writer.node("PyOp", ["x"], ["y"], domain="com.microsoft")
    assert _shown(screen_file(_onnx(python), "f")) == ["com.microsoft::PyOp"]
    outside = _onnx(relu, initialisers=(onnx_writer.external_tensor("w", "../../etc/passwd"),))
    assert _shown(screen_file(outside, "f")) == ["../../etc/passwd"]
    beside = _onnx(relu, initialisers=(onnx_writer.external_tensor("w", "weights.bin"),))
    assert screen_file(beside, "f").constructs == ()
    assert external_tensors(beside) == ("weights.bin",)


def test_raw_tensors_are_understood_only_where_something_reads_them() -> None:
    values = np.linspace(0, 1, 99, dtype="<f4").tobytes()
    assert not screen_file(values, "f").understood
    assert screen_file(values, "f", raw_tensors=True).clean
    assert not screen_file(b"\x7fELF" + values, "f", raw_tensors=True).clean
    assert SHOWN in _shown(screen_file(CALL, "f", raw_tensors=True))


def test_a_path_is_screened_like_its_bytes(tmp_path: Path) -> None:
    for name, content in {"empty": b"", "model.bin": _zip(TORCH | {"model/data.pkl": CALL})}.items():
        (tmp_path / name).write_bytes(content)
        assert screen_file(tmp_path / name, "f") == screen_file(content, "f")


def test_the_name_decides_nothing() -> None:
    assert _shown(screen_file(CALL, "model.safetensors")) == [SHOWN]
    assert _shown(screen_file(CALL, "data.csv")) == [SHOWN]


_SAMPLES = [*CLEAN.values(), *WRAPPINGS.values(), *NOT_UNDERSTOOD.values(), _schema("os", "system")]


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(_SAMPLES),
    st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), max_size=4),
    st.integers(0, 400),
)
def test_damaged_files_never_raise(content: bytes, changes: list[tuple[int, int]], cut: int) -> None:
    damaged = bytearray(content[: len(content) - cut] if cut < len(content) else content)
    for position, byte in changes:
        if damaged:
            damaged[position % len(damaged)] = byte
    screen_file(bytes(damaged), "f")


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400))
def test_arbitrary_bytes_never_raise(content: bytes) -> None:
    screen_file(content, "f")
    screen_file(content, "f", raw_tensors=True)
