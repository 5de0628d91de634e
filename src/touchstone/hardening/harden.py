"""The whole course of hardening one system: draw, measure, change, write, open, measure again, compare."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import numpy as np

from touchstone.errors import UnavailableError
from touchstone.hardening.arena import Arena, arena_of
from touchstone.hardening.instructions import Instructions, Recipe
from touchstone.hardening.measuring import Measured, measure
from touchstone.hardening.new_system import require_empty, write_system
from touchstone.hardening.outcome import Change, Effort, Hardening, Proof, Share
from touchstone.hardening.page import render
from touchstone.hardening.proving import Proven, prove_network, prove_smoothed
from touchstone.hardening.training import Trained, train
from touchstone.methods.robust_training.fine_tuning import Epoch
from touchstone.system.models.torch import require_torch
from touchstone.system.models.trainable import open_trainable
from touchstone.system.subject import Subject
from touchstone.text import LANGUAGES, Text

Stage = Literal["before", "training", "after", "proof"]

RECORD = "hardening.json"


class Watcher(Protocol):
    """Told what goes on."""

    def stage(self, stage: Stage) -> None:
        """A part of the work begins."""

    def epoch(self, epoch: Epoch, most: int) -> None:
        """An epoch has ended; epoch 0 is the model as it was given."""


@dataclass(frozen=True, slots=True)
class Hardened:
    """The new system and how it compares."""

    subject: Subject
    folder: Path
    report: Hardening


def harden(subject: Subject, wanted: Instructions, folder: Path, watcher: Watcher) -> Hardened:
    """Make a hardened system of `subject` in `folder`, which must be empty or absent.

    Raises `UnavailableError` where the recipe does not fit the system, before anything is written. Whether anything
    was gained is in the report, not in an error.
    """
    require_torch("touchstone harden")
    _one_thread()
    if wanted.recipe is Recipe.SMOOTHING and subject.description.model.smoothing is not None:
        raise UnavailableError(
            Text("is smoothed already", "已经过平滑"),
            "model.smoothing",
            Text("harden the system it was made of", "请对其来源系统进行加固"),
        )
    arena = arena_of(subject, wanted)
    require_empty(folder)
    trainable = open_trainable(subject) if wanted.trains else None  # refused before the old model is attacked
    watcher.stage("before")
    before = measure(subject, arena, wanted.budget)
    trained = None
    if trainable is not None:
        watcher.stage("training")
        trained = train(trainable, subject, arena, wanted, watcher.epoch)
    model = None if trained is None else (trained.suffix, trained.file)
    made = write_system(subject, folder, wanted, model, float(wanted.noise) * arena.width)
    watcher.stage("after")
    after = measure(made, arena, wanted.budget)
    watcher.stage("proof")
    report = _compare(subject, made, arena, wanted, (before, after), trained)
    (folder / RECORD).write_bytes(report.to_bytes())
    for language in LANGUAGES:
        page = render(report, subject.description.system, language)
        (folder / f"hardening.{language}.html").write_text(page, encoding="utf-8")
    return Hardened(made, folder, report)


def _one_thread() -> None:
    """Sums over several threads depend on their number; the same seed is to give the same weights everywhere."""
    import torch

    torch.set_num_threads(1)


def _compare(
    subject: Subject,
    made: Subject,
    arena: Arena,
    wanted: Instructions,
    measured: tuple[Measured, Measured],
    trained: Trained | None,
) -> Hardening:
    before, after = measured
    return Hardening(
        before=subject.digest,
        after=made.digest,
        recipe=wanted.recipe,
        seed=wanted.seed,
        parameters=wanted.parameters(),
        norm=wanted.norm,
        radius=float(np.max(arena.threat.epsilon)),
        available=arena.available,
        clean=Change.between(before.correct, after.correct),
        robust=Change.between(before.standing, after.standing),
        attacks_before=before.attacks,
        attacks_after=after.attacks,
        knowledge=after.knowledge,
        training=None if trained is None else trained.course,
        proof=_proof(subject, made, arena, wanted),
        effort_before=Effort(passes=before.passes, seconds=before.seconds),
        effort_after=Effort(passes=after.passes, seconds=after.seconds),
    )


def _proof(subject: Subject, made: Subject, arena: Arena, wanted: Instructions) -> Proof | None:
    """The same proof of both: smoothing compares both models under the noise that is now in service."""
    if wanted.recipe is Recipe.SMOOTHING:
        sigma = float(wanted.noise) * arena.width
        before: Proven | None = prove_smoothed(subject, arena, sigma, wanted.budget)
        after: Proven | None = prove_smoothed(made, arena, sigma, wanted.budget)
    else:
        before = prove_network(subject, arena, wanted.budget)
        after = prove_network(made, arena, wanted.budget)
    if before is None or after is None:
        return None
    return Proof(method=after.method, before=Share.of(before.certified), after=Share.of(after.certified))
