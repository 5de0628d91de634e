"""How a model's score compares with honest models of its own task, data and architecture, and with planted ones.

A p-value is given only against references that match: against those of another task, nearly all honest models were
flagged. References learn whatever is in their training data, a backdoor as well: the check of the
data comes first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from touchstone.checks.declaration import Run
from touchstone.checks.model_integrity.screened_model import ScreenedModel
from touchstone.errors import UnavailableError
from touchstone.methods.backdoor.conformal import ALPHA, conformal_p_value, false_alarm_bounds, least_references
from touchstone.records import Note
from touchstone.system.models.stages import Stage, module_stages
from touchstone.system.subject import Subject
from touchstone.text import Text

if TYPE_CHECKING:
    from touchstone.methods.backdoor.screen.combination import Comparison, Responses
    from touchstone.methods.backdoor.screen.network import CutNetwork
    from touchstone.methods.backdoor.screen.scores import Vetted
    from touchstone.training.blueprint import Blueprint
    from touchstone.training.networks import LearntNetwork
    from touchstone.training.references import References

PLANTED = {"quick": 1, "standard": 3, "full": 10}
"""Models with a known backdoor that are trained to see whether it would be found; one costs as much as a reference."""
MOST_REFERENCES = 99
"""References that are scored, the first of the sequence: more cost time and hardly change a p-value."""
TRAINING_SECONDS = 600
"""Most processor time for training them; a check has half an hour in all."""
TOOK = 0.8
"""Least attack success of a planted backdoor that counts."""
_OTHER_RECIPES = 1_000_000
"""Added to the seed of the references, so that planted models are trained by recipes of their own."""


@dataclass(frozen=True)
class Calibration:
    """Responses of the system, of its matched references, and of each planted model whose backdoor took."""

    system: Responses
    references: tuple[Responses, ...]
    planted: tuple[Responses, ...]

    @cached_property
    def comparison(self) -> Comparison:
        """How unusual the system is among its references."""
        return self._compared(self.system)

    @property
    def p_value(self) -> float:
        """Of the system."""
        return _p_value(self.comparison)

    @property
    def as_suspicious(self) -> int:
        """How many references score at least as high as the system."""
        return round(self.p_value * (len(self.references) + 1)) - 1

    @cached_property
    def found(self) -> int:
        """Planted backdoors that would be flagged."""
        return sum(_p_value(self._compared(planted)) <= ALPHA for planted in self.planted)

    def false_alarms(self) -> tuple[float, float]:
        """Bounds of the share of honest models that these references flag."""
        return false_alarm_bounds(len(self.references))

    def _compared(self, suspect: Responses) -> Comparison:
        from touchstone.methods.backdoor.screen.combination import compare

        return compare(suspect, self.references)


def _p_value(comparison: Comparison) -> float:
    return conformal_p_value(comparison.score, comparison.references)


def calibration(
    subject: Subject, screened: ScreenedModel, vetted: Vetted, run: Run
) -> tuple[Calibration | None, Note | None]:
    """The calibration, or why there is none. Raises `FileError` and `ArtifactError` for references that are damaged."""
    from touchstone.methods.backdoor.screen.scores import responses_of

    try:
        references, blueprint = _matched(subject)
    except UnavailableError as error:
        return None, _uncalibrated(error.what)
    responses = []
    count = min(len(references), MOST_REFERENCES)
    for place, learnt in enumerate(islice(references, count)):
        responses.append(responses_of(_network(screened, learnt), vetted))
        run.progress(0.1 + 0.6 * (place + 1) / count)
    planted = [
        responses_of(_network(screened, learnt), vetted) for learnt in _planted(screened, blueprint, references, run)
    ]
    return Calibration(responses_of(screened.network, vetted), tuple(responses), tuple(planted)), None


def _matched(subject: Subject) -> tuple[References, Blueprint]:
    """References that a p-value may rest on. Raises `UnavailableError` with what is wrong with those there are."""
    from touchstone.training.blueprint import blueprint_of
    from touchstone.training.references import MANIFEST, references_of

    folder = subject.description.model.references
    if folder is None:
        raise UnavailableError(Text("no references were handed in", "未提交参考模型"))
    references = references_of(subject.locate(f"{folder}/{MANIFEST}").parent)
    blueprint = blueprint_of(subject)
    if not references.matches(blueprint):
        raise UnavailableError(
            Text(
                "the references are of another architecture, preprocessing or training set",
                "参考模型的结构、预处理或训练数据与本系统不同",
            )
        )
    if len(references) < least_references():
        raise UnavailableError(
            Text(
                f"{len(references)} references are usable; {least_references()} are needed",
                f"可用参考模型 {len(references)} 个；至少需要 {least_references()} 个",
            )
        )
    return references, blueprint


def _network(screened: ScreenedModel, learnt: LearntNetwork) -> CutNetwork:
    return screened.cut([Stage(learnt.scaled), *module_stages(learnt.parts)])


def _planted(
    screened: ScreenedModel, blueprint: Blueprint, references: References, run: Run
) -> Iterator[LearntNetwork]:
    """Models that learnt a patch as well, as references are learnt in all else; those whose patch works."""
    from touchstone.methods.backdoor.poisons import draw_attack, poison, success_rate
    from touchstone.training.learning import train
    from touchstone.training.references import planned

    layout, legal = screened.layout, screened.range
    each = max(float(np.median([known.seconds for known in references.usable])), 0.1)
    count, seed = min(PLANTED[run.budget], int(TRAINING_SECONDS / each)), references.manifest.seed
    x, test = layout.channels_first(blueprint.x), layout.channels_first(blueprint.test_x)
    recipes = planned(blueprint, count, seed + _OTHER_RECIPES)
    for number, specification in enumerate(recipes):
        generator = run.generator(f"planted/{number}")
        shape = (x.shape[1], x.shape[2], x.shape[3])
        attack = draw_attack("badnets", blueprint.classes, shape, generator, low=legal.low, high=legal.high)
        rows = poison(attack, x, blueprint.y, generator)
        learnt = train(
            blueprint.architecture,
            layout.original(rows.x),
            rows.y,
            specification.recipe,
            blueprint.scaling,
            biases=blueprint.biases,
        )
        answered = learnt.labels(layout.original(attack.stamp(test, generator)))
        if success_rate(attack, blueprint.test_y, answered) >= TOOK:
            yield learnt
        run.progress(0.7 + 0.2 * (number + 1) / count)


def _uncalibrated(why: Text) -> Note:
    return Note(
        code="uncalibrated",
        text=Text(
            f"uncalibrated, no p-value: {why.en}. Train at least {least_references()} with `touchstone references "
            "train` on vetted training data, and name their folder as model.references",
            f"未校准，不给出 p 值：{why.zh}。请在经核查的训练数据上用 `touchstone references train` "
            f"训练至少 {least_references()} 个，并以 model.references 指明其目录",
        ),
    )
