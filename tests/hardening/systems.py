"""A small system that can be hardened: a network over pictures with one certain and many weak features."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.checks.system_resilience.systems import arrays
from tests.system import onnx_writer as onnx
from tests.system.made import data_set, describe, make
from touchstone.system.subject import Subject

SHAPE = (1, 4, 5)
SIDE = np.array([0.5, *[10.0] * 19], dtype=np.float32)
"""Weights that rely on what is easily turned."""


def samples(n: int, seed: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The first element tells the class for certain, the other nineteen a little."""
    generator = np.random.default_rng(seed)
    y = generator.integers(2, size=n)
    side = np.where(y == 1, 1.0, -1.0)[:, None]
    weak = 0.5 + 0.02 * side + generator.normal(0, 0.01, size=(n, 19))
    x = np.hstack([0.5 + 0.3 * side, weak]).reshape(n, *SHAPE)
    return x.astype(np.float32), y.astype(np.int64)


def weak_system(folder: Path, *, form: str = "safetensors", labelled: bool = True, **rest: Any) -> Subject:
    """The system with its training data, as safetensors or as ONNX."""
    folder.mkdir(parents=True, exist_ok=True)
    target: dict[str, Any] = {"features": "x"} | ({"target": "y"} if labelled else {})
    data = {role: data_set(f"{role}.npz", "npz", **target) for role in ("train", "test")}
    files = {"train.npz": arrays(*samples(150, 1)), "test.npz": arrays(*samples(60, 2))}
    matrix = np.stack([-SIDE, SIDE])
    bias = (-0.5 * matrix.sum(axis=1)).astype(np.float32)
    if form == "safetensors":
        from safetensors.numpy import save

        files["model.safetensors"] = save({"answer.weight": matrix, "answer.bias": bias})
        layers = [{"kind": "flatten"}, {"kind": "linear", "name": "answer", "inputs": 20, "outputs": 2}]
        rest |= {"file": "model.safetensors", "architecture": layers}
    else:
        nodes = [
            onnx.node("Flatten", ["x"], ["flat"], onnx.integer_attribute("axis", 1)),
            onnx.node("Gemm", ["flat", "W", "b"], ["y"]),
        ]
        parts = [onnx.tensor("W", np.ascontiguousarray(matrix.T)), onnx.tensor("b", bias)]
        files["model.onnx"] = onnx.model(
            onnx.graph(nodes, [onnx.value("x", ["n", *SHAPE])], [onnx.value("y", ["n", 2])], parts)
        )
        rest |= {"file": "model.onnx"}
    description = describe(
        shape=list(SHAPE), kind="image", output="logits", format_=form, low=0.0, high=1.0, data=data, **rest
    )
    description["model"]["claims"] = {"accuracy": 0.99}
    description["facts"] = {"data.personal": False}
    return make(folder, description, files)


def weak_table(folder: Path) -> Subject:
    """The same samples as a table, whose columns have no declared range; as ONNX."""
    folder.mkdir(parents=True, exist_ok=True)
    matrix = np.ascontiguousarray(np.stack([-SIDE, SIDE], axis=1))
    sets = {
        f"{role}.npz": arrays(x.reshape(len(x), 20), y)
        for role, (x, y) in (("train", samples(150, 1)), ("test", samples(60, 2)))
    }
    nodes = [onnx.node("Gemm", ["x", "W", "b"], ["y"])]
    parts = [onnx.tensor("W", matrix), onnx.tensor("b", (-0.5 * matrix.sum(axis=0)).astype(np.float32))]
    graph = onnx.graph(nodes, [onnx.value("x", ["n", 20])], [onnx.value("y", ["n", 2])], parts)
    description = describe(
        columns=[f"c{place}" for place in range(20)],
        output="logits",
        format_="onnx",
        file="model.onnx",
        data={role: data_set(f"{role}.npz", "npz", features="x", target="y") for role in ("train", "test")},
    )
    return make(folder, description, {"model.onnx": onnx.model(graph), **sets})
