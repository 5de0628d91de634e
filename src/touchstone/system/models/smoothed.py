"""A smoothed model: the majority of a model's answers under Gaussian noise, the same each time it is asked.

Cohen, Rosenfeld and Kolter 2019, "Certified adversarial robustness via randomized smoothing" (ICML). The noise of an
input follows from a seed and the digest of the input, so that answers can be reproduced and do not depend on what else
is asked. Whoever knows the seed knows the noise: a service that relies on smoothing keeps its own seed to itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from touchstone.errors import UnavailableError
from touchstone.system.models.handle import Capability, Loss, ModelHandle
from touchstone.text import Text

if TYPE_CHECKING:
    from numpy.typing import NDArray

AT_ONCE: Final = 2**22
"""Elements of noisy inputs that are made at one time: 16 MiB."""

_SHOWN: Final = frozenset({Capability.LABELS, Capability.PROBABILITIES, Capability.ANY_INPUT})


class SmoothedModel:
    """A :class:`~touchstone.system.models.handle.ModelHandle` over another one, asked `samples` times per input.

    The answer is the class with most votes, the first of equals; probabilities are the shares of the votes. Votes have
    no gradient, so the handle has none either. One input is one query, however often the model inside is asked.
    """

    def __init__(self, inner: ModelHandle, sigma: float, samples: int, seed: int) -> None:
        self.inner = inner
        self._sigma, self._samples, self._seed = np.float32(sigma), samples, seed
        self._queries = 0

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What the model inside can answer, less what votes do not give."""
        return self.inner.capabilities & _SHOWN

    @property
    def classes(self) -> int:
        """Number of classes, K."""
        return self.inner.classes

    @property
    def queries(self) -> int:
        """Inputs answered since the handle was opened."""
        return self._queries

    def labels(self, x: NDArray[np.float32]) -> NDArray[np.int64]:
        """Predicted class indices, shape `(n,)`."""
        return np.asarray(self._votes(x).argmax(axis=1), dtype=np.int64)

    def probabilities(self, x: NDArray[np.float32]) -> NDArray[np.float64]:
        """Shares of the votes, shape `(n, K)`."""
        self._require(Capability.PROBABILITIES)
        return np.asarray(self._votes(x) / self._samples)

    def logits(self, x: NDArray[np.float32]) -> NDArray[np.float64]:
        """Votes have none: raises `UnavailableError`."""
        raise self._unavailable(Capability.LOGITS)

    def gradient(self, x: NDArray[np.float32], y: NDArray[np.int64], loss: Loss) -> NDArray[np.float32]:
        """Votes have none: raises `UnavailableError`."""
        raise self._unavailable(Capability.GRADIENTS)

    def differentiable(self) -> Callable[[Any], Any]:
        """Votes have no gradient: raises `UnavailableError`."""
        raise self._unavailable(Capability.GRADIENTS)

    def _votes(self, x: NDArray[np.float32]) -> NDArray[np.int64]:
        """How many noisy copies of each input were given each class; shape `(n, K)`."""
        inputs = np.ascontiguousarray(x, dtype=np.float32)
        self._queries += len(inputs)
        votes = np.zeros((len(inputs), self.classes), dtype=np.int64)
        together = max(1, AT_ONCE // max(inputs[:1].size * self._samples, 1))
        for first in range(0, len(inputs), together):
            some = inputs[first : first + together]
            labels = self.inner.labels(np.concatenate([self._noisy(row) for row in some]))
            rows = np.repeat(np.arange(first, first + len(some)), self._samples)
            np.add.at(votes, (rows, labels), 1)
        return votes

    def _noisy(self, row: NDArray[np.float32]) -> NDArray[np.float32]:
        digest = hashlib.sha256(f"{self._seed}/smoothing/".encode() + row.tobytes()).digest()
        dice = np.random.Generator(np.random.SFC64(int.from_bytes(digest[:16], "big")))
        noise = dice.standard_normal((self._samples, *row.shape), dtype=np.float32)
        return np.asarray(row + self._sigma * noise)

    def _require(self, capability: Capability) -> None:
        if capability not in self.capabilities:
            raise self._unavailable(capability)

    def _unavailable(self, capability: Capability) -> UnavailableError:
        return UnavailableError(
            Text(
                f"a smoothed model gives no {capability} under the access declared",
                f"在所声明的访问级别下，平滑模型不提供 {capability}",
            ),
            "model.smoothing",
            Text(
                "use tests that ask for labels or shares of votes; gradients are those of the model inside",
                "请采用只需标签或票数占比的测试；梯度属于其内部的模型",
            ),
        )
