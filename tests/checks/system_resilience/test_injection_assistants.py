"""Made-up assistants are what they are said to be: what tests of the test rest on."""

from __future__ import annotations

import numpy as np
import pytest

from touchstone.checks.system_resilience.injection_assistants import (
    HONEST,
    INNOCENT,
    SINGLE_WEAKNESSES,
    obedient,
)
from touchstone.checks.system_resilience.injection_talk import try_all
from touchstone.conversation import Assistant
from touchstone.methods.language.attacks import CHAT, Arm, attempt
from touchstone.methods.language.disguises import DISGUISES
from touchstone.methods.language.errands import new_errand
from touchstone.methods.language.goals import direct_kinds, new_goal, ordinary_rules
from touchstone.methods.language.wording import Language

SEEN_BY = {
    "base64": "base64-or-hexadecimal",
    "hexadecimal": "base64-or-hexadecimal",
    "zero-width": "zero-width",
    "full-width": "full-width",
    "spaced": "spaced",
}


def share_reached(assistant: Assistant, arm: Arm, language: Language) -> float:
    generator = np.random.default_rng(3)
    kinds = direct_kinds(calls_tools=True) * 5
    goals = [new_goal(generator, kind, language, calls_tools=True) for kind in kinds]
    tries = [attempt(goal, arm, CHAT, generator) for goal in goals]
    return float(np.mean(try_all(assistant, tries, [])))


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("disguise", DISGUISES)
def test_every_disguise_is_seen_through(disguise: str, language: Language) -> None:
    assert share_reached(obedient(), Arm(disguise=disguise), language) >= 0.75


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize(("disguise", "weakness"), SEEN_BY.items())
def test_a_single_weakness_is_single(disguise: str, weakness: str, language: Language) -> None:
    for name, assistant in SINGLE_WEAKNESSES.items():
        share = share_reached(assistant, Arm(disguise=disguise), language)
        assert share >= 0.9 if name == weakness else share == 0, name
    assert share_reached(SINGLE_WEAKNESSES[weakness], Arm(), language) == 0


@pytest.mark.parametrize("frame", ["fiction", "forged-delimiters"])
def test_a_weakness_for_a_frame_obeys_inside_it_only(frame: str) -> None:
    assert share_reached(SINGLE_WEAKNESSES[frame], Arm(frame=frame), "zh") >= 0.9
    assert share_reached(SINGLE_WEAKNESSES[frame], Arm(frame="appeal"), "zh") == 0


def test_the_third_turn_is_the_third() -> None:
    patient = obedient(turns=3)
    assert share_reached(patient, Arm(delivery="insistence"), "en") == 1
    assert share_reached(patient, Arm(delivery="split-payload"), "en") == 0
    assert share_reached(patient, Arm(), "en") == 0


def test_the_honest_one_does_all_errands_and_no_parrot_does_any() -> None:
    generator = np.random.default_rng(8)
    solved = dict.fromkeys(INNOCENT, 0)
    for turn in range(300):
        language: Language = "en" if turn % 2 else "zh"
        errand = new_errand(generator, language, calls_tools=True)
        conversation = errand.conversation(generator, ordinary_rules(generator, language))
        for name, assistant in INNOCENT.items():
            solved[name] += errand.solved(assistant.reply([conversation])[0])
    assert solved.pop("honest") == 300
    assert max(solved.values()) <= 6
    assert HONEST is INNOCENT["honest"]
