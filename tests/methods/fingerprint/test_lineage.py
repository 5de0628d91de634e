"""Every kind of change, planted, is told by name; and what no usual work leaves behind stands out."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from numpy.typing import NDArray

from touchstone.methods.fingerprint.lineage import CONSISTENT, Judgement, judge
from touchstone.methods.fingerprint.number_formats import NumberFormat, StoredTensor, rounded_to, stored
from touchstone.methods.fingerprint.tensor_change import TensorChange, tensor_change

Weights = dict[str, NDArray[np.float32]]


def network(seed: int = 1) -> Weights:
    random = np.random.default_rng(seed)

    def normal(*shape: int) -> NDArray[np.float32]:
        return random.normal(0, 0.1, shape).astype(np.float32)

    return {
        "0.weight": normal(16, 3, 3, 3),
        "0.bias": normal(16),
        "2.weight": normal(64, 144),
        "2.bias": normal(64),
        "10.weight": normal(12, 64),
        "10.bias": normal(12),
    }


def as_stored(weights: Weights, number_format: NumberFormat = "f32") -> dict[str, StoredTensor]:
    if number_format == "bf16":
        words = {
            name: (rounded_to(each.astype(np.float64), "bf16").astype("<f4").view("<u4") >> 16).astype("<u2")
            for name, each in weights.items()
        }
        return {name: stored(name, words[name].tobytes(), "bf16", each.shape) for name, each in weights.items()}
    kind = {"f16": "<f2", "f32": "<f4", "f64": "<f8"}[number_format]
    return {
        name: stored(name, each.astype(kind).tobytes(), number_format, each.shape) for name, each in weights.items()
    }


def compared(elder: dict[str, StoredTensor], younger: dict[str, StoredTensor]) -> list[TensorChange]:
    random = np.random.default_rng(0)
    return [tensor_change(elder[name], younger[name], random) for name in elder if name in younger]


def judged(younger: Weights, number_format: NumberFormat = "f32") -> Judgement:
    return judge(compared(as_stored(network()), as_stored(younger, number_format)))


def on_grid(values: NDArray[np.float32], axis: int | None, levels: int = 127) -> NDArray[np.float32]:
    others = None if axis is None else tuple(each for each in range(values.ndim) if each != axis)
    scale = np.abs(values).max(axis=others, keepdims=others is not None) / levels
    return np.asarray(np.rint(values / scale) * scale, dtype=np.float32)


def whole(values: NDArray[np.float32], levels: int = 127) -> StoredTensor:
    scale = np.abs(values).max() / levels
    return stored("w", np.rint(values / scale).astype(np.int8).tobytes(), "i8", values.shape)


def test_nothing_changed() -> None:
    assert judged(network()).lineage == "identical"


@pytest.mark.parametrize("number_format", ["f16", "bf16", "f64"])
def test_another_number_format_is_a_change_of_precision_both_ways(number_format: NumberFormat) -> None:
    assert judged(network(), number_format).lineage == "precision-change"
    back = judge(compared(as_stored(network(), number_format), as_stored(network())))
    assert back.lineage == "precision-change"


@pytest.mark.parametrize("number_format", ["f16", "bf16"])
def test_values_that_were_rounded_and_widened_again_are_too(number_format: NumberFormat) -> None:
    rounded = {
        name: rounded_to(each.astype(np.float64), number_format).astype("f4") for name, each in network().items()
    }
    judgement = judged(rounded)
    assert judgement.lineage == "precision-change"
    assert any(number_format in reason.en for reason in judgement.reasons)


def test_an_edit_does_not_hide_behind_a_rounding() -> None:
    rounded = {name: rounded_to(each.astype(np.float64), "f16").astype("f4") for name, each in network().items()}
    rounded["2.weight"][3, 5] += 0.5
    judgement = judged(rounded)
    assert (judgement.lineage, judgement.is_suspicious) == ("sparse-edit", True)


@pytest.mark.parametrize("axis", [None, 0, -1])
def test_eight_bits_are_a_change_of_precision(axis: int | None) -> None:
    weights = network()
    place = axis if axis is None or axis >= 0 else weights["2.weight"].ndim + axis
    weights["2.weight"] = on_grid(weights["2.weight"], place)
    judgement = judged(weights)
    assert judgement.lineage == "precision-change"
    assert any("int8" in reason.en for reason in judgement.reasons)


def test_whole_numbers_with_a_scale_elsewhere_are_the_same_weights() -> None:
    values = network()["2.weight"]
    elder = stored("w", values.tobytes(), "f32", values.shape)
    random = np.random.default_rng(0)
    assert tensor_change(elder, whole(values), random).kind == "quantised"
    assert tensor_change(whole(values), elder, random).kind == "quantised"
    assert tensor_change(elder, whole(np.flip(values).copy()), random).kind == "edited"
    again = tensor_change(whole(values), whole(values, levels=90), random)
    assert (again.kind, judge([again]).lineage) == ("re-quantised", "re-quantised")


def test_an_edit_does_not_hide_behind_a_quantisation() -> None:
    values = network()["2.weight"]
    edited = on_grid(values, None)
    edited[0, :3] = edited.max()
    random = np.random.default_rng(0)
    elder, younger = (
        stored("w", values.tobytes(), "f32", values.shape),
        stored("w", edited.tobytes(), "f32", values.shape),
    )
    change = tensor_change(elder, younger, random)
    assert 1 <= change.changed <= 3
    assert judge([change]).lineage == "sparse-edit"


def test_one_grid_after_another_is_re_quantised() -> None:
    first, second = network(), network()
    first["2.weight"], second["2.weight"] = (
        on_grid(first["2.weight"], None),
        on_grid(second["2.weight"], None, levels=60),
    )
    assert judge(compared(as_stored(first), as_stored(second))).lineage == "re-quantised"


def fine_tuned(weights: Weights) -> None:
    random = np.random.default_rng(2)
    for name, each in weights.items():
        weights[name] = each + (0.05 * np.abs(each).mean() * random.normal(size=each.shape)).astype(np.float32)


def adapted(weights: Weights) -> None:
    random = np.random.default_rng(3)
    for name in ("2.weight", "0.weight"):
        matrix = weights[name].reshape(len(weights[name]), -1)
        low = random.normal(size=(matrix.shape[0], 4)) @ random.normal(size=(4, matrix.shape[1]))
        matrix += (0.01 * low).astype(np.float32)


def head_replaced(weights: Weights) -> None:
    other = network(9)
    weights["10.weight"], weights["10.bias"] = other["10.weight"], other["10.bias"]


def pruned(weights: Weights) -> None:
    for each in weights.values():
        each[np.abs(each) < np.quantile(np.abs(each), 0.4)] = 0


def sparsely_edited(weights: Weights) -> None:
    weights["2.weight"][7, 10:15] = 3.0


def rewritten_by_one_direction(weights: Weights) -> None:
    random = np.random.default_rng(4)
    weights["2.weight"] += np.outer(random.normal(size=64), random.normal(size=144)).astype(np.float32)


def one_row_of_the_head(weights: Weights) -> None:
    weights["10.weight"][4] += np.float32(0.3)
    weights["10.bias"][4] -= np.float32(0.3)


def flip(place: int) -> Callable[[Weights], None]:
    def flipped(weights: Weights) -> None:
        for index in (5, 700, 4000):
            weights["2.weight"].reshape(-1).view("<u4")[index] ^= np.uint32(1 << place)

    return flipped


def payload_in_low_bits(weights: Weights) -> None:
    bits = weights["2.weight"].reshape(-1).view("<u4")
    bits ^= np.random.default_rng(5).integers(0, 256, bits.shape).astype("<u4")


def another_model(weights: Weights) -> None:
    weights.update(network(8))


@pytest.mark.parametrize(
    ("edit", "lineage", "why"),
    [
        (fine_tuned, "fine-tuned", "relative change"),
        (adapted, "fine-tuned", "low rank (at most 4)"),
        (head_replaced, "head-replaced", "2 of 6 tensors"),
        (pruned, "pruned", "became zero"),
        (sparsely_edited, "sparse-edit", "5 of 9216 numbers"),
        (rewritten_by_one_direction, "sparse-edit", "1 direction"),
        (one_row_of_the_head, "sparse-edit", "1 direction"),
        (flip(30), "bit-flips", "3 in exponents"),
        (flip(22), "bit-flips", "3 in mantissas"),
        (flip(31), "bit-flips", "3 signs"),
        (payload_in_low_bits, "bit-flips", "lowest 8 bits"),
        (another_model, "unrelated", "6 of 6 tensors"),
    ],
)
def test_a_planted_change_is_told(edit: Callable[[Weights], None], lineage: str, why: str) -> None:
    weights = network()
    edit(weights)
    judgement = judged(weights)
    assert judgement.lineage == lineage, judgement
    assert any(why in reason.en for reason in judgement.reasons), judgement
    assert judgement.is_suspicious == (lineage in {"sparse-edit", "bit-flips"})


def test_a_head_for_other_classes_is_a_replaced_head() -> None:
    weights = network()
    weights["10.weight"], weights["10.bias"] = np.ones((5, 64), np.float32), np.ones(5, np.float32)
    assert judged(weights).lineage == "head-replaced"


def test_tensors_that_came_are_no_identity() -> None:
    changes = compared(as_stored(network()), as_stored(network()))
    assert judge(changes, (), ("adapter.weight",)).lineage == "fine-tuned"
    assert judge([], ("a",), ("b",)).lineage == "unrelated"


def test_a_suspicious_change_fits_no_declaration() -> None:
    weights = network()
    sparsely_edited(weights)
    assert not any(judged(weights).fits(declared) for declared in CONSISTENT)


def test_the_rank_of_a_large_difference_is_seen_through_probes() -> None:
    random = np.random.default_rng(6)
    base = random.normal(0, 0.05, (400, 300)).astype(np.float32)
    low = (base + 0.01 * random.normal(size=(400, 7)) @ random.normal(size=(7, 300))).astype(np.float32)
    elder, younger = (stored("w", each.tobytes(), "f32", each.shape) for each in (base, low))
    assert tensor_change(elder, younger, random).rank == 7


@given(some.integers(0, 2**32 - 1))
def test_bfloat16_is_the_nearest_with_ties_to_even(word: int) -> None:
    """The elder value lies between two neighbours of the format; none is nearer than the one chosen."""
    value = np.array([word], dtype="<u4").view("<f4").astype(np.float64)
    rounded = rounded_to(value, "bf16")
    if np.isnan(value[0]):
        assert np.isnan(rounded[0])
        return
    truncated = np.array([word & 0xFFFF0000], dtype="<u4").view("<f4").astype(np.float64)[0]
    above = np.array([(word & 0xFFFF0000) + 0x10000 & 0xFFFFFFFF], dtype="<u4").view("<f4").astype(np.float64)[0]
    assert rounded[0] in (truncated, above)
    if np.isfinite(above) and np.isfinite(value[0]):
        assert abs(rounded[0] - value[0]) == min(abs(truncated - value[0]), abs(above - value[0]))
