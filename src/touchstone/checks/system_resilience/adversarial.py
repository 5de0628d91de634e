"""Adversarial robustness: how many correct answers can be turned by changes too small to matter.

Threat: evasion of a deployed classifier (NIST AI 100-2 NISTAML.022 and .025, MITRE ATLAS AML.T0015 and AML.T0043).
Pictures and time series face the Square attack, tables a coordinate search, models that answer with labels only a
ray search; where gradients are given, Auto-PGD is run too. Each attack is a lower bound on what a stronger attacker
achieves. Samples are attacked in random order and only until the limits are settled.

Two tests of the test: with an unlimited radius the same attack must break (nearly) everything, and with radius zero
nothing (see `attack_controls`).
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from touchstone.canonical import canonical_json
from touchstone.checks.declaration import Measurement, MetricDeclaration, Needs, Run, check
from touchstone.checks.system_resilience.attack_controls import attack_controls
from touchstone.checks.system_resilience.attacker import AdversarialParameters, Attacker
from touchstone.checks.system_resilience.inputs import Samples, may_be_shown, times_small
from touchstone.checks.system_resilience.pictures import arrays_file, picture_sheet
from touchstone.records import Access, Exhibit, Metric, Note, number, plain
from touchstone.statistics import LOOKS, proportion_bounds
from touchstone.system.models.handle import Capability
from touchstone.system.subject import Subject
from touchstone.text import Text

CURVE_SAMPLES = {"quick": 25, "standard": 50, "full": 100}
CURVE_FACTORS = (Decimal("0.25"), Decimal("0.5"), Decimal(1), Decimal(2))


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
    cost=lambda subject, _, budget: {"quick": 10, "standard": 20, "full": 120}[budget] * times_small(subject, 6_000),
)
def adversarial(subject: Subject, parameters: AdversarialParameters, run: Run) -> Measurement:
    """Attack in random order, look, and stop as soon as the limits are settled."""
    attacker = Attacker(subject, parameters, run)
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
    metrics += _curve(attacker, CURVE_SAMPLES[run.budget], len(looks))
    controls = attack_controls(attacker, run)
    return Measurement(metrics, controls, _exhibits(subject, attacker, run), attacker.remarks())


def _rates(attacker: Attacker, looks: int) -> tuple[Metric, ...]:
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


def _curve(attacker: Attacker, most: int, looks: int) -> tuple[Metric, ...]:
    """Success by radius on the first attacked samples.

    A sample broken at one radius is broken at every larger one, so that the curve cannot fall: a larger radius is
    tried only on survivors, a smaller one only on samples that the next larger radius broke. The bounds pay for the
    looks too: how many samples there are to choose from depends on what was seen.
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
            looks,
            f"eps={attacker.radius(factor)}",
        )
        for factor in CURVE_FACTORS
    )


def _broken_at(
    attacker: Attacker, rows: NDArray[np.int64], tried: NDArray[np.bool_], factor: Decimal
) -> NDArray[np.bool_]:
    broken = np.zeros(len(rows), dtype=bool)
    if tried.any():
        threat = attacker.threat.scaled(float(factor))
        broken[tried] = attacker.black_box(rows[tried], threat, attacker.parameters.queries).succeeded
    return broken


def _exhibits(subject: Subject, attacker: Attacker, run: Run) -> tuple[Exhibit, ...]:
    kept = [
        run.exhibit("threat_model.json", "application/json", canonical_json(_threat_json(attacker))),
        run.exhibit("attack_report.json", "application/json", canonical_json(_report_json(attacker))),
    ]
    shown = np.array(sorted(attacker.examples), dtype=np.int64)
    if not shown.size or not may_be_shown(subject):
        return tuple(kept)
    arrays: dict[str, NDArray[Any]] = {
        "row": attacker.order[shown],
        "target": attacker.y[shown],
        "original": attacker.samples_at(shown),
        "adversarial": np.stack([attacker.examples[int(index)] for index in shown]),
    }
    kept.append(run.exhibit("adversarial_examples.npz", "application/x-npz", arrays_file(arrays)))
    if attacker.kind == "image":
        kept.append(run.exhibit("adversarial_examples.png", "image/png", _strip(attacker, arrays)))
    return tuple(kept)


def _strip(attacker: Attacker, arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Rows of original, perturbation (its radius stretched to full contrast) and adversarial picture."""
    low, width = np.float32(attacker.range.low), np.float32(attacker.range.high - attacker.range.low)
    radius = np.float32(attacker.threat.epsilon.max())

    def column(before: Samples, after: Samples) -> list[Samples]:
        return [(before - low) / width, (after - before) / (2 * radius) + np.float32(0.5), (after - low) / width]

    shown = zip(arrays["row"], arrays["original"], arrays["adversarial"], strict=True)
    return picture_sheet({f"row_{row}": column(before, after) for row, before, after in shown})


def _threat_json(attacker: Attacker) -> dict[str, object]:
    return {
        "schema": "touchstone.threat-model/v1",
        "norm": attacker.parameters.norm,
        "radius": attacker.radius(Decimal(1)),
        "low": _finite(attacker.range.low),
        "high": _finite(attacker.range.high),
        "epsilon": [plain(number(value)) for value in np.unique(attacker.threat.epsilon)]
        if attacker.kind == "image"
        else [plain(number(value)) for value in attacker.threat.epsilon.ravel()],
        "knowledge": [*(["scores"] if attacker.scored else ["labels"]), *(["gradients"] if attacker.gradients else [])],
        "targeted": False,
        "queries_per_sample": attacker.parameters.queries,
    }


def _report_json(attacker: Attacker) -> dict[str, object]:
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
