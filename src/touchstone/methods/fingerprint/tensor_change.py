"""How one tensor differs between two versions of a model: by how much, where, in which bits, and of what rank.

Rounding to a shorter format is looked for first, as what was rounded *and* edited must not hide the edit behind the
rounding: where nearly all numbers are the rounding of the elder ones, only the others count as changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from touchstone.methods.fingerprint.grids import grid_steps, off_half_step, off_whole_numbers
from touchstone.methods.fingerprint.number_formats import MANTISSA, NumberFormat, StoredTensor, Values, rounded_to

Kind = Literal[
    "identical", "rounded", "quantised", "re-quantised", "reshaped", "zeroed", "flipped", "low bits", "edited"
]
"""What happened to a tensor. `edited` is every change that is none of the others."""

NEARLY_ALL: Final = 0.9
"""Share of numbers that must be the rounding of the elder ones, for the others to count as edited after it."""
LOW_BITS: Final = 8
"""Bits of the fraction that hold what nobody would miss."""
PROBES: Final = 40
"""Random directions a difference is seen through; a rank from here on is given as the least it is."""
MOST_EXACT: Final = 256
"""Length of the shorter side up to which all singular values are computed."""


@dataclass(frozen=True, slots=True)
class Bits:
    """How many bits of the changed numbers differ, by what they mean."""

    sign: int
    exponent: int
    mantissa: int
    most_in_one_number: int
    highest: int
    """Place of the highest bit that differs anywhere, from 0."""


@dataclass(frozen=True, slots=True)
class TensorChange:
    """One tensor in two versions."""

    name: str
    kind: Kind
    elements: int
    """Of the younger version."""
    changed: int
    """Elements that differ beyond a rounding or quantisation of the elder ones."""
    relative_norm: float
    """Frobenius norm of the difference over that of the elder tensor."""
    cosine: float
    """Of the angle between both, as vectors: near 0 for tensors that have nothing to do with each other."""
    rank: int | None
    """Rank of the difference as a matrix, above the noise of rounding; `None` for what is no matrix."""
    full_rank: int | None
    """The rank it could have; `rank` is a least value when it reached the number of probes."""
    bits: Bits | None
    """For numbers of one floating-point format that was kept."""
    precision: NumberFormat | Literal["int8"] | None = None
    """The shorter format that one version is the rounding of the other to."""

    @property
    def share(self) -> float:
        """Share of the elements that changed."""
        return self.changed / self.elements if self.elements else 0.0


def tensor_change(first: StoredTensor, second: StoredTensor, generator: np.random.Generator) -> TensorChange:
    """Compare one tensor of the elder model with that of the younger one. `generator` draws the probes of the rank."""
    if first.bits.shape != second.bits.shape:
        size = second.bits.size
        return TensorChange(second.name, "reshaped", size, size, 1.0, 0.0, None, None, None)
    if first.format == second.format and np.array_equal(first.bits, second.bits):
        return TensorChange(second.name, "identical", second.bits.size, 0, 0.0, 1.0, None, None, None)
    elder, younger = first.values, second.values
    if first.is_whole or second.is_whole:
        return _of_whole_numbers(first, second, elder, younger)
    base, precision = _rounded_base(elder, younger, first.format, second.format)
    changed = ~_same(base, younger)
    if precision is not None and not changed.any():
        return _described(second.name, "rounded", elder, younger, changed, precision=precision)
    if precision is None:
        quantised = _on_grids(second.name, elder, younger)
        if quantised is not None:
            return quantised
    bits, kind = None, _kind_of_values(younger, changed)
    if first.format == second.format and precision is None:
        bits = _bits((first.bits ^ second.bits)[changed], first.format)
        kind = _kind_of_bits(bits, kind)
    rank, full = _rank(base, younger, second.format, generator)
    return _described(second.name, kind, base, younger, changed, bits=bits, rank=rank, full=full, precision=precision)


def _described(
    name: str,
    kind: Kind,
    elder: Values,
    younger: Values,
    changed: NDArray[np.bool_],
    *,
    bits: Bits | None = None,
    rank: int | None = None,
    full: int | None = None,
    precision: NumberFormat | Literal["int8"] | None = None,
) -> TensorChange:
    finite = np.isfinite(elder) & np.isfinite(younger)
    a, b = np.where(finite, elder, 0.0).ravel(), np.where(finite, younger, 0.0).ravel()
    size, other, gap = (float(np.linalg.norm(each)) for each in (a, b, b - a))
    relative = gap / size if size else float(gap > 0)
    if not finite.all() and changed.any():
        relative = np.inf
    cosine = float(a @ b) / (size * other) if size and other else 0.0
    return TensorChange(
        name, kind, younger.size, int(changed.sum()), relative, cosine, rank, full, bits, precision=precision
    )


def _same(one: Values, other: Values) -> NDArray[np.bool_]:
    return np.asarray((one == other) | (np.isnan(one) & np.isnan(other)))


def _rounded_base(
    elder: Values, younger: Values, first: NumberFormat, second: NumberFormat
) -> tuple[Values, NumberFormat | None]:
    """What the younger numbers are compared with: the elder ones, or these as they are in a shorter format."""
    alike = float(_same(elder, younger).mean())
    if alike == 1.0 and first != second:
        shorter = min(first, second, key=MANTISSA.__getitem__)
        return elder, shorter  # nothing was lost on the way, in either direction
    best, base, precision = max(alike, NEARLY_ALL), elder, None
    shorter_formats: tuple[NumberFormat, ...] = ("f32", "f16", "bf16")
    for each in shorter_formats:
        rounded = rounded_to(elder, each)
        share = float(_same(rounded, younger).mean())
        if share > best:
            best, base, precision = share, rounded, each
        elif float(_same(rounded_to(younger, each), elder).mean()) == 1.0 and alike < 1.0:
            return younger, each  # the elder version is the rounded one
    return base, precision


def _on_grids(name: str, elder: Values, younger: Values) -> TensorChange | None:
    """The change as a quantisation to eight bits, there or back, or from one grid to another."""
    before, after = grid_steps(elder), grid_steps(younger)
    kind: Kind = "quantised"
    if before is not None and after is not None:
        off, kind = np.abs(elder - younger) > 1.02 * (before + after) / 2, "re-quantised"
    elif after is not None:
        off = off_half_step(elder, younger, after)
    elif before is not None:
        off = off_half_step(younger, elder, before)
    else:
        return None
    if off.mean() > 1 - NEARLY_ALL:
        return None
    return _described(name, _kind_of_values(younger, off) if off.any() else kind, elder, younger, off, precision="int8")


def _of_whole_numbers(first: StoredTensor, second: StoredTensor, elder: Values, younger: Values) -> TensorChange:
    """Eight-bit numbers against others: is there a scale by which they are the same weights?"""
    both = first.is_whole and second.is_whole
    if both:
        # a few edited whole numbers are an edit; many that fit another scale are another quantisation
        differ = elder != younger
        off = differ if differ.mean() <= 1 - NEARLY_ALL else off_whole_numbers(elder, younger, 0.5)
    else:
        off = off_whole_numbers(elder, younger) if second.is_whole else off_whole_numbers(younger, elder)
    fits = off.mean() <= 1 - NEARLY_ALL
    if fits and not off.any():
        return _described(second.name, "re-quantised" if both else "quantised", elder, younger, off, precision="int8")
    changed = off if fits else elder != younger
    return _described(second.name, _kind_of_values(younger, changed), elder, younger, changed, precision="int8")


def _kind_of_values(younger: Values, changed: NDArray[np.bool_]) -> Kind:
    return "zeroed" if not younger[changed].any() else "edited"


def _kind_of_bits(bits: Bits, otherwise: Kind) -> Kind:
    if bits.most_in_one_number == 1:
        return "flipped"
    return "low bits" if bits.highest < LOW_BITS else otherwise


def _bits(difference: NDArray[Any], number_format: NumberFormat) -> Bits:
    """Count what an exclusive-or of changed numbers holds."""
    fraction, sign = MANTISSA[number_format], difference.dtype.itemsize * 8 - 1
    one = difference.dtype.type(1)
    low = difference & difference.dtype.type((1 << fraction) - 1)
    middle = (difference & ~(one << difference.dtype.type(sign))) >> difference.dtype.type(fraction)
    top = difference >> difference.dtype.type(sign)
    signs, exponents, mantissas = (int(np.bitwise_count(each).sum()) for each in (top, middle, low))
    return Bits(
        signs,
        exponents,
        mantissas,
        most_in_one_number=int(np.bitwise_count(difference).max(initial=0)),
        highest=int(difference.max(initial=0)).bit_length() - 1,
    )


def _rank(
    elder: Values, younger: Values, number_format: NumberFormat, generator: np.random.Generator
) -> tuple[int | None, int | None]:
    """Rank above the noise that rounding to the number format makes, seen through random probes where it is large.

    Rounding moves every number by half a unit in its last place at most; a matrix of such independent errors has a
    largest singular value of about their root mean square times `sqrt(m) + sqrt(n)` (Marchenko and Pastur 1967).
    Probes as in Halko, Martinsson and Tropp 2011, SIAM Review 53:217.
    """
    difference = younger - elder
    matrix = difference.reshape(len(difference), -1) if difference.ndim > 1 else difference.reshape(1, -1)
    full = min(matrix.shape)
    if full < 2 or not np.isfinite(matrix).all():
        return None, None
    unit = 2.0 ** -(MANTISSA[number_format] + 1)
    noise = (
        4 * unit * float(np.sqrt(np.mean(np.square(younger)))) * (np.sqrt(matrix.shape[0]) + np.sqrt(matrix.shape[1]))
    )
    if full > MOST_EXACT:
        basis, _ = np.linalg.qr(matrix @ generator.standard_normal((matrix.shape[1], PROBES)))
        matrix = basis.T @ matrix
    values = np.linalg.svd(matrix, compute_uv=False)
    return int((values > max(noise, 1e-12 * float(values[0]))).sum()), full
