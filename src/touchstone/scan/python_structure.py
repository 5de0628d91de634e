"""How a Python file is built: what runs when it is imported, what only declares, where its lines lie."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import Final

from touchstone.scan.text_encoding import Decoded

_FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef
_DEFINITIONS = _FUNCTIONS | ast.ClassDef
_PLAIN_CALLS: Final = frozenset({"dict", "list", "tuple", "set", "frozenset", "int", "float", "str", "bool", "range"})
_DATA: Final = (
    ast.Constant,
    ast.Name,
    ast.List,
    ast.Tuple,
    ast.Dict,
    ast.Set,
    ast.UnaryOp,
    ast.BinOp,
    ast.Starred,
    ast.keyword,
    ast.expr_context,
    ast.operator,
    ast.unaryop,
    ast.Subscript,
    ast.Slice,
)
_IMPORTS_MODULES: Final = frozenset({"custom_imports"})
"""MMEngine imports what a configuration names under this."""


def all_nodes(tree: ast.AST) -> list[ast.AST]:
    """All nodes of a tree in the order of the source, without recursion."""
    found: list[ast.AST] = []
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        found.append(node)
        waiting.extend(reversed(list(ast.iter_child_nodes(node))))
    return found


@dataclass(frozen=True, slots=True)
class Line:
    """Where a line lies in its text, and at which byte of the file it begins."""

    start: int
    end: int
    offset: int


def lines_of(decoded: Decoded) -> list[Line]:
    """All lines, as Python counts them."""
    text, encoding = decoded.text, decoded.encoding
    lines, start, offset = [], 0, encoding.mark
    for end in (*(found.end() for found in re.finditer(r"\r\n|\r|\n", text)), len(text)):
        lines.append(Line(start, end, offset))
        offset += len(text[start:end].encode(encoding.name, "replace"))
        start = end
    return lines


def docstrings_of(nodes: list[ast.AST]) -> frozenset[int]:
    """Identities of the statements that are only texts."""
    return frozenset(id(node) for node in nodes if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))


def only_declares(tree: ast.Module) -> bool:
    """Whether a file holds constants and relative imports only, as `__init__.py` and configurations often do."""
    return all(_declares(statement) for statement in tree.body)


def is_main_guard(test: ast.expr) -> bool:
    """`__name__ == '__main__'`."""
    return (
        isinstance(test, ast.Compare)
        and isinstance(test.left, ast.Name)
        and test.left.id == "__name__"
        and len(test.ops) == 1
        and isinstance(test.ops[0], ast.Eq)
        and isinstance(test.comparators[0], ast.Constant)
        and test.comparators[0].value == "__main__"
    )


def called_on_import(tree: ast.Module) -> frozenset[str]:
    """Names of functions and methods that run when the module is imported, as far as names tell."""
    definitions = {node.name: node for node in tree.body if isinstance(node, _DEFINITIONS)}
    waiting: list[ast.AST] = []
    for statement in tree.body:
        if isinstance(statement, ast.If) and is_main_guard(statement.test):
            waiting.extend(statement.orelse)
        elif isinstance(statement, ast.ClassDef):
            waiting.extend(part for part in statement.body if not isinstance(part, _FUNCTIONS))
            waiting.extend(statement.decorator_list)
        elif isinstance(statement, _FUNCTIONS):
            waiting.extend([*statement.decorator_list, statement.args])
        else:
            waiting.append(statement)
    found: set[str] = set()
    while waiting:
        for node in ast.walk(waiting.pop()):
            for name in _used(node) - found:
                definition = definitions.get(name)
                if definition is None or (isinstance(definition, ast.ClassDef) and not isinstance(node, ast.Call)):
                    continue
                found.add(name)
                waiting.append(definition)
                if isinstance(definition, ast.ClassDef):
                    found.update(part.name for part in definition.body if isinstance(part, _FUNCTIONS))
    return frozenset(found)


def names_in(target: ast.AST) -> list[str]:
    """The plain names in a target of an assignment."""
    return [part.id for part in ast.walk(target) if isinstance(part, ast.Name)]


def _used(node: ast.AST) -> set[str]:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return {node.func.id}
    return {node.id} if isinstance(node, ast.Name) else set()


def _declares(statement: ast.stmt) -> bool:
    match statement:
        case ast.Pass():
            return True
        case ast.Expr():
            return isinstance(statement.value, ast.Constant)
        case ast.ImportFrom():
            return statement.level > 0 or statement.module in {"__future__", "typing"}
        case ast.Assign() | ast.AnnAssign() | ast.AugAssign():
            targets = names_in(statement)
            return not _IMPORTS_MODULES.intersection(targets) and _is_data(statement.value)
        case _:
            return False


def _is_data(expression: ast.expr | None) -> bool:
    parts = [] if expression is None else all_nodes(expression)
    return all(
        isinstance(part, _DATA)
        or (isinstance(part, ast.Call) and isinstance(part.func, ast.Name) and part.func.id in _PLAIN_CALLS)
        for part in parts
    )
