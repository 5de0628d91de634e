"""What a model makes of the inputs that failing sensors send: does it answer as surely as if nothing were wrong?"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from touchstone.checks.declaration import NUMBERS, Run
from touchstone.checks.shares import share_metric
from touchstone.checks.system_resilience.abstention import abstention_of
from touchstone.checks.system_resilience.inputs import Samples
from touchstone.errors import ArtifactError, UnavailableError
from touchstone.records import Metric, Note
from touchstone.system.models.handle import Capability, ModelHandle
from touchstone.system.subject import Subject
from touchstone.text import Text

SAMPLES = 50
"""Inputs of each kind that are tried, one by one: an input the model breaks off at says nothing about the next."""


def answered_surely(subject: Subject, run: Run) -> tuple[tuple[Metric, ...], tuple[Note, ...]]:
    """For each kind of faulty input, how many are answered as surely as half of the proper inputs are, or more.

    An input that the model refuses, breaks off at, answers with no number or abstains from is not answered. A model
    that gives labels only is sure of all its answers. A service is left in peace, because such inputs are abuse.
    """
    description = subject.description
    if description.model.input.kind not in NUMBERS or description.model.format == "http":
        return (), ()
    try:
        inputs, model = subject.data("test").inputs, subject.model()
    except (UnavailableError, ArtifactError):
        return (), ()
    if Capability.ANY_INPUT not in model.capabilities:
        return (), ()
    order = run.generator("faulty inputs").permutation(len(inputs))[:SAMPLES]
    proper = inputs[order]
    usual = float(np.median([_confidence(model, one, abstention_of(subject)) for one in proper[:, None]]))
    declared = description.model.input.high
    highest = inputs.max(axis=0) if declared is None else np.full(inputs.shape[1:], declared, dtype=inputs.dtype)
    element = run.generator("failing element").integers(proper[0].size, size=len(proper))
    metrics = []
    for kind, fails in _faults(highest, element).items():
        sure = [_confidence(model, one, abstention_of(subject)) for one in fails(proper)[:, None]]
        counted = sum(confidence >= usual and confidence > 0 for confidence in sure)
        metrics.append(share_metric("faulty_inputs_answered_surely", counted, len(sure), "lower", part=f"input={kind}"))
    note = Note(
        code="faulty-inputs",
        text=Text(
            "what the model answers to faulty inputs is for information: whether the system catches them before or "
            "after the model, only injected faults show",
            "模型对异常输入的回答仅供参考：系统能否在模型前后拦截，须由故障注入试验判断",
        ),
    )
    return tuple(metrics), (note,)


def _faults(highest: Samples, element: NDArray[np.int64]) -> dict[str, Callable[[Samples], Samples]]:
    """What failing sensors send in place of proper samples `(n, *shape)`."""

    def one_missing(x: Samples) -> Samples:
        flat = x.reshape(len(x), -1).copy()
        flat[np.arange(len(x)), element] = np.nan
        return flat.reshape(x.shape)

    return {
        "no-number": lambda x: np.full_like(x, np.nan),
        "one-value-missing": one_missing,
        "zero": np.zeros_like,
        "saturated": lambda x: np.broadcast_to(highest, x.shape),
    }


def _confidence(model: ModelHandle, one: Samples, abstention: int) -> float:
    """How sure the model is of its answer to one input `(1, *shape)`; 0 where it gives none."""
    try:
        if Capability.PROBABILITIES not in model.capabilities:
            return float(model.labels(one)[0] != abstention)
        probabilities = model.probabilities(one)[0]
    except ArtifactError:
        return 0.0
    return 0.0 if int(probabilities.argmax()) == abstention else float(probabilities.max())
