"""Where a network is read."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from touchstone.methods.backdoor.rows.features import MOST_FEATURES, features, read_places  # noqa: E402


def test_the_inputs_of_the_last_two_stages_with_weights_are_read():
    nn = torch.nn
    network = nn.Sequential(
        *(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 6, 3, padding=1), nn.ReLU()),
        *(nn.Flatten(), nn.Linear(6 * 64, 5), nn.ReLU(), nn.Linear(5, 4), nn.Linear(4, 4, bias=False)),
    )
    x = np.random.default_rng(1).random((7, 3, 8, 8), dtype=np.float32)
    assert read_places(network) == (7, 4)
    last, middle = features(network, x)
    with torch.no_grad():
        assert np.allclose(last, network[:7](torch.from_numpy(x)).numpy())
        assert np.allclose(middle, network[:4](torch.from_numpy(x)).mean(dim=(2, 3)).numpy(), atol=1e-6)


def test_a_linear_model_is_read_where_it_begins():
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12, 2))
    x = np.random.default_rng(1).random((3, 1, 3, 4), dtype=np.float32)
    [only] = features(network, x)
    assert np.allclose(only, x.reshape(3, 12))


def test_large_layers_are_averaged_over_neighbours():
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 64 * 64, 2))
    [only] = features(network, np.ones((2, 3, 64, 64), dtype=np.float32))
    assert 0 < only.shape[1] <= MOST_FEATURES


def test_a_network_without_weights_has_no_features():
    with pytest.raises(ValueError, match="no features"):
        read_places(torch.nn.Sequential(torch.nn.ReLU()))
