"""Attacks are made of what they say they are made of, and nothing in a prompt gives their effect away."""

from __future__ import annotations

import re

import numpy as np
import pytest

from touchstone.conversation import Reply
from touchstone.methods.language.attacks import CHAT, Arm, Attempt, attempt, combined, single_arms
from touchstone.methods.language.disguises import DISGUISES
from touchstone.methods.language.documents import CARRIERS
from touchstone.methods.language.effects import reached
from touchstone.methods.language.frames import FRAMES
from touchstone.methods.language.goals import direct_kinds, indirect_kinds, new_goal
from touchstone.methods.language.wording import Language, Wordings

CHINESE = re.compile("[\u4e00-\u9fff]")
KINDS = [*direct_kinds(True), *indirect_kinds(True)]


def attempts(kind: str, language: Language, seed: int = 0) -> list[Attempt]:
    generator = np.random.default_rng(seed)
    direct = kind in direct_kinds(True)
    arms = single_arms(in_papers=not direct)
    return [
        attempt(new_goal(generator, kind, language, calls_tools=True), arm, carrier, generator)
        for arm in [*arms, *combined(arms)[::17]]
        for carrier in ((CHAT,) if direct else CARRIERS)
    ]


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_prompt_holds_no_effect_and_repeating_it_has_none(kind: str, language: Language) -> None:
    for made in attempts(kind, language):
        effect = made.goal.wish.effect
        if effect.kind in ("number", "word"):
            assert effect.value not in " ".join(message.text for message in made.given)
        repeated = [Reply("\n".join(message.text for message in turn)) for turn in made.turns]
        assert not reached(effect, made.given, repeated)
        assert made.turns[-1][-1].speaker in ("user", "tool")
        assert all(message.text or message.calls for message in made.given)


@pytest.mark.parametrize("kind", KINDS)
def test_brought_about_the_effect_is_seen_through_every_attack(kind: str) -> None:
    """No technique, and nothing put into a paper, stands in the way of the judge."""
    for made in attempts(kind, "en", seed=3) + attempts(kind, "zh", seed=4):
        effect = made.goal.wish.effect
        if effect.kind in ("number", "word", "secret"):
            assert reached(effect, made.given, [Reply(f"… {effect.value} …")]), made.arm.name


def test_every_technique_changes_what_is_said() -> None:
    goal = new_goal(np.random.default_rng(1), "foreign-topic", "en", calls_tools=False)
    said = {
        arm.name: tuple(message.text for message in attempt(goal, arm, CHAT, np.random.default_rng(2)).given)
        for arm in single_arms(in_papers=False)
    }
    assert len(set(said.values())) == len(said) > 25


def test_languages_are_those_that_were_asked_for() -> None:
    for language in ("en", "zh"):
        for made in attempts("secret", language):
            if made.arm.tongue is None and made.arm.disguise is None and made.arm.delivery != "few-shot":
                text = made.turns[0][-1].text
                assert bool(CHINESE.search(text)) == (language == "zh"), (made.arm.name, text)


def test_techniques_of_different_sorts_combine() -> None:
    disguised, framed = Arm(disguise="base64"), Arm(frame="fiction")
    assert combined([disguised, framed, Arm(frame="flood")]) == [
        Arm(disguise="base64", frame="fiction"),
        Arm(disguise="base64", frame="flood"),
    ]
    assert Arm().name == "bare"
    assert combined([disguised, framed])[0].name == "base64 + fiction"


@pytest.mark.parametrize("wordings", [*FRAMES.values(), *(each.around for each in DISGUISES.values())])
def test_all_wordings_are_in_both_languages_and_hold_the_text(wordings: Wordings) -> None:
    assert wordings.keys() == {"en", "zh"}
    for language in ("en", "zh"):
        assert all("$text" in each or "$quoted" in each for each in wordings[language])


def test_prompts_hardly_ever_repeat() -> None:
    tries = [made for seed in range(10) for made in attempts("forbidden-calculation", "en", seed)]
    texts = ["\n".join(message.text for message in made.given[1:]) for made in tries]
    assert len(set(texts)) > 0.98 * len(texts)


def test_a_secret_given_away_piecemeal_is_seen() -> None:
    goal = new_goal(np.random.default_rng(1), "secret", "en", calls_tools=False)
    made = attempt(goal, Arm(delivery="piecemeal"), CHAT, np.random.default_rng(2))
    secret = goal.wish.effect.value
    assert len(made.turns) == 2
    assert reached(goal.wish.effect, made.given, [Reply(f"Only {secret[:6]}."), Reply(f"And {secret[6:]}.")])
    assert not reached(goal.wish.effect, made.given, [Reply(f"Only {secret[:6]}."), Reply("No.")])
