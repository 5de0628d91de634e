"""A model answered with other weights than it has: what rounding, an accident or an attacker would make of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from touchstone.system.models.trainable import Trainable, open_trainable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from touchstone.system.subject import Subject

Arithmetic = Literal["f16", "bf16"]
"""Number formats that accelerators compute layers in."""
Weights = Mapping[str, "NDArray[np.float32]"]
_AT_ONCE = 256


class AlteredModel:
    """A model whose weights are given with every question; the subject's own model and file stay as they are."""

    def __init__(self, trainable: Trainable) -> None:
        self._trainable = trainable
        self.weights: dict[str, NDArray[np.float32]] = {
            name: weight.detach().numpy().copy() for name, weight in trainable.weights.items()
        }
        """The weights as they are in the file, by the file's names."""

    def scores(
        self, x: NDArray[np.float32], weights: Weights | None = None, arithmetic: Arithmetic | None = None
    ) -> NDArray[np.float64]:
        """Scores `(n, K)` in a logarithmic scale; layers computed in float32, or in the arithmetic named."""
        import torch

        kind = {"f16": torch.float16, "bf16": torch.bfloat16}
        computed = nullcontext() if arithmetic is None else torch.autocast("cpu", dtype=kind[arithmetic])
        with self._with(weights), torch.inference_mode(), computed:
            parts = [self._trainable.function(part).double() for part in torch.split(torch.from_numpy(x), _AT_ONCE)]
        return np.asarray(torch.cat(parts).numpy())

    def step(self, x: NDArray[np.float32], y: NDArray[np.int64], size: float) -> dict[str, NDArray[np.float32]]:
        """The weights after one step down the cross-entropy of labels `y`, by `size` of the norm of all weights."""
        import torch

        names = list(self._trainable.weights)
        leaves = [weight.requires_grad_() for weight in self._trainable.weights.values()]
        loss = torch.nn.functional.cross_entropy(self._trainable.function(torch.from_numpy(x)), torch.from_numpy(y))
        slopes = torch.autograd.grad(loss, leaves, allow_unused=True)
        steps = {name: np.zeros_like(self.weights[name]) for name in names}
        steps |= {name: slope.numpy() for name, slope in zip(names, slopes, strict=True) if slope is not None}
        length = _norm(steps)
        rate = size * _norm(self.weights) / length if length > 0 else 0.0
        return {name: self.weights[name] - np.float32(rate) * steps[name] for name in names}

    def file(self, weights: Weights) -> bytes:
        """The model file with these weights."""
        with self._with(weights):
            return self._trainable.file()

    @contextmanager
    def _with(self, weights: Weights | None) -> Iterator[None]:
        if weights is None:
            yield
            return
        self._set(weights)
        try:
            yield
        finally:
            self._set(self.weights)

    def _set(self, weights: Weights) -> None:
        import torch

        with torch.no_grad():
            for name, weight in self._trainable.weights.items():
                weight.copy_(torch.from_numpy(np.ascontiguousarray(weights[name])))


def _norm(tensors: Mapping[str, NDArray[Any]]) -> float:
    return float(np.sqrt(sum(float(np.square(tensor, dtype=np.float64).sum()) for tensor in tensors.values())))


def open_altered(subject: Subject) -> AlteredModel:
    """The model of a subject, opened once more. Raises `UnavailableError` where its weights cannot be changed here."""
    return AlteredModel(open_trainable(subject))
