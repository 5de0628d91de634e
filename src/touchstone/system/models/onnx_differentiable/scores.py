"""The answer of a graph as scores in a logarithmic scale.

Probabilities that were rounded to zero or one have no slope left. Where they come from a softmax or a sigmoid, the
logarithm is therefore taken of what goes into it, which is the same function without the rounding.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from touchstone.system.classes import ClassNames
from touchstone.system.models.answers import SMALLEST_PROBABILITY
from touchstone.system.models.layers import one_column_as_two
from touchstone.system.models.onnx_differentiable.calls import Call, Unsupported
from touchstone.system.models.onnx_differentiable.interpreter import Interpreter
from touchstone.system.models.onnx_differentiable.reductions import log_softmax
from touchstone.system.models.onnx_differentiable.sequence import sequence_of
from touchstone.system.models.onnx_graph import OnnxGraph, OnnxNode
from touchstone.system.models.stages import Stage
from touchstone.text import Text

_FLOATS: Final = (1, 10, 11)
"""Element types between which a cast changes no more than rounding."""


class LogScores:
    """Scores `(n, K)` in a logarithmic scale, as a function of the input tensor of a graph.

    `exact` says that small probabilities are as precise as large ones. Raises `Unsupported` for a graph that cannot be
    followed.
    """

    def __init__(self, graph: OnnxGraph, output: str, kind: str, labels: ClassNames) -> None:
        self._kind, self._classes = kind, len(labels.labels)
        last, self._order = _behind_wrapping(graph, output, labels)
        makers = {name: node for node in graph.nodes for name in node.outputs[:1]}
        maker = makers.get(last) if kind == "probabilities" else None
        self._ending: Callable[[Tensor], Tensor] = self._plain
        if maker is not None and maker.domain == "ai.onnx" and maker.operator in ("Softmax", "Sigmoid"):
            last = maker.inputs[0]
            self._ending = _log_softmax(maker, graph.opsets) if maker.operator == "Softmax" else self._log_sigmoid
        self.exact = kind == "logits" or self._ending != self._plain
        if len(graph.sources) != 1:
            raise Unsupported(Text(f"takes {len(graph.sources)} inputs", f"有 {len(graph.sources)} 个输入"))
        self._interpreter = Interpreter(graph, graph.sources[0], last)

    @property
    def numbers(self) -> int:
        """How many numbers the values of the last call held."""
        return self._interpreter.numbers

    def weights(self) -> dict[str, Tensor]:
        """What training changes, by its name in the graph."""
        return self._interpreter.weights()

    def __call__(self, x: Tensor) -> Tensor:
        """The scores of a batch."""
        return self._as_scores(self._interpreter(x))

    def stages(self) -> list[Stage]:
        """The same as functions in a row."""
        return [*self._interpreter.stages(), Stage(self._as_scores)]

    def _as_scores(self, answer: Tensor) -> Tensor:
        """What the graph answers, as scores."""
        scores = self._ending(answer)
        if self._classes == 2 and scores.shape in ((len(answer),), (len(answer), 1)):
            second = scores.reshape(-1, 1)  # a logit: the score of the second class over the first
            scores = torch.cat([torch.zeros_like(second), second], dim=1)
        if scores.shape != (len(answer), self._classes):
            raise Unsupported(
                Text(f"answers the shape {tuple(scores.shape)}", f"输出形状为 {tuple(scores.shape)}"),
            )
        return scores if self._order is None else scores[:, self._order]

    def layers(self, x: Tensor) -> list[nn.Module]:
        """Layers in a row whose scores order the classes like these. Raises `Unsupported` for another kind of graph."""
        found = sequence_of(self._interpreter, x)
        with torch.no_grad():
            columns = nn.Sequential(*found)(x[:1]).shape[1:]
        if self._classes == 2 and columns == (1,):
            plain = self._kind == "probabilities" and self._ending == self._plain
            found.append(one_column_as_two(probability=plain))
        elif columns != (self._classes,):
            raise Unsupported(Text(f"answers the shape {tuple(columns)}", f"输出形状为 {tuple(columns)}"))
        if self._order is not None:
            reorder = nn.Linear(self._classes, self._classes, bias=False).requires_grad_(False)
            reorder.weight.copy_(torch.eye(self._classes)[self._order])
            found.append(reorder)
        return found

    def _plain(self, answer: Tensor) -> Tensor:
        if self._kind == "logits":
            return answer
        if self._classes == 2 and (answer.dim() == 1 or answer.shape[1:] == (1,)):
            answer = torch.cat([1 - answer.reshape(-1, 1), answer.reshape(-1, 1)], dim=1)
        return answer.clamp_min(SMALLEST_PROBABILITY).log()

    def _log_sigmoid(self, answer: Tensor) -> Tensor:
        one = self._classes == 2 and (answer.dim() == 1 or answer.shape[1:] == (1,))
        return answer if one else functional.logsigmoid(answer)


def _log_softmax(node: OnnxNode, opsets: dict[str, int]) -> Callable[[Tensor], Tensor]:
    return lambda answer: log_softmax(Call(node, opsets.get("ai.onnx", 0), (answer,)))


def _behind_wrapping(graph: OnnxGraph, output: str, labels: ClassNames) -> tuple[str, list[int] | None]:
    """The value that an output only passes on, and the column of each class when they come in another order."""
    makers = {name: node for node in graph.nodes for name in node.outputs}
    order: list[int] | None = None
    for _ in range(len(graph.nodes)):
        node = makers.get(output)
        if node is None or not node.inputs:
            break
        if node.title == "ai.onnx.ml::ZipMap":
            order = _columns(node, labels)
        elif node.title != "Identity" and not (node.title == "Cast" and node.attributes.get("to") in _FLOATS):
            break
        output = node.inputs[0]
    return output, order


def _columns(node: OnnxNode, labels: ClassNames) -> list[int]:
    """Where each declared class stands among the classes of a ZipMap."""
    written = node.attributes.get("classlabels_strings") or node.attributes.get("classlabels_int64s")
    found = labels.indices_of(written) if isinstance(written, tuple) else []
    if sorted(index for index in found if index is not None) != list(range(len(labels.labels))):
        raise Unsupported(Text("names other classes than declared", "其类别与声明不符"))
    return [found.index(index) for index in range(len(found))]
