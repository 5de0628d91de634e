"""One call, every way a pickle can make it: which function, which protocol, which opcode."""

from __future__ import annotations

import random
from collections.abc import Iterator

from hostile_gadgets import FILES, GADGETS, NETWORK, Gadget
from hostile_opcodes import (
    BUILD,
    MARK,
    NEWOBJ,
    NEWOBJ_EX,
    POP,
    REDUCE,
    By,
    Raw,
    call,
    called,
    getpid,
    named,
    push,
    stream,
)
from hostile_units import SEED, Unit

_BY: tuple[By, ...] = ("REDUCE", "REDUCE", "INST", "OBJ")


def units() -> Iterator[Unit]:
    """All of them."""
    yield from _gadgets()
    yield from _protocols()
    yield from _forms()
    yield from _chains()


def _gadgets() -> Iterator[Unit]:
    """Each function once, in a random protocol and by a random opcode, within an ordinary-looking dictionary."""
    choice = random.Random(SEED)
    for gadget in GADGETS:
        protocol, by = choice.randrange(6), choice.choice(_BY)
        if "." in gadget.name:
            protocol = max(protocol, 4)
        if "." in gadget.name or not gadget.arguments:  # OBJ and INST make a class without arguments by __new__ alone
            by = "REDUCE"
        arguments = tuple(push(None) if part is Ellipsis else part for part in gadget.arguments)
        planted = call(gadget.module, gadget.name, *arguments, protocol=protocol, by=by)
        body = push({"weights": [0.5, 0.25], "state": planted, "epoch": 3}, protocol)
        yield Unit(
            path=f"pickle/gadget-{gadget.module}.{gadget.name}.pkl",
            data=stream(body, protocol=protocol, framed=choice.random() < 0.7),
            kind="code",
            format="pickle",
            threat=f"{_does(gadget)}: {gadget.module}.{gadget.name} by {by}, protocol {protocol}",
            loader="pickle.load",
            expect=f"call of {gadget.module}.{gadget.name}",
            load_with="pickle" if gadget.inert else "",
            proof=gadget.proof or f"{gadget.module}:{gadget.name}",
        )


def _does(gadget: Gadget) -> str:
    if gadget in FILES:
        return "touches files"
    return "reaches the network" if gadget in NETWORK else "runs code"


def _unit(name: str, data: bytes, threat: str, expect: str = "call of os.getpid", proof: str = "os:getpid") -> Unit:
    return Unit(f"pickle/{name}.pkl", data, "code", "pickle", threat, "pickle.load", expect, "pickle", proof)


def _protocols() -> Iterator[Unit]:
    """The same call in each protocol by each opcode."""
    opcodes: tuple[By, ...] = ("REDUCE", "INST", "OBJ")
    for protocol in range(6):
        for by in opcodes:
            data = stream(call("os", "getpid", protocol=protocol, by=by), protocol=protocol)
            yield _unit(f"call-{by.lower()}-protocol{protocol}", data, f"os.getpid() by {by}, protocol {protocol}")


