from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.system.made import describe, make
from touchstone.errors import ArtifactError, DescriptionError, UnavailableError
from touchstone.system.description import Layer
from touchstone.system.models.handle import Capability, ModelHandle
from touchstone.system.models.opening import open_model
from touchstone.system.models.torch import build

pytestmark = pytest.mark.torch
torch = pytest.importorskip("torch")
safetensors_torch = pytest.importorskip("safetensors.torch")

LABELS = ["a", "b", "c"]
LAYERS: list[dict[str, Any]] = [
    {"kind": "conv2d", "name": "first", "inputs": 2, "outputs": 4, "kernel": 3, "padding": 1},
    {"kind": "batchnorm2d", "name": "norm", "inputs": 4},
    {"kind": "relu"},
    {"kind": "maxpool2d", "kernel": 2, "stride": 2},
    {"kind": "avgpool2d", "kernel": 2},
    {"kind": "globalavgpool"},
    {"kind": "flatten"},
    {"kind": "linear", "name": "last", "inputs": 4, "outputs": 3},
]


def network() -> Any:
    torch.manual_seed(0)
    net = torch.nn.Sequential(
        OrderedDict(
            first=torch.nn.Conv2d(2, 4, 3, padding=1, bias=False),
            norm=torch.nn.BatchNorm2d(4),
            relu=torch.nn.ReLU(),
            pool=torch.nn.MaxPool2d(2, 2),
            average=torch.nn.AvgPool2d(2, 1),
            whole=torch.nn.AdaptiveAvgPool2d(1),
            flat=torch.nn.Flatten(),
            last=torch.nn.Linear(4, 3),
        )
    )
    net(torch.randn(64, 2, 8, 8))  # so that the running statistics are not the initial ones
    return net.eval()


NET = network()
WEIGHTS = {name: tensor.detach().clone() for name, tensor in NET.state_dict().items()}
X = np.random.default_rng(1).random((300, 2, 8, 8), dtype=np.float32)
Y = np.random.default_rng(2).integers(0, 3, 300)


def opened(folder: Path, weights: dict[str, Any], **changes: Any) -> ModelHandle:
    settings = {
        "kind": "image",
        "shape": [2, 8, 8],
        "labels": LABELS,
        "output": "logits",
        "format_": "safetensors",
        "file": "m.safetensors",
        "architecture": LAYERS,
        **changes,
    }
    return open_model(make(folder, describe(**settings), {"m.safetensors": safetensors_torch.save(weights)}))


def test_logits_are_the_networks_own(tmp_path: Path) -> None:
    model = opened(tmp_path, WEIGHTS)
    assert isinstance(model, ModelHandle)
    with torch.no_grad():
        assert np.allclose(model.logits(X), NET(torch.from_numpy(X)).numpy(), atol=1e-5)
    assert model.capabilities == set(Capability)
    assert model.queries == len(X)


def test_opening_and_answering_draw_no_random_numbers(tmp_path: Path) -> None:
    before = torch.get_rng_state()
    opened(tmp_path, WEIGHTS).gradient(X, Y, "margin")
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("loss", ["margin", "cross-entropy"])
def test_gradients_are_those_of_each_samples_own_loss(tmp_path: Path, loss: Any) -> None:
    """Against finite differences of the handle's own logits, in the units of the description."""
    normalisation = {"mean": [0.5, 0.2], "scale": [0.25, 2.0]}
    model = opened(tmp_path, WEIGHTS, normalisation=normalisation)
    direction = np.random.default_rng(3).normal(size=X.shape).astype(np.float32)
    gradient = model.gradient(X, Y, loss)
    assert gradient.shape == X.shape
    assert gradient.dtype == np.float32

    def losses(x: np.ndarray) -> np.ndarray:
        z = model.logits(x)
        if loss == "cross-entropy":
            return np.log(np.exp(z - z.max(1, keepdims=True)).sum(1)) + z.max(1) - z[np.arange(len(z)), Y]
        others = z.copy()
        others[np.arange(len(z)), Y] = -np.inf
        return others.max(1) - z[np.arange(len(z)), Y]

    step = 1e-3
    slope = (losses(X + step * direction) - losses(X - step * direction)) / (2 * step)
    ours = (gradient * direction).reshape(len(X), -1).sum(1)
    assert np.median(np.abs(slope - ours)) < 2e-3  # a kink of ReLU or the pool may lie between the two points
    assert np.corrcoef(slope, ours)[0, 1] > 0.99


def test_the_function_of_tensors_gives_the_handles_own_scores(tmp_path: Path) -> None:
    normalisation = {"mean": [0.5, 0.2], "scale": [0.25, 2.0]}
    model = opened(tmp_path, WEIGHTS, normalisation=normalisation)
    scores = model.differentiable()(torch.from_numpy(X))
    assert np.allclose(scores.numpy(), model.logits(X), atol=1e-5)
    assert model.queries == 2 * len(X)
    assert model.differentiable()(torch.from_numpy(X[:0])).shape == (0, 3)


