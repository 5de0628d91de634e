import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.system import onnx_writer as onnx
from tests.system.made import describe, make
from touchstone.errors import ArtifactError, DescriptionError, UnavailableError
from touchstone.system.models.handle import Capability, ModelHandle
from touchstone.system.models.opening import open_model

WEIGHTS = np.array([[1, -1], [2, 0.5], [0, 1]], dtype=np.float32)
BIAS = np.array([0.1, -0.2], dtype=np.float32)
X = np.random.default_rng(7).normal(size=(700, 3)).astype(np.float32)
COLUMNS = ["a", "b", "c"]


@pytest.fixture(autouse=True)
def _no_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is tested here needs no PyTorch, and does not change where it is installed but never asked for."""
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == "torch" else find(name, *rest))


def opened(folder: Path, data: bytes, **changes: Any) -> ModelHandle:
    description = describe(**{"columns": COLUMNS, "format_": "onnx", "file": "m.onnx", **changes})
    return open_model(make(folder, description, {"m.onnx": data}))


def exact(x: np.ndarray) -> np.ndarray:
    z = x.astype(np.float64) @ WEIGHTS + BIAS
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def test_probabilities_are_the_models_own(tmp_path: Path) -> None:
    model = opened(tmp_path, onnx.linear_classifier(WEIGHTS, BIAS))
    assert isinstance(model, ModelHandle)
    answer = model.probabilities(X)
    assert np.abs(answer - exact(X)).max() < 1e-6
    assert np.abs(answer.sum(axis=1) - 1).max() < 1e-12
    assert answer.dtype == np.float64
    assert np.array_equal(model.labels(X), exact(X).argmax(axis=1))
    assert model.labels(X).dtype == np.int64
    assert model.queries == 3 * len(X)
    assert model.classes == 2
    assert model.capabilities == {Capability.LABELS, Capability.PROBABILITIES, Capability.ANY_INPUT}


def test_equal_inputs_have_equal_answers(tmp_path: Path) -> None:
    model = opened(tmp_path, onnx.linear_classifier(WEIGHTS, BIAS))
    assert model.probabilities(X).tobytes() == model.probabilities(X).tobytes()


def test_logits_give_probabilities(tmp_path: Path) -> None:
    model = opened(tmp_path, onnx.linear_classifier(WEIGHTS, BIAS, softmax=False), output="logits")
    assert np.abs(model.probabilities(X) - exact(X)).max() < 1e-6
    assert np.allclose(model.logits(X), X @ WEIGHTS + BIAS, atol=1e-5)
    assert Capability.GRADIENTS not in model.capabilities
    with pytest.raises(UnavailableError, match="PyTorch is not installed"):
        model.gradient(X, np.zeros(len(X), dtype=np.int64), "margin")


@pytest.mark.parametrize(
    ("access", "given"),
    [
        ("labels", {Capability.LABELS, Capability.ANY_INPUT}),
        ("probabilities", {Capability.LABELS, Capability.PROBABILITIES, Capability.ANY_INPUT}),
        ("artefact", {Capability.LABELS, Capability.PROBABILITIES, Capability.LOGITS, Capability.ANY_INPUT}),
    ],
)
def test_access_hides_what_was_not_granted(tmp_path: Path, access: str, given: set[Capability]) -> None:
    data = onnx.linear_classifier(WEIGHTS, BIAS, softmax=False)
    model = opened(tmp_path, data, output="logits", access=access)
    assert model.capabilities == given
    assert len(model.labels(X)) == len(X)
    if Capability.PROBABILITIES not in given:
        with pytest.raises(UnavailableError, match="probabilities"):
            model.probabilities(X)
    if Capability.LOGITS not in given:
        with pytest.raises(UnavailableError, match="logits"):
            model.logits(X)


@pytest.mark.parametrize("batch", [1, 32])
def test_a_fixed_batch_is_filled_up(tmp_path: Path, batch: int) -> None:
    """Where the batch stands in the graph is hidden, so that it is left as it is."""
    nodes = [
        onnx.operator("Transpose", ["x"], ["turned"], perm=[1, 0]),
        onnx.operator("Transpose", ["turned"], ["back"], perm=[1, 0]),
        onnx.operator("Reshape", ["back", "shape"], ["flat"]),
        onnx.operator("Gemm", ["flat", "W", "b"], ["z"]),
        onnx.operator("Softmax", ["z"], ["y"]),
    ]
    constants = [onnx.array("W", WEIGHTS), onnx.array("b", BIAS), onnx.array("shape", np.array([batch, -1]))]
    ends = [onnx.value("x", [batch, 3])], [onnx.value("y", [batch, 2])]
    model = opened(tmp_path, onnx.model(onnx.graph(nodes, *ends, constants)))
    assert np.abs(model.probabilities(X[:45]) - exact(X[:45])).max() < 1e-6
    assert model.queries == 45


def test_no_samples_have_no_answers(tmp_path: Path) -> None:
    model = opened(tmp_path, onnx.linear_classifier(WEIGHTS, BIAS))
    assert model.probabilities(X[:0]).shape == (0, 2)
    assert model.labels(X[:0]).shape == (0,)


def test_normalisation_is_applied(tmp_path: Path) -> None:
    normalisation = {"mean": [1.0, 2.0, 3.0], "scale": [2.0, 1.0, 0.5]}
    model = opened(tmp_path, onnx.linear_classifier(WEIGHTS, BIAS), normalisation=normalisation)
    wanted = exact((X - np.float32([1, 2, 3])) / np.float32([2, 1, 0.5]))
    assert np.abs(model.probabilities(X) - wanted).max() < 1e-6


def test_normalisation_of_another_length_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DescriptionError):
        opened(tmp_path, onnx.linear_classifier(WEIGHTS, BIAS), normalisation={"mean": [0, 0], "scale": [1, 1]})


@pytest.mark.parametrize(("layout", "shape"), [("CHW", [2, 4, 3]), ("HWC", [4, 3, 2])])
def test_images_are_normalised_by_channel(tmp_path: Path, layout: str, shape: list[int]) -> None:
    nodes = [onnx.node("Flatten", ["x"], ["f"]), onnx.node("Gemm", ["f", "W", "b"], ["y"])]
    weights = np.random.default_rng(1).normal(size=(24, 2)).astype(np.float32)
    graph = onnx.graph(
        nodes,
        [onnx.value("x", ["n", *shape])],
        [onnx.value("y", ["n", 2])],
        [onnx.tensor("W", weights), onnx.tensor("b", BIAS)],
    )
    model = opened(
        tmp_path,
        onnx.model(graph),
        columns=None,
        shape=shape,
        kind="image",
        layout=layout,
        output="logits",
        normalisation={"mean": [0.25, 0.5], "scale": [0.5, 2.0]},
    )
    x = np.random.default_rng(2).random((5, *shape), dtype=np.float32)
    axis = 1 if layout == "CHW" else 3
    places = [1, 1, 1, 1]
    places[axis] = 2
    wanted = (x - np.float32([0.25, 0.5]).reshape(places)) / np.float32([0.5, 2.0]).reshape(places)
    assert np.allclose(model.logits(x), wanted.reshape(5, -1) @ weights + BIAS, atol=1e-5)


def classical(labels: list[str] | list[int], *, zipmap: bool) -> bytes:
    """What sklearn-onnx makes of a logistic regression: labels, and scores as an array or a list of maps."""
    texts = [str(label) for label in labels]
    classifier = onnx.node(
        "LinearClassifier",
        ["x"],
        ["label", "raw"],
        onnx.block(1, "coefficients")
        + b"".join(onnx.varint(7 << 3 | 5) + np.float32(w).tobytes() for w in WEIGHTS.T.ravel())
        + onnx.number(20, 6),
        onnx.block(1, "intercepts")
        + b"".join(onnx.varint(7 << 3 | 5) + np.float32(b).tobytes() for b in BIAS)
        + onnx.number(20, 6),
        onnx.strings_attribute("classlabels_strings", texts),
        onnx.block(1, "post_transform") + onnx.block(4, "SOFTMAX") + onnx.number(20, 3),
        domain="ai.onnx.ml",
    )
    nodes = [classifier]
    if zipmap:
        strings = onnx.strings_attribute("classlabels_strings", texts)
        nodes.append(onnx.node("ZipMap", ["raw"], ["scores"], strings, domain="ai.onnx.ml"))
        map_type = onnx.number(1, onnx.STRING) + onnx.block(2, onnx.block(1, onnx.number(1, onnx.FLOAT)))
        scores = onnx.block(1, "scores") + onnx.block(2, onnx.block(4, onnx.block(1, onnx.block(5, map_type))))
    else:
        scores = onnx.value("raw", ["n", 2])
    outputs = [onnx.value("label", ["n"], onnx.STRING), scores]
    return onnx.model(onnx.graph(nodes, [onnx.value("x", ["n", 3])], outputs), {"ai.onnx.ml": 1})


@pytest.mark.parametrize("zipmap", [False, True])
def test_classical_models_answer(tmp_path: Path, zipmap: bool) -> None:
    model = opened(tmp_path, classical(["no", "yes"], zipmap=zipmap))
    assert np.abs(model.probabilities(X[:9]) - exact(X[:9])).max() < 1e-6


def test_a_map_is_put_in_the_declared_order(tmp_path: Path) -> None:
    model = opened(tmp_path, classical(["no", "yes"], zipmap=True), labels=["yes", "no"])
    assert np.abs(model.probabilities(X[:9]) - exact(X[:9])[:, ::-1]).max() < 1e-6


def test_a_map_with_another_class_is_refused(tmp_path: Path) -> None:
    model = opened(tmp_path, classical(["no", "maybe"], zipmap=True))
    with pytest.raises(ArtifactError, match="maybe"):
        model.probabilities(X[:2])


def test_labels_come_by_name(tmp_path: Path) -> None:
    model = opened(tmp_path, classical(["no", "yes"], zipmap=False), output="labels")
    assert np.array_equal(model.labels(X[:9]), exact(X[:9]).argmax(axis=1))
    assert model.capabilities == {Capability.LABELS, Capability.ANY_INPUT}


def test_an_unknown_label_is_refused(tmp_path: Path) -> None:
    model = opened(tmp_path, classical(["never", "ever"], zipmap=False), output="labels")
    with pytest.raises(ArtifactError, match="ever"):
        model.labels(X[:9])


def sigmoid() -> bytes:
    nodes = [onnx.node("Gemm", ["x", "W", "b"], ["z"]), onnx.node("Sigmoid", ["z"], ["y"])]
    weights = [onnx.tensor("W", WEIGHTS[:, 1:] - WEIGHTS[:, :1]), onnx.tensor("b", BIAS[1:] - BIAS[:1])]
    return onnx.model(onnx.graph(nodes, [onnx.value("x", ["n", 3])], [onnx.value("y", ["n", 1])], weights))


def test_one_score_for_two_classes_is_the_seconds(tmp_path: Path) -> None:
    assert np.abs(opened(tmp_path, sigmoid()).probabilities(X) - exact(X)).max() < 1e-6


def failing(node: bytes, shape: list[int | str]) -> bytes:
    return onnx.model(onnx.graph([node], [onnx.value("x", ["n", 3])], [onnx.value("y", shape)]))


@pytest.mark.parametrize(
    ("data", "changes", "reason"),
    [
        (failing(onnx.node("Relu", ["x"], ["y"]), ["n", 3]), {}, "shape"),
        (failing(onnx.node("Log", ["x"], ["y"]), ["n", 3]), {"labels": ["a", "b", "c"], "output": "logits"}, "finite"),
        (onnx.linear_classifier(WEIGHTS, BIAS, softmax=False), {}, "logits"),
        (onnx.linear_classifier(WEIGHTS / 90, BIAS * 0 + 0.4, softmax=False), {}, "sums to"),
        (failing(onnx.node("Relu", ["x"], ["y"]), ["n", 3]), {"output": "labels"}, "labels were expected"),
    ],
)
def test_answers_that_are_not_as_declared_are_refused(
    tmp_path: Path, data: bytes, changes: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ArtifactError, match=reason):
        opened(tmp_path, data, **changes).labels(X)


RELU = onnx.node("Relu", ["x"], ["y"])


@pytest.mark.parametrize(
    ("data", "changes", "reason"),
    [
        (b"not a model", {}, "protocol-buffer"),
        (onnx.linear_classifier(WEIGHTS, BIAS)[:-9], {}, "protocol-buffer"),
        (
            onnx.model(onnx.graph([RELU], [onnx.value("x", ["n", 3])], [], [onnx.external_tensor("w", "/etc/passwd")])),
            {},
            "outside the file, at '/etc/passwd'",
        ),
        (failing(onnx.node("Evil", ["x"], ["y"], domain="evil.corp"), ["n", 3]), {}, "evil.corp::Evil"),
        (failing(onnx.node("EPContext", ["x"], ["y"], domain="com.microsoft"), ["n", 3]), {}, "EPContext"),
        (failing(onnx.node("Imaginary", ["x"], ["y"]), ["n", 3]), {}, "ONNX Runtime refuses"),
        (onnx.linear_classifier(WEIGHTS, BIAS), {"columns": ["a", "b"]}, r"\(\?, 3\).*\(2,\)"),
        (onnx.linear_classifier(WEIGHTS, BIAS), {"tensors": {"input": "q"}}, "no input tensor 'q'; it has x"),
        (onnx.linear_classifier(WEIGHTS, BIAS), {"tensors": {"output": "q"}}, "no output tensor 'q'; it has y"),
        (onnx.model(onnx.graph([RELU], [onnx.value("x", ["n", 3], onnx.INT64)], [])), {}, "int64"),
        (onnx.model(onnx.graph([RELU], [], [])), {}, "takes 0 inputs"),
    ],
)
def test_models_that_cannot_be_opened_say_why(
    tmp_path: Path, data: bytes, changes: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ArtifactError, match=reason) as caught:
        opened(tmp_path, data, **changes)
    assert caught.value.where == "m.onnx"
    assert caught.value.remedy is not None
    assert caught.value.what.zh != caught.value.what.en


def test_regression_is_not_opened(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="regression"):
        opened(tmp_path, onnx.linear_classifier(WEIGHTS, BIAS), task="regression")
