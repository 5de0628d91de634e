"""The attacker of the text check: what it may do, and what it has achieved so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from touchstone.checks.declaration import Parameters, Run
from touchstone.methods.attacks.text import FAMILIES, TextResult, TextThreat, attack_texts
from touchstone.system.models.answers import SMALLEST_PROBABILITY
from touchstone.system.models.handle import Capability
from touchstone.system.models.http import answers_remembered
from touchstone.system.subject import Subject

SAMPLES = {"quick": 100, "standard": 300, "full": 1000}
"""Most texts per budget."""


class TextParameters(Parameters):
    """The attacker's budget."""

    edit_share: Annotated[Decimal, Field(gt=0, le=1)] = Decimal("0.2")
    """Of a text's words and Chinese characters, how many may be changed; always at least one."""
    queries_per_text: Annotated[int, Field(ge=10, le=100_000)] = 400
    """Most questions to the model per text."""
    beam: Annotated[int, Field(ge=1, le=64)] = 2
    """States that the search keeps."""


@dataclass(frozen=True, slots=True)
class Find:
    """A text whose answer was changed, confirmed by a fresh question to the model."""

    index: int
    """In the order of attack."""
    result: TextResult
    answer: int


class TextAttacker:
    """The test texts in random order, and which of them were broken. Arrays are in the order of attack."""

    def __init__(self, subject: Subject, parameters: TextParameters, run: Run) -> None:
        data = subject.data("test")
        assert data.target is not None  # noqa: S101 - the plan gives this check labelled data only
        self.parameters = parameters
        self.model = subject.model()
        self.scored = Capability.PROBABILITIES in self.model.capabilities
        self.available = len(data)
        self.samples = min(len(data), SAMPLES[run.budget])
        self.order = run.generator("order").permutation(len(data))[: self.samples]
        self.texts: list[str] = data.inputs[self.order].tolist()
        self.y = data.target[self.order]
        self.seeds: list[int] = run.generator("seeds").integers(2**62, size=self.samples).tolist()
        self.correct = np.zeros(0, dtype=bool)
        self.finds: list[Find] = []
        self.queries = 0
        self.unconfirmed = 0

    @property
    def attacked(self) -> NDArray[np.int64]:
        """The texts that were answered correctly so far: those are attacked."""
        return np.flatnonzero(self.correct)

    def threat(self, share: Decimal | None = None, families: Sequence[str] = tuple(FAMILIES)) -> TextThreat:
        """The declared threat, or one of another share or with some families only."""
        return TextThreat(
            share=float(self.parameters.edit_share if share is None else share),
            queries=self.parameters.queries_per_text,
            families=tuple(families),
            beam=self.parameters.beam,
        )

    def attack_up_to(self, look: int) -> None:
        """Attack the texts from where the last look ended."""
        start = len(self.correct)
        answers = self.model.labels(_array(self.texts[start:look]))
        self.correct = np.concatenate([self.correct, answers == self.y[start:look]])
        self.finds += self.attack(self.attacked[self.attacked >= start], self.threat())

    def attack(self, rows: NDArray[np.int64], threat: TextThreat) -> list[Find]:
        """The texts among `rows` that this threat breaks."""
        with answers_remembered(self.model):
            results = attack_texts(
                self.ask, [self.texts[i] for i in rows], self.y[rows], [self.seeds[i] for i in rows], threat
            )
        self.queries += sum(result.queries for result in results)
        hits = [(int(i), result) for i, result in zip(rows, results, strict=True) if result.succeeded]
        if not hits:
            return []
        fresh = self.model.labels(_array([result.text for _, result in hits]))
        finds = [
            Find(index, result, int(answer))
            for (index, result), answer in zip(hits, fresh, strict=True)
            if answer != self.y[index]
        ]
        self.unconfirmed += len(hits) - len(finds)
        return finds

    def ask(self, texts: list[str]) -> NDArray[np.float64] | NDArray[np.int64]:
        """Logarithms of the probabilities where they are given, else labels."""
        if not self.scored:
            return self.model.labels(_array(texts))
        return np.log(np.maximum(self.model.probabilities(_array(texts)), SMALLEST_PROBABILITY))


def _array(texts: Sequence[str]) -> NDArray[Any]:
    return np.array(texts, dtype=object)