def _forms() -> Iterator[Unit]:
    """Calls without REDUCE, INST or OBJ: through constructors that iterate, and through BUILD."""
    pid = named("os", "getpid")
    starmap = Raw(named("itertools", "starmap") + push((pid, [()])) + NEWOBJ)
    yield _unit(
        "newobj-starmap",
        stream(named("builtins", "tuple"), starmap, b"\x85", NEWOBJ),
        "tuple.__new__ over starmap(os.getpid, [()]): no opcode that calls",
    )
    lazy = Raw(named("builtins", "map") + push((named("os", "system"), ["echo planted >/dev/null"])) + NEWOBJ)
    for consumer in ("bytes", "tuple", "frozenset"):
        yield _unit(
            f"newobj-map-{consumer}",
            stream(named("builtins", consumer), lazy, b"\x85", NEWOBJ),
            f"{consumer}.__new__ over map(os.system, …)",
            "call of os.system through map",
            "audit:os.system",
        )
    lazy_ex = Raw(
        named("builtins", "map") + push((named("os", "system"), ["echo planted >/dev/null"])) + b"}" + NEWOBJ_EX
    )
    yield _unit(
        "newobj-ex-map",
        stream(named("builtins", "tuple"), lazy_ex, b"\x85", b"}", NEWOBJ_EX),
        "the same with NEWOBJ_EX",
        "call of os.system through map",
        "audit:os.system",
    )
    unpacked = Raw(named("builtins", "filter") + push((named("os", "system"), ["echo planted >/dev/null"])) + NEWOBJ)
    yield _unit(
        "newobj-filter-extend",
        stream(named("builtins", "frozenset"), unpacked, b"\x85", NEWOBJ),
        "frozenset.__new__ over filter(os.system, …)",
        "call of os.system through filter",
        "audit:os.system",
    )
    deque = Raw(named("collections", "deque") + push(()) + NEWOBJ)
    yield _unit(
        "build-setstate-slot",
        stream(
            named("types", "SimpleNamespace"),
            b")" + NEWOBJ,
            push({"__setstate__": named("os", "system")}),
            BUILD,
            push("echo planted >/dev/null"),
            BUILD,
        ),
        "BUILD sets __setstate__ to os.system, the next BUILD calls it",
        "BUILD sets a dunder to os.system",
        "audit:os.system",
    )
    yield _unit(
        "build-setstate-pair",
        stream(
            named("argparse", "Namespace"),
            b")" + NEWOBJ,
            push((None, {"__setstate__": named("os", "system")})),
            BUILD,
            push("echo planted >/dev/null"),
            BUILD,
        ),
        "the same with a pair of states (setattr)",
        "BUILD sets a dunder to os.system",
        "audit:os.system",
    )
    yield _unit(
        "append-method",
        stream(
            named("types", "SimpleNamespace"),
            b")" + NEWOBJ,
            push({"append": named("os", "system")}),
            BUILD,
            push("echo planted >/dev/null"),
            b"a",
        ),
        "APPEND calls the attribute `append`, which is os.system",
        "APPEND on an object whose append was set",
        "audit:os.system",
    )
    yield _unit(
        "appends-method",
        stream(
            named("types", "SimpleNamespace"),
            b")" + NEWOBJ,
            push({"append": named("os", "system")}),
            BUILD,
            MARK,
            push("echo planted >/dev/null"),
            b"e",
        ),
        "APPENDS falls back to the attribute `append`, which is os.system",
        "APPENDS on an object whose append was set",
        "audit:os.system",
    )
    yield _unit(
        "additems-method",
        stream(
            named("types", "SimpleNamespace"),
            b")" + NEWOBJ,
            push({"add": named("os", "system")}),
            BUILD,
            MARK,
            push("echo planted >/dev/null"),
            b"\x90",
        ),
        "ADDITEMS calls the attribute `add`, which is os.system",
        "ADDITEMS on an object whose add was set",
        "audit:os.system",
    )
    yield _unit(
        "extend-map",
        stream(deque, POP, push([]), named("collections", "deque"), lazy, b"\x85", REDUCE),
        "deque(map(os.system, …))",
        "call of os.system through map",
        "audit:os.system",
    )
    yield _unit(
        "defaultdict-factory",
        stream(named("collections", "defaultdict"), push((pid,)), REDUCE),
        "defaultdict whose factory is os.getpid: the first missing key calls it",
        "callable smuggled as factory",
        "",
    )
    yield _unit(
        "partial-as-value",
        stream(
            push(
                {
                    "predict": Raw(
                        named("functools", "partial")
                        + push((named("os", "system"), "echo planted >/dev/null"))
                        + REDUCE
                    )
                }
            )
        ),
        "partial(os.system, …) stands where the program expects a method",
        "partial over os.system",
        "",
    )
    yield _unit(
        "partial-build",
        stream(
            called(
                Raw(
                    named("functools", "partial")
                    + push((named("builtins", "print"),))
                    + NEWOBJ
                    + push((pid, (), {}, None))
                    + BUILD
                )
            )
        ),
        "partial(print), its state replaced by os.getpid, then called",
    )
    yield _unit(
        "reduce-ex-hook",
        stream(
            named("copy", "copy"),
            named("types", "SimpleNamespace") + b")" + NEWOBJ + push({"__copy__": pid}) + BUILD,
            b"\x85",
            REDUCE,
        ),
        "copy.copy of an object; a hook set by BUILD",
        "BUILD sets a dunder to os.getpid",
        "",
    )


