"""PyTorch programs: TorchScript archives and the packages of torch.export.

Source: torch/jit, torch/csrc/jit/serialization, torch/export/pt2_archive.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from hostile_archives import ELF
from hostile_opcodes import getpid, named, push, stream
from hostile_torch import PLANTED, archive, checkpoint, state
from hostile_units import Unit

_SCRIPT = """class Planted(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool
  def forward(self: __torch__.Planted,
    x: Tensor) -> Tensor:
{body}
    return x
"""


def units() -> Iterator[Unit]:
    """All of them."""
    yield from _torchscript()
    yield from _export()


def _torchscript() -> Iterator[Unit]:
    bodies = {
        "from-file": (
            '    y = torch.from_file("/nonexistent/planted", False, 10)',
            "TorchScript reads a file (aten::from_file)",
            "op from_file",
        ),
        "save": ('    torch.save(x, "/nonexistent/planted")', "TorchScript writes a file (aten::save)", "op save"),
        "custom-op": (
            "    y = ops.planted.run(x)",
            "TorchScript calls an operator of a library that must be loaded",
            "unknown operator",
        ),
        "print": (
            '    print("planted")\n    y = ops.aten.from_file("/nonexistent/planted")',
            "the operator by its full name",
            "op from_file",
        ),
        "python-op": ("    y = ^PlantedFunction()(x)", "a Python autograd function (^)", "Python operator"),
        "loop": ("    while True:\n      x = torch.add(x, x)", "an endless loop", "endless loop"),
        "rpc": ('    y = torch.rpc_sync("planted", "planted", (x,), {}, -1.)', "a remote call", "op rpc_sync"),
    }
    for name, (body, threat, expect) in bodies.items():
        code = _SCRIPT.format(body=body).encode()
        obj = stream(named("__torch__", "Planted", 2) + b")\x81" + push({"training": False}, 2) + b"b", protocol=2)
        members = {
            "data.pkl": obj,
            "code/__torch__.py": code,
            "constants.pkl": stream(b")", protocol=2),
            "version": b"3\n",
            "byteorder": b"little",
        }
        yield Unit(
            f"torchscript/{name}.pt",
            archive(members),
            "resource" if name == "loop" else "code",
            "torchscript",
            threat,
            "torch.jit.load, then a forward pass",
            expect,
        )
    hidden = {
        "data.pkl": stream(getpid(2), protocol=2),
        "code/__torch__.py": _SCRIPT.format(body="    pass").encode(),
        "constants.pkl": stream(b")", protocol=2),
        "version": b"3\n",
    }
    yield Unit(
        "torch/script-data-call.pt",
        archive(hidden),
        "code",
        "torchscript",
        "data.pkl of a TorchScript calls: torch.load falls back to it",
        "torch.load",
        "call of os.getpid",
    )
    constants = hidden | {"data.pkl": state(), "constants.pkl": stream(getpid(2), protocol=2)}
    yield Unit(
        "torch/script-constants-call.pt",
        archive(constants),
        "code",
        "torchscript",
        "constants.pkl of a TorchScript calls",
        "pickle.load of the member",
        "call of os.getpid",
    )
    lite = hidden | {"data.pkl": stream(b")", protocol=2), "bytecode.pkl": stream(getpid(2), protocol=2)}
    yield Unit(
        "torch/lite-bytecode-call.ptl",
        archive(lite),
        "code",
        "torchscript lite",
        "bytecode.pkl calls",
        "pickle.load of the member",
        "call of os.getpid",
    )


def _export() -> Iterator[Unit]:
    program = json.dumps(
        {
            "graph_module": {"graph": {"inputs": [], "outputs": [], "nodes": [], "tensor_values": {}}, "signature": {}},
            "opset_version": {"aten": 10},
            "schema_version": {"major": 8, "minor": 1},
        }
    ).encode()
    basic = {
        "archive_format": b"pt2",
        "archive_version": b"0",
        "models/model.json": program,
        "data/weights/model.pt": archive(checkpoint()),
        "version": b"3\n",
    }
    yield Unit(
        "torch/export-sample-inputs.pt2",
        archive(basic | {"data/sample_inputs/model.pt": archive(checkpoint(state(PLANTED)))}, root="m"),
        "code",
        "torch export",
        "the sample inputs are a checkpoint that calls",
        "torch.export.load (weights_only=False)",
        "call of os.getpid",
    )
    yield Unit(
        "torch/export-weights.pt2",
        archive(basic | {"data/weights/model.pt": archive(checkpoint(state(PLANTED)))}, root="m"),
        "code",
        "torch export",
        "the weights are a checkpoint that calls",
        "torch.export.load",
        "call of os.getpid",
    )
    yield Unit(
        "torch/export-constants.pt2",
        archive(basic | {"data/constants/custom_obj_0": stream(getpid())}, root="m"),
        "code",
        "torch export",
        "a custom object constant is a pickle that calls",
        "torch.export.load",
        "call of os.getpid",
    )
    yield Unit(
        "torch_native/aoti-library.pt2",
        archive(
            basic | {"data/aotinductor/model/planted.so": ELF, "data/aotinductor/model/planted.cpp": b"int planted;"},
            root="m",
        ),
        "code",
        "torch export",
        "a compiled library that the package loader opens",
        "torch._inductor.aoti_load_package",
        "native code",
    )
    yield Unit(
        "torch_native/aoti-cubin.pt2",
        archive(basic | {"data/aotinductor/model/planted.cubin": ELF}, root="m"),
        "code",
        "torch export",
        "compiled GPU code",
        "torch._inductor.aoti_load_package",
        "native code",
    )
    graph = json.loads(program)
    graph["graph_module"]["graph"]["nodes"] = [
        {"target": "torch.ops.planted.run.default", "inputs": [], "outputs": [], "metadata": {"stack_trace": "planted"}}
    ]
    yield Unit(
        "torch_native/custom-op.pt2",
        archive(basic | {"models/model.json": json.dumps(graph).encode()}, root="m"),
        "code",
        "torch export",
        "the graph calls an operator of a library that must be loaded",
        "torch.export.load",
        "unknown operator",
    )
    graph["graph_module"]["graph"]["nodes"][0]["target"] = "os.system"
    yield Unit(
        "torch_native/python-target.pt2",
        archive(basic | {"models/model.json": json.dumps(graph).encode()}, root="m"),
        "code",
        "torch export",
        "a node's target is os.system",
        "torch.export.load",
        "target outside torch.ops",
    )
