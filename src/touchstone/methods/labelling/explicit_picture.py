"""Marks that people see in a picture, found by normalised cross-correlation (Lewis 1995, Fast Normalized
Cross-Correlation, Vision Interface) with a picture of the mark, over a range of sizes.

A mark may be lighter or darker than what lies below it and let it shine through, so the sign of the correlation does
not count. GB 45438-2025 (5.2) asks that the text stands at an edge or a corner and that its height is 5 % of the
picture's shorter side or more. What it means by an edge, and whether the height is that of a letter or of its line, it
leaves open: here a mark is at an edge when less than a tenth of the shorter side lies between, and the height is that
of the ink, divided by the number of its lines.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

LEAST_HEIGHT: Final = 0.05
"""Of the shorter side (GB 45438-2025, 5.2)."""
FARTHEST: Final = 0.1
"""Of the shorter side, from the edge."""
LONGEST: Final = 8
"""Longer side of a picture that is searched, in shorter sides."""
FOUND: Final = 0.55
"""Correlation from which a mark is taken to be there; `benchmarks/content_labels.py` measures what that misses."""
ABSENT: Final = 0.45
"""Correlation below which it is taken not to be there. What lies between, people have to look at."""

_COARSE, _FINE = 200, 560
"""Shorter side at which a picture is searched, and at which what was found is looked at again."""
_LEAST, _GREATEST = 0.025, 0.34
_HEIGHTS = np.geomspace(_LEAST, _GREATEST, 64).reshape(8, 8)
"""Heights of a line that are looked for, in shares of the shorter side, in groups; each 4 % more than the last."""
_FINE_STEPS = (0.96, 0.98, 0.99, 1.0, 1.01, 1.02, 1.04)
_CANDIDATES = 6
_SLACK = 12
"""Pixels to all sides in which a candidate is looked at again: a few of the coarser size."""
_MARGIN = 0.2
"""Ground around the ink that is compared with it, in shares of its height."""
_STROKES = (0.03, 0.2)
"""Spread of what is finer and of what is coarser than strokes, in heights of a letter."""
_FLAT = 0.015
"""Variation of a patch, in shades of 1, below which people see no strokes in it."""

Shades = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Mark:
    """A mark as it is drawn: how much of each pixel is ink (height, width), cropped to the ink."""

    ink: Shades
    lines: int = 1


@dataclass(frozen=True, slots=True)
class Sighting:
    """Where a mark was seen best. Lengths are shares of the picture's shorter side."""

    score: float
    height: float
    """Of one line of its text."""
    distance: float
    """From the nearest edge of the picture."""

    @property
    def tall_enough(self) -> bool:
        """Whether the text has the height that is asked for, to a pixel of the size it is measured at."""
        return self.height >= LEAST_HEIGHT - 1 / _FINE


def mark_of(shades: Shades, opacity: Shades | None, lines: int = 1) -> Mark | None:
    """The mark in a picture of it: by its opacity where that varies, else by what differs from the ground.

    `shades` and `opacity` are (height, width) in 0..1. `None` where there is nothing to be seen.
    """
    if opacity is not None and np.ptp(opacity) > 0.1:
        ink = opacity
    else:
        border = np.concatenate([shades[0], shades[-1], shades[:, 0], shades[:, -1]])
        ink = np.abs(shades - np.median(border))
    peak = float(ink.max(initial=0.0))
    if peak < 0.05:
        return None
    ink = ink / peak
    rows, columns = np.flatnonzero((ink > 0.3).any(1)), np.flatnonzero((ink > 0.3).any(0))
    return Mark(ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], lines)


def find_mark(picture: Shades, mark: Mark) -> Sighting:
    """Where in `picture` (height, width; 0..1) the mark is seen best, however weakly."""
    coarse, fine = _reduced(picture, _COARSE), _reduced(picture, _FINE)
    sightings = [_looked_at_again(fine, mark, candidate) for candidate in _candidates(coarse, mark)]
    return max(sightings, key=lambda each: each.score, default=Sighting(0.0, 0.0, 1.0))


@dataclass(frozen=True, slots=True)
class _Candidate:
    """Where something like the mark lies: its middle and its height in shares of the shorter side."""

    score: float
    row: float
    column: float
    height: float


