"""MindSpore: checkpoints and programs. Runs in an environment of its own."""

from __future__ import annotations

import mindspore
import numpy as np
from benign_room import SEED, Room
from mindspore import nn


def make(room: Room) -> None:
    """A checkpoint, a checkpoint of chosen tensors, and a program in MindIR."""
    mindspore.set_seed(SEED)
    mindspore.set_context(mode=mindspore.GRAPH_MODE)
    network = nn.SequentialCell(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.Flatten(), nn.Dense(128, 3))
    mindspore.save_checkpoint(network, str(room.file("mindspore/network.ckpt", "mindspore-checkpoint", "mindspore")))
    some = [
        {"name": "a", "data": mindspore.Tensor(np.ones((2, 3), np.float32))},
        {"name": "b", "data": mindspore.Tensor(np.arange(4, dtype=np.int32))},
        {"name": "c", "data": mindspore.Tensor(np.ones(3, np.float16))},
    ]
    mindspore.save_checkpoint(some, str(room.file("mindspore/tensors.ckpt", "mindspore-checkpoint", "mindspore")))
    place = room.file("mindspore/network.safetensors", "safetensors", "mindspore")
    mindspore.save_checkpoint(network, str(place), format="safetensors")
    network.set_train(False)
    picture = mindspore.Tensor(np.ones((1, 1, 8, 8), np.float32))
    program = room.file("mindspore/network.mindir", "mindir", "mindspore")
    mindspore.export(network, picture, file_name=str(program.with_suffix("")), file_format="MINDIR")
