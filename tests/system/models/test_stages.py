"""A model in stages: together they are the model, and only one value goes from each to the next."""

from __future__ import annotations

from functools import reduce
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from tests.checks.system_resilience.systems import arrays, white_picture_system  # noqa: E402
from tests.system import onnx_writer as onnx  # noqa: E402
from tests.system.made import data_set, describe, make  # noqa: E402
from touchstone.errors import UnavailableError  # noqa: E402
from touchstone.system.models.handle import ModelHandle  # noqa: E402
from touchstone.system.models.stages import StagedModel  # noqa: E402
from touchstone.system.models.torch import TorchModel  # noqa: E402
from touchstone.system.subject import Subject  # noqa: E402

pytestmark = pytest.mark.torch

SIDE, CHANNELS, CLASSES = 6, 4, 3
STAGES = 10
"""Scaling, seven of the graph, scores, and their element type."""


def residual_system(folder: Path, *, batch: int | str = "n", output: str = "logits") -> Subject:
    """Two convolutions, one of them in a residual block, and a linear layer, as an ONNX file."""
    generator = np.random.default_rng(0)

    def weights(name: str, *shape: int) -> bytes:
        return onnx.tensor(name, generator.normal(0, 0.3, shape).astype(np.float32))

    def convolution(source: str, weight: str, result: str) -> bytes:
        pads = onnx.integers_attribute("pads", [1, 1, 1, 1])
        return onnx.node("Conv", [source, weight], [result], pads)

    nodes = [
        convolution("x", "first", "a"),
        onnx.node("Relu", ["a"], ["b"]),
        convolution("b", "second", "c"),
        onnx.node("Add", ["b", "c"], ["d"]),
        onnx.node("Relu", ["d"], ["e"]),
        onnx.node("GlobalAveragePool", ["e"], ["f"]),
        onnx.node("Flatten", ["f"], ["g"], onnx.integer_attribute("axis", 1)),
        onnx.node("Gemm", ["g", "last"], ["h"]),
    ]
    if output == "probabilities":
        nodes.append(onnx.node("Softmax", ["h"], ["p"], onnx.integer_attribute("axis", 1)))
    parts = [
        weights("first", CHANNELS, 1, 3, 3),
        weights("second", CHANNELS, CHANNELS, 3, 3),
        weights("last", CHANNELS, CLASSES),
    ]
    end = onnx.value("p" if output == "probabilities" else "h", [batch, CLASSES])
    graph = onnx.graph(nodes, [onnx.value("x", [batch, 1, SIDE, SIDE])], [end], parts)
    x = generator.random((12, 1, SIDE, SIDE)).astype(np.float32)
    description = describe(
        shape=[1, SIDE, SIDE],
        kind="image",
        labels=["a", "b", "c"],
        output=output,
        format_="onnx",
        file="model.onnx",
        low=0.0,
        high=1.0,
        normalisation={"mean": [0.5], "scale": [0.2]},
        data={"test": data_set("test.npz", "npz", features="x", target="y")},
    )
    return make(folder, description, {"model.onnx": onnx.model(graph), "test.npz": arrays(x, np.arange(12) % 3)})


def staged(model: ModelHandle) -> StagedModel:
    assert isinstance(model, StagedModel)
    return model


@pytest.mark.parametrize("output", ["logits", "probabilities"])
def test_the_stages_of_a_residual_graph_are_the_graph(tmp_path: Path, output: str) -> None:
    model = residual_system(tmp_path, output=output).model()
    x = torch.rand((5, 1, SIDE, SIDE), generator=torch.Generator().manual_seed(1))
    whole = model.differentiable()(x)
    stages = staged(model).stages()
    assert torch.allclose(reduce(lambda value, stage: stage.function(value), stages, x), whole, atol=1e-6)
    assert [stage.weighted for stage in stages if stage.weighted] == [1, 1, 1]
    assert len(stages) == STAGES, "the convolution and the sum after it are one stage, nothing else is joined"


def test_what_goes_through_the_stages_is_counted(tmp_path: Path) -> None:
    model = white_picture_system(tmp_path, gap=0.1).model()
    stages = staged(model).stages()
    x = torch.zeros((3, 1, 6, 4))
    before = model.queries
    scores = reduce(lambda value, stage: stage.function(value), stages, x)
    assert model.queries == before + 3
    assert torch.allclose(scores, model.differentiable()(x))
    assert [stage.weighted for stage in stages] == [0, 0, 1, 0]


def test_a_graph_freed_of_its_batch_has_stages(tmp_path: Path) -> None:
    stages = staged(residual_system(tmp_path, batch=2).model()).stages()
    assert len(stages) == STAGES
    assert reduce(lambda value, stage: stage.function(value), stages, torch.zeros((5, 1, SIDE, SIDE))).shape == (5, 3)


def test_an_exported_graph_says_why_it_has_none(tmp_path: Path) -> None:
    declaration = white_picture_system(tmp_path, gap=0.1).description.model
    model = TorchModel(declaration, lambda x: x.flatten(1)[:, :2], "model.pt2")
    with pytest.raises(UnavailableError, match="exported graph"):
        model.stages()
