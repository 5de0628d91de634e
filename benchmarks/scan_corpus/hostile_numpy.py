"""NumPy arrays whose elements are objects, that is: a pickle behind an array's header. Source: numpy.lib.format."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Iterator

from hostile_opcodes import getpid, push, stream
from hostile_units import Class, Unit

HOSTILE = stream(push([getpid()]))


def npy(description: str, data: bytes, version: tuple[int, int] = (1, 0), shape: str = "(1,)") -> bytes:
    """A `.npy` file with that element type and those bytes."""
    header = f"{{'descr': {description}, 'fortran_order': False, 'shape': {shape}, }}".encode()
    width = 2 if version == (1, 0) else 4
    header += b" " * (-(8 + width + len(header) + 1) % 64) + b"\n"
    return b"\x93NUMPY" + bytes(version) + len(header).to_bytes(width, "little") + header + data


def npz(members: dict[str, bytes], compressed: bool = False) -> bytes:
    """A `.npz` archive."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED) as archive:
        for name, data in members.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = archive.compression
            archive.writestr(info, data)
    return out.getvalue()


def units() -> Iterator[Unit]:
    """All of them."""
    floats = npy("'<f8'", struct.pack("<d", 0.5))
    objects = npy("'|O'", HOSTILE)
    yield _unit("object.npy", objects, "object array: its elements are a pickle")
    yield _unit("object-version2.npy", npy("'|O'", HOSTILE, (2, 0)), "the same, header version 2")
    yield _unit("object-version3.npy", npy("'|O'", HOSTILE, (3, 0)), "the same, header version 3")
    yield _unit("object-plain-o.npy", npy("'O'", HOSTILE), "element type 'O'")
    yield _unit("object-o8.npy", npy("'O8'", HOSTILE), "element type 'O8'")
    yield _unit("object-name.npy", npy("'object'", HOSTILE), "element type 'object'")
    yield _unit("structured.npy", npy("[('a', '<i4'), ('b', '|O')]", HOSTILE), "structured type with an object field")
    yield _unit(
        "structured-nested.npy", npy("[('a', [('b', '<f4'), ('c', '|O')])]", HOSTILE), "object field two levels deep"
    )
    yield _unit("structured-subarray.npy", npy("[('a', '|O', (2,))]", HOSTILE), "object sub-array")
    yield _unit(
        "zero-shape.npy", npy("'|O'", HOSTILE, shape="(0,)"), "an object array of no elements is unpickled all the same"
    )
    yield _unit("scalar-shape.npy", npy("'|O'", HOSTILE, shape="()"), "an object scalar")
    yield _unit("fall-through.npy", HOSTILE, "no array header: numpy.load falls through to pickle")
    yield _unit("protocol0.npy", npy("'|O'", stream(getpid(0), protocol=0)), "the pickle is of protocol 0")
    yield _unit("object.npz", npz({"weights.npy": floats, "labels.npy": objects}), "an object array among others")
    yield _unit("object-deflated.npz", npz({"weights.npy": floats, "labels.npy": objects}, True), "the same, deflated")
    yield _unit(
        "raw-pickle-member.npz",
        npz({"weights.npy": floats, "state.pkl": HOSTILE}),
        "a bare pickle in the archive",
        loader="pickle.load of the member",
    )
    yield _unit(
        "raw-pickle-as-npy.npz",
        npz({"weights.npy": HOSTILE}),
        "a bare pickle called .npy in the archive",
        loader="numpy.load of the member",
    )
    yield _unit(
        "second-array.npy",
        floats + objects,
        "a second array in the same file: numpy.load of one open file reads on",
        loader="numpy.load twice on one file",
    )
    yield _unit(
        "pickle-after-array.npy",
        floats + HOSTILE,
        "a pickle after the array's bytes",
        loader="pickle.load after numpy.load",
    )
    yield _unit(
        "header-eval.npy",
        npy("'<f8' if __import__('os').getpid() else '<f4'", struct.pack("<d", 1)),
        "an expression in the header: loaders that eval it run it",
        loader="third-party readers that eval the header",
        expect="header is no literal",
        load="",
    )
    yield _unit(
        "header-bomb.npy",
        b"\x93NUMPY\x02\x00" + struct.pack("<I", 2**32 - 1) + b"{" * 100,
        "a header of 4 GiB",
        kind="resource",
        expect="header beyond the file",
        load="",
    )
    yield _unit(
        "shape-bomb.npy",
        npy("'<f8'", bytes(8), shape="(1099511627776,)"),
        "a shape of 2^40 elements over 8 bytes",
        kind="resource",
        expect="shape beyond the file",
        load="",
    )
    yield _unit(
        "header-nesting.npy",
        npy("(" * 5000 + "'<f8'" + ")" * 5000, bytes(8)),
        "5,000 parentheses in the header",
        kind="resource",
        expect="header nested beyond reason",
        load="",
    )
    yield _unit(
        "negative-shape.npy",
        npy("'<f8'", bytes(8), shape="(-1,)"),
        "a negative dimension",
        kind="integrity",
        expect="negative dimension",
        load="",
    )
    yield _unit(
        "tail.npy",
        floats + b"planted" * 100,
        "700 bytes follow the array",
        kind="integrity",
        expect="bytes after the array",
        load="",
    )
    yield _unit(
        "elf-tail.npy",
        floats + b"\x7fELF\x02\x01\x01" + bytes(100),
        "a program follows the array",
        kind="integrity",
        expect="a program after the array",
        load="",
    )
    yield _unit(
        "traversal.npz",
        npz({"../../planted.npy": floats}),
        "a member's name climbs out",
        kind="integrity",
        expect="path out of the archive",
        load="",
    )
    yield _unit(
        "zeros-bomb.npz",
        npz({"zeros.npy": npy("'|u1'", bytes(2**27), shape="(134217728,)")}, True),
        "128 MiB of zeros in 130 kB",
        kind="resource",
        expect="unpacks to a thousand times its size",
        load="",
    )


def _unit(
    name: str,
    data: bytes,
    threat: str,
    *,
    loader: str = "numpy.load(allow_pickle=True)",
    kind: Class = "code",
    expect: str = "call of os.getpid in an object array",
    load: str = "numpy",
) -> Unit:
    format_ = "npz" if name.endswith("npz") else "npy"
    load = load if loader.startswith("numpy.load(") else ""
    return Unit(f"numpy/{name}", data, kind, format_, threat, loader, expect, load, "os:getpid" if load else "")
