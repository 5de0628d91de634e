"""Inputs from outside the operating domain (SR-04): is the model less sure of them than of proper ones?

Threat: a picture of nothing, or a row of values under the wrong names, is answered as surely as a proper input, and
nobody is called. Measured is the area under the ROC curve of the confidence the model states, proper test inputs
against inputs made outside the domain, for each family; the worst family decides. Energy and margin of the logits,
which a deployment could use instead, are measured for information.

What it cannot tell: how the model meets inputs that are outside in another way, and nearer to the domain.

Source: Hendrycks and Gimpel 2017, ICLR; the families are those of `touchstone.methods.out_of_distribution`.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from touchstone.checks.declaration import Measurement, MetricDeclaration, Needs, Run, check
from touchstone.checks.system_resilience.abstention import abstention_of
from touchstone.checks.system_resilience.inputs import (
    Layout,
    Samples,
    normal_inputs,
    portions,
    times_small,
    value_range,
)
from touchstone.errors import UnavailableError
from touchstone.methods.attacks.patch.judging import NONE
from touchstone.methods.out_of_distribution import (
    FROM_LOGITS,
    Scores,
    highest_probability,
    lies_outside,
    outside_pictures,
    outside_rows,
)
from touchstone.records import Access, ControlRun, Metric, Note
from touchstone.statistics import LOOKS, auc, auc_bounds
from touchstone.system.models.handle import Capability
from touchstone.system.subject import Subject
from touchstone.text import Text

SAMPLES = {"quick": 200, "standard": 400, "full": 1000}
"""Most proper samples per budget, and as many of each family."""
LEAST_SAMPLES = 50
"""First look: with fewer, no bound reaches a limit that asks for much."""
NORMAL = 5000
"""Most samples that show what is normal."""
DECLARED = "declared"
"""Family of the inputs that the applicant handed in as outside the domain."""
NULL_CONFIDENCE = 0.9995
"""Of each of the two bounds in the null control, so that it cries wolf at most once in a thousand runs."""


@check(
    id="robust.ood",
    version="2",
    title=Text("Inputs from outside the operating domain", "运行域外输入"),
    measures=Text(
        "How well the confidence the model states tells proper test inputs from inputs outside the operating domain: "
        "the area under the ROC curve for each family (noise, flat and cut-up pictures; rows far from all data, of "
        "unrelated values, or with values under the wrong columns; inputs handed in as `data.outside`). The worst "
        "family decides. Energy and margin of the logits are measured for information.",
        "测量模型所述置信度对正常测试输入与运行域外输入的区分能力：对每一类域外输入（噪声、纯色及打乱的图片；"
        "远离全部数据、取值互不相关或列错位的数据行；以及 `data.outside` 提交的输入）给出 ROC 曲线下面积，"
        "以最差一类为准。"
        "另测 logits 的能量与间隔分数，仅供参考。",
    ),
    cannot_tell=Text(
        "How the model meets inputs that are outside in another way or nearer to the domain, and whether anything in "
        "the system acts on low confidence. A filter in front of the model that refuses such inputs is not seen.",
        "无法判断模型如何应对其他方式或更接近运行域的域外输入，也无法判断系统是否会据低置信度采取措施；"
        "模型之前拦截此类输入的校验不在测量之内。",
    ),
    remedy=Text(
        "Refuse inputs outside the legal or the usual range before they reach the model, train with inputs from "
        "outside or with an explicit class for them, or add a detector of unfamiliar inputs and let it abstain.",
        "在模型之前拒收超出合法或常见范围的输入；训练时加入域外样本或为其设置专门类别；或增加陌生输入检测器并据此拒识。",
    ),
    threats=("AVID P0202", "CWE-1039"),
    source="Hendrycks and Gimpel 2017, ICLR; Liu et al. 2020, NeurIPS; Ramaswamy, Rastogi and Shim 2000, SIGMOD",
    needs=Needs(
        access=Access.PREDICTIONS,
        capabilities=frozenset({Capability.PROBABILITIES, Capability.ANY_INPUT}),
        data=("test",),
        target=False,
        tasks=("classification",),
    ),
    metrics=(
        MetricDeclaration(
            "ood_auroc",
            "auc",
            "higher",
            Text("confidence tells proper inputs from others (area under the ROC curve)", "置信度区分域外输入的 AUROC"),
        ),
    ),
    cost=lambda subject, _, budget: {"quick": 3, "standard": 6, "full": 15}[budget] * times_small(subject, 24_000),
)
def out_of_distribution(subject: Subject, _: object, run: Run) -> Measurement:
    """Ask more and more of them in random order, and stop as soon as the limit is settled."""
    trial = _Trial(subject, run)
    looks = [*(look for look in LOOKS if LEAST_SAMPLES <= look < trial.samples), trial.samples]
    metrics: tuple[Metric, ...] = ()
    for look in looks:
        trial.ask_up_to(look)
        metrics = trial.metrics(len(looks))
        run.progress(0.9 * look / trial.samples)
        if run.decided(metrics):
            break
    return Measurement(metrics, trial.controls(), warnings=trial.remarks())


class _Trial:
    """Proper inputs, families made of others of them, and what the model said of each so far."""

    def __init__(self, subject: Subject, run: Run) -> None:
        test = subject.data("test")
        self.subject, self.run, self.model = subject, run, subject.model()
        self.samples = min(SAMPLES[run.budget], len(test) // 2)
        if self.samples < 2:
            raise UnavailableError(
                Text("the test data hold fewer than four samples", "测试数据不足 4 个样本"),
                "data.test",
                Text("hand in more test data", "请补充测试数据"),
            )
        order = run.generator("order").permutation(len(test))
        self.proper = test.inputs[order[: self.samples]]
        others = test.inputs[order[self.samples : 2 * self.samples]]
        made = _made(subject, others, run.generator("families"))
        witness = self._witness(subject, order)
        self.outside = {name: x for name, x in made.items() if witness is None or lies_outside(x, others, witness)}
        self.inside = sorted(made.keys() - self.outside.keys())
        if subject.description.data.outside is not None:
            self.outside[DECLARED] = self._declared(subject)
        if not self.outside:
            raise UnavailableError(
                Text(
                    "every family that was made lies among the proper inputs, so none had to be recognised",
                    "所生成的各类输入均落在正常输入范围内，无可识别之处",
                ),
                "model.input",
                Text("widen the legal values of the inputs, if they are wider", "若合法取值范围更宽，请放宽声明"),
            )
        empty: dict[str, Scores] = {name: np.zeros(0) for name in ("confidence", *self._further())}
        self.seen_proper, self.seen = dict(empty), {family: dict(empty) for family in self.outside}

    def ask_up_to(self, look: int) -> None:
        """Ask the model about the samples from where the last look ended."""
        for rows in portions(np.arange(len(self.seen_proper["confidence"]), look), self.proper[0].size):
            self.seen_proper = _joined(self.seen_proper, self._scores(self.proper[rows]))
            for family, x in self.outside.items():
                if rows[0] < len(x):
                    self.seen[family] = _joined(self.seen[family], self._scores(x[rows[rows < len(x)]]))

    def metrics(self, looks: int) -> tuple[Metric, ...]:
        """The worst family by stated confidence, then every family by every score.

        The lower bound needs no correction for several families: it holds whenever that of the worst in truth does.
        The upper bound may be spoilt by any of them, so they share its error.
        """
        stated = {family: self._area(family, "confidence", looks) for family in self.seen}
        shared = [self._area(family, "confidence", looks * len(self.seen)).high for family in self.seen]
        worst = min(stated.values(), key=lambda metric: metric.value)
        overall = worst.model_copy(
            update={
                "slice": None,
                "low": min(metric.low for metric in stated.values() if metric.low is not None),
                "high": min(high for high in shared if high is not None),
            }
        )
        further = [self._area(family, score, looks) for family in self.seen for score in self._further()]
        return (overall, *stated.values(), *further)

    def controls(self) -> tuple[ControlRun, ...]:
        """Proper inputs against proper inputs, and answers that say “I do not know” to everything outside."""
        stated = self.seen_proper["confidence"]
        half = len(stated) // 2
        low, high = auc_bounds(stated[:half], stated[half:], self.run.generator("null"), confidence=NULL_CONFIDENCE)
        unsure = self.run.generator("unsure").uniform(0.0, 1.0 / self.model.classes, len(stated))
        found, _ = auc_bounds(stated, unsure, self.run.generator("planted"))
        return (
            ControlRun(
                kind="null",
                expected=Text(
                    "proper inputs against proper inputs: no difference proven", "正常输入彼此比较：不应检出差异"
                ),
                seen=Text(f"area between {low:.3f} and {high:.3f}", f"面积介于 {low:.3f} 与 {high:.3f} 之间"),
                passed=low <= 0.5 <= high,
            ),
            ControlRun(
                kind="planted",
                expected=Text(
                    "confidence of chance at most for everything outside: told apart",
                    "对全部域外输入只给出随机水平以下的置信度：应能区分",
                ),
                seen=Text(f"area of at least {found:.3f}", f"面积至少为 {found:.3f}"),
                passed=found > 0.5,
            ),
        )

    def remarks(self) -> tuple[Note, ...]:
        """Families that were made and not counted."""
        if not self.inside:
            return ()
        listed = ", ".join(self.inside)
        return (
            Note(
                code="not-outside",
                text=Text(
                    f"made but not counted, for they lie no further from the data than proper inputs do: {listed}",
                    f"已生成但未计入，因其与数据的距离不超过正常输入：{listed}",
                ),
            ),
        )

    def _declared(self, subject: Subject) -> Samples:
        """What the applicant handed in as outside the domain, as it is: no distance decides whether it is."""
        handed_in: Samples = subject.data("outside").inputs
        return handed_in[self.run.generator(DECLARED).permutation(len(handed_in))[: self.samples]]

    def _witness(self, subject: Subject, order: NDArray[np.int64]) -> Samples | None:
        """Normal rows that none of the samples are made of; `None` for pictures, whose families show nothing proper."""
        if subject.description.model.input.kind == "image":
            return None
        test = subject.data("test")
        normal = normal_inputs(subject, test)
        if normal is test.inputs:
            normal = np.delete(normal, order[self.samples : 2 * self.samples], axis=0)
        return normal[self.run.generator("normal").permutation(len(normal))[:NORMAL]]

    def _further(self) -> tuple[str, ...]:
        return tuple(FROM_LOGITS) if Capability.LOGITS in self.model.capabilities else ()

    def _scores(self, x: Samples) -> dict[str, Scores]:
        probabilities = self.model.probabilities(x)
        confidence = highest_probability(probabilities)
        abstention = abstention_of(self.subject)
        if abstention != NONE:
            confidence = np.where(probabilities.argmax(axis=1) == abstention, 0.0, confidence)
        further = self._further()
        logits = self.model.logits(x) if further else None
        return {"confidence": confidence} | {name: FROM_LOGITS[name](logits) for name in further if logits is not None}

    def _area(self, family: str, score: str, looks: int) -> Metric:
        proper, outside = self.seen_proper[score], self.seen[family][score]
        low, high = auc_bounds(proper, outside, self.run.generator(f"lots/{family}/{score}"), looks=looks)
        return Metric(
            id="ood_auroc",
            unit="auc",
            value=auc(proper, outside),
            low=low,
            high=high,
            method="betting/random-pairs",
            n=min(len(proper), len(outside)),
            better="higher",
            slice=family if score == "confidence" else f"{family}/{score}",
        )


def _made(subject: Subject, x: Samples, generator: np.random.Generator) -> dict[str, Samples]:
    """The families for inputs of this kind, in the system's own layout."""
    specification = subject.description.model.input
    normal = normal_inputs(subject, subject.data("test"))
    legal = value_range(specification, normal)
    if specification.kind != "image":
        return outside_rows(x, normal, legal.low, legal.high, generator)
    layout = Layout(specification, x.shape[1:])
    pictures = outside_pictures(layout.channels_first(x), legal.low, legal.high, generator)
    return {family: layout.original(made) for family, made in pictures.items()}


def _joined(first: Mapping[str, Scores], second: Mapping[str, Scores]) -> dict[str, Scores]:
    return {name: np.concatenate([first[name], second[name]]) for name in first}
