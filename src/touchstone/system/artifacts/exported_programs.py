"""What a `torch.export` program would call, from the JSON in its archive.

Two things in it reach beyond plain graphs: the operators it names, and the symbolic expressions that PyTorch hands
to SymPy, whose parser evaluates them as Python (torch/_export/serde/serialize.py).
"""

from __future__ import annotations

import re

from touchstone.system.artifacts.constructs import Construct, shown
from touchstone.system.artifacts.documents_in_models import load_json, objects_in
from touchstone.text import Text

_OPERATOR = re.compile(
    r"torch\.ops\.(aten|prims)\.[A-Za-z_]\w*(\.\w+)?"
    r"|_operator\.(add|sub|mul|floordiv|truediv|mod|pow|neg|pos|eq|ne|lt|le|gt|ge|and_|or_|getitem)"
    r"|math\.(ceil|floor|trunc)"
    r"|torch\.sym_(float|int|ite|max|min|not|sqrt|sum)"
    r"|torch\.ops\.higher_order\.(cond|map_impl|scan|while_loop|wrap_with_set_grad_enabled)"
)
_READS_FILES = re.compile(r"from_file|\.save")
_EXPRESSION = re.compile(
    r"(?:[su]\d{1,6}|-?\d{1,20}|Max|Min|Mod|FloorDiv|CeilDiv|PythonMod|Eq|Ne|Ge|Gt|Le|Lt|And|Or|Not|True|False|int_oo|oo"
    r"|[-+*/(),<>=&|~ ])*"
)


def screen_exported_program(document: memoryview, where: str) -> tuple[list[Construct], list[Text]]:
    """Operators outside PyTorch's own, and expressions that are more than integer arithmetic."""
    try:
        program = load_json(document)
    except ValueError:
        return [], [Text("the program is not plain JSON", "程序不是标准 JSON")]
    constructs: dict[str, Construct] = {}
    for item in objects_in(program):
        target = item.get("target")
        if isinstance(target, str) and {"inputs", "outputs"} <= item.keys() and not _is_plain_operator(target):
            constructs.setdefault(
                target,
                Construct(
                    "custom-code",
                    "high",
                    where,
                    None,
                    shown(target),
                    Text("calls an operator that is not one of PyTorch's own", "调用非 PyTorch 自带的算子"),
                ),
            )
        expression = item.get("expr_str")
        if isinstance(expression, str) and _EXPRESSION.fullmatch(expression) is None:
            constructs.setdefault(
                expression,
                Construct(
                    "code-execution",
                    "critical",
                    where,
                    None,
                    shown(expression),
                    Text(
                        "holds an expression that the loader evaluates as Python",
                        "含有会被加载器当作 Python 求值的表达式",
                    ),
                ),
            )
    return list(constructs.values()), []


def _is_plain_operator(target: str) -> bool:
    return _OPERATOR.fullmatch(target) is not None and _READS_FILES.search(target) is None
