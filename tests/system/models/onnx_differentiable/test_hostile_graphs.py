"""Graphs that nobody exported: none hangs, fills memory, or fails with an error of ours."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from tests.system import onnx_writer as onnx  # noqa: E402
from tests.system.models.onnx_differentiable.graphs import model_of  # noqa: E402
from touchstone.errors import ArtifactError  # noqa: E402
from touchstone.system.models.onnx_differentiable.calls import Unsupported  # noqa: E402
from touchstone.system.models.onnx_differentiable.interpreter import OPERATORS, Interpreter  # noqa: E402
from touchstone.system.models.onnx_graph import read_onnx_graph  # noqa: E402

pytestmark = pytest.mark.torch

X = torch.ones((2, 3))
HUGE = np.array([2**40, 2**20], dtype=np.int64)
LARGE = np.array([20_000], dtype=np.int64)


def run(nodes: list[bytes], constants: dict[str, np.ndarray] | None = None, opset: int = 17) -> torch.Tensor:
    data = model_of(nodes, constants, opset=opset)
    return Interpreter(read_onnx_graph(data, "m.onnx"), "x", "y")(X)


@pytest.mark.parametrize(
    ("nodes", "constants", "message"),
    [
        ([onnx.operator("Add", ["x", "z"], ["y"])], {}, "'z' before it is made"),
        (
            [
                onnx.operator("Add", ["x", "b"], ["a"]),
                onnx.operator("Add", ["a", "a"], ["b"]),
                onnx.operator("Relu", ["b"], ["y"]),
            ],
            {},
            "before it is made",
        ),
        ([onnx.operator("Relu", ["x"], ["z"])], {}, "'y' before it is made"),
        ([onnx.operator("Add", ["x"], ["y"])], {}, "lacks an input"),
        ([onnx.operator("Add", ["x", ""], ["y"])], {}, "lacks an input"),
        (
            [onnx.operator("ConstantOfShape", ["s"], ["c"]), onnx.operator("Add", ["x", "c"], ["y"])],
            {"s": HUGE},
            "shape",
        ),
        ([onnx.operator("Expand", ["x", "s"], ["y"])], {"s": np.append(HUGE, [2, 3])}, "shape"),
        ([onnx.operator("Tile", ["x", "s"], ["y"])], {"s": HUGE}, "shape"),
        ([onnx.operator("Pad", ["x", "s"], ["y"])], {"s": np.append(HUGE, HUGE)}, "shape"),
        ([onnx.operator("Pad", ["x", "s"], ["y"])], {"s": np.array([-9, 0, 0, 0])}, "shape"),
        ([onnx.operator("Reshape", ["x", "s"], ["y"])], {"s": HUGE}, "Reshape fails"),
        ([onnx.operator("Reshape", ["x", "x"], ["y"])], {}, "whole numbers"),
        ([onnx.operator("Gather", ["x", "s"], ["y"])], {"s": LARGE}, "Gather fails"),
        ([onnx.operator("Softmax", ["x"], ["y"], axis=7)], {}, "axis 7"),
        ([onnx.operator("Softmax", ["x"], ["y"], axis="one")], {}, "another kind"),
        ([onnx.operator("Transpose", ["x"], ["y"], perm=[0, 0])], {}, "Transpose fails"),
        ([onnx.operator("Split", ["x"], ["y"], num_outputs=0)], {}, "0 parts"),
        ([onnx.operator("Cast", ["x"], ["y"], to=8)], {}, "element type 8"),
        ([onnx.operator("MaxPool", ["x"], ["y"], kernel_shape=[2])], {}, "does not fit"),
        ([onnx.operator("Dropout", ["x", "", "t"], ["y"])], {"t": np.array(True)}, "training mode"),
        ([onnx.operator("Evil", ["x"], ["y"], "com.microsoft")], {}, "com.microsoft::Evil"),
        ([onnx.operator("If", ["x"], ["y"]), onnx.operator("Loop", ["x"], ["z"])], {}, "If$"),
    ],
)
def test_what_cannot_be_followed_says_why(nodes: list[bytes], constants: dict[str, np.ndarray], message: str) -> None:
    with pytest.raises(Unsupported, match=message) as caught:
        run(nodes, constants)
    assert caught.value.why.zh != caught.value.why.en


def test_values_that_stretch_each_other_are_bounded() -> None:
    """Each is small; their sum and their product are not."""
    nodes = [
        onnx.operator("ConstantOfShape", ["tall"], ["a"]),
        onnx.operator("ConstantOfShape", ["wide"], ["b"]),
    ]
    constants = {"tall": np.array([20_000, 1]), "wide": np.array([1, 20_000])}
    for operator in ("Add", "MatMul", "Max", "Gemm"):
        ending = [onnx.operator(operator, ["a", "b"], ["c"]), onnx.operator("ReduceMax", ["c"], ["d"])]
        with pytest.raises(Unsupported, match="shape"):
            run([*nodes, *ending, onnx.operator("Add", ["x", "d"], ["y"])], constants)


def test_operators_of_old_versions_are_refused() -> None:
    with pytest.raises(Unsupported, match="version 6"):
        run([onnx.operator("Relu", ["x"], ["y"])], opset=6)


def test_a_long_chain_needs_no_recursion() -> None:
    names = ["x", *(f"v{place}" for place in range(5_000)), "y"]
    nodes = [onnx.operator("Identity", [one], [other]) for one, other in pairwise(names)]
    assert torch.equal(run(nodes), X)


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(sorted(OPERATORS)),
    st.lists(st.sampled_from(["x", "a", "b", "c", ""]), max_size=5),
    st.dictionaries(
        st.sampled_from(
            ["axis", "axes", "perm", "kernel_shape", "strides", "pads", "to", "mode", "blocksize", "group"]
        ),
        st.one_of(
            st.integers(-4, 2**40), st.text(max_size=3), st.lists(st.integers(-3, 2**33), min_size=1, max_size=4)
        ),
        max_size=3,
    ),
    st.sampled_from([7, 11, 13, 18, 21]),
)
def test_any_operator_on_anything_is_refused_or_answers(
    operator: str, inputs: list[str], attributes: dict[str, object], opset: int
) -> None:
    constants = {"a": np.float32([[1, 2, 3]]), "b": np.array([1, -1], dtype=np.int64), "c": np.float32(2)}
    try:
        answer = run([onnx.operator(operator, inputs, ["y"], **attributes)], constants, opset)
    except (Unsupported, ArtifactError):
        return
    assert answer.numel() <= 2**28
