"""Graphs of one batch size become graphs of any, and answer as before; or they are left alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.system import onnx_writer as onnx
from tests.system.made import describe, make
from touchstone.system.models.onnx_batch import with_free_batch
from touchstone.system.models.onnx_structure import read_onnx_structure
from touchstone.system.models.opening import open_model

GENERATOR = np.random.default_rng(3)
X = GENERATOR.normal(size=(7, 2, 4, 4)).astype(np.float32)
FILTERS = GENERATOR.normal(size=(3, 2, 3, 3)).astype(np.float32)
LAST = GENERATOR.normal(size=(48, 5)).astype(np.float32)


def whole(*sizes: int) -> np.ndarray:
    return np.array(sizes, dtype=np.int64)


def network(middle: list[bytes], batch: int | str = 1, constants: dict[str, np.ndarray] | None = None) -> bytes:
    """A convolution, `middle` from `c` to `f` of shape `(batch, 48)`, and a linear layer, all shapes noted."""
    nodes = [
        onnx.operator("Conv", ["x", "w"], ["c"], pads=[1, 1, 1, 1]),
        *middle,
        onnx.operator("MatMul", ["f", "last"], ["y"]),
    ]
    weights = {"w": FILTERS, "last": LAST, **(constants or {})}
    graph = onnx.graph(
        nodes,
        [onnx.value("x", [batch, 2, 4, 4])],
        [onnx.value("y", [batch, 5])],
        [onnx.array(name, values) for name, values in weights.items()],
    )
    noted = onnx.block(13, onnx.value("c", [batch, 3, 4, 4])) + onnx.block(13, onnx.value("f", [batch, 48]))
    return onnx.model(graph + noted)


def answers(data: bytes, x: np.ndarray) -> np.ndarray:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    found: np.ndarray = session.run(["y"], {"x": x})[0]
    return found


def assert_freed(data: bytes, batch: int = 1) -> None:
    """The rewritten graph gives bit-identical answers to single batches, and takes others."""
    freed = with_free_batch(data, batch, "m.onnx")
    assert freed is not None
    structure = read_onnx_structure(freed, "m.onnx")
    assert structure.inputs[0].shape == (None, 2, 4, 4)
    assert structure.outputs[0].shape == (None, 5)
    assert structure.opsets == read_onnx_structure(data, "m.onnx").opsets
    single = np.resize(X, (batch, 2, 4, 4))
    assert np.array_equal(answers(freed, single), answers(data, single))
    original = np.concatenate([answers(data, np.repeat(X[at : at + 1], batch, axis=0))[:1] for at in range(len(X))])
    assert np.allclose(answers(freed, X), original, atol=1e-5)


def reshape(target: str = "t") -> bytes:
    return onnx.operator("Reshape", ["c", target], ["f"])


FREED = {
    "flatten": ([onnx.operator("Flatten", ["c"], ["f"])], {}),
    "literal": ([reshape()], {"t": whole(1, 48)}),
    "minus one": ([reshape()], {"t": whole(1, -1)}),
    "already free": ([reshape()], {"t": whole(0, -1)}),
    "already minus one": ([reshape()], {"t": whole(-1, 48)}),
    "twice the same": (
        [
            onnx.operator("Reshape", ["c", "t"], ["one"]),
            onnx.operator("Reshape", ["c", "t"], ["two"]),
            onnx.operator("Add", ["one", "two"], ["f"]),
        ],
        {"t": whole(1, 48)},
    ),
    "over several": (
        [
            onnx.operator("Reshape", ["c", "t"], ["g"]),
            onnx.operator("Transpose", ["g"], ["h"], perm=[0, 2, 1]),
            onnx.operator("Reshape", ["h", "u"], ["f"]),
        ],
        {"t": whole(1, 3, 16), "u": whole(1, -1)},
    ),
    "constant node": ([onnx.operator("Constant", [], ["t"], value=whole(1, -1)), reshape()], {}),
    "constant list": ([onnx.operator("Constant", [], ["t"], value_ints=[1, 48]), reshape()], {}),
    "from the shape": (
        [
            onnx.operator("Shape", ["c"], ["s"], end=1),
            onnx.operator("Concat", ["s", "rest"], ["t"], axis=0),
            reshape(),
        ],
        {"rest": whole(48)},
    ),
    "reshaped weight": (
        [
            onnx.operator("Reshape", ["bias", "shape"], ["b"]),
            onnx.operator("Add", ["c", "b"], ["d"]),
            onnx.operator("Flatten", ["d"], ["f"]),
        ],
        {"bias": np.ones(3, dtype=np.float32), "shape": whole(1, 3, 1, 1)},
    ),
}


@pytest.mark.parametrize("name", FREED)
def test_a_batch_of_one_becomes_free(name: str) -> None:
    middle, constants = FREED[name]
    assert_freed(network(middle, constants=constants))


@pytest.mark.parametrize("batch", [2, 5])
def test_another_batch_becomes_free(batch: int) -> None:
    assert_freed(network([reshape()], batch, {"t": whole(batch, -1)}), batch)


KEPT = {
    "the target is also used elsewhere": (
        [
            onnx.operator("Reshape", ["c", "t"], ["g"]),
            onnx.operator("Cast", ["t"], ["number"], to=1),
            onnx.operator("ReduceSum", ["number"], ["total"]),
            onnx.operator("Mul", ["g", "total"], ["f"]),
        ],
        {"t": whole(1, 48)},
    ),
    "the target also shapes a weight": (
        [
            onnx.operator("Reshape", ["c", "t"], ["g"]),
            onnx.operator("Reshape", ["bias", "t"], ["b"]),
            onnx.operator("Add", ["g", "b"], ["f"]),
        ],
        {"t": whole(1, 48), "bias": np.ones(48, dtype=np.float32)},
    ),
    "the batch is no longer first": (
        [
            onnx.operator("Transpose", ["c"], ["turned"], perm=[1, 0, 2, 3]),
            onnx.operator("Reshape", ["turned", "t"], ["f"]),
        ],
        {"t": whole(1, -1)},
    ),
    "the target does not begin with the batch": (
        [
            onnx.operator("Reshape", ["c", "t"], ["g"]),
            onnx.operator("Reshape", ["g", "u"], ["f"]),
        ],
        {"t": whole(3, 16), "u": whole(1, 48)},
    ),
}


@pytest.mark.parametrize("name", KEPT)
def test_what_cannot_be_proved_is_left_alone(name: str) -> None:
    middle, constants = KEPT[name]
    assert with_free_batch(network(middle, constants=constants), 1, "m.onnx") is None


def opened(folder: Path, data: bytes, **changes: Any) -> Any:
    settings = {"kind": "image", "shape": [2, 4, 4], "labels": list("abcde"), "output": "logits", **changes}
    description = describe(format_="onnx", file="m.onnx", access="probabilities", **settings)
    return open_model(make(folder, description, {"m.onnx": data}))


def calls(model: Any, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Sizes of the batches that reach the runtime."""
    seen: list[int] = []
    forward = model.forward
    monkeypatch.setattr(model, "forward", lambda batch: seen.append(len(batch)) or forward(batch))
    return seen


