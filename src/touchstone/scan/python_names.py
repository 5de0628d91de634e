"""What the names in a Python file stand for: imports, aliases and lookups that end at something importable.

`o = __import__('os'); run = getattr(o, 'sys' + 'tem')` makes `run` stand for `os.system`. Order and branches are not
followed: a name stands for everything it is ever bound to, so that no path is missed.
"""

from __future__ import annotations

import ast
import builtins
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib.resources import files
from typing import Final, Literal

from touchstone.scan.python_values import Value, fold

Category = Literal[
    "process", "evaluation", "native", "loading", "network", "deletion", "interpreter", "decoding", "secrets"
]

_NOTHING: Final[frozenset[str]] = frozenset()
_MOST_MEANINGS: Final = 64
_BUILTINS: Final = frozenset(dir(builtins)) | {"execfile", "unicode", "raw_input"}
_FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef


@lru_cache(8192)
def category_of(dotted: str) -> Category | None:
    """What a dotted name does when it is called; `None` for everything that is not on the list."""
    exact, below = _pack()
    if dotted in exact:
        return exact[dotted]
    parts = dotted.split(".")
    for length in range(len(parts) - 1, 0, -1):
        beginning = ".".join(parts[:length])
        if beginning in below:
            return below[beginning]
    return None


@dataclass(slots=True)
class Bindings:
    """Everything that the names of one file are bound to."""

    meanings: dict[str, set[str]] = field(default_factory=dict)
    """Names with the dotted names they may stand for."""
    constants: dict[str, Value] = field(default_factory=dict)
    """Names that are bound once, to a constant."""
    expressions: dict[str, ast.expr] = field(default_factory=dict)
    """Names that are bound once, to anything."""
    own: set[str] = field(default_factory=set)
    """Functions, classes and variables of this file."""
    star_modules: list[str] = field(default_factory=list)
    """`from module import *`."""
    imports: dict[str, int] = field(default_factory=dict)
    """Modules that are imported, with the line."""

    def names(self, expression: ast.expr | None, depth: int = 0) -> frozenset[str]:
        """The dotted names that an expression may stand for."""
        if expression is None or depth > 50:
            return _NOTHING
        match expression:
            case ast.Name():
                found = self._names_of(expression.id)
            case ast.Attribute():
                found = _joined(self.names(expression.value, depth + 1), expression.attr)
            case ast.Call():
                found = self._names_of_call(expression, depth + 1)
            case ast.Subscript():
                found = self._names_of_item(expression, depth + 1)
            case ast.NamedExpr():
                found = self.names(expression.value, depth + 1)
            case ast.IfExp():
                found = self.names(expression.body, depth + 1) | self.names(expression.orelse, depth + 1)
            case _:
                found = _NOTHING
        return found

    def constant(self, expression: ast.AST | None) -> Value:
        """The value of an expression when it follows from constants."""
        return fold(expression, self.constants, self._certain_names)

    def _certain_names(self, expression: ast.expr) -> frozenset[str]:
        """The names an expression stands for, unless this file may have put something else in their place."""
        root = expression
        while isinstance(root, ast.Attribute):
            root = root.value
        is_own = isinstance(root, ast.Name) and root.id in self.own
        return _NOTHING if is_own else self.names(expression)

    def _names_of(self, name: str) -> frozenset[str]:
        found = set(self.meanings.get(name, ()))
        found.update(f"{module}.{name}" for module in self.star_modules if category_of(f"{module}.{name}"))
        if name == "__builtins__":
            found.add("builtins")
        elif name in _BUILTINS:
            found.add(f"builtins.{name}")
        return frozenset(found)

    def _names_of_call(self, call: ast.Call, depth: int) -> frozenset[str]:
        """`getattr(os, 'system')`, `__import__('os')`, `importlib.import_module('os')`, `vars(os)`."""
        called = self.names(call.func, depth)
        first = call.args[0] if call.args else None
        if "builtins.getattr" in called and len(call.args) >= 2:
            attribute = self.constant(call.args[1])
            return _joined(self.names(first, depth), attribute) if isinstance(attribute, str) else _NOTHING
        if called & {"builtins.__import__", "importlib.import_module", "importlib.__import__"}:
            module = self.constant(first)
            return frozenset({module}) if isinstance(module, str) else _NOTHING
        if called & {"builtins.vars", "importlib.reload"}:
            return self.names(first, depth)
        if called & {"builtins.globals", "builtins.locals"}:
            return frozenset({"builtins.globals"})
        if isinstance(call.func, ast.Name) and call.func.id == "get_ipython":
            return frozenset({"get_ipython"})
        return _NOTHING

    def _names_of_item(self, item: ast.Subscript, depth: int) -> frozenset[str]:
        """`sys.modules['os']`, `os.__dict__['system']`, `globals()['__builtins__']`."""
        key = self.constant(item.slice)
        if not isinstance(key, str):
            return _NOTHING
        owners = self.names(item.value, depth)
        if "sys.modules" in owners:
            return frozenset({key})
        if "builtins.globals" in owners:
            return self._names_of(key)
        plain = frozenset(owner.removesuffix(".__dict__") for owner in owners)
        return _joined(plain, key)


