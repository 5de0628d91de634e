"""The physical check on tables and time series: one sensor in an attacker's hand."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from touchstone.canonical import canonical_json
from touchstone.checks.declaration import Measurement, Run
from touchstone.checks.system_resilience.abstention import abstention_of
from touchstone.checks.system_resilience.inputs import Samples, may_be_shown, normal_inputs, value_range
from touchstone.checks.system_resilience.patch_evidence import NO_ABSTENTION, nothing_to_attack
from touchstone.checks.system_resilience.physical_findings import shares
from touchstone.checks.system_resilience.pictures import arrays_file
from touchstone.errors import UnavailableError
from touchstone.methods.attacks.patch.judging import NONE
from touchstone.methods.attacks.sequential import looks_at
from touchstone.methods.attacks.spoofing import SPOOFS, Held, sensors_in, spoofed, usual_readings
from touchstone.methods.attacks.threat_model import continuous_elements
from touchstone.records import ControlRun, Exhibit, Metric, Note
from touchstone.system.subject import Subject
from touchstone.text import Text

SAMPLES: Final = {"quick": 200, "standard": 400, "full": 1000}
MOST_SENSORS: Final = 16
"""Sensors that are tried; of more, as many by lot."""
RECORDINGS: Final = 3
"""Other recordings tried for each sensor."""
CONTROL_SAMPLES: Final = 50
POWER: Final = 0.9
MOST_STORED: Final = 2**18
"""Elements of spoofed samples that go into the evidence: 1 MiB."""

Flags = NDArray[np.bool_]


def spoofing(subject: Subject, run: Run) -> Measurement:
    """Spoof in random order, look, and stop as soon as the limits are settled."""
    trial = _Trial(subject, run)
    looks = looks_at(trial.samples)
    metrics: tuple[Metric, ...] = ()
    for look in looks:
        trial.attack_up_to(look)
        run.progress(0.9 * look / trial.samples)
        metrics = trial.metrics(len(looks))
        if run.decided([metric for metric in metrics if metric.slice is None]):
            break
    if not metrics:
        return Measurement((), warnings=(*trial.remarks(), nothing_to_attack()))
    return Measurement(metrics, trial.controls(), trial.exhibits(), trial.remarks())


class _Trial:
    """The samples in random order, the sensors, and what false readings did."""

    def __init__(self, subject: Subject, run: Run) -> None:
        data, specification = subject.data("test"), subject.description.model.input
        assert data.target is not None  # noqa: S101 - the plan gives this check labelled data only
        self.run, self.model = run, subject.model()
        self.shown = may_be_shown(subject)
        self.abstention = abstention_of(subject)
        self.samples = min(len(data), SAMPLES[run.budget])
        self.order = run.generator("order").permutation(len(data))[: self.samples]
        self.inputs, self.y = data.inputs, data.target[self.order]
        self.recordings = normal_inputs(subject, data)
        legal = value_range(specification, self.recordings)
        series = specification.kind == "timeseries"
        self.usual = usual_readings(self.recordings, legal.low, legal.high, series=series)
        sensors = sensors_in(continuous_elements(self.recordings), series=series)
        if not sensors:
            raise UnavailableError(
                Text(
                    "no input column is continuous, so no sensor can be spoofed", "没有连续型输入列，无传感器可被欺骗"
                ),
                "model.input",
            )
        self.available = len(sensors)
        chosen = np.sort(run.generator("sensors").permutation(len(sensors))[:MOST_SENSORS])
        self.chosen, self.sensors = chosen, [sensors[index] for index in chosen]
        self.correct = np.zeros(self.samples, dtype=bool)
        self.reached = 0
        self.donors = run.generator("recordings").integers(len(self.recordings), size=(self.samples, RECORDINGS))
        self.lot = run.generator("lot").integers(len(self.sensors), size=self.samples)
        self.turned_by = {kind: np.full(self.samples, -1) for kind in SPOOFS}
        """The first sensor whose false readings turned each sample; -1 where none did."""
        self.refused = {kind: np.zeros(self.samples, dtype=bool) for kind in SPOOFS}
        """Whether the system abstained when the sensor drawn by lot was spoofed."""
        self.kept: list[tuple[int, int, int, Samples]] = []

    def attack_up_to(self, look: int) -> None:
        """Attack the samples from where the last look ended."""
        rows = np.arange(self.reached, look)
        self.correct[rows] = self.model.labels(self._at(rows)) == self.y[rows]
        answered = rows[self.correct[rows]]
        if answered.size:
            for number_of_kind, kind in enumerate(SPOOFS):
                for place, held in enumerate(self.sensors):
                    self._spoof(answered, number_of_kind, kind, place, held)
        self.reached = look

    def metrics(self, looks: int) -> tuple[Metric, ...]:
        """The share of correct answers that were turned, and where the system can abstain how often it did."""
        rows = np.flatnonzero(self.correct)
        if not rows.size:
            return ()
        turned = shares("spoof_asr", {kind: by[rows] >= 0 for kind, by in self.turned_by.items()}, looks)
        if self.abstention == NONE:
            return turned
        refused = {kind: flags[rows] for kind, flags in self.refused.items()}
        return (*turned, *shares("spoof_detection_rate", refused, looks, "higher"))

    def controls(self) -> tuple[ControlRun, ...]:
        """Nothing held changes nothing; a whole recording of another class changes nearly everything."""
        rows = np.flatnonzero(self.correct)[:CONTROL_SAMPLES]
        x, nobody, everybody = self._at(rows), np.zeros_like(self.sensors[0]), np.ones_like(self.sensors[0])
        wrong = sum(
            int((self.model.labels(spoofed(kind, x, x[::-1], nobody, self.usual)) != self.y[rows]).sum())
            for kind in SPOOFS
        )
        correct = np.flatnonzero(self.correct)
        foreign = [correct[self.y[correct] != target] for target in self.y[rows]]
        dice = self.run.generator("controls")
        donors = np.array(
            [dice.choice(others) if others.size else row for row, others in zip(rows, foreign, strict=True)]
        )
        exchanged = self.model.labels(spoofed("replayed", x, self._at(donors), everybody, self.usual))
        turned = int((exchanged != self.y[rows]).sum())
        return (
            ControlRun(
                kind="null",
                expected=Text("sensors that nobody controls change no answer", "无人控制传感器时判定不变"),
                seen=Text(f"{wrong} answers changed", f"改变 {wrong} 个判定"),
                passed=wrong == 0,
            ),
            ControlRun(
                kind="planted",
                expected=Text(
                    f"whole recordings of another class turn at least {POWER:.0%}",
                    f"整段重放其他类别的记录至少翻转 {POWER:.0%}",
                ),
                seen=Text(f"{turned} of {len(rows)} turned", f"{len(rows)} 个样本中翻转 {turned} 个"),
                passed=turned >= POWER * len(rows),
            ),
        )

    def exhibits(self) -> tuple[Exhibit, ...]:
        """What turned each sample, and the false readings where single samples may be shown."""
        report = {
            "schema": "touchstone.spoofing-report/v1",
            "sensors": [np.flatnonzero(held).tolist() for held in self.sensors],
            "kinds": list(SPOOFS),
            "samples": [
                {
                    "row": int(self.order[index]),
                    "correct": bool(self.correct[index]),
                    "turned_by": {kind: int(by[index]) for kind, by in self.turned_by.items()},
                }
                for index in range(self.reached)
            ],
        }
        kept = (self.run.exhibit("spoofing_report.json", "application/json", canonical_json(report)),)
        if not self.kept or not self.shown:
            return kept
        index, kind, sensor, samples = zip(*self.kept, strict=True)
        arrays: dict[str, NDArray[Any]] = {
            "row": self.order[np.array(index)],
            "target": self.y[np.array(index)],
            "kind": np.array(kind, dtype=np.int64),
            "sensor": np.array(sensor, dtype=np.int64),
            "spoofed": np.stack(samples),
            "answer": self.model.labels(np.stack(samples)),
        }
        return (*kept, self.run.exhibit("spoofed_readings.npz", "application/x-npz", arrays_file(arrays)))

    def remarks(self) -> tuple[Note, ...]:
        """What a reader of the numbers has to know."""
        notes = [NO_ABSTENTION] if self.abstention == NONE else []
        if self.available > len(self.sensors):
            notes.append(
                Note(
                    code="sensors-by-lot",
                    text=Text(
                        f"{len(self.sensors)} of {self.available} sensors, drawn by lot, were spoofed",
                        f"从 {self.available} 个传感器中随机抽取 {len(self.sensors)} 个实施欺骗",
                    ),
                )
            )
        return tuple(notes)

    def _spoof(self, rows: NDArray[np.int64], number_of_kind: int, kind: str, place: int, held: Held) -> None:
        x = self._at(rows)
        for attempt in range(RECORDINGS if kind == "replayed" else 1):
            false = spoofed(kind, x, self.recordings[self.donors[rows, attempt]], held, self.usual)
            answers = self.model.labels(false)
            turned = (answers != self.y[rows]) & (answers != self.abstention)
            self._keep(rows, turned & (self.turned_by[kind][rows] < 0), number_of_kind, place, false)
            if attempt == 0 and self.abstention != NONE:
                drawn = self.lot[rows] == place
                self.refused[kind][rows[drawn]] = (answers == self.abstention)[drawn]

    def _keep(self, rows: NDArray[np.int64], first: Flags, number_of_kind: int, place: int, false: Samples) -> None:
        kind = tuple(SPOOFS)[number_of_kind]
        self.turned_by[kind][rows[first]] = place
        for where in np.flatnonzero(first):
            if (len(self.kept) + 1) * false[0].size <= MOST_STORED:
                self.kept.append((int(rows[where]), number_of_kind, int(self.chosen[place]), false[where].copy()))

    def _at(self, rows: NDArray[np.int64]) -> Samples:
        return np.asarray(self.inputs[self.order[rows]])