def test_an_opened_model_is_asked_in_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = opened(tmp_path, network([reshape()], constants={"t": whole(1, 48)}))
    seen = calls(model, monkeypatch)
    free = network([onnx.operator("Flatten", ["c"], ["f"])], "n")
    assert np.array_equal(model.labels(X), answers(free, X).argmax(1))
    assert seen == [7]
    assert model.queries == 7


def test_a_graph_that_answers_otherwise_in_batches_is_asked_one_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over a batch of one, a mean is that sample; over more it mixes them, and no shape gives that away."""
    middle = [
        onnx.operator("ReduceMean", ["c"], ["mean"], axes=[0], keepdims=1),
        onnx.operator("Add", ["c", "mean"], ["d"]),
        onnx.operator("Flatten", ["d"], ["f"]),
    ]
    data = network(middle)
    model = opened(tmp_path, data)
    seen = calls(model, monkeypatch)
    assert np.array_equal(model.labels(X), [answers(data, X[at : at + 1]).argmax() for at in range(7)])
    assert seen == [1] * 7


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_damaged_files_are_never_rewritten_into_an_error(data: st.DataObject) -> None:
    raw = bytearray(network([reshape()], constants={"t": whole(1, 48)}))
    place = data.draw(st.integers(0, len(raw) - 1))
    raw[place] = data.draw(st.integers(0, 255))
    result = with_free_batch(bytes(raw), 1, "m.onnx")
    assert result is None or isinstance(result, bytes)
