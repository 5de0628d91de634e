"""Training the declared model further on the declared training data, judged by samples that are held out of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from touchstone.checks.system_resilience.white_box import ball_of
from touchstone.errors import ArtifactError, DataError
from touchstone.hardening.arena import Arena, training_data
from touchstone.hardening.instructions import Instructions, Recipe
from touchstone.hardening.outcome import TrainingCourse, TrainingEpoch
from touchstone.methods.attacks.gradient.differentiable import Differentiable
from touchstone.methods.attacks.gradient.ladder import climb_ladder
from touchstone.methods.attacks.gradient.rungs import Rung
from touchstone.methods.attacks.threat_model import Classes, Samples
from touchstone.methods.robust_training.fine_tuning import Epoch, Schedule, Score, fine_tune
from touchstone.methods.robust_training.lessons import Adversarial, Lesson, Noisy
from touchstone.system.models.trainable import Trainable
from touchstone.system.subject import Subject
from touchstone.text import Text

HELD_OUT: Final = 0.1
MOST_HELD_OUT: Final = 300
FEWEST: Final = 50
"""Training samples below which there is nothing to learn from."""
JUDGES: Final = (Rung("apgd-ce", 20), Rung("apgd-t", 20, targets=1))
"""Attacks that the held-out samples face after every epoch."""
NOISES: Final = 8
"""Times the held-out samples are asked under noise after every epoch."""

Watch = Callable[[Epoch, int], None]
"""Told of every epoch, and how many there are at most."""


@dataclass(frozen=True, slots=True)
class Trained:
    """The new model file and how it came about."""

    suffix: str
    file: bytes
    course: TrainingCourse


def train(model: Trainable, subject: Subject, arena: Arena, wanted: Instructions, watch: Watch) -> Trained:
    """Train `model`, which was opened for that; the subject's own stays as it is."""
    x, y = training_data(subject)
    held = min(max(int(HELD_OUT * len(x)), 1), MOST_HELD_OUT)
    if len(x) < FEWEST:
        raise DataError(
            Text(
                f"has {len(x)} samples; {FEWEST} are needed to train", f"仅有 {len(x)} 个样本；训练至少需要 {FEWEST} 个"
            ),
            "data.train",
            Text("hand in more training data", "请提交更多训练数据"),
        )
    order = np.random.default_rng([wanted.seed, 3]).permutation(len(x))
    kept_out, rest = np.sort(order[:held]), np.sort(order[held:])
    lesson: Lesson
    if wanted.recipe is Recipe.ADVERSARIAL_TRAINING:
        lesson = Adversarial(ball_of(arena.threat, arena.seen(x)))
        judge = _attacked(model, arena, x[kept_out], y[kept_out], kept_out)
    else:
        sigma = float(wanted.noise) * arena.width
        lesson = Noisy(sigma)
        judge = _under_noise(model, x[kept_out], y[kept_out], sigma, wanted.seed)
    try:
        tuned = fine_tune(
            model.function,
            list(model.weights.values()),
            torch.from_numpy(np.ascontiguousarray(x[rest])),
            torch.from_numpy(y[rest]),
            lesson,
            Schedule(wanted.epochs),
            judge,
            seed=wanted.seed,
            watch=lambda epoch: watch(epoch, wanted.epochs),
        )
    except FloatingPointError:
        raise ArtifactError(
            Text("its training diverged", "训练发散"),
            subject.description.model.file,
            Text("take a smaller radius with --eps", "请用 --eps 减小半径"),
        ) from None
    epochs = tuple(
        TrainingEpoch(number=epoch.number, robust=epoch.score.robust, clean=epoch.score.clean) for epoch in tuned.epochs
    )
    course = TrainingCourse(samples=len(rest), held_out=held, epochs=epochs, kept=tuned.kept)
    return Trained(model.suffix, model.file(), course)


def _attacked(model: Trainable, arena: Arena, x: Samples, y: Classes, ids: NDArray[np.int64]) -> Callable[[], Score]:
    """How many held-out samples are right, and how many still are under a short attack."""
    ball = ball_of(arena.threat, arena.seen(x))

    def judge() -> Score:
        outcome = climb_ladder(Differentiable(model.function), x, y, ball, JUDGES, seed=arena.seed, ids=ids)
        return Score(int((outcome.correct & ~outcome.broken).sum()), int(outcome.correct.sum()))

    return judge


def _under_noise(model: Trainable, x: Samples, y: Classes, sigma: float, seed: int) -> Callable[[], Score]:
    """How many noisy copies of the held-out samples are right, and how many samples are; always the same noise."""
    samples, wanted = torch.from_numpy(np.ascontiguousarray(x)), torch.from_numpy(y)
    noise = torch.empty(NOISES, *samples.shape).normal_(generator=torch.Generator().manual_seed(seed))

    def judge() -> Score:
        with torch.no_grad():
            right = [int((model.function(samples + sigma * part).argmax(dim=1) == wanted).sum()) for part in noise]
            clean = int((model.function(samples).argmax(dim=1) == wanted).sum())
        return Score(sum(right), clean)

    return judge
