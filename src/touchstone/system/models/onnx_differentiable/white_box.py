"""The white box of an ONNX model: opened only when it answers as ONNX Runtime does."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from torch import Tensor, nn

from touchstone.errors import UnavailableError
from touchstone.system.classes import ClassNames
from touchstone.system.models.answers import normalisation
from touchstone.system.models.layers import normalising, not_layers
from touchstone.system.models.onnx_differentiable.agreement import disagreement, legal_inputs
from touchstone.system.models.onnx_differentiable.calls import Unsupported
from touchstone.system.models.onnx_differentiable.scores import LogScores
from touchstone.system.models.onnx_graph import read_onnx_graph
from touchstone.system.models.stages import Stage
from touchstone.text import Text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from touchstone.system.description import ModelDeclaration

Answers = Callable[["NDArray[np.float32]"], "NDArray[np.float64]"]
"""What the runtime answers to samples: logits or probabilities, as declared."""

MOST_KEPT: Final = 2**26
"""Numbers kept for the way back, over all samples of a portion; 256 MiB of float32."""
_ALONE: Final = 4
"""Samples that are also compared one by one."""


class WhiteBox:
    """A graph as a function from samples in the units of the description to scores `(n, K)` in a logarithmic scale.

    `batch` is the one size of batch that the graph takes, if it takes but one.
    """

    def __init__(
        self, data: bytes, where: str, output: str, declaration: ModelDeclaration, element: str, batch: int | None
    ) -> None:
        self._where, self._batch = where, batch
        self._numbers = 1
        self._probabilities = declaration.output.kind == "probabilities"
        self._mean, self._scale = map(torch.from_numpy, normalisation(declaration))
        self._element: torch.dtype = getattr(torch, element)
        try:
            self._scores = LogScores(
                read_onnx_graph(data, where), output, declaration.output.kind, ClassNames(declaration.output.labels)
            )
        except Unsupported as error:
            raise self.unavailable(error.why) from None

    @property
    def portion(self) -> int:
        """Samples of which a gradient can be taken at once."""
        return self._batch or max(MOST_KEPT // max(self._numbers, 1), 1)

    def weights(self) -> dict[str, Tensor]:
        """What training changes, by its name in the graph: the tensors themselves."""
        return self._scores.weights()

    def __call__(self, x: Tensor) -> Tensor:
        """The scores of a batch. Raises `UnavailableError` where the graph cannot be followed."""
        try:
            scores = self._scores(((x - self._mean) / self._scale).to(self._element))
        except Unsupported as error:
            raise self.unavailable(error.why) from None
        self._numbers = self._scores.numbers // max(len(x), 1)
        return scores.to(torch.float32)

    def stages(self) -> tuple[Stage, ...]:
        """The same as functions in a row."""
        before = Stage(lambda x: ((x - self._mean) / self._scale).to(self._element))
        return (before, *self._scores.stages(), Stage(lambda scores: scores.to(torch.float32)))

    def network(self, x: Tensor) -> nn.Sequential:
        """The same as layers in a row, scores on any scale. Raises `UnavailableError` for another kind of graph.

        The layers are compared with the graph on the samples `x`.
        """
        if self._element not in (torch.float32, torch.float64):
            raise not_layers(Text("it computes in half precision", "以半精度计算"), self._where)
        before = normalising(self._mean, self._scale, tuple(x.shape[1:]), self._where)
        try:
            behind = self._scores.layers(((x - self._mean) / self._scale).to(self._element))
        except Unsupported as error:
            raise not_layers(error.why, self._where) from None
        return nn.Sequential(*before, *behind)

    def compare(self, x: NDArray[np.float32], answers: Answers) -> Text | None:
        """How scores differ from the runtime's answers, or `None`; samples are asked together, and some alone."""
        theirs = answers(x)  # first, so that nothing runs here that the runtime itself cannot run
        together = self._answers(x, self._batch or len(x))
        reason = self._disagreement(together, theirs)
        if reason is None and self._batch is None:
            reason = self._disagreement(self._answers(x[:_ALONE], 1), theirs[:_ALONE])
        return reason

    def _disagreement(self, ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> Text | None:
        return disagreement(ours, theirs, probabilities=self._probabilities, exact=self._scores.exact)

    def _answers(self, x: NDArray[np.float32], size: int) -> NDArray[np.float64]:
        filled = np.concatenate([x, np.repeat(x[-1:], -len(x) % size, axis=0)])
        starts = range(0, len(filled), size)
        with torch.no_grad():
            parts = [self(torch.from_numpy(filled[at : at + size])).double().numpy() for at in starts]
        return np.concatenate(parts)[: len(x)]

    def unavailable(self, why: Text) -> UnavailableError:
        """An error that says why there are no gradients."""
        remedy = Text(
            "hand in the network as safetensors or a PyTorch export", "请以 safetensors 或 PyTorch 导出格式提交网络"
        )
        return UnavailableError(why, self._where, remedy)


def open_white_box(
    data: bytes,
    where: str,
    output: str,
    declaration: ModelDeclaration,
    element: str,
    batch: int | None,
    answers: Answers,
) -> WhiteBox:
    """The white box of a model, when it answers as `answers` does.

    Raises `UnavailableError` with the reason when it does not or when the graph cannot be followed. The samples for
    the comparison are drawn by the digest of the file.
    """
    white_box = WhiteBox(data, where, output, declaration, element, batch)
    seed = int.from_bytes(hashlib.sha256(data).digest()[:8], "big")
    reason = white_box.compare(legal_inputs(declaration, seed), answers)
    if reason is not None:
        raise white_box.unavailable(reason)
    return white_box
