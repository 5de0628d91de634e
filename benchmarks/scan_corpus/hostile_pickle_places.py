"""One call, every place in a stream where it can stand, and streams that end, break or continue strangely."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Iterator

from hostile_opcodes import BUILD, MARK, NEWOBJ, POP, STOP, Raw, call, getpid, named, push, stream
from hostile_units import Class, Unit

_BENIGN = push({"epoch": 3, "weights": [0.25, 0.5], "name": "model"})


def units() -> Iterator[Unit]:
    """All of them."""
    yield from _inside_values()
    yield from _around_stop()
    yield from _frames()
    yield from _nested()
    yield from _other_bytes()


def _unit(
    name: str,
    data: bytes,
    threat: str,
    *,
    kind: Class = "code",
    expect: str = "call of os.getpid",
    loader: str = "pickle.load",
    load_with: str = "pickle",
    proof: str = "os:getpid",
) -> Unit:
    return Unit(f"pickle/place-{name}.pkl", data, kind, "pickle", threat, loader, expect, load_with, proof)


def _inside_values() -> Iterator[Unit]:
    planted = getpid()
    places = {
        "first": planted + POP + _BENIGN,
        "popped": _BENIGN + planted + POP,
        "popped-by-mark": MARK + planted + b"1" + _BENIGN,
        "dict-key": push({planted: 1}),
        "dict-value": push({"a": planted}),
        "list-item": push([1, planted]),
        "set-item": b"\x8f" + MARK + planted + b"\x90",
        "frozenset-item": MARK + planted + b"\x91",
        "tuple-item": push((1, 2, 3, planted)),
        "deep": push([[[[[[[[[[planted]]]]]]]]]]),
        "state": named("types", "SimpleNamespace") + b")" + NEWOBJ + push({"pid": planted}) + BUILD,
        "ordered-dict-argument": call("collections", "OrderedDict", [("pid", planted)]),
        "constructor-argument": call("datetime", "date", 2024, 1, planted),
        "partial-argument": call("functools", "partial", named("builtins", "print"), planted),
        "after-long-list": push([float(number) for number in range(20000)]) + POP + planted,
        "between-appends": b"]" + MARK + push(1) + b"e" + MARK + planted + b"e",
        "after-4k-text": push("x" * 5000) + POP + planted,
        "after-300k-bytes": push(b"\x00" * 300_000) + POP + planted,
        "in-window-end": push(b"\x00" * (256 * 1024 - 40)) + POP + planted,
        "argument-of-benign": call("collections", "Counter", {"a": planted}),
    }
    for place, body in places.items():
        yield _unit(place, stream(body, framed=place != "in-window-end"), f"the call stands {place}")
    for protocol in (0, 1, 2):
        yield _unit(
            f"state-protocol{protocol}",
            stream(push({"model": call("os", "getpid", protocol=protocol)}, protocol), protocol=protocol),
            f"the call in a dictionary, protocol {protocol}",
        )


def _around_stop() -> Iterator[Unit]:
    benign = stream(_BENIGN)
    hostile = stream(getpid())
    yield _unit(
        "second-stream",
        benign + hostile,
        "a second stream follows the first",
        load_with="pickle-all",
        loader="pickle.load called twice on one file",
    )
    yield _unit(
        "third-stream",
        benign * 2 + hostile,
        "a third stream",
        load_with="pickle-all",
        loader="pickle.load called three times on one file",
    )
    yield _unit(
        "second-stream-after-padding",
        benign + bytes(64) + hostile,
        "a second stream after 64 zero bytes",
        kind="integrity",
        loader="a loader that seeks",
        load_with="",
        expect="a stream after the end",
    )
    yield _unit(
        "second-stream-protocol0",
        benign + stream(getpid(0), protocol=0),
        "a second stream without PROTO",
        load_with="pickle-all",
        loader="pickle.load called twice",
    )
    yield _unit("before-error", stream(getpid(), b"\xff"), "the call stands before an unknown opcode")
    yield _unit("before-bad-memo", stream(getpid(), b"h\xfe"), "before a memo entry that is not there")
    yield _unit("before-stack-underflow", stream(getpid(), POP, POP, POP), "before the stack runs empty")
    yield _unit("before-missing-mark", stream(getpid(), b"u"), "before SETITEMS without MARK")
    yield _unit("before-bad-utf8", stream(getpid(), b"\x8c\x02\xff\xff"), "before text that is not UTF-8")
    yield _unit("before-bad-proto", stream(getpid(), b"\x80\x63"), "before an unsupported protocol")
    yield _unit(
        "before-bad-import", stream(getpid(), named("planted_module", "planted")), "before an import that fails"
    )
    yield _unit("before-bad-int", stream(getpid(0), b"Iplanted\n", protocol=0), "before an integer that is none")
    yield _unit(
        "before-negative-length", stream(getpid(), b"T\xff\xff\xff\xff", framed=False), "before a negative length"
    )
    yield _unit("before-next-buffer", stream(getpid(), b"\x97"), "before NEXT_BUFFER without buffers")
    yield _unit("before-persistent-id", stream(getpid(), b"K\x01Q"), "before BINPERSID without a resolver")
    yield _unit("truncated", stream(getpid(), _BENIGN, framed=False)[:-20], "the stream is cut short after the call")
    yield _unit("truncated-before-stop", stream(getpid(), framed=False)[:-1], "no STOP at all")
    yield _unit(
        "truncated-in-frame",
        stream(getpid(), push("x" * 80))[:-60],
        "the frame is cut short after the call",
        load_with="",
        expect="call of os.getpid; frame past the end",
    )
    yield _unit("empty-stack-at-stop", stream(getpid(), POP), "STOP on an empty stack")
    yield _unit("two-values-at-stop", stream(getpid(), push(1)), "two values are left at STOP")
    yield _unit("mark-at-stop", stream(getpid(), POP, push(1), MARK, push(2)), "a mark is left at STOP")
    yield _unit("nul-padding-after", stream(getpid()) + bytes(512), "zero bytes follow")
    yield _unit("after-stop-in-frame", stream(getpid(), STOP, _BENIGN), "STOP in the middle of the frame")
    yield _unit(
        "hidden-after-stop",
        stream(_BENIGN) + b"planted " * 40,
        "text follows the end",
        kind="integrity",
        load_with="",
        expect="bytes after the end",
    )
    yield _unit(
        "hidden-elf-after-stop",
        stream(_BENIGN) + b"\x7fELF\x02\x01\x01" + bytes(200),
        "an ELF header follows the end",
        kind="integrity",
        load_with="",
        expect="a program after the end",
    )
    yield _unit(
        "hidden-zip-after-stop",
        stream(_BENIGN) + _small_zip(),
        "a zip archive follows the end",
        kind="integrity",
        load_with="",
        expect="an archive after the end",
        loader="zipfile, torch.load (reads from the end)",
    )
    yield _unit(
        "bare-persistent-id",
        stream(push({"w": Raw(b"Pplanted\n")}), framed=False),
        "persistent id in a bare pickle",
        kind="integrity",
        load_with="",
        expect="a persistent id",
    )
    yield _unit(
        "broken-without-call",
        stream(_BENIGN)[:-9],
        "cut short, no call",
        kind="integrity",
        load_with="",
        expect="not read to its end",
    )


def _frames() -> Iterator[Unit]:
    """Frames are hints that C, Python and pickletools honour differently (CPython issue 154848)."""
    inner = getpid() + STOP
    crossing = {
        # Where the frame is larger than what C reads ahead, C drops what is left of it and reads the whole argument
        # anew after it. The two bytes that this moves the reading by are a literal's head for everyone else, and the
        # literal holds the call.
        "length": b"B" + struct.pack("<H", 2 + len(inner)) + b"\0\0" + b"\0\0" + inner,
        "text": b"X" + struct.pack("<I", 6) + b"AA" + b"AAAA" + b"C" + bytes([len(inner)]) + inner,
        "short-text": b"\x8c\x06" + b"AA" + b"AAAA" + b"C" + bytes([len(inner)]) + inner,
        "long-text": b"\x8d" + struct.pack("<Q", 6) + b"AA" + b"AAAA" + b"C" + bytes([len(inner)]) + inner,
        "integer": b"J\0\0" + b"\0\0" + b"C" + bytes([len(inner)]) + inner,
        "float": b"G\0\0" + bytes(6) + b"C" + bytes([len(inner)]) + inner,
    }
    filler = push("x" * 150_000) + POP
    in_frame = {"length": 3, "text": 7, "short-text": 4, "long-text": 11, "integer": 3, "float": 3}
    for way, body in crossing.items():
        data = b"\x80\x04\x95" + struct.pack("<Q", len(filler) + in_frame[way]) + filler + body + POP + _BENIGN + STOP
        yield _unit(
            f"frame-straddle-{way}",
            data,
            "an argument crosses the end of its frame: C reads a call where others read a literal",
            load_with="pickle",
            expect="an argument crosses a frame's end",
        )
    line = b"\x80\x04\x95" + struct.pack("<Q", 3) + b"Vab" + b"\n" + POP + inner
    yield _unit(
        "frame-straddle-line",
        line,
        "a line crosses the end of its frame",
        load_with="pickle",
        expect="an argument crosses a frame's end",
        proof="",
    )
    nested = b"\x95" + struct.pack("<Q", len(inner)) + inner
    yield _unit(
        "frame-in-frame",
        b"\x80\x04\x95" + struct.pack("<Q", len(nested)) + nested,
        "a frame within a frame",
        expect="call of os.getpid; frame in a frame",
        load_with="pickle",
        proof="",
    )
    yield _unit(
        "frame-past-end",
        b"\x80\x04\x95" + struct.pack("<Q", 10_000) + inner,
        "the frame claims more than there is",
        kind="integrity",
        load_with="",
        expect="frame past the end",
    )
    yield _unit("frame-zero", b"\x80\x04\x95" + bytes(8) + inner, "an empty frame", proof="")
    yield _unit(
        "frame-too-short",
        b"\x80\x04\x95" + struct.pack("<Q", 4) + inner,
        "the frame ends within the call",
        proof="",
        load_with="pickle",
        expect="call of os.getpid",
    )
    pieces = b"".join(b"\x95" + struct.pack("<Q", 1) + bytes([byte]) for byte in push(None) + POP)
    yield _unit("frame-per-opcode", b"\x80\x04" + pieces + inner, "one frame for each opcode, then the call unframed")
    yield _unit("frame-protocol2", b"\x80\x02\x95" + struct.pack("<Q", len(inner)) + inner, "FRAME in protocol 2")


def _nested() -> Iterator[Unit]:
    """A pickle within a pickle: loaded by the outer one, or lying in wait for whoever decodes it."""
    hostile = stream(getpid())
    for module in ("pickle", "_pickle", "dill", "cloudpickle", "joblib"):
        acts = module in {"pickle", "_pickle"}
        yield _unit(
            f"nested-{module}.loads",
            stream(call(module, "loads", hostile)),
            f"{module}.loads of an inner pickle",
            expect=f"call of {module}.loads",
            load_with="pickle" if acts else "",
            proof="os:getpid" if acts else "",
        )
    yield _unit(
        "nested-torch-load-from-bytes",
        stream(call("torch.storage", "_load_from_bytes", hostile)),
        "torch.storage._load_from_bytes of an inner pickle",
        expect="call of _load_from_bytes",
        load_with="",
    )
    yield _unit(
        "nested-zlib-loads",
        stream(call("pickle", "loads", call("zlib", "decompress", zlib.compress(hostile)))),
        "pickle.loads(zlib.decompress(…))",
    )
    yield _unit(
        "nested-base64-loads",
        stream(call("pickle", "loads", call("base64", "b64decode", base64.b64encode(hostile)))),
        "pickle.loads(base64.b64decode(…))",
    )
    yield _unit(
        "nested-bytesio", stream(call("pickle", "load", call("io", "BytesIO", hostile))), "pickle.load(io.BytesIO(…))"
    )
    dormant = {
        "raw": hostile,
        "raw-in-noise": b"noise" + hostile + b"noise",
        "base64": base64.b64encode(hostile).decode(),
        "hex": hostile.hex(),
        "zlib": zlib.compress(hostile),
        "latin1-text": hostile.decode("latin-1"),
    }
    for how, payload in dormant.items():
        yield _unit(
            f"dormant-{how}",
            stream(push({"weights": [0.5], "blob": payload})),
            f"a hostile pickle lies as data ({how}); nothing here loads it",
            kind="integrity",
            load_with="",
            loader="whoever decodes it",
            expect="a pickle within the data",
            proof="",
        )
    deep = hostile
    for _ in range(6):
        deep = stream(call("pickle", "loads", deep))
    yield _unit("nested-six-deep", deep, "pickle.loads six levels deep")


def _other_bytes() -> Iterator[Unit]:
    """Hostile streams with heads that make them look like something else."""
    inner = getpid() + STOP
    yield _unit("looks-like-json", b"}" + POP + inner, "begins with a brace", proof="os:getpid")
    yield _unit("looks-like-text", b"I80\n0" + stream(getpid(0), protocol=0), "begins like a text")
    yield _unit("looks-like-yaml", b"S'model: 1'\n0" + stream(getpid(0), protocol=0), "begins like a line of text")
    yield _unit("looks-like-gguf", b"GGUF\x03\x00\x00\x00" + POP + inner, "the first opcode is a float spelling GGUF")
    yield _unit(
        "looks-like-zip-name",
        b"X" + struct.pack("<I", 30) + b"PK\x03\x04" + bytes(26) + POP + inner,
        "a text of zip magic first",
    )
    yield _unit("looks-like-riff", b"G" + b"IFFWAVE!" + POP + inner, "a float first")
    yield _unit("empty-tuple-first", b")" * 40 + POP * 40 + inner, "forty empty tuples first")
    yield _unit("newlines-in-global", b"cos\ngetpid\n)R.", "protocol 0 GLOBAL, nothing else")
    yield _unit(
        "utf8-name", stream(b"cos\ngetpid\n)R0cplanted\xc3\xa9\nx\n", protocol=0), "a non-ASCII name after the call"
    )
    for name in (
        "model.json",
        "vocab.txt",
        "image.png",
        "weights.safetensors",
        "model.onnx",
        "model.gguf",
        "data",
        "model.h5",
    ):
        yield Unit(
            f"pickle/renamed/{name}",
            stream(push({"w": getpid()})),
            "code",
            "pickle",
            f"a hostile pickle called {name}",
            "pickle.load",
            "call of os.getpid",
            "pickle",
            "os:getpid",
        )


def _small_zip() -> bytes:
    import io
    import zipfile

    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(zipfile.ZipInfo("planted.txt"), b"planted")
    return out.getvalue()