def bindings_of(nodes: list[ast.AST], assumed: frozenset[str] = _NOTHING) -> Bindings:
    """Read all imports, definitions and assignments of a file. `assumed` are modules it is given without importing."""
    bindings = Bindings(meanings={module: {module} for module in assumed})
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                _bind(bindings, alias.asname or alias.name.split(".")[0], _imported(alias))
                bindings.imports.setdefault(alias.name, node.lineno)
        elif isinstance(node, ast.ImportFrom):
            _bind_from(bindings, node)
    methods = {id(part) for node in nodes if isinstance(node, ast.ClassDef) for part in node.body}
    bound: dict[str, list[ast.expr | None]] = {}
    for node in nodes:
        if isinstance(node, _FUNCTIONS | ast.ClassDef) and id(node) not in methods:
            bindings.own.add(node.name)
        for name, value in _assignments(node):
            bound.setdefault(name, []).append(value)
    bindings.own.update(bound)
    times = _times_bound(nodes)
    for _ in range(3):  # an alias of an alias of an alias
        for name, values in bound.items():
            for value in values:
                for dotted in bindings.names(value):
                    _bind(bindings, name, dotted)
            if times[name] == 1 and values[0] is not None and not bindings.star_modules:
                bindings.expressions[name] = values[0]
                constant = bindings.constant(values[0])
                is_fixed = not isinstance(constant, list) or isinstance(values[0], ast.Tuple)  # lists are added to
                bindings.constants[name] = constant if is_fixed else None
    return bindings


def _times_bound(nodes: list[ast.AST]) -> Counter[str]:
    """How often each name is bound, by whatever means: only a name that is bound once keeps its value."""
    times: Counter[str] = Counter()
    for node in nodes:
        match node:
            case ast.Name(ctx=ast.Store() | ast.Del()):
                times[node.id] += 1
            case ast.alias():
                times[node.asname or node.name.split(".")[0]] += 1
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                times[node.name] += 1
            case ast.arg():
                times[node.arg] += 2  # whoever calls decides
            case ast.ExceptHandler() | ast.MatchAs() | ast.MatchStar():
                times[node.name or ""] += 2
            case ast.MatchMapping():
                times[node.rest or ""] += 2
            case ast.Global() | ast.Nonlocal():
                times.update(node.names)
    return times


def _imported(alias: ast.alias) -> str:
    return alias.name if alias.asname else alias.name.split(".")[0]


def _bind_from(bindings: Bindings, node: ast.ImportFrom) -> None:
    module = "." * node.level + (node.module or "")
    for imported in [module] if node.module else [f"{module}{alias.name}" for alias in node.names]:
        bindings.imports.setdefault(imported, node.lineno)
    for alias in node.names:
        if alias.name == "*":
            bindings.star_modules.append(module)
        elif node.level == 0:
            _bind(bindings, alias.asname or alias.name, f"{module}.{alias.name}")
        else:
            bindings.own.add(alias.asname or alias.name)


def _assignments(node: ast.AST) -> Iterator[tuple[str, ast.expr | None]]:
    """Names that a statement binds, each with what it is bound to; `None` when that cannot be told."""
    if isinstance(node, ast.Assign):
        for target in node.targets:
            yield from _unpacked(target, node.value)
    elif isinstance(node, ast.AnnAssign | ast.NamedExpr):
        yield from _unpacked(node.target, node.value)
    elif isinstance(node, ast.AugAssign):
        yield from _unpacked(node.target, None)
    elif isinstance(node, ast.For | ast.AsyncFor | ast.comprehension):
        elements = node.iter.elts[:100] if isinstance(node.iter, ast.List | ast.Tuple) else [None]
        for element in elements:
            yield from _unpacked(node.target, element)
    elif isinstance(node, ast.arguments):
        parameters = [*node.posonlyargs, *node.args]
        defaults = [None] * (len(parameters) - len(node.defaults)) + [*node.defaults]
        for parameter, default in zip(parameters, defaults, strict=True):
            yield parameter.arg, default
        for parameter, keyword_default in zip(node.kwonlyargs, node.kw_defaults, strict=True):
            yield parameter.arg, keyword_default


def _unpacked(target: ast.expr, value: ast.expr | None) -> Iterator[tuple[str, ast.expr | None]]:
    if isinstance(target, ast.Name):
        yield target.id, value
    elif isinstance(target, ast.Tuple | ast.List):
        is_same_length = isinstance(value, ast.Tuple | ast.List) and len(value.elts) == len(target.elts)
        parts = value.elts if isinstance(value, ast.Tuple | ast.List) and is_same_length else [None] * len(target.elts)
        for inner, part in zip(target.elts, parts, strict=True):
            yield from _unpacked(inner, part)


def _bind(bindings: Bindings, name: str, dotted: str) -> None:
    meanings = bindings.meanings.setdefault(name, set())
    if len(meanings) < _MOST_MEANINGS and len(dotted) <= 300:
        meanings.add(dotted)


def _joined(owners: frozenset[str], attribute: str) -> frozenset[str]:
    return frozenset(f"{owner}.{attribute}" for owner in owners)


@cache
def _pack() -> tuple[dict[str, Category | None], dict[str, Category | None]]:
    """Exact names, and names below which everything counts, each with its category."""
    pack = json.loads((files("touchstone.scan") / "packs" / "python_calls.json").read_text("utf-8"))
    exact: dict[str, Category | None] = {}
    below: dict[str, Category | None] = {}
    for category, names in pack.items():
        for name in names if isinstance(names, list) else ():
            kind = None if category == "harmless" else category
            if name.endswith(".*"):
                below.setdefault(name[:-2], kind)
            else:
                exact[name] = kind
    return exact, below
