import contextlib
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.system.made import describe, make
from touchstone.errors import ArtifactError
from touchstone.system.models.handle import ModelHandle
from touchstone.system.models.opening import open_model

pytestmark = pytest.mark.torch
torch = pytest.importorskip("torch")

X = np.random.default_rng(1).random((21, 2, 8, 8), dtype=np.float32)


class Residual(torch.nn.Module):
    """A little of what image models are made of: branches, in-place activations, buffers, constants, reshapes."""

    def __init__(self) -> None:
        super().__init__()
        self.first = torch.nn.Conv2d(2, 4, 3, padding=1)
        self.norm = torch.nn.BatchNorm2d(4)
        self.relu = torch.nn.ReLU(inplace=True)
        self.depthwise = torch.nn.Conv2d(4, 4, 3, padding="same", groups=4)
        self.drop = torch.nn.Dropout(0.5)
        self.last = torch.nn.Linear(4, 3)
        self.register_buffer("offset", torch.tensor([0.1, 0.2, 0.3]))
        self.register_buffer("scale", torch.tensor([2.0]), persistent=False)

    def forward(self, x: Any) -> Any:
        x = self.relu(self.norm(self.first(x)))
        x = x + self.depthwise(x)
        left, right = x.chunk(2, dim=1)
        x = torch.cat([left * 2, right.sigmoid()], dim=1)
        x = torch.nn.functional.max_pool2d(x, 2).mean((2, 3))
        return self.last(self.drop(x)).view(x.size(0), 3) * self.scale + self.offset + torch.tensor([1.0, 0.0, -1.0])


class Attention(torch.nn.Module):
    """What transformers are made of."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = torch.nn.Linear(16, 8)
        self.block = torch.nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, activation="gelu")
        self.head = torch.nn.Linear(8, 3)

    def forward(self, x: Any) -> Any:
        return self.head(self.block(self.embed(x.reshape(x.shape[0], 8, 16))).mean(1))


def exported(module: Any, *, dynamic: bool = True, batch: int = 2) -> bytes:
    shapes = ({0: torch.export.Dim("n")},) if dynamic else None
    program = torch.export.export(module, (torch.rand(batch, 2, 8, 8),), dynamic_shapes=shapes)
    buffer = io.BytesIO()
    torch.export.save(program, buffer)
    return buffer.getvalue()


def seeded(kind: Callable[[], Any]) -> Any:
    torch.manual_seed(0)
    return kind().eval()


def opened(folder: Path, data: bytes) -> ModelHandle:
    settings = describe(
        kind="image", shape=[2, 8, 8], labels=["a", "b", "c"], output="logits", format_="torch-export", file="m.pt2"
    )
    return open_model(make(folder, settings, {"m.pt2": data}))


RESIDUAL = exported(seeded(Residual))


@pytest.mark.parametrize("kind", [Residual, Attention])
@pytest.mark.parametrize(("dynamic", "batch"), [(True, 2), (False, 1), (False, 8)])
def test_answers_and_gradients_are_the_modules_own(tmp_path: Path, kind: Any, dynamic: bool, batch: int) -> None:
    module = seeded(kind)
    model = opened(tmp_path, exported(module, dynamic=dynamic, batch=batch))
    x = torch.tensor(X, requires_grad=True)
    wanted = module(x)
    y = np.arange(len(X)) % 3
    (gradient,) = torch.autograd.grad(torch.nn.functional.cross_entropy(wanted, torch.tensor(y), reduction="sum"), x)
    assert np.allclose(model.logits(X), wanted.detach().numpy(), atol=1e-5)
    assert np.allclose(model.gradient(X, y, "cross-entropy"), gradient.numpy(), atol=1e-5)
    assert model.queries == 2 * len(X)
    scores = model.differentiable()(x)
    (ours,) = torch.autograd.grad(torch.nn.functional.cross_entropy(scores, torch.tensor(y), reduction="sum"), x)
    assert np.allclose(scores.detach().numpy(), wanted.detach().numpy(), atol=1e-5)
    assert np.allclose(ours.numpy(), gradient.numpy(), atol=1e-5)


class Touch:
    """Unpickling this leaves a file behind."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


