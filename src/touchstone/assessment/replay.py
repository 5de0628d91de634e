"""Stored adversarial samples asked once more: one answer of the model to each says whether it is still broken.

Runs in a worker like every check, as arrays and model come from strangers. Besides the answer it looks at what makes
the sample a proof: that it was made of a sample of the system's own test data, and by no more than the threat allows.
"""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from touchstone.assessment.seeds import seed_of
from touchstone.canonical import Digest, digest_of
from touchstone.checks.declaration import Check, Measurement, MetricDeclaration, Needs, Parameters, Run
from touchstone.errors import EvidenceError
from touchstone.records import CheckIdentity, Metric, PlanItem, number
from touchstone.system.subject import Subject
from touchstone.text import Text

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ARRAYS: Final = "adversarial_examples.npz"
ROUNDING: Final = 1e-6
"""Share of the radius by which a change may be longer: the evidence holds the radius in decimals."""
_NAMES: Final = ("row", "target", "adversarial", "original")


class ReplayParameters(Parameters):
    """Where the stored samples lie, and what the threat model allows."""

    file: str
    digest: Digest
    norm: Literal["linf", "l2", "l1"]
    epsilon: tuple[float, ...]
    """One radius, or one for each element of a sample."""


def _replay(subject: Subject, parameters: ReplayParameters, run: Run) -> Measurement:
    arrays = _arrays(parameters)
    test = subject.data("test")
    target, row, adversarial, original = arrays["target"], arrays["row"], arrays["adversarial"], arrays["original"]
    fits = adversarial.shape == original.shape == (len(row), *test.inputs.shape[1:]) and row.shape == target.shape
    if test.target is None or not fits or not len(row) or row.min() < 0 or row.max() >= len(test):
        raise _fault(Text("does not fit the test data", "与测试数据不符"))
    genuine = (test.inputs[row] == original).reshape(len(row), -1).all(axis=1) & (test.target[row] == target)
    genuine &= _within(parameters, original, adversarial)
    broken = genuine & (subject.model().labels(adversarial) != target)
    return Measurement((_count("stored", len(row)), _count("genuine", genuine.sum()), _count("broken", broken.sum())))


def _arrays(parameters: ReplayParameters) -> dict[str, NDArray[Any]]:
    import numpy as np

    content = Path(parameters.file).read_bytes()
    if digest_of(content) != parameters.digest:
        raise _fault(Text("changed since it was read", "在读取之后被更改"))
    try:
        with np.load(BytesIO(content), allow_pickle=False) as archive:
            found = {name: archive[name] for name in _NAMES}
        kinds = {"row": np.int64, "target": np.int64, "adversarial": np.float32, "original": np.float32}
        return {name: found[name].astype(kind, casting="safe") for name, kind in kinds.items()}
    except Exception as error:  # arrays of strangers may fail in any way
        raise _fault(
            Text(
                f"is no file of adversarial samples: {type(error).__name__}",
                f"不是对抗样本文件：{type(error).__name__}",
            )
        ) from None


def _within(
    parameters: ReplayParameters, original: NDArray[np.float32], adversarial: NDArray[np.float32]
) -> NDArray[np.bool_]:
    """Whether each change is within the radius, in units of what each element may move."""
    import numpy as np

    step = np.abs(adversarial.astype(np.float64) - original).reshape(len(original), -1)
    epsilon = np.asarray(parameters.epsilon)
    if epsilon.size not in (1, step.shape[1]):
        raise _fault(Text("does not fit the threat model", "与威胁模型不符"))
    moved = np.where(step > 0, step / np.where(epsilon > 0, epsilon, np.nan), 0.0)
    order = {"linf": np.inf, "l2": 2, "l1": 1}[parameters.norm]
    return np.asarray(np.linalg.norm(moved, ord=order, axis=1) <= 1 + ROUNDING)


def _fault(what: Text) -> EvidenceError:
    return EvidenceError(what, ARRAYS)


def _count(name: str, value: int) -> Metric:
    return Metric(id=name, unit="count", value=number(int(value)), n=int(value), better="higher")


REPLAY = Check(
    id="replay",
    version="1",
    title=Text("Replay of stored adversarial samples", "重放所存对抗样本"),
    measures=Text("How many stored samples are still answered wrongly.", "所存样本中仍被误判的数量。"),
    cannot_tell=Text("Whether other samples can be broken.", "不能说明其他样本可否被攻破。"),
    remedy=Text(
        "Take the system that was tested, and evidence that nobody changed.", "请使用受测系统与未经改动的证据。"
    ),
    threats=(),
    source="",
    needs=Needs(),
    metrics=(
        MetricDeclaration("stored", "count", "higher", Text("stored samples", "所存样本")),
        MetricDeclaration("genuine", "count", "higher", Text("made of the test data", "由测试数据改动而成")),
        MetricDeclaration("broken", "count", "higher", Text("still broken", "仍被攻破")),
    ),
    parameters=ReplayParameters,
    cost=None,
    function=_replay,
)


def replay_item(subject: Subject, parameters: ReplayParameters) -> PlanItem:
    """The replay as work for the engine."""
    return PlanItem(
        check=CheckIdentity(id=REPLAY.id, version=REPLAY.version),
        controls=(),
        runs=True,
        parameters={**parameters.model_dump(mode="json"), "epsilon": [repr(value) for value in parameters.epsilon]},
        seed=seed_of(subject.digest, REPLAY.id, REPLAY.version),
    )
