"""The package stays separable: it needs the standard library, `cryptography` and itself."""

import ast
import sys
from pathlib import Path

import touchstone.tlog


def test_it_imports_nothing_else() -> None:
    files = sorted(Path(touchstone.tlog.__path__[0]).glob("*.py"))
    assert len(files) > 10
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                top = name.split(".")[0]
                assert top in {*sys.stdlib_module_names, "cryptography"} or f"{name}.".startswith("touchstone.tlog."), (
                    file.name,
                    name,
                )
