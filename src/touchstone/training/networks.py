"""Learnt networks on disk: safetensors, with the architecture beside them as JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from safetensors.torch import load, save

from touchstone.canonical import Digest, digest_of
from touchstone.errors import ArtifactError
from touchstone.files import open_regular
from touchstone.text import Text
from touchstone.training.architecture import Architecture, built


def weights_file(network: Any) -> bytes:
    """The weights as safetensors, in one order; counters of training are left out."""
    return save(
        {
            name: tensor.contiguous()
            for name, tensor in sorted(network.state_dict().items())
            if not name.endswith("num_batches_tracked")
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
    network.load_state_dict(tensors, strict=False)
    missing = {name for name, _ in network.named_parameters()} - set(tensors)
    if missing:
        raise ArtifactError(Text(f"holds no {min(missing)}", f"缺少 {min(missing)}"), str(path))
    return network.eval().requires_grad_(False)
