import numpy as np

from touchstone.training.side_by_side import Networks, gradients, learn_side_by_side, with_ones


def blobs(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    y = generator.integers(3, size=n)
    return (generator.normal(size=(n, 5)) + 2.0 * np.eye(5)[y]).astype(np.float32), y


def test_each_network_learns_its_own_rows() -> None:
    """Labels drawn by lot can only be known by heart: right on what was learnt, a third elsewhere."""
    generator = np.random.default_rng(0)
    x, _ = blobs(200, 1)
    y = generator.integers(3, size=200)
    trained = np.stack([np.arange(200) < 100, np.arange(200) >= 100])
    networks = learn_side_by_side(x, y, 3, trained, generator, epochs=500)
    right = networks.logits(x).argmax(axis=2) == y
    assert right[trained].mean() > 0.95
    assert right[~trained].mean() < 0.5


def test_what_can_be_learnt_holds_for_new_rows() -> None:
    x, y = blobs(300, 2)
    networks = learn_side_by_side(x, y, 3, np.ones((2, 300), dtype=bool), np.random.default_rng(0), epochs=20)
    fresh, truth = blobs(300, 3)
    assert (networks.logits(fresh).argmax(axis=2) == truth).mean(axis=1).min() > 0.75


def test_the_same_generator_gives_the_same_networks() -> None:
    x, y = blobs(50, 4)
    trained = np.ones((2, 50), dtype=bool)
    first, second = (learn_side_by_side(x, y, 3, trained, np.random.default_rng(7), epochs=2) for _ in range(2))
    np.testing.assert_array_equal(first.logits(x), second.logits(x))


def test_the_gradient_is_that_of_the_loss() -> None:
    """Against differences of the mean cross-entropy, in one weight and one bias of either layer."""
    generator = np.random.default_rng(0)
    x, y = blobs(8, 5)
    networks = Networks(
        generator.normal(size=(1, 6, 4)).astype(np.float32), generator.normal(size=(1, 5, 3)).astype(np.float32)
    )

    def loss() -> float:
        logits = networks.logits(x)[0].astype(np.float64)
        return float((np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(8), y]).mean())

    found = gradients(networks, with_ones(x)[None], y[None])
    for tensor, gradient in zip((networks.first, networks.second), found, strict=True):
        for place in ((0, 1, 2), (0, -1, 0)):
            before, step = tensor[place], np.float32(1e-2)
            tensor[place] = before + step
            above = loss()
            tensor[place] = before - step
            below = loss()
            tensor[place] = before
            np.testing.assert_allclose(gradient[place], (above - below) / (2 * step), atol=2e-3)
