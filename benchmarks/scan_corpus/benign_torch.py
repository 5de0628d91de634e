"""PyTorch: state dictionaries, checkpoints and whole modules, in the zip and the older layout."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import torch
from benign_room import SEED, Room
from torch import nn


def make(room: Room) -> None:
    """What people save with `torch.save`."""
    torch.manual_seed(SEED)
    for name, module in _modules().items():
        torch.save(module.state_dict(), room.file(f"torch/{name}-state.pt", "torch-zip", "torch"))
        torch.save(module, room.file(f"torch/{name}-module.pt", "torch-zip", "torch"))
        for what, thing in (("state", module.state_dict()), ("module", module)):
            place = room.file(f"torch/{name}-{what}-legacy.pth", "torch-legacy", "torch")
            torch.save(thing, place, _use_new_zipfile_serialization=False)
    for name, thing in _tensors().items():
        torch.save(thing, room.file(f"torch/{name}.pt", "torch-zip", "torch"))
    for name, checkpoint in _checkpoints().items():
        torch.save(checkpoint, room.file(f"torch/checkpoint-{name}.ckpt", "torch-zip", "torch"))
        place = room.file(f"torch/checkpoint-{name}-legacy.bin", "torch-legacy", "torch")
        torch.save(checkpoint, place, _use_new_zipfile_serialization=False)
    for protocol in (3, 4, 5):
        place = room.file(f"torch/protocol-{protocol}.pt", "torch-zip", "torch")
        torch.save({"weight": torch.ones(3)}, place, pickle_protocol=protocol)


def _modules() -> dict[str, nn.Module]:
    return {
        "perceptron": nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Dropout(0.1), nn.Linear(8, 2), nn.Softmax(dim=1)),
        "convolutions": nn.Sequential(
            OrderedDict(
                first=nn.Conv2d(1, 2, 3, padding=1),
                norm=nn.BatchNorm2d(2),
                act=nn.SiLU(inplace=True),
                pool=nn.MaxPool2d(2),
                up=nn.Upsample(scale_factor=2, mode="nearest"),
                mean=nn.AdaptiveAvgPool2d(1),
                flat=nn.Flatten(),
            )
        ),
        "recurrent": nn.ModuleDict({"lstm": nn.LSTM(4, 5, 2, bidirectional=True), "gru": nn.GRU(3, 4)}),
        "attention": nn.TransformerEncoder(
            nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 2, enable_nested_tensor=False
        ),
        "embedding": nn.ModuleList([nn.Embedding(7, 3, padding_idx=0), nn.EmbeddingBag(5, 2), nn.LayerNorm(3)]),
        "normalised": nn.Sequential(nn.Linear(3, 3), nn.GroupNorm(1, 3), nn.InstanceNorm1d(3), nn.RMSNorm(3)),
    }


def _tensors() -> dict[str, Any]:
    numbers = torch.arange(6.0)
    kinds = (torch.float16, torch.bfloat16, torch.float64, torch.int8, torch.uint8, torch.int32, torch.bool)
    return {
        "dtypes": {str(kind): numbers.to(kind) for kind in (*kinds, torch.complex64, torch.float8_e4m3fn)},
        "views": {"whole": numbers, "part": numbers[2:4], "turned": numbers.reshape(2, 3).T},
        "sparse": {"coo": torch.eye(3).to_sparse(), "csr": torch.eye(3).to_sparse_csr()},
        "quantised": torch.quantize_per_tensor(numbers, 0.1, 10, torch.quint8),
        "quantised-by-channel": torch.quantize_per_channel(
            numbers.reshape(2, 3), torch.tensor([0.1, 0.2]), torch.tensor([0, 0]), 0, torch.qint8
        ),
        "parameters": [nn.Parameter(numbers), nn.Buffer(numbers), nn.Parameter(numbers.long(), requires_grad=False)],
        "storages": numbers.untyped_storage(),
        "one-tensor": numbers,
        "empty": {},
        "nested": torch.nested.nested_tensor([torch.ones(2), torch.ones(3)], layout=torch.strided),
        "meta": {"shape": numbers.shape, "dtype": numbers.dtype, "device": numbers.device, "layout": numbers.layout},
        "generator-state": torch.get_rng_state(),
        "negative-conjugate": torch.tensor([1 + 2j]).conj(),
    }


def _checkpoints() -> dict[str, dict[str, Any]]:
    """What training loops keep, after one step so that the optimisers have a state."""
    from torch.optim import lr_scheduler

    found: dict[str, dict[str, Any]] = {}
    for kind in (torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW, torch.optim.RMSprop):
        model = nn.Linear(3, 1)
        optimiser = kind(model.parameters(), lr=0.1)
        plan = lr_scheduler.CosineAnnealingLR(optimiser, 10)
        model(torch.ones(2, 3)).sum().backward()
        optimiser.step()
        plan.step()
        found[kind.__name__.lower()] = {
            "epoch": 3,
            "global_step": torch.tensor(12),
            "model_state_dict": model.state_dict(),
            "optimizer_state_dict": optimiser.state_dict(),
            "scheduler": plan.state_dict(),
            "best": float("inf"),
            "args": {"lr": 0.1, "layers": [3, 1]},
        }
    weights = nn.utils.parametrizations.weight_norm(nn.Linear(3, 3)).state_dict()
    found["parametrised"] = {"state_dict": weights}
    averaged = torch.optim.swa_utils.AveragedModel(nn.Linear(2, 2))
    found["averaged"] = {"ema": averaged.state_dict(), "updates": 3}
    found["namespace"] = {"state_dict": nn.Linear(2, 2).state_dict(), "args": _namespace(), "loss": [0.5, 0.25]}
    return found


def _namespace() -> object:
    from argparse import Namespace
    from pathlib import Path

    return Namespace(lr=0.1, layers=[3, 1], out=Path("runs/one"), device=torch.device("cpu"))
