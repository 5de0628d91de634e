"""Reconstruction: what a model gives away of the records it was trained on, attribute by attribute and by heart.

Threat: NIST AI 100-2 NISTAML.032 and .038, MITRE ATLAS AML.T0024.001. Three attacks. *Attribute inference*: somebody
who knows the rest of a person's record and the label asks the model for a sensitive attribute, beside somebody who asks
nobody. *Memorisation*: canaries that were planted in the training data under wrong labels get these labels.
*Inversion*: what the model holds for the best example of each class is drawn, for people to look at; no verdict rests
on it.

What decides about attributes is how much more the answers help against those who were trained on than against others.
What they tell about anybody is statistics about people at large: it needs nobody's record, and leaving a person out of
the training would not protect that person from it. It is measured and shown beside.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from touchstone.canonical import canonical_json
from touchstone.checks.data_security import reconstruction_notes as notes
from touchstone.checks.data_security.inverted_classes import invert
from touchstone.checks.data_security.members import labelled_test, strangers
from touchstone.checks.data_security.planted_canaries import Canaries, canaries_of
from touchstone.checks.data_security.reconstruction_controls import attribute_controls, canary_controls
from touchstone.checks.data_security.sensitive_attributes import (
    Attribute,
    attributes_of,
    filling_of,
    persons,
    persons_of_values,
)
from touchstone.checks.declaration import ANY_KIND, Measurement, MetricDeclaration, Needs, Parameters, Run, check
from touchstone.errors import UnavailableError
from touchstone.methods.privacy.attribute import Advantage, Gains, Persons, advantage, infer_attribute
from touchstone.methods.privacy.canaries import Estimate, exposure, extraction_rate
from touchstone.records import Access, ControlRun, Metric, Note, number
from touchstone.system.models.handle import Capability
from touchstone.system.subject import Subject
from touchstone.text import Text

SAMPLES = {"quick": 2_000, "standard": 10_000, "full": 20_000}
"""Most persons on either side, per budget."""


@check(
    id="privacy.reconstruction",
    version="2",
    title=Text("Resistance to reconstruction and memorisation", "重构与记忆泄露抵抗能力"),
    measures=Text(
        "How much the model's answers help somebody who knows the rest of a record to guess a sensitive attribute: "
        "more than the rest alone does, and more about persons in the training data than about others. How many "
        "canaries, planted in the training data under wrong labels, get those labels because they were trained on.",
        "已知记录其余内容的攻击者借助模型输出推断敏感属性的增益：须超出仅凭其余内容的推断，且以训练数据中的个人相对于其他人的差值计；"
        "以及以错误标签植入训练数据的金丝雀样本中，因参与训练而被模型给出该标签的比例。",
    ),
    cannot_tell=Text(
        "A stronger attacker may learn more. Where test data differ from training data for other reasons, that counts "
        "as leakage or hides it. What the model tells about people at large is shown and not judged. Canaries of a "
        "ledger are believed to have been trained on if the training data handed in hold them; without a ledger, "
        "models of the same kind are trained here with canaries of ours, which shows the way of training and not the "
        "run that made this model.",
        "更强的攻击者可能获得更多信息。若测试数据因其他原因与训练数据分布不同，差异会被计为泄露或掩盖泄露。"
        "模型透露的总体统计规律仅作展示，不参与判定。台账所列金丝雀若在所交训练数据中，即视为参与了训练；无台账时在此训练同类模型并植入自备金丝雀，"
        "反映的是训练方式，而非产生本模型的那次训练。",
    ),
    remedy=Text(
        "Reduce overfitting (regularise, stop earlier, more data, no repeated rows), leave out attributes the task "
        "does not need, answer with labels or coarse scores only, or train with differential privacy.",
        "减轻过拟合（正则化、提前停止、增加数据、去除重复行）；去掉任务不需要的属性；仅返回标签或粗粒度分数；或采用差分隐私训练。",
    ),
    threats=("NISTAML.032", "NISTAML.038", "AML.T0024.001"),
    source="Jayaraman and Evans 2022; Yeom et al. 2018; Fredrikson et al. 2015; Feldman and Zhang 2020; "
    "Carlini et al. 2019; Aerni et al. 2024",
    needs=Needs(
        access=Access.LABELS,
        capabilities=frozenset({Capability.LABELS, Capability.ANY_INPUT}),
        data=("train",),
        tasks=("classification",),
        inputs=ANY_KIND,
    ),
    metrics=(
        MetricDeclaration(
            "attribute_advantage",
            "advantage",
            "lower",
            Text(
                "how much more the answers give away an attribute of members than of others",
                "模型输出对推断属性的增益：成员相对于非成员",
            ),
        ),
        MetricDeclaration(
            "attribute_gain",
            "advantage",
            "lower",
            Text(
                "how much more the answers give away an attribute than imputation does",
                "模型输出对推断属性的增益：超出插补推断",
            ),
        ),
        MetricDeclaration(
            "canary_extraction_rate",
            "share",
            "lower",
            Text("canaries whose planted label can be read off", "可从模型读出植入标签的金丝雀比例"),
        ),
        MetricDeclaration(
            "canary_exposure",
            "bits",
            "lower",
            Text("mean exposure of canaries (1.44 by chance)", "金丝雀平均暴露度（随机为 1.44）"),
        ),
    ),
    cost=lambda _, __, budget: {"quick": 20, "standard": 90, "full": 600}[budget],
)
def reconstruction(subject: Subject, parameters: Parameters, run: Run) -> Measurement:
    """Guess attributes, read canaries, draw classes; whichever of them the system allows."""
    attributes = _attributes(subject, run)
    run.progress(0.5)
    canaries = _canaries(subject, run)
    run.progress(0.8)
    metrics = (*attributes.metrics, *canaries.metrics)
    if not metrics:
        raise UnavailableError(
            Text(
                "there is no sensitive attribute to guess and no canary to read",
                "既无可推断的敏感属性，也无可读取的金丝雀",
            ),
            "data.train.sensitive",
            notes.what_to_hand_in(),
        )
    inverted = invert(subject, run)
    report = {
        "schema": "touchstone.reconstruction-report/v1",
        "attributes": attributes.listed,
        "canaries": canaries.listed,
        "inversion": inverted.listed,
    }
    exhibit = run.exhibit("reconstruction_report.json", "application/json", canonical_json(report))
    return Measurement(
        metrics,
        (*attributes.controls, *canaries.controls),
        (exhibit, *inverted.exhibits),
        (*attributes.notes, *canaries.notes, *inverted.notes),
    )


@dataclass(frozen=True, slots=True)
class _Part:
    """What one of the attacks contributes."""

    metrics: tuple[Metric, ...] = ()
    controls: tuple[ControlRun, ...] = ()
    notes: tuple[Note, ...] = ()
    listed: object = None


@dataclass(frozen=True, slots=True)
class _Attacked:
    """What came of the attack on one attribute. The first of the sides are the members."""

    name: str
    values: list[str]
    rare: list[str]
    """Values that were left out."""
    input: bool
    sides: tuple[Persons, ...]
    gains: tuple[Gains, ...]


def _attributes(subject: Subject, run: Run) -> _Part:
    """Every sensitive attribute by itself; the limit speaks of the worst."""
    if subject.description.model.input.kind == "text":
        return _Part(notes=(notes.no_attributes(),))
    tried = [_attack(subject, attribute, run) for attribute in attributes_of(subject)]
    attacked = [each for each in tried if isinstance(each, _Attacked)]
    remarks = [each for each in tried if isinstance(each, Note)]
    if not attacked:
        return _Part(notes=(notes.no_attributes(), *remarks))
    remarks += [notes.values_left_out(each.name, each.rare) for each in attacked if each.rare]
    if any(len(each.sides) == 1 for each in attacked):
        remarks.append(notes.no_others())
    metrics: list[Metric] = []
    lows: list[float] = []
    for each in attacked:
        pairs = run.generator(f"heaps/{each.name}")
        for side, gains in zip(("members", "non-members"), each.gains, strict=False):
            metrics.append(_advantage_metric("attribute_gain", advantage([gains], pairs), f"{each.name}, {side}"))
        metrics.append(_advantage_metric("attribute_advantage", advantage(each.gains, pairs), each.name))
        lows.append(advantage(each.gains, pairs, looks=len(attacked)).low)
    # The true worst attribute is one of them, so the largest upper bound holds as it is; the largest lower bound holds
    # only if all of them do, and pays for that (Bonferroni).
    slices = [metric for metric in metrics if metric.id == "attribute_advantage"]
    worst = max(slices, key=lambda metric: metric.value)
    high = max(metric.high for metric in slices if metric.high is not None)
    metrics.append(worst.model_copy(update={"slice": None, "high": high, "low": number(max(lows))}))
    listed = [
        {
            "attribute": each.name,
            "values": each.values,
            "left_out": len(each.rare),
            "is_input": each.input,
            **{
                side: {str(change): int((gains.gain == change).sum()) for change in (-1, 0, 1)}
                for side, gains in zip(("members", "non_members"), each.gains, strict=False)
            },
        }
        for each in attacked
    ]
    return _Part(tuple(metrics), attribute_controls(attacked[0].sides, run), tuple(remarks), listed)


def _attack(subject: Subject, attribute: Attribute, run: Run) -> _Attacked | Note:
    """Members are attacked, and as many others where there are any; or why the attribute cannot be."""
    train, test = subject.data("train"), labelled_test(subject)
    sides = [(train, attribute.train, np.arange(len(train)))]
    if test is not None and attribute.test is not None:
        sides.append((test, attribute.test, strangers(test, train)))
    generator = run.generator(f"attribute/{attribute.name}")
    drawn, rare = persons_of_values([named[rows] for _, named, rows in sides], SAMPLES[run.budget], generator)
    if len(drawn) < 2:
        return notes.too_few_persons(attribute.name, rare)
    filling = None
    asked: list[Persons] = []
    for side, (data, _, rows) in enumerate(sides):
        chosen = np.concatenate([rows[of_value[side]] for of_value in drawn.values()])
        value = np.repeat(np.arange(len(drawn)), [len(of_value[side]) for of_value in drawn.values()])
        if not asked and subject.description.model.input.kind == "tabular":
            filling = filling_of(data.inputs[chosen], value, generator)
        asked.append(persons(subject.model(), data, chosen, value, filling))
    gains = tuple(infer_attribute(each, generator) for each in asked)
    return _Attacked(attribute.name, list(drawn), rare, filling is not None, tuple(asked), gains)


def _canaries(subject: Subject, run: Run) -> _Part:
    try:
        found = canaries_of(subject, run)
    except UnavailableError as error:
        return _Part(notes=(notes.no_canaries(error),))
    part = None if found.source != "network" else "same architecture"
    metrics = [
        _canary_metric("canary_extraction_rate", "share", extraction_rate(found.given_in, found.given_out), part)
    ]
    if found.scores_in is not None and found.scores_out is not None:
        bits = exposure(found.scores_in, found.scores_out, run.generator("equal ranks"))
        metrics.append(_canary_metric("canary_exposure", "bits", bits, part))
    return _Part(tuple(metrics), canary_controls(found, run), notes.canaries_used(found), _counts(found))


def _counts(found: Canaries) -> dict[str, object]:
    return {
        "source": found.source,
        "trained_on": {"canaries": len(found.given_in), "given": int(found.given_in.sum())},
        "left_out": {"canaries": len(found.given_out), "given": int(found.given_out.sum())},
    }


def _advantage_metric(name: str, found: Advantage, part: str) -> Metric:
    return Metric(
        id=name,
        unit="advantage",
        value=number(found.estimate),
        low=number(found.low),
        high=number(found.high),
        method="betting/random-blocks",
        n=found.n,
        better="lower",
        slice=part,
    )


def _canary_metric(name: str, unit: str, found: Estimate, part: str | None) -> Metric:
    return Metric(
        id=name,
        unit=unit,
        value=number(found.value),
        low=number(found.low),
        high=number(found.high),
        method="clopper-pearson/abbott" if unit == "share" else "betting",
        n=found.n,
        better="lower",
        slice=part,
    )