def changed(change: Callable[[str, bytes], bytes], data: bytes = RESIDUAL) -> bytes:
    """The archive with every member passed through `change`."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(buffer, "w") as new:
        for name in old.namelist():
            new.writestr(name, change(name.partition("/")[2], old.read(name)))
    return buffer.getvalue()


def graph_with(change: Callable[[dict[str, Any]], None], data: bytes = RESIDUAL) -> bytes:
    def edit(name: str, content: bytes) -> bytes:
        if name != "models/model.json":
            return content
        program = json.loads(content)
        change(program)
        return json.dumps(program).encode()

    return changed(edit, data)


def target(name: str) -> bytes:
    def change(program: dict[str, Any]) -> None:
        program["graph_module"]["graph"]["nodes"][0]["target"] = name

    return graph_with(change)


def test_a_pickle_in_the_archive_is_never_read(tmp_path: Path) -> None:
    trap = io.BytesIO()
    torch.save(Touch(tmp_path / "touched"), trap)
    data = changed(lambda name, content: trap.getvalue() if "sample_inputs" in name else content)
    assert np.isfinite(opened(tmp_path, data).logits(X)).all()
    assert not (tmp_path / "touched").exists()


@pytest.mark.parametrize(
    "name",
    [
        "torch.os.system",
        "torch.load",
        "torch.ops.aten.from_file.default",
        "torch.ops.aten.rand.default",
        "torch.ops.aten.__class__.default",
        "torch.ops.aten.relu.__init__",
        "torch.ops.mylib.evil.default",
        "_operator.attrgetter",
        "math.sqrt",
        "#extension",
        "",
    ],
)
def test_other_operators_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ArtifactError):
        opened(tmp_path, target(name))


def test_training_mode_is_refused(tmp_path: Path) -> None:
    torch.manual_seed(0)
    with pytest.raises(ArtifactError, match=r"training mode|changes its own state"):
        opened(tmp_path, exported(Residual().train()))


class Counting(torch.nn.Module):
    """Answers differently each time it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("asked", torch.zeros(3))

    def forward(self, x: Any) -> Any:
        self.asked.add_(1)
        return x.mean((1, 2, 3))[:, None] + self.asked


def test_models_with_a_memory_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"state|weights"):
        opened(tmp_path, exported(Counting().eval())).logits(X)


def pickled_weights(name: str, content: bytes) -> bytes:
    return content.replace(b'"use_pickle": false', b'"use_pickle": true')


def longer_strides(name: str, content: bytes) -> bytes:
    if not name.endswith("weights_config.json"):
        return content
    config = json.loads(content)
    config["config"]["last.weight"]["tensor_meta"]["strides"][0]["as_int"] = 10**6
    return json.dumps(config).encode()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"PK not a zip", "not a readable .pt2 archive"),
        (RESIDUAL[:-40], "not a readable .pt2 archive|no member"),
        (changed(pickled_weights), "keeps a tensor as a pickle"),
        (changed(longer_strides), "reaches beyond its bytes"),
        (changed(lambda name, content: content[:3] if "weight_0" in name else content), "reaches beyond its bytes"),
        (changed(lambda name, content: b"{" if name.endswith("model.json") else content), "not a readable"),
        (changed(lambda name, content: b"{}" if name.endswith("model.json") else content), "damaged"),
        (graph_with(lambda program: program["schema_version"].update(major=9)), "schema version"),
        (graph_with(lambda program: program["graph_module"]["signature"]["input_specs"].pop()), "damaged|inputs"),
    ],
)
def test_archives_that_cannot_be_read_say_why(tmp_path: Path, data: bytes, reason: str) -> None:
    with pytest.raises(ArtifactError, match=reason) as caught:
        opened(tmp_path, data)
    assert caught.value.where == "m.pt2"


PROGRAM = zipfile.ZipFile(io.BytesIO(RESIDUAL)).read(
    next(name for name in zipfile.ZipFile(io.BytesIO(RESIDUAL)).namelist() if name.endswith("models/model.json"))
)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(PROGRAM) - 1), st.binary(min_size=1, max_size=8))
def test_a_damaged_graph_raises_nothing_else(tmp_path_factory: Any, place: int, patch: bytes) -> None:
    damaged = PROGRAM[:place] + patch + PROGRAM[place + len(patch) :]
    data = changed(lambda name, content: damaged if name == "models/model.json" else content)
    with contextlib.suppress(ArtifactError):
        opened(tmp_path_factory.mktemp("system"), data).logits(X[:2])
