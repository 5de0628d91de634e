"""Training weights further, and keeping the epoch that did best on samples it was not trained on.

Adversarially trained models over-fit: their robustness on new samples falls again while it still grows on their own
(Rice, Wong and Kolter 2020, "Overfitting in adversarially robust deep learning", ICML). So a part of the training data
is held out, and the weights of the best epoch are kept. The weights that were given take part: if none of the epochs
beats them, they stay as they were.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from touchstone.methods.robust_training.lessons import Function, Lesson

_SMALLEST: Final = 1e-3
"""What counts as the size of weights that are all near zero, such as fresh biases."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long and how fast."""

    epochs: int
    batch: int = 64
    step: float = 0.02
    """Length of the first steps of a tensor's elements, as a share of their root mean square."""
    patience: int = 10
    """Epochs without a better one after which training ends."""
    onset: float = 0.3
    """Part of the epochs over which the disturbance grows to its full size."""


@dataclass(frozen=True, slots=True, order=True)
class Score:
    """How well some weights do on the held-out samples; compared by robustness first."""

    robust: int
    clean: int


@dataclass(frozen=True, slots=True)
class Epoch:
    """One epoch as it ended; epoch 0 are the weights that were given."""

    number: int
    score: Score
    loss: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Tuned:
    """The course of the training, and which epoch's weights were kept."""

    epochs: tuple[Epoch, ...]
    kept: int


def fine_tune(
    function: Function,
    weights: Sequence[Tensor],
    x: Tensor,
    y: Tensor,
    lesson: Lesson,
    schedule: Schedule,
    judge: Callable[[], Score],
    *,
    seed: int,
    watch: Callable[[Epoch], None] = lambda epoch: None,
) -> Tuned:
    """Train `weights`, the leaves that `function` depends on, in place, and leave the best epoch's values in them.

    `judge` scores the weights as they are on samples that are not in `x`. All randomness comes from `seed`; the same
    seed gives the same weights on the same machine with the same number of threads. Raises `FloatingPointError` when
    training diverges.
    """
    dice = torch.Generator().manual_seed(seed)
    groups = [{"params": [weight], "lr": schedule.step * _size(weight)} for weight in weights]
    optimiser = torch.optim.Adam(groups)
    turns = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, schedule.epochs)
    epochs = [Epoch(0, judge(), float("nan"), 0.0)]
    watch(epochs[0])
    best, kept = [weight.detach().clone() for weight in weights], 0
    for number in range(1, schedule.epochs + 1):
        started = time.perf_counter()
        share = min(1.0, number / max(schedule.onset * schedule.epochs, 1.0))
        loss = _one_epoch(function, weights, x, y, lesson, schedule.batch, optimiser, dice, share)
        turns.step()
        epochs.append(Epoch(number, judge(), loss, time.perf_counter() - started))
        watch(epochs[-1])
        if epochs[-1].score > epochs[kept].score:
            best, kept = [weight.detach().clone() for weight in weights], number
        elif share == 1.0 and number - kept >= schedule.patience:
            break
    with torch.no_grad():
        for weight, value in zip(weights, best, strict=True):
            weight.copy_(value)
    return Tuned(tuple(epochs), kept)


def _size(weight: Tensor) -> float:
    """Root mean square; networks differ in the scale of their weights by orders of magnitude."""
    return max(float(weight.detach().square().mean().sqrt()), _SMALLEST)


def _one_epoch(
    function: Function,
    weights: Sequence[Tensor],
    x: Tensor,
    y: Tensor,
    lesson: Lesson,
    batch: int,
    optimiser: torch.optim.Optimizer,
    dice: torch.Generator,
    share: float,
) -> float:
    """The mean loss of an epoch over all samples in a random order."""
    total = 0.0
    order = torch.randperm(len(x), generator=dice)
    for first in range(0, len(x), batch):
        rows = order[first : first + batch]
        loss = lesson.loss(function, x[rows], y[rows], dice, share)
        if not bool(torch.isfinite(loss)):
            raise FloatingPointError("the loss is not finite")
        gradients = torch.autograd.grad(loss, list(weights), allow_unused=True)
        for weight, gradient in zip(weights, gradients, strict=True):
            weight.grad = gradient
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimiser.step()
        total += float(loss.detach()) * len(rows)
    for weight in weights:
        weight.grad = None
    return total / max(len(x), 1)