def _candidates(picture: Shades, mark: Mark) -> list[_Candidate]:
    """The most promising places and sizes. Sizes that are near each other are looked for in one band."""
    found: list[_Candidate] = []
    shorter = min(picture.shape)
    framed, frame = _framed(picture, mark)
    for heights in _HEIGHTS:
        strokes = heights[len(heights) // 2] * shorter
        correlation = _Correlation(_band(framed, strokes))
        for height in heights * mark.lines:
            template = _normal(_band(_drawn(mark, height * shorter), strokes))
            if not _fits(template, framed):
                continue
            scores = correlation.with_template(template)
            row, column = np.unravel_index(int(scores.argmax()), scores.shape)
            middle_row = (float(row) + template.shape[0] / 2 - frame) / shorter
            middle_column = (float(column) + template.shape[1] / 2 - frame) / shorter
            found.append(_Candidate(float(scores[row, column]), middle_row, middle_column, float(height)))
    return sorted(found, key=lambda each: -each.score)[:_CANDIDATES]


def _looked_at_again(picture: Shades, mark: Mark, candidate: _Candidate) -> Sighting:
    """The best sighting near a candidate, at the finer size and in finer steps of scale."""
    shorter = min(picture.shape)
    framed, frame = _framed(picture, mark)
    best = Sighting(0.0, 0.0, 1.0)
    for step in _FINE_STEPS:
        height = candidate.height * step
        strokes = height * shorter / mark.lines
        template = _normal(_band(_drawn(mark, height * shorter), strokes))
        rows = _around(candidate.row * shorter + frame, template.shape[0], framed.shape[0])
        columns = _around(candidate.column * shorter + frame, template.shape[1], framed.shape[1])
        cut = framed[rows, columns]
        if not _fits(template, cut):
            continue
        scores = _Correlation(_band(cut, strokes)).with_template(template)
        row, column = np.unravel_index(int(scores.argmax()), scores.shape)
        if scores[row, column] > best.score:
            margin = _margin(height * shorter)
            top, left = int(row) + rows.start + margin - frame, int(column) + columns.start + margin - frame
            bottom = picture.shape[0] - top - (template.shape[0] - 2 * margin)
            right = picture.shape[1] - left - (template.shape[1] - 2 * margin)
            distance = max(0, min(top, left, bottom, right)) / shorter
            best = Sighting(float(scores[row, column]), height / mark.lines, distance)
    return best


def _framed(picture: Shades, mark: Mark) -> tuple[Shades, int]:
    """The picture with its edges drawn out, so that a mark which touches one has ground around it too."""
    frame = _margin(_GREATEST * mark.lines * min(picture.shape))
    return np.pad(picture, frame, mode="edge"), frame


def _fits(template: Shades, picture: Shades) -> bool:
    return all(side < room for side, room in zip(template.shape, picture.shape, strict=True))


def _around(middle: float, length: int, side: int) -> slice:
    start = max(0, int(middle - length / 2) - _SLACK)
    return slice(start, max(start, min(side, start + length + 2 * _SLACK + 1)))


class _Correlation:
    """Correlations of one picture with templates, at every place where they fit."""

    def __init__(self, picture: Shades) -> None:
        self._picture = picture - picture.mean()
        self._shape = tuple(fft.next_fast_len(side, real=True) for side in picture.shape)
        self._spectrum = fft.rfft2(self._picture, self._shape)
        self._sums = [_integral(self._picture), _integral(self._picture**2)]

    def with_template(self, template: Shades) -> Shades:
        height, width = template.shape
        spectrum = np.conj(fft.rfft2(template, self._shape))
        room = (self._picture.shape[0] - height + 1, self._picture.shape[1] - width + 1)
        products = fft.irfft2(self._spectrum * spectrum, self._shape)[: room[0], : room[1]]
        total, squares = (
            each[height:, width:] - each[:-height, width:] - each[height:, :-width] + each[:-height, :-width]
            for each in self._sums
        )
        variation = np.sqrt(np.maximum(squares - total**2 / template.size, 0))
        seen = variation > _FLAT * np.sqrt(template.size)
        return np.where(seen, np.abs(products) / np.maximum(variation, 1e-12), 0.0)


def _integral(values: Shades) -> Shades:
    return np.pad(values.cumsum(0).cumsum(1), ((1, 0), (1, 0)))


def _margin(height: float) -> int:
    return max(1, round(_MARGIN * height))


def _drawn(mark: Mark, height: float) -> Shades:
    """The ink at that height on some ground."""
    return np.pad(scaled(mark.ink, height / mark.ink.shape[0]), _margin(height))


def _normal(template: Shades) -> Shades:
    """The template with mean 0 and norm 1."""
    template = template - template.mean()
    norm = float(np.linalg.norm(template))
    return template / norm if norm > 0 else template


def _band(picture: Shades, height: float) -> Shades:
    """What is as fine as the strokes of letters of that height.

    Photographs have most of their variation in coarser changes, which correlate with anything that has a shape.
    """
    fine = ndimage.gaussian_filter(picture, _STROKES[0] * height)
    band: Shades = fine - ndimage.gaussian_filter(picture, _STROKES[1] * height)
    return band


def _reduced(picture: Shades, shorter: int) -> Shades:
    """The picture with a shorter side of at most `shorter`."""
    return scaled(picture, min(1.0, shorter / min(picture.shape)))


def scaled(picture: Shades, factor: float) -> Shades:
    """The picture (height, width) at `factor` times its size, by linear interpolation that averages when it shrinks.

    The factor is kept exactly, however many whole pixels the result has.
    """
    if factor == 1:
        return picture
    if (block := int(0.5 / factor)) > 1:  # most of the way in whole pixels, so that the weights stay few
        picture, factor = _averaged(picture, block), factor * block
    return _weights(picture.shape[0], factor) @ picture @ _weights(picture.shape[1], factor).T


def _averaged(picture: Shades, block: int) -> Shades:
    """Means of squares of pixels; what is left over at the ends is dropped."""
    rows, columns = (side // block for side in picture.shape)
    squares = picture[: rows * block, : columns * block].reshape(rows, block, columns, block)
    means: Shades = squares.mean(axis=(1, 3))
    return means


def _weights(old: int, factor: float) -> Shades:
    reach = max(1.0, 1 / factor)
    centres = (np.arange(max(1, round(old * factor)))[:, None] + 0.5) / factor - 0.5
    weights = np.maximum(0.0, 1 - np.abs(np.arange(old)[None, :] - centres) / reach)
    weights /= np.maximum(weights.sum(1, keepdims=True), 1e-12)
    return weights
