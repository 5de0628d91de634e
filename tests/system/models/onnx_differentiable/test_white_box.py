"""The white box of ONNX models: whole networks, gradients, and when there are none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from tests.system import onnx_writer as onnx  # noqa: E402
from tests.system.made import describe, make  # noqa: E402
from tests.system.models.test_onnx import WEIGHTS, classical  # noqa: E402
from touchstone.errors import ArtifactError, UnavailableError  # noqa: E402
from touchstone.system.models.handle import Capability  # noqa: E402
from touchstone.system.models.onnx import OnnxModel  # noqa: E402
from touchstone.system.models.opening import open_model  # noqa: E402
from touchstone.system.subject import open_system  # noqa: E402

pytestmark = pytest.mark.torch

SIGNS = Path(__file__).parents[4] / "examples" / "smart-city"
GENERATOR = np.random.default_rng(11)
LABELS = ["a", "b", "c"]
X = GENERATOR.random((40, 2, 8, 8), dtype=np.float32)
Y = GENERATOR.integers(0, 3, 40)


def weights(*shape: int, scale: float = 0.4) -> np.ndarray:
    return (scale * GENERATOR.normal(size=shape)).astype(np.float32)


CONSTANTS = {
    "w1": weights(6, 2, 3, 3),
    "b1": weights(6),
    "scale": GENERATOR.uniform(0.5, 1.5, 6).astype(np.float32),
    "shift": weights(6),
    "mean": weights(6),
    "variance": GENERATOR.uniform(0.5, 1.5, 6).astype(np.float32),
    "w2": weights(6, 6, 3, 3),
    "w3": weights(54, 3),
    "b3": weights(3),
    "minus": np.array([-1], dtype=np.int64),
}
TRUNK = [
    onnx.operator("Conv", ["x", "w1", "b1"], ["c1"], pads=[1, 1, 1, 1]),
    onnx.operator("BatchNormalization", ["c1", "scale", "shift", "mean", "variance"], ["n1"]),
    onnx.operator("Sigmoid", ["n1"], ["gate"]),
    onnx.operator("Mul", ["n1", "gate"], ["s1"]),
    onnx.operator("Conv", ["s1", "w2"], ["c2"], pads=[1, 1, 1, 1]),
    onnx.operator("Add", ["c2", "s1"], ["sum"]),
    onnx.operator("AveragePool", ["sum"], ["pooled"], kernel_shape=[3, 3], strides=[2, 2]),
    onnx.operator("Shape", ["pooled"], ["sizes"], end=1),
    onnx.operator("Concat", ["sizes", "minus"], ["flat"], axis=0),
    onnx.operator("Reshape", ["pooled", "flat"], ["features"]),
]


def network(ending: list[bytes], *, batch: int | str = "n", classes: int = 3, scale: float = 1.0) -> bytes:
    """A small convolutional network; `ending` leads from `z` to `y`."""
    last = onnx.operator("Gemm", ["features", "w3", "b3"], ["z"], alpha=scale, beta=scale)
    constants = CONSTANTS | {"w3": CONSTANTS["w3"][:, :classes], "b3": CONSTANTS["b3"][:classes]}
    return onnx.model(
        onnx.graph(
            [*TRUNK, last, *ending],
            [onnx.value("x", [batch, 2, 8, 8])],
            [onnx.value("y", [batch, classes])],
            [onnx.array(name, values) for name, values in constants.items()],
        )
    )


LOGITS = [onnx.operator("Identity", ["z"], ["y"])]
SOFTMAX = [onnx.operator("Softmax", ["z"], ["y"])]
SIGMOID = [onnx.operator("Sigmoid", ["z"], ["y"])]


def opened(folder: Path, data: bytes, **changes: Any) -> OnnxModel:
    settings = {
        "kind": "image",
        "shape": [2, 8, 8],
        "labels": LABELS,
        "output": "logits",
        "format_": "onnx",
        "file": "m.onnx",
        "low": 0.0,
        "high": 1.0,
        **changes,
    }
    model = open_model(make(folder, describe(**settings), {"m.onnx": data}))
    assert isinstance(model, OnnxModel)
    return model


def test_a_network_gives_gradients_and_its_own_scores(tmp_path: Path) -> None:
    model = opened(tmp_path, network(LOGITS), normalisation={"mean": [0.5, 0.2], "scale": [0.25, 2.0]})
    assert model.capabilities == set(Capability)
    assert model.no_gradients is None
    assert model.queries == 0
    scores = model.differentiable()(torch.from_numpy(X))
    assert scores.dtype == torch.float32
    assert np.allclose(scores.numpy(), model.logits(X), atol=1e-4)
    assert model.queries == 2 * len(X)
    assert model.confirm_gradients(X) is None
    assert model.queries == 2 * len(X)


def losses(scores: np.ndarray, y: np.ndarray, loss: str) -> np.ndarray:
    own = scores[np.arange(len(scores)), y]
    if loss == "cross-entropy":
        top = scores.max(1)
        return np.log(np.exp(scores - top[:, None]).sum(1)) + top - own
    others = scores.copy()
    others[np.arange(len(scores)), y] = -np.inf
    return others.max(1) - own


@pytest.mark.parametrize("loss", ["margin", "cross-entropy"])
@pytest.mark.parametrize("kind", ["logits", "probabilities"])
def test_gradients_are_slopes_of_the_runtimes_answers(tmp_path: Path, loss: Any, kind: str) -> None:
    ending = LOGITS if kind == "logits" else SOFTMAX
    normalisation = {"mean": [0.5, 0.2], "scale": [0.25, 2.0]}
    model = opened(tmp_path, network(ending), normalisation=normalisation, output=kind)
    direction = GENERATOR.normal(size=X.shape).astype(np.float32)
    gradient = model.gradient(X, Y, loss)
    assert gradient.shape == X.shape
    assert gradient.dtype == np.float32

    def at(x: np.ndarray) -> np.ndarray:
        return losses(model.logits(x) if kind == "logits" else np.log(model.probabilities(x)), Y, loss)

    step = 2e-3
    slope = (at(X + step * direction) - at(X - step * direction)) / (2 * step)
    ours = (gradient * direction).reshape(len(X), -1).sum(1)
    assert np.corrcoef(slope, ours)[0, 1] > 0.999
    assert np.median(np.abs(slope - ours)) < 0.02 * np.abs(ours).max()


def test_a_model_that_is_too_sure_still_has_a_slope(tmp_path: Path) -> None:
    """Probabilities of exactly zero and one have none; their logarithms before rounding have."""
    model = opened(tmp_path, network(SOFTMAX, scale=400.0), output="probabilities")
    assert (np.sort(model.probabilities(X), axis=1)[:, 0] < 1e-30).mean() > 0.5
    predicted = model.labels(X)
    gradient = model.gradient(X, predicted, "margin")
    assert (np.abs(gradient).reshape(len(X), -1).max(1) > 0).all()


@pytest.mark.parametrize(("ending", "kind"), [(LOGITS, "logits"), (SIGMOID, "probabilities")])
def test_one_score_for_two_classes_becomes_two(tmp_path: Path, ending: list[bytes], kind: str) -> None:
    model = opened(tmp_path, network(ending, classes=1), labels=["no", "yes"], output=kind)
    scores = model.differentiable()(torch.from_numpy(X)).double().numpy()
    wanted = model.probabilities(X)
    top = np.exp(scores - scores.max(1, keepdims=True))
    assert np.allclose(top / top.sum(1, keepdims=True), wanted, atol=1e-5)


def test_a_map_of_classes_is_put_in_the_declared_order(tmp_path: Path) -> None:
    names = onnx.operator("ZipMap", ["p"], ["y"], "ai.onnx.ml", classlabels_strings=["c", "a", "b"])
    kinds = onnx.number(1, onnx.STRING) + onnx.block(2, onnx.block(1, onnx.number(1, onnx.FLOAT)))
    output = onnx.block(1, "y") + onnx.block(2, onnx.block(4, onnx.block(1, onnx.block(5, kinds))))
    nodes = [onnx.operator("Gemm", ["x", "w"], ["z"]), onnx.operator("Softmax", ["z"], ["p"]), names]
    graph = onnx.graph(nodes, [onnx.value("x", ["n", 4])], [output], [onnx.array("w", weights(4, 3))])
    data = onnx.model(graph, {"ai.onnx.ml": 1})
    x = GENERATOR.normal(size=(9, 4)).astype(np.float32)
    model = opened(
        tmp_path, data, kind="tabular", columns=list("pqrs"), shape=None, output="probabilities", low=None, high=None
    )
    assert model.no_gradients is None
    scores = model.differentiable()(torch.from_numpy(x)).exp().numpy()
    assert np.allclose(scores, model.probabilities(x), atol=1e-5)


@pytest.mark.parametrize("batch", [1, 5])
@pytest.mark.parametrize("hidden", [False, True])
def test_a_graph_of_one_batch_size_has_gradients(tmp_path: Path, batch: int, hidden: bool) -> None:
    """Whether it can be made to take others, or hides its batch and is asked as it was exported."""
    free = opened(tmp_path, network(LOGITS))
    hiding = [
        onnx.operator("Transpose", ["z"], ["turned"], perm=[1, 0]),
        onnx.operator("Transpose", ["turned"], ["back"], perm=[1, 0]),
        onnx.operator("Constant", [], ["shape"], value_ints=[batch, -1]),
        onnx.operator("Reshape", ["back", "shape"], ["y"]),
    ]
    fixed = opened(tmp_path, network(hiding if hidden else LOGITS, batch=batch))
    assert np.allclose(fixed.differentiable()(torch.from_numpy(X[:7])).numpy(), free.logits(X[:7]), atol=1e-4)
    assert np.allclose(fixed.gradient(X[:7], Y[:7], "margin"), free.gradient(X[:7], Y[:7], "margin"), atol=1e-5)


def test_large_batches_are_taken_in_portions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = opened(tmp_path, network(LOGITS))
    whole = model.gradient(X, Y, "margin")
    monkeypatch.setattr("touchstone.system.models.onnx_differentiable.white_box.MOST_KEPT", 10_000)
    assert np.allclose(model.gradient(X, Y, "margin"), whole, atol=1e-5)


def test_nothing_of_the_process_changes(tmp_path: Path) -> None:
    before = torch.get_rng_state()
    model = opened(tmp_path, network(LOGITS))
    first = model.gradient(X, Y, "margin")
    assert torch.equal(before, torch.get_rng_state())
    assert np.array_equal(first, model.gradient(X, Y, "margin"))


def test_gradients_need_full_access_and_scores(tmp_path: Path) -> None:
    shut = opened(tmp_path, network(LOGITS), access="probabilities")
    assert Capability.GRADIENTS not in shut.capabilities
    with pytest.raises(UnavailableError, match="access"):
        shut.differentiable()


def reason(model: OnnxModel) -> str:
    """Why there are no gradients; there must be none then."""
    why = model.no_gradients
    assert why is not None
    assert why.zh != why.en
    assert Capability.GRADIENTS not in model.capabilities
    with pytest.raises(UnavailableError):
        model.gradient(X, Y, "margin")
    assert model.logits(X).shape == (len(X), 3)  # everything else works as before
    return why.en


def test_operators_that_are_not_followed_are_named(tmp_path: Path) -> None:
    ending = [
        onnx.operator("Trilu", ["z"], ["t"]),
        onnx.operator("Hardmax", ["z"], ["h"]),
        onnx.operator("Add", ["t", "h"], ["y"]),
    ]
    assert "Hardmax, Trilu" in reason(opened(tmp_path, network(ending)))


def test_operators_beside_the_answer_do_not_matter(tmp_path: Path) -> None:
    ending = [onnx.operator("ArgMax", ["z"], ["class"], axis=1), *LOGITS]
    assert opened(tmp_path, network(ending)).no_gradients is None


def test_a_difference_to_the_runtime_closes_the_white_box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from touchstone.system.models.onnx_differentiable import interpreter

    broken = {**interpreter.OPERATORS, "AveragePool": interpreter.OPERATORS["MaxPool"]}
    monkeypatch.setattr(interpreter, "OPERATORS", broken)
    assert "otherwise than ONNX Runtime" in reason(opened(tmp_path, network(LOGITS)))


def test_a_difference_on_real_samples_closes_the_white_box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawn inputs do not reach every corner of a function: real ones are compared as well."""
    from touchstone.system.models.onnx_differentiable import interpreter

    relu = interpreter.OPERATORS["Relu"]
    capped = {**interpreter.OPERATORS, "Relu": lambda call: relu(call).clamp_max(1e4)}
    monkeypatch.setattr(interpreter, "OPERATORS", capped)
    ending = [onnx.operator("Relu", ["z"], ["y"])]
    model = opened(tmp_path, network(ending))
    assert Capability.GRADIENTS in model.capabilities
    assert model.confirm_gradients(X * np.float32(1e6)) is not None
    assert "otherwise" in reason(model)


