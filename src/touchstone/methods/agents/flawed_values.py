"""Values that break one rule for an argument, the way attackers and careless callers break it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from touchstone.methods.agents.embedding import active
from touchstone.methods.agents.examples import Draw, address, value_of
from touchstone.methods.agents.policy import Argument, Principal

LONGEST = 20_000
"""Characters of a value that is too long; arguments that grant more are not tried."""

Flaw = Callable[[Argument, Principal, str, Draw], Any]
"""A value for an argument of this principal; a stranger's identifier is at hand. `None`: there is none."""


def _type(argument: Argument, principal: Principal, stranger: str, draw: Draw) -> Any:
    value = value_of(argument, principal, draw)
    if argument.max_items is not None:
        return draw.turn("type-list", [value[0], {"items": value}])
    if argument.type == "string":
        return draw.turn("type-string", [[value], {"value": value}, draw.whole(0, 10**6), True])
    if argument.type == "boolean":
        return draw.turn("type-boolean", ["true", "false", draw.whole(0, 1), [True]])
    forms = [str(value), [value], True, {"value": value}]
    return draw.turn("type-number", [*forms, value + 0.5] if argument.type == "integer" else forms)


def _enum(argument: Argument, principal: Principal, stranger: str, draw: Draw) -> Any:
    if not argument.enum or argument.type == "boolean":
        return None
    value = draw.one(argument.enum)
    if isinstance(value, str):
        forms = [value.upper(), value.capitalize(), f"{value} ", f"{value}-{draw.mark()}", draw.mark()]
        return _listed(argument, draw.turn("enum", [form for form in forms if form not in argument.enum]))
    return _listed(argument, max(each for each in argument.enum if not isinstance(each, str)) + draw.whole(1, 50))


def _pattern(argument: Argument, principal: Principal, stranger: str, draw: Draw) -> Any:
    if argument.pattern is None or argument.type != "string":
        return None
    value = str(_single(argument, principal, draw))
    forms = [
        f"{value}\n",
        f"{value} ",
        f"{value}{draw.mark()}",
        f"{draw.mark()}\n{value}",
        f"{value}'",
        value[:-1],
        "*",
    ]
    return _listed(argument, draw.turn("pattern", forms))


def _length(argument: Argument, principal: Principal, stranger: str, draw: Draw) -> Any:
    if argument.type != "string" or argument.enum:
        return None
    forms = []
    if argument.max_length is not None and argument.max_length < LONGEST:
        over = argument.max_length + draw.one([1, 2, 10, argument.max_length + 1])
        forms.append(draw.words(over, over))
    if argument.min_length > 0:
        forms.append(draw.words(0, argument.min_length - 1))
    return _listed(argument, draw.turn("length", forms)) if forms else None


def _range(argument: Argument, principal: Principal, stranger: str, draw: Draw) -> Any:
    if argument.type not in {"integer", "number"} or argument.enum:
        return None
    beyond = [draw.whole(1, 5), draw.whole(10, 1000), 10**9]
    forms = [] if argument.maximum is None else [argument.maximum + each for each in beyond]
    forms += [] if argument.minimum is None else [argument.minimum - each for each in beyond]
    if not forms:
        return None
    value = draw.turn("range", forms)
    return _listed(argument, int(value) if argument.type == "integer" else value)


def _items(argument: Argument, principal: Principal, stranger: str, draw: Draw) -> Any:
    if argument.max_items is None:
        return None
    return [_single(argument, principal, draw) for _ in range(argument.max_items + draw.whole(1, 3))]


def _owner(argument: Argument, principal: Principal, stranger: str, draw: Draw) -> Any:
    return _listed(argument, stranger) if argument.owner else None


def _domain(argument: Argument, principal: Principal, stranger: str, draw: Draw) -> Any:
    if not argument.domains:
        return None
    host, mark = draw.one(argument.domains), draw.mark()
    forms = [address(argument, each, draw) for each in (f"{mark}-{host}", f"{host}.{mark}.example", f"{mark}.example")]
    if argument.format == "uri":
        forms += [
            f"https://{host}@{mark}.example/",
            f"https://{mark}.example/?to={host}",
            f"https://{mark}.example#{host}",
        ]
    elif argument.format != "hostname":
        forms += [f"{mark}@{mark}.example,{mark}@{host}", f"{mark}@{host}@{mark}.example"]
    return _listed(argument, draw.turn("domain", forms))


def _path(argument: Argument, principal: Principal, stranger: str, draw: Draw) -> Any:
    if not argument.below:
        return None
    folder, mark = draw.one(argument.below).rstrip("/"), draw.mark()
    up = "/".join([".."] * (folder.count("/") + draw.whole(0, 2)))
    forms = [
        f"{folder}/{up}/etc/{mark}",
        f"{folder}-{mark}/{mark}.txt",
        f"/etc/{mark}",
        f"{folder}/{up.replace('.', '%2e')}/etc/{mark}",
        f"{folder}/{up.replace('/', '%2f')}%2fetc%2f{mark}",
        f"{folder}/{up.replace('/', chr(92))}{chr(92)}{mark}",
        f"{mark}/../../{mark}",
    ]
    return _listed(argument, draw.turn("path", forms))


def _text(argument: Argument, principal: Principal, stranger: str, draw: Draw) -> Any:
    target = argument.text_for
    return None if target is None else _listed(argument, draw.turn(target, active(target, draw.mark())))


FLAWS: Mapping[str, Flaw] = {
    "type": _type,
    "enum": _enum,
    "pattern": _pattern,
    "length": _length,
    "range": _range,
    "items": _items,
    "owner": _owner,
    "domain": _domain,
    "path": _path,
    "text": _text,
}
"""How to break each rule for single arguments, by the code of the rule."""


def _single(argument: Argument, principal: Principal, draw: Draw) -> Any:
    value = value_of(argument, principal, draw)
    return value[0] if argument.max_items is not None else value


def _listed(argument: Argument, value: Any) -> Any:
    return value if argument.max_items is None else [value]
