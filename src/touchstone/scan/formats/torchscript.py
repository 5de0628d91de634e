"""TorchScript archives: the program text in `code/`, the mobile bytecode, and the pickles of PyTorch's C++ loader.

`torch.jit.load` compiles the text and calls it when the model is used. The language is a small part of Python: it
cannot import, but PyTorch's operators include some that read and write files and call other machines. The text is
parsed, never compiled; see torch/csrc/jit/serialization/import_source.cpp for what names mean in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING, Final

from touchstone.scan.examination import Examination
from touchstone.scan.findings import Rule
from touchstone.scan.formats import torch_operators
from touchstone.scan.formats.torch_operators import REACHING, REACHING_OPERATOR, judge_operator
from touchstone.scan.source import Source, Unreadable
from touchstone.text import Text

if TYPE_CHECKING:
    import ast

UNREVIEWED_CALL: Final = Rule(
    id="torchscript/unreviewed-call",
    severity="medium",
    nature="unreviewed",
    title=Text(
        "The program calls something that no TorchScript program is known to call",
        "程序调用了 TorchScript 中未知的函数",
    ),
    remedy=Text("Read the program text in the archive's `code` folder.", "请查阅归档 `code` 目录中的程序文本。"),
    references=("CWE-829",),
)
CUSTOM_CLASS: Final = Rule(
    id="torchscript/custom-class",
    severity="medium",
    nature="unreviewed",
    title=Text(
        "The program uses a native class that is not PyTorch's own: it needs a library beside the model",
        "程序使用了非 PyTorch 自带的原生类，需要模型之外的原生库",
    ),
    remedy=Text("Find out which library brings the class and review it as code.", "查明提供该类的库，并按代码审查。"),
    references=("CWE-829",),
)
NOT_TORCHSCRIPT: Final = Rule(
    id="torchscript/foreign-code",
    severity="medium",
    nature="threat",
    title=Text(
        "The program text has Python in it that TorchScript does not have",
        "程序文本中含有 TorchScript 没有的 Python 语法",
    ),
    remedy=Text(
        "Ask whoever made the archive why; PyTorch does not write this.", "请提供方说明原因；PyTorch 不会写出此类内容。"
    ),
    references=("CWE-506",),
)
ENDLESS_LOOP: Final = Rule(
    id="torchscript/endless-loop",
    severity="medium",
    nature="threat",
    title=Text("The program has a loop that nothing ends", "程序含有无法结束的循环"),
    remedy=Text("Run the model only with a limit on its time.", "只可在限制运行时间的条件下使用该模型。"),
    references=("CWE-835",),
)
RULES: Final[tuple[Rule, ...]] = (
    UNREVIEWED_CALL,
    CUSTOM_CLASS,
    NOT_TORCHSCRIPT,
    ENDLESS_LOOP,
    *torch_operators.RULES,
)

_LARGEST_CODE: Final = 16 * 2**20
_LARGEST_PIECE: Final = 2**17
_LARGEST_DEFINITION: Final = 2**20
"""Program text is parsed a few definitions at a time: a syntax tree is a hundred times as large as its text."""
_DEFINITION: Final = re.compile(rb"^(?=[^\s)\]}])", re.MULTILINE)

_PYTHON_OPERATOR: Final = re.compile(rb"\^[A-Za-z_]\w{0,100}\(")
"""How a call of a Python function is written where a graph still had one: no archive that loads has it."""

_FUNCTIONS: Final = frozenset(
    {
        # torch/csrc/jit/serialization/import_source.cpp
        "annotate", "awaitable", "fork", "unchecked_cast", "uninitialized",
        # torch/csrc/jit/frontend/ir_emitter.cpp
        "abs", "all", "any", "bin", "bool", "chr", "complex", "dict", "divmod", "enumerate", "float", "getattr",
        "hasattr", "hash", "hex", "id", "int", "isinstance", "len", "list", "max", "min", "oct", "ord", "pow", "print",
        "range", "reversed", "round", "set", "slice", "sorted", "str", "sum", "super", "tuple", "zip", "Exception",
        "AssertionError", "ValueError", "RuntimeError", "NotImplementedError",
        # types, which make values
        "Dict", "List", "Tuple", "Optional", "Tensor", "Future", "Await", "Device", "Stream",
    }
)  # fmt: skip
_NATIVE_CLASSES: Final = "__torch__.torch.classes."
_OWN_NATIVE_CLASSES: Final = ("quantized", "sparse", "xnnpack", "mkldnn", "vulkan", "metal", "_nnapi", "rnn")
_OPERATOR: Final = re.compile(rb"[A-Za-z_]\w{0,100}::[A-Za-z_]\w{0,100}")


# ---- program text


def read_code(source: Source, examination: Examination) -> None:
    """Read one file of program text."""
    import ast
    import warnings

    text = source.whole(_LARGEST_CODE)
    for start, piece in _pieces(text):
        examination.budget.check_time()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                tree = ast.parse(piece)
        except (SyntaxError, ValueError, MemoryError, RecursionError):
            for call in _PYTHON_OPERATOR.finditer(piece):
                fact = call[0].decode("ascii")
                examination.report(NOT_TORCHSCRIPT, fact, offset=start + call.start(), severity="high")
            raise Unreadable(Text("is no TorchScript that can be parsed", "不是可解析的 TorchScript 代码")) from None
        _Judge(examination, piece, start).judge(tree)


def _pieces(text: bytes) -> Iterator[tuple[int, bytes]]:
    """The text cut between definitions, with the place of each piece."""
    start = reached = 0
    for boundary in chain((match.start() for match in _DEFINITION.finditer(text)), (len(text),)):
        if boundary - start > _LARGEST_PIECE and reached > start:
            yield start, text[start:reached]
            start = reached
        if boundary - start > _LARGEST_DEFINITION:
            raise Unreadable(Text("has a definition too long to parse", "单个定义过长，无法解析"))
        reached = boundary
    yield start, text[start:]


class _Judge:
    """Looks at everything that a piece of program text calls or mentions."""

    def __init__(self, examination: Examination, text: bytes, start: int) -> None:
        self._examination = examination
        self._start = start
        self._lines = [0, *(match.end() for match in re.finditer(rb"\n", text))]

    def judge(self, tree: ast.Module) -> None:
        import ast

        allowed = _allowed_nodes()
        bound = _bound_names(tree)
        attributes: set[int] = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Import) and all(name.name.startswith("__torch__.") for name in node.names):
                continue  # how PyTorch 1.2 named the other files of the same archive
            if not isinstance(node, allowed):
                self._examination.report(NOT_TORCHSCRIPT, type(node).__name__, offset=self._offset(node))
            elif isinstance(node, ast.Attribute):
                # `ast.walk` meets the outermost attribute first: the inner ones are parts of the same dotted name.
                if id(node) not in attributes:
                    self._judge_dotted_name(node, attributes)
            elif isinstance(node, ast.Name):
                if node.id in ("torch", "ops") and id(node) not in attributes:
                    self._report(UNREVIEWED_CALL, f"passes on the module {node.id}", node)
            elif isinstance(node, ast.Call):
                self._judge_call(node, bound)
            elif isinstance(node, ast.While) and _is_endless(node):
                self._report(ENDLESS_LOOP, "while True", node)

    def _judge_dotted_name(self, node: ast.Attribute, seen: set[int]) -> None:
        import ast

        parts: list[str] = []
        inner: ast.expr = node
        while isinstance(inner, ast.Attribute):
            seen.add(id(inner))
            parts.append(inner.attr)
            inner = inner.value
        if isinstance(inner, ast.Name):
            seen.add(id(inner))
            parts.append(inner.id)
        dotted = parts[::-1]
        root = dotted[0] if isinstance(inner, ast.Name) else ""
        if root == "torch":
            self._judge_operator(f"aten::{'.'.join(dotted[1:])}", node)
        elif root == "ops":
            self._judge_operator("::".join(dotted[1:3]), node)
        elif root == "__torch__":
            self._judge_class(".".join(dotted), node)
        elif not REACHING.isdisjoint(dotted):
            self._report(REACHING_OPERATOR, ".".join(dotted), node)

    def _judge_operator(self, name: str, node: ast.expr) -> None:
        judge_operator(name, self._offset(node), self._examination)

    def _judge_class(self, name: str, node: ast.expr) -> None:
        own = tuple(_NATIVE_CLASSES + namespace + "." for namespace in _OWN_NATIVE_CLASSES)
        if name.startswith(_NATIVE_CLASSES) and not name.startswith(own):
            self._report(CUSTOM_CLASS, name, node)

    def _judge_call(self, node: ast.Call, bound: frozenset[str]) -> None:
        import ast

        called = node.func
        if isinstance(called, ast.Name):
            if called.id in REACHING:
                self._report(REACHING_OPERATOR, f"{called.id}(...)", node)
            elif called.id not in _FUNCTIONS and called.id not in bound:
                self._report(UNREVIEWED_CALL, f"{called.id}(...)", node)
            if called.id == "getattr":
                self._judge_getattr(node)
        elif not isinstance(called, ast.Attribute | ast.Subscript | ast.Call):
            self._report(UNREVIEWED_CALL, type(called).__name__, node)

    def _judge_getattr(self, node: ast.Call) -> None:
        """`getattr` is how the text writes members whose names are no identifiers: `getattr(self, "0")`."""
        import ast

        name = node.args[1] if len(node.args) > 1 else None
        if not isinstance(name, ast.Constant) or not isinstance(name.value, str):
            self._report(UNREVIEWED_CALL, "getattr of a name that is computed", node)
        elif name.value in REACHING:
            self._report(REACHING_OPERATOR, f"getattr(..., {name.value!r})", node)

    def _report(self, rule: Rule, fact: str, node: ast.AST) -> None:
        self._examination.report(rule, fact, offset=self._offset(node))

    def _offset(self, node: ast.AST) -> int:
        line = getattr(node, "lineno", 1)
        return self._start + self._lines[min(line, len(self._lines)) - 1] + getattr(node, "col_offset", 0)


def _is_endless(loop: ast.While) -> bool:
    import ast

    always = isinstance(loop.test, ast.Constant) and bool(loop.test.value)
    return always and not any(isinstance(node, ast.Break | ast.Return | ast.Raise) for node in ast.walk(loop))


def _bound_names(tree: ast.Module) -> frozenset[str]:
    """Names that the text itself gives to something: what it gives them to is judged where it does so."""
    import ast

    bound = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            bound.add(node.id)
        elif isinstance(node, ast.arg):
            bound.add(node.arg)
        elif isinstance(node, ast.ClassDef | ast.FunctionDef):
            bound.add(node.name)
    return frozenset(bound)


def _allowed_nodes() -> tuple[type, ...]:
    """What TorchScript has of Python's syntax (torch/csrc/jit/frontend/tree_views.h)."""
    import ast

    return (
        ast.Module, ast.ClassDef, ast.FunctionDef, ast.arguments, ast.arg, ast.keyword, ast.Return, ast.Delete,
        ast.Assign, ast.AugAssign, ast.AnnAssign, ast.For, ast.While, ast.If, ast.With, ast.withitem, ast.Raise,
        ast.Assert, ast.Expr, ast.Pass, ast.Break, ast.Continue, ast.BoolOp, ast.BinOp, ast.UnaryOp, ast.IfExp,
        ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.comprehension, ast.Compare, ast.Call, ast.Constant,
        ast.Attribute, ast.Subscript, ast.Starred, ast.Name, ast.List, ast.Tuple, ast.Slice, ast.JoinedStr,
        ast.FormattedValue, ast.alias, ast.expr_context, ast.boolop, ast.operator, ast.unaryop, ast.cmpop,
    )  # fmt: skip


# ---- pickles


def read_pickle(source: Source, examination: Examination) -> None:
    """Read a pickle that PyTorch's C++ loader follows: its classes are those of the archive's own program text."""
    examination.run(source, "torch-pickle")


def read_bytecode(source: Source, examination: Examination) -> None:
    """Read the program of a mobile archive, which runs instead of the text: a pickle that names its operators."""
    for offset, name in _operators_in(source):
        judge_operator(name, offset, examination)
    read_pickle(source, examination)


def _operators_in(source: Source) -> Iterator[tuple[int, str]]:
    overlap, position = b"", 0
    for window in source.windows():
        data = overlap + window
        for match in _OPERATOR.finditer(data):
            yield position - len(overlap) + match.start(), match[0].decode("ascii")
        position += len(window)
        overlap = data[-256:]
