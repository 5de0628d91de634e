"""Programs that `torch.export` wrote: a graph in JSON, inside a `.pt2` archive.

Four things in it reach beyond a graph (PyTorch 2.13: torch/_export/serde/serialize.py, torch/export/_unlift.py,
torch/utils/_pytree.py). Operators are looked up attribute by attribute from `torch`; symbolic sizes are handed to
SymPy, whose parser evaluates them as Python; guards are pasted into the text of a function that is executed; and
descriptions of inputs can name a module to import. Each is compared with the little that real exports write there.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final

from touchstone.scan.examination import Examination
from touchstone.scan.findings import Rule
from touchstone.scan.formats import torch_operators
from touchstone.scan.formats.json import REPEATED_KEY, parse_json
from touchstone.scan.formats.torch_operators import UNREVIEWED_OPERATOR, judge_operator
from touchstone.scan.source import Source
from touchstone.scan.tensor_beginnings import look_at_beginning
from touchstone.scan.text_encoding import whole_text
from touchstone.text import Text

if TYPE_CHECKING:
    import ast

_REFUSE: Final = Text("Refuse the model; PyTorch does not write this.", "拒绝该模型；PyTorch 不会写出此类内容。")

EVALUATED: Final = Rule(
    id="torch-export/evaluated-text",
    severity="critical",
    nature="threat",
    title=Text(
        "Text that PyTorch evaluates as Python when it loads the program is more than arithmetic",
        "PyTorch 加载程序时会当作 Python 求值的文本不只是算术表达式",
    ),
    remedy=_REFUSE,
    references=("CWE-95", "MITRE ATLAS AML.T0011.000"),
)
FOREIGN_TARGET: Final = Rule(
    id="torch-export/foreign-target",
    severity="high",
    nature="threat",
    title=Text("The graph calls something that is not an operator", "计算图调用的不是算子"),
    remedy=_REFUSE,
    references=("CWE-470",),
)
IMPORTS: Final = Rule(
    id="torch-export/imports",
    severity="high",
    nature="threat",
    title=Text("Loading the program imports a module that the file names", "加载程序时会导入文件中指定的模块"),
    remedy=Text(
        "Find out what the module does when it is imported, or ask for a program without it.",
        "查明该模块在导入时的行为，或要求提供不含此项的程序。",
    ),
    references=("CWE-470",),
)
RULES: Final[tuple[Rule, ...]] = (EVALUATED, FOREIGN_TARGET, IMPORTS, REPEATED_KEY, *torch_operators.RULES)

_LARGEST: Final = 64 * 2**20
_LONGEST_EXPRESSION: Final = 20_000

_TORCH_OPERATOR: Final = re.compile(r"torch\.ops\.([A-Za-z_]\w*)\.([A-Za-z_]\w*)(\.\w+)?")
_SYMBOLIC: Final = re.compile(
    r"_operator\.(add|sub|mul|floordiv|truediv|mod|pow|neg|pos|eq|ne|lt|le|gt|ge|and_|or_|lshift|rshift|getitem)"
    r"|math\.(ceil|floor|trunc)"
    r"|torch\.sym_(float|int|ite|max|min|not|sqrt|sum)"
    r"|torch\._C\._(set_grad_enabled|functorch\.\w+)"
)
_HIGHER_ORDER: Final = frozenset(
    {
        "associative_scan",
        "cond",
        "flex_attention",
        "hints_wrapper",
        "invoke_subgraph",
        "map_impl",
        "out_dtype",
        "print",
        "run_const_graph",
        "scan",
        "strict_mode",
        "tag_activation_checkpoint",
        "while_loop",
        "wrap",
        "wrap_activation_checkpoint",
        "wrap_with_autocast",
        "wrap_with_set_grad_enabled",
    }
)
"""Operators that call another part of the same graph."""

_WORD: Final = re.compile(r"[A-Za-z_][\w.]{0,200}")
_FUNCTIONS: Final = frozenset(
    {
        # what SymPy's `srepr` writes
        "Symbol", "Integer", "Float", "Rational", "Add", "Mul", "Pow", "Abs", "Max", "Min", "Mod", "Not", "And", "Or",
        "GreaterThan", "LessThan", "StrictGreaterThan", "StrictLessThan", "Equality", "Unequality", "Piecewise",
        "ExprCondPair", "Eq", "Ne", "Ge", "Gt", "Le", "Lt", "floor", "ceiling", "sqrt", "log", "exp",
        # torch/utils/_sympy/functions.py
        "FloorDiv", "ModularIndexing", "Where", "PythonMod", "CleanDiv", "CeilToInt", "FloorToInt", "CeilDiv", "LShift",
        "RShift", "PowByNatural", "FloatPow", "FloatTrueDiv", "IntTrueDiv", "IsNonOverlappingAndDenseIndicator",
        "TruncToFloat", "TruncToInt", "RoundToInt", "RoundDecimal", "ToFloat", "Identity", "BitwiseFn_bitwise_and",
        "BitwiseFn_bitwise_or", "OpaqueUnaryFn_sqrt", "OpaqueUnaryFn_log2", "OpaqueUnaryFn_exp",
        # Python's own, in guards
        "max", "min", "abs", "len", "int", "float", "round",
    }
)  # fmt: skip
_NAMES: Final = frozenset({"L", "math", "inf", "oo", "int_oo", "true", "false"})
_SIZE: Final = re.compile(r"z?[suf]f?\d{1,9}")
_METHODS: Final = frozenset(
    {"size", "stride", "storage_offset", "dim", "numel", "ndim", "shape", "trunc", "floor", "ceil"}
)


def read_program(source: Source, examination: Examination) -> None:
    """Read the graph of an exported program."""
    program = parse_json(whole_text(source, _LARGEST).text)
    for key in dict.fromkeys(program.repeated[:100]):
        examination.report(REPEATED_KEY, key)
    for record in _objects_in(program.document):
        _judge_object(record, examination)


def read_weight(source: Source, examination: Examination) -> None:
    """Read one tensor: its bytes as they are, or, for unusual kinds of tensors, an archive that `torch.save` wrote."""
    if source.read(0, 4) == b"PK\x03\x04":
        examination.run(source)
    else:
        look_at_beginning(source, "the tensor", 0, examination)


def _objects_in(document: Any) -> Iterator[dict[str, Any]]:
    waiting = [document]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            yield value
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)


def _judge_object(record: dict[str, Any], examination: Examination) -> None:
    target, operator = record.get("target"), record.get("as_operator")
    if isinstance(target, str) and {"inputs", "outputs"} <= record.keys():
        _judge_target(target, examination)
    if isinstance(operator, str):
        _judge_target(operator, examination)
    _judge_texts([record.get("expr_str")], _is_symbolic_size, examination)
    guards, ranges = record.get("guards_code"), record.get("range_constraints")
    if isinstance(guards, list):
        _judge_texts(guards, _is_guard, examination)
    if isinstance(ranges, dict):
        _judge_texts(list(ranges), _is_symbolic_size, examination)
    for key in ("in_spec", "out_spec"):
        description = record.get(key)
        if isinstance(description, str):
            _judge_description(description, examination)


def _judge_target(target: str, examination: Examination) -> None:
    operator = _TORCH_OPERATOR.fullmatch(target)
    if operator is None:
        if _SYMBOLIC.fullmatch(target) is None:
            examination.report(FOREIGN_TARGET, target)
    elif operator[1] == "higher_order":
        if operator[2] not in _HIGHER_ORDER:
            examination.report(UNREVIEWED_OPERATOR, target)
    else:
        judge_operator(f"{operator[1]}::{operator[2]}", -1, examination)


def _judge_texts(texts: list[Any], is_harmless: Callable[[ast.AST], bool], examination: Examination) -> None:
    for text in texts:
        if isinstance(text, str) and not _is_arithmetic(text, is_harmless):
            examination.report(EVALUATED, text)


def _is_arithmetic(text: str, is_harmless: Callable[[ast.AST], bool]) -> bool:
    """Whether every part of an expression is one that real exports write."""
    import ast

    if len(text) > _LONGEST_EXPRESSION:
        return False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return False
    return all(is_harmless(node) for node in ast.walk(tree))


def _is_symbolic_size(node: ast.AST) -> bool:
    """`Symbol('s17', positive=True, integer=True) + 1`: names of sizes, numbers, and SymPy's own functions."""
    import ast

    return not isinstance(node, ast.Attribute | ast.Subscript) and _is_guard(node)


