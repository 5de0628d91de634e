"""One dangerous function, every way a pickle can name it without writing it plainly."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any, get_args

from hostile_opcodes import (
    BUILD,
    MARK,
    MEMOIZE,
    NEWOBJ,
    POP,
    REDUCE,
    STACK_GLOBAL,
    How,
    Raw,
    call,
    called,
    named,
    push,
    stream,
    text,
)
from hostile_units import Unit

_OS, _PID = push("os"), push("getpid")
_CALL = b")" + REDUCE


def units() -> Iterator[Unit]:
    """All of them."""
    yield from _strings()
    yield from _memo()
    yield from _computed()
    yield from _dotted()
    yield from _aliases()
    yield from _registry()
    yield from _changed_objects()


def _unit(name: str, data: bytes, threat: str, expect: str = "call of os.getpid", proof: str = "os:getpid") -> Unit:
    return Unit(f"pickle/name-{name}.pkl", data, "code", "pickle", threat, "pickle.load", expect, "pickle", proof)


def _strings() -> Iterator[Unit]:
    """STACK_GLOBAL takes any string, whatever opcode pushed it."""
    for how in get_args(How):
        data = stream(text("os", how), text("getpid", how), STACK_GLOBAL, _CALL, framed=False)
        yield _unit(f"by-{how.lower()}", data, f"both operands of STACK_GLOBAL pushed by {how}")
    escaped = rb"V\u006f\u0073" + b"\n" + rb"V\u0067etpid" + b"\n"
    yield _unit(
        "unicode-escapes", stream(escaped, STACK_GLOBAL, _CALL, framed=False), "operands with \\u escapes (UNICODE)"
    )
    quoted = rb"S'\x6f\x73'" + b"\n" + rb'S"\147\145tpid"' + b"\n"
    yield _unit(
        "string-escapes",
        stream(quoted, STACK_GLOBAL, _CALL, framed=False),
        "operands with \\x and octal escapes (STRING)",
    )
    yield _unit(
        "mixed-pushes",
        stream(text("os", "BINSTRING"), b"N0", text("getpid", "BIN8"), STACK_GLOBAL, _CALL, framed=False),
        "one operand as byte string, None pushed and popped between",
    )
    yield _unit(
        "long-lengths",
        stream(b"\x8d" + struct.pack("<Q", 2) + b"os", _PID, STACK_GLOBAL, _CALL),
        "operand with an 8-byte length",
    )
    yield _unit(
        "stack-global-protocol0",
        stream(_OS, _PID, STACK_GLOBAL, _CALL, protocol=0),
        "STACK_GLOBAL in a stream without PROTO",
    )
    yield _unit("inst-in-protocol5", stream(MARK, b"ios\ngetpid\n", protocol=5), "INST in protocol 5")
    yield _unit("global-in-protocol5", stream(b"cos\ngetpid\n", _CALL, protocol=5), "GLOBAL in protocol 5")
    yield _unit(
        "proto-changes",
        stream(b"\x80\x02", b"\x80\x00", b"cos\ngetpid\n", _CALL, protocol=4, framed=False),
        "several PROTO opcodes, falling and rising",
    )
    yield _unit(
        "unset-protocol-mapping",
        stream(b"\x80\x02", b"cposix\ngetpid\n", _CALL, protocol=5, framed=False),
        "protocol lowered in mid-stream",
        proof="posix:getpid",
    )


def _memo() -> Iterator[Unit]:
    """Operands that come from the memo, far from where the name is used."""
    yield _unit(
        "memoize-binget",
        stream(_OS, MEMOIZE, _PID, MEMOIZE, b"00", b"h\x00h\x01", STACK_GLOBAL, _CALL),
        "operands from the memo by BINGET",
    )
    yield _unit(
        "long-binget",
        stream(
            _OS,
            b"r" + struct.pack("<I", 70000),
            _PID,
            b"r" + struct.pack("<I", 80000),
            b"00",
            b"j" + struct.pack("<I", 70000) + b"j" + struct.pack("<I", 80000),
            STACK_GLOBAL,
            _CALL,
        ),
        "operands from the memo by LONG_BINGET at high indices",
    )
    yield _unit(
        "put-get-text",
        stream(_OS, b"p300\n", _PID, b"p301\n", b"00g300\ng301\n", STACK_GLOBAL, _CALL),
        "operands from the memo by GET",
    )
    yield _unit(
        "memo-overwritten",
        stream(push("math"), b"q\x05", POP, _OS, b"q\x05", POP, b"h\x05", _PID, STACK_GLOBAL, _CALL),
        "a memo entry is first 'math', then overwritten by 'os'",
    )
    yield _unit(
        "memo-swapped-after-use",
        stream(
            push("collections"),
            b"q\x01",
            push("OrderedDict"),
            b"q\x02",
            STACK_GLOBAL,
            _CALL,
            POP,
            _OS,
            b"q\x01",
            _PID,
            b"q\x02",
            POP,
            POP,
            b"h\x01h\x02",
            STACK_GLOBAL,
            _CALL,
        ),
        "the same two memo indices name OrderedDict first and os.getpid later",
    )
    yield _unit(
        "memo-gap",
        stream(_OS, b"q\x07", _PID, MEMOIZE, POP, POP, b"h\x07h\x01", STACK_GLOBAL, _CALL),
        "MEMOIZE counts entries, not the highest index",
    )
    yield _unit(
        "function-in-memo",
        stream(named("os", "getpid"), b"q\x09", POP, push({"a": 1}), POP, b"h\x09", _CALL),
        "the function itself comes from the memo",
    )
    yield _unit(
        "dup-operand",
        stream(push("code"), b"2", STACK_GLOBAL, POP, _OS, _PID, STACK_GLOBAL, _CALL, framed=False),
        "DUP gives both operands of a first STACK_GLOBAL",
        proof="",
    )
    yield _unit(
        "dup-function",
        stream(named("os", "getpid"), b"2", POP, _CALL),
        "the function is duplicated and popped before the call",
    )
    yield _unit(
        "pop-mark",
        stream(MARK, push("x"), push("y"), b"1", named("os", "getpid"), MARK, push(1), b"1", _CALL),
        "POP_MARK between function and arguments",
    )
    yield _unit(
        "operands-from-tuple",
        stream(_OS, MARK, push("noise"), b"1", _PID, STACK_GLOBAL, _CALL),
        "a marked run pushed and popped between the operands",
    )
    yield _unit(
        "memo-in-list",
        stream(b"](", _OS, MEMOIZE, _PID, MEMOIZE, b"e0h\x00h\x01", STACK_GLOBAL, _CALL),
        "operands memoised as items of a vocabulary list",
    )
    words = push([f"token{number}" for number in range(5000)])
    yield _unit(
        "operand-among-vocabulary",
        stream(
            words,
            push({"os": 1, "getpid": 2}),
            POP,
            text("os", "BIN"),
            b"q\x64",
            text("getpid", "BIN"),
            b"q\x65",
            POP,
            POP,
            push(["filler"] * 2000),
            POP,
            b"h\x64h\x65",
            STACK_GLOBAL,
            _CALL,
            framed=False,
        ),
        "operands memoised thousands of opcodes before their use",
    )


def _computed() -> Iterator[Unit]:
    """Operands that an earlier call computes; a scanner that reads literals sees nothing."""
    ways = {
        "concat": call("operator", "concat", "o", "s"),
        "add": call("operator", "add", "o", "s"),
        "rot13": call("_codecs", "decode", "bf", "rot13"),
        "codecs-hex": call("builtins", "str", call("_codecs", "decode", b"6f73", "hex"), "ascii"),
        "str-of-bytes": call("builtins", "str", b"os", "utf-8"),
        "unquote": call("urllib.parse", "unquote", "%6f%73"),
        "min": call("builtins", "min", ("os", "zz")),
        "getitem": call("operator", "getitem", ["math", "os"], 1),
        "join": call("posixpath", "basename", "/usr/lib/os"),
        "lower": called(Raw(named("builtins", "getattr") + push(("OS", "lower")) + REDUCE)),
        "replace": called(Raw(named("builtins", "getattr") + push(("oxs", "replace")) + REDUCE), "x", ""),
        "textwrap": call("textwrap", "dedent", "  os"),
        "html": call("html", "unescape", "&#111;s"),
        "intern": call("sys", "intern", "os"),
        "next": call("builtins", "next", call("builtins", "iter", ["os"])),
        "new-str": Raw(named("builtins", "str") + push(("os",)) + NEWOBJ),
        "max-key": call("builtins", "max", ["a", "os"]),
        "reduce-concat": call("functools", "reduce", named("operator", "concat"), ["o", "s"]),
        "string-template": call("string", "capwords", "os"),
    }
    for way, operand in ways.items():
        if way == "string-template":
            data = stream(operand, POP, operand, POP, _OS, _PID, STACK_GLOBAL, _CALL)
            yield _unit(f"computed-{way}", data, "a string function before a plain call")
            continue
        data = stream(operand, _PID, STACK_GLOBAL, _CALL)
        yield _unit(
            f"computed-{way}", data, f"the module's name is computed ({way})", "STACK_GLOBAL of a computed name"
        )
    surrogate = Raw(text("\udc80", "BIN") + POP)
    yield _unit(
        "lone-surrogate", stream(surrogate, _OS, _PID, STACK_GLOBAL, _CALL), "a lone surrogate before a plain call"
    )


def _dotted() -> Iterator[Unit]:
    """Protocol 4 walks dots from attribute to attribute."""
    to_getpid = [
        ("random", "_os.getpid"),
        ("shutil", "os.getpid"),
        ("os.path", "os.getpid"),
        ("posixpath", "genericpath.os.getpid"),
        ("logging", "os.getpid"),
        ("multiprocessing.util", "os.getpid"),
        ("numpy.f2py", "os.getpid"),
        ("torch", "os.getpid"),
        ("torch.serialization", "os.getpid"),
        ("sklearn", "os.getpid"),
        ("pandas.io.common", "os.getpid"),
        ("joblib.numpy_pickle", "os.getpid"),
    ]
    for module, name in to_getpid:
        yield _unit(
            f"dotted-{module}.{name}",
            stream(called(named(module, name))),
            f"dotted walk from {module} to os.getpid",
            "dotted attribute walk",
        )
    getitem = named("operator", "getitem")
    getattr_ = named("builtins", "getattr")
    library = "/nonexistent/planted.so"
    others = {
        "json.codecs.builtins.eval": (called(named("json", "codecs.builtins.eval"), "1 + 1"), "audit:exec"),
        "subprocess.os.system": (
            called(named("subprocess", "os.system"), "echo planted >/dev/null"),
            "audit:os.system",
        ),
        "statistics.sys.intern": (called(named("statistics", "sys.intern"), "planted"), ""),
        "torch.ops.load_library": (called(named("torch", "ops.load_library"), library), ""),
        "torch.classes.load_library": (called(named("torch", "classes.load_library"), library), ""),
        "collections._sys.modules": (
            called(called(getattr_, called(getitem, named("collections", "_sys.modules"), "os"), "getpid")),
            "os:getpid",
        ),
        "namedtuple.__globals__": (
            called(
                called(getattr_, called(getitem, named("collections", "namedtuple.__globals__"), "_sys"), "intern"), "x"
            ),
            "",
        ),
        "namedtuple.__builtins__": (
            called(called(getitem, named("collections", "namedtuple.__builtins__"), "eval"), "1 + 1"),
            "audit:exec",
        ),
        "object.__subclasses__": (called(named("builtins", "object.__subclasses__")), ""),
    }
    for way, (planted, proof) in others.items():
        yield _unit(f"dotted-{way}", stream(planted), f"dotted walk to {way}", "dotted attribute walk", proof)
    fetched = called(getattr_, named("random", "_os"), "getpid")
    yield _unit("module-attribute", stream(called(fetched)), "a module fetched as another module's attribute")


def _aliases() -> Iterator[Unit]:
    """Other names of the same function: re-exports, Python 2 names, platform modules."""
    pairs = [
        ("posix", "getpid", (), "posix:getpid"),
        ("platform", "popen", ("true",), ""),
        ("subprocess", "_args_from_interpreter_flags", (), "subprocess:_args_from_interpreter_flags"),
        ("asyncio.base_subprocess", "subprocess.getoutput", ("echo planted",), "subprocess:getoutput"),
        ("tempfile", "_os.getpid", (), "os:getpid"),
        ("contextlib", "os.getpid", (), "os:getpid"),
        ("test.support", "os.getpid", (), ""),
        ("concurrent.futures.process", "os.getpid", (), "os:getpid"),
    ]
    for module, name, arguments, proof in pairs:
        yield _unit(
            f"alias-{module}.{name}",
            stream(called(named(module, name), *arguments)),
            f"{module}.{name} is another way to the same function",
            f"call of {module}.{name}",
            proof,
        )
    python2: list[tuple[str, str, tuple[Any, ...], str]] = [
        ("__builtin__", "eval", ("1 + 1",), "audit:exec"),
        ("__builtin__", "execfile", ("/nonexistent/planted.py",), ""),
        ("__builtin__", "file", ("/nonexistent/planted",), ""),
        ("__builtin__", "apply", (Raw(b"cos\ngetpid\n"), ()), ""),
        ("commands", "getoutput", ("echo planted",), "subprocess:getoutput"),
        ("urllib", "urlopen", ("http://127.0.0.1:9/",), "urllib.request:urlopen"),
        ("urllib2", "urlopen", ("http://127.0.0.1:9/",), "urllib.request:urlopen"),
        ("cPickle", "loads", (b"N.",), ""),
        ("popen2", "popen2", ("true",), ""),
        ("itertools", "imap", (Raw(b"cos\nsystem\n"), ["echo planted"]), ""),
        ("os", "popen2", ("true",), ""),
    ]
    for module, name, operands, proof in python2:
        yield _unit(
            f"python2-{module}.{name}",
            stream(call(module, name, *operands, protocol=2), protocol=2),
            f"Python 2 name {module}.{name}, mapped by fix_imports",
            f"call of {module}.{name}",
            proof,
        )


def _registry() -> Iterator[Unit]:
    """The extension registry gives functions numbers."""
    register = call("copyreg", "add_extension", "os", "getpid", 0x70)
    yield _unit(
        "extension-1",
        stream(register, POP, b"\x82\x70", _CALL, framed=False),
        "registers os.getpid as extension 0x70, calls it by EXT1",
        "call of add_extension; EXT1",
    )
    register = call("copyreg", "add_extension", "os", "getpid", 0x7001)
    yield _unit(
        "extension-2",
        stream(register, POP, b"\x83\x01\x70", _CALL, framed=False),
        "the same by EXT2",
        "call of add_extension; EXT2",
    )
    register = call("copyreg", "add_extension", "os", "getpid", 0x700001)
    yield _unit(
        "extension-4",
        stream(register, POP, b"\x84\x01\x00\x70\x00", _CALL, framed=False),
        "the same by EXT4",
        "call of add_extension; EXT4",
    )
    yield _unit(
        "extension-inverted",
        stream(
            named("copyreg", "_inverted_registry"), push(0x71), push(("os", "getpid")), b"s", POP, b"\x82\x71", _CALL
        ),
        "writes to copyreg._inverted_registry by SETITEM, calls by EXT1",
        "SETITEM on an imported object; EXT1",
    )
    yield _unit(
        "extension-cache",
        stream(named("copyreg", "_extension_cache"), push(0x72), named("os", "getpid"), b"s", POP, b"\x82\x72", _CALL),
        "writes to copyreg._extension_cache by SETITEM, calls by EXT1",
        "SETITEM on an imported object; EXT1",
        "",
    )


def _changed_objects() -> Iterator[Unit]:
    """No call at all: an imported object is changed, and the program calls it later."""
    pid = named("os", "getpid")
    changes = {
        "sys-path": (named("sys", "path") + push("/nonexistent/planted") + b"a", "puts a folder on sys.path"),
        "sys-modules": (
            named("sys", "modules") + push("planted_module") + named("os", "path") + b"s",
            "plants a module in sys.modules",
        ),
        "os-environ": (
            named("os", "environ") + push("PLANTED_PRELOAD") + push("/nonexistent/planted.so") + b"s",
            "sets an environment variable",
        ),
        "builtins-dict": (named("builtins", "__dict__") + push("planted") + pid + b"s", "plants a builtin"),
        "build-function": (
            named("textwrap", "dedent") + push({"planted": pid}) + BUILD,
            "BUILD on an imported function",
        ),
        "build-class-slots": (
            named("logging", "Formatter") + push((None, {"planted": pid})) + BUILD,
            "BUILD sets an attribute of a class",
        ),
        "build-module": (named("random", "_os") + push({"planted": pid}) + BUILD, "BUILD on an imported module"),
        "build-code": (
            named("textwrap", "dedent") + push((None, {"__defaults__": (pid,)})) + BUILD,
            "BUILD replaces a function's defaults",
        ),
        "numpy-globals": (
            named("numpy", "prod.__globals__") + push("planted") + pid + b"s",
            "writes to the globals of a numpy function",
        ),
        "dispatch-table": (
            named("copyreg", "dispatch_table") + push("planted") + pid + b"s",
            "plants a reducer in copyreg.dispatch_table",
        ),
        "builtins-of-class": (
            named("collections", "OrderedDict.__reduce__"),
            "fetches a method by a dotted name, as data",
        ),
        "warnings-filters": (
            named("warnings", "filters") + push(("ignore", None, named("builtins", "Warning"), None, 0)) + b"a",
            "switches warnings off",
        ),
        "meta-path": (named("sys", "meta_path") + named("types", "SimpleNamespace") + b"a", "plants an import hook"),
        "excepthook": (named("sys", "__dict__") + push("planted_hook") + pid + b"s", "plants a hook in sys"),
        "appends-handlers": (named("logging", "root.handlers") + MARK + pid + b"e", "plants a logging handler"),
        "additems-set": (named("typing", "_cleanups") + MARK + pid + b"e", "plants a callback in a list of callbacks"),
    }
    for way, (planted, threat) in changes.items():
        yield _unit(
            f"changed-{way}", stream(push({"state": Raw(planted)})), threat, "an imported object is changed", ""
        )
