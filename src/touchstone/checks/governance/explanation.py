"""Explanations of single answers (GA-06): do they name what the model uses, and do they stay when nothing changes?

An explanation that looks sensible can have little to do with the model. So parts of the input are taken away in the
order of the explanation, and the fall of the probability is held against that of orders by lot. And inputs waver a
little while the answer stays: so should the explanation.

No method is best in everything, so all that the model allows are measured. The limits speak of one that is fixed
beforehand (see :class:`Explainer`); the others stand beside it. Robustness of explanations against an attacker, what
they owe to the weights, and what the model as a whole rests on are measured for information.

Source: Petsiuk, Das and Saenko 2018; Yeh et al. 2019; Adebayo et al. 2018; Ghorbani, Abid and Zou 2019.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from touchstone.checks.declaration import NUMBERS, Measurement, MetricDeclaration, Needs, Parameters, Run, check
from touchstone.checks.governance.explained_system import ExplainedSystem
from touchstone.checks.governance.explainer import Method
from touchstone.checks.governance.explanation_controls import random_order_control, shortcut_control
from touchstone.checks.governance.explanation_evidence import heat_maps, part_table
from touchstone.checks.governance.explanation_metrics import further_metrics, limited_metrics
from touchstone.checks.governance.explanation_observations import of_the_columns, of_the_weights, under_attack
from touchstone.checks.governance.explanation_worth import Portion, Worth, together
from touchstone.checks.system_resilience.inputs import may_be_shown, range_not_declared, times_small
from touchstone.records import Access, Budget, Exhibit, Metric, Note
from touchstone.statistics import LOOKS
from touchstone.system.models.handle import Capability
from touchstone.system.subject import Subject
from touchstone.text import Text

BESIDE = {"quick": 25, "standard": 100, "full": 200}
"""Samples, at least, on which the methods are measured that no limit speaks of."""


@check(
    id="explain.faithfulness",
    version="1",
    title=Text("Faithfulness and stability of explanations", "解释的忠实性与稳定性"),
    measures=Text(
        "How much faster the probability of the answer falls when parts of the input are deleted in the order of an "
        "explanation than in an order by lot, and how well the ranks of the parts agree when inputs waver without "
        "changing the answer; for every attribution method that the model allows. For information: how much of an "
        "explanation an attacker can move, what is left of it with weights exchanged by lot, and on which columns the "
        "accuracy rests.",
        "测量按解释次序删除输入部位时判定概率的下降比随机次序快多少，以及输入在判定不变的微小波动下各部位重要性排序的一致程度；"
        "对模型所允许的每种归因方法均作测量。供参考：攻击者能改变多少解释、权重随机交换后解释还剩多少，以及准确率依赖哪些列。",
    ),
    cannot_tell=Text(
        "The explanations are our own, not those that the supplier shows to users; whether a user understands them, or "
        "decides better with them, takes people. A faithful explanation of a wrong model is still faithful. Deleted "
        "parts make inputs that never occur, so a fall can also be surprise; held against orders by lot, which "
        "surprise as much, this weighs less. Attacks on explanations give an upper bound of robustness only.",
        "所测为本系统生成的解释，而非供应方向用户展示的解释；用户能否理解、能否据此更好决策须由人评审。"
        "对错误模型的忠实解释仍属忠实。删除部位会产生现实中不出现的输入，下降也可能源于异常；"
        "与同样异常的随机次序相比可削弱该影响。对解释的攻击只给出稳健性的上界。",
    ),
    remedy=Text(
        "Show users the method with the largest gain and the steadiest ranks. Where none is faithful or steady, smooth "
        "the model (adversarial training, weight decay, fewer redundant inputs), or choose a model that can be read; "
        "record the reason and what stands in for explanations.",
        "向用户展示增益最大、排序最稳的方法。若各方法均不忠实或不稳定，应平滑模型（对抗训练、权重衰减、减少冗余输入）"
        "或选用可直接解读的模型；并记录理由与替代措施。",
    ),
    threats=("AVID E0200",),
    source="Petsiuk, Das and Saenko 2018, BMVC; Yeh et al. 2019, NeurIPS; Adebayo et al. 2018, NeurIPS; "
    "Ghorbani, Abid and Zou 2019, AAAI",
    needs=Needs(
        access=Access.PROBABILITIES,
        capabilities=frozenset({Capability.PROBABILITIES, Capability.ANY_INPUT}),
        data=("test",),
        target=False,
        tasks=("classification",),
        inputs=NUMBERS,
    ),
    metrics=(
        MetricDeclaration(
            "deletion_gain_over_random",
            "auc_points",
            "higher",
            Text("area saved under the deletion curve, against random orders", "删除曲线下面积相对随机次序的增益"),
        ),
        MetricDeclaration(
            "insertion_gain_over_random",
            "auc_points",
            "higher",
            Text("area won under the insertion curve, against random orders", "插入曲线下面积相对随机次序的增益"),
        ),
        MetricDeclaration(
            "stability_rank_correlation",
            "spearman",
            "higher",
            Text("rank correlation of explanations while inputs waver", "输入微小波动下解释的秩相关"),
        ),
        MetricDeclaration(
            "changed_explanations",
            "share",
            "lower",
            Text("explanations that change by half their length or more", "变化达自身长度一半以上的解释占比"),
        ),
        MetricDeclaration(
            "seed_rank_correlation",
            "spearman",
            "higher",
            Text("rank correlation of explanations with other random numbers", "不同随机数下解释的秩相关"),
        ),
        MetricDeclaration(
            "method_agreement",
            "spearman",
            "higher",
            Text("rank correlation with the method that the limits speak of", "与限值所用方法的秩相关"),
        ),
        MetricDeclaration(
            "model_randomisation_rank_correlation",
            "spearman",
            "lower",
            Text(
                "rank correlation with explanations of a model with exchanged weights",
                "与权重随机交换模型之解释的秩相关",
            ),
        ),
        MetricDeclaration(
            "top_part_overlap_under_attack",
            "share",
            "higher",
            Text("top parts kept under an attack on the explanation", "对解释的攻击下保留的首要部位占比"),
        ),
        MetricDeclaration(
            "global_importance",
            "points",
            "higher",
            Text("accuracy that rests on a column", "准确率对某列的依赖"),
        ),
    ),
    cost=lambda subject, _, budget: _seconds(subject, budget),
)
def faithfulness(subject: Subject, parameters: Parameters, run: Run) -> Measurement:
    """The main method in random order until the limits are settled; then the others, and what is for information."""
    system = ExplainedSystem(subject, run)
    looks = [*(look for look in LOOKS if look < system.most), system.most]
    portions: list[Portion] = []
    main: list[Worth] = []
    metrics: tuple[Metric, ...] = ()
    for start, stop in zip([0, *looks], looks, strict=False):
        portions.append(Portion(system, run, slice(start, stop)))
        main.append(portions[-1].worth(system.explainer.main))
        metrics = limited_metrics(together(main), looks=len(looks))
        run.progress(0.5 * stop / system.most)
        if run.decided(metrics):
            break
    run.progress(0.5)
    explained = {system.explainer.main: together(main)}
    beside = [portion for portion, look in zip(portions, [0, *looks], strict=False) if look < BESIDE[run.budget]]
    for method in system.explainer.methods[1:]:
        explained[method] = together([portion.worth(method) for portion in beside])
    run.progress(0.8)
    return Measurement(
        (*metrics, *_beside_the_limits(system, explained), *_for_information(system, run, portions, explained)),
        (
            random_order_control(np.concatenate([portion.null_gain for portion in portions])),
            shortcut_control(system.explainer, system.names(), run),
        ),
        _exhibits(subject, system, run, explained),
        _remarks(system, explained[system.explainer.main]),
    )


def _seconds(subject: Subject, budget: Budget) -> int:
    """Tables are asked much and cheaply; a network is asked for gradients as well."""
    if subject.description.model.input.kind == "tabular":
        return {"quick": 2, "standard": 4, "full": 10}[budget]
    return {"quick": 15, "standard": 60, "full": 150}[budget] * times_small(subject, 3_000)


def _beside_the_limits(system: ExplainedSystem, explained: dict[Method, Worth]) -> Iterator[Metric]:
    """All else of every method; what has no slice is the main one's."""
    main = explained[system.explainer.main]
    yield from further_metrics(main, None, None)
    for method in system.explainer.methods[1:]:
        part = f"method={method}"
        yield from limited_metrics(explained[method], part)
        yield from further_metrics(explained[method], part, main.attributions)


