"""Which parts of a system a check depends on, read off the check's own source.

A declaration of what a check reads could forget something; its source cannot. So the source of the check and of every
module that it imports from the package of checks is looked through for whatever asks the system for something: its
model, a data set, a register, a section of its description, a file. What is not clear counts as everything of its kind:
a role that is a variable is any role, a file that is read by its path is any file. The answer may name too much; a test
holds that it never names too little.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable
from functools import cache
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from touchstone.checks.declaration import Check
from touchstone.system.parts import DECLARATION, MEANS
from touchstone.system.registers.kinds import REGISTERS

ANY_FILE: Final = "files"
"""Reads files by their path: any of them."""
ANY_REGISTER: Final = "registers"
"""Reads registers whose kind is not plain: any of them."""

_ROLES: Final = ("test", "train", "reference", "outside")
_SECTIONS: Final = frozenset({"components", "deployment", "training", "documents"})
_READS_FILES: Final = frozenset({"read", "locate", "record", "below", "files"})
_REGISTER: Final = ("register", "register_if_any")
_NO_FILES: Final = frozenset({"components", "deployment"})
"""Parts that stand in the description alone."""
_EVERYTHING: Final = frozenset({ANY_FILE, ANY_REGISTER, *_NO_FILES, "training"})
_LOOKED_THROUGH: Final = ("touchstone.checks", "touchstone.training")
_OPENS_MODELS: Final = ("touchstone.system.models", "touchstone.system.model_signing")
_NOT_ABOUT_A_SYSTEM: Final = frozenset({"touchstone.checks.declaration", "touchstone.checks.registry", __name__})


def affected(parts: Collection[str], checks: Iterable[Check]) -> frozenset[str]:
    """Ids of the checks whose result may be another one when these parts of a system change.

    Every check depends on the declaration; an audit of a run depends on everything that the run does.
    """
    changed = _with_what_reads_them(parts)
    return frozenset(
        check.id
        for check in checks
        if changed and (DECLARATION in changed or check.needs.run or changed & inputs_of(check))
    )


def _with_what_reads_them(parts: Collection[str]) -> frozenset[str]:
    """The parts, and the names by which checks ask for any part of a kind."""
    named = set(parts)
    if named - _NO_FILES:
        named.add(ANY_FILE)
    if any(part.startswith("registers.") for part in parts):
        named.add(ANY_REGISTER)
    return frozenset(named)


@cache
def inputs_of(check: Check) -> frozenset[str]:
    """Names of the parts that a check asks for; everything, where its source cannot be read."""
    found = {f"data.{role}" for role in check.needs.data}
    if check.needs.access is not None:
        found.add("model")
    try:
        for module in _modules(check.function.__module__):
            found |= _asked_for(module)
    except (OSError, SyntaxError):
        return _EVERYTHING
    return frozenset(found)


def _modules(name: str) -> set[str]:
    """The module of a check and all that it imports of the same kind."""
    packages = _LOOKED_THROUGH if name.startswith("touchstone.") else (name.partition(".")[0],)
    waiting, found = [name], set[str]()
    while waiting:
        current = waiting.pop()
        if current not in found:
            found.add(current)
            waiting += [each for each in _imported(current, packages) if _within(each, packages)]
    return found - _NOT_ABOUT_A_SYSTEM


def _within(name: str, packages: Iterable[str]) -> bool:
    return any(name == package or name.startswith(package + ".") for package in packages)


@cache
def _imported(name: str, packages: tuple[str, ...]) -> frozenset[str]:
    """Every module that a module imports, anywhere in it, and what it imports by name from one of these packages."""
    found: set[str] = set()
    for node in ast.walk(_tree(name)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module is not None and node.level == 0:
            found.add(node.module)
            if _within(node.module, packages) and _is_package(node.module):
                found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(found)


def _is_package(name: str) -> bool:
    spec = _found(name)
    return spec is not None and spec.submodule_search_locations is not None


@cache
def _found(name: str) -> ModuleSpec | None:
    """Where a module lies; it is not imported, only the packages around it are."""
    try:
        return find_spec(name)
    except (ImportError, ValueError):
        return None


@cache
def _tree(name: str) -> ast.Module:
    """The source of a module, nothing where it is none. Raises `OSError` when it is there without its source."""
    spec = _found(name)
    if spec is None:
        return ast.Module([], [])
    if spec.origin is None or not spec.has_location:
        raise OSError(name)
    return ast.parse(Path(spec.origin).read_bytes())


@cache
def _asked_for(name: str) -> frozenset[str]:
    asked = _Asked()
    asked.visit(_tree(name))
    if any(_within(each, _OPENS_MODELS) for each in _imported(name, _OPENS_MODELS)):
        asked.parts.add("model")
    return frozenset(asked.parts)


class _Asked(ast.NodeVisitor):
    """Collects what the expressions of a module ask a system for, by the names of its attributes."""

    def __init__(self) -> None:
        self.parts: set[str] = set()

    def visit_Call(self, node: ast.Call) -> None:
        asks = node.func.attr if isinstance(node.func, ast.Attribute) else None
        first = node.args[0] if node.args else None
        if asks == "data" and isinstance(first, ast.Constant) and isinstance(first.value, str):
            self.parts.add(f"data.{first.value}")
        elif asks in _REGISTER and isinstance(first, ast.Name):
            self.parts.add(_register_of(first.id))
        else:
            self.visit(node.func)
        for argument in (*node.args, *(keyword.value for keyword in node.keywords)):
            self.visit(argument)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        within = node.value.attr if isinstance(node.value, ast.Attribute) else None
        if within == "data" and node.attr in _ROLES:
            self.parts.add(f"data.{node.attr}")
        elif within != "model" or node.attr not in MEANS:
            self.parts |= _by_name(node.attr)
            self.visit(node.value)


def _by_name(attribute: str) -> set[str]:
    if attribute == "model" or attribute in _SECTIONS:
        return {attribute}
    if attribute == "deployed":
        return {"model"}
    if attribute == "data":
        return {f"data.{role}" for role in _ROLES}
    if attribute in _REGISTER:
        return {ANY_REGISTER}
    return {ANY_FILE} if attribute in _READS_FILES else set()


def _register_of(class_name: str) -> str:
    named = [kind.register for kind in REGISTERS.values() if kind.__name__ == class_name]
    return f"registers.{named[0]}" if len(named) == 1 else ANY_REGISTER
