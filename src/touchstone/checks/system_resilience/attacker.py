"""The attacker of the adversarial check: what may be changed, which attacks this access allows, what they achieved."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from touchstone.checks.declaration import Parameters, Run
from touchstone.checks.system_resilience.inputs import (
    Layout,
    Samples,
    normal_inputs,
    portions,
    range_not_declared,
    value_range,
)
from touchstone.errors import UnavailableError
from touchstone.methods.attacks.coordinate import coordinate_attack
from touchstone.methods.attacks.projected_gradient import Loss, projected_gradient
from touchstone.methods.attacks.ray_search import ray_search
from touchstone.methods.attacks.square import square_attack
from touchstone.methods.attacks.threat_model import (
    AttackResult,
    Classes,
    ThreatModel,
    interquartile_threat,
    uniform_threat,
    unlimited_threat,
)
from touchstone.records import Note, number, plain
from touchstone.system.models.handle import Capability, ModelHandle
from touchstone.system.subject import Subject
from touchstone.text import Text

SAMPLES = {"quick": 200, "standard": 400, "full": 1000}
"""Most samples per budget."""
MASKED_SHARE = 0.05
"""Samples that the black box breaks and the gradient does not, above which the gradients are suspect."""
EXAMPLES = 8
"""Adversarial samples kept to be shown."""
RAY_REACH = 100.0
"""How many radii away a table's change of answer is looked for, when no range is declared."""


class AdversarialParameters(Parameters):
    """The attacker's budget."""

    norm: Literal["linf"] = "linf"
    eps: Annotated[str, Field(pattern=r"^[1-9][0-9]{0,3}/[1-9][0-9]{0,3}$")] = "4/255"
    """Images: radius as a share of the legal range."""
    interquartile_share: Annotated[Decimal, Field(gt=0, le=1)] = Decimal("0.05")
    """Tables and time series: radius as a share of each element's interquartile range."""
    queries: Annotated[int, Field(ge=10, le=100_000)] = 1000
    """Most questions to the model per sample."""
    iterations: Annotated[int, Field(ge=5, le=1000)] = 40
    """White box: steps on each of two losses."""


