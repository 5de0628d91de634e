"""Which variables of a Python file hold something decoded or downloaded: code made of it is code nobody has seen."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from touchstone.scan.python_names import Bindings, category_of
from touchstone.scan.python_structure import names_in

_Assignment = ast.Assign | ast.AnnAssign | ast.NamedExpr | ast.withitem


@dataclass(slots=True)
class Taint:
    """What is decoded or downloaded in one file. Order and branches are not followed."""

    bindings: Bindings
    variables: set[str] = field(default_factory=set)

    def reaches(self, call: ast.Call) -> bool:
        """Whether an argument of a call is, or is made of, something decoded or downloaded."""
        return any(self._holds(argument) for argument in call.args)

    def spread(self, assignments: list[_Assignment]) -> None:
        """Mark every variable that such data is assigned to, and variables made of those."""
        for _ in range(3):
            before = len(self.variables)
            for node in assignments:
                value = node.context_expr if isinstance(node, ast.withitem) else node.value
                if value is not None and self._holds(value):
                    for target in _targets(node):
                        self.variables.update(names_in(target))
            if len(self.variables) == before:
                return

    def _holds(self, expression: ast.expr) -> bool:
        for part in ast.walk(expression):
            if isinstance(part, ast.Name) and part.id in self.variables:
                return True
            if isinstance(part, ast.Call):
                categories = {category_of(name) for name in self.bindings.names(part.func)}
                if categories & {"decoding", "network"}:
                    return True
        return False


def taint_of(nodes: list[ast.AST], bindings: Bindings) -> Taint:
    """Follow decoded and downloaded data through the assignments of a file."""
    taint = Taint(bindings)
    taint.spread([node for node in nodes if isinstance(node, _Assignment)])
    return taint


def _targets(node: _Assignment) -> list[ast.expr]:
    match node:
        case ast.Assign():
            return node.targets
        case ast.withitem():
            return [node.optional_vars] if node.optional_vars is not None else []
        case _:
            return [node.target]
