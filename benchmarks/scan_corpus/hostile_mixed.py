"""Hostile pickles put together by lot: a function, a way to name it, a way to call it, a place, an end, a container.

    python benchmarks/scan_corpus/hostile_mixed.py OUT [--seed SEED] [--units N]

The hand-written corpus shows what we thought of, and whoever works on a scanner has looked at it. These units are
drawn anew with every seed, so that nobody can have tuned to them: a seed that nobody has used yet is a held-out test.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hostile import inside, kept, write
from hostile_gadgets import GADGETS, Gadget
from hostile_joblib import COMPRESSORS, dump, object_dump
from hostile_nested import LAYERS
from hostile_numpy import npy, npz
from hostile_opcodes import (
    BUILD,
    MARK,
    NEWOBJ,
    POP,
    REDUCE,
    STACK_GLOBAL,
    Raw,
    call,
    called,
    named,
    push,
    stream,
    text,
)
from hostile_torch import archive, checkpoint, legacy, state
from hostile_units import SEED, Unit

Lot = random.Random


def main() -> None:
    """Draw the units, write them and their manifest."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--units", type=int, default=400)
    options = parser.parse_args()
    lot = random.Random(options.seed)
    entries: list[dict[str, Any]] = []
    for number in range(options.units):
        unit = drawn(lot, number)
        about = {
            "class": unit.kind,
            "format": unit.format,
            "pickle_family": True,
            "folder": False,
            "threat": unit.threat,
        }
        proof = {"load_with": unit.load_with, "proof": unit.proof}
        entries.append(
            {"path": unit.path, **about, **proof, "sha256": write(unit, options.out), **kept(options.out, unit)}
        )
    manifest = {"seed": options.seed, "units": entries}
    inside(options.out, "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")
    print(len(entries), "units")


def drawn(lot: Lot, number: int) -> Unit:
    """One unit, and what was drawn for it."""
    gadget = lot.choice(GADGETS)
    protocol = lot.choice((2, 4, 4, 5)) if "." not in gadget.name else 4
    how, planted = _call(gadget, lot, protocol)
    where, body = _placed(planted, lot, protocol)
    end, pickle = _ended(body, lot, protocol)
    container, data = _contained(pickle, lot, protocol, end)
    threat = f"{gadget.module}.{gadget.name}, {how}, {where}, {end}, {container}, protocol {protocol}"
    harness = HARNESSES.get(container, "")
    own = {"numpy", "joblib", "torch", "zipfile", "pickle", "_pickle"}  # what harnesses call themselves proves nothing
    provable = gadget.inert and end != "second stream" and gadget.module.split(".")[0] not in own
    proof = gadget.proof or f"{gadget.module}:{gadget.name}"
    return Unit(
        path=f"{number:04}.{container.replace(' ', '.')}",
        data=data,
        kind="code",
        format=container,
        threat=threat,
        loader="the container's loader",
        expect=f"call of {gadget.module}.{gadget.name}",
        load_with=harness if provable else "",
        proof=proof if provable else "",
    )


HARNESSES = {
    "bare": "pickle",
    "npy": "numpy",
    "npz": "numpy",
    "joblib": "joblib",
    "inner.joblib": "joblib",
    "pt": "torch",
    "legacy.pt": "torch",
    "inner.pt": "torch",
}
"""How the label of a unit that is not packed can be proved."""


def _function(gadget: Gadget, lot: Lot, protocol: int) -> tuple[str, Raw]:
    """The function on the stack, its name written in one of many ways."""
    module, name = gadget.module, gadget.name
    if protocol < 4:
        return "plain name", named(module, name, protocol)
    pushes = [text(part, lot.choice(("SHORT", "BIN", "BIN8", "UNICODE", "BINSTRING"))) for part in (module, name)]
    first, second = lot.randrange(40, 120), lot.randrange(130, 250)
    ways: dict[str, bytes] = {
        "plain name": named(module, name),
        "mixed pushes": pushes[0] + pushes[1] + STACK_GLOBAL,
        "name from memo": pushes[0]
        + b"q"
        + bytes([first])
        + pushes[1]
        + b"q"
        + bytes([second])
        + POP * 2
        + _noise(lot)
        + POP
        + b"h"
        + bytes([first])
        + b"h"
        + bytes([second])
        + STACK_GLOBAL,
        "computed module": call("operator", "concat", module[:1], module[1:]) + push(name) + STACK_GLOBAL,
        "computed name": push(module) + call("builtins", "str", name.encode(), "ascii") + STACK_GLOBAL,
        "function from memo": named(module, name) + b"q" + bytes([first]) + POP + b"h" + bytes([first]),
        "resolved": call("pkgutil", "resolve_name", f"{module}:{name}"),
        "getattr": named("builtins", "getattr") + push((call("importlib", "import_module", module), name)) + REDUCE,
    }
    if "." not in name:
        ways["old opcode"] = b"c" + module.encode() + b"\n" + name.encode() + b"\n"
    way = lot.choice(sorted(ways))
    return way, Raw(ways[way])


