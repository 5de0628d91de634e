"""Training further: what is learnt withstands more, the best epoch is kept, and a seed gives the same weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from touchstone.methods.attacks.gradient.balls import Ball  # noqa: E402 - torch is optional
from touchstone.methods.attacks.gradient.through_noise import mean_under_noise  # noqa: E402
from touchstone.methods.robust_training.fine_tuning import Epoch, Schedule, Score, fine_tune  # noqa: E402
from touchstone.methods.robust_training.lessons import Adversarial, Lesson, Noisy  # noqa: E402

BALL = Ball("linf", 0.15, 0.0, 1.0)


class Task:
    """One feature that is certain and small, and many that are weak and easily turned (Tsipras et al. 2019)."""

    def __init__(self) -> None:
        generator = np.random.default_rng(2)
        y = generator.integers(2, size=400)
        side = np.where(y == 1, 1.0, -1.0)[:, None]
        strong = 0.5 + 0.3 * side
        weak = 0.5 + 0.02 * side + generator.normal(0, 0.01, size=(400, 20))
        self.x = torch.from_numpy(np.hstack([strong, weak]).astype(np.float32))
        self.y = torch.from_numpy(y.astype(np.int64))
        self.w = torch.full((21,), 10.0)
        self.w[0] = 0.5
        self.w.requires_grad_(True)

    def function(self, x: Any) -> Any:
        lead = (x - 0.5) @ self.w
        return torch.stack([-lead, lead], dim=1)

    def worst(self) -> int:
        """Samples that stand at the exact worst point of a linear model."""
        with torch.no_grad():
            lead = (self.x - 0.5) @ self.w * (2 * self.y - 1)
            return int((lead - BALL.radius * self.w.abs().sum() > 0).sum())

    def tune(self, lesson: Lesson, epochs: int = 30, seed: int = 1, **settings: float) -> list[Epoch]:
        seen: list[Epoch] = []
        schedule = Schedule(epochs, **settings)  # type: ignore[arg-type]
        tuned = fine_tune(
            self.function,
            [self.w],
            self.x,
            self.y,
            lesson,
            schedule,
            lambda: Score(self.worst(), 0),
            seed=seed,
            watch=seen.append,
        )
        assert tuple(epoch.number for epoch in seen) == tuple(epoch.number for epoch in tuned.epochs)
        assert self.worst() == tuned.epochs[tuned.kept].score.robust == max(e.score.robust for e in tuned.epochs)
        return seen


def test_adversarial_training_turns_to_what_cannot_be_turned() -> None:
    task = Task()
    assert task.worst() == 0
    task.tune(Adversarial(BALL))
    assert task.worst() == 400
    assert task.w.grad is None


def test_noise_teaches_to_rely_on_what_noise_does_not_hide() -> None:
    task = Task()
    noise = 0.3 * torch.empty_like(task.x).normal_(generator=torch.Generator().manual_seed(1))

    def right_under_noise() -> Score:
        with torch.no_grad():
            return Score(int((task.function(task.x + noise).argmax(dim=1) == task.y).sum()), 0)

    before = right_under_noise()
    schedule = Schedule(40, step=0.1)
    fine_tune(task.function, [task.w], task.x, task.y, Noisy(0.3), schedule, right_under_noise, seed=1)
    assert right_under_noise().robust > before.robust + 40
    assert task.w[0] > 1


def test_the_same_seed_gives_the_same_weights_and_another_seed_others() -> None:
    weights = []
    for seed in (1, 1, 2):
        task = Task()
        task.tune(Adversarial(BALL), seed=seed)
        weights.append(task.w.detach().clone())
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_weights_that_no_epoch_beats_are_left_as_they_were_and_training_ends_early() -> None:
    task = Task()
    with torch.no_grad():
        task.w[1:] = 0.0
        task.w[0] = 10.0
    before = task.w.detach().clone()
    epochs = task.tune(Adversarial(BALL), epochs=50, patience=3)
    assert torch.equal(task.w, before)
    assert len(epochs) < 30


def test_training_that_diverges_says_so() -> None:
    task = Task()
    with torch.no_grad():
        task.x[0, 0] = torch.inf
    with pytest.raises(FloatingPointError):
        task.tune(Noisy(0.1), epochs=1)


def test_the_mean_under_noise_is_that_of_probabilities() -> None:
    generator = torch.Generator().manual_seed(5)
    noise = 0.5 * torch.empty(7, 3).normal_(generator=generator)
    weights = torch.eye(3)
    smoothed = mean_under_noise(lambda x: x @ weights, 0.5, (3,), draws=7, seed=5)
    x = torch.rand(4, 3)
    by_hand = torch.stack([((x + part) @ weights).softmax(dim=1) for part in noise]).mean(dim=0)
    assert torch.allclose(smoothed(x).exp(), by_hand, atol=1e-6)
    assert torch.allclose(smoothed(x[2:3]), smoothed(x)[2:3], atol=1e-6)


def test_no_state_of_the_global_dice_is_used() -> None:
    torch.manual_seed(9)
    before = torch.get_rng_state()
    Task().tune(Adversarial(BALL), epochs=1)
    assert torch.equal(torch.get_rng_state(), before)