class Attacker:
    """The threat model, the attacks this access allows, and what they have achieved so far.

    Arrays are in the order of attack; samples are channels first for everything but tables, and copied only where they
    are worked on, as a test set of large pictures fills much of the memory.
    """

    def __init__(self, subject: Subject, parameters: AdversarialParameters, run: Run) -> None:
        data, specification = subject.data("test"), subject.description.model.input
        assert data.target is not None  # noqa: S101 - the plan gives this check labelled data only
        self.parameters = parameters
        self.kind = specification.kind
        self.columns = specification.columns
        self.model: ModelHandle = subject.model()
        self.samples = min(len(data), SAMPLES[run.budget])
        self.order = run.generator("order").permutation(len(data))[: self.samples]
        self.seeds = run.generator("attack").integers(2**62, size=self.samples)
        self.layout = None if self.kind == "tabular" else Layout(specification, data.inputs.shape[1:])
        self.inputs = data.inputs
        self.y = data.target[self.order]
        normal = self._seen(normal_inputs(subject, data))
        self.range = value_range(specification, normal)
        self.threat = self._declared_threat(normal)
        self.unlimited = unlimited_threat(normal, self.range.low, self.range.high)
        self.correct = np.zeros(self.samples, dtype=bool)
        self.black = np.zeros(self.samples, dtype=bool)
        self.white = np.zeros(self.samples, dtype=bool)
        self.queries = np.zeros(self.samples, dtype=np.int64)
        self.examples: dict[int, Samples] = {}
        self.unconfirmed = 0
        self.saturated = 0
        self.reached = 0

    @property
    def attacked(self) -> NDArray[np.int64]:
        """Samples that were answered correctly, and therefore attacked."""
        return np.flatnonzero(self.correct)

    @property
    def scored(self) -> bool:
        """Whether answers come with scores, not as labels only."""
        return bool({Capability.PROBABILITIES, Capability.LOGITS} & self.model.capabilities)

    @property
    def gradients(self) -> bool:
        """Whether the white box is open."""
        return Capability.GRADIENTS in self.model.capabilities

    def attack_up_to(self, look: int) -> None:
        """Attack the samples from where the last look ended."""
        for part in portions(np.arange(self.reached, look), self.inputs[0].size):
            self.correct[part] = self.labels(self.samples_at(part)) == self.y[part]
            answered = part[self.correct[part]]
            if answered.size:
                self._attack(answered)
        self.reached = look

    def _attack(self, rows: NDArray[np.int64]) -> None:
        result = self.black_box(rows, self.threat, self.parameters.queries)
        self.black[rows], self.queries[rows] = result.succeeded, result.queries
        for index in np.flatnonzero(result.succeeded)[: EXAMPLES - len(self.examples)]:
            self.examples[int(rows[index])] = result.adversarial[index].copy()
        if self.gradients:
            self.white[rows] = self._white_box(rows)

    def samples_at(self, rows: NDArray[np.int64]) -> Samples:
        """The unchanged samples."""
        return self._seen(self.inputs[self.order[rows]])

    def black_box(
        self, rows: NDArray[np.int64], threat: ThreatModel, queries: int, *, restart: int = 0
    ) -> AttackResult:
        """Search around these samples. Another `restart` is another stream of random numbers."""
        return self.search(self.samples_at(rows), rows, threat, queries, restart=restart)

    def search(
        self, x: Samples, rows: NDArray[np.int64], threat: ThreatModel, queries: int, *, restart: int = 0
    ) -> AttackResult:
        """The strongest search that the answers allow, around any `x` that is answered like the samples `rows`.

        Where probabilities are exactly zero for all classes but one they lead nowhere, and what survives is searched
        once more by labels. Only what a fresh question confirms counts as a success.
        """
        if not self.scored:
            return self._confirmed(x, rows, threat, self._by_labels(x, rows, threat, queries, restart))
        attack = coordinate_attack if self.layout is None else square_attack
        found = attack(self.scores, x, self.y[rows], threat, self.seeds[rows] + restart, queries=queries)
        blind = np.flatnonzero(~found.succeeded)
        blind = blind[self._saturated(x[blind])]
        if blind.size:
            again = self._by_labels(x[blind], rows[blind], threat, queries, restart)
            found.adversarial[blind], found.succeeded[blind] = again.adversarial, again.succeeded
            found.queries[blind] += again.queries
            self.saturated += int(blind.size)
        return self._confirmed(x, rows, threat, found)

    def labels(self, x: Samples) -> Classes:
        """Predicted classes."""
        return self.model.labels(self._original(x))

    def scores(self, x: Samples) -> NDArray[np.float64]:
        """Logits, or logarithms of probabilities."""
        if Capability.LOGITS in self.model.capabilities:
            return self.model.logits(self._original(x))
        return np.log(np.maximum(self.model.probabilities(self._original(x)), np.finfo(np.float64).tiny))

    def radius(self, factor: Decimal) -> str:
        """A radius in the words of the parameters."""
        if self.kind == "image":
            share, whole = self.parameters.eps.split("/")
            return f"{plain(number(Decimal(share) * factor))}/{whole}"
        return f"{plain(number(self.parameters.interquartile_share * factor))} IQR"

    def remarks(self) -> tuple[Note, ...]:
        """What a reader of the numbers has to know."""
        notes = []
        if self.kind == "image" and not self.range.declared:
            notes.append(range_not_declared(self.range))
        if self.kind != "image":
            notes.append(self._immutable())
        if self.unconfirmed:
            notes.append(_unconfirmed(self.unconfirmed))
        if self.saturated:
            notes.append(_SATURATED)
        only_black = int((self.black & ~self.white).sum())
        if self.gradients and only_black > MASKED_SHARE * len(self.attacked):
            notes.append(_masked(only_black, len(self.attacked)))
        return tuple(notes)

    def _by_labels(
        self, x: Samples, rows: NDArray[np.int64], threat: ThreatModel, queries: int, restart: int
    ) -> AttackResult:
        reach = float(np.max((self.range.high - self.range.low) / np.max(threat.epsilon, initial=1e-12)))
        far = reach if np.isfinite(reach) else RAY_REACH
        seed = int(self.seeds[0]) + restart
        return ray_search(self.labels, x, self.y[rows], threat, seed, reach=far, queries=queries)

    def _saturated(self, x: Samples) -> NDArray[np.bool_]:
        """Whether all classes but one get a probability of exactly zero: no small change shows in the scores."""
        if not len(x) or Capability.LOGITS in self.model.capabilities:
            return np.zeros(len(x), dtype=bool)
        return np.asarray((self.model.probabilities(self._original(x)) > 0).sum(axis=1) == 1)

    def _white_box(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        def gradient(x: Samples, y: Classes, loss: Loss) -> Samples:
            return self._seen(self.model.gradient(self._original(x), y, loss))

        x = self.samples_at(rows)
        result = projected_gradient(
            self.scores,
            gradient,
            x,
            self.y[rows],
            self.threat,
            self.seeds[rows],
            iterations=self.parameters.iterations,
        )
        return self._confirmed(x, rows, self.threat, result).succeeded

    def _confirmed(
        self, x: Samples, rows: NDArray[np.int64], threat: ThreatModel, result: AttackResult
    ) -> AttackResult:
        found = np.flatnonzero(result.succeeded)
        if not found.size:
            return result
        changed = self.labels(result.adversarial[found]) != self.y[rows[found]]
        legal = threat.contains(x[found], result.adversarial[found])
        succeeded = np.zeros_like(result.succeeded)
        succeeded[found] = changed & legal
        self.unconfirmed += int((~succeeded[found]).sum())
        return AttackResult(result.adversarial, succeeded, result.queries)

    def _declared_threat(self, normal: Samples) -> ThreatModel:
        low, high = self.range.low, self.range.high
        if self.kind == "image":
            share, whole = self.parameters.eps.split("/")
            return uniform_threat(int(share) / int(whole) * (high - low), low, high)
        threat = interquartile_threat(normal, float(self.parameters.interquartile_share), low, high)
        if not threat.epsilon.any():
            raise UnavailableError(
                Text("no input column is continuous, so nothing may be perturbed", "没有连续型输入列，无可扰动之处"),
                "model.input",
                Text(
                    "this check covers continuous inputs; attest robustness to categorical changes by other means",
                    "本检查项只适用于连续型输入；类别型改动的鲁棒性请另行举证",
                ),
            )
        return threat

    def _immutable(self) -> Note:
        movable = np.flatnonzero(self.threat.epsilon.ravel() > 0)
        total = self.threat.epsilon.size
        named = "" if self.columns is None else ": " + ", ".join(self.columns[index] for index in movable)[:300]
        return Note(
            code="perturbed-columns",
            text=Text(
                f"{len(movable)} of {total} elements are continuous and were perturbed{named}; whole-number columns "
                "(binary, one-hot, ordinal) were held fixed",
                f"{total} 个输入元素中有 {len(movable)} 个为连续型并被扰动{named}；整数列（二值、独热、序数）保持不变",
            ),
        )

    def _seen(self, x: Samples) -> Samples:
        return x if self.layout is None else self.layout.channels_first(x)

    def _original(self, x: Samples) -> Samples:
        return x if self.layout is None else self.layout.original(x)


_SATURATED = Note(
    code="scores-saturated",
    text=Text(
        "some answers give all classes but one a probability of exactly zero, which hides the way to the boundary; "
        "these samples were attacked by labels as well, with as many queries again",
        "部分输出中除一类外其余类别概率恰为零，掩盖了通向决策边界的方向；对这些样本另以同等查询次数做了基于标签的攻击",
    ),
)


def _unconfirmed(count: int) -> Note:
    return Note(
        code="unconfirmed-successes",
        text=Text(
            f"{count} successes were not repeated by a fresh question and do not count: is the model random?",
            f"{count} 次成功在重新询问时未能重现，不予计入：模型输出是否带有随机性？",
        ),
    )


def _masked(count: int, attacked: int) -> Note:
    return Note(
        code="gradients-masked",
        text=Text(
            f"the search broke {count} of {attacked} samples that the gradient did not: the gradients mislead, and "
            "white-box success is understated",
            f"{attacked} 个样本中有 {count} 个被搜索攻击攻破而梯度攻击未能攻破：梯度具有误导性，白盒成功率被低估",
        ),
    )
