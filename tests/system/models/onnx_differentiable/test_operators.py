"""Every operator against ONNX Runtime."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from tests.system import onnx_writer as onnx  # noqa: E402
from tests.system.models.onnx_differentiable.graphs import assert_equal, model_of, reference  # noqa: E402
from touchstone.system.models.onnx_differentiable.interpreter import OPERATORS  # noqa: E402

pytestmark = pytest.mark.torch

GENERATOR = np.random.default_rng(5)
ROWS = GENERATOR.normal(size=(3, 4)).astype(np.float32)
PICTURES = GENERATOR.normal(size=(2, 4, 7, 6)).astype(np.float32)
SIGNALS = GENERATOR.normal(size=(2, 3, 11)).astype(np.float32)
POSITIVE = np.abs(ROWS) + np.float32(0.1)
CHANNELS = {name: GENERATOR.uniform(0.5, 2, 4).astype(np.float32) for name in "abcd"}


def weights(*shape: int) -> np.ndarray:
    return GENERATOR.normal(size=shape).astype(np.float32)


def whole(*numbers: int) -> np.ndarray:
    return np.array(numbers, dtype=np.int64)


def numbers(*values: float) -> np.ndarray:
    return np.array(values, dtype=np.float32)


def scalar(value: float) -> np.ndarray:
    return np.array(value, dtype=np.float32)


Case = tuple[str, np.ndarray, dict[str, np.ndarray], dict[str, Any], int]


def case(
    operator: str, x: np.ndarray, constants: dict[str, np.ndarray] | None = None, opset: int = 17, **attributes: Any
) -> Case:
    return operator, x, constants or {}, attributes, opset


CASES = [
    *[
        case(name, ROWS)
        for name in (
            *("Abs", "Ceil", "Celu", "Cos", "Dropout", "Elu", "Erf", "Exp", "Flatten", "Floor", "HardSigmoid"),
            *("HardSwish", "Identity", "LeakyRelu", "LogSoftmax", "LpNormalization", "Neg", "Reciprocal", "Relu"),
            *("Round", "Selu", "Shape", "Sigmoid", "Sign", "Sin", "Size", "Softmax", "Softplus", "Softsign", "Tan"),
            *("Tanh", "ThresholdedRelu", "Transpose", "ReduceL1", "ReduceL2", "ReduceLogSumExp", "ReduceMax"),
            *("ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum", "ReduceSumSquare", "Sum", "Mean", "Max", "Min"),
        )
    ],
    case("Log", POSITIVE),
    case("Sqrt", POSITIVE),
    case("Mish", ROWS, opset=18),
    case("Gelu", ROWS, opset=20),
    case("Gelu", ROWS, opset=20, approximate="tanh"),
    case("Softplus", ROWS * 40),
    case("Elu", ROWS, alpha=0.3),
    case("Selu", ROWS, alpha=1.2, gamma=0.8),
    case("Celu", ROWS, alpha=0.7),
    case("HardSigmoid", ROWS, alpha=0.3, beta=0.4),
    case("LeakyRelu", ROWS, alpha=0.2),
    case("PRelu", PICTURES, {"a": weights(4, 1, 1)}),
    *[case(name, ROWS, {"a": weights(3, 1), "b": weights(1, 4)}) for name in ("Sum", "Mean", "Max", "Min")],
    *[case(name, ROWS, {"a": weights(5, 3, 4)}) for name in ("Add", "Sub", "Mul", "Div", "Greater", "Less")],
    *[case(name, ROWS, {"a": ROWS}) for name in ("Equal", "GreaterOrEqual", "LessOrEqual")],
    case("Pow", POSITIVE, {"a": weights(4)}),
    case("Pow", ROWS, {"a": scalar(2)}),
    case("Pow", ROWS, {"a": whole(3)}),
    case("Mod", ROWS, {"a": weights(4)}, fmod=1),
    case("Mod", whole(5, -7, 9), {"a": whole(3, 3, -4)}),
    case("Div", whole(5, -7, 9), {"a": whole(3, 3, -4)}),
    case("And", ROWS > 0, {"a": ROWS > 0.5}),
    case("Or", ROWS > 0, {"a": ROWS > 0.5}),
    case("Xor", ROWS > 0, {"a": ROWS > 0.5}),
    case("Not", ROWS > 0),
    case("Where", ROWS > 0, {"a": weights(4), "b": weights(3, 1)}),
    case("Clip", ROWS, min=-0.5, max=0.5, opset=10),
    case("Clip", ROWS, {"a": scalar(-0.5)}),
    case("Clip", ROWS, {"a": scalar(-0.5), "b": scalar(0.5)}),
    *[case("Cast", ROWS, to=element) for element in (1, 6, 7, 9, 10, 11)],
    case("CumSum", ROWS, {"a": np.array(1, dtype=np.int64)}),
    case("Gemm", ROWS, {"a": weights(4, 5), "b": weights(5)}),
    case("Gemm", ROWS, {"a": weights(5, 3), "b": weights(4, 1)}, transA=1, transB=1, alpha=0.5, beta=2.0),
    case("Gemm", ROWS, {"a": weights(4, 5)}),
    case("MatMul", ROWS, {"a": weights(4, 5)}),
    case("MatMul", ROWS, {"a": weights(4)}),
    case("MatMul", PICTURES, {"a": weights(4, 6, 3)}),
    *[
        case("Conv", PICTURES, {"a": weights(6, 4, 3, 3), "b": weights(6)}, **attributes)
        for attributes in (
            {},
            {"pads": [1, 2, 1, 2], "strides": [2, 1]},
            {"pads": [0, 1, 2, 0], "dilations": [2, 1]},
            {"auto_pad": "SAME_UPPER", "strides": [2, 2]},
            {"auto_pad": "SAME_LOWER", "strides": [2, 2]},
            {"auto_pad": "VALID"},
        )
    ],
    case("Conv", PICTURES, {"a": weights(8, 1, 3, 2)}, group=4),
    case("Conv", SIGNALS, {"a": weights(4, 3, 5), "b": weights(4)}, pads=[2, 1]),
    case("ConvTranspose", PICTURES, {"a": weights(4, 3, 3, 3), "b": weights(3)}),
    case("ConvTranspose", PICTURES, {"a": weights(4, 3, 3, 2)}, strides=[2, 2], pads=[1, 0, 0, 1], group=2),
    case(
        "ConvTranspose", PICTURES, {"a": weights(4, 3, 3, 3)}, strides=[2, 3], output_padding=[1, 1], dilations=[2, 1]
    ),
    case("ConvTranspose", SIGNALS, {"a": weights(3, 2, 4)}, strides=[3]),
    case("BatchNormalization", PICTURES, CHANNELS),
    case("BatchNormalization", ROWS, CHANNELS, epsilon=0.1),
    case("InstanceNormalization", PICTURES, {"a": weights(4), "b": weights(4)}),
    case("LayerNormalization", PICTURES, {"a": weights(6), "b": weights(6)}),
    case("LayerNormalization", PICTURES, {"a": weights(7, 6)}, axis=2, epsilon=0.01),
    case("GroupNormalization", PICTURES, {"a": weights(4), "b": weights(4)}, opset=21, num_groups=2),
    *[case("LRN", PICTURES, size=size, alpha=0.5, beta=0.6, bias=1.5) for size in (1, 3, 5)],
    case("LpNormalization", ROWS, axis=0, p=1),
    case("GlobalAveragePool", PICTURES),
    case("GlobalMaxPool", PICTURES),
    case("GlobalMaxPool", SIGNALS),
    case("Softmax", PICTURES),
    case("Softmax", PICTURES, axis=1),
    case("Softmax", PICTURES, axis=2, opset=12),
    case("Softmax", PICTURES, opset=12),
    case("LogSoftmax", PICTURES, axis=-2),
    case("LogSoftmax", PICTURES, axis=-2, opset=11),
    *[case("Flatten", PICTURES, axis=axis) for axis in (0, 2, -1, 4)],
    case("Reshape", PICTURES, {"a": whole(0, -1, 3)}),
    case("Reshape", PICTURES, {"a": whole(8, 42)}),
    case("Transpose", PICTURES, perm=[2, 0, 3, 1]),
    case("Squeeze", ROWS[None, :, None]),
    case("Squeeze", ROWS[None, :, None], {"a": whole(0, -2)}),
    case("Squeeze", ROWS[None, :, None], axes=[2], opset=11),
    case("Unsqueeze", ROWS, {"a": whole(0, -1)}),
    case("Unsqueeze", ROWS, axes=[1, 3], opset=11),
    case("Concat", ROWS, {"a": weights(3, 2), "b": weights(3, 1)}, axis=-1),
    case("Slice", PICTURES, {"a": whole(1, -5), "b": whole(9, 6), "c": whole(1, 2)}),
    case("Slice", PICTURES, {"a": whole(-1, 5), "b": whole(-9, 0), "c": whole(-1, 2), "d": whole(-1, -2)}),
    case("Slice", PICTURES, {"a": whole(0, 5), "b": whole(2**62, 2)}),
    case("Slice", PICTURES, opset=9, starts=[1, 0], ends=[3, -1], axes=[1, 3]),
    case("Gather", PICTURES, {"a": whole(1, -1).reshape(2, 1)}, axis=2),
    case("Gather", ROWS, {"a": np.array(2, dtype=np.int64)}),
    case("Gather", numbers(3, 4, 5), {"a": np.array(-1, dtype=np.int64)}),
    case("Pad", PICTURES, {"a": whole(0, 0, 1, 2, 0, 1, 0, 3)}),
    case("Pad", PICTURES, {"a": whole(0, 0, 1, -2, 0, 0, -1, 3), "b": scalar(1.5)}),
    case("Pad", PICTURES, {"a": whole(0, 0, 1, 2, 0, 0, 3, 1)}, mode="reflect"),
    case("Pad", PICTURES, {"a": whole(0, 0, 1, 2, 0, 0, 3, 1)}, mode="edge"),
    case("Pad", PICTURES, opset=10, pads=[0, 0, 1, 2, 0, 0, 3, 1], value=0.5),
    case("Expand", ROWS[:, None], {"a": whole(2, 1, 5, 1)}),
    case("Tile", ROWS, {"a": whole(2, 3)}),
    case("Shape", PICTURES, start=1, end=-1),
    case("ConstantOfShape", whole(2, 3)),
    case("ConstantOfShape", whole(2, 3), value=whole(7)),
    case("Range", np.array(1, dtype=np.int64), {"a": np.array(9, dtype=np.int64), "b": np.array(3, dtype=np.int64)}),
    case("DepthToSpace", PICTURES, blocksize=2),
    case("DepthToSpace", PICTURES, blocksize=2, mode="CRD"),
    case("SpaceToDepth", PICTURES[:, :, :6], blocksize=2),
    *[
        case(f"Reduce{kind}", PICTURES, opset=opset, keepdims=keep, axes=[1, -1])
        for kind in ("Mean", "Max", "Min", "L2", "L1", "SumSquare", "Prod", "LogSumExp")
        for opset, keep in ((13, 0), (17, 1))
    ],
    case("ReduceSum", PICTURES, opset=11, axes=[2], keepdims=0),
    case("ReduceSum", PICTURES, {"a": whole(1, -1)}),
    case("ReduceMean", PICTURES, {"a": whole(2, 3)}, opset=18),
    case("ReduceSum", PICTURES, noop_with_empty_axes=1),
    case("Upsample", PICTURES, {"a": numbers(1, 1, 2, 3)}, opset=9),
    case("Upsample", PICTURES, {"a": numbers(1, 1, 2, 1.5)}, opset=9, mode="linear"),
]


@pytest.mark.parametrize(
    ("operator", "x", "constants", "attributes", "opset"), CASES, ids=[f"{n}-{c[0]}" for n, c in enumerate(CASES)]
)
def test_an_operator_is_the_runtimes_own(
    operator: str, x: np.ndarray, constants: dict[str, np.ndarray], attributes: dict[str, Any], opset: int
) -> None:
    node = onnx.operator(operator, ["x", *constants], ["y"], **attributes)
    data = model_of([node], constants, opset=opset, element=onnx.ELEMENTS[str(x.dtype)], shape=x.shape)
    assert_equal(data, x)


CLASSICAL = [
    ("Scaler", {"offset": [0.5, 1.0, -1.0, 0.0], "scale": [2.0, 0.5, 1.0, 3.0]}),
    ("Scaler", {"offset": [0.5], "scale": [2.0]}),
    ("Normalizer", {"norm": "L1"}),
    ("Normalizer", {"norm": "L2"}),
    *[
        (
            "LinearClassifier",
            {
                "coefficients": weights(classes * 4).tolist(),
                "intercepts": weights(classes).tolist(),
                "classlabels_ints": list(range(classes)),
                "post_transform": transform,
            },
        )
        for classes in (2, 3)
        for transform in ("NONE", "SOFTMAX", "LOGISTIC")
    ],
]


@pytest.mark.parametrize(("operator", "attributes"), CLASSICAL)
def test_a_classical_operator_is_the_runtimes_own(operator: str, attributes: dict[str, Any]) -> None:
    outputs = ["label", "y"] if operator == "LinearClassifier" else ["y"]
    node = onnx.operator(operator, ["x"], outputs, "ai.onnx.ml", **attributes)
    assert_equal(model_of([node], shape=ROWS.shape), ROWS)


def test_every_operator_has_a_case() -> None:
    elsewhere = {"AveragePool", "MaxPool", "Resize", "Split", "Constant"}
    classical = {f"ai.onnx.ml::{name}" for name, _ in CLASSICAL}
    assert {name for name, *_ in CASES} | elsewhere | classical == set(OPERATORS)


@pytest.mark.parametrize(
    ("inputs", "constants", "opset", "attributes"),
    [
        (["x"], {}, 17, {"axis": 1}),
        (["x", "a"], {"a": whole(1, 3)}, 17, {"axis": 1}),
        (["x"], {}, 11, {"axis": 1, "split": [3, 1]}),
        (["x"], {}, 18, {"axis": 1, "num_outputs": 2}),
        (["x"], {}, 18, {"axis": 0, "num_outputs": 2}),
    ],
)
def test_a_value_is_split(
    inputs: list[str], constants: dict[str, np.ndarray], opset: int, attributes: dict[str, Any]
) -> None:
    """Both parts are seen: they are put together again the other way round."""
    axis = attributes["axis"]
    nodes = [
        onnx.operator("Split", inputs, ["first", "second"], **attributes),
        onnx.operator("Concat", ["second", "first"], ["y"], axis=axis),
    ]
    assert_equal(model_of(nodes, constants, opset=opset, shape=ROWS.shape), ROWS)


@pytest.mark.parametrize(
    "attributes",
    [{"value": weights(3, 4)}, {"value_float": 0.5}, {"value_floats": [0.5, 1.0, 2.0, 3.0]}],
)
def test_a_constant_is_read(attributes: dict[str, Any]) -> None:
    nodes = [onnx.operator("Constant", [], ["c"], **attributes), onnx.operator("Add", ["x", "c"], ["y"])]
    assert_equal(model_of(nodes, shape=ROWS.shape), ROWS)


@pytest.mark.parametrize("attributes", [{"value_int": 2}, {"value_ints": [2, -1]}])
def test_a_constant_size_is_read(attributes: dict[str, Any]) -> None:
    shape = onnx.operator("Constant", [], ["c"], **attributes)
    flat = onnx.operator("Constant", [], ["one"], value_ints=[-1])
    nodes = [
        shape,
        flat,
        onnx.operator("Reshape", ["c", "one"], ["s"]),
        onnx.operator("ConstantOfShape", ["sizes"], ["z"]),
        onnx.operator("Shape", ["x"], ["sizes"]),
        onnx.operator("Cast", ["s"], ["f"], to=1),
        onnx.operator("ReduceSum", ["f"], ["total"], keepdims=0),
        onnx.operator("Mul", ["x", "total"], ["y"]),
    ]
    assert_equal(model_of([nodes[0], nodes[1], nodes[2], nodes[4], nodes[3], *nodes[5:]], shape=ROWS.shape), ROWS)


@settings(max_examples=120, deadline=None)
@given(
    st.sampled_from(["MaxPool", "AveragePool"]),
    st.integers(1, 2),
    st.lists(st.integers(3, 9), min_size=2, max_size=2),
    st.lists(st.integers(1, 3), min_size=2, max_size=2),
    st.lists(st.integers(1, 3), min_size=2, max_size=2),
    st.lists(st.integers(0, 2), min_size=4, max_size=4),
    st.sampled_from(["NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"]),
    st.booleans(),
    st.booleans(),
)
def test_pooling_is_the_runtimes_own(
    operator: str,
    rank: int,
    size: list[int],
    kernel: list[int],
    strides: list[int],
    pads: list[int],
    automatic: str,
    up: bool,
    counted: bool,
) -> None:
    attributes: dict[str, Any] = {"kernel_shape": kernel[:rank], "strides": strides[:rank]}
    if automatic == "NOTSET":
        attributes["pads"] = [*pads[:rank], *pads[2 : 2 + rank]]
        assume(all(pad < kernel[place % rank] for place, pad in enumerate(attributes["pads"])))
    else:  # a window that is shorter than its step would need less than no padding, which the runtime refuses
        attributes["auto_pad"] = automatic
        attributes["strides"] = [min(pair) for pair in zip(kernel, strides, strict=True)][:rank]
    if up and automatic == "NOTSET":
        attributes["ceil_mode"] = 1
    if operator == "AveragePool" and counted:
        attributes["count_include_pad"] = 1
    x = np.random.default_rng(len(kernel)).normal(size=(2, 3, *size[:rank])).astype(np.float32)
    data = model_of([onnx.operator(operator, ["x"], ["y"], **attributes)], shape=x.shape, opset=19)
    assert_equal(data, x)


@settings(max_examples=120, deadline=None)
@given(
    st.sampled_from(["nearest", "linear"]),
    st.sampled_from(["half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel"]),
    st.sampled_from(["floor", "ceil", "round_prefer_floor", "round_prefer_ceil"]),
    st.lists(st.integers(2, 7), min_size=2, max_size=2),
    st.lists(st.integers(1, 15), min_size=2, max_size=2),
    st.booleans(),
)
def test_resizing_is_the_runtimes_own(
    mode: str, coordinates: str, rounding: str, size: list[int], wanted: list[int], by_scale: bool
) -> None:
    x = np.random.default_rng(1).normal(size=(1, 2, *size)).astype(np.float32)
    constants = {"sizes": whole(1, 2, *wanted)}
    inputs = ["x", "", "", "sizes"]
    if by_scale:
        constants = {"scales": numbers(1, 1, *(1 + item / 4 for item in wanted))}
        inputs = ["x", "", "scales"]
    node = onnx.operator(
        "Resize", inputs, ["y"], mode=mode, coordinate_transformation_mode=coordinates, nearest_mode=rounding
    )
    assert_equal(model_of([node], constants, shape=x.shape), x)


def test_the_first_version_of_resize() -> None:
    node = onnx.operator("Resize", ["x", "scales"], ["y"], mode="linear")
    assert_equal(model_of([node], {"scales": numbers(1, 1, 2, 1.5)}, opset=10, shape=PICTURES.shape), PICTURES)


def test_the_reference_sees_a_difference() -> None:
    """The comparison itself: another operator is told apart."""
    data = model_of([onnx.operator("Relu", ["x"], ["y"])], shape=ROWS.shape)
    assert not np.allclose(reference(data, ROWS), ROWS)
    with pytest.raises(AssertionError):
        assert_equal(model_of([onnx.operator("Elu", ["x"], ["y"], alpha=1.0)]), ROWS, tolerance=-1)
