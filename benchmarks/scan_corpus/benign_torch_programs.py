"""PyTorch programs: TorchScript, `torch.export`, and compiled-in constants."""

from __future__ import annotations

import warnings

import torch
from benign_room import SEED, Room
from torch import nn


class Gate(nn.Module):
    """A module with a branch, a loop, a constant and a buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.project = nn.Linear(4, 4)
        self.register_buffer("mean", torch.zeros(4))
        self.steps = 2

    def forward(self, data: torch.Tensor) -> torch.Tensor:
        """Apply the projection a few times."""
        for _ in range(self.steps):
            data = self.project(data - self.mean)
        return torch.relu(data) if bool(data.sum() > 0) else data


def make(room: Room) -> None:
    """Scripted, traced and exported programs."""
    warnings.simplefilter("ignore")
    torch.manual_seed(SEED)
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.Flatten(), nn.Linear(72, 3)).eval()
    picture = torch.ones(1, 1, 8, 8)
    torch.jit.save(torch.jit.script(Gate()), room.file("torchscript/scripted.pt", "torchscript", "torch"))
    torch.jit.save(torch.jit.trace(network, picture), room.file("torchscript/traced.pt", "torchscript", "torch"))
    frozen = torch.jit.freeze(torch.jit.script(network))
    torch.jit.save(frozen, room.file("torchscript/frozen.pt", "torchscript", "torch"))
    recurrent = torch.jit.trace(nn.LSTM(3, 4, batch_first=True), torch.ones(1, 2, 3))
    torch.jit.save(recurrent, room.file("torchscript/recurrent.pt", "torchscript", "torch"))
    extra = {"labels.txt": "cat\ndog\n"}
    with_files = room.file("torchscript/extra-files.pt", "torchscript", "torch")
    torch.jit.save(torch.jit.script(nn.Linear(2, 2)), with_files, _extra_files=extra)
    mobile = torch.jit.script(network)
    mobile._save_for_lite_interpreter(str(room.file("torchscript/mobile.ptl", "torchscript", "torch")))
    _exported(room, network, picture)


def _exported(room: Room, network: nn.Module, picture: torch.Tensor) -> None:
    from torch.export import Dim, export, save

    save(export(network, (picture,)), room.file("torch-export/network.pt2", "torch-export", "torch"))
    attention = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True).eval()
    batch = {"src": {0: Dim("batch", min=1, max=64)}}
    program = export(attention, (), {"src": torch.ones(2, 3, 8)}, dynamic_shapes=batch)
    save(program, room.file("torch-export/attention.pt2", "torch-export", "torch"))
