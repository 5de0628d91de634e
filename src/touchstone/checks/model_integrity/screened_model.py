"""What the backdoor screen needs of a system: the model cut open, and vetted pictures that it answers correctly.

A wrong range or normalisation looks like a backdoor in every class. So before anything is screened, the model must
answer the vetted pictures as well as it is said to.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from touchstone.checks.system_resilience.inputs import Layout, Samples, ValueRange, value_range
from touchstone.errors import UnavailableError
from touchstone.statistics import proportion_bounds
from touchstone.system.data.dataset import LabelledData
from touchstone.system.models.handle import Capability, ConfirmedGradients, ModelHandle
from touchstone.system.models.stages import Stage, StagedModel
from touchstone.system.subject import Subject
from touchstone.text import Text

if TYPE_CHECKING:
    from touchstone.methods.backdoor.screen.network import CutNetwork
    from touchstone.methods.backdoor.screen.scores import Vetted

ENOUGH = 10
"""Vetted pictures of each class below which the screen decides nothing."""
MOST = 20
"""Vetted pictures of each class that are used."""
SLACK = 0.05
"""By how much the model may miss its claimed accuracy on the vetted pictures."""
_COUNTED = 1000
"""Most pictures on which the accuracy is counted."""


@dataclass(frozen=True, slots=True)
class ScreenedModel:
    """A model cut open, as a function of pictures with the channels first, and the pictures to screen it with."""

    model: ModelHandle
    network: CutNetwork
    layout: Layout
    range: ValueRange
    vetted: Vetted | None
    """`None` where no labelled pictures of every class were handed in."""
    per_class: int
    """Vetted pictures there are of the rarest class."""

    def cut(self, stages: Iterable[Stage]) -> CutNetwork:
        """Another network of the same inputs, cut by the same rule."""
        return _cut(self.layout, stages)


def screened_model(subject: Subject) -> ScreenedModel:
    """Open the model and choose the vetted pictures. Raises `UnavailableError` with what stands in the way."""
    model = subject.model()
    stages = _stages(model)
    data = _vetted_data(subject)
    specification = subject.description.model.input
    layout = Layout(specification, tuple(specification.shape or ()))
    if len(layout.shape) not in (2, 3):
        raise UnavailableError(Text("is not the shape of a picture", "不是图像的形状"), "model.input.shape")
    legal = _range(subject, data)
    network = _cut(layout, stages)
    if data is None or data.target is None:
        return ScreenedModel(model, network, layout, legal, None, 0)
    _validate(subject, model, data)
    per_class = int(np.bincount(data.target, minlength=model.classes).min())
    vetted = _halves(data, layout, model.classes, legal) if per_class > 1 else None
    return ScreenedModel(model, network, layout, legal, vetted, per_class)


def _stages(model: ModelHandle) -> tuple[Stage, ...]:
    if Capability.GRADIENTS not in model.capabilities:
        reason = model.no_gradients if isinstance(model, ConfirmedGradients) else None
        reason = reason or Text("the model gives no gradients", "该模型不提供梯度")
        raise UnavailableError(
            Text(f"no gradients: {reason.en}", f"无梯度：{reason.zh}"),
            "model",
            Text(
                "hand in the network itself, as ONNX or as safetensors with its layers declared",
                "请提交网络本身：ONNX，或声明各层的 safetensors",
            ),
        )
    if not isinstance(model, StagedModel):
        raise UnavailableError(Text("is not made of layers", "不由网络层构成"), "model")
    return model.stages()


def _cut(layout: Layout, stages: Iterable[Stage]) -> CutNetwork:
    from touchstone.methods.backdoor.screen.network import CannotBeCutError, cut_network

    def original(x: Any) -> Any:
        return x.movedim(1, -1) if layout.channels_last else x.reshape(len(x), *layout.shape)

    row = [Stage(original), *stages]
    try:
        return cut_network([stage.function for stage in row], [stage.weighted for stage in row])
    except CannotBeCutError:
        raise UnavailableError(
            Text("has fewer than three layers with weights in a row", "串联的带权层不足三层"),
            "model",
            Text("the screen looks between layers; nothing can be done about it", "筛查须观察层间特征，此模型无法适用"),
        ) from None


def _vetted_data(subject: Subject) -> LabelledData | None:
    """Reference data before test data: they were vetted for what they are."""
    if subject.description.data.reference is not None and (data := subject.data("reference")).target is not None:
        return data
    return subject.data("test") if subject.description.data.test is not None else None


def _range(subject: Subject, data: LabelledData | None) -> ValueRange:
    specification = subject.description.model.input
    if data is not None:
        return value_range(specification, data.inputs)
    if specification.low is None or specification.high is None:
        raise UnavailableError(
            Text("neither pictures nor their range of values are known", "既无图像，也未声明取值范围"),
            "model.input",
            Text("declare low and high, or hand in test data", "请声明 low 与 high，或提交测试数据"),
        )
    return ValueRange(specification.low, specification.high, declared=True)


def _validate(subject: Subject, model: ModelHandle, data: LabelledData) -> None:
    """Whether range and preprocessing are as declared: the model knows the pictures. That they lie in the range was
    seen when they were read."""
    inputs, target = data.inputs[:_COUNTED], data.target
    assert target is not None  # noqa: S101 - labelled data only come here
    correct = int((model.labels(inputs) == target[: len(inputs)]).sum())
    low, high = proportion_bounds(correct, len(inputs))
    claimed = subject.description.model.claims.get("accuracy")
    chance = 1 / model.classes
    if (claimed is not None and high < claimed - SLACK) or low <= chance:
        demanded = f"{claimed:.3f}" if claimed is not None else f"> {chance:.3f}"
        raise _wrong_inputs(
            Text(
                f"the model answers {correct} of {len(inputs)} vetted pictures correctly; expected was {demanded}",
                f"模型对 {len(inputs)} 张可信图像仅正确判定 {correct} 张；应为 {demanded}",
            )
        )


def _wrong_inputs(what: Text) -> UnavailableError:
    return UnavailableError(
        what,
        "model.input",
        Text(
            "check low, high, layout and normalisation against the code that trained the model: a wrong scale looks "
            "like a backdoor in every class",
            "请对照训练代码核对 low、high、layout 与 normalisation：缩放有误时每个类别都会像是含有后门",
        ),
    )


def _halves(data: LabelledData, layout: Layout, classes: int, legal: ValueRange) -> Vetted:
    """As many of each class, in the order of the file: one half to search with, one to judge by."""
    from touchstone.methods.backdoor.screen.scores import Vetted

    target = np.asarray(data.target)
    places = [np.flatnonzero(target == label)[:MOST] for label in range(classes)]
    searched, held = (np.concatenate([rows[start::2] for rows in places]) for start in (0, 1))

    def pictures(rows: Any) -> Samples:
        return layout.channels_first(np.ascontiguousarray(data.inputs[rows], dtype=np.float32))

    return Vetted(pictures(searched), target[searched], pictures(held), target[held], classes, legal.low, legal.high)
