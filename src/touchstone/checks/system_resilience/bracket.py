"""The other side of the adversarial check: samples whose answer no attack of the threat model can change, by proof.

Attacks bound robust accuracy from above, proofs from below. For networks of layers in a row the proof is CROWN, for
tree ensembles what their boxes show. Samples are taken in the order of attack, which is random, and their number
depends on counted operations, never on time, so that two machines prove the same.

Tests of the test: a sample that an attack broke must never be certified, nor one whose ball holds a sample of another
class; and with radius zero there is nothing to prove.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from touchstone.checks.declaration import Run
from touchstone.checks.shares import share_metric
from touchstone.checks.system_resilience.attacker import Attacker
from touchstone.checks.system_resilience.exact_trees import Trees, trees_of
from touchstone.errors import UnavailableError
from touchstone.methods.attacks.threat_model import ThreatModel
from touchstone.methods.certified.bracket import Bracket, ContradictionError, bracket
from touchstone.records import Access, Budget, ControlRun, Metric, Note
from touchstone.system.models.handle import Capability, LayeredModel
from touchstone.system.models.sklearn import SklearnModel
from touchstone.system.subject import Subject
from touchstone.text import Text

if TYPE_CHECKING:
    from torch import nn

SAMPLES: Final[dict[Budget, int]] = {"quick": 20, "standard": 100, "full": 400}
"""Most samples that a network's proof is tried on."""
OPERATIONS: Final[dict[Budget, int]] = {"quick": 2 * 10**10, "standard": 4 * 10**11, "full": 6 * 10**12}
"""Multiplications that the proofs of a network may take; a core does some 10^10 a second."""
PILOT: Final = 5
"""Samples that are tried first: where none of them is proven, no more are."""
CONTROLS: Final = 20
BROKEN: Final = 5
"""Broken samples that are tried, too."""
UNLIMITED: Final = 2
AT_RADIUS_ZERO: Final = 0.9
"""Share that radius zero must leave proven: scores may be equal but for rounding."""

Rows = NDArray[np.int64]


class Prover(Protocol):
    """What proves that an answer is the same in a whole ball."""

    method: str
    coarse: bool
    """Whether it may prove nothing at all at a radius, so that a few samples tell."""

    def affordable(self, rows: int) -> int:
        """How many of so many samples may be tried."""

    def certified(self, rows: Rows, threat: ThreatModel) -> NDArray[np.bool_]:
        """Which of these samples are proven."""

    def remarks(self) -> tuple[Note, ...]:
        """What a reader has to know about the proofs."""


@dataclass(frozen=True, slots=True)
class Proven:
    """What the proofs add to the measurement."""

    metrics: tuple[Metric, ...] = ()
    controls: tuple[ControlRun, ...] = ()
    warnings: tuple[Note, ...] = ()


class Proofs:
    """The proof that a model allows, if any, from the first look to the bracket."""

    def __init__(self, subject: Subject, attacker: Attacker, run: Run) -> None:
        self._attacker = attacker
        self._prover: Prover | None = None
        self._why_not: Text | None = None
        if subject.access is Access.ARTEFACT:
            self._open(run.budget)

    def audit(self) -> None:
        """Before a limit counts as met: break what the proof shows how to break."""
        if isinstance(self._prover, Trees):
            self._prover.audit()

    def bracket(self, looks: int) -> Proven:
        """The bracket of the first samples, its controls, and what to know about it."""
        if self._prover is None:
            return Proven(warnings=() if self._why_not is None else (_no_proof(self._why_not),))
        rows = np.arange(self._prover.affordable(self._attacker.reached))
        if not self._attacker.correct[rows].any() or len(rows) < min(PILOT, self._attacker.reached):
            return Proven(warnings=(_too_dear(),))
        return _bracket(self._attacker, self._prover, rows, looks)

    def _open(self, budget: Budget) -> None:
        attacker, model = self._attacker, self._attacker.model
        try:
            if isinstance(model, SklearnModel) and attacker.threat.norm == "linf":
                self._prover = trees_of(attacker, model, budget)
            elif Capability.GRADIENTS in model.capabilities and isinstance(model, LayeredModel):
                self._prover = Layers(attacker, model, budget)
        except UnavailableError as error:
            self._why_not = error.what


