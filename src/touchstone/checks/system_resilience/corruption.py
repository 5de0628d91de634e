"""Robustness to corruptions that happen without an attacker.

Protocol of ImageNet-C (Hendrycks and Dietterich 2019): families of corruptions at severities 1 to 5, measured as the
relative drop `1 - accuracy under corruption / clean accuracy` on the same samples. Pictures get noise, blur, weather,
compression and movement; tables and time series get the faults of sensors.

Two tests of the test: severity 0 must cost nothing at all, and exchanging every input for one of another class must
cost a lot.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from touchstone.checks.declaration import Measurement, MetricDeclaration, Needs, Parameters, Run, check
from touchstone.checks.system_resilience.inputs import (
    Layout,
    Samples,
    may_be_shown,
    normal_inputs,
    portions,
    range_not_declared,
    times_small,
    value_range,
)
from touchstone.checks.system_resilience.pictures import picture_sheet
from touchstone.errors import UnavailableError
from touchstone.methods.attacks.threat_model import continuous_elements
from touchstone.methods.corruptions.drop import mean_drop_bounds
from touchstone.methods.corruptions.image import PICTURE_FAMILIES, SEVERITIES, corrupt_pictures
from touchstone.methods.corruptions.sensor import SENSOR_FAMILIES, corrupt_readings, sensors_of
from touchstone.records import Access, ControlRun, Exhibit, Metric, Note, number
from touchstone.statistics import LOOKS, relative_drop_bounds
from touchstone.system.models.handle import Capability
from touchstone.system.subject import Subject
from touchstone.text import Text

SAMPLES = {"quick": 200, "standard": 400, "full": 1000}
"""Most samples per budget."""
LIMITED_SEVERITIES = (1, 2, 3)
"""What the limits speak about; a full budget also measures the rest of the curve."""
WORST_SEVERITY = 3
SHEET_SEVERITIES = (0, 1, 3, 5)
PLANTED_DROP = 0.25
"""Relative drop that inputs of another class must cause at least."""

Correct = NDArray[np.bool_]
Corrupt = Callable[[str, Samples, int, np.random.Generator], Samples]


@check(
    id="robust.corruption",
    version="1",
    title=Text("Robustness to natural corruption", "自然扰动鲁棒性"),
    measures=Text(
        "The relative drop in accuracy when inputs are corrupted as noise, weather, optics, compression or failing "
        "sensors would, on average over families and severities 1 to 3, and for the worst family at severity 3.",
        "输入受噪声、天气、光学、压缩或传感器故障影响时准确率的相对下降："
        "各扰动族在强度 1–3 下的平均值，以及强度 3 下的最差扰动族。",
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
            "relative_drop",
            "share",
            "lower",
            Text("relative drop by family and severity", "按扰动族与强度的相对下降"),
        ),
    ),
    cost=lambda subject, _, budget: {"quick": 10, "standard": 20, "full": 90}[budget] * times_small(subject, 24_000),
)
def corruption(subject: Subject, _: Parameters, run: Run) -> Measurement:
    """Corrupt in random order, look, and stop as soon as the limits are settled."""
    trial = _Trial(subject, run)
    looks = [*(look for look in LOOKS if look < trial.samples), trial.samples]
    metrics: tuple[Metric, ...] = ()
    for look in looks:
        trial.test_up_to(look)
        if trial.record.clean.any():
            metrics = _limited(trial.record, len(looks))
        run.progress(0.9 * look / trial.samples)
        if run.decided(metrics):
            break
    if not metrics:
        return Measurement((), warnings=(*trial.remarks(), _nothing_correct()))
    return Measurement(
        metrics + _by_family(trial.record, len(looks)), trial.controls(), trial.exhibits(), trial.remarks()
    )


@dataclass(slots=True)
class _Record:
    """Which samples were answered correctly, clean and under each corruption."""

    clean: Correct
    corrupted: dict[tuple[str, int], Correct] = field(default_factory=dict)

    def add(self, cell: tuple[str, int], correct: Correct) -> None:
        before = self.corrupted.get(cell)
        self.corrupted[cell] = correct if before is None else np.concatenate([before, correct])


class _Trial:
    """The samples in random order, what corrupts them, and what the model made of it."""

    def __init__(self, subject: Subject, run: Run) -> None:
        data = subject.data("test")
        assert data.target is not None  # noqa: S101 - the plan gives this check labelled data only
        self.subject, self.run = subject, run
        self.specification = subject.description.model.input
        self.model = subject.model()
        self.samples = min(len(data), SAMPLES[run.budget])
        self.order = run.generator("order").permutation(len(data))[: self.samples]
        self.inputs, self.y = data.inputs, data.target[self.order]
        normal = normal_inputs(subject, data)
        self.range = value_range(self.specification, normal)
        self.picture = self.specification.kind == "image"
        self.families = tuple(PICTURE_FAMILIES if self.picture else SENSOR_FAMILIES)
        self.severities = SEVERITIES if run.budget == "full" else LIMITED_SEVERITIES
        self.corrupt: Corrupt = self._pictures() if self.picture else self._readings(normal)
        self.record = _Record(np.zeros(0, dtype=bool))

    def test_up_to(self, look: int) -> None:
        """Test the samples from where the last look ended, under every family and severity."""
        for rows in portions(np.arange(len(self.record.clean), look), self.inputs[0].size):
            x = self._samples_at(rows)
            self.record.clean = np.concatenate([self.record.clean, self._correct(x, rows)])
            for family in self.families:
                for severity in self.severities:
                    generator = self.run.generator(f"{family}/{severity}/{rows[0]}")
                    changed = self.corrupt(family, x, severity, generator)
                    self.record.add((family, severity), self._correct(changed, rows))

    def controls(self) -> tuple[ControlRun, ...]:
        """Identity costs nothing; other classes cost a lot."""
        clean = self.record.clean
        generator = self.run.generator("controls")
        others = [np.flatnonzero(self.y != target) for target in self.y[: len(clean)]]
        foreign = np.array([generator.choice(other) if other.size else i for i, other in enumerate(others)])
        same, exchanged = np.zeros_like(clean), np.zeros_like(clean)
        for rows in portions(np.arange(len(clean)), self.inputs[0].size):
            unchanged = self.corrupt(self.families[0], self._samples_at(rows), 0, generator)
            same[rows] = self._correct(unchanged, rows)
            exchanged[rows] = self._correct(self._samples_at(foreign[rows]), rows)
        drop = _relative_drop(clean, exchanged)
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
        """One picture under every family, where it may be shown."""
        if not self.picture or not may_be_shown(self.subject):
            return ()
        layout = Layout(self.specification, self.inputs.shape[1:])
        one = self._samples_at(np.arange(1))
        low, width = self.range.low, self.range.high - self.range.low

        def shown(family: str, severity: int) -> Samples:
            generator = self.run.generator(f"sheet/{family}/{severity}")
            changed = layout.channels_first(self.corrupt(family, one, severity, generator))
            return np.asarray((changed[0] - np.float32(low)) / np.float32(width))

        columns = {family: [shown(family, severity) for severity in SHEET_SEVERITIES] for family in self.families}
        return (self.run.exhibit("corruptions.png", "image/png", picture_sheet(columns)),)

    def remarks(self) -> tuple[Note, ...]:
        """What a reader of the numbers has to know."""
        undeclared = self.picture and not self.range.declared
        return (range_not_declared(self.range),) if undeclared else ()

    def _samples_at(self, rows: NDArray[np.int64]) -> Samples:
        """Copied only where they are worked on: a test set of large pictures fills much of the memory."""
        return self.inputs[self.order[rows]]

    def _correct(self, x: Samples, rows: NDArray[np.int64]) -> Correct:
        return np.asarray(self.model.labels(x) == self.y[rows])

    def _pictures(self) -> Corrupt:
        layout, legal = Layout(self.specification, self.inputs.shape[1:]), self.range

        def corrupt(family: str, x: Samples, severity: int, generator: np.random.Generator) -> Samples:
            pictures = layout.channels_first(x)
            changed = corrupt_pictures(family, pictures, severity, generator, low=legal.low, high=legal.high)
            return layout.original(changed)

        return corrupt

    def _readings(self, normal: Samples) -> Corrupt:
        continuous = continuous_elements(normal)
        if not continuous.any():
            raise UnavailableError(
                Text("no input column is continuous, so no sensor can fail", "没有连续型输入列，无传感器故障可模拟"),
                "model.input",
            )
        sensors, legal = sensors_of(normal, continuous, self.run.generator("sensors")), self.range

        def corrupt(family: str, x: Samples, severity: int, generator: np.random.Generator) -> Samples:
            return corrupt_readings(family, x, sensors, severity, generator, low=legal.low, high=legal.high)

        return corrupt


def _limited(record: _Record, looks: int) -> tuple[Metric, ...]:
    """The two quantities that limits speak about."""
    return _mean_drop(record, looks), _worst_drop(record, looks)


def _mean_drop(record: _Record, looks: int) -> Metric:
    cells = [correct for (_, severity), correct in record.corrupted.items() if severity in LIMITED_SEVERITIES]
    share = np.mean(np.stack(cells).astype(np.float64), axis=0)
    low, high = mean_drop_bounds(record.clean, share, looks)
    value = 1.0 - share.mean() / record.clean.mean()
    return _metric("mean_relative_drop_s1_s3", value, low, high, len(share), "betting/clopper-pearson", looks)


def _worst_drop(record: _Record, looks: int) -> Metric:
    """The largest drop of any family.

    The true worst family is one of them, so the largest of the upper bounds holds without correction; the largest of
    the lower bounds holds only if all of them do, and pays for that (Bonferroni).
    """
    cells = [correct for (_, severity), correct in record.corrupted.items() if severity == WORST_SEVERITY]
    value = max(_relative_drop(record.clean, correct) for correct in cells)
    low = max(relative_drop_bounds(record.clean, correct, looks=looks * len(cells))[0] for correct in cells)
    high = max(relative_drop_bounds(record.clean, correct, looks=looks)[1] for correct in cells)
    method = "clopper-pearson/worst-of-families"
    return _metric("worst_family_relative_drop_s3", value, low, high, len(record.clean), method, looks)


def _by_family(record: _Record, looks: int) -> tuple[Metric, ...]:
    """Every cell of the table, for the report; each bound holds by itself, not for all cells together.

    The looks are paid for here too: sampling stopped at one of them because of what these cells showed.
    """
    return tuple(
        _metric(
            "relative_drop",
            _relative_drop(record.clean, correct),
            *relative_drop_bounds(record.clean, correct, looks=looks),
            len(correct),
            "clopper-pearson",
            looks,
            f"{family}/{severity}",
        )
        for (family, severity), correct in record.corrupted.items()
    )


def _metric(
    name: str, value: float, low: float, high: float, n: int, method: str, looks: int, part: str | None = None
) -> Metric:
    return Metric(
        id=name,
        unit="share",
        value=number(value),
        low=number(low),
        high=number(min(high, 1.0)),
        method=method if looks == 1 else f"{method}/{looks}-looks",
        n=n,
        better="lower",
        slice=part,
    )


def _relative_drop(clean: Correct, corrupted: Correct) -> float:
    return float(1.0 - corrupted.mean() / clean.mean())


def _nothing_correct() -> Note:
    return Note(
        code="nothing-correct",
        text=Text(
            "the model answered no clean sample correctly, so nothing could drop",
            "模型未正确判定任何未扰动样本，无从计算下降",
        ),
    )
