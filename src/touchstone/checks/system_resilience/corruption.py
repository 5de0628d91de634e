"""Robustness to corruptions that happen without an attacker, and to the conditions of the operating domain.

Protocol of ImageNet-C (Hendrycks and Dietterich 2019): families of corruptions at severities 1 to 5, measured as the
relative drop `1 - accuracy under corruption / clean accuracy` on the same samples. Pictures get noise, blur, weather,
compression and movement; tables the faults of sensors and forms; time series those of sensors and clocks. Beside the
families stand the conditions that the system is made for (night, an aged lamp, an unseen scanner), each composed of
several families.

The families, and what the limits speak of, are the same at every budget. A quick budget draws by lot, for each sample
and family, one of severities 1 and 2 and counts it for both: the mean over severities 1 to 3 is estimated without bias
from two thirds of the answers. A full budget adds severities 4 and 5 for information.

Two tests of the test: severity 0 must cost nothing at all, and exchanging every input for one of another class must
cost a lot.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from touchstone.checks.declaration import Measurement, MetricDeclaration, Needs, Parameters, Run, check
from touchstone.checks.system_resilience.drops import (
    MILD_SEVERITIES,
    WORST_SEVERITY,
    Correct,
    Drops,
    cell_metrics,
    limited_metrics,
    relative_drop,
)
from touchstone.checks.system_resilience.faults import Faults, domain_note
from touchstone.checks.system_resilience.inputs import (
    Samples,
    may_be_shown,
    portions,
    range_not_declared,
    times_small,
)
from touchstone.checks.system_resilience.pictures import Picture, picture_sheet
from touchstone.records import Access, Condition, ControlRun, Exhibit, Metric, Note
from touchstone.statistics import LOOKS
from touchstone.system.models.handle import Capability
from touchstone.system.subject import Subject
from touchstone.text import Text

SAMPLES = {"quick": 200, "standard": 400, "full": 1000}
"""Most samples per budget."""
REST_OF_THE_CURVE = (4, 5)
"""Severities that no limit speaks of."""
SHEET_SEVERITIES = (0, 1, 3, 5)
PLANTED_DROP = 0.25
"""Relative drop that inputs of another class must cause at least."""


class CorruptionParameters(Parameters):
    """The conditions of the sector's operating domain, as the profile prescribes them."""

    conditions: dict[str, Condition] = Field(default_factory=dict)


