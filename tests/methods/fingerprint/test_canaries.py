"""Canaries stand at the boundary, and a poll judges them by the exact binomial."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from scipy.stats import binom

from touchstone.methods.attacks.threat_model import Classes, Samples
from touchstone.methods.fingerprint.canaries import Canaries, boundary_lines, chosen, stepped_back
from touchstone.methods.fingerprint.document import canaries_of, document_of
from touchstone.methods.fingerprint.poll import FALSE_ALARM, alarm_threshold, some_of, verdict
from touchstone.methods.fingerprint.tampers import (
    head_of,
    quantised,
    rounded,
    summed_otherwise,
    with_flipped_bits,
    with_noise,
    with_swapped_classes,
)

WEIGHTS = np.random.default_rng(1).normal(size=(5, 3)).astype(np.float32)
OWN = np.random.default_rng(2).normal(size=(80, 5)).astype(np.float32)


def labels(x: Samples) -> Classes:
    return np.asarray((x @ WEIGHTS).argmax(axis=1))


def margins(x: Samples, y: Classes) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    scores = (x.astype(np.float64) @ WEIGHTS.astype(np.float64)).copy()
    own = scores[np.arange(len(y)), y]
    scores[np.arange(len(y)), y] = -np.inf
    return np.asarray(own - scores.max(axis=1))


def made() -> Canaries:
    lines = boundary_lines(labels, OWN, 60, np.random.default_rng(3))
    points = stepped_back(lines, margins, 1e-3)
    rows = chosen(lines, points, [labels], 12)
    return Canaries(points[rows], lines.label[rows], {}, 0.0)


def test_lines_end_at_the_boundary_and_canaries_a_margin_before_it() -> None:
    lines = boundary_lines(labels, OWN, 60, np.random.default_rng(3))
    assert (labels(lines.at(lines.share)) == lines.label).all()
    assert (labels(lines.at(lines.share + 1e-5)) != lines.label).mean() > 0.9
    points = stepped_back(lines, margins, 1e-3)
    sure = margins(points, lines.label)
    assert np.quantile(sure, [0.1, 0.9]) == pytest.approx([1e-3, 1e-3], rel=0.05)
    unmeasured = stepped_back(lines, None, 0.0)
    assert (labels(unmeasured) == lines.label).all()


def test_canaries_spread_over_the_pairs_of_classes() -> None:
    lines = boundary_lines(labels, OWN, 60, np.random.default_rng(3))
    rows = chosen(lines, lines.at(lines.share), [labels], 12)
    pairs = {(int(lines.label[row]), int(lines.other[row])) for row in rows}
    possible = set(zip(lines.label.tolist(), lines.other.tolist(), strict=True))
    assert len(rows) == 12
    assert pairs == possible


def test_what_a_reading_turns_is_no_canary() -> None:
    lines = boundary_lines(labels, OWN, 60, np.random.default_rng(3))
    points = lines.at(lines.share)

    def never_zero(x: Samples) -> Classes:
        return np.maximum(labels(x), 1)

    rows = chosen(lines, points, [labels, never_zero], 60)
    assert 0 < len(rows) < 60
    assert not (lines.label[rows] == 0).any()
    assert not len(chosen(lines, points, [lambda x: labels(x) + 1], 60))


def test_one_answer_for_everything_has_no_boundary() -> None:
    lines = boundary_lines(lambda x: np.zeros(len(x), dtype=np.int64), OWN, 10, np.random.default_rng(0))
    assert len(lines) == 0
    assert len(stepped_back(lines, margins, 1e-3)) == 0


@given(some.integers(1, 64), some.floats(0, 0.2))
def test_the_threshold_is_the_smallest_that_keeps_the_chance_of_a_false_alarm(asked: int, rate: float) -> None:
    threshold = alarm_threshold(asked, rate)
    chances = [float(binom.sf(turned - 1, asked, rate)) for turned in range(1, asked + 2)]
    assert chances[threshold - 1] <= FALSE_ALARM
    assert all(chance > FALSE_ALARM for chance in chances[: threshold - 1])


def canaries(turned_by_int8: int = 10) -> Canaries:
    expected = np.zeros(32, dtype=np.int64)
    other = expected.copy()
    other[:turned_by_int8] = 1
    return Canaries(np.zeros((32, 2), np.float32), expected, {"int8 per-tensor": other}, 0.01)


@pytest.mark.parametrize(
    ("turned", "state"),
    [([], "unchanged"), ([3], "unclear"), ([20, 21, 22, 23, 24], "changed"), (range(10), "other-form"),
     (range(1, 11), "other-form"), (range(5, 15), "changed"), (range(32), "changed")],
)  # fmt: skip
def test_a_poll_is_judged(turned: list[int], state: str) -> None:
    answers = np.zeros(32, dtype=np.int64)
    answers[list(turned)] = 1
    found = verdict(canaries(), answers)
    assert (found.state, found.turned, found.alarm_at) == (state, len(turned), 3)
    assert (found.form is not None) == (state == "other-form")


def test_a_form_that_hardly_differs_is_no_excuse() -> None:
    answers = np.zeros(32, dtype=np.int64)
    answers[:4] = 1
    assert verdict(canaries(turned_by_int8=2), answers).state == "changed"


def test_a_selection_keeps_answers_beside_inputs() -> None:
    whole = made()
    part = some_of(whole, 5, np.random.default_rng(1))
    assert len(part) == 5
    assert (labels(part.inputs) == part.labels).all()


def test_canaries_survive_their_document() -> None:
    whole = canaries()
    again = canaries_of(document_of(whole))
    assert np.array_equal(again.inputs, whole.inputs)
    assert np.array_equal(again.labels, whole.labels)
    assert np.array_equal(again.patterns["int8 per-tensor"], whole.patterns["int8 per-tensor"])
    assert again.benign_rate == whole.benign_rate


@pytest.mark.parametrize(
    "damage",
    [{"schema": "x"}, {"shape": [31, 2]}, {"shape": []}, {"labels": [0.5] * 32}, {"benign_rate": 2}, {"inputs": "?"}],
)
def test_a_damaged_document_is_refused(damage: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r".*"):
        canaries_of({**document_of(canaries()), **damage})


def test_flipped_bits_are_exactly_those() -> None:
    weights = {"a": np.ones((40, 30), np.float32), "b": np.full(7, 0.5, np.float32)}
    changed = with_flipped_bits(weights, 8, range(23), np.random.default_rng(0))
    flipped = [np.bitwise_count(weights[name].view("<u4") ^ changed[name].view("<u4")) for name in weights]
    assert sum(int(each.sum()) for each in flipped) == 8
    assert all(
        np.isfinite(each).all()
        for each in with_flipped_bits(weights, 50, range(23, 31), np.random.default_rng(0)).values()
    )


def test_tampers_do_what_they_say() -> None:
    random = np.random.default_rng(4)
    weights = {"w": random.normal(size=(200, 50)).astype(np.float32), "head": random.normal(size=(3, 50)).astype("f4")}
    moved = with_noise(weights, 0.01, random)["w"] - weights["w"]
    assert float(moved.std() / weights["w"].std()) == pytest.approx(0.01, rel=0.05)
    otherwise = summed_otherwise(weights, random)["w"] / weights["w"] - 1
    assert 0 < np.abs(otherwise).max() < 2.0**-20
    assert head_of(weights, 3) == ("head", 0)
    swapped = with_swapped_classes(weights, 3, random)
    assert swapped is not None
    assert np.array_equal(np.sort(swapped["head"], axis=0), np.sort(weights["head"], axis=0))
    assert int((swapped["head"] != weights["head"]).any(axis=1).sum()) == 2
    assert with_swapped_classes({"w": weights["w"]}, 3, random) is None
    assert len(np.unique(quantised(weights, per_channel=False)["w"])) <= 255
    assert np.array_equal(rounded(weights, "f16")["w"], weights["w"].astype(np.float16).astype(np.float32))
