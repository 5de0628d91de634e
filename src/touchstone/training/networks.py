"""Learnt networks: as functions of what a system takes, and on disk as safetensors."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load, save

from touchstone.canonical import Digest, digest_of
from touchstone.errors import ArtifactError
from touchstone.files import open_regular
from touchstone.text import Text
from touchstone.training.architecture import Architecture, built

ANSWERED_AT_ONCE = 512
COUNTER = "num_batches_tracked"
"""What batch normalisation counts while it learns; evaluation does not read it."""


@dataclass(frozen=True, slots=True)
class Scaling:
    """What happens to inputs before the first layer, `(x - mean) / scale`, shapes that broadcast against a sample."""

    mean: NDArray[np.float32]
    scale: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class LearntNetwork:
    """A network and its scaling: called with a tensor of inputs `(n, *shape)` in the system's units, it gives logits.

    `network` is a `torch.nn.Sequential` of scaled inputs.
    """

    network: Any
    scaling: Scaling

    @property
    def parts(self) -> tuple[Any, ...]:
        """The modules in order, for whoever looks inside. The first takes what :meth:`scaled` gives."""
        return tuple(self.network)

    def scaled(self, x: Any) -> Any:
        """The tensor that the first part takes."""
        return (x - torch.from_numpy(self.scaling.mean)) / torch.from_numpy(self.scaling.scale)

    def __call__(self, x: Any) -> Any:
        """Logits `(n, K)`, with the graph that leads to them."""
        return self.network(self.scaled(x))

    def labels(self, x: NDArray[np.float32]) -> NDArray[np.int64]:
        """Class indices `(n,)`."""
        with torch.inference_mode():
            parts = [self(part).argmax(dim=1) for part in torch.split(torch.from_numpy(x), ANSWERED_AT_ONCE)]
        return np.asarray(torch.cat(parts).numpy(), dtype=np.int64)


def weights_file(network: Any) -> bytes:
    """The weights as safetensors, in one order; counters of training are left out."""
    return save(
        {
            name: tensor.contiguous()
            for name, tensor in sorted(network.state_dict().items())
            if not name.endswith(COUNTER)
        }
    )


def read_weights(path: Path, architecture: Architecture, digest: Digest) -> Any:
    """The network at `path` as a `torch.nn.Sequential` in evaluation mode.

    Raises `ArtifactError` when the file is not the one with that digest, and `FileError` when it cannot be read.
    """
    with open_regular(path) as stream:
        data = stream.read()
    if digest_of(data) != digest:
        raise ArtifactError(
            Text("is not the file the manifest names: its digest differs", "摘要与清单不符"),
            str(path),
            Text("remove it and train again", "请删除该文件并重新训练"),
        )
    tensors = load(data)
    network = built(architecture, frozenset(name.removesuffix(".bias") for name in tensors if name.endswith(".bias")))
    expected = {name: tensor.shape for name, tensor in network.state_dict().items() if not name.endswith(COUNTER)}
    if expected != {name: tensor.shape for name, tensor in tensors.items()}:
        raise ArtifactError(Text("does not fit the architecture", "与网络结构不符"), str(path))
    network.load_state_dict(tensors, strict=False)
    return network.to(memory_format=torch.channels_last).eval().requires_grad_(False)  # as it learnt: to the last bit