def test_a_graph_that_cannot_be_followed_on_real_samples_has_no_gradients(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = opened(tmp_path, network(LOGITS))
    assert model.no_gradients is None
    monkeypatch.setattr("touchstone.system.models.onnx_differentiable.calls.LARGEST", 10)
    assert model.confirm_gradients(X) is not None
    assert "makes a value of shape" in reason(model)


def test_samples_that_depend_on_each_other_have_no_gradients(tmp_path: Path) -> None:
    ending = [
        onnx.operator("ReduceMean", ["z"], ["average"], axes=[0], keepdims=1),
        onnx.operator("Sub", ["z", "average"], ["y"]),
    ]
    assert "otherwise than ONNX Runtime" in reason(opened(tmp_path, network(ending)))


def test_a_graph_that_fails_later_is_a_fault_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = opened(tmp_path, network(LOGITS))
    assert model.no_gradients is None
    monkeypatch.setattr("touchstone.system.models.onnx_differentiable.calls.LARGEST", 10)
    with pytest.raises(ArtifactError, match="makes a value of shape"):
        model.differentiable()(torch.from_numpy(X))


def test_the_network_of_the_example_is_followed() -> None:
    subject = open_system(SIGNS)
    model = subject.model()
    assert isinstance(model, OnnxModel)
    assert Capability.GRADIENTS in model.capabilities
    x = subject.data("test").inputs[:64]
    assert model.confirm_gradients(x) is None
    scores = model.differentiable()(torch.from_numpy(np.ascontiguousarray(x))).numpy()
    assert np.abs(scores - model.logits(x)).max() < 1e-4
    assert np.array_equal(scores.argmax(1), model.labels(x))


def test_a_linear_model_of_scikit_learn_is_followed(tmp_path: Path) -> None:
    model = opened(
        tmp_path,
        classical(["no", "yes"], zipmap=True),
        kind="tabular",
        columns=["a", "b", "c"],
        shape=None,
        labels=["yes", "no"],
        output="probabilities",
        low=None,
        high=None,
    )
    x = GENERATOR.normal(size=(20, 3)).astype(np.float32)
    assert model.no_gradients is None
    assert np.allclose(model.differentiable()(torch.from_numpy(x)).exp().numpy(), model.probabilities(x), atol=1e-5)
    slope = model.gradient(x, np.zeros(20, dtype=np.int64), "margin")  # the score of "no" over that of "yes"
    assert np.allclose(slope, WEIGHTS[:, 0] - WEIGHTS[:, 1], atol=1e-4)
