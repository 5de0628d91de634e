"""How a small network learns: one recipe, one loop, the same numbers for the same seed on the same machine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from touchstone.training.architecture import Architecture, initialised
from touchstone.training.networks import LearntNetwork, Scaling

Penalty = Callable[[nn.Sequential, Tensor, Tensor], Tensor]
"""Something else to be held down: from the network and a batch `(b, C, H, W)` with labels `(b,)` to one number.

It is added to the loss of every batch. An attacker who knows a detector puts its score here.
"""

PEAK_RATE = 0.004


@dataclass(frozen=True, slots=True)
class Recipe:
    """What is varied between trainings. `shift` is in pixels, `light` and `noise` in shares of the range of values."""

    seed: int
    epochs: int = 10
    batch: int = 64
    weight_decay: float = 5e-4
    label_smoothing: float = 0.0
    shift: int = 2
    light: float = 0.1
    noise: float = 0.0


def draw_recipe(generator: np.random.Generator, *, epochs: int = 10) -> Recipe:
    """A recipe as careful people would choose one; everything but the number of epochs is drawn."""
    return Recipe(
        seed=int(generator.integers(2**31)),
        epochs=epochs,
        weight_decay=float(generator.choice([1e-4, 5e-4, 2e-3, 1e-2])),
        label_smoothing=float(generator.choice([0.0, 0.0, 0.05, 0.1])),
        shift=int(generator.choice([1, 2, 3])),
        light=float(generator.choice([0.0, 0.1, 0.2])),
        noise=float(generator.choice([0.0, 0.02])),
    )


def train(
    architecture: Architecture,
    x: NDArray[np.float32],
    y: NDArray[np.int64],
    recipe: Recipe,
    scaling: Scaling,
    *,
    biases: frozenset[str] | None = None,
    penalty: Penalty | None = None,
) -> LearntNetwork:
    """A network that learnt the rows `x` `(n, *shape)`, `y` `(n,)`, in evaluation mode.

    Runs on one thread, so that several trainings share a machine and the order of sums is fixed.
    """
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(recipe.seed)
    network = initialised(architecture, generator, biases).to(memory_format=torch.channels_last)
    inputs, labels = torch.from_numpy(x), torch.from_numpy(y)
    mean, scale = torch.from_numpy(scaling.mean), torch.from_numpy(scaling.scale)
    span = float(x.max() - x.min()) or 1.0
    batches = -(-len(x) // recipe.batch)
    optimiser = torch.optim.AdamW(network.parameters(), lr=PEAK_RATE, weight_decay=recipe.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, PEAK_RATE, total_steps=recipe.epochs * batches)
    network.train()
    for _ in range(recipe.epochs):
        for rows in torch.randperm(len(x), generator=generator).tensor_split(batches):
            batch = (_augmented(inputs[rows], recipe, span, generator) - mean) / scale
            loss = functional.cross_entropy(network(batch), labels[rows], label_smoothing=recipe.label_smoothing)
            if penalty is not None:
                loss = loss + penalty(network, batch, labels[rows])
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
    return LearntNetwork(network.eval().requires_grad_(False), scaling)


def _augmented(batch: Tensor, recipe: Recipe, span: float, generator: torch.Generator) -> Tensor:
    """The batch, moved by whole pixels, brighter or darker, with noise, as the recipe says."""
    if recipe.shift and batch.dim() == 4:
        batch = _shifted(batch, recipe.shift, generator)
    each = (len(batch), *[1] * (batch.dim() - 1))
    if recipe.light:
        batch = batch + recipe.light * span * (2 * torch.rand(each, generator=generator) - 1)
    if recipe.noise:
        batch = batch + recipe.noise * span * torch.randn(batch.shape, generator=generator)
    return batch


def _shifted(batch: Tensor, most: int, generator: torch.Generator) -> Tensor:
    """Every picture moved by its own whole number of pixels, its edge repeated."""
    n, _, height, width = batch.shape
    row, column = torch.randint(2 * most + 1, (2, n), generator=generator)
    padded = functional.pad(batch, [most] * 4, mode="replicate")
    rows = row[:, None] + torch.arange(height)
    columns = column[:, None] + torch.arange(width)
    moved = padded[torch.arange(n)[:, None, None], :, rows[:, :, None], columns[:, None, :]]
    return moved.permute(0, 3, 1, 2)
