"""What may happen to the weights of a model in service: rounding that is meant, and changes that are not.

Every function takes float32 weights by name and gives new ones. Bit flips are where faults of memory (Rowhammer) and
the attackers who aim them strike (Hong et al. 2019, "Terminal Brain Damage"); a flipped mantissa bit leaves accuracy
as it was, so that no test of accuracy sees it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from touchstone.methods.fingerprint.number_formats import NumberFormat, rounded_to

Weights = Mapping[str, NDArray[np.float32]]
Changed = dict[str, NDArray[np.float32]]

MANTISSA_BITS: Final = range(23)
"""Places of the fraction in float32. Flipped, the highest changes a weight by a third to a half; each lower one half as
much, and the lower thirteen less than rounding to half precision does."""
EXPONENT_BITS: Final = range(23, 31)
LEVELS: Final = 127
LAST_PLACE: Final = 2.0**-23
"""One unit in the last place of float32, relative to the number."""


def rounded(weights: Weights, number_format: NumberFormat) -> Changed:
    """Every weight as it is in a shorter floating-point format."""
    return {
        name: rounded_to(each.astype(np.float64), number_format).astype(np.float32) for name, each in weights.items()
    }


def quantised(weights: Weights, *, per_channel: bool) -> Changed:
    """Weights of matrices and filters on a symmetric grid of 255 steps, one for each tensor or for each output channel.

    The largest value sets the scale (Jacob et al. 2018); vectors keep their precision, as in usual quantisers.
    """
    return {name: _on_grid(each, per_channel) if each.ndim > 1 else each.copy() for name, each in weights.items()}


def _on_grid(tensor: NDArray[np.float32], per_channel: bool) -> NDArray[np.float32]:
    axes = tuple(range(1, tensor.ndim)) if per_channel else None
    largest = np.abs(tensor).max(axis=axes, keepdims=per_channel)
    scale = np.where(largest > 0, largest, 1.0) / LEVELS
    return np.asarray(np.rint(tensor / scale) * scale, dtype=np.float32)


def with_flipped_bits(weights: Weights, count: int, places: range, generator: np.random.Generator) -> Changed:
    """`count` weights, drawn among all, each with one bit of the `places` flipped.

    A flip that would make an infinity or no number is drawn again: such a model answers nothing, which anyone sees.
    """
    changed = {name: each.copy() for name, each in weights.items()}
    sizes = np.array([each.size for each in changed.values()])
    names, ends = list(changed), np.cumsum(sizes)
    left = count
    while left:
        position = int(generator.integers(ends[-1]))
        tensor = int(np.searchsorted(ends, position, side="right"))
        flat = changed[names[tensor]].reshape(-1)
        index = position - int(ends[tensor] - sizes[tensor])
        word = flat[index : index + 1].view(np.uint32) ^ np.uint32(
            1 << int(generator.integers(places.start, places.stop))
        )
        value = word.view(np.float32)[0]
        if np.isfinite(value):
            flat[index] = value
            left -= 1
    return changed


def summed_otherwise(weights: Weights, generator: np.random.Generator) -> Changed:
    """Every weight off by about one unit in its last place.

    That is what sums made in another order, as other hardware makes them, amount to (Higham 2002, "Accuracy and
    Stability of Numerical Algorithms", section 3: backward errors).
    """
    return {
        name: np.asarray(each * (1 + LAST_PLACE * generator.standard_normal(each.shape)), dtype=np.float32)
        for name, each in weights.items()
    }


def with_noise(weights: Weights, share: float, generator: np.random.Generator) -> Changed:
    """Gaussian noise of `share` of each tensor's root mean square."""
    return {
        name: np.asarray(
            each + share * np.sqrt(np.mean(np.square(each))) * generator.standard_normal(each.shape), dtype=np.float32
        )
        for name, each in weights.items()
    }


def head_of(weights: Weights, classes: int) -> tuple[str, int] | None:
    """The last matrix with one row or column for each class, and the axis of the classes; `None` when there is none."""
    for name, each in reversed(list(weights.items())):
        if each.ndim == 2 and classes in each.shape:
            return name, each.shape.index(classes)
    return None


def with_swapped_classes(weights: Weights, classes: int, generator: np.random.Generator) -> Changed | None:
    """Two classes exchanged in the head's matrix; `None` when no head is found."""
    head = head_of(weights, classes)
    if head is None:
        return None
    name, axis = head
    one, other = generator.choice(classes, size=2, replace=False)
    order = np.arange(classes)
    order[[one, other]] = other, one
    return {**{each: tensor.copy() for each, tensor in weights.items()}, name: np.take(weights[name], order, axis=axis)}
