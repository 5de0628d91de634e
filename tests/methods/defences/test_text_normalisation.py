from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.checks.system_resilience.text_systems import characters, corpus, perturbed
from touchstone.methods.attacks.text import TextThreat, attack_texts, chinese, english
from touchstone.methods.defences.text_normalisation import normalised

WORDS = ("complaint", "refund", "terrible", "service")
TEXTS = st.one_of(st.text(max_size=30), st.text(st.sampled_from("abеοs 10-@.*·的她騙骗子\u200b"), max_size=30))


@given(TEXTS, st.booleans())
def test_twice_is_once(text: str, by_sound: bool) -> None:
    once = normalised(text, by_sound=by_sound)
    assert normalised(once, by_sound=by_sound) == once


@pytest.mark.parametrize("word", WORDS)
def test_disguised_words_are_themselves_again(word: str) -> None:
    for disguised in (
        *english.homoglyphs(word),
        *english.casings(word),
        word[:3] + "\u200b" + word[3:],
        word[:3] + "-" + word[3:],
    ):
        assert normalised(disguised) == word


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("l0ser", "loser"),
        ("Ｆｕｌｌ width", "full width"),
        ("骗*子 说·谎", "骗子说谎"),
        ("騙子", "骗子"),
        ("line\none", "line one"),
        ("in 2024, 5kg", "in 2024, 5kg"),
    ],
)
def test_what_is_undone_and_what_is_kept(text: str, plain: str) -> None:
    assert normalised(text) == plain


def test_by_sound_homophones_are_equal() -> None:
    for character in "骗他是好钱":
        assert {normalised(other, by_sound=True) for other in (character, *chinese.homophones(character))} == {
            normalised(character, by_sound=True)
        }
    assert normalised("骗子", by_sound=True) != normalised("好人", by_sound=True)


def test_an_attacker_who_knows_of_it_is_held_by_training_as_well() -> None:
    """Asked through the normalisation: alone it helps little, with perturbed training texts much."""
    train, train_y = corpus(300, 1)
    test, y = corpus(80, 2)
    rates = {}
    for name, prepared, copies in (("plain", str, 0), ("both", partial(normalised, by_sound=True), 3)):
        texts = [*train, *(text for seed in range(copies) for text in perturbed(train, seed))]
        model = characters().fit([prepared(text) for text in texts], np.tile(train_y, 1 + copies))

        def ask(asked: list[str], model=model, prepared=prepared) -> np.ndarray:
            return np.log(np.maximum(model.predict_proba([prepared(text) for text in asked]), 1e-30))

        assert (ask(test).argmax(axis=1) == y).mean() > 0.95
        results = attack_texts(ask, test, y, range(len(test)), TextThreat(0.4, 300))
        rates[name] = np.mean([result.succeeded for result in results])
    assert rates["plain"] > 0.4
    assert rates["both"] < rates["plain"] / 2