def _is_guard(node: ast.AST) -> bool:
    """`L['x'].size()[0] % 2 == 0`: also places in the inputs, by name and number."""
    import ast

    if isinstance(node, ast.Call):
        # A method is judged as the attribute it is.
        return isinstance(node.func, ast.Attribute) or (isinstance(node.func, ast.Name) and node.func.id in _FUNCTIONS)
    if isinstance(node, ast.Attribute):
        return node.attr in _METHODS
    if isinstance(node, ast.Constant):
        # A quotation mark in a text would end the message that guards are pasted into.
        text = node.value
        return _WORD.fullmatch(text) is not None if isinstance(text, str) else isinstance(text, int | float)
    if isinstance(node, ast.Name):
        return node.id in _FUNCTIONS | _NAMES or _SIZE.fullmatch(node.id) is not None
    return isinstance(
        node,
        ast.Expression | ast.BoolOp | ast.BinOp | ast.UnaryOp | ast.Compare | ast.Tuple | ast.List | ast.IfExp
        | ast.keyword | ast.Subscript | ast.expr_context | ast.boolop | ast.operator | ast.unaryop | ast.cmpop,
    )  # fmt: skip


def _judge_description(text: str, examination: Examination) -> None:
    """Look for modules in the description of inputs or outputs, which is JSON within the JSON."""
    for record in _objects_in(parse_json(text).document):
        _judge_imports(record, examination)
        context = record.get("context")
        if isinstance(context, str) and context.lstrip().startswith(("{", "[")):
            for inner in _objects_in(parse_json(context).document):
                _judge_imports(inner, examination)


def _judge_imports(record: dict[str, Any], examination: Examination) -> None:
    module = record.get("default_factory_module")
    if isinstance(module, str) and (module, record.get("default_factory_name")) not in _FACTORIES:
        examination.report(IMPORTS, f"{module}.{record.get('default_factory_name')}")
    if "__enum__" in record:
        examination.report(IMPORTS, str(record.get("fqn")))


_FACTORIES: Final = frozenset({("builtins", name) for name in ("list", "dict", "set", "int", "float", "tuple", "str")})
"""What a `defaultdict` may make its missing values with."""
