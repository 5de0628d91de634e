"""A model as functions in a row, for methods that look at what goes on between its layers.

Unlike :meth:`~touchstone.system.models.handle.LayeredModel.network`, which demands plain layers, a stage may be
anything, a residual block as well: what matters is that one tensor alone goes from each stage to the next.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, runtime_checkable

from touchstone.errors import UnavailableError
from touchstone.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterable


class Stage(NamedTuple):
    """A function of PyTorch tensors, and how many layers with weights are in it."""

    function: Callable[[Any], Any]
    weighted: int = 0


@runtime_checkable
class StagedModel(Protocol):
    """A model that may show its stages."""

    def stages(self) -> tuple[Stage, ...]:
        """From samples `(n, *shape)` in the units of the description to scores `(n, K)` in a logarithmic scale.

        Needs `Capability.GRADIENTS`. A sample that goes through all stages counts as one query. Raises
        `UnavailableError` with the reason for a model that is not made of stages.
        """


def module_stages(modules: Iterable[Any]) -> tuple[Stage, ...]:
    """PyTorch modules in a row, as stages."""
    import torch

    with_weights = torch.nn.Conv2d | torch.nn.Linear
    return tuple(Stage(module, sum(isinstance(part, with_weights) for part in module.modules())) for module in modules)


def not_stages(why: Text, where: str) -> UnavailableError:
    """An error that says why a model cannot be read as stages in a row."""
    return UnavailableError(
        Text(f"cannot be cut between its layers: {why.en}", f"无法在层间切分：{why.zh}"),
        where,
        Text(
            "hand in the weights as safetensors with the layers declared, or an ONNX file",
            "请以 safetensors 提交权重并声明各层，或提交 ONNX 文件",
        ),
    )
