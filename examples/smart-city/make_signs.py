"""Makes the smart-city example: the pictures, and with `--train` the model as well.

Writes `data/{train,test,reference}.npz` and records their digests in both descriptions; needs only numpy.
With `--train` it trains the network (three minutes on one core; needs torch, onnx, safetensors and Pillow) and writes
it twice with the same weights: `model/signs.onnx` and `model/signs.safetensors`.
Run: `python make_signs.py [--train]`
"""

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from render_signs import (
    COMMONEST,
    DISTRICTS,
    LABELS,
    SIDE,
    Pictures,
    render_pictures,
    render_register,
    render_streets,
)

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
from record_digests import record_digests  # noqa: E402 - the shared script lies one folder up

SEEDS = {"train": 2, "streets": 3, "test": 4, "reference": 5, "training": 7}
LEARNT = 12_000
"""Pictures the model learns from; some of them are handed in."""
HANDED_IN = {"train": 500, "test": 900, "reference": 250}


def learnt_pictures() -> Pictures:
    """What the model learns from: equally many of every sign."""
    return render_pictures(LEARNT, np.random.default_rng(SEEDS["train"]))


def register_pictures(role: str) -> Pictures:
    """What it is tested on: signs as often as the register holds them; every set has its own random numbers."""
    return render_register(HANDED_IN[role], np.random.default_rng(SEEDS[role]))


def handed_in(learnt: Pictures) -> Pictures:
    """Some of the learnt pictures, with signs as often as in the register."""
    common = learnt.label == LABELS.index(COMMONEST)
    half = HANDED_IN["train"] // 2
    rows = np.sort(np.concatenate([np.flatnonzero(common)[:half], np.flatnonzero(~common)[:half]]))
    return Pictures(learnt.pixels[rows], learnt.label[rows], learnt.camera[rows], learnt.light[rows])


def write_data() -> Pictures:
    """Writes the three data sets and returns the pictures to learn from."""
    learnt = learnt_pictures()
    write_pictures("train", handed_in(learnt))
    write_pictures("test", register_pictures("test"))
    write_pictures("reference", register_pictures("reference"))
    for description in ("system.yaml", "system-torch.yaml"):
        record_digests(HERE / description)
    return learnt


def write_pictures(role: str, pictures: Pictures) -> None:
    """One data set, with pixels between 0 and 1 as the model takes them."""
    np.savez_compressed(
        HERE / "data" / f"{role}.npz",
        picture=(pictures.pixels / 255).astype(np.float32),
        sign=pictures.label.astype(np.uint8),
        identifier=np.array([f"{role}-{number:04d}" for number in range(len(pictures.label))]),
        camera=pictures.camera,
        district=np.array([DISTRICTS[str(camera)] for camera in pictures.camera]),
        light=pictures.light,
    )


def write_onnx(weights: dict[str, NDArray[np.float32]], path: Path) -> None:
    """The network as an ONNX graph, written node by node: `picture (n, 3, SIDE, SIDE)` to `answer (n, K)` logits."""
    from onnx import TensorProto, checker, helper, numpy_helper, save

    steps: list[tuple[str, str | None, dict[str, Any]]] = [
        ("Conv", "conv1", {"kernel_shape": [4, 4], "strides": [2, 2], "pads": [1, 1, 1, 1]}),
        ("Relu", None, {}),
        ("Conv", "conv2", {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}),
        ("Relu", None, {}),
        ("MaxPool", None, {"kernel_shape": [2, 2], "strides": [2, 2]}),
        ("Conv", "conv3", {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}),
        ("Relu", None, {}),
        ("Conv", "conv4", {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}),
        ("Relu", None, {}),
        ("MaxPool", None, {"kernel_shape": [2, 2], "strides": [2, 2]}),
        ("Flatten", None, {"axis": 1}),
        ("Gemm", "hidden", {"transB": 1}),
        ("Relu", None, {}),
        ("Gemm", "answer", {"transB": 1}),
    ]
    nodes, value = [], "picture"
    for place, (operator, name, attributes) in enumerate(steps, start=1):
        inputs = [value] if name is None else [value, f"{name}.weight", f"{name}.bias"]
        value = "answer" if place == len(steps) else f"step{place}"
        nodes.append(helper.make_node(operator, inputs, [value], **attributes))
    graph = helper.make_graph(
        nodes,
        "signs",
        [helper.make_tensor_value_info("picture", TensorProto.FLOAT, ["n", 3, SIDE, SIDE])],
        [helper.make_tensor_value_info("answer", TensorProto.FLOAT, ["n", len(LABELS)])],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    checker.check_model(model, full_check=True)
    save(model, path)


def write_model(learnt: Pictures) -> None:
    """Trains the network and writes it in both formats."""
    from safetensors.numpy import save_file
    from train_signs import train

    streets = render_streets(1000, np.random.default_rng(SEEDS["streets"]))
    weights = train(learnt.pixels, learnt.label, streets, SEEDS["training"])
    write_onnx(weights, HERE / "model" / "signs.onnx")
    save_file(weights, HERE / "model" / "signs.safetensors")


def main() -> None:
    """Makes what was asked for."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--train", action="store_true", help="train the model as well")
    asked = arguments.parse_args()
    learnt = write_data()
    if asked.train:
        write_model(learnt)


if __name__ == "__main__":
    main()
