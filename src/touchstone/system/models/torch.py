"""PyTorch models: safetensors weights in a declared sequential architecture, or an exported graph.

Neither way unpickles anything or imports the supplier's code. The declared layers are built here, of exactly the
kinds the description knows; an exported graph is read as data and interpreted
(:mod:`touchstone.system.models.torch_export`).
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from touchstone.errors import ArtifactError, DescriptionError, UnavailableError, UserError
from touchstone.system.models.answers import BATCH, AnsweringModel, first_line
from touchstone.system.models.handle import Capability
from touchstone.system.models.stages import Stage, module_stages, not_stages
from touchstone.text import Text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from touchstone.system.description import Layer, ModelDeclaration
    from touchstone.system.subject import Subject


def require_torch(where: str) -> None:
    """Raise `UnavailableError` with the remedy when PyTorch is not installed."""
    if not all(importlib.util.find_spec(library) for library in ("torch", "safetensors")):
        raise UnavailableError(
            Text("this model needs PyTorch", "该模型需要 PyTorch"),
            where,
            Text("pip install 'touchstone[torch]'", "pip install 'touchstone[torch]'"),
        )


def open_safetensors(subject: Subject, path: str) -> TorchModel:
    """Open the weights at `path` in the declared architecture.

    Raises `ArtifactError` naming the tensor or layer when weights and architecture do not fit each other exactly,
    and `UnavailableError` when PyTorch is not installed.
    """
    require_torch(path)
    declaration = subject.description.model
    if not declaration.architecture:
        problem = UserError(
            Text("safetensors holds weights only; the layers are not declared", "safetensors 仅含权重；未声明网络层"),
            "model.architecture",
            Text("declare the layers in order, or export the model to ONNX", "请按顺序声明各层，或将模型导出为 ONNX"),
        )
        raise DescriptionError([problem])
    module = build(declaration.architecture, _tensors(subject.read(path), path), path)
    return TorchModel(declaration, module, path)


def open_torch_export(subject: Subject, path: str) -> TorchModel:
    """Open the exported graph (`.pt2`) at `path`. Raises like :func:`open_safetensors`."""
    require_torch(path)
    from touchstone.system.models.torch_export import read_exported_graph

    graph = read_exported_graph(subject.read(path), path)
    return TorchModel(subject.description.model, graph, path, graph.batch)


class TorchModel(AnsweringModel):
    """A differentiable function of tensors, run on the CPU in evaluation mode.

    Weights take no gradients, so none is kept; normalisation is part of the graph, so gradients are with respect to
    the inputs as the description has them.
    """

    def __init__(
        self, declaration: ModelDeclaration, function: Callable[[Any], Any], where: str, batch: int | None = None
    ) -> None:
        super().__init__(declaration, where, batch=batch or BATCH, fixed=batch is not None, differentiable=True)
        import torch

        self._torch = torch
        self._function = function
        self._tensor_mean, self._tensor_scale = torch.from_numpy(self._mean), torch.from_numpy(self._scale)

    def forward(self, batch: NDArray[np.float32]) -> NDArray[Any]:
        """The output tensor."""
        with self._torch.inference_mode():
            return np.asarray(self._run(self._torch.from_numpy(batch)).numpy())

    def tensor_forward(self, batch: Any) -> Any:
        """The output tensor, with the graph that leads to it."""
        return self._run(batch)

    def network(self) -> Any:
        """The declared layers behind the declared preprocessing, as a `torch.nn.Sequential`."""
        from touchstone.system.models.layers import normalising, not_layers, one_column_as_two

        self._require(Capability.GRADIENTS)
        nn = self._torch.nn
        if not isinstance(self._function, nn.Sequential):
            raise not_layers(Text("it is an exported graph", "其为导出的计算图"), self.where)
        before = normalising(self._tensor_mean, self._tensor_scale, self._shape, self.where)
        network = nn.Sequential(*before, *self._function)
        with self._torch.inference_mode():
            columns = network(self._torch.zeros((1, *self._shape))).shape[1:]
        if self.classes == 2 and columns == (1,):
            network.append(one_column_as_two(probability=self._kind == "probabilities"))
        return network

    def stages(self) -> tuple[Stage, ...]:
        """The declared preprocessing, the declared layers, and what makes scores of their answer."""
        self._require(Capability.GRADIENTS)
        if not isinstance(self._function, self._torch.nn.Sequential):
            raise not_stages(Text("it is an exported graph", "其为导出的计算图"), self.where)
        before = Stage(lambda x: (x - self._tensor_mean) / self._tensor_scale)
        return self.counted((before, *module_stages(self._function), Stage(self.log_scores)))

    def _run(self, x: Any) -> Any:
        try:
            return self._function((x - self._tensor_mean) / self._tensor_scale)
        except ArtifactError:
            raise
        except Exception as error:  # a forged graph can fail in any way
            raise self.fault(Text(f"failed to run: {first_line(error)}", f"运行失败：{first_line(error)}")) from None


def build(architecture: list[Layer], tensors: Mapping[str, Any], where: str) -> Any:
    """The declared layers as a `torch.nn.Sequential` in evaluation mode, holding exactly the given tensors.

    A layer's tensors are named `<name>.weight`, `<name>.bias`, …; a layer without a name is called by its place,
    counted from 0, as PyTorch does. A layer has a bias when the file holds one. Layers are made without memory or
    initial values, so that no random number is drawn.
    """
    import torch

    sequence = []
    used: set[str] = set()
    for place, layer in enumerate(architecture):
        name = layer.name or str(place)
        with torch.device("meta"):
            module = layer_module(
                torch.nn, layer, f"{name}.bias" in tensors, f"{where}, layer {place + 1} ({layer.kind})"
            )
        state = {}
        for part, expected in module.state_dict().items():
            key = f"{name}.{part}"
            if part == "num_batches_tracked":  # a counter of training; evaluation does not read it
                state[part] = tensors.get(key, torch.zeros((), dtype=torch.int64))
            elif key not in tensors:
                raise _mismatch(Text(f"has no tensor {key!r}", f"没有张量 {key!r}"), where)
            else:
                state[part] = tensors[key].to(torch.float32)
            if state[part].shape != expected.shape:
                have, want = tuple(state[part].shape), tuple(expected.shape)
                raise _mismatch(
                    Text(
                        f"the tensor {key!r} has shape {have}, the declared layer needs {want}",
                        f"张量 {key!r} 的形状为 {have}，声明的层需要 {want}",
                    ),
                    where,
                )
            used.add(key)
        module.load_state_dict(state, strict=True, assign=True)
        sequence.append(module)
    unused = sorted(set(tensors) - used)
    if unused:
        raise _mismatch(
            Text(
                f"holds {unused[0][:200]!r}, which no declared layer uses", f"张量 {unused[0][:200]!r} 未被任何层使用"
            ),
            where,
        )
    return torch.nn.Sequential(*sequence).eval().requires_grad_(False)


def layer_module(nn: Any, layer: Layer, bias: bool, where: str) -> Any:
    """One layer. `kernel` and both sizes must be declared where the kind needs them."""

    def needed(field: str) -> int:
        value = getattr(layer, field)
        if value is None:
            raise ArtifactError(
                Text(f"{field} is not declared", f"未声明 {field}"),
                where,
                Text(f"declare {field} in model.architecture", f"请在 model.architecture 中声明 {field}"),
            )
        return int(value)

    strides = {"stride": layer.stride, "padding": layer.padding}
    makers: dict[str, Callable[[], Any]] = {
        "linear": lambda: nn.Linear(needed("inputs"), needed("outputs"), bias=bias),
        "conv2d": lambda: nn.Conv2d(needed("inputs"), needed("outputs"), needed("kernel"), **strides, bias=bias),
        "batchnorm2d": lambda: nn.BatchNorm2d(needed("inputs")),
        "relu": nn.ReLU,
        "maxpool2d": lambda: nn.MaxPool2d(needed("kernel"), **strides),
        "avgpool2d": lambda: nn.AvgPool2d(needed("kernel"), **strides),
        "globalavgpool": lambda: nn.AdaptiveAvgPool2d(1),
        "flatten": nn.Flatten,
    }
    return makers[layer.kind]()


def _tensors(data: bytes, where: str) -> dict[str, Any]:
    import safetensors.torch

    try:
        return dict(safetensors.torch.load(data))
    except Exception as error:  # the parser has several errors of its own
        raise _mismatch(
            Text(
                f"is not a readable safetensors file: {first_line(error)}",
                f"不是可读取的 safetensors 文件：{first_line(error)}",
            ),
            where,
        ) from None


def _mismatch(what: Text, where: str) -> ArtifactError:
    return ArtifactError(
        what,
        where,
        Text(
            "make model.architecture and the weights file agree, tensor by tensor",
            "请使 model.architecture 与权重文件逐个张量一致",
        ),
    )