def _for_information(
    system: ExplainedSystem, run: Run, portions: list[Portion], explained: dict[Method, Worth]
) -> Iterator[Metric]:
    by_gradients = explained.get("integrated_gradients")
    if by_gradients is not None:
        first = portions[0]
        attributions = by_gradients.attributions[: len(first.x)]
        yield from of_the_weights(system, run, first, attributions)
        yield from under_attack(system, run, first, attributions)
    yield from of_the_columns(system, run, explained[system.explainer.main].attributions)


def _exhibits(
    subject: Subject, system: ExplainedSystem, run: Run, explained: dict[Method, Worth]
) -> tuple[Exhibit, ...]:
    """Means over samples always; single samples where they may be shown."""
    attributions = {method: worth.attributions for method, worth in explained.items()}
    table = run.exhibit("explanations.json", "application/json", part_table(system.names(), attributions))
    if system.specification.kind != "image" or not may_be_shown(subject):
        return (table,)
    sheet = heat_maps(system, subject.description.model.output.labels, attributions)
    return table, run.exhibit("explanations.png", "image/png", sheet)


def _remarks(system: ExplainedSystem, main: Worth) -> tuple[Note, ...]:
    """What was not measured, and why."""
    notes = []
    if system.no_gradients is not None:
        notes.append(_no_gradients(system.no_gradients))
    if np.isnan(main.stability).all():
        notes.append(_NOTHING_WAVERS)
    if system.specification.kind == "image" and not system.range.declared:
        notes.append(range_not_declared(system.range))
    return tuple(notes)


def _no_gradients(why: Text) -> Note:
    return Note(
        code="no-gradients",
        text=Text(
            f"gradient methods and attacks on explanations are left out: {why.en}",
            f"未测量梯度类方法与针对解释的攻击：{why.zh}",
        ),
    )


_NOTHING_WAVERS = Note(
    code="nothing-wavers",
    text=Text(
        "all inputs are whole numbers, or every answer changes as soon as they waver: stability cannot be measured",
        "输入均为整数，或稍有波动判定即改变：无法测量稳定性",
    ),
)
