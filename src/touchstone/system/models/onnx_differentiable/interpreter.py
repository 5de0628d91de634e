"""A graph as a function of one tensor: operators looked up, constants computed, values let go after their last use."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Final

import torch
from torch import Tensor

from touchstone.system.models.answers import first_line
from touchstone.system.models.onnx_differentiable import (
    classical,
    elementwise,
    layers,
    reductions,
    resizing,
    shapes,
    windows,
)
from touchstone.system.models.onnx_differentiable.calls import Call, Operator, Unsupported, constant
from touchstone.system.models.onnx_graph import OnnxGraph, OnnxNode
from touchstone.system.models.stages import Stage
from touchstone.text import Text

OPERATORS: Final[dict[str, Operator]] = {
    **classical.OPERATORS,
    **elementwise.OPERATORS,
    **layers.OPERATORS,
    **reductions.OPERATORS,
    **resizing.OPERATORS,
    **shapes.OPERATORS,
    **windows.OPERATORS,
}
"""Operators that are followed, by their titles."""
WEIGHTS: Final[dict[str, range]] = {
    "BatchNormalization": range(1, 3),
    "Conv": range(1, 3),
    "ConvTranspose": range(1, 3),
    "Gemm": range(1, 3),
    "MatMul": range(2),
}
"""Which inputs of an operator hold what a network learns; statistics of normalisation are not among them."""
LAYERS: Final = WEIGHTS.keys() - {"BatchNormalization"}
"""Operators that count as layers with weights."""
OLDEST: Final = 7
"""The version from which values are stretched to fit each other as everywhere else."""


@dataclass(frozen=True, slots=True)
class Step:
    """One operator, and the values nobody needs after it."""

    node: OnnxNode
    apply: Operator
    finished: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Link:
    """One operator of a chain: the value before it goes to argument `place`; the other arguments are constants."""

    call: Call
    place: int
    apply: Operator

    def answer(self, value: Tensor) -> Tensor:
        """What the operator makes of a value."""
        arguments = (*self.call.arguments[: self.place], value, *self.call.arguments[self.place + 1 :])
        answer = self.apply(Call(self.call.node, self.call.opset, arguments))
        return answer[0] if isinstance(answer, tuple) else answer


class Interpreter:
    """The value `result` of a graph as a function of its one input.

    Raises `Unsupported` for a graph that cannot be followed. What does not depend on the input is computed once.
    `numbers` tells how many numbers the values of the last call held, all together: what a gradient keeps.
    """

    def __init__(self, graph: OnnxGraph, source: str, result: str) -> None:
        self._source, self._result = source, result
        self._opset = graph.opsets.get("ai.onnx", 0)
        self.numbers = 0
        if self._opset < OLDEST:
            raise Unsupported(
                Text(f"its operators are of version {self._opset}", f"算子集版本为 {self._opset}"),
            )
        needed = needed_nodes(graph, result)
        _check_known(needed)
        self._constants = {
            name: constant(graph.constants[name])
            for name in {name for node in needed for name in node.inputs} | {result}
            if name in graph.constants
        }
        rest = self._folded(needed)
        self._steps = self._with_last_uses(rest)

    def __call__(self, x: Tensor) -> Tensor:
        """The result for the batch `x`. Raises `Unsupported` naming the operator that fails."""
        values = {self._source: x}
        self.numbers = x.numel()
        for step in self._steps:
            for name, value in zip(step.node.outputs, self._answers(step.node, step.apply, values), strict=False):
                values[name] = value
                self.numbers += value.numel()
            for name in step.finished:
                values.pop(name, None)
        return self._value(self._result, values)

    def weights(self) -> dict[str, Tensor]:
        """Constants that layers multiply with or add, as the tensors that every call uses: what training changes."""
        makers = {name: step.node.operator for step in self._steps for name in step.node.outputs}
        found: dict[str, Tensor] = {}
        for step in self._steps:
            node = step.node
            places = WEIGHTS.get(node.title, range(0))
            if node.title == "Add" and any(makers.get(name) == "MatMul" for name in node.inputs):
                places = range(2)  # what exporters make of a bias
            for name in (node.inputs[place] for place in places if place < len(node.inputs)):
                if name in self._constants and self._constants[name].dtype == torch.float32:
                    found[name] = self._constants[name]
        return found

    def chain(self) -> list[Link]:
        """The operators as a chain, from the input to the result. Raises `Unsupported` where the graph branches."""
        links, name = [], self._source
        for step in self._steps:
            inputs = step.node.inputs
            if inputs.count(name) != 1 or any(
                other not in (name, "") and other not in self._constants for other in inputs
            ):
                raise Unsupported(Text(f"branches at {step.node.title}", f"在 {step.node.title} 处分支"))
            call = Call(step.node, self._opset, tuple(self._constants.get(other) for other in inputs))
            links.append(Link(call, inputs.index(name), step.apply))
            name = step.node.outputs[0]
        if name != self._result:
            raise Unsupported(Text("its result is not that of the last operator", "其结果并非末个算子的输出"))
        return links

    def stages(self) -> list[Stage]:
        """The graph cut wherever one value alone leads on, branches and all that lies between them in one stage."""
        last_uses = {name: place for place, step in enumerate(self._steps) for name in step.node.inputs}
        stages: list[Stage] = []
        begun, source = 0, self._source
        open_until = last_uses.get(source, -1)
        for place, step in enumerate(self._steps):
            ends = place == len(self._steps) - 1
            used = [name for name in step.node.outputs if name in last_uses]
            if ends or (open_until <= place and len(used) == 1):
                result = self._result if ends else used[0]
                steps = self._steps[begun : place + 1]
                weighted = sum(step.node.title in LAYERS for step in steps)
                stages.append(Stage(partial(self._run, steps, source, result), weighted))
                begun, source = place + 1, result
            open_until = max([open_until, *(last_uses[name] for name in used)])
        return stages

    def _run(self, steps: tuple[Step, ...], source: str, result: str, x: Tensor) -> Tensor:
        values = {source: x}
        for step in steps:
            values |= zip(step.node.outputs, self._answers(step.node, step.apply, values), strict=False)
        return self._value(result, values)

    def _answers(self, node: OnnxNode, apply: Operator, values: dict[str, Tensor]) -> tuple[Tensor, ...]:
        arguments = tuple(self._value(name, values) if name else None for name in node.inputs)
        try:
            answer = apply(Call(node, self._opset, arguments))
        except Unsupported:
            raise
        except Exception as error:  # a forged graph can fail in any way
            reason = first_line(error)
            raise Unsupported(Text(f"{node.title} fails: {reason}", f"{node.title} 执行失败：{reason}")) from None
        return answer if isinstance(answer, tuple) else (answer,)

    def _value(self, name: str, values: dict[str, Tensor]) -> Tensor:
        found = values.get(name)
        if found is None:
            found = self._constants.get(name)
        if found is None:
            raise Unsupported(
                Text(f"uses {name[:100]!r} before it is made", f"在产生 {name[:100]!r} 之前使用了它"),
            )
        return found

    def _folded(self, nodes: list[OnnxNode]) -> list[OnnxNode]:
        """The operators that depend on the input; what the others make joins the constants."""
        rest, changing = [], {self._source}
        with torch.no_grad():
            for node in nodes:
                if changing.intersection(node.inputs):
                    rest.append(node)
                    changing.update(node.outputs)
                    continue
                answers = self._answers(node, OPERATORS[node.title], {})
                self._constants.update(zip(node.outputs, answers, strict=False))
        return rest

    def _with_last_uses(self, nodes: list[OnnxNode]) -> tuple[Step, ...]:
        steps: list[Step] = []
        later = {self._result, self._source}
        for node in reversed(nodes):
            finished = tuple({name for name in (*node.inputs, *node.outputs) if name and name not in later})
            later.update(node.inputs)
            steps.append(Step(node, OPERATORS[node.title], finished))
        return tuple(reversed(steps))


def needed_nodes(graph: OnnxGraph, result: str) -> list[OnnxNode]:
    """The operators that a value depends on, in the order of the file."""
    makers = {name: place for place, node in enumerate(graph.nodes) for name in node.outputs if name}
    wanted, needed = [result], set()
    while wanted:
        place = makers.get(wanted.pop())
        if place is not None and place not in needed:
            needed.add(place)
            wanted.extend(graph.nodes[place].inputs)
    return [graph.nodes[place] for place in sorted(needed)]


def _check_known(nodes: Iterable[OnnxNode]) -> None:
    strange = sorted({node.title for node in nodes if node.title not in OPERATORS})
    if strange:
        names = ", ".join(strange)[:300]
        raise Unsupported(
            Text(f"uses operators that are not followed backwards: {names}", f"使用了无法反向求导的算子：{names}")
        )
