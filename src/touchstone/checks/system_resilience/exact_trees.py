"""Tree ensembles in the adversarial check: whether an answer is the same in all of a sample's ball, or where it is not.

In L∞ the ball is a box, and an ensemble answers the same within boxes of its own. Intervals prove most samples safe and
a climb over leaves breaks most others; what they leave open Veritas settles, where the extra `trees` is installed. Then
proven and unbroken samples are the same, and robust accuracy is exact. Every broken sample is confirmed by the model.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from touchstone.errors import UnavailableError
from touchstone.methods.attacks.threat_model import ThreatModel
from touchstone.methods.attacks.tree_distance import BoxAnswer, answers_in_boxes, veritas_installed
from touchstone.methods.attacks.tree_ensembles import TreeEnsemble, UnknownEnsembleError, read_ensemble
from touchstone.records import Budget, Note
from touchstone.text import Text

if TYPE_CHECKING:
    from touchstone.checks.system_resilience.attacker import Attacker
    from touchstone.system.models.sklearn import SklearnModel

STEPS: Final[dict[Budget, int]] = {"quick": 1_000, "standard": 10_000, "full": 100_000}
"""Steps of Veritas for each sample."""


class Trees:
    """The trees of a model under attack, and what they prove."""

    method = "trees"
    coarse = False

    def __init__(self, attacker: Attacker, ensemble: TreeEnsemble, budget: Budget) -> None:
        self._attacker, self._ensemble, self._steps = attacker, ensemble, STEPS[budget]
        self._certified = np.zeros(attacker.samples, dtype=bool)
        self._decided = np.zeros(attacker.samples, dtype=bool)

    def audit(self) -> None:
        """Decide about everything that stands so far, and break what the trees show how to break."""
        attacker = self._attacker
        standing = attacker.correct & ~attacker.black & ~attacker.white
        rows = np.flatnonzero(standing & ~self._decided)
        answers = self._answers(rows, attacker.threat)
        x = attacker.samples_at(rows)
        for place, (row, answer) in enumerate(zip(rows, answers, strict=True)):
            point = answer.adversarial
            if point is not None and attacker.threat.contains(x[place : place + 1], point[None])[0]:
                attacker.white[row] = True
                attacker.keep("trees", int(row), "leaf-box", 0, 0, point)
            self._certified[row] = answer.certified
        self._decided[rows] = True

    def affordable(self, rows: int) -> int:
        """Every sample: the audit has decided about them anyway."""
        return rows

    def certified(self, rows: NDArray[np.int64], threat: ThreatModel) -> NDArray[np.bool_]:
        """Whether the model answers the same in the whole ball around each of these samples."""
        if threat is self._attacker.threat and self._decided[rows].all():
            return self._certified[rows]
        return np.array([answer.certified for answer in self._answers(rows, threat)], dtype=bool)

    def remarks(self) -> tuple[Note, ...]:
        """What stayed open, and why."""
        attacker = self._attacker
        left_open = int((self._decided & ~self._certified & ~attacker.white).sum())
        if not left_open:
            return (_EXACT,)
        return (_left_open(left_open, installed=veritas_installed()),)

    def _answers(self, rows: NDArray[np.int64], threat: ThreatModel) -> list[BoxAnswer]:
        x = self._attacker.samples_at(rows)
        y = self._attacker.y[rows]
        return answers_in_boxes(self._ensemble, self._attacker.labels, x, y, threat.box(x), steps=self._steps)


def trees_of(attacker: Attacker, model: SklearnModel, budget: Budget) -> Trees:
    """The trees of a model that is handed in.

    Raises `UnavailableError` where the access does not show them, and for another kind of model.
    """
    estimator, order = model.fitted()
    try:
        read = read_ensemble(estimator)
    except UnknownEnsembleError as error:
        name = type(estimator).__name__
        raise UnavailableError(Text(str(error), f"{name} 不属于可读取的树集成"), model.where) from None
    declared = replace(read, value=read.value[:, order], base=read.base[order])
    return Trees(attacker, declared, budget)


_EXACT = Note(
    code="exact-trees",
    text=Text(
        "the trees were read: every sample that stands is proven to stand, and nothing is left for a stronger attack",
        "已读取树结构：每个未攻破的样本均已证明不可攻破，更强的攻击亦无从攻破",
    ),
)


def _left_open(count: int, *, installed: bool) -> Note:
    english = "the exact search ran out of steps" if installed else "install touchstone[trees] for an exact answer"
    chinese = "精确搜索已用尽步数" if installed else "安装 touchstone[trees] 可得精确结果"
    return Note(
        code="trees-left-open",
        text=Text(
            f"the trees were read: {count} samples are neither broken nor proven to stand ({english})",
            f"已读取树结构：{count} 个样本既未攻破也未证明不可攻破（{chinese}）",
        ),
    )
