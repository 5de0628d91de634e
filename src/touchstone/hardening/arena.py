"""Where both systems are attacked: the same samples, the same attacker, the same dice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from touchstone.checks.system_resilience.inputs import Layout, normal_inputs, value_range
from touchstone.errors import UnavailableError
from touchstone.hardening.instructions import SAMPLES, Instructions, Recipe
from touchstone.methods.attacks.threat_model import (
    Classes,
    Samples,
    ThreatModel,
    interquartile_threat,
    uniform_threat,
)
from touchstone.system.subject import Subject
from touchstone.text import Text


@dataclass(frozen=True, slots=True)
class Arena:
    """The test samples that were drawn, channels first, and what the attacker may do to each."""

    x: Samples
    y: Classes
    ids: NDArray[np.int64]
    """Their rows in the test data, which name them for the dice."""
    available: int
    layout: Layout | None
    threat: ThreatModel
    width: float
    """Length of the legal range; 1 for a table, whose columns have units of their own."""
    seed: int

    def seen(self, x: Samples) -> Samples:
        """Samples as attacks take them."""
        return x if self.layout is None else self.layout.channels_first(x)

    def original(self, x: Samples) -> Samples:
        """Samples as the model takes them."""
        return x if self.layout is None else self.layout.original(x)


def arena_of(subject: Subject, wanted: Instructions) -> Arena:
    """Draw the samples. Raises `UnavailableError` where the data or the description do not allow what is wanted."""
    test = subject.data("test")
    if test.target is None:
        raise _unlabelled("data.test.target")
    specification = subject.description.model.input
    layout = None if specification.kind == "tabular" else Layout(specification, test.inputs.shape[1:])
    normal = normal_inputs(subject, test)
    seen = value_range(specification, normal)
    bounded = bool(np.isfinite([seen.low, seen.high]).all())
    if not bounded and (wanted.norm != "linf" or wanted.recipe is Recipe.SMOOTHING or layout is not None):
        raise _needs_one_unit()
    if layout is None and (wanted.norm != "linf" or wanted.recipe is Recipe.SMOOTHING):
        raise _needs_one_unit()
    if layout is None:
        threat = interquartile_threat(normal, float(wanted.eps), seen.low, seen.high)
    else:
        threat = uniform_threat(float(wanted.eps) * (seen.high - seen.low), seen.low, seen.high, wanted.norm)
    dice = np.random.default_rng([wanted.seed, 1])
    rows = np.sort(dice.permutation(len(test))[: SAMPLES[wanted.budget]])
    inputs = test.inputs[rows] if layout is None else layout.channels_first(test.inputs[rows])
    width = 1.0 if layout is None else seen.high - seen.low
    return Arena(inputs, test.target[rows], rows, len(test), layout, threat, width, wanted.seed)


def training_data(subject: Subject) -> tuple[Samples, Classes]:
    """The declared training data with its labels, in the layout of the model."""
    train = subject.data("train")
    if train.target is None:
        raise _unlabelled("data.train.target")
    return train.inputs, train.target


def _unlabelled(where: str) -> UnavailableError:
    return UnavailableError(
        Text("hardening needs labelled data", "加固需要带标签的数据"),
        where,
        Text("name the column or array of the true class", "请指定真实类别所在的列或数组"),
    )


def _needs_one_unit() -> UnavailableError:
    return UnavailableError(
        Text(
            "this recipe or norm needs inputs of one unit with a declared range",
            "该方法或范数要求输入单位一致并声明取值范围",
        ),
        "model.input",
        Text(
            "declare low and high of pictures and time series; for tables take adversarial-training in linf",
            "图像与时间序列请声明 low 与 high；表格请采用 linf 的 adversarial-training",
        ),
    )
