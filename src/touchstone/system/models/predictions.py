"""Predictions computed beforehand, standing in for a model that is not handed in.

The handle answers for the test inputs, all of them and in their order, and for nothing else: it lacks the
capability `any-input`. What the applicant wrote into the table is already seen, so access hides none of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from touchstone.errors import UnavailableError
from touchstone.system.models.handle import Capability, Loss
from touchstone.text import Text

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from touchstone.system.data.dataset import LabelledData
    from touchstone.system.subject import Subject

_WHERE = "data.test.predictions"


def open_predictions(subject: Subject) -> PredictionsModel:
    """The predictions of the test data. Raises `UnavailableError` when it has none."""
    return PredictionsModel(subject.data("test"), len(subject.description.model.output.labels))


class PredictionsModel:
    """A :class:`~touchstone.system.models.handle.ModelHandle` that looks its answers up."""

    def __init__(self, test: LabelledData, classes: int) -> None:
        if test.predictions is None:
            raise UnavailableError(
                Text("the test data hold no precomputed predictions", "测试数据中没有预先计算的预测"),
                _WHERE,
                Text(
                    "name the prediction columns in data.test.predictions, or grant access to the model",
                    "在 data.test.predictions 中列出预测列，或给予模型访问权限",
                ),
            )
        self._inputs = test.inputs
        self._predictions = test.predictions
        self._classes = classes
        self._queries = 0

    @property
    def capabilities(self) -> frozenset[Capability]:
        """Labels; and probabilities when there is one column per class."""
        has_probabilities = self._predictions.ndim == 2
        return frozenset({Capability.LABELS} | ({Capability.PROBABILITIES} if has_probabilities else set()))

    @property
    def classes(self) -> int:
        """Number of classes, K."""
        return self._classes

    @property
    def queries(self) -> int:
        """Samples looked up since the handle was opened."""
        return self._queries

    def labels(self, x: NDArray[np.float32]) -> NDArray[np.int64]:
        """Predicted class indices of the test inputs; the first of equal probabilities wins."""
        self._require_test_inputs(x)
        labels = self._predictions if self._predictions.ndim == 1 else self._predictions.argmax(axis=1)
        return np.array(labels, dtype=np.int64)

    def probabilities(self, x: NDArray[np.float32]) -> NDArray[np.float64]:
        """Class probabilities of the test inputs."""
        if Capability.PROBABILITIES not in self.capabilities:
            raise _not_given(Capability.PROBABILITIES)
        self._require_test_inputs(x)
        return np.array(self._predictions, dtype=np.float64)

    def logits(self, x: NDArray[np.float32]) -> NDArray[np.float64]:
        """Never given."""
        raise _not_given(Capability.LOGITS)

    def gradient(self, x: NDArray[np.float32], y: NDArray[np.int64], loss: Loss) -> NDArray[np.float32]:
        """Never given."""
        raise _not_given(Capability.GRADIENTS)

    def differentiable(self) -> Callable[[Any], Any]:
        """Never given."""
        raise _not_given(Capability.GRADIENTS)

    def _require_test_inputs(self, x: NDArray[np.float32]) -> None:
        if not np.array_equal(x, self._inputs):
            raise _not_given(Capability.ANY_INPUT)
        self._queries += len(x)


def _not_given(capability: Capability) -> UnavailableError:
    return UnavailableError(
        Text(
            f"precomputed predictions answer only for the test data; {capability} needs the model",
            f"预先计算的预测仅对应测试数据；{capability} 需要模型本身",
        ),
        _WHERE,
        Text("hand in the model, or a service that answers for it", "请提交模型，或提供可访问的模型服务"),
    )
