"""Faulty attackers and models that cannot be attacked fail the controls; sound ones pass, whatever the seed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.checks.running import InProcessRun
from tests.checks.system_resilience.systems import island_system, picture_system
from touchstone.checks.system_resilience.attack_controls import attack_controls
from touchstone.checks.system_resilience.attacker import Attacker
from touchstone.checks.system_resilience.declared_threat import AdversarialParameters
from touchstone.methods.attacks.black_box import LadderResult
from touchstone.methods.attacks.threat_model import AttackResult, Samples, ThreatModel
from touchstone.records import ControlRun
from touchstone.system.subject import Subject

Scores = NDArray[np.float64]


def controls(
    subject: Subject, attacker: type[Attacker] = Attacker, seed: str = "test", queries: int = 100
) -> tuple[ControlRun, ...]:
    run = InProcessRun(seed)
    opened = attacker(subject, AdversarialParameters(queries=queries), run)
    opened.attack_up_to(25)
    return attack_controls(opened, run)


class NeverMoves(Attacker):
    """Hands every sample back as it was."""

    def search(
        self,
        x: Samples,
        rows: NDArray[np.int64],
        threat: ThreatModel,
        queries: int,
        *,
        restart: int = 0,
        starts: bool = False,
    ) -> LadderResult:
        return LadderResult(self.claimed(x, rows, threat), [""] * len(x), np.full(len(x), np.inf))

    def claimed(self, x: Samples, rows: NDArray[np.int64], threat: ThreatModel) -> AttackResult:
        return AttackResult(x.copy(), np.zeros(len(x), dtype=bool), np.zeros(len(x), dtype=np.int64))


class LeavesTheRange(NeverMoves):
    """Claims success with what no attacker may make."""

    def claimed(self, x: Samples, rows: NDArray[np.int64], threat: ThreatModel) -> AttackResult:
        far = np.where((self.y[rows] == 1).reshape(-1, 1, 1, 1), x - 9, x + 9)
        claimed = AttackResult(far.astype(np.float32), np.ones(len(x), dtype=bool), np.zeros(len(x), dtype=np.int64))
        return self._confirmed(x, rows, threat, claimed)


class UpsideDown(Attacker):
    """Follows scores with the wrong sign."""

    def scores(self, x: Samples) -> Scores:
        return -super().scores(x)


class Exchanged(Attacker):
    """Follows the scores of other samples."""

    def scores(self, x: Samples) -> Scores:
        return np.roll(super().scores(x), 1, axis=0)


class Silent(Attacker):
    """Follows scores that are all the same."""

    def scores(self, x: Samples) -> Scores:
        return np.zeros_like(super().scores(x))


@pytest.mark.parametrize("broken", [NeverMoves, LeavesTheRange, UpsideDown, Exchanged, Silent])
def test_a_broken_attacker_is_noticed(tmp_path: Path, broken: type[Attacker]) -> None:
    subject = picture_system(tmp_path, gap=0.012, n=40)
    assert all(control.passed for control in controls(subject))
    planted, _ = controls(subject, broken)
    assert not planted.passed


def test_a_constant_model_is_noticed_without_a_flood_of_questions(tmp_path: Path) -> None:
    subject = picture_system(tmp_path, gap=0.06, n=40, truth="constant")
    before = subject.queries
    planted, null = controls(subject)
    assert (planted.passed, null.passed) == (False, True)
    assert " 0 broken at once" in planted.seen.en
    assert subject.queries - before < 25 * 350


def test_a_class_that_answers_corner_noise_does_not_fail_a_sound_attacker(tmp_path: Path) -> None:
    """Some samples survive the first search at any radius: the further tries must find the boundary that is there."""
    subject = island_system(tmp_path)
    seen = [controls(subject, seed=f"seed {index}")[0] for index in range(10)]
    assert all(control.passed for control in seen)
    assert any("25 broken at once" not in control.seen.en for control in seen)