@check(
    id="robust.corruption",
    version="2",
    title=Text("Robustness to natural corruption", "自然扰动鲁棒性"),
    measures=Text(
        "The relative drop in accuracy when inputs are corrupted as noise, weather, optics, compression or failing "
        "sensors would, on average over families and severities 1 to 3, for the worst family at severity 3, and "
        "for the worst condition of the declared operating domain.",
        "输入受噪声、天气、光学、压缩或传感器故障影响时准确率的相对下降："
        "各扰动族在强度 1–3 下的平均值、强度 3 下的最差扰动族，以及所声明运行域中的最差条件。",
    ),
    cannot_tell=Text(
        "The corruptions are simulated with our own constants: real weather, cameras and sensors differ, and families "
        "that are not on the list are not covered.",
        "扰动为模拟生成，常数由本项目设定：真实天气、相机与传感器会有差异，未列出的扰动族不在覆盖范围内。",
    ),
    remedy=Text(
        "Collect or simulate data for the worst families and train on them, add input checks that recognise corrupted "
        "inputs, and narrow the declared operating domain where neither is possible.",
        "针对最差扰动族采集或模拟数据并加入训练；增加能识别受损输入的校验；无法做到时收窄声明的运行域。",
    ),
    threats=("CWE-1039",),
    source="Hendrycks and Dietterich 2019 (ImageNet-C protocol)",
    needs=Needs(
        access=Access.LABELS,
        capabilities=frozenset({Capability.LABELS, Capability.ANY_INPUT}),
        data=("test",),
        tasks=("classification",),
    ),
    metrics=(
        MetricDeclaration(
            "mean_relative_drop_s1_s3",
            "share",
            "lower",
            Text("mean relative drop over families, severities 1 to 3", "各扰动族、强度 1–3 的平均相对下降"),
        ),
        MetricDeclaration(
            "worst_family_relative_drop_s3",
            "share",
            "lower",
            Text("relative drop of the worst family, severity 3", "最差扰动族在强度 3 下的相对下降"),
        ),
        MetricDeclaration(
            "worst_condition_relative_drop",
            "share",
            "lower",
            Text("relative drop under the worst declared condition", "所声明的最差条件下的相对下降"),
        ),
        MetricDeclaration(
            "relative_drop",
            "share",
            "lower",
            Text("relative drop by family and severity, and by condition", "按扰动族与强度以及按条件的相对下降"),
        ),
    ),
    parameters=CorruptionParameters,
    cost=lambda subject, _, budget: {"quick": 10, "standard": 25, "full": 90}[budget] * times_small(subject, 24_000),
)
def corruption(subject: Subject, parameters: CorruptionParameters, run: Run) -> Measurement:
    """Corrupt in random order, look, and stop as soon as the limits are settled."""
    trial = _Trial(subject, parameters, run)
    looks = [*(look for look in LOOKS if look < trial.samples), trial.samples]
    metrics: tuple[Metric, ...] = ()
    for look in looks:
        trial.test_up_to(look)
        if trial.record.clean.any():
            metrics = limited_metrics(trial.record, len(looks))
        run.progress(0.9 * look / trial.samples)
        if run.decided(metrics):
            break
    if not metrics:
        return Measurement((), warnings=(*trial.remarks(), _nothing_correct()))
    return Measurement(
        metrics + cell_metrics(trial.record, len(looks)), trial.controls(), trial.exhibits(), trial.remarks()
    )


