"""Adversarial robustness: how many correct answers can be turned by changes too small to matter.

Threat: evasion of a deployed classifier (NIST AI 100-2 NISTAML.022 and .025, MITRE ATLAS AML.T0015 and AML.T0043).
Pictures and time series face the Square attack, tables a coordinate search, models that answer with labels only a
ray search; where gradients are given, Auto-PGD is run too. Each attack is a lower bound on what a stronger attacker
achieves. Samples are attacked in random order and only until the limits are settled.

Two tests of the test: with an unlimited radius the same attack must break (nearly) everything, and with radius zero
nothing.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from touchstone.canonical import canonical_json
from touchstone.checks.declaration import Measurement, MetricDeclaration, Needs, Parameters, Run, check
from touchstone.checks.system_resilience.inputs import (
    Layout,
    Samples,
    may_be_shown,
    normal_inputs,
    range_not_declared,
    value_range,
)
from touchstone.checks.system_resilience.pictures import arrays_file, picture_sheet
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
from touchstone.records import Access, ControlRun, Exhibit, Metric, Note, number, plain
from touchstone.statistics import LOOKS, proportion_bounds
from touchstone.system.models.handle import Capability, ModelHandle
from touchstone.system.subject import Subject
from touchstone.text import Text

SAMPLES = {"quick": 200, "standard": 400, "full": 1000}
"""Most samples per budget."""
CURVE_SAMPLES = {"quick": 25, "standard": 50, "full": 100}
CURVE_FACTORS = (Decimal("0.25"), Decimal("0.5"), Decimal(1), Decimal(2))
CONTROL_SAMPLES = 50
NULL_QUERIES = 20
POWER = 0.99
"""Share that an attack with unlimited radius must break."""
MASKED_SHARE = 0.05
"""Samples that the black box breaks and the gradient does not, above which the gradients are suspect."""
SHOWN = 8
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


@check(
    id="robust.adversarial",
    version="1",
    title=Text("Adversarial robustness", "对抗鲁棒性"),
    measures=Text(
        "The share of correctly classified samples whose answer an attacker can change with a perturbation inside the "
        "declared threat model, by score-based or decision-based search and, where gradients are given, by gradient.",
        "在声明的威胁模型内，攻击者以微小扰动改变原本正确的判定的样本比例；采用分数型或决策型搜索攻击，可获得梯度时另做白盒梯度攻击。",
    ),
    cannot_tell=Text(
        "Every attack success rate is a lower bound: an attacker with more queries, better methods or another kind of "
        "perturbation may succeed where these attacks did not. Physical attacks are not covered.",
        "攻击成功率只是下界：查询更多、方法更强或采用其他扰动形式的攻击者，可能在本测试未成功之处得手；不涵盖物理世界攻击。",
    ),
    remedy=Text(
        "Train on adversarial examples of the same threat model, check inputs for plausibility before inference, limit "
        "and watch repeated near-identical queries, and keep a person in decisions that a small change could turn.",
        "在同一威胁模型下做对抗训练；推理前校验输入合理性；限制并监测重复的近似查询；微小变化即可翻转的决定应保留人工复核。",
    ),
    threats=("NISTAML.022", "NISTAML.025", "AML.T0015", "AML.T0043"),
    source="Andriushchenko et al. 2020 (Square); Guo et al. 2019 (SimBA); Chen and Gu 2020 (RayS); "
    "Croce and Hein 2020 (Auto-PGD)",
    needs=Needs(
        access=Access.LABELS,
        capabilities=frozenset({Capability.LABELS, Capability.ANY_INPUT}),
        data=("test",),
        tasks=("classification",),
    ),
    metrics=(
        MetricDeclaration(
            "blackbox_asr",
            "share",
            "lower",
            Text("attack success without knowledge of the model", "黑盒攻击成功率"),
        ),
        MetricDeclaration(
            "whitebox_asr", "share", "lower", Text("attack success along the gradient", "白盒（梯度）攻击成功率")
        ),
        MetricDeclaration(
            "robust_accuracy",
            "share",
            "higher",
            Text("answered correctly under all attacks tried", "在全部已尝试攻击下仍判定正确的比例"),
        ),
        MetricDeclaration(
            "attack_success_at_eps",
            "share",
            "lower",
            Text("black-box attack success by radius", "不同扰动半径下的黑盒攻击成功率"),
        ),
    ),
    parameters=AdversarialParameters,
    cost=lambda _, __, budget: {"quick": 10, "standard": 20, "full": 120}[budget],
)
def adversarial(subject: Subject, parameters: AdversarialParameters, run: Run) -> Measurement:
    """Attack in random order, look, and stop as soon as the limits are settled."""
    attacker = _Attacker(subject, parameters, run)
    samples = attacker.samples
    looks = [*(look for look in LOOKS if look < samples), samples]
    for look in looks:
        attacker.attack_up_to(look)
        metrics = _rates(attacker, len(looks))
        run.progress(0.8 * look / samples)
        if run.decided(metrics):
            break
    if not attacker.attacked.size:
        return Measurement(metrics, warnings=(*attacker.remarks(), _nothing_to_attack()))
    metrics += _curve(attacker, CURVE_SAMPLES[run.budget])
    controls = _controls(attacker)
    return Measurement(metrics, controls, _exhibits(subject, attacker, run), attacker.remarks())


class _Attacker:
    """The threat model, the attacks this access allows, and what they have achieved so far.

    Arrays are in the order of attack, channels first for everything but tables.
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
        self.x = self._seen(data.inputs[self.order])
        self.y = data.target[self.order]
        normal = self._seen(normal_inputs(subject))
        self.range = value_range(specification, normal)
        self.threat = self._declared_threat(normal)
        self.unlimited = unlimited_threat(normal, self.range.low, self.range.high)
        self.correct = np.zeros(self.samples, dtype=bool)
        self.black = np.zeros(self.samples, dtype=bool)
        self.white = np.zeros(self.samples, dtype=bool)
        self.queries = np.zeros(self.samples, dtype=np.int64)
        self.adversarial = self.x.copy()
        self.unconfirmed = 0
        self.reached = 0

    @property
    def attacked(self) -> NDArray[np.int64]:
        """Samples that were answered correctly, and therefore attacked."""
        return np.flatnonzero(self.correct)

    @property
    def gradients(self) -> bool:
        """Whether the white box is open."""
        return Capability.GRADIENTS in self.model.capabilities

    def attack_up_to(self, look: int) -> None:
        """Attack the samples from where the last look ended."""
        rows = np.arange(self.reached, look)
        self.correct[rows] = self.labels(self.x[rows]) == self.y[rows]
        rows = rows[self.correct[rows]]
        self.reached = look
        if not rows.size:
            return
        result = self.black_box(rows, self.threat, self.parameters.queries)
        self.black[rows], self.queries[rows] = result.succeeded, result.queries
        self.adversarial[rows] = result.adversarial
        if self.gradients:
            self.white[rows] = self._white_box(rows)

    def black_box(self, rows: NDArray[np.int64], threat: ThreatModel, queries: int) -> AttackResult:
        """The strongest search that the answers allow. Only what a fresh look confirms counts as a success."""
        x, y, seeds = self.x[rows], self.y[rows], self.seeds[rows]
        if not {Capability.PROBABILITIES, Capability.LOGITS} & self.model.capabilities:
            reach = float(np.max((self.range.high - self.range.low) / np.max(threat.epsilon, initial=1e-12)))
            far = reach if np.isfinite(reach) else RAY_REACH
            result = ray_search(self.labels, x, y, threat, int(self.seeds[0]), reach=far, queries=queries)
        elif self.layout is None:
            result = coordinate_attack(self.scores, x, y, threat, seeds, queries=queries)
        else:
            result = square_attack(self.scores, x, y, threat, seeds, queries=queries)
        return self._confirmed(rows, threat, result)

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
        only_black = int((self.black & ~self.white).sum())
        if self.gradients and only_black > MASKED_SHARE * len(self.attacked):
            notes.append(_masked(only_black, len(self.attacked)))
        return tuple(notes)

    def _white_box(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        def gradient(x: Samples, y: Classes, loss: Loss) -> Samples:
            return self._seen(self.model.gradient(self._original(x), y, loss))

        result = projected_gradient(
            self.scores,
            gradient,
            self.x[rows],
            self.y[rows],
            self.threat,
            self.seeds[rows],
            iterations=self.parameters.iterations,
        )
        return self._confirmed(rows, self.threat, result).succeeded

    def _confirmed(self, rows: NDArray[np.int64], threat: ThreatModel, result: AttackResult) -> AttackResult:
        found = np.flatnonzero(result.succeeded)
        if not found.size:
            return result
        changed = self.labels(result.adversarial[found]) != self.y[rows[found]]
        legal = threat.contains(self.x[rows[found]], result.adversarial[found])
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


def _rates(attacker: _Attacker, looks: int) -> tuple[Metric, ...]:
    """Success rates among the attacked, and what accuracy remains among all."""
    attacked, reached = len(attacker.attacked), attacker.reached
    standing = int((attacker.correct & ~attacker.black & ~attacker.white).sum())
    metrics = [_share("robust_accuracy", standing, reached, "higher", looks)]
    if attacked:
        metrics.append(_share("blackbox_asr", int(attacker.black.sum()), attacked, "lower", looks))
        if attacker.gradients:
            metrics.append(_share("whitebox_asr", int(attacker.white.sum()), attacked, "lower", looks))
    return tuple(metrics)


def _share(
    name: str, successes: int, n: int, better: Literal["higher", "lower"], looks: int, part: str | None = None
) -> Metric:
    low, high = proportion_bounds(successes, n, looks=looks)
    return Metric(
        id=name,
        unit="share",
        value=number(successes / n),
        low=number(low),
        high=number(high),
        method="clopper-pearson" if looks == 1 else f"clopper-pearson/{looks}-looks",
        n=n,
        better=better,
        slice=part,
    )


def _curve(attacker: _Attacker, most: int) -> tuple[Metric, ...]:
    """Success by radius on the first attacked samples.

    A sample broken at one radius is broken at every larger one, so that the curve cannot fall: a larger radius is
    tried only on survivors, a smaller one only on samples that the next larger radius broke.
    """
    rows = attacker.attacked[:most]
    broken = {Decimal(1): attacker.black[rows]}
    for factor in sorted((f for f in CURVE_FACTORS if f < 1), reverse=True):
        candidates = broken[min(f for f in broken if f > factor)]
        broken[factor] = candidates & _broken_at(attacker, rows, candidates, factor)
    for factor in (f for f in CURVE_FACTORS if f > 1):
        already = broken[max(f for f in broken if f < factor)]
        broken[factor] = already | _broken_at(attacker, rows, ~already, factor)
    return tuple(
        _share(
            "attack_success_at_eps",
            int(broken[factor].sum()),
            len(rows),
            "lower",
            1,
            f"eps={attacker.radius(factor)}",
        )
        for factor in CURVE_FACTORS
    )


def _broken_at(
    attacker: _Attacker, rows: NDArray[np.int64], tried: NDArray[np.bool_], factor: Decimal
) -> NDArray[np.bool_]:
    broken = np.zeros(len(rows), dtype=bool)
    if tried.any():
        threat = attacker.threat.scaled(float(factor))
        broken[tried] = attacker.black_box(rows[tried], threat, attacker.parameters.queries).succeeded
    return broken


def _controls(attacker: _Attacker) -> tuple[ControlRun, ...]:
    rows = attacker.attacked[:CONTROL_SAMPLES]
    unlimited = int(attacker.black_box(rows, attacker.unlimited, attacker.parameters.queries).succeeded.sum())
    nothing = int(attacker.black_box(rows, attacker.threat.scaled(0.0), NULL_QUERIES).succeeded.sum())
    return (
        ControlRun(
            kind="planted",
            expected=Text(
                "with an unlimited radius the same attack breaks at least 99 %", "半径不受限时同一攻击至少攻破 99 %"
            ),
            seen=Text(f"{unlimited} of {len(rows)} broken", f"{len(rows)} 个样本中攻破 {unlimited} 个"),
            passed=unlimited >= POWER * len(rows),
        ),
        ControlRun(
            kind="null",
            expected=Text("with radius zero the attack breaks nothing", "半径为零时攻击不应攻破任何样本"),
            seen=Text(f"{nothing} of {len(rows)} broken", f"{len(rows)} 个样本中攻破 {nothing} 个"),
            passed=nothing == 0,
        ),
    )


def _exhibits(subject: Subject, attacker: _Attacker, run: Run) -> tuple[Exhibit, ...]:
    kept = [
        run.exhibit("threat_model.json", "application/json", canonical_json(_threat_json(attacker))),
        run.exhibit("attack_report.json", "application/json", canonical_json(_report_json(attacker))),
    ]
    shown = np.flatnonzero(attacker.black)[:SHOWN]
    if not shown.size or not may_be_shown(subject):
        return tuple(kept)
    before, after = attacker.x[shown], attacker.adversarial[shown]
    arrays: dict[str, NDArray[Any]] = {
        "row": attacker.order[shown],
        "target": attacker.y[shown],
        "original": before,
        "adversarial": after,
    }
    kept.append(run.exhibit("adversarial_examples.npz", "application/x-npz", arrays_file(arrays)))
    if attacker.kind == "image":
        kept.append(run.exhibit("adversarial_examples.png", "image/png", _strip(attacker, before, after)))
    return tuple(kept)


def _strip(attacker: _Attacker, before: Samples, after: Samples) -> bytes:
    """Rows of original, perturbation (its radius stretched to full contrast) and adversarial picture."""
    low, width = attacker.range.low, attacker.range.high - attacker.range.low
    radius = float(attacker.threat.epsilon.max())
    return picture_sheet(
        [
            [
                (original - np.float32(low)) / np.float32(width),
                (changed - original) / np.float32(2 * radius) + np.float32(0.5),
                (changed - np.float32(low)) / np.float32(width),
            ]
            for original, changed in zip(before, after, strict=True)
        ]
    )


def _threat_json(attacker: _Attacker) -> dict[str, object]:
    scores = {Capability.PROBABILITIES, Capability.LOGITS} & attacker.model.capabilities
    return {
        "schema": "touchstone.threat-model/v1",
        "norm": attacker.parameters.norm,
        "radius": attacker.radius(Decimal(1)),
        "low": _finite(attacker.range.low),
        "high": _finite(attacker.range.high),
        "epsilon": [plain(number(value)) for value in np.unique(attacker.threat.epsilon)]
        if attacker.kind == "image"
        else [plain(number(value)) for value in attacker.threat.epsilon.ravel()],
        "knowledge": [*(["scores"] if scores else ["labels"]), *(["gradients"] if attacker.gradients else [])],
        "targeted": False,
        "queries_per_sample": attacker.parameters.queries,
    }


def _report_json(attacker: _Attacker) -> dict[str, object]:
    return {
        "schema": "touchstone.attack-report/v1",
        "samples": [
            {
                "row": int(attacker.order[index]),
                "correct": bool(attacker.correct[index]),
                "broken_by_search": bool(attacker.black[index]),
                "broken_by_gradient": bool(attacker.white[index]),
                "queries": int(attacker.queries[index]),
            }
            for index in range(attacker.reached)
        ],
    }


def _finite(value: float) -> str | None:
    return plain(number(value)) if np.isfinite(value) else None


def _nothing_to_attack() -> Note:
    return Note(
        code="nothing-to-attack",
        text=Text(
            "the model answered no sample correctly, so there was nothing to attack",
            "模型没有判定正确的样本，无可攻击对象",
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
