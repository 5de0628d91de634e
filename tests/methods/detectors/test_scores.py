"""Scores are what the formulas say, alike for arrays and for tensors."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from touchstone.methods.detectors import confidence, mahalanobis, neighbours, squeezing

GENERATOR = np.random.default_rng(4)
FEATURES = GENERATOR.normal(size=(200, 3)) @ np.array([[2.0, 0, 0], [1, 1, 0], [0, 0, 0.1]])
CLASSES = np.arange(200) % 2
FEATURES[CLASSES == 1] += 5
PICTURES = GENERATOR.random((12, 2, 6, 5), dtype=np.float32)


def probabilities(x: NDArray[np.float32]) -> NDArray[np.float64]:
    """Brighter on the left than on the right."""
    lead = 20 * (x[..., :2].mean(axis=(1, 2, 3)) - x[..., 2:].mean(axis=(1, 2, 3))).astype(np.float64)
    first = 1 / (1 + np.exp(-lead))
    return np.stack([first, 1 - first], axis=1)


def test_distance_in_units_of_the_common_spread() -> None:
    record = mahalanobis.fit(FEATURES[:100], CLASSES[:100], FEATURES[100:])
    assert mahalanobis.score(record, record.means) == pytest.approx(0, abs=1e-9)
    centred = FEATURES[:100] - record.means[CLASSES[:100]]
    own = np.einsum("ni,ij,nj->n", centred, record.precision, centred)
    assert own.mean() == pytest.approx(3, rel=1e-3)  # the number of features
    assert (mahalanobis.score(record, FEATURES[:100]) <= own + 1e-9).all()
    assert mahalanobis.score(record, FEATURES[:1] + np.array([[0, 0, 9]]))[0] > 100 * record.threshold


def test_classes_that_are_missing_are_no_class() -> None:
    record = mahalanobis.fit(FEATURES[:100], 7 * CLASSES[:100], FEATURES[100:])
    assert record.means.shape == (2, 3)


def test_nearest_neighbours_as_counted_by_hand() -> None:
    record = neighbours.fit(FEATURES[:100], FEATURES[100:], nearest=3)
    by_hand = np.sort(np.linalg.norm(FEATURES[100:, None] - FEATURES[None, :100], axis=2), axis=1)[:, 2]
    assert neighbours.score(record, FEATURES[100:]) == pytest.approx(by_hand, abs=1e-6)
    with pytest.raises(ValueError, match="neighbours"):
        neighbours.fit(FEATURES[:2], FEATURES, nearest=3)


def test_an_unsure_answer_scores_high() -> None:
    scores = np.array([[5.0, 1.0, 2.0], [1.0, 1.0, 0.0]])
    assert confidence.score(confidence.Confidence(0.0), scores).tolist() == [-3.0, 0.0]


def test_squeezing_takes_out_what_is_fine() -> None:
    record = squeezing.Squeezing(0.0, 1.0, 1, 3, 0.0)
    black_or_white, smooth = squeezing.squeezes(record, PICTURES)
    assert set(np.unique(black_or_white)) == {0.0, 1.0}
    assert smooth[0, 1, 2, 2] == np.median(PICTURES[0, 1, 1:4, 1:4])
    assert smooth.shape == PICTURES.shape
    flat = np.full((1, 2, 6, 5), 1.0, np.float32)
    assert squeezing.score(record, flat, probabilities)[0] == 0.0
    assert squeezing.score(record, PICTURES, probabilities).max() > 0.5


@pytest.mark.torch
@pytest.mark.parametrize("window", [2, 3])
def test_tensors_and_arrays_agree(window: int) -> None:
    torch = pytest.importorskip("torch")
    from touchstone.methods.detectors import tensor_scores

    x = torch.from_numpy(FEATURES[100:])
    gaussian = mahalanobis.fit(FEATURES[:100], CLASSES[:100], FEATURES[100:])
    near = neighbours.fit(FEATURES[:100], FEATURES[100:])
    assert tensor_scores.mahalanobis_score(gaussian, x).numpy() == pytest.approx(mahalanobis.score(gaussian, x.numpy()))
    assert tensor_scores.neighbours_score(near, x).numpy() == pytest.approx(neighbours.score(near, x.numpy()))
    assert tensor_scores.confidence_score(x).numpy() == pytest.approx(
        confidence.score(confidence.Confidence(0.0), x.numpy())
    )
    record = squeezing.Squeezing(0.0, 1.0, 3, window, 0.0)
    z = torch.from_numpy(PICTURES).requires_grad_(True)

    def scores(pictures: object) -> object:
        lead = 20 * (pictures[..., :2].mean(dim=(1, 2, 3)) - pictures[..., 2:].mean(dim=(1, 2, 3)))  # type: ignore[index]
        return torch.stack([lead, torch.zeros_like(lead)], dim=1)

    found = tensor_scores.squeezing_score(record, z, scores)  # type: ignore[arg-type]
    assert found.detach().numpy() == pytest.approx(squeezing.score(record, PICTURES, probabilities), abs=1e-4)
    (slope,) = torch.autograd.grad(found.sum(), z)
    assert bool((slope != 0).any())
