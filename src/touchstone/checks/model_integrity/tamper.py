"""Run-time tamper detection (MI-06): would a change of this model's weights be seen?

Threat: weights are changed after the test, in memory, on disk or behind an endpoint, by a fault or by an attacker. On
copies of the model changes are seeded: flipped bits, noise, a training step, exchanged classes. Each is looked for in
two ways: the digest of the model file, and canaries asked for labels alone, as one would ask an endpoint.

What is measured is our detection of seeded changes on this model. Whether the operator looks, how often, and what
happens on an alarm is not: `detection_latency_s` is given only where a profile states the interval of looking, and is
then that interval, since a digest shows every change the next time it is taken.

Source: He, Zhang and Lee 2019 (Sensitive-Sample Fingerprinting); Clopper and Pearson 1934, Biometrika 26:404.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import Field

from touchstone.canonical import canonical_json, digest_of
from touchstone.checks.declaration import Measurement, MetricDeclaration, Needs, Parameters, Run, check
from touchstone.checks.model_integrity.canary_making import Simulation, is_detected, make_canaries, simulation_of
from touchstone.checks.shares import share_metric
from touchstone.errors import UnavailableError
from touchstone.methods.fingerprint.canaries import Canaries
from touchstone.methods.fingerprint.poll import verdict
from touchstone.methods.fingerprint.tampers import Changed, rounded
from touchstone.records import Access, ControlRun, Metric, Note, number
from touchstone.system.models.handle import Capability
from touchstone.system.subject import Subject
from touchstone.text import Text

TRIES = {"quick": 4, "standard": 8, "full": 20}
"""Seeded changes of each kind. A quick budget seeds more than the twenty that the control asks for."""
PLANTED = 1.0
"""Weight noise of the planted control, as a share of each tensor: as good as another model."""


class TamperParameters(Parameters):
    """How often the operator looks, where a profile prescribes it."""

    interval_s: int | None = Field(None, ge=1, le=31_536_000)


@check(
    id="runtime.tamper",
    version="1",
    title=Text("Detection of seeded parameter changes", "植入参数变更的检出"),
    measures=Text(
        "The share of seeded changes of this model's weights (flipped bits, noise, a training step, exchanged classes) "
        "that the digest of its file or canary inputs show; and of canaries alone, asked for labels as one would ask "
        "an endpoint.",
        "对本模型权重植入变更（比特翻转、噪声、一步训练、类别互换）后，由文件摘要或金丝雀输入检出的比例；"
        "并单独给出仅凭标签询问金丝雀（如同询问端点）的检出比例。",
    ),
    cannot_tell=Text(
        "What is measured is our detection of seeded changes on this model. Whether the operator looks, how often, and "
        "what happens on an alarm is not; nor changes aimed at inputs unlike the canaries.",
        "所测为本系统在该模型上对植入变更的检出能力；运营方是否检查、检查频率及告警后的处置不在其内，"
        "针对与金丝雀不同输入的定向改动亦然。",
    ),
    remedy=Text(
        "Take the digest of the loaded weights on a schedule, poll canaries at the endpoint (`touchstone canary`), and "
        "hand in more test data of all classes where canaries miss changes.",
        "定期计算已加载权重的摘要，并在端点轮询金丝雀（`touchstone canary`）；"
        "若金丝雀漏检，请提交更多覆盖各类别的测试数据。",
    ),
    threats=("AML.T0018", "AML.T0076"),
    source="He, Zhang and Lee 2019, Sensitive-Sample Fingerprinting of Deep Neural Networks",
    needs=Needs(
        access=Access.ARTEFACT,
        capabilities=frozenset({Capability.LABELS, Capability.ANY_INPUT}),
        data=("test",),
        target=False,
        tasks=("classification",),
    ),
    metrics=(
        MetricDeclaration("seeded_change_detected", "share", "higher", Text("seeded changes detected", "植入变更检出")),
        MetricDeclaration("canary_detected", "share", "higher", Text("detected from labels alone", "仅凭标签检出率")),
        MetricDeclaration("detection_latency_s", "seconds", "lower", Text("time to detection", "检出时延")),
    ),
    parameters=TamperParameters,
    cost=lambda _subject, _parameters, budget: {"quick": 15, "standard": 25, "full": 60}[budget],
)
def tamper(subject: Subject, parameters: TamperParameters, run: Run) -> Measurement:
    """Make canaries, seed changes, look for each by digest and by canaries."""
    simulation = simulation_of(subject)
    if simulation is None:
        raise UnavailableError(
            Text("changes cannot be seeded into this model here", "此处无法向该模型植入变更"),
            "model.format",
            Text(
                "hand in the network as ONNX, or as safetensors with its layers",
                "请提交 ONNX 或附层结构的 safetensors",
            ),
        )
    canaries = make_canaries(subject, simulation, run.generator("canaries"))
    if not len(canaries):
        raise UnavailableError(
            Text("no input near a boundary keeps its answer under rounding", "没有任何临界输入在舍入下保持判定"),
            "data.test",
            Text("hand in more test data, of several classes", "请提交更多、涵盖多个类别的测试数据"),
        )
    run.progress(0.4)
    seeded = list(_seeded(simulation, canaries, TRIES[run.budget], run))
    report = {"canaries": len(canaries), "changes": [_told(each) for each in seeded]}
    return Measurement(
        metrics=tuple(_metrics(seeded, parameters)),
        controls=(_untouched(simulation, canaries), _replaced(simulation, canaries, run)),
        exhibits=(run.exhibit("seeded_changes.json", "application/json", canonical_json(report)),),
        warnings=tuple(_remarks(len(canaries), parameters)),
    )


@dataclass(frozen=True, slots=True)
class _Seeded:
    """One seeded change, and which way of looking showed it."""

    kind: str
    by_digest: bool
    by_canaries: bool


def _seeded(simulation: Simulation, canaries: Canaries, tries: int, run: Run) -> Iterator[_Seeded]:
    digest = digest_of(simulation.model.file(simulation.model.weights))
    tampers = simulation.tampers()
    for done, (kind, change) in enumerate(tampers.items()):
        generator = run.generator(f"changes/{kind}")
        for _ in range(tries):
            changed = change(generator)
            if changed is not None:
                by_canaries = is_detected(canaries, simulation, changed, len(canaries), generator)
                yield _Seeded(kind, digest_of(simulation.model.file(changed)) != digest, by_canaries)
        run.progress(0.4 + 0.6 * (done + 1) / len(tampers))


def _told(each: _Seeded) -> dict[str, str | bool]:
    return {"change": each.kind, "digest": each.by_digest, "canaries": each.by_canaries}


def _metrics(seeded: list[_Seeded], parameters: TamperParameters) -> Iterator[Metric]:
    yield _detected("seeded_change_detected", [each.by_digest or each.by_canaries for each in seeded])
    yield _detected("canary_detected", [each.by_canaries for each in seeded])
    for kind in dict.fromkeys(each.kind for each in seeded):
        yield _detected("canary_detected", [each.by_canaries for each in seeded if each.kind == kind], kind)
    if parameters.interval_s is not None and all(each.by_digest for each in seeded):
        interval = number(parameters.interval_s)
        yield Metric(
            id="detection_latency_s",
            unit="seconds",
            value=interval,
            low=number(0),
            high=interval,
            method="stated-interval",
            n=len(seeded),
            better="lower",
        )


def _untouched(simulation: Simulation, canaries: Canaries) -> ControlRun:
    """Neither the model as it is nor the same in float16 may raise an alarm."""
    half = rounded(simulation.model.weights, "f16")
    readings = (simulation.reading(), simulation.reading(half, "f16", "f16"))
    states = [verdict(canaries, reading(canaries.inputs)).state for reading in readings]
    return ControlRun(
        kind="null",
        expected=Text("the untouched model, also in float16, raises no alarm", "未改动的模型（含 float16）不触发告警"),
        seen=Text(f"{states.count('changed')} alarms", f"{states.count('changed')} 次告警"),
        passed="changed" not in states,
    )


def _replaced(simulation: Simulation, canaries: Canaries, run: Run) -> ControlRun:
    """Weights drowned in noise must be seen from labels alone."""
    generator = run.generator("planted")
    drowned: Changed = {
        name: each + (PLANTED * each.std() * generator.standard_normal(each.shape)).astype(each.dtype)
        for name, each in simulation.model.weights.items()
    }
    found = verdict(canaries, simulation.reading(drowned)(canaries.inputs))
    return ControlRun(
        kind="planted",
        expected=Text("weights drowned in noise: the canaries raise the alarm", "权重被噪声淹没时，金丝雀应告警"),
        seen=Text(f"{found.turned} of {found.asked} canaries turned", f"{found.asked} 个中 {found.turned} 个改变"),
        passed=found.state == "changed",
    )


def _remarks(canaries: int, parameters: TamperParameters) -> Iterator[Note]:
    yield Note(
        code="seeded-here",
        text=Text(
            f"changes were seeded into copies of this model and looked for here, by digest and {canaries} canaries; "
            "this says nothing of whether anybody watches the model in service",
            f"变更植入于本模型的副本，并在此以摘要与 {canaries} 个金丝雀查找；这不说明在用模型是否有人监视",
        ),
    )
    if parameters.interval_s is None:
        yield Note(
            code="interval-not-stated",
            text=Text(
                "how often the operator looks is not stated, so that the time to detection is not known",
                "未说明运营方的检查频率，因此检出时延未知",
            ),
        )


def _detected(name: str, detected: list[bool], kind: str | None = None) -> Metric:
    part = None if kind is None else f"change={kind}"
    return share_metric(name, sum(detected), len(detected), "higher", part=part)
