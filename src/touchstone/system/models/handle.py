"""The face every model shows to a check, whatever runtime is behind it."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from touchstone.text import Text

Loss = Literal["cross-entropy", "margin"]


class Capability(StrEnum):
    """What a handle can answer. Each includes the ones a caller can derive from it (logits give labels)."""

    LABELS = "labels"
    PROBABILITIES = "probabilities"
    LOGITS = "logits"
    GRADIENTS = "gradients"
    ANY_INPUT = "any-input"
    """Answers inputs of our making; precomputed predictions do not."""


@runtime_checkable
class ModelHandle(Protocol):
    """A classifier that answers questions and counts them.

    Inputs `x` are float32 arrays `(n, *shape)` in the units of the description, before normalisation: the handle
    applies the declared preprocessing. A model of texts takes object arrays `(n,)` of strings.
    One sample of a call is one query. Handles are not thread-safe.
    A method whose capability is missing raises `UnavailableError`; a runtime that fails, answers NaN or answers
    in another shape than declared raises `ArtifactError`.
    """

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What this handle can answer, under the access the applicant gave."""

    @property
    def classes(self) -> int:
        """Number of classes, K."""

    @property
    def queries(self) -> int:
        """Samples answered since the handle was opened."""

    def labels(self, x: NDArray[np.float32]) -> NDArray[np.int64]:
        """Predicted class indices, shape `(n,)`."""

    def probabilities(self, x: NDArray[np.float32]) -> NDArray[np.float64]:
        """Class probabilities, shape `(n, K)`, each row summing to one."""

    def logits(self, x: NDArray[np.float32]) -> NDArray[np.float64]:
        """Scores before the softmax, shape `(n, K)`."""

    def gradient(self, x: NDArray[np.float32], y: NDArray[np.int64], loss: Loss) -> NDArray[np.float32]:
        """Gradient of the loss with respect to `x`, same shape as `x`; one query per sample."""

    def differentiable(self) -> Callable[[Any], Any]:
        """The model as a function of PyTorch tensors, for methods that follow its gradient by themselves.

        It takes float32 inputs `(n, *shape)` in the units of the description and gives scores `(n, K)` in a
        logarithmic scale: logits, or logarithms of probabilities. One sample is one query. Needs
        `Capability.GRADIENTS`; nothing of the model changes, whatever is done with the function.
        """


@runtime_checkable
class LayeredModel(Protocol):
    """A model that may show its layers, for methods that bound what goes on between them."""

    def network(self) -> Any:
        """A `torch.nn.Sequential` from samples `(n, *shape)` in the units of the description to `(n, K)` numbers that
        are ordered like the scores. Needs `Capability.GRADIENTS`.

        Raises `UnavailableError` with the reason for a model that is not made of layers in a row.
        """


@runtime_checkable
class ConfirmedGradients(Protocol):
    """A handle that reads the model a second way for its gradients, and compares both readings."""

    @property
    def no_gradients(self) -> Text | None:
        """Why this model gives no gradients, or `None` when it does."""

    def confirm_gradients(self, x: NDArray[np.float32]) -> Text | None:
        """Compare both readings on these samples; where they differ, gradients are given no longer, and why."""