@pytest.mark.parametrize("loss", ["margin", "cross-entropy"])
def test_the_function_of_tensors_has_the_handles_own_gradients(tmp_path: Path, loss: Any) -> None:
    model = opened(tmp_path, WEIGHTS)
    x = torch.from_numpy(X).clone().requires_grad_(True)
    scores, wanted = model.differentiable()(x), torch.from_numpy(Y)
    own = scores.gather(1, wanted[:, None])[:, 0]
    others = scores.scatter(1, wanted[:, None], -torch.inf).amax(dim=1)
    losses = {"cross-entropy": scores.logsumexp(dim=1) - own, "margin": others - own}
    (gradient,) = torch.autograd.grad(losses[loss].sum(), x)
    assert np.allclose(gradient.numpy(), model.gradient(X, Y, loss), atol=1e-5)


def test_one_score_for_two_classes_becomes_two(tmp_path: Path) -> None:
    layers = [{"kind": "flatten"}, {"kind": "linear", "name": "last", "inputs": 128, "outputs": 1}]
    weights = {"last.weight": torch.linspace(-1, 1, 128)[None], "last.bias": torch.zeros(1)}
    model = opened(tmp_path, weights, architecture=layers, labels=["no", "yes"])
    scores = model.differentiable()(torch.from_numpy(X))
    assert np.allclose(scores.numpy(), model.logits(X), atol=1e-5)


def test_gradients_need_full_access(tmp_path: Path) -> None:
    shut = opened(tmp_path, WEIGHTS, access="probabilities")
    assert Capability.GRADIENTS not in shut.capabilities
    with pytest.raises(UnavailableError):
        shut.differentiable()


def test_half_precision_weights_are_taken(tmp_path: Path) -> None:
    halves = {name: tensor.half() if tensor.is_floating_point() else tensor for name, tensor in WEIGHTS.items()}
    with torch.no_grad():
        assert np.allclose(opened(tmp_path, halves).logits(X), NET(torch.from_numpy(X)).numpy(), atol=1e-2)


def without(name: str) -> dict[str, Any]:
    return {key: tensor for key, tensor in WEIGHTS.items() if key != name}


def test_the_training_counter_may_be_missing(tmp_path: Path) -> None:
    opened(tmp_path, without("norm.num_batches_tracked"))


def changed(place: int, **fields: Any) -> list[dict[str, Any]]:
    return [layer | fields if index == place else layer for index, layer in enumerate(LAYERS)]


@pytest.mark.parametrize(
    ("weights", "changes", "reason"),
    [
        (without("first.weight"), {}, "no tensor 'first.weight'"),
        (without("norm.running_mean"), {}, "no tensor 'norm.running_mean'"),
        (WEIGHTS | {"extra.weight": torch.zeros(2)}, {}, "'extra.weight', which no declared layer uses"),
        (
            WEIGHTS,
            {"architecture": changed(7, inputs=5)},
            r"'last.weight' has shape \(3, 4\), the declared layer needs \(3, 5\)",
        ),
    ],
)
def test_weights_and_architecture_must_agree(
    tmp_path: Path, weights: dict[str, Any], changes: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ArtifactError, match=reason):
        opened(tmp_path, weights, **changes)


def layers(descriptions: list[dict[str, Any]]) -> list[Layer]:
    return [Layer.model_validate(description) for description in descriptions]


def test_a_layer_without_a_name_is_called_by_its_place() -> None:
    renamed = {name.replace("last.", "7."): tensor for name, tensor in WEIGHTS.items()}
    module = build(layers(changed(7, name=None)), renamed, "m")
    with torch.no_grad():
        assert torch.equal(module(torch.from_numpy(X)), NET(torch.from_numpy(X)))


def test_a_layer_without_a_size_is_refused() -> None:
    with pytest.raises(ArtifactError, match=r"m, layer 4 \(maxpool2d\): kernel is not declared"):
        build(layers(changed(3, kernel=None)), WEIGHTS, "m")


def test_a_shape_that_does_not_fit_the_layers_is_an_error(tmp_path: Path) -> None:
    model = opened(tmp_path, WEIGHTS, shape=[3, 8, 8])
    with pytest.raises(ArtifactError, match="failed to run"):
        model.logits(np.zeros((1, 3, 8, 8), dtype=np.float32))


def test_damaged_weights_are_refused(tmp_path: Path) -> None:
    settings = describe(
        kind="image",
        shape=[2, 8, 8],
        labels=LABELS,
        output="logits",
        format_="safetensors",
        file="m.safetensors",
        architecture=LAYERS,
    )
    with pytest.raises(ArtifactError, match="safetensors"):
        open_model(make(tmp_path, settings, {"m.safetensors": safetensors_torch.save(WEIGHTS)[:-5]}))


def test_without_an_architecture_there_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(DescriptionError):
        opened(tmp_path, WEIGHTS, architecture=None)
