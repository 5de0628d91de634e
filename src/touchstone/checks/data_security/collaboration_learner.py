"""The model under test as parties would train it: its own kind where that can be told, softmax regression elsewhere."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchstone.errors import UnavailableError
from touchstone.methods.federated.learner import Classes, Learner, Rows, SoftmaxRegression
from touchstone.methods.federated.rules import Vector
from touchstone.system.models.handle import LayeredModel
from touchstone.system.models.sklearn import SklearnModel
from touchstone.system.subject import Subject
from touchstone.text import Text

MOST_WEIGHTS = 100_000
"""Of a network that is trained as often as a federation needs."""


@dataclass(frozen=True, slots=True)
class Trained:
    """A model, the weights that were handed in, and what its layers take for the inputs of the system."""

    learner: Learner
    weights: Vector
    rows: Callable[[NDArray[np.float32]], Rows]
    inverts: bool
    """Whether it has a dense layer with a bias."""
    trains: bool
    """Whether it is small enough to be trained many times over, from the start."""


def trained_model(subject: Subject) -> Trained:
    """The model of the subject, where its gradients can be computed. Raises `UnavailableError` for any other."""
    if subject.description.model.input.kind == "text":
        raise _without_gradients(Text("its inputs are texts", "其输入为文本"))
    model = subject.model()
    if isinstance(model, SklearnModel):
        return _linear(*model.fitted(), model.classes)
    if isinstance(model, LayeredModel):
        from touchstone.methods.federated.network import NetworkLearner

        try:
            learner = NetworkLearner(model.network())
        except ValueError:
            raise _without_gradients(Text("no layer of it learns", "没有可学习的层")) from None
        weights = learner.weights
        return Trained(learner, weights, _as_they_are, learner.inverts, learner.plain and len(weights) <= MOST_WEIGHTS)
    raise _without_gradients(Text("its layers are not known", "其各层未知"))


def stand_in(train: Rows, test: Rows, classes: int) -> tuple[SoftmaxRegression, Rows, Rows]:
    """Softmax regression for any rows of numbers, and both sets of rows as it takes them."""
    from touchstone.training.shadows import scaled

    both = scaled(np.concatenate([train, test])).astype(np.float64)
    return SoftmaxRegression(both.shape[1], classes), both[: len(train)], both[len(train) :]


def distinct(x: Rows, y: Classes) -> tuple[Rows, Classes]:
    """Every row once, in the order in which they first stand."""
    _, first = np.unique(x.reshape(len(x), -1), axis=0, return_index=True)
    kept = np.sort(first)
    return x[kept], y[kept]


def _linear(estimator: Any, order: list[int], classes: int) -> Trained:
    """A linear classifier of scikit-learn, at the end of a pipeline perhaps, as softmax regression."""
    from sklearn.pipeline import Pipeline

    last = estimator[-1] if isinstance(estimator, Pipeline) else estimator
    coefficients: Any = getattr(last, "coef_", None)
    intercept: Any = getattr(last, "intercept_", None)
    rows_wanted = (1, 2) if classes == 2 else (classes,)
    if getattr(coefficients, "ndim", 0) != 2 or len(coefficients) not in rows_wanted or intercept is None:
        name = type(last).__name__
        raise _without_gradients(Text(f"a {name} is neither linear nor a network", f"{name} 既非线性模型亦非神经网络"))
    biases = np.broadcast_to(intercept, len(coefficients))
    if classes == 2 and len(coefficients) == 1:
        coefficients = np.concatenate([-coefficients, coefficients]) / 2
        biases = np.concatenate([-biases, biases]) / 2
    weights = np.concatenate([coefficients[order].ravel(), biases[order]]).astype(np.float64)

    def rows(x: NDArray[np.float32]) -> Rows:
        if not isinstance(estimator, Pipeline) or len(estimator) == 1:
            return np.asarray(x, dtype=np.float64)
        with warnings.catch_warnings():
            # The names of the columns were compared once, when the model was opened.
            warnings.filterwarnings("ignore", message="X does not have valid feature names")
            transformed = estimator[:-1].transform(x)
        dense = transformed.toarray() if hasattr(transformed, "toarray") else transformed
        return np.asarray(dense, dtype=np.float64)

    return Trained(SoftmaxRegression(coefficients.shape[1], classes), weights, rows, inverts=True, trains=True)


def _as_they_are(x: NDArray[np.float32]) -> Rows:
    return x


def _without_gradients(why: Text) -> UnavailableError:
    return UnavailableError(
        Text(f"the gradients of its weights cannot be computed: {why.en}", f"无法计算其权重的梯度：{why.zh}"),
        "model.format",
        Text(
            "hand in a linear model as skops, or a network as ONNX or as safetensors with its layers declared",
            "请以 skops 提交线性模型，或以 ONNX、附层结构声明的 safetensors 提交网络",
        ),
    )
