"""Whether our reading of a graph answers as ONNX Runtime does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from touchstone.system.models.answers import SMALLEST_PROBABILITY, normalisation, softmax
from touchstone.system.samples import sample_shape
from touchstone.text import Text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from touchstone.system.description import ModelDeclaration

SAMPLES: Final = 16
TOLERANCE: Final = 1e-4
"""How far scores may be apart, as a number and as a share of the largest score of the sample.

Samples whose two best scores are further apart than that have the same class on both sides.
"""
_ROUNDING: Final = 1e-6
"""What float32 may lose of a probability near one, and so of another that is made of it by subtraction."""


def legal_inputs(declaration: ModelDeclaration, seed: int, count: int = SAMPLES) -> NDArray[np.float32]:
    """Inputs from the declared range, some of them at its ends; without one, from around the declared mean."""
    generator = np.random.default_rng(seed)
    shape = (count, *sample_shape(declaration.input))
    low, high = declaration.input.low, declaration.input.high
    if low is not None and high is not None:
        x = generator.uniform(low, high, shape)
        x[::4] = np.where(generator.random(x[::4].shape) < 0.5, low, high)
        return x.astype(np.float32)
    mean, scale = normalisation(declaration)
    spread = np.where(np.arange(count) % 2 == 0, 1.0, 3.0).reshape(-1, *[1] * (len(shape) - 1))
    x = mean + scale * spread * generator.normal(size=shape)
    return np.clip(x, low, high).astype(np.float32) if (low, high) != (None, None) else x.astype(np.float32)


def disagreement(
    scores: NDArray[np.float64], answers: NDArray[np.float64], *, probabilities: bool, exact: bool
) -> Text | None:
    """How our scores in a logarithmic scale differ from the runtime's answers, or `None` when they do not.

    Probabilities are compared as such, and their logarithms as well: where a model is sure, only those show whether
    two functions are the same. `exact` is false when small probabilities were made by subtraction from large ones.
    """
    if not np.isfinite(scores).all():
        return Text("its own answers are not finite", "自行计算的输出含非有限值")
    reach = TOLERANCE * (1 + np.abs(scores).max(axis=1, keepdims=True))
    if not probabilities:
        return _largest(np.abs(scores - answers) - reach, scores, answers)
    own = softmax(scores)
    fault = _largest(np.abs(own - answers) - TOLERANCE, own, answers)
    if fault is not None:
        return fault
    known = answers > SMALLEST_PROBABILITY
    logarithms = np.log(np.where(known, answers, 1.0))
    slack = reach if exact else reach + _ROUNDING / np.where(known, answers, 1.0)
    normal = scores - _log_total(scores)
    return _largest(np.where(known, np.abs(normal - logarithms) - slack, -1.0), normal, logarithms)


def _log_total(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    top = scores.max(axis=1, keepdims=True)
    return np.asarray(top + np.log(np.exp(scores - top).sum(axis=1, keepdims=True)))


def _largest(excess: NDArray[np.float64], ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> Text | None:
    if not excess.size or excess.max() <= 0:
        return None
    worst = np.unravel_index(excess.argmax(), excess.shape)
    pair = f"{ours[worst]:.6g} / {theirs[worst]:.6g}"
    return Text(
        f"followed operator by operator it answers otherwise than ONNX Runtime ({pair})",
        f"逐算子计算的输出与 ONNX Runtime 不一致（{pair}）",
    )