class Layers:
    """A network of layers in a row, and CROWN."""

    method = "crown"
    coarse = True

    def __init__(self, attacker: Attacker, model: LayeredModel, budget: Budget) -> None:
        """Raises `UnavailableError` with the reason for a network that cannot be bounded."""
        from touchstone.methods.certified.crown import UnsupportedNetworkError, most_operations

        self._attacker, self._budget = attacker, budget
        self._network: nn.Sequential = model.network()
        try:
            self._operations = most_operations(self._network, attacker.inputs.shape[1:])
        except UnsupportedNetworkError as error:
            raise UnavailableError(
                Text(f"CROWN does not take {error}", f"CROWN 不支持 {error}"), "model.file"
            ) from None

    def affordable(self, rows: int) -> int:
        """As many as the operations of the budget allow, if every sign were open."""
        return min(rows, SAMPLES[self._budget], OPERATIONS[self._budget] // max(self._operations, 1))

    def certified(self, rows: Rows, threat: ThreatModel) -> NDArray[np.bool_]:
        """Whether CROWN bounds every lead over another class above zero in the whole ball."""
        import torch

        from touchstone.checks.system_resilience.white_box import ball_of
        from touchstone.methods.certified.crown import bound_margins

        attacker = self._attacker
        if not len(rows):
            return np.zeros(0, dtype=bool)
        seen = attacker.samples_at(rows)
        ball = ball_of(threat, seen)
        if ball.scale is not None:
            scale = attacker.original(ball.scale.numpy()[None])[0]
            ball = type(ball)(ball.norm, ball.radius, ball.low, ball.high, torch.from_numpy(scale))
        x, y = torch.from_numpy(attacker.original(seen)), torch.from_numpy(attacker.y[rows])
        return np.asarray(bound_margins(self._network, x, y, ball).certified.numpy())

    def remarks(self) -> tuple[Note, ...]:
        """Nothing but the bracket itself."""
        return ()


def _bracket(attacker: Attacker, prover: Prover, rows: Rows, looks: int) -> Proven:
    """A few broken samples are tried as well: that one of them is proven is the fault the null control looks for."""
    standing = (attacker.correct & ~attacker.black & ~attacker.white)[rows]
    tried = rows[standing]
    proven = prover.certified(tried[:PILOT], attacker.threat)
    if proven.any() or not prover.coarse:
        proven = np.concatenate([proven, prover.certified(tried[PILOT:], attacker.threat)])
    elif len(tried) > PILOT:
        rows = rows[: tried[PILOT - 1] + 1]
    broken = rows[(attacker.correct & (attacker.black | attacker.white))[rows]][:BROKEN]
    certified = np.zeros(len(rows), dtype=bool)
    certified[tried[: len(proven)]] = proven
    certified[broken] = prover.certified(broken, attacker.threat)
    controls = (
        _planted(attacker, prover, rows),
        _null(attacker, prover, rows, int(certified[broken].sum()), len(broken)),
    )
    try:
        found = bracket(certified, standing[: len(rows)], looks=looks)
    except ContradictionError:
        return Proven(controls=controls)
    share = share_metric("certified_accuracy", found.certified, found.n, "higher", looks=looks)
    metric = share.model_copy(update={"method": f"{share.method}/{prover.method}"})
    return Proven((metric,), controls, (_told(found), *prover.remarks()))


def _planted(attacker: Attacker, prover: Prover, rows: Rows) -> ControlRun:
    right = rows[attacker.correct[rows]][:CONTROLS]
    proven = int(prover.certified(right, attacker.threat.scaled(0.0)).sum())
    return ControlRun(
        kind="planted",
        expected=Text(
            f"with radius zero at least {AT_RADIUS_ZERO:.0%} of the correct answers are proven",
            f"半径为零时至少 {AT_RADIUS_ZERO:.0%} 的正确判定可获证明",
        ),
        seen=Text(f"{proven} of {len(right)} proven", f"{len(right)} 个中证明 {proven} 个"),
        passed=proven >= AT_RADIUS_ZERO * len(right),
    )


def _null(attacker: Attacker, prover: Prover, rows: Rows, false: int, broken: int) -> ControlRun:
    """With an unlimited radius the ball of a sample holds those of other classes, so that nothing can be proven."""
    reaching = _reaching_others(attacker, rows)
    unlimited = int(prover.certified(reaching, attacker.unlimited).sum())
    return ControlRun(
        kind="null",
        expected=Text(
            "no sample that an attack broke is proven robust, and none with a radius that reaches other classes",
            "被攻破的样本不得被证明为鲁棒；半径大到可及其他类别时亦不得有样本被证明",
        ),
        seen=Text(
            f"{false} of {broken} broken samples proven; {unlimited} of {len(reaching)} with such a radius",
            f"{broken} 个被攻破样本中证明 {false} 个；此种半径下 {len(reaching)} 个中证明 {unlimited} 个",
        ),
        passed=false == 0 and unlimited == 0,
    )


def _reaching_others(attacker: Attacker, rows: Rows) -> Rows:
    """A few samples whose unlimited ball holds another sample that is rightly answered otherwise."""
    right, found = attacker.attacked, []
    for row in rows[attacker.correct[rows]]:
        other = right[attacker.y[right] != attacker.y[row]][:1]
        if len(other) and attacker.unlimited.contains(attacker.samples_at(row[None]), attacker.samples_at(other))[0]:
            found.append(row)
        if len(found) == UNLIMITED:
            break
    return np.array(found, dtype=np.int64)


def _told(found: Bracket) -> Note:
    low, high = f"{found.certified / found.n:.1%}", f"{found.standing / found.n:.1%}"
    share = Text(f"{low} to {high}", f"占 {low} 至 {high}") if low != high else Text(f"exactly {low}", f"恰占 {low}")
    english = (
        f"bracket: of the first {found.n} samples {found.certified} are proven robust at this radius and "
        f"{found.standing} withstood every attack tried, so that {share.en} of them are truly robust; "
        f"of all such inputs at least {found.low:.1%} and at most {found.high:.1%} (95 % confidence each)"
    )
    chinese = (
        f"上下界：前 {found.n} 个样本中 {found.certified} 个已证明在该半径下鲁棒，"
        f"{found.standing} 个经受住全部已尝试的攻击，故其中真正鲁棒者{share.zh}；"
        f"就同类输入总体而言，至少 {found.low:.1%}、至多 {found.high:.1%}（各以 95% 置信）"
    )
    if not found.certified:
        english += "; that nothing could be proven says nothing against the model: the proof is coarse for this radius"
        chinese += "；未能证明并不说明模型不鲁棒：该证明方法在此半径下偏粗"
    return Note(code="certified-bracket", text=Text(english, chinese))


def _no_proof(why: Text) -> Note:
    return Note(
        code="no-certificate",
        text=Text(
            f"robust accuracy is bounded from above only, as nothing could be proven about this model: {why.en}",
            f"鲁棒准确率仅有上界，无法对该模型给出证明：{why.zh}",
        ),
    )


def _too_dear() -> Note:
    return Note(
        code="no-certificate",
        text=Text(
            "robust accuracy is bounded from above only: for a network of this size the budget allows fewer than "
            f"{PILOT} samples to be proven; a larger budget may try",
            f"鲁棒准确率仅有上界：就该规模的网络，当前预算不足以尝试证明 {PILOT} 个样本；可提高预算再试",
        ),
    )
