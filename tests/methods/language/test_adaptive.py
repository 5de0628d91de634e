"""The attacker finds what works, on the kind of goal where it works, and stops learning when told."""

from __future__ import annotations

import numpy as np

from touchstone.methods.language.adaptive import Learner, Move
from touchstone.methods.language.attacks import Arm, single_arms

KINDS = ["secret", "calculation"]


def learnt(
    chances: dict[tuple[str, Arm], float], tries: int = 200, seed: int = 0
) -> tuple[Learner, np.random.Generator]:
    """A learner that tried on an assistant with these chances of success; all others are none."""
    generator = np.random.default_rng(seed)
    learner = Learner(single_arms(in_papers=False), ["chat"])
    plan = [each for _ in range(2) for each in learner.sweep(KINDS, generator)]
    while len(plan) < tries:
        for kind, move in plan[-24:] if len(plan) > 60 else plan:
            learner.note(kind, move, success=generator.random() < chances.get((kind, move.arm), 0.0))
        kinds = [KINDS[int(generator.integers(2))] for _ in range(24)]
        plan += [(kind, learner.draw(kind, generator)) for kind in kinds]
    return learner, generator


def test_a_sweep_tries_every_technique_once_over_all_kinds() -> None:
    learner = Learner(single_arms(in_papers=True), ["web-page", "e-mail"])
    plan = learner.sweep(KINDS, np.random.default_rng(1))
    assert sorted(move.arm.name for _, move in plan) == sorted(arm.name for arm in learner.arms)
    assert {kind for kind, _ in plan} == set(KINDS)
    assert {move.carrier for _, move in plan} == {"web-page", "e-mail"}


def test_what_works_on_one_kind_is_done_there() -> None:
    fiction, shifted = Arm(frame="fiction"), Arm(disguise="rot13")
    right = 0
    for seed in range(20):
        learner, generator = learnt({("secret", fiction): 0.9, ("calculation", shifted): 0.9}, seed=seed)
        right += learner.best("secret", generator).arm == fiction
        right += learner.best("calculation", generator).arm == shifted
    assert right >= 34


def test_while_nothing_works_everything_stays_in_play() -> None:
    learner, generator = learnt({})
    assert len({learner.best("secret", generator).arm for _ in range(300)}) > 20


def test_drawing_changes_nothing() -> None:
    learner, _ = learnt({("secret", Arm()): 0.5})
    first = [learner.draw("secret", np.random.default_rng(7)) for _ in range(5)]
    assert len(set(first)) == 1


def test_only_what_worked_is_combined() -> None:
    learner, _ = learnt({})
    before = list(learner.arms)
    learner.combine()
    assert learner.arms == before
    for arm in (Arm(frame="fiction"), Arm(disguise="rot13")):
        learner.note("secret", Move(arm, "chat"), success=True)
    learner.combine()
    learner.combine()
    assert learner.arms == [*before, Arm(disguise="rot13", frame="fiction")]
