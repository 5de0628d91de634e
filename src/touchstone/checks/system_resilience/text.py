"""Robustness of text classifiers: how many correct answers turn when a text is misspelled, disguised or taken apart.

Threat: evasion by somebody who writes for human readers and against a filter (NIST AI 100-2 NISTAML.025, MITRE ATLAS
AML.T0015, AML.T0043). English words get typos, letters of other scripts, breaks, capitals and digits; Chinese
characters get others that sound or look alike, their parts, older forms, their pinyin, and signs in between. The search
finds the words an answer rests on and changes few of them.

Tests of the test: with nothing to change the attack must break nothing, and a planted model that looks for single words
must fall nearly always.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import numpy as np

from touchstone.checks.declaration import Measurement, MetricDeclaration, Needs, Run, check
from touchstone.checks.shares import share_metric
from touchstone.checks.system_resilience.text_attacker import TextAttacker, TextParameters
from touchstone.checks.system_resilience.text_controls import text_controls
from touchstone.checks.system_resilience.text_evidence import exhibits, remarks
from touchstone.errors import UnavailableError
from touchstone.methods.attacks.sequential import looks_at
from touchstone.methods.attacks.text import FAMILIES
from touchstone.methods.attacks.text.families import can_change
from touchstone.methods.attacks.text.segments import units
from touchstone.records import Access, Metric, Note, number, plain
from touchstone.system.models.handle import Capability
from touchstone.system.subject import Subject
from touchstone.text import Text

PART_SAMPLES = {"quick": 25, "standard": 50, "full": 100}
"""Texts for the rates by family and by share, which are reported but set no limit."""
CURVE_FACTORS = (Decimal("0.25"), Decimal("0.5"), Decimal(1), Decimal(2))


@check(
    id="robust.text",
    version="1",
    title=Text("Robustness of text classifiers", "文本分类器的对抗鲁棒性"),
    measures=Text(
        "The share of correctly classified texts whose answer an attacker can change by misspelling, disguising or "
        "taking apart at most the declared share of their words and Chinese characters, with questions to the model "
        "only; by kind of perturbation and by share changed.",
        "攻击者仅凭查询模型，在不超过声明比例的词语和汉字上做错拼、伪装或拆分，就能改变原本正确判定的文本比例；"
        "并按扰动类型与改动比例分别报告。",
    ),
    cannot_tell=Text(
        "The rate is a lower bound: synonyms, paraphrases, other languages and attackers with more questions are not "
        "covered. No person judged whether each perturbed text still reads well and says the same.",
        "该比例只是下界：不涵盖同义替换、改写、其他语言以及查询更多的攻击者；改动后的文本是否通顺、是否保持原意未经人工判断。",
    ),
    remedy=Text(
        "Train on perturbed copies of the training texts, use character n-grams or subwords beside words, and let "
        "people look at texts that were disguised. Normalise texts before the model too (Unicode NFKC, one letter for "
        "all that look alike, nothing invisible): alone that stops only attackers who do not know of it.",
        "用扰动后的训练文本做数据增强；在词特征之外使用字符 n-gram 或子词；对有伪装痕迹的文本转人工复核；"
        "并在模型之前对文本做规范化（Unicode NFKC、形近字母归一、去除不可见字符），但仅此一项只能挡住不知情的攻击者。",
    ),
    threats=("NISTAML.025", "AML.T0015", "AML.T0043"),
    source="Li et al. 2019 (TextBugger); Jin et al. 2020 (TextFooler); Eger et al. 2019 (VIPER); "
    "Zhang et al. 2020 (Argot); Maheshwary et al. 2021 (labels only)",
    needs=Needs(
        access=Access.LABELS,
        capabilities=frozenset({Capability.LABELS, Capability.ANY_INPUT}),
        data=("test",),
        tasks=("classification",),
        inputs=("text",),
    ),
    metrics=(
        MetricDeclaration("text_asr", "share", "lower", Text("attack success on texts", "文本攻击成功率")),
        MetricDeclaration(
            "text_asr_by_family",
            "share",
            "lower",
            Text("attack success with one kind of perturbation", "单一扰动类型的攻击成功率"),
        ),
        MetricDeclaration(
            "text_asr_at_share",
            "share",
            "lower",
            Text("attack success by share of words and characters changed", "按词语与汉字改动比例的攻击成功率"),
        ),
    ),
    parameters=TextParameters,
    cost=lambda _, __, budget: {"quick": 15, "standard": 60, "full": 240}[budget],
)
def text_robustness(subject: Subject, parameters: TextParameters, run: Run) -> Measurement:
    """Attack in random order, look, and stop as soon as the limit is settled."""
    attacker = TextAttacker(subject, parameters, run)
    looks = looks_at(attacker.samples)
    for look in looks:
        attacker.attack_up_to(look)
        run.progress(0.6 * look / attacker.samples)
        if run.decided(_rate(attacker, len(looks))):
            break
    if not attacker.attacked.size:
        return Measurement((), warnings=(_NOTHING_TO_ATTACK,))
    if not any(units(attacker.texts[row]) for row in attacker.attacked):
        raise _no_units()
    controls = text_controls(attacker, run)
    run.progress(0.7)
    metrics = (
        *_rate(attacker, len(looks)),
        *_curve(attacker, PART_SAMPLES[run.budget], len(looks)),
        *_by_family(attacker, PART_SAMPLES[run.budget], len(looks)),
    )
    return Measurement(metrics, controls, exhibits(subject, attacker, run), remarks(attacker))


def _rate(attacker: TextAttacker, looks: int) -> tuple[Metric, ...]:
    """The quantity the limit speaks about; none while there was nothing to attack."""
    attacked = len(attacker.attacked)
    return (share_metric("text_asr", len(attacker.finds), attacked, "lower", looks=looks),) if attacked else ()


def _curve(attacker: TextAttacker, most: int, looks: int) -> Iterator[Metric]:
    """Success by share of units changed, on the first texts that were attacked.

    What was found shows the smaller shares; larger ones are tried on survivors, so that the curve cannot fall.
    The bounds pay for the looks too: which texts there are depends on what was seen.
    """
    rows = attacker.attacked[:most]
    results = {find.index: find.result for find in attacker.finds}
    for factor in CURVE_FACTORS:
        share = min(attacker.parameters.edit_share * factor, Decimal(1))
        threat = attacker.threat(share)
        if factor > 1:
            survivors = np.array([row for row in rows if row not in results], dtype=np.int64)
            results |= {find.index: find.result for find in attacker.attack(survivors, threat)}
        found = [results[row] for row in rows if row in results]
        broken = sum(len(result.changes) <= threat.most_changes(result.units) for result in found)
        yield share_metric(
            "text_asr_at_share", broken, len(rows), "lower", looks=looks, part=f"share={plain(number(share))}"
        )


def _by_family(attacker: TextAttacker, most: int, looks: int) -> Iterator[Metric]:
    """Each family alone, on the first texts in which it finds something to change.

    Against labels alone every family would take all its questions for every text; that is left out.
    """
    for family in FAMILIES if attacker.scored else ():
        fitting = [row for row in attacker.attacked if _applies(attacker.texts[row], family)][:most]
        if fitting:
            broken = len(attacker.attack(np.array(fitting), attacker.threat(families=(family,))))
            yield share_metric(
                "text_asr_by_family", broken, len(fitting), "lower", looks=looks, part=f"family={family}"
            )


def _applies(written: str, family: str) -> bool:
    found = units(written)
    return any(can_change(written, found, place, (family,)) for place in range(len(found)))


_NOTHING_TO_ATTACK = Note(
    code="nothing-to-attack",
    text=Text(
        "the model answered no text correctly, so there was nothing to attack", "模型没有判定正确的文本，无可攻击对象"
    ),
)


def _no_units() -> UnavailableError:
    return UnavailableError(
        Text(
            "no text holds words in Latin letters or Chinese characters; other scripts are not covered",
            "所有文本均不含拉丁字母词语或汉字；暂不覆盖其他文字",
        ),
        "data.test",
        Text("test English or Chinese texts", "请测试英文或中文文本"),
    )
