"""Learners: gradients that are gradients, updates that follow from them, and federations that learn."""

from __future__ import annotations

import numpy as np
import pytest

from touchstone.methods.federated.inversion import candidates, ratios, threshold
from touchstone.methods.federated.learner import LocalTraining, SoftmaxRegression, party_update
from touchstone.methods.federated.malicious import ATTACKS, LABEL_FLIP
from touchstone.methods.federated.simulation import Parties, Protocol, trained

LEARNER = SoftmaxRegression(3, 2)


def rows(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    x = np.random.default_rng(seed).normal(size=(n, 3))
    return x, (x[:, 0] > 0).astype(np.int64)


def test_gradient_is_the_slope_of_the_loss() -> None:
    x, y = rows(6)
    weights = np.random.default_rng(1).normal(size=8)

    def loss(w: np.ndarray) -> float:
        matrix, bias = LEARNER.first_dense(w)
        scores = x @ matrix.T + bias
        return float(np.mean(np.log(np.exp(scores).sum(axis=1)) - scores[np.arange(6), y]))

    slopes = [(loss(weights + 1e-5 * step) - loss(weights - 1e-5 * step)) / 2e-5 for step in np.eye(8)]
    assert LEARNER.gradient(weights, x, y) == pytest.approx(np.array(slopes), abs=1e-8)


def test_one_row_is_read_off_its_update() -> None:
    x, y = rows(1)
    generator = np.random.default_rng(2)
    update = party_update(LEARNER, np.zeros(8), x, y, LocalTraining(1, 1, 0.1, clipping_norm=0.01), generator)
    assert np.linalg.norm(update) <= 0.01 + 1e-12  # clipping alone hides nothing
    assert ratios(*LEARNER.first_dense(update)) == pytest.approx(np.tile(x, (2, 1)))


def test_an_update_is_the_sum_of_its_steps() -> None:
    x, y = rows(4)
    one = party_update(LEARNER, np.zeros(8), x[:2], y[:2], LocalTraining(1, 2, 0.5), np.random.default_rng(0))
    two = party_update(LEARNER, one, x[2:], y[2:], LocalTraining(1, 2, 0.5), np.random.default_rng(0))
    both = party_update(LEARNER, np.zeros(8), x, y, LocalTraining(2, 2, 0.5), np.random.default_rng(0))
    assert both == pytest.approx(one + two)


def test_noise_has_the_spread_that_was_asked_for() -> None:
    x, y = rows(1)
    quiet, noisy = (LocalTraining(1, 1, 0.1, noise=noise) for noise in (0.0, 2.0))
    generator = np.random.default_rng(0)
    plain = party_update(LEARNER, np.zeros(8), x, y, quiet, generator)
    noise = [party_update(LEARNER, np.zeros(8), x, y, noisy, generator) - plain for _ in range(400)]
    assert np.std(noise) == pytest.approx(2.0, rel=0.05)


def test_units_that_did_not_move_tell_nothing() -> None:
    found = ratios(np.array([[2.0, 4.0], [1.0, 1.0]]), np.array([2.0, 0.0]))
    assert found.tolist() == [[1.0, 2.0]]
    assert len(ratios(np.ones((2, 2)), np.zeros(2))) == 0


def test_candidates_are_named_in_standard_deviations_and_constants_do_not_count() -> None:
    pool = candidates(np.array([[0.0, 0.0, 7.0], [2.0, 200.0, 7.0]]))
    assert pool.named(np.array([[2.0, 200.0, -1e30], [1.9, 200.0, 7.0]])) == {1: 0.0}
    assert pool.named(np.array([[1.5, 200.0, 7.0]])) == {1: pytest.approx(np.sqrt(0.25 / 2))}
    assert candidates(np.ones((3, 2))).named(np.ones((1, 2))) == {}


def test_threshold_lets_chance_in_as_often_as_stated() -> None:
    null = [{0: float(distance)} for distance in range(1, 101)]
    assert threshold(null, candidates=10, chance=0.01) == 11.0  # ten of the thousand lie below it
    assert threshold(null[:5], candidates=10, chance=0.5) == np.inf


def federation(malicious: int = 2) -> Parties:
    x, y = rows(400)
    shares = [(x[part], y[part]) for part in np.array_split(np.arange(400), 10)]
    return Parties(shares, LocalTraining(2, 16, 0.5), malicious, 2)


def accuracy(attack: str | None, protocol: Protocol) -> float:
    x, y = rows(1000, seed=9)
    weights = trained(LEARNER, federation(), protocol, rounds=15, seed=3, attack=attack)
    return float((LEARNER.labels(weights, x) == y).mean())


def test_a_federation_learns_and_the_mean_does_not_survive_what_the_median_does() -> None:
    assert accuracy(None, Protocol("mean")) > 0.95
    assert accuracy("sign-flip", Protocol("mean")) < 0.2
    assert accuracy("sign-flip", Protocol("median")) > 0.95


@pytest.mark.parametrize("attack", [*ATTACKS, LABEL_FLIP])
def test_runs_repeat_to_the_last_bit(attack: str) -> None:
    once, again = (
        trained(LEARNER, federation(), Protocol("trimmed-mean"), rounds=3, seed=1, attack=attack) for _ in range(2)
    )
    assert (once == again).all()


def test_malicious_updates_are_clipped_only_where_the_protocol_can() -> None:
    x, y = rows(400)
    shares = [(x[part], y[part]) for part in np.array_split(np.arange(400), 10)]
    parties = Parties(shares, LocalTraining(1, 16, 0.5, clipping_norm=0.05), 2, 2)
    lengths = [
        np.linalg.norm(trained(LEARNER, parties, Protocol("mean", clips=c), rounds=1, seed=0, attack="sign-flip"))
        for c in (True, False)
    ]
    assert lengths[0] < 0.05 < 2 * lengths[1]


def test_groups_are_averaged_before_the_rule() -> None:
    in_groups, alone = (
        trained(LEARNER, federation(0), Protocol("median", groups=groups), rounds=1, seed=0, attack=None)
        for groups in (1, None)
    )
    mean = trained(LEARNER, federation(0), Protocol("mean"), rounds=1, seed=0, attack=None)
    assert in_groups == pytest.approx(mean)
    assert alone != pytest.approx(mean)
