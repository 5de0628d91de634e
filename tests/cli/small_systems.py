"""Small good systems, one per kind of model and data, to be broken in one way at a time."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import skops.io
import yaml
from PIL import Image
from sklearn.linear_model import LogisticRegression

from tests.building import prediction_system
from tests.system import onnx_writer as onnx
from tests.system.made import data_set, describe

ROWS = 24
X = np.linspace(-1, 1, 2 * ROWS, dtype=np.float32).reshape(ROWS, 2)
Y = np.arange(ROWS) % 2
WEIGHTS = np.array([[1, -1], [0.5, 2]], dtype=np.float32)
BIAS = np.zeros(2, dtype=np.float32)

System = Callable[[Path], object]


def write(folder: Path, description: dict[str, Any], files: dict[str, bytes]) -> None:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    (folder / "system.yaml").write_text(yaml.safe_dump(description, sort_keys=False), encoding="utf-8")


def predictions(folder: Path) -> None:
    """Predictions in a table."""
    prediction_system(folder)


def network(weights: Any = WEIGHTS) -> bytes:
    return onnx.linear_classifier(weights, BIAS[:1].repeat(weights.shape[1]))


def cases(rows: int = ROWS) -> bytes:
    lines = [f"case-{row},{X[row, 0]:.4f},{X[row, 1]:.4f},{'yes' if Y[row] else 'no'}" for row in range(rows)]
    return "\n".join(["id,a,b,y", *lines, ""]).encode()


def table(folder: Path) -> None:
    """An ONNX model, and a table of cases."""
    test = data_set("test.csv", "csv", target="y", identifier="id")
    description = describe(columns=["a", "b"], format_="onnx", file="m.onnx", data={"test": test})
    write(folder, description, {"m.onnx": network(), "test.csv": cases()})


def packed(compressed: bool = False, **arrays: Any) -> bytes:
    buffer = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(buffer, **arrays)
    return buffer.getvalue()


def arrays(folder: Path) -> None:
    """An ONNX model, and arrays."""
    test = data_set("test.npz", "npz", target="y", features="x")
    description = describe(columns=["a", "b"], format_="onnx", file="m.onnx", data={"test": test})
    write(folder, description, {"m.onnx": network(), "test.npz": packed(x=X, y=Y)})


def picture(width: int = 4, height: int = 4) -> bytes:
    buffer = io.BytesIO()
    pixels = np.arange(width * height * 3, dtype=np.uint8).reshape(height, width, 3)
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def pictures(folder: Path) -> None:
    """An ONNX model of images, and a folder per class."""
    mean = onnx.node("GlobalAveragePool", ["x"], ["p"])
    flat = onnx.node("Flatten", ["p"], ["f"])
    gemm = onnx.node("Gemm", ["f", "W", "b"], ["y"])
    weights = [onnx.tensor("W", np.ones((3, 2), dtype=np.float32)), onnx.tensor("b", BIAS)]
    ends = [onnx.value("x", ["n", 3, 4, 4])], [onnx.value("y", ["n", 2])]
    model = onnx.model(onnx.graph([mean, flat, gemm], *ends, weights))
    description = describe(
        kind="image",
        shape=[3, 4, 4],
        low=0.0,
        high=1.0,
        output="logits",
        format_="onnx",
        file="m.onnx",
        data={"test": data_set("pics", "image-folder")},
    )
    files = {f"pics/{name}/{number}.png": picture() for name in ("no", "yes") for number in range(3)}
    write(folder, description, {"m.onnx": model, **files})


@cache
def regression() -> bytes:
    return bytes(skops.io.dumps(LogisticRegression().fit(X, Y)))


def estimator(folder: Path) -> None:
    """A scikit-learn model, and a table of cases."""
    test = data_set("test.csv", "csv", target="y", identifier="id")
    description = describe(columns=["a", "b"], format_="skops", file="m.skops", data={"test": test})
    write(folder, description, {"m.skops": regression(), "test.csv": cases()})
