"""What can happen to one system's inputs without an attacker, and under which declared conditions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from touchstone.checks.declaration import Run
from touchstone.checks.system_resilience.inputs import Layout, Samples, normal_inputs, value_range
from touchstone.errors import UnavailableError
from touchstone.methods.attacks.threat_model import continuous_elements
from touchstone.methods.corruptions.draws import SampleDraws
from touchstone.methods.corruptions.image import CONDITION_FAMILIES, PICTURE_FAMILIES, corrupt_pictures
from touchstone.methods.corruptions.sensor import TABLE_FAMILIES, Family, Sensors, corrupt_readings, sensors_of
from touchstone.methods.corruptions.series import SERIES_FAMILIES
from touchstone.records import Condition, Note
from touchstone.system.data.dataset import LabelledData
from touchstone.system.subject import Subject
from touchstone.text import Language, Text

Fault = tuple[str, int]
"""A family and its severity."""


class Faults:
    """The corruptions that fit the inputs of a system, ready to be applied to them.

    Every sample has random numbers of its own, named by its row in the data: what happens to it does not depend on
    which others are worked on beside it. Raises `UnavailableError` where nothing of a table or series can fail.
    """

    def __init__(self, subject: Subject, test: LabelledData, run: Run) -> None:
        normal = normal_inputs(subject, test)
        self._specification = subject.description.model.input
        self._run = run
        self.kind = self._specification.kind
        self.range = value_range(self._specification, normal)
        self.layout = Layout(self._specification, test.inputs.shape[1:])
        self._sensors = None if self.kind == "image" else _sensors(normal, run.generator("sensors"))
        self._seeds: dict[str, int] = {}

    @property
    def families(self) -> tuple[str, ...]:
        """Families that the limits speak of: all that can change these inputs."""
        if self._sensors is None:
            return tuple(PICTURE_FAMILIES)
        without = {
            "wrong_category": not self._sensors.categorical.any(),
            "swapped_columns": np.count_nonzero(self._sensors.spread) < 2,
        }
        return tuple(family for family in self._readings if not without.get(family, False))

    def apply(self, family: str, severity: int, x: Samples, rows: NDArray[np.int64], purpose: str = "") -> Samples:
        """Samples `x`, which stand in `rows` of the data, under one family. `purpose` names other random numbers."""
        name = f"{purpose}{family}"
        if name not in self._seeds:
            self._seeds[name] = int(self._run.generator(name).integers(2**63))
        draws, legal = SampleDraws(self._seeds[name], rows), self.range
        if self._sensors is None:
            pictures = self.layout.channels_first(x)
            changed = corrupt_pictures(family, pictures, severity, draws, low=legal.low, high=legal.high)
            return self.layout.original(changed)
        return corrupt_readings(
            self._readings, family, x, self._sensors, severity, draws, low=legal.low, high=legal.high
        )

    def meet(self, condition: str, faults: Sequence[Fault], x: Samples, rows: NDArray[np.int64]) -> Samples:
        """Samples under a condition: its faults, one after the other."""
        for family, severity in faults:
            x = self.apply(family, severity, x, rows, purpose=f"condition/{condition}/")
        return x

    def declared(self, subject: Subject, conditions: Mapping[str, Condition]) -> dict[str, tuple[Fault, ...]]:
        """Faults of every condition that the system is made for and that can be simulated on such inputs.

        Raises `UnavailableError` for a condition made of families that do not exist here.
        """
        wanted = subject.description.operating_domain
        chosen = {
            name: condition.faults[self.kind]
            for name, condition in conditions.items()
            if self.kind in condition.faults and (wanted is None or name in wanted)
        }
        known = CONDITION_FAMILIES if self._sensors is None else self._readings
        for name, faults in chosen.items():
            for family, _ in faults:
                if family not in known:
                    raise UnavailableError(
                        Text(
                            f"the condition {name} is made of {family}, which no {self.kind} can suffer",
                            f"条件 {name} 包含扰动族 {family}，不适用于 {self.kind} 类输入",
                        ),
                        "conditions",
                        Text(f"use one of: {', '.join(known)}", f"可选：{', '.join(known)}"),
                    )
        return chosen

    @property
    def _readings(self) -> dict[str, Family]:
        return TABLE_FAMILIES if self.kind == "tabular" else SERIES_FAMILIES


def domain_note(
    subject: Subject, conditions: Mapping[str, Condition], simulated: Mapping[str, Sequence[Fault]]
) -> Note | None:
    """What the operating domain was taken to be: it is the applicant who can narrow it, and a reader has to see that.

    `None` for a profile without conditions that names none either.
    """
    wanted = subject.description.operating_domain
    if not conditions and wanted is None:
        return None

    def listed(names: Sequence[str], language: Language) -> str:
        titles = [conditions[name].title.render(language) if name in conditions else name for name in names]
        return ("、" if language == "zh" else ", ").join(titles) or ("无" if language == "zh" else "none")

    outside = [name for name in conditions if wanted is not None and name not in wanted]
    unmeasured = [name for name in (wanted or conditions) if name not in simulated]
    measured = list(simulated)
    return Note(
        code="operating-domain",
        text=Text(
            f"conditions simulated: {listed(measured, 'en')}; not simulated on these inputs: "
            f"{listed(unmeasured, 'en')}; conditions of the sector outside the declared operating domain: "
            f"{listed(outside, 'en')}",
            f"已模拟的条件：{listed(measured, 'zh')}；未在此类输入上模拟：{listed(unmeasured, 'zh')}；"
            f"行业条件中不属于所声明运行域的：{listed(outside, 'zh')}",
        ),
    )


def _sensors(normal: Samples, generator: np.random.Generator) -> Sensors:
    continuous = continuous_elements(normal)
    if not continuous.any():
        raise UnavailableError(
            Text("no input column is continuous, so no sensor can fail", "没有连续型输入列，无传感器故障可模拟"),
            "model.input",
        )
    return sensors_of(normal, continuous, generator)
