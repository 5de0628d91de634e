"""A network of layers in a row as a learner; PyTorch computes its gradients, on one thread."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from touchstone.methods.federated.learner import Classes, Rows
from touchstone.methods.federated.rules import Vector

ANSWERED_AT_ONCE = 512


class NetworkLearner:
    """A copy of a `torch.nn.Sequential` from inputs to scores; its dense and convolutional layers learn.

    Normalisations stay as they are in the network. Raises `ValueError` where there is nothing that learns.
    """

    def __init__(self, network: nn.Sequential) -> None:
        torch.set_num_threads(1)
        self._network = copy.deepcopy(network).eval().requires_grad_(False)
        learning = [
            module
            for module in self._network
            if isinstance(module, nn.Conv2d) or (isinstance(module, nn.Linear) and module.in_features > 1)
        ]
        if not learning:
            raise ValueError("no layer learns")
        self._learning: list[Any] = learning
        self._weights = [weight.requires_grad_(True) for module in learning for weight in module.parameters()]
        self._dense = next(
            (i for i, module in enumerate(learning) if isinstance(module, nn.Linear) and module.bias is not None), None
        )

    @property
    def plain(self) -> bool:
        """Whether all that learns is dense: small enough to be trained many times."""
        return all(isinstance(module, nn.Linear) for module in self._learning)

    @property
    def inverts(self) -> bool:
        """Whether there is a dense layer with a bias, whose gradients show what it took."""
        return self._dense is not None

    @property
    def weights(self) -> Vector:
        """The weights that learn, as they are now."""
        return self._flat([weight.detach() for weight in self._weights])

    def fresh(self, generator: np.random.Generator) -> Vector | None:
        """Drawn after He et al. 2015, biases zero; `None` with normalisations that were learnt with other weights."""
        first = next(i for i, module in enumerate(self._network) if module is self._learning[0])
        if any(isinstance(module, nn.BatchNorm2d | nn.BatchNorm1d) for module in list(self._network)[first:]):
            return None
        drawn = []
        for weight in self._weights:
            spread = float(np.sqrt(2 / np.prod(weight.shape[1:]))) if weight.dim() > 1 else 0.0
            drawn.append(generator.normal(size=weight.numel()) * spread)
        return np.concatenate(drawn)

    def gradient(self, weights: Vector, x: Rows, y: Classes) -> Vector:
        """Of the mean cross-entropy over the rows."""
        self.set(weights)
        return self._flat(self.gradients(torch.from_numpy(x), torch.from_numpy(y), keep=False))

    def gradients(self, x: Tensor, y: Tensor, *, keep: bool) -> tuple[Tensor, ...]:
        """The same at the weights that were set last, as tensors; `keep` makes them differentiable in `x`."""
        loss = nn.functional.cross_entropy(self._network(x), y)
        return torch.autograd.grad(loss, self._weights, create_graph=keep)

    def labels(self, weights: Vector, x: Rows) -> Classes:
        """The class with the largest score."""
        self.set(weights)
        with torch.no_grad():
            parts = [self._network(part).argmax(dim=1) for part in torch.split(torch.from_numpy(x), ANSWERED_AT_ONCE)]
        return np.asarray(torch.cat(parts).numpy(), dtype=np.int64)

    def features(self, weights: Vector, x: Rows) -> NDArray[np.float64]:
        """What the first dense layer with a bias takes."""
        self.set(weights)
        assert self._dense is not None  # noqa: S101 - `inverts` says so
        end = next(i for i, module in enumerate(self._network) if module is self._learning[self._dense])
        before = self._network[:end]
        with torch.no_grad():
            parts = [before(part).flatten(1) for part in torch.split(torch.from_numpy(x), ANSWERED_AT_ONCE)]
        return np.asarray(torch.cat(parts).numpy(), dtype=np.float64)

    def first_dense(self, update: Vector) -> tuple[NDArray[np.float64], Vector]:
        """The part of an update that belongs to the first dense layer with a bias."""
        assert self._dense is not None  # noqa: S101 - as above
        layer = self._learning[self._dense]
        start = sum(w.numel() for module in self._learning[: self._dense] for w in module.parameters())
        units, width = layer.out_features, layer.in_features
        matrix = update[start : start + units * width].reshape(units, width)
        return matrix, update[start + units * width : start + units * (width + 1)]

    def size(self, x: Rows) -> tuple[int, int]:
        """How many weights learn, and how many multiplications they make of one row: convolutions use theirs often."""
        made: list[int] = []

        def count(module: Any, _: object, out: Tensor) -> None:
            made.append(out[0].numel() * module.weight[0].numel())

        hooks = [module.register_forward_hook(count) for module in self._learning]
        try:
            with torch.no_grad():
                self._network(torch.from_numpy(x[:1]))
        finally:
            for hook in hooks:
                hook.remove()
        return sum(weight.numel() for weight in self._weights), sum(made)

    def set(self, weights: Vector) -> None:
        """Take these weights."""
        start = 0
        values = torch.from_numpy(np.asarray(weights, dtype=np.float32))
        with torch.no_grad():
            for weight in self._weights:
                weight.copy_(values[start : start + weight.numel()].view_as(weight))
                start += weight.numel()

    @staticmethod
    def _flat(tensors: Any) -> Vector:
        return np.concatenate([tensor.detach().numpy().ravel() for tensor in tensors]).astype(np.float64)
