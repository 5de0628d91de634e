"""Small real systems whose robustness is known: linear classifiers in ONNX over generated data."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from tests.system import onnx_writer as onnx
from tests.system.made import data_set, describe, make
from touchstone.system.subject import Subject, open_system


def arrays(x: NDArray[np.float32], y: NDArray[np.int64]) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, x=x, y=y)
    return buffer.getvalue()


def linear_picture_model(weights: NDArray[np.float64], bias: float, *, output: str) -> bytes:
    """Class 1 where `w·x + b` is positive, over pictures of the shape of `weights`."""
    features = weights.size
    matrix = np.stack([np.zeros(features), weights.ravel()], axis=1).astype(np.float32)
    nodes = [
        onnx.node("Flatten", ["x"], ["flat"], onnx.integer_attribute("axis", 1)),
        onnx.node("Gemm", ["flat", "W", "b"], ["z"]),
    ]
    end = onnx.value("y", ["n", 2])
    if output == "probabilities":
        nodes.append(onnx.node("Softmax", ["z"], ["y"], onnx.integer_attribute("axis", 1)))
    elif output == "labels":
        nodes.append(
            onnx.node("ArgMax", ["z"], ["y"], onnx.integer_attribute("axis", 1), onnx.integer_attribute("keepdims", 0))
        )
        end = onnx.value("y", ["n"], onnx.INT64)
    else:
        nodes.append(onnx.node("Identity", ["z"], ["y"]))
    parts = [onnx.tensor("W", matrix), onnx.tensor("b", np.array([0.0, bias], dtype=np.float32))]
    return onnx.model(onnx.graph(nodes, [onnx.value("x", ["n", *weights.shape])], [end], parts))


def picture_system(
    folder: Path,
    *,
    gap: float,
    output: str = "probabilities",
    n: int = 120,
    shape: tuple[int, ...] = (3, 12, 10),
    truth: str = "honest",
    personal: bool = False,
    ranged: bool = True,
    sharpness: float = 1.0,
    low: float = 0.0,
    high: float = 1.0,
    **rest: Any,
) -> Subject:
    """Pictures whose left half is brighter (class 1) or darker (class 0) than the right half by `gap`.

    The weights are +1 left and -1 right, so that the L∞ distance of every sample to the boundary is about `gap / 2`.
    `truth` other than `honest` turns every label round; `sharpness` multiplies the scores and moves no boundary. All
    is stretched from `[0, 1]` to the range from `low` to `high`.
    """
    generator = np.random.default_rng(7)
    channels_last = rest.get("layout") == "HWC"
    side = np.ones(shape)
    axis = 1 if channels_last else len(shape) - 1
    left = [slice(None)] * len(shape)
    left[axis] = slice(shape[axis] // 2, None)
    side[tuple(left)] = -1
    y = generator.integers(2, size=n)
    direction = np.where(y == 1, 0.5, -0.5).reshape(-1, *[1] * len(shape))
    noise = generator.uniform(-0.01, 0.01, size=(n, *shape))
    x = (low + (high - low) * (0.5 + direction * gap * side + noise)).astype(np.float32)
    target = y if truth == "honest" else 1 - y
    bias = -1e6 if truth == "constant" else -0.5 * (low + high) * float(side.sum())
    legal = {"low": low, "high": high} if ranged else {}
    description = describe(
        shape=list(shape),
        kind="image",
        output=output,
        format_="onnx",
        file="model.onnx",
        tensors={},
        data={"test": data_set("test.npz", "npz", features="x", target="y")},
        **legal,
        **rest,
    )
    description["facts"] = {"data.personal": personal}
    model = linear_picture_model(sharpness * side, sharpness * bias, output=output)
    return make(folder, description, {"model.onnx": model, "test.npz": arrays(x, target.astype(np.int64))})


def striped_system(folder: Path, classes: int, *, output: str, n: int = 40, batch: int | None = None) -> Subject:
    """Pictures of one channel, 3 rows for each class and 5 columns: the class is whose rows are a little brighter."""
    generator = np.random.default_rng(13)
    y = np.arange(n) % classes
    rows = np.repeat(np.arange(classes), 3)
    bright = (rows == y[:, None])[:, None, :, None]
    x = (0.5 + 0.01 * bright + generator.uniform(-0.002, 0.002, (n, 1, len(rows), 5))).astype(np.float32)
    matrix = np.repeat(np.eye(classes)[rows], 5, axis=0).astype(np.float32)
    nodes = [
        onnx.node("Flatten", ["x"], ["flat"], onnx.integer_attribute("axis", 1)),
        onnx.node("MatMul", ["flat", "W"], ["y" if output == "logits" else "z"]),
    ]
    size = "n" if batch is None else batch
    end = onnx.value("y", [size, classes])
    if output == "labels":
        axis = onnx.integer_attribute("axis", 1), onnx.integer_attribute("keepdims", 0)
        nodes.append(onnx.node("ArgMax", ["z"], ["y"], *axis))
        end = onnx.value("y", [size], onnx.INT64)
    shape = [1, len(rows), 5]
    graph = onnx.graph(nodes, [onnx.value("x", [size, *shape])], [end], [onnx.tensor("W", matrix)])
    description = describe(
        shape=shape,
        kind="image",
        labels=[f"stripe {index}" for index in range(classes)],
        output=output,
        format_="onnx",
        file="model.onnx",
        low=0.0,
        high=1.0,
        data={"test": data_set("test.npz", "npz", features="x", target="y")},
    )
    description["facts"] = {"data.personal": False}
    return make(folder, description, {"model.onnx": onnx.model(graph), "test.npz": arrays(x, y.astype(np.int64))})


def as_weights(subject: Subject, weights: dict[str, NDArray[np.float32]], layers: list[dict[str, Any]]) -> Subject:
    """The same system with other weights, handed in as safetensors, so that it has gradients."""
    from safetensors.numpy import save

    (subject.root / "model.safetensors").write_bytes(save(weights))
    description = yaml.safe_load((subject.root / "system.yaml").read_text(encoding="utf-8"))
    description["model"] |= {"format": "safetensors", "file": "model.safetensors", "architecture": layers}
    (subject.root / "system.yaml").write_text(yaml.safe_dump(description), encoding="utf-8")
    return open_system(subject.root)


def white_picture_system(folder: Path, *, gap: float, **settings: Any) -> Subject:
    """The system of :func:`picture_system` with gradients; pictures of one channel, 6 by 4."""
    subject = picture_system(folder, gap=gap, shape=(1, 6, 4), output="logits", **settings)
    side = np.ones((6, 4), dtype=np.float32)
    side[:, 2:] = -1
    weights = {"answer.weight": np.stack([0 * side.ravel(), side.ravel()]), "answer.bias": np.zeros(2, np.float32)}
    layers = [{"kind": "flatten"}, {"kind": "linear", "name": "answer", "inputs": 24, "outputs": 2}]
    return as_weights(subject, weights, layers)


def island_system(folder: Path, *, n: int = 40) -> Subject:
    """Two classes as in :func:`picture_system`, and a rare third that is the answer to strong noise.

    Every corner of the legal range is of the third class, so that a search among corners turns all others at once and
    never finds the way out of it.
    """
    generator = np.random.default_rng(5)
    shape = (1, 12, 10)
    side = np.ones(shape)
    side[..., 5:] = -1
    y = np.where(np.arange(n) % 20 == 0, 2, generator.integers(2, size=n))
    direction = np.where(y == 1, 0.01, -0.01).reshape(-1, 1, 1, 1)
    strong = 0.4 * np.where(generator.random((n, *shape)) < 0.5, -1.0, 1.0)
    x = (0.5 + np.where((y == 2).reshape(-1, 1, 1, 1), strong, direction * side)).astype(np.float32)
    flat = side.ravel().astype(np.float32)
    nothing, strength = np.zeros_like(flat), np.full_like(flat, 1000 / flat.size)
    nodes = [
        onnx.node("Sub", ["x", "half"], ["centred"]),
        onnx.node("Abs", ["centred"], ["strength"]),
        onnx.node("Flatten", ["centred"], ["signed"], onnx.integer_attribute("axis", 1)),
        onnx.node("Flatten", ["strength"], ["unsigned"], onnx.integer_attribute("axis", 1)),
        onnx.node("Gemm", ["signed", "V", "none"], ["direction"]),
        onnx.node("Gemm", ["unsigned", "W", "b"], ["noise"]),
        onnx.node("Add", ["direction", "noise"], ["y"]),
    ]
    parts = [
        onnx.tensor("half", np.full((1,), 0.5, dtype=np.float32)),
        onnx.tensor("V", np.stack([nothing, flat, nothing], axis=1)),
        onnx.tensor("none", np.zeros(3, dtype=np.float32)),
        onnx.tensor("W", np.stack([nothing, nothing, strength], axis=1)),
        onnx.tensor("b", np.array([0, 0, -300], dtype=np.float32)),
    ]
    description = describe(
        shape=list(shape),
        kind="image",
        labels=["dark", "bright", "noise"],
        output="logits",
        format_="onnx",
        file="model.onnx",
        tensors={},
        data={"test": data_set("test.npz", "npz", features="x", target="y")},
        low=0.0,
        high=1.0,
    )
    description["facts"] = {"data.personal": False}
    model = onnx.model(onnx.graph(nodes, [onnx.value("x", ["n", *shape])], [onnx.value("y", ["n", 3])], parts))
    return make(folder, description, {"model.onnx": model, "test.npz": arrays(x, y.astype(np.int64))})


def table_system(folder: Path, weights: list[float], *, spread: float = 1.0, n: int = 200, **rest: Any) -> Subject:
    """Class 1 where `w·x` is positive; column 0 holds whole numbers, the others are uniform on ±`spread`."""
    generator = np.random.default_rng(11)
    x = generator.uniform(-spread, spread, size=(n, len(weights))).astype(np.float32)
    x[:, 0] = generator.integers(0, 2, size=n)
    w = np.array(weights)
    y = (x @ w > 0).astype(np.int64)
    matrix = np.stack([np.zeros(len(weights)), 4 * w], axis=1).astype(np.float32)
    description = describe(
        columns=[f"c{index}" for index in range(len(weights))],
        format_="onnx",
        file="model.onnx",
        data={"test": data_set("test.npz", "npz", features="x", target="y")},
        **rest,
    )
    model = onnx.linear_classifier(matrix, np.zeros(2, dtype=np.float32))
    return make(folder, description, {"model.onnx": model, "test.npz": arrays(x, y)})
