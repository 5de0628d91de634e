"""Numbers that lie on a grid of at most 256 equal steps: weights that were quantised to eight bits.

A grid belongs to the whole tensor, or to each slice along its first or its last axis, as quantisers offer it
(Jacob et al. 2018, "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference").
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from touchstone.methods.fingerprint.number_formats import Values

LEVELS: Final = 256
_FEWEST_LEVELS: Final = 4
"""Fewer different numbers lie on some grid by themselves."""
_OFF_GRID: Final = 1e-3
"""How far from a step a number on the grid may lie, in steps: the scale itself was rounded."""
_SLACK: Final = 1.02
_ENDS: Final = 1e-9


def _axes(dimensions: int) -> Iterator[int | None]:
    yield None
    if dimensions > 1:
        yield 0
        yield dimensions - 1


def _slices(values: Values, axis: int | None) -> Values:
    """One row for each slice that has a scale of its own."""
    return values.reshape(1, -1) if axis is None else np.moveaxis(values, axis, 0).reshape(values.shape[axis], -1)


def _unsliced(rows: Values, shape: tuple[int, ...], axis: int | None) -> Values:
    if axis is None:
        return rows.reshape(shape)
    moved = (shape[axis], *(size for place, size in enumerate(shape) if place != axis))
    return np.moveaxis(rows.reshape(moved), 0, axis)


def grid_steps(values: Values) -> Values | None:
    """The step of the grid at every number, of the shape of `values`, or `None` when they lie on none."""
    if values.size < _FEWEST_LEVELS or not np.isfinite(values).all():
        return None
    for axis in _axes(values.ndim):
        rows = _slices(values, axis)
        steps = np.array([_step(row) for row in rows])
        if np.isfinite(steps).all() and (steps > 0).mean() > 0.5:
            return _unsliced(np.broadcast_to(steps[:, None], rows.shape), values.shape, axis)
    return None


def _step(row: Values) -> float:
    """The step of one slice; 0 when it has too few different numbers to tell, infinite when it lies on no grid."""
    levels = np.unique(row)
    if len(levels) > LEVELS:
        return np.inf
    if len(levels) < _FEWEST_LEVELS:
        return 0.0
    step = float(np.diff(levels).min())
    places = (levels - levels[0]) / step
    # the smallest gap carries the largest relative error: fit the step to all levels before judging them
    step = float((levels[-1] - levels[0]) / np.rint(places[-1]))
    places = (levels - levels[0]) / step
    on_grid = np.abs(places - np.rint(places)).max() <= _OFF_GRID and places[-1] <= LEVELS - 0.5
    return step if on_grid else np.inf


def off_half_step(values: Values, on_grid: Values, steps: Values) -> NDArray[np.bool_]:
    """Which numbers are farther from their quantised form than rounding moves them.

    What lies beyond the ends of the grid is cut to them, however far it was.
    """
    low, high = on_grid.min(), on_grid.max()
    clipped = ((on_grid <= low + _ENDS) & (values < on_grid)) | ((on_grid >= high - _ENDS) & (values > on_grid))
    return np.asarray((np.abs(values - on_grid) > _SLACK * steps / 2) & ~clipped)


def off_whole_numbers(values: Values, whole: Values, half_step: float = 0.0) -> NDArray[np.bool_]:
    """Which `whole` numbers are not the rounding of `scale * values + zero` for the best scale and zero.

    Both of one shape; `half_step` is how far `values` may themselves be from what was rounded. The scale is fitted to
    the tensor, or to each slice along its first or last axis: whichever leaves the fewest over. Numbers at the ends of
    the whole ones may be cut.
    """
    best = np.ones(values.shape, dtype=bool)
    for axis in _axes(values.ndim):
        rows, wanted = _slices(values, axis), _slices(whole, axis)
        fits = [_fitted(row, want) for row, want in zip(rows, wanted, strict=True)]
        fitted = np.stack([fit for fit, _ in fits])
        allowed = np.array([[0.55 + half_step * abs(scale)] for _, scale in fits])
        low, high = wanted.min(), wanted.max()
        cut = ((wanted == low) & (fitted < low)) | ((wanted == high) & (fitted > high))
        off = _unsliced((np.abs(fitted - wanted) > allowed) & ~cut, values.shape, axis).astype(bool)
        if off.sum() < best.sum():
            best = off
    return best


def _fitted(row: Values, whole: Values) -> tuple[Values, float]:
    """`scale * row + zero` nearest to the whole numbers, and the scale; fitted again without what is far off."""
    kept, scale = np.ones(len(row), dtype=bool), 0.0
    fitted = np.full(len(row), whole.mean())
    for _ in range(2):
        spread = row[kept] - row[kept].mean()
        power = float(spread @ spread)
        scale = float(spread @ whole[kept]) / power if power > 0 else 0.0
        fitted = scale * (row - row[kept].mean()) + whole[kept].mean()
        near = np.abs(fitted - whole) <= 2.0
        kept = near if near.sum() >= 2 else kept
    return fitted, scale
