"""The attacker of the adversarial check: what may be changed, which attacks this access allows, what they achieved."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from touchstone.checks.declaration import Run
from touchstone.checks.system_resilience.attack_findings import Find, Tally
from touchstone.checks.system_resilience.declared_threat import (
    AdversarialParameters,
    declared_threat,
    without_limit,
)
from touchstone.checks.system_resilience.inputs import (
    Layout,
    Samples,
    normal_inputs,
    portions,
    value_range,
)
from touchstone.checks.system_resilience.tables import declared_constraints
from touchstone.checks.system_resilience.white_box import AUDITS, WhiteBox, ball_of
from touchstone.errors import BudgetSpentError
from touchstone.methods.attacks.black_box import LadderResult, black_box_ladder
from touchstone.methods.attacks.gradient import rungs as tiers
from touchstone.methods.attacks.sequential import AUDIT_SAMPLE, MOST_AUDITED
from touchstone.methods.attacks.threat_model import (
    AttackResult,
    Classes,
    ThreatModel,
)
from touchstone.records import Access
from touchstone.system.models.handle import Capability, ConfirmedGradients, ModelHandle
from touchstone.system.subject import Subject
from touchstone.text import Text

if TYPE_CHECKING:
    from touchstone.methods.attacks.gradient.ladder import Outcome
    from touchstone.methods.attacks.gradient.rungs import Rung

SAMPLES = {"quick": 200, "standard": 1000, "full": 1000}
"""Most samples per budget."""
MASKED_SHARE = 0.05
"""Samples that the black box breaks and the gradient does not, above which the gradients are suspect."""
MOST_STORED = 2**20
"""Elements of adversarial samples that go into the evidence: 4 MiB, and as much for the originals."""
RAY_REACH = 100.0
"""How many radii away a table's change of answer is looked for, when no range is declared."""
CONFIRMED = 16
"""Samples on which the function of tensors must answer as the model does."""
STARTS = 64
"""Samples of the data from which a search by labels may start."""


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
        self.available = len(data)
        self.samples = min(self.available, SAMPLES[run.budget])
        self.order = run.generator("order").permutation(len(data))[: self.samples]
        self.seeds = run.generator("attack").integers(2**62, size=self.samples)
        self.layout = None if self.kind == "tabular" else Layout(specification, data.inputs.shape[1:])
        self.inputs = data.inputs
        self.y = data.target[self.order]
        normal = self._seen(normal_inputs(subject, data))
        self.range = value_range(specification, normal)
        self.constraints = declared_constraints(specification, normal)
        """What the description lets an attacker change in a table, if it says so."""
        self.threat = declared_threat(
            self.kind, parameters, self.range, normal, constrained=self.constraints is not None
        )
        self.unlimited = without_limit(parameters.norm, self.range, normal)
        self.correct = np.zeros(self.samples, dtype=bool)
        self.black = np.zeros(self.samples, dtype=bool)
        self.white = np.zeros(self.samples, dtype=bool)
        self.along_gradient = np.zeros(self.samples, dtype=bool)
        """Samples broken by an attack that follows the gradient; the ladder holds a random search as well."""
        self.audited = np.zeros(self.samples, dtype=bool)
        """Samples that withstood the audit."""
        self.part = np.zeros(self.samples, dtype=bool)
        """The random part of the survivors that was audited last, if all of it stood."""
        self.queries = np.zeros(self.samples, dtype=np.int64)
        self.finds: list[Find] = []
        self.unconfirmed = 0
        self.saturated = 0
        self.spent: BudgetSpentError | None = None
        """Why the model may be asked nothing more. What was found until then stands."""
        self.contradicted = np.zeros(self.samples, dtype=bool)
        """Attacked samples to which the function of tensors gives another answer than the model itself."""
        self.reached = 0
        self.audit_rungs: tuple[Rung, ...] = ()
        self.shortened = run.budget == "quick"
        """Whether the audit is less than the whole ensemble."""
        self.white_box: WhiteBox | None = None
        self._audit_lot = run.generator("audit")
        self.no_gradients = self._no_gradients(subject.access)
        """Why an artefact that might give gradients does not."""
        if self.free and self.no_gradients is None and Capability.GRADIENTS in self.model.capabilities:
            self.white_box = WhiteBox(self.model, self.layout, int(run.generator("gradient").integers(2**53)))
            self.audit_rungs = AUDITS[run.budget]

    @property
    def attacked(self) -> NDArray[np.int64]:
        """Samples that were answered correctly, and therefore attacked."""
        return np.flatnonzero(self.correct)

    @property
    def scored(self) -> bool:
        """Whether answers come with scores, not as labels only."""
        return bool({Capability.PROBABILITIES, Capability.LOGITS} & self.model.capabilities)

    @property
    def free(self) -> bool:
        """Whether there is anything that an attacker may change within the radius."""
        return bool(self.threat.epsilon.any())

    @property
    def gradients(self) -> bool:
        """Whether the white box is open."""
        return self.white_box is not None

    @property
    def unaudited(self) -> NDArray[np.int64]:
        """Survivors of the quick gradient attacks that have not withstood the audit."""
        if self.white_box is None:
            return np.empty(0, dtype=np.int64)
        return np.flatnonzero(self.correct & ~self.white & ~self.audited)

    def tally(self) -> Tally:
        """What the attacks have achieved so far."""
        standing = self.correct & ~self.black & ~self.white
        partly = bool(self.unaudited.size and self.part.any())
        return Tally(
            reached=self.reached,
            attacked=len(self.attacked),
            black=int(self.black.sum()),
            white=int(self.white.sum()) if self.gradients else None,
            standing=int(standing.sum()),
            part=int(self.part.sum()) if partly else None,
            standing_part=int((self.part & standing).sum()) if partly else None,
            unfinished=self.spent is not None,
        )

    def attack_up_to(self, look: int) -> None:
        """Attack the samples from where the last look ended, as far as the model may be asked."""
        for part in portions(np.arange(self.reached, look), self.inputs[0].size):
            with suppress(BudgetSpentError):
                self.correct[part] = self.labels(self.samples_at(part)) == self.y[part]
                self.reached = int(part[-1]) + 1
            if self.spent is not None:
                return
            answered = part[self.correct[part]]
            if answered.size and self.free:
                self._attack(answered)

    def audit(self, *, everyone: bool = False) -> None:
        """Attack survivors with the audit rungs: all, or where they are many a part, and all if any of it breaks."""
        left = self.unaudited
        self.part[:] = False
        if len(left) > MOST_AUDITED and not everyone:
            part = np.sort(self._audit_lot.choice(left, AUDIT_SAMPLE, replace=False))
            if not self._audit(part):
                self.part[part] = True
                return
            left = self.unaudited
        self._audit(left)

    def _attack(self, rows: NDArray[np.int64]) -> None:
        found = self.search(self.samples_at(rows), rows, self.threat, self.parameters.queries, starts=True)
        result = found.attack
        self.black[rows], self.queries[rows] = result.succeeded, result.queries
        for place in np.flatnonzero(result.succeeded):
            index, asked = int(rows[place]), int(result.queries[place])
            self.keep("search", index, found.by[place], asked, int(self.seeds[index]), result.adversarial[place])
        if self.white_box is not None:
            self.white[rows] = self._white_box(rows, tiers.QUICK)

    def _audit(self, rows: NDArray[np.int64]) -> bool:
        """Whether any of these broke."""
        broken = np.zeros(len(rows), dtype=bool)
        for part in portions(np.arange(len(rows)), self.inputs[0].size):
            broken[part] = self._white_box(rows[part], self.audit_rungs)
        self.white[rows] |= broken
        self.audited[rows] = ~broken
        return bool(broken.any())

    def _white_box(self, rows: NDArray[np.int64], rungs: tuple[Rung, ...]) -> NDArray[np.bool_]:
        """Which of these samples the rungs break, counted and kept."""
        outcome, result = self.climb(rows, self.threat, rungs, counted=True)
        self.contradicted[rows] |= ~outcome.correct
        along = [not name.startswith("square") for name in outcome.by]
        self.along_gradient[rows] |= result.succeeded & np.array(along)
        for place in np.flatnonzero(result.succeeded):
            seed = 0 if self.white_box is None else self.white_box.seed
            self.keep(
                "gradient",
                int(rows[place]),
                outcome.by[place],
                int(outcome.steps[place]),
                seed,
                result.adversarial[place],
            )
        return result.succeeded

    def climb_quickly(self, rows: NDArray[np.int64], threat: ThreatModel) -> NDArray[np.bool_]:
        """Which of these samples the quick gradient attacks break at another radius."""
        return self.climb(rows, threat, tiers.QUICK)[1].succeeded

    def climb(
        self, rows: NDArray[np.int64], threat: ThreatModel, rungs: tuple[Rung, ...], *, counted: bool = False
    ) -> tuple[Outcome, AttackResult]:
        """Gradient attacks on these samples: what the function of tensors says, and what the model confirmed of it."""
        assert self.white_box is not None  # noqa: S101 - asked only where gradients are given
        x = self.samples_at(rows)
        outcome = self.white_box.climb(x, self.y[rows], self.order[rows], ball_of(threat, x), rungs, counted=counted)
        lower, upper = threat.box(x)
        found = AttackResult(np.clip(outcome.points, lower, upper), outcome.broken, np.zeros(len(rows), dtype=np.int64))
        return outcome, self._confirmed(x, rows, threat, found)

    def keep(self, knowledge: str, index: int, attack: str, step: int, seed: int, adversarial: Samples) -> None:
        """Remember a sample that was broken, with what the evidence has room for."""
        stored = sum(find.adversarial is not None for find in self.finds)
        room = (stored + 1) * adversarial.size <= MOST_STORED
        x, answer = self.samples_at(np.array([index])), -1
        with suppress(BudgetSpentError):
            answer = int(self.labels(adversarial[None])[0])
        self.finds.append(
            Find(
                index,
                knowledge,
                attack,
                step,
                seed,
                answer,
                float(self.threat.distance(x, adversarial[None])[0]),
                adversarial.copy() if room else None,
            )
        )

    def samples_at(self, rows: NDArray[np.int64]) -> Samples:
        """The unchanged samples."""
        return self._seen(self.inputs[self.order[rows]])

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
        """The attacks that the answers allow, around any `x` that is answered like the samples `rows`.

        With `starts` a search by labels may begin at samples of other classes. Another `restart` is another stream of
        random numbers. Where probabilities are exactly zero for all classes but one they lead nowhere, and what
        survives is searched once more by labels.
        """
        found = self._ladder(x, rows, threat, queries, restart, scored=self.scored, starts=starts)
        if not self.scored:
            return found
        attack = found.attack
        blind = np.flatnonzero(~attack.succeeded)
        blind = blind[self._saturated(x[blind])]
        if blind.size:
            again = self._ladder(x[blind], rows[blind], threat, queries, restart, scored=False, starts=starts)
            attack.adversarial[blind], attack.succeeded[blind] = again.attack.adversarial, again.attack.succeeded
            attack.queries[blind] += again.attack.queries
            for place, by in zip(blind, again.by, strict=True):
                found.by[place] = by
            self.saturated += int(blind.size)
        return found

    def labels(self, x: Samples) -> Classes:
        """Predicted classes."""
        return self._asked(self.model.labels, x)

    def scores(self, x: Samples) -> NDArray[np.float64]:
        """Logits, or logarithms of probabilities."""
        if Capability.LOGITS in self.model.capabilities:
            return np.asarray(self._asked(self.model.logits, x))
        probabilities: NDArray[np.float64] = self._asked(self.model.probabilities, x)
        return np.log(np.maximum(probabilities, np.finfo(np.float64).tiny))

    @property
    def only_search(self) -> int:
        """Samples that random search broke and the gradient did not."""
        return int(((self.black | self.white) & ~self.along_gradient).sum())

    @property
    def masked(self) -> bool:
        """Whether the search does better than the gradient, which knows more."""
        return self.gradients and self.only_search > MASKED_SHARE * len(self.attacked)

    def _asked(self, answers: Callable[[Samples], NDArray[Any]], x: Samples) -> NDArray[Any]:
        """Answers to samples in the layout of the attacks; the end of the budget is noted."""
        try:
            return answers(self.original(x))
        except BudgetSpentError as spent:
            self.spent = spent
            raise

    def _ladder(
        self,
        x: Samples,
        rows: NDArray[np.int64],
        threat: ThreatModel,
        queries: int,
        restart: int,
        *,
        scored: bool,
        starts: bool,
    ) -> LadderResult:
        reach = float(np.max((self.range.high - self.range.low) / np.max(threat.epsilon, initial=1e-12)))
        pool = np.arange(min(STARTS, self.samples) if starts else 0)
        found = black_box_ladder(
            x,
            self.y[rows],
            threat,
            self.seeds[rows] + restart,
            queries=queries,
            labels=self.labels,
            scores=self.scores if scored else None,
            pool=self.samples_at(pool),
            pool_y=self.y[pool],
            picture=self.layout is not None,
            reach=reach if np.isfinite(reach) else RAY_REACH,
            order=int(self.seeds[0]) + restart,
        )
        self.unconfirmed += found.unconfirmed
        return found

    def _saturated(self, x: Samples) -> NDArray[np.bool_]:
        """Whether all classes but one get a probability of exactly zero: no small change shows in the scores."""
        if not len(x) or Capability.LOGITS in self.model.capabilities:
            return np.zeros(len(x), dtype=bool)
        try:
            return np.asarray((self._asked(self.model.probabilities, x) > 0).sum(axis=1) == 1)
        except BudgetSpentError:
            return np.zeros(len(x), dtype=bool)

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

    def _no_gradients(self, access: Access) -> Text | None:
        """Compares gradients with the model on its own samples where its handle has to read it a second way."""
        if access is not Access.ARTEFACT or not isinstance(self.model, ConfirmedGradients):
            return None
        first = np.arange(min(CONFIRMED, self.samples))
        return self.model.no_gradients or self.model.confirm_gradients(self.original(self.samples_at(first)))

    def _seen(self, x: Samples) -> Samples:
        return x if self.layout is None else self.layout.channels_first(x)

    def original(self, x: Samples) -> Samples:
        """Samples in the layout that the model takes."""
        return x if self.layout is None else self.layout.original(x)
