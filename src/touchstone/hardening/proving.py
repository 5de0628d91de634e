"""What can be proven of a system: by bounds of the network itself, or of its answers under noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from touchstone.checks.system_resilience.white_box import ball_of
from touchstone.hardening.arena import Arena
from touchstone.methods.certified.smoothing import certify_smoothed
from touchstone.records import Budget
from touchstone.system.models.opening import open_unsmoothed
from touchstone.system.subject import Subject

SAMPLES: Final[dict[Budget, int]] = {"quick": 20, "standard": 50, "full": 200}
"""Samples of the arena that a proof is tried for."""
MOST_NOISY: Final[dict[Budget, int]] = {"quick": 2_000, "standard": 10_000, "full": 100_000}
"""Noisy answers after which the smoothed model's certificate of a sample is given up."""

Method = Literal["crown", "smoothing"]


@dataclass(frozen=True, slots=True)
class Proven:
    """Which of the first samples of the arena provably keep their right answer; shape `(m,)`."""

    method: Method
    certified: NDArray[np.bool_]


def prove_network(subject: Subject, arena: Arena, budget: Budget) -> Proven | None:
    """CROWN for declared layers; `None` where the network is of another form or larger than the method takes."""
    declaration = subject.description.model
    if declaration.format != "safetensors" or declaration.file is None or declaration.output.kind != "logits":
        return None
    import safetensors.torch
    import torch

    from touchstone.methods.certified.crown import Standardise, UnsupportedNetworkError, bound_margins
    from touchstone.system.models.answers import normalisation
    from touchstone.system.models.torch import build

    mean, scale = (torch.from_numpy(values) for values in normalisation(declaration))
    weights = safetensors.torch.load(subject.read(declaration.file))
    network = build(declaration.architecture or [], weights, declaration.file)
    if arena.layout is not None and arena.layout.channels_last:
        return None  # layers are declared for channels first
    x, y = arena.x[: SAMPLES[budget]], arena.y[: SAMPLES[budget]]
    whole: Any = torch.nn.Sequential(Standardise(mean, scale), *network)
    try:
        margins = bound_margins(
            whole, torch.from_numpy(arena.original(x)), torch.from_numpy(y), ball_of(arena.threat, arena.x)
        )
    except UnsupportedNetworkError:
        return None
    return Proven("crown", margins.certified.numpy())


def prove_smoothed(subject: Subject, arena: Arena, sigma: float, budget: Budget) -> Proven:
    """Certificates of the smoothed model around the subject's, whether or not that is what is in service.

    The attacker's ball lies in an L2 ball, which is what smoothing certifies.
    """
    model = open_unsmoothed(subject)
    x, y = arena.x[: SAMPLES[budget]], arena.y[: SAMPLES[budget]]
    radius = float(np.max(arena.threat.epsilon))
    if arena.threat.norm == "linf":
        radius *= x[0].size ** 0.5
    found = certify_smoothed(
        lambda noisy: model.labels(arena.original(noisy)),
        x,
        y,
        radius=radius,
        sigma=sigma,
        seed=arena.seed,
        ids=arena.ids[: len(x)],
        most=MOST_NOISY[budget],
    )
    return Proven("smoothing", found.certified)
