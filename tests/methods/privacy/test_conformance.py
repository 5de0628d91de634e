import numpy as np
import pytest

from touchstone.methods.privacy.conformance import Claimed, conformance

CLAIMED = Claimed(noise_multiplier=1.3, clipping_norm=0.5, sampling_rate=0.1)
RECORDS = 1000


class Mechanism:
    """A step of DP-SGD and its sampler, with one thing wrong at a time."""

    def __init__(self, seed, *, noise=1.0, clip=1.0, rate=1.0, kind="poisson"):
        self.generator = np.random.default_rng(seed)
        self.noise, self.clip, self.rate, self.kind = noise, clip, rate, kind

    def step(self, gradients):
        norms = np.linalg.norm(gradients, axis=1, keepdims=True)
        limit = self.clip * CLAIMED.clipping_norm
        clipped = gradients * np.minimum(1.0, limit / np.maximum(norms, 1e-12))
        generator = np.random.default_rng(5) if self.kind == "repeated" else self.generator
        size = 1 if self.kind == "shared" else gradients.shape[1]
        scale = self.noise * CLAIMED.noise_multiplier * CLAIMED.clipping_norm
        return clipped.sum(axis=0) + generator.normal(0.0, scale, size)

    def batch(self):
        rate = self.rate * CLAIMED.sampling_rate
        if self.kind == "fixed":
            return self.generator.choice(RECORDS, int(rate * RECORDS), replace=False)
        if self.kind == "replacement":
            return self.generator.integers(RECORDS, size=self.generator.binomial(RECORDS, rate))
        rates = np.full(RECORDS, rate)
        if self.kind == "weighted":
            rates[: RECORDS // 2] *= 1.5
            rates[RECORDS // 2 :] *= 0.5
        return np.flatnonzero(self.generator.random(RECORDS) < rates)


def conformance_of(seed=1, **wrong):
    mechanism = Mechanism(seed, **wrong)
    return conformance(mechanism.step, CLAIMED, np.random.default_rng(seed), sampler=mechanism.batch, records=RECORDS)


def test_an_honest_step_conforms_and_is_measured():
    found = conformance_of()
    assert found.conforms
    for (value, low, high), true in (
        (found.noise_multiplier, 1.3),
        (found.clipping_norm, 0.5),
        (found.sampling_rate, 0.1),
    ):
        assert low < true < high
        assert value == pytest.approx(true, rel=0.03)


@pytest.mark.parametrize(
    ("wrong", "fault"),
    [
        ({"noise": 0.9}, "noise"),
        ({"noise": 0.0001}, "noise"),
        ({"clip": 1.2}, "clipping"),
        ({"rate": 1.1}, "sampling-rate"),
        ({"kind": "repeated"}, "repeated-noise"),
        ({"kind": "shared"}, "shared-noise"),
        ({"kind": "fixed"}, "not-poisson"),
        ({"kind": "replacement"}, "not-poisson"),
        ({"kind": "weighted"}, "unequal-rates"),
    ],
)
def test_each_fault_is_named(wrong, fault):
    assert fault in conformance_of(**wrong).faults


def test_more_noise_and_a_smaller_norm_than_claimed_are_no_faults():
    assert conformance_of(noise=1.5, clip=0.7, rate=0.8).conforms


def test_false_alarms_are_rare():
    assert sum(not conformance_of(seed).conforms for seed in range(60)) <= 3


def test_an_answer_that_is_no_sum_is_refused():
    with pytest.raises(ValueError, match="finite numbers"):
        conformance(lambda gradients: gradients, CLAIMED, np.random.default_rng(1))
