"""What a reference shares with the system it is compared with: architecture, preprocessing, data."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from touchstone.canonical import Digest, digest_of_json
from touchstone.errors import UnavailableError
from touchstone.system.data.dataset import LabelledData
from touchstone.system.description import Role
from touchstone.system.models.answers import normalisation
from touchstone.system.models.handle import Capability
from touchstone.system.models.torch import require_torch
from touchstone.system.subject import Subject
from touchstone.text import Text
from touchstone.training.architecture import Architecture
from touchstone.training.networks import Scaling

WHERE = "model.architecture"


@dataclass(frozen=True, slots=True)
class Blueprint:
    """Everything of a system that its references are trained from.

    `x` `(n, *shape)` and `y` `(n,)` are its training data, `test_x` and `test_y` its test data; `biases` names the
    layers with a bias; `accuracy` is what the applicant claims, or what the system itself reaches on the test data.
    """

    architecture: Architecture
    biases: frozenset[str]
    scaling: Scaling
    classes: int
    moves: bool
    """Whether inputs are pictures with the channels first, which may be shifted."""
    x: NDArray[np.float32]
    y: NDArray[np.int64]
    test_x: NDArray[np.float32]
    test_y: NDArray[np.int64]
    accuracy: float

    @property
    def digest(self) -> Digest:
        """What references must agree on with the system, as one name: all but the accuracy and the test data."""
        return digest_of_json(
            {
                "architecture": [part.model_dump(mode="json") for part in self.architecture],
                "biases": sorted(self.biases),
                "arrays": [
                    {"shape": list(array.shape), "sha256": hashlib.sha256(array.tobytes()).hexdigest()}
                    for array in (self.scaling.mean, self.scaling.scale, self.x, self.y)
                ],
                "classes": self.classes,
            }
        )


def blueprint_of(subject: Subject) -> Blueprint:
    """What to train references of a system from.

    Raises `UnavailableError` saying why there can be none: no architecture that could be trained, no training data.
    """
    require_torch("references")
    declaration = subject.description.model
    if declaration.task != "classification":
        raise UnavailableError(Text("is not a classifier", "不是分类模型"), "model.task")
    architecture, biases = _architecture(subject)
    classes = len(declaration.output.labels)
    last = architecture[-1]
    if getattr(last, "outputs", None) != classes:
        raise UnavailableError(
            Text(
                f"does not end in a linear layer with one output for each of the {classes} classes",
                f"末层不是为 {classes} 个类别各给出一个输出的线性层",
            ),
            WHERE,
        )
    train, test = _labelled(subject, "train"), _labelled(subject, "test")
    picture = declaration.input.kind == "image" and declaration.input.layout == "CHW" and train.inputs.ndim == 4
    return Blueprint(
        architecture=architecture,
        biases=biases,
        scaling=Scaling(*normalisation(declaration)),
        classes=classes,
        moves=picture,
        x=np.ascontiguousarray(train.inputs),
        y=_target(train),
        test_x=np.ascontiguousarray(test.inputs),
        test_y=_target(test),
        accuracy=_accuracy(subject, test),
    )


def _architecture(subject: Subject) -> tuple[Architecture, frozenset[str]]:
    """The layers, and which of them have a bias."""
    from touchstone.training.onnx_layers import onnx_layers

    declaration = subject.description.model
    if declaration.format == "onnx" and declaration.file is not None:
        return onnx_layers(subject.read(declaration.file), declaration.file)
    if declaration.format != "safetensors" or not declaration.architecture or declaration.file is None:
        raise UnavailableError(
            Text(
                f"the architecture of a model handed in as {declaration.format} is not known well enough to train it",
                f"以 {declaration.format} 提交的模型，其结构信息不足以重新训练",
            ),
            WHERE,
            Text(
                "hand it in as safetensors with its layers declared, or as ONNX",
                "请以 safetensors 并声明各层的方式提交，或以 ONNX 提交",
            ),
        )
    from safetensors.numpy import load

    tensors = load(subject.read(declaration.file))
    named = {str(place): layer.name or str(place) for place, layer in enumerate(declaration.architecture)}
    biases = frozenset(place for place, name in named.items() if f"{name}.bias" in tensors)
    unnamed = tuple(layer.model_copy(update={"name": None}) for layer in declaration.architecture)
    return unnamed, biases


def _labelled(subject: Subject, role: Role) -> LabelledData:
    data = subject.data(role)
    if data.target is None:
        raise UnavailableError(Text("has no labels", "没有标签"), f"data.{role}.target")
    return data


def _target(data: LabelledData) -> NDArray[np.int64]:
    return np.asarray(data.target, dtype=np.int64)


def _accuracy(subject: Subject, test: LabelledData) -> float:
    claimed = subject.description.model.claims.get("accuracy")
    if claimed is not None:
        return claimed
    model = subject.model()
    if Capability.LABELS not in model.capabilities:
        raise UnavailableError(Text("gives no labels", "不给出标签"), "model.access")
    return float((model.labels(test.inputs) == test.target).mean())
