"""A copy of a network that has learnt planted rows, so that they look to it as an attacker's rows look to his.

Rows that a network never saw are strange to it in a way that learnt ones are not: whoever only shows them measures a
power that no attack on the training data would meet.
"""

from __future__ import annotations

import copy

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

BATCH = 64
PLANTED_PER_BATCH = 16
"""Of each batch: one poisoned row in a hundred would take as long to learn as the network took."""
RATE = 2e-3
LEARNT = 0.95
"""Share of the planted rows that must be answered as the attacker wants; then teaching ends."""
_LOOK_EVERY = 10


def taught(
    network: nn.Sequential,
    x: NDArray[np.float32],
    y: NDArray[np.int64],
    planted: NDArray[np.bool_],
    steps: int,
    generator: np.random.Generator,
) -> tuple[nn.Sequential, float]:
    """A copy trained further on rows `(n, *shape)` with labels `(n,)`, and the share of planted rows it has learnt.

    Statistics of batch normalisation stay as they are. `planted` `(n,)` marks the planted rows; `generator` draws the
    batches.
    """
    student = copy.deepcopy(network).eval()
    for weight in student.parameters():
        weight.requires_grad_(True)
    inputs, labels = torch.from_numpy(x), torch.from_numpy(y)
    own, others = np.flatnonzero(planted), np.flatnonzero(~planted)
    optimiser = torch.optim.Adam(student.parameters(), lr=RATE)
    share = _learnt(student, inputs[own], labels[own])
    for step in range(steps):
        if step % _LOOK_EVERY == 0 and (share := _learnt(student, inputs[own], labels[own])) >= LEARNT:
            break
        rows = np.concatenate(
            [generator.choice(own, PLANTED_PER_BATCH), generator.choice(others, BATCH - PLANTED_PER_BATCH)]
        )
        with torch.enable_grad():
            loss = functional.cross_entropy(student(inputs[rows]), labels[rows])
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    else:
        share = _learnt(student, inputs[own], labels[own])
    return student.requires_grad_(False), share


def _learnt(network: nn.Sequential, x: torch.Tensor, y: torch.Tensor) -> float:
    with torch.inference_mode():
        return float((network(x).argmax(dim=1) == y).double().mean())