def _chains() -> Iterator[Unit]:
    """Calls of what an earlier call answered."""
    importing = call("builtins", "__import__", "os")
    getattr_ = named("builtins", "getattr")
    yield _unit(
        "chain-getattr-import",
        stream(called(Raw(getattr_ + importing + push("getpid") + b"\x86" + REDUCE))),
        "getattr(__import__('os'), 'getpid')()",
        "call of __import__ and of a computed object",
    )
    yield _unit(
        "chain-getattr-module",
        stream(called(called(getattr_, named("shutil", "os"), "getpid"))),
        "getattr(shutil.os, 'getpid')()",
        "call of a computed object",
    )
    yield _unit(
        "chain-methodcaller",
        stream(called(call("operator", "methodcaller", "getpid"), named("random", "_os"))),
        "methodcaller('getpid')(random._os)",
        "call of a computed object",
    )
    yield _unit(
        "chain-attrgetter",
        stream(called(called(call("operator", "attrgetter", "getpid"), named("shutil", "os")))),
        "attrgetter('getpid')(shutil.os)()",
        "call of a computed object",
    )
    yield _unit(
        "chain-itemgetter",
        stream(called(called(call("operator", "itemgetter", "getpid"), named("os", "__dict__")))),
        "itemgetter('getpid')(os.__dict__)()",
        "call of a computed object",
    )
    yield _unit(
        "chain-dict-get",
        stream(called(called(getattr_, named("os", "__dict__"), "get"), "getpid")),
        "os.__dict__.get('getpid')",
        "call of a computed object",
        "",
    )
    yield _unit(
        "chain-sys-modules",
        stream(called(called(getattr_, call("operator", "getitem", named("sys", "modules"), "os"), "getpid"))),
        "getattr(sys.modules['os'], 'getpid')()",
        "call of a computed object",
    )
    yield _unit(
        "chain-resolve-name",
        stream(called(call("pkgutil", "resolve_name", "os:getpid"))),
        "pkgutil.resolve_name('os:getpid')()",
        "call of resolve_name and of a computed object",
    )
    yield _unit(
        "chain-vars",
        stream(called(call("operator", "getitem", call("builtins", "vars", named("shutil", "os")), "getpid"))),
        "vars(shutil.os)['getpid']()",
        "call of a computed object",
    )
    yield _unit(
        "chain-reduce",
        stream(call("functools", "reduce", getattr_, (named("shutil", "os"), "getpid"))),
        "functools.reduce(getattr, (shutil.os, 'getpid'))",
        "getattr reached through reduce",
        "",
    )
    yield _unit(
        "chain-partial-call",
        stream(called(call("functools", "partial", named("os", "getpid")))),
        "partial(os.getpid)()",
    )
    yield _unit(
        "chain-thread",
        stream(call("_thread", "start_new_thread", named("os", "getpid"), ()), POP, call("time", "sleep", 0.1)),
        "starts a thread in os.getpid",
    )
    yield _unit(
        "chain-timer-start",
        stream(called(Raw(getattr_ + push((call("threading", "Timer", 0.0, named("os", "getpid")), "run")) + REDUCE))),
        "threading.Timer(0, os.getpid).run()",
    )
    yield _unit(
        "chain-exitstack",
        stream(
            call("contextlib", "ExitStack.callback", call("contextlib", "ExitStack"), named("os", "getpid")),
            POP,
            called(Raw(getattr_ + push((call("contextlib", "ExitStack"), "close")) + REDUCE)),
        ),
        "registers os.getpid with an ExitStack",
        "dotted name and callable smuggled",
        "",
    )
    yield _unit(
        "chain-atexit",
        stream(call("atexit", "register", named("os", "getpid"))),
        "registers os.getpid to run at exit",
        "call of atexit.register",
        "",
    )
    yield _unit(
        "chain-weakref-finalize",
        stream(call("weakref", "finalize", named("types", "SimpleNamespace"), named("os", "getpid"))),
        "registers os.getpid as a finaliser",
        "call of weakref.finalize",
        "weakref:finalize",
    )
    yield _unit(
        "chain-signal",
        stream(call("signal", "signal", 10, named("os", "getpid"))),
        "os.getpid as signal handler",
        "call of signal.signal",
        "signal:signal",
    )
    yield _unit(
        "chain-settrace",
        stream(call("sys", "setprofile", None)),
        "replaces the profile function",
        "call of sys.setprofile",
        "",
    )
    yield _unit(
        "chain-function-type",
        stream(called(call("types", "FunctionType", call("marshal", "loads", b"N"), {}))),
        "builds a function from marshalled code",
        "call of marshal.loads",
        "audit:marshal.loads",
    )
    yield _unit(
        "chain-eval-compile",
        stream(call("builtins", "eval", call("builtins", "compile", "1 + 1", "planted", "eval"))),
        "eval(compile(…))",
        "call of eval",
        "audit:exec",
    )
    yield _unit(
        "chain-interpreter",
        stream(called(called(getattr_, call("code", "InteractiveInterpreter"), "runsource"), "planted = 1")),
        "InteractiveInterpreter().runsource(…)",
        "call of InteractiveInterpreter and of a computed object",
        "code:InteractiveInterpreter.runsource",
    )
    yield _unit(
        "chain-bdb",
        stream(called(called(getattr_, call("bdb", "Bdb"), "runeval"), "1")),
        "bdb.Bdb().runeval(…)",
        "call of Bdb and of a computed object",
        "bdb:Bdb.runeval",
    )
    yield _unit(
        "chain-trace",
        stream(called(called(getattr_, call("trace", "Trace", 0, 0), "runctx"), "planted = 1")),
        "trace.Trace().runctx(…)",
        "call of Trace and of a computed object",
        "trace:Trace.runctx",
    )
    yield _unit(
        "chain-codecs-map",
        stream(call("codecs", "getincrementalencoder", "utf-8"), POP, getpid()),
        "a harmless codec look-up, then os.getpid()",
    )
    yield _unit(
        "chain-sort-key",
        stream(call("heapq", "nsmallest", 1, ["echo planted >/dev/null"], named("os", "system"))),
        "nsmallest with key=os.system",
        "callable handed to a caller of callables",
        "audit:os.system",
    )
    yield _unit(
        "chain-max-key",
        stream(
            named("builtins", "getattr"),
            POP,
            named("itertools", "accumulate"),
            push((["echo", "planted"], named("os", "spawnlp"))),
            NEWOBJ,
        ),
        "itertools.accumulate over a dangerous function",
        "dangerous function handed to an iterator",
        "",
    )
    yield _unit(
        "chain-iter-sentinel",
        stream(named("builtins", "next"), call("builtins", "iter", named("os", "getpid"), -1), b"\x85", REDUCE),
        "next(iter(os.getpid, -1))",
        "callable handed to iter",
    )
    yield _unit(
        "chain-groupby",
        stream(
            named("builtins", "list"),
            call("itertools", "groupby", ["echo planted >/dev/null"], named("os", "system")),
            b"\x85",
            REDUCE,
        ),
        "list(itertools.groupby([…], os.system))",
        "callable handed to groupby",
        "audit:os.system",
    )
    yield _unit(
        "chain-property",
        stream(called(Raw(getattr_ + push((call("builtins", "property", named("os", "getpid")), "fget")) + REDUCE))),
        "property(os.getpid).fget()",
        "call of a computed object",
    )
    yield _unit(
        "chain-text-decode",
        stream(called(called(getattr_, importing, call("_codecs", "decode", "trgcvq", "rot13")))),
        "the attribute's name is decoded from ROT13",
        "call of a computed object",
        "",
    )