def _call(gadget: Gadget, lot: Lot, protocol: int) -> tuple[str, Raw]:
    """The call, by one of many opcodes."""
    arguments = tuple(push(None) if part is Ellipsis else push(part, protocol) for part in gadget.arguments)
    way, function = _function(gadget, lot, protocol)
    forms: dict[str, bytes] = {
        "REDUCE": called(function, *arguments, protocol=protocol),
        "partial": called(called(named("functools", "partial", protocol), function, protocol=protocol), *arguments),
    }
    if arguments:  # without arguments OBJ and INST make a class by __new__ alone
        forms["OBJ"] = MARK + function + b"".join(arguments) + b"o"
    if arguments and "." not in gadget.name:
        forms["INST"] = call(gadget.module, gadget.name, *arguments, protocol=protocol, by="INST")
    if len(arguments) == 1:
        lazy = named("builtins", "map", protocol) + push((function, [arguments[0]]), protocol) + NEWOBJ
        forms["map"] = named("builtins", "tuple", protocol) + lazy + b"\x85" + NEWOBJ
        target = named("argparse", "Namespace", protocol) + b")" + NEWOBJ
        forms["BUILD"] = target + push({"__setstate__": function}, protocol) + BUILD + arguments[0] + BUILD
    form = lot.choice(sorted(forms))
    return f"{way}, {form}", Raw(forms[form])


def _noise(lot: Lot) -> Raw:
    """One harmless value of random size."""
    kinds: list[Callable[[], Any]] = [
        lambda: [f"token{number}" for number in range(lot.randrange(1, 400))],
        lambda: {f"layer{number}": lot.random() for number in range(lot.randrange(1, 40))},
        lambda: lot.randbytes(lot.choice((3, 300, 70_000))),
        lambda: call("collections", "OrderedDict"),
        lambda: call("datetime", "date", 2024, 5, 17),
    ]
    return push(lot.choice(kinds)())


def _placed(planted: Raw, lot: Lot, protocol: int) -> tuple[str, bytes]:
    """The call somewhere among harmless values."""
    noise = _noise(lot)
    places: dict[str, bytes] = {
        "first": planted + POP + noise,
        "last and popped": noise + planted + POP,
        "as a value": push({"config": noise, "model": planted, "epoch": 3}, protocol),
        "as a key's value deep down": push({"a": [[{"b": (1, [planted])}]]}, protocol),
        "in a tuple": push((noise, planted, 1), protocol),
        "as an argument": call("collections", "OrderedDict", [("a", planted)], protocol=protocol),
        "as a state": named("types", "SimpleNamespace", protocol)
        + b")"
        + NEWOBJ
        + push({"x": planted}, protocol)
        + BUILD,
    }
    place = lot.choice(sorted(places))
    return place, places[place]


def _ended(body: bytes, lot: Lot, protocol: int) -> tuple[str, bytes]:
    """The stream and how it ends."""
    framed = lot.random() < 0.5
    endings: dict[str, Callable[[], bytes]] = {
        "whole": lambda: stream(body, protocol=protocol, framed=framed),
        "broken": lambda: stream(body, b"\xff", protocol=protocol, framed=framed),
        "missing memo entry": lambda: stream(body, b"h\xff", protocol=protocol, framed=framed),
        "cut": lambda: stream(body, protocol=protocol, framed=False)[:-1],
        "second stream": lambda: stream(_noise(lot)) + stream(body, protocol=protocol, framed=framed),
        "bytes after": lambda: stream(body, protocol=protocol, framed=framed) + lot.randbytes(100),
    }
    end = lot.choice(("whole", "whole", "whole", *sorted(endings)))
    return end, endings[end]()


def _contained(pickle: bytes, lot: Lot, protocol: int, end: str) -> tuple[str, bytes]:
    """The stream in its container, and that in archives."""
    containers: dict[str, Callable[[], bytes]] = {"bare": lambda: pickle}
    if end not in {"second stream", "bytes after"}:
        containers |= {
            "npy": lambda: npy("'|O'", pickle),
            "npz": lambda: npz({"weights.npy": npy("'<f8'", bytes(8)), "labels.npy": npy("'|O'", pickle)}),
            "joblib": lambda: object_dump(pickle),
            "pt": lambda: archive(checkpoint(pickle)),
            "legacy.pt": lambda: legacy(system=pickle),
        }
    if end == "whole" and protocol == 2:
        containers["inner.pt"] = lambda: archive(checkpoint(state(push("planted", 2) + _without_ends(pickle))))
    if end == "whole":
        containers["inner.joblib"] = lambda: dump(b"", push("planted") + _without_ends(pickle))
    name = lot.choice(sorted(containers))
    data = containers[name]()
    packings = {**LAYERS, **{f"packed-{suffix}": pack for suffix, pack in COMPRESSORS.items()}}
    for _ in range(lot.choice((0, 0, 0, 1, 1, 2))):
        layer = lot.choice(sorted(packings))
        name, data = f"{name} {layer}", packings[layer](data)
    return name, data


def _without_ends(pickle: bytes) -> bytes:
    """The opcodes between PROTO (and FRAME) and STOP."""
    start = 11 if pickle[2:3] == b"\x95" else 2
    return pickle[start:-1]


if __name__ == "__main__":
    main()
