"""Networks as plain layers in a row, for methods that need to look inside and not only follow a gradient."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from touchstone.errors import UnavailableError
from touchstone.text import Text


def not_layers(why: Text, where: str) -> UnavailableError:
    """An error that says why a model cannot be read as layers in a row."""
    return UnavailableError(
        Text(f"cannot be read as layers in a row: {why.en}", f"无法读作逐层串联的网络：{why.zh}"),
        where,
        Text(
            "hand in the weights as safetensors with the layers declared, or an ONNX file without branches",
            "请以 safetensors 提交权重并声明各层，或提交无分支的 ONNX 文件",
        ),
    )


def scaling(scale: Tensor, shift: Tensor, shape: torch.Size) -> nn.Module | None:
    """`scale * z + shift` for values `(n, channels, ...)` of that shape, as batch normalisation at rest.

    `None` where the two are not the same for all places of a channel, which no plain layer does.
    """
    kinds = {2: nn.BatchNorm1d, 3: nn.BatchNorm1d, 4: nn.BatchNorm2d}
    if len(shape) not in kinds:
        return None
    each = [torch.broadcast_to(item, shape)[0].reshape(shape[1], -1) for item in (scale.float(), shift.float())]
    if any((item != item[:, :1]).any() for item in each):
        return None
    layer = kinds[len(shape)](shape[1], eps=0.0).eval().requires_grad_(False)
    layer.weight.copy_(each[0][:, 0])
    layer.bias.copy_(each[1][:, 0])
    return layer


def normalising(mean: Tensor, scale: Tensor, shape: tuple[int, ...], where: str) -> list[nn.Module]:
    """The declared preprocessing `(x - mean) / scale` of samples of that shape, as layers: one, or none to do nothing.

    Raises `UnavailableError` where it is not the same for all places of a channel.
    """
    if not bool(mean.any()) and bool((scale == 1).all()):
        return []
    layer = scaling(1 / scale.double(), -mean.double() / scale.double(), torch.Size([1, *shape]))
    if layer is None:
        raise not_layers(Text("channels do not come first", "通道不在首位"), where)
    return [layer]


def one_column_as_two(*, probability: bool) -> nn.Linear:
    """Scores of two classes of what a model says about the second alone: its probability, or its lead."""
    layer = nn.Linear(1, 2).requires_grad_(False)
    layer.weight.copy_(torch.tensor([[-1.0 if probability else 0.0], [1.0]]))
    layer.bias.copy_(torch.tensor([1.0 if probability else 0.0, 0.0]))
    return layer
