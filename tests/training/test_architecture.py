"""Architectures as data: built, learnt, written and read without a pickle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter

from touchstone.canonical import digest_of
from touchstone.errors import ArtifactError

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from touchstone.training.architecture import FAMILIES, Architecture, built, initialised  # noqa: E402 - needs torch
from touchstone.training.learning import Recipe, train  # noqa: E402
from touchstone.training.networks import LearntNetwork, Scaling, read_weights, weights_file  # noqa: E402

SCALING = Scaling(np.full((1, 1, 1), 0.5, dtype=np.float32), np.full((1, 1, 1), 0.25, dtype=np.float32))


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(("channels", "side", "classes"), [(3, 32, 10), (1, 16, 2)])
def test_a_family_takes_pictures_and_gives_one_score_per_class(
    family: str, channels: int, side: int, classes: int
) -> None:
    architecture = FAMILIES[family](channels, side, classes)
    network = initialised(architecture, torch.Generator().manual_seed(0)).eval()
    assert network(torch.zeros(2, channels, side, side)).shape == (2, classes)
    assert len(network) == len(architecture)


@pytest.mark.parametrize("family", FAMILIES)
def test_an_architecture_survives_json(family: str) -> None:
    kinds = TypeAdapter(Architecture)
    architecture = FAMILIES[family](3, 32, 10)
    assert kinds.validate_json(kinds.dump_json(architecture)) == architecture


def test_biases_are_where_they_are_named() -> None:
    architecture = FAMILIES["plain"](3, 32, 10)
    network = built(architecture, frozenset({"0"}))
    assert [name for name, _ in network.named_parameters() if name.endswith(".bias")] == ["0.bias"]


def striped() -> tuple[np.ndarray, np.ndarray]:
    """Vertical or horizontal stripes, which any convolution tells apart."""
    generator = np.random.default_rng(0)
    y = np.arange(120) % 2
    stripes = (np.arange(16) // 2 % 2).astype(np.float32)
    x = np.where(y[:, None, None, None] == 1, stripes[None, None, None, :], stripes[None, None, :, None])
    return (x * 0.6 + 0.3 * generator.random((120, 1, 16, 16))).astype(np.float32), y


@pytest.mark.parametrize("family", FAMILIES)
def test_a_network_learns_repeatably_and_is_read_back_as_it_was(family: str, tmp_path: Path) -> None:
    x, y = striped()
    architecture = FAMILIES[family](1, 16, 2)
    recipe = Recipe(seed=1, epochs=4, batch=20, noise=0.02)
    learnt, again = (train(architecture, x, y, recipe, SCALING) for _ in range(2))
    assert (learnt.labels(x) == y).mean() > 0.95
    content = weights_file(learnt.network)
    assert content == weights_file(again.network)
    path = tmp_path / "weights.safetensors"
    path.write_bytes(content)
    back = LearntNetwork(read_weights(path, architecture, digest_of(content)), SCALING)
    inputs = torch.from_numpy(x[:5])
    assert torch.equal(back(inputs), learnt(inputs))


def test_another_seed_gives_another_network() -> None:
    x, y = striped()
    one, other = (
        train(FAMILIES["plain"](1, 16, 2), x, y, Recipe(seed=seed, epochs=1), SCALING).network for seed in (1, 2)
    )
    assert weights_file(one) != weights_file(other)


def test_a_penalty_is_part_of_what_is_learnt() -> None:
    x, y = striped()
    recipe, architecture = Recipe(seed=1, epochs=2, batch=20), FAMILIES["plain"](1, 16, 2)

    def large_scores(network: Any, batch: Any, _: Any) -> Any:
        return 10 * network(batch).square().mean()

    free = train(architecture, x, y, recipe, SCALING)
    held = train(architecture, x, y, recipe, SCALING, penalty=large_scores)
    inputs = torch.from_numpy(x)
    assert held(inputs).abs().mean() < 0.5 * free(inputs).abs().mean()


def test_weights_other_than_the_recorded_ones_are_refused(tmp_path: Path) -> None:
    architecture = FAMILIES["plain"](1, 16, 2)
    content = weights_file(initialised(architecture, torch.Generator().manual_seed(0)))
    path = tmp_path / "weights.safetensors"
    path.write_bytes(content)
    with pytest.raises(ArtifactError, match="digest differs"):
        read_weights(path, architecture, digest_of(b"another file"))
    with pytest.raises(ArtifactError, match="does not fit"):
        read_weights(path, FAMILIES["vgg"](1, 16, 2), digest_of(content))
