"""What helps a classifier of texts against disguise, when the attacker knows what was done?

Complaints and praise from templates, English and Chinese; models of words and of characters, as they are, behind a
normalisation of texts, and trained on perturbed copies as well. *Blind* is the attack made for the model without the
normalisation; *adaptive* asks the whole of it. Questions per text are those of the check, with one step of questions
for all texts together; for comparison the round trips that one question at a time would take.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from record import keep

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.checks.system_resilience.text_systems import characters, corpus, perturbed, words

from touchstone.methods.attacks.text import TextResult, TextThreat, attack_texts
from touchstone.methods.defences.text_normalisation import normalised

CLAIM = (
    "Normalising texts halves the success of an attacker who does not know of it and hardly touches one who does; "
    "training on perturbed copies lowers both."
)
Normalisation = Callable[[str], str]
NORMALISATIONS: dict[str, Normalisation] = {
    "none": str,
    "by_shape": normalised,
    "by_shape_and_sound": partial(normalised, by_sound=True),
}
MODELS = {"words": words, "characters": characters}
COPIES = (0, 4)
THREAT = TextThreat(share=0.2, queries=400, beam=2)


class Asked:
    """A model behind a normalisation, counting round trips."""

    def __init__(self, model: Any, normalisation: Normalisation) -> None:
        self.model, self.normalisation = model, normalisation
        self.trips = 0

    def labels(self, texts: list[str]) -> np.ndarray:
        return np.asarray(self.model.predict([self.normalisation(text) for text in texts]))

    def __call__(self, texts: list[str]) -> np.ndarray:
        self.trips += 1
        answers = self.model.predict_proba([self.normalisation(text) for text in texts])
        return np.log(np.maximum(answers, 1e-30))


def measure(pipeline: Callable[[], Any], normalisation: Normalisation, copies: int) -> dict[str, Any]:
    train, train_y = corpus(400, 1)
    test, test_y = corpus(300, 2)
    fitted = [*train, *(text for seed in range(copies) for text in perturbed(train, seed))]
    model = pipeline().fit([normalisation(text) for text in fitted], np.tile(train_y, 1 + copies))
    asked = Asked(model, normalisation)
    right = asked.labels(test) == test_y
    texts, y = [text for text, known in zip(test, right, strict=True) if known], test_y[right]

    def attack(against: Asked) -> list[TextResult]:
        return attack_texts(against, texts, y, range(len(texts)), THREAT)

    start = time.process_time()
    adaptive = attack(asked)
    seconds = time.process_time() - start
    blind = asked.labels([result.text for result in attack(Asked(model, str))]) != y
    return {
        "accuracy": round(float(right.mean()), 3),
        "attack_success_adaptive": round(float(np.mean([result.succeeded for result in adaptive])), 3),
        "attack_success_blind": round(float(blind.mean()), 3),
        "questions": sum(result.queries for result in adaptive),
        "round_trips": asked.trips,
        "round_trips_one_text_at_a_time": sum(
            trips_alone(asked, text, int(c), seed) for seed, (text, c) in enumerate(zip(texts, y, strict=True))
        ),
        "cpu_seconds": round(seconds, 2),
    }


def trips_alone(asked: Asked, text: str, target: int, seed: int) -> int:
    """Round trips of the same search on one text alone."""
    alone = Asked(asked.model, asked.normalisation)
    attack_texts(alone, [text], np.array([target]), [seed], THREAT)
    return alone.trips


def main() -> None:
    measured = {
        f"{name}/normalisation={kind}/perturbed_copies={copies}": measure(pipeline, normalisation, copies)
        for name, pipeline in MODELS.items()
        for kind, normalisation in NORMALISATIONS.items()
        for copies in COPIES
    }
    keep("text_attack", CLAIM, measured)


if __name__ == "__main__":
    main()