class _Trial:
    """The samples in random order, what corrupts them, and what the model made of it."""

    def __init__(self, subject: Subject, parameters: CorruptionParameters, run: Run) -> None:
        data = subject.data("test")
        assert data.target is not None  # noqa: S101 - the plan gives this check labelled data only
        self.subject, self.parameters, self.run = subject, parameters, run
        self.model = subject.model()
        self.samples = min(len(data), SAMPLES[run.budget])
        self.order = run.generator("order").permutation(len(data))[: self.samples]
        self.inputs, self.y = data.inputs, data.target[self.order]
        self.faults = Faults(subject, data, run)
        self.conditions = self.faults.declared(subject, parameters.conditions)
        self.lots = {
            family: run.generator(f"severity/{family}").integers(len(MILD_SEVERITIES), size=self.samples)
            for family in self.faults.families
        }
        self.record = Drops(np.zeros(0, dtype=bool))

    def test_up_to(self, look: int) -> None:
        """Test the samples from where the last look ended, under every family, severity and condition."""
        for rows in portions(np.arange(len(self.record.clean), look), self.inputs[0].size):
            x = self._samples_at(rows)
            self.record.clean = np.concatenate([self.record.clean, self._correct(x, rows)])
            for family in self.faults.families:
                for severity in self._severities():
                    tried = self._tried(family, severity, rows)
                    if tried.any():
                        changed = self.faults.apply(family, severity, x[tried], self.order[rows[tried]])
                        self.record.add(f"{family}/{severity}", severity, tried, self._correct(changed, rows[tried]))
                    else:
                        self.record.add(f"{family}/{severity}", severity, tried, tried[:0])
            for condition, faults in self.conditions.items():
                changed = self.faults.meet(condition, faults, x, self.order[rows])
                self.record.add(f"condition={condition}", None, np.ones(len(rows), bool), self._correct(changed, rows))

    def _severities(self) -> Iterable[int]:
        rest = REST_OF_THE_CURVE if self.run.budget == "full" else ()
        return (*MILD_SEVERITIES, WORST_SEVERITY, *rest)

    def _tried(self, family: str, severity: int, rows: NDArray[np.int64]) -> Correct:
        """On which samples: a quick budget draws one of the mild severities for each."""
        if self.run.budget == "quick" and severity in MILD_SEVERITIES:
            return np.asarray(self.lots[family][rows] == MILD_SEVERITIES.index(severity))
        return np.ones(len(rows), dtype=bool)

    def controls(self) -> tuple[ControlRun, ...]:
        """Identity costs nothing; other classes cost a lot."""
        clean = self.record.clean
        generator = self.run.generator("controls")
        others = [np.flatnonzero(self.y != target) for target in self.y[: len(clean)]]
        foreign = np.array([generator.choice(other) if other.size else i for i, other in enumerate(others)])
        same, exchanged = np.zeros_like(clean), np.zeros_like(clean)
        for rows in portions(np.arange(len(clean)), self.inputs[0].size):
            unchanged = self.faults.apply(self.faults.families[0], 0, self._samples_at(rows), self.order[rows])
            same[rows] = self._correct(unchanged, rows)
            exchanged[rows] = self._correct(self._samples_at(foreign[rows]), rows)
        drop = relative_drop(clean, exchanged)
        return (
            ControlRun(
                kind="null",
                expected=Text("severity 0 changes no answer", "强度 0 不改变任何判定"),
                seen=Text(f"{int((same != clean).sum())} answers changed", f"改变 {int((same != clean).sum())} 个判定"),
                passed=bool((same == clean).all()),
            ),
            ControlRun(
                kind="planted",
                expected=Text(
                    "inputs exchanged for those of other classes cost at least a quarter of the accuracy",
                    "将输入换成其他类别的样本，准确率至少相对下降四分之一",
                ),
                seen=Text(f"relative drop {drop:.3f}", f"相对下降 {drop:.3f}"),
                passed=drop >= PLANTED_DROP,
            ),
        )

    def exhibits(self) -> tuple[Exhibit, ...]:
        """One picture under every family, and under every condition, where it may be shown."""
        if self.faults.kind != "image" or not may_be_shown(self.subject):
            return ()
        one, row = self._samples_at(np.arange(1)), self.order[:1]
        families = {
            family: [self._shown(self.faults.apply(family, severity, one, row)) for severity in SHEET_SEVERITIES]
            for family in self.faults.families
        }
        conditions = {
            condition: [self._shown(one), self._shown(self.faults.meet(condition, faults, one, row))]
            for condition, faults in self.conditions.items()
        }
        sheets = {"corruptions.png": families, "conditions.png": conditions}
        return tuple(
            self.run.exhibit(name, "image/png", picture_sheet(columns)) for name, columns in sheets.items() if columns
        )

    def remarks(self) -> tuple[Note, ...]:
        """What a reader of the numbers has to know."""
        undeclared = self.faults.kind == "image" and not self.faults.range.declared
        domain = domain_note(self.subject, self.parameters.conditions, self.conditions)
        return (*((range_not_declared(self.faults.range),) if undeclared else ()), *((domain,) if domain else ()))

    def _shown(self, x: Samples) -> Picture:
        low, width = self.faults.range.low, self.faults.range.high - self.faults.range.low
        return np.asarray((self.faults.layout.channels_first(x)[0] - np.float32(low)) / np.float32(width))

    def _samples_at(self, rows: NDArray[np.int64]) -> Samples:
        """Copied only where they are worked on: a test set of large pictures fills much of the memory."""
        return self.inputs[self.order[rows]]

    def _correct(self, x: Samples, rows: NDArray[np.int64]) -> Correct:
        return np.asarray(self.model.labels(x) == self.y[rows])


def _nothing_correct() -> Note:
    return Note(
        code="nothing-correct",
        text=Text(
            "the model answered no clean sample correctly, so nothing could drop",
            "模型未正确判定任何未扰动样本，无从计算下降",
        ),
    )
