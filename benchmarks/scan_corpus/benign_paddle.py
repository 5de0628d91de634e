"""PaddlePaddle: parameters, optimiser states and inference programs. Runs in an environment of its own."""

from __future__ import annotations

import paddle
from benign_room import SEED, Room
from paddle import nn
from paddle.static import InputSpec


def make(room: Room) -> None:
    """State dictionaries by `paddle.save`, programs by `paddle.jit.save`, in both program formats."""
    paddle.seed(SEED)
    network = nn.Sequential(nn.Conv2D(1, 2, 3), nn.BatchNorm2D(2), nn.ReLU(), nn.Flatten(), nn.Linear(72, 3))
    optimiser = paddle.optimizer.AdamW(parameters=network.parameters(), learning_rate=nn_schedule())
    network(paddle.ones([2, 1, 8, 8])).sum().backward()
    optimiser.step()
    paddle.save(network.state_dict(), str(room.file("paddle/network.pdparams", "paddle-state", "paddlepaddle")))
    paddle.save(optimiser.state_dict(), str(room.file("paddle/network.pdopt", "paddle-state", "paddlepaddle")))
    checkpoint = {"epoch": 1, "model": network.state_dict(), "best": 0.5, "names": ["a", "b"]}
    paddle.save(checkpoint, str(room.file("paddle/checkpoint.pdparams", "paddle-state", "paddlepaddle")))
    paddle.save(paddle.ones([3]), str(room.file("paddle/tensor.pdtensor", "paddle-state", "paddlepaddle")))
    for protocol in (2, 4):
        place = room.file(f"paddle/protocol-{protocol}.pdparams", "paddle-state", "paddlepaddle")
        paddle.save(network.state_dict(), str(place), protocol=protocol)
    half = {name: value.astype("bfloat16") for name, value in network.state_dict().items()}
    paddle.save(half, str(room.file("paddle/bfloat16.pdparams", "paddle-state", "paddlepaddle")))
    network.eval()
    shape = [InputSpec([None, 1, 8, 8], "float32", "picture")]
    paddle.jit.save(network, str(room.folder("paddle/inference", "paddle-inference", "paddlepaddle") / "model"), shape)
    words = nn.LSTM(4, 5)
    words.eval()
    shape = [InputSpec([None, 3, 4], "float32", "words")]
    paddle.jit.save(
        words, str(room.folder("paddle/recurrent", "paddle-inference", "paddlepaddle") / "inference"), shape
    )
    _old_program(room)


def nn_schedule() -> object:
    """A learning rate that changes, so that the optimiser's state holds one."""
    return paddle.optimizer.lr.CosineAnnealingDecay(0.1, 10)


def _old_program(room: Room) -> None:
    """The older format: a protocol-buffer program and its parameters."""
    paddle.enable_static()
    with paddle.pir_utils.OldIrGuard():
        program, start = paddle.static.Program(), paddle.static.Program()
        with paddle.static.program_guard(program, start):
            data = paddle.static.data("x", [None, 4], "float32")
            answer = paddle.static.nn.fc(data, 3, activation="relu")
            executor = paddle.static.Executor(paddle.CPUPlace())
            executor.run(start)
            folder = room.folder("paddle/old-program", "paddle-inference", "paddlepaddle")
            paddle.static.save_inference_model(str(folder / "model"), [data], [answer], executor, program=program)
    paddle.disable_static()
