"""Repeated questions are seen, different ones are not, and memory is bounded."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from touchstone.methods.detectors.queries import QueryDetector, QueryFingerprints, fingerprints, fit

GENERATOR = np.random.default_rng(8)


def pictures(n: int) -> NDArray[np.float32]:
    """Blobs at random places on black."""
    grid = np.arange(20)
    centre = GENERATOR.uniform(4, 16, size=(n, 2, 1))
    near = np.exp(-((grid - centre) ** 2) / 12)
    texture = GENERATOR.uniform(0.5, 1.0, size=(n, 1, 20, 20))
    return (near[:, 0, None, :, None] * near[:, 1, None, None, :] * texture).astype(np.float32)


@pytest.fixture(scope="module")
def record() -> QueryFingerprints:
    return fit(pictures(200), pictures(200), low=0.0, high=1.0, salt=5)


def test_near_copies_are_seen_and_others_are_not(record: QueryFingerprints) -> None:
    detector = QueryDetector(record)
    (original,) = pictures(1)
    noisy = original + GENERATOR.uniform(-0.03, 0.03, size=(50, *original.shape)).astype(np.float32)
    scores = detector.scores("attacker", np.concatenate([original[None], noisy]), 0.0)
    assert scores[0] == 0.0
    assert (scores[1:] > record.threshold).mean() > 0.9
    others = detector.scores("reader", pictures(200), 0.0)
    assert (others > record.threshold).mean() < 0.15
    assert detector.scores("reader", original[None], 0.0)[0] <= record.threshold  # another client's question


def test_questions_are_forgotten_when_their_time_is_over(record: QueryFingerprints) -> None:
    detector = QueryDetector(record, lifetime=10.0)
    picture = pictures(1)
    assert detector.scores("one", picture, 0.0)[0] == 0.0
    assert detector.scores("one", picture, 9.0)[0] == 1.0
    assert detector.scores("one", picture, 20.0)[0] == 0.0


def test_memory_is_bounded(record: QueryFingerprints) -> None:
    detector = QueryDetector(record, most=5, clients=2)
    first = pictures(1)
    detector.scores("one", first, 0.0)
    detector.scores("one", pictures(5), 0.0)
    assert detector.scores("one", first, 0.0)[0] <= record.threshold  # five others came after it
    history = detector._histories["one"]
    assert len(history) == 5
    assert len(history._by_hash) <= 5 * record.kept
    for client in ("two", "three"):
        detector.scores(client, first, 0.0)
    assert set(detector._histories) == {"two", "three"}


def test_a_fingerprint_depends_on_the_salt_and_not_on_the_background() -> None:
    black = np.zeros((1, 1, 20, 20), dtype=np.float32)
    plain = QueryFingerprints(0.0, 1.0, 6, 20, 50, 1, 1.0)
    assert (fingerprints(plain, black) == np.uint64(2**64 - 1)).all()
    picture = pictures(1)
    other = QueryFingerprints(0.0, 1.0, 6, 20, 50, 2, 1.0)
    assert not np.intersect1d(fingerprints(plain, picture), fingerprints(other, picture)).size
    assert fingerprints(plain, np.ones((2, 3), np.float32) * np.array([0, 0.5, 1], np.float32)).shape == (2, 50)
