"""A model as something that can be trained further: its weights as tensors, and the file it is when they have changed.

Only where the file itself says all that is computed: layers declared beside safetensors weights, and ONNX graphs that
are followed backwards. The file that comes out differs from the one that went in by the values of its weights alone.
Statistics of batch normalisation stay as they are, as in service.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from touchstone.errors import UnavailableError
from touchstone.system.models.onnx import OnnxModel, open_onnx
from touchstone.system.models.onnx_graph import read_onnx_graph
from touchstone.system.models.opening import open_unsmoothed
from touchstone.system.models.torch import TorchModel, build, require_torch
from touchstone.text import Text

if TYPE_CHECKING:
    from touchstone.system.subject import Subject


@dataclass(frozen=True, slots=True)
class Trainable:
    """A differentiable model whose weights may be changed in place."""

    function: Callable[[Any], Any]
    """From tensors `(n, *shape)` in the units of the description to scores `(n, K)` in a logarithmic scale."""
    weights: dict[str, Any]
    """Leaves of the graph that `function` makes, which take gradients."""
    suffix: str
    """How the names of such files end."""
    file: Callable[[], bytes]
    """The model file with the weights as they are now."""


def open_trainable(subject: Subject) -> Trainable:
    """The model of a subject, opened once more, with weights of its own.

    Raises `UnavailableError` for a model that cannot be trained further here, and like `open_model`.
    """
    declaration = subject.description.model
    path = declaration.file
    if declaration.format not in {"safetensors", "onnx"} or path is None:
        raise UnavailableError(
            Text(
                f"a model of format {declaration.format} cannot be trained further here",
                f"此处无法继续训练 {declaration.format} 形式的模型",
            ),
            "model.format",
            Text(
                "hand in the network as ONNX, or as safetensors with its layers; "
                "or use --recipe smoothing --no-fine-tuning, which leaves the weights alone",
                "请以 ONNX 或附层结构声明的 safetensors 提交网络；"
                "或使用不改动权重的 --recipe smoothing --no-fine-tuning",
            ),
        )
    require_torch(path)
    open_unsmoothed(subject)  # says what is wrong with the model, before anything is done with it
    return _declared_layers(subject, path) if declaration.format == "safetensors" else _graph(subject, path)


def _declared_layers(subject: Subject, path: str) -> Trainable:
    import safetensors.torch

    declaration = subject.description.model
    tensors = safetensors.torch.load(subject.read(path))
    layers = declaration.architecture or []
    network = build(layers, tensors, path)
    names = {str(place): layer.name or str(place) for place, layer in enumerate(layers)}
    weights = {}
    for placed, weight in network.named_parameters():
        place, _, part = placed.partition(".")
        weights[f"{names[place]}.{part}"] = weight.requires_grad_(True)

    def file() -> bytes:
        changed = {name: weight.detach().clone().contiguous() for name, weight in weights.items()}
        return bytes(safetensors.torch.save({**tensors, **changed}))

    return Trainable(TorchModel(declaration, network, path).differentiable(), weights, ".safetensors", file)


def _graph(subject: Subject, path: str) -> Trainable:
    data = subject.read(path)
    model: OnnxModel = open_onnx(subject, path)
    function = model.differentiable()
    stored = read_onnx_graph(data, path).constants
    in_file = np.frombuffer(data, dtype=np.uint8)
    weights = {
        name: weight.requires_grad_(True)
        for name, weight in model.weights().items()
        if name in stored and stored[name].dtype == np.dtype("<f4") and np.may_share_memory(stored[name], in_file)
    }
    if not weights:
        raise UnavailableError(
            Text("its graph holds no float32 weights that training could change", "计算图中没有可训练的 float32 权重"),
            path,
            Text("export the network as float32, not quantised", "请以 float32 导出网络，不要量化"),
        )

    def file() -> bytes:
        changed = in_file.copy()
        for name, weight in weights.items():
            start = _address(stored[name]) - _address(in_file)  # constants are views of the file
            changed[start : start + stored[name].nbytes] = np.frombuffer(weight.detach().numpy().tobytes(), np.uint8)
        return changed.tobytes()

    return Trainable(function, weights, ".onnx", file)


def _address(array: np.ndarray[Any, Any]) -> int:
    return int(array.__array_interface__["data"][0])
