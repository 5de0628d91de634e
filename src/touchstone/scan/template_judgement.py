"""What a chat template does, judged node by node on its syntax tree."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from jinja2 import nodes

from touchstone.scan.examination import Examination
from touchstone.scan.findings import Rule, Severity
from touchstone.scan.formats.chat_template import (
    CALLS_SYSTEM,
    COMPUTED_NAME,
    EXHAUSTS,
    NAMES_ADDRESS,
    REACHES_INTERNALS,
    REACTS_TO_WORDS,
    READS_FILE,
)
from touchstone.scan.template_values import Value, fold

_MOST_ROUNDS: Final = 100_000
"""Jinja's own sandbox allows this many in a `range`."""
_MOST_NESTED_ROUNDS: Final = 1_000_000
_MOST_LETTERS: Final = 10_000_000

_KNOWN_INTERNAL: Final = re.compile(
    "__(class|globals|builtins|import|subclasses|init|new|mro|bases?|getattribute|getattr|reduce|reduce_ex|code|dict|self"
    "|func|loader|spec|call|getitem|module|wrapped|closure|defaults|kwdefaults|subclasshook|init_subclass)__"
)
"""Names that mean something to Python wherever they are used."""
_DUNDER_IN_PLACE: Final = re.compile(r"\{[^{}]*[.\[]_\w*")
"""`'{0.__class__}'.format(x)` looks attributes up as well."""
_INTERNAL: Final = re.compile(
    "mro|func_globals|func_code|gi_frame|gi_code|cr_frame|cr_code|ag_frame|ag_code|f_globals|f_locals"
    "|f_builtins|f_back|tb_frame|tb_next|co_code|co_consts"
)
_ACTING: Final = re.compile(
    "popen|Popen|system|check_output|check_call|getoutput|getstatusoutput|exec|eval|execfile|import_module"
    "|load_module|exec_module|spawnl|spawnv|execv|execve|fork|unlink|rmtree|urlopen|urlretrieve"
)
_ACTING_NAMES: Final = re.compile(
    "os|sys|subprocess|builtins|importlib|socket|shutil|eval|exec|open|compile|getattr|globals|locals|vars"
    "|request|application|url_for|get_flashed_messages"
)
_ATTRIBUTE_ARGUMENT: Final = frozenset(
    {"map", "selectattr", "rejectattr", "groupby", "sort", "unique", "sum", "min", "max"}
)
_NAMED_FILTER: Final = frozenset({"map", "select", "reject", "selectattr", "rejectattr"})
_TEXT_MAKING: Final = frozenset({"format", "join", "replace", "reverse", "lower", "upper", "string", "trim"})
_WORDS: Final = re.compile(r"[^\W\d_][\w',.!?]*(?: [\w',.!?]+)*")


@dataclass(slots=True)
class TemplateJudge:
    """Walks the tree of one template."""

    text: str
    examination: Examination
    offset: int
    encoding: str
    known: dict[str, Value] = field(default_factory=dict)
    """Variables that are set to a constant."""
    made: set[str] = field(default_factory=set)
    """Variables, attributes of namespaces and macros that hold text made in a way we do not follow."""
    lines: list[str] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    """Byte at which each line begins, counted from the beginning of the template."""

    def judge(self, tree: nodes.Template) -> None:
        """Report everything in the tree that a template has no business with."""
        self.lines = self.text.split("\n")
        self.starts = [0]
        for line in self.lines:
            self.starts.append(self.starts[-1] + len(f"{line}\n".encode(self.encoding, "replace")))
        everything = _walk(tree)
        for node in everything:
            self._note_variable(node)
        judges: dict[type[nodes.Node], Callable[[Any], None]] = {
            nodes.Getattr: self._attribute,
            nodes.Getitem: self._item,
            nodes.Filter: self._filter,
            nodes.Call: self._call,
            nodes.Const: self._constant,
            nodes.Compare: self._comparison,
            nodes.TemplateData: self._output,
            nodes.Include: self._other_file,
            nodes.Import: self._other_file,
            nodes.FromImport: self._other_file,
            nodes.Extends: self._other_file,
            nodes.For: self._loop,
        }
        for node in everything:
            self.examination.budget.check_time()
            if isinstance(node, nodes.BinExpr | nodes.Concat):
                self._built(node)
            judge = judges.get(type(node))
            if judge is not None:
                judge(node)

    def _note_variable(self, node: nodes.Node) -> None:
        if isinstance(node, nodes.AssignBlock) and isinstance(node.target, nodes.Name):
            self.made.add(node.target.name)
        elif isinstance(node, nodes.Macro):
            self.made.add(node.name)
        elif isinstance(node, nodes.Assign) and isinstance(node.target, nodes.Name | nodes.NSRef):
            name = node.target.name if isinstance(node.target, nodes.Name) else node.target.attr
            value = fold(node.node, self.known)
            if value is None and self._makes_text(node.node):
                self.made.add(name)
            elif name in self.known and self.known[name] != value:
                self.known[name] = None
                self.made.add(name)
            elif isinstance(node.target, nodes.Name):
                self.known[name] = value

    def _makes_text(self, expression: nodes.Node) -> bool:
        """Whether a key is made of pieces of text, rather than counted or taken from a message."""
        parts = _walk(expression)
        has_text = any(isinstance(part, nodes.Const) and isinstance(part.value, str) for part in parts)
        for part in parts:
            if isinstance(part, nodes.Concat):
                return True
            if isinstance(part, nodes.Name) and part.name in self.made:
                return True
            if isinstance(part, nodes.Getattr) and part.attr in self.made | _TEXT_MAKING:
                return True
            if isinstance(part, nodes.Filter) and part.name in _TEXT_MAKING:
                return True
            if has_text and isinstance(part, nodes.Add | nodes.Mod | nodes.Mul):
                return True
        return False

    # ---- reporting

    def report(self, rule: Rule, node: nodes.Node, said: str = "", severity: Severity | None = None) -> None:
        index = min(node.lineno, len(self.lines)) - 1
        offset = -1 if self.offset < 0 else self.offset + self.starts[index]
        shown = f"line {index + 1}: {said or self.lines[index].strip()}"
        self.examination.report(rule, shown, offset=offset, severity=severity)

    def _report_name(self, name: Value, node: nodes.Node) -> None:
        """Report a name under which something is looked up, when it leads to Python itself."""
        if isinstance(name, str) and (name.startswith("__") or _INTERNAL.fullmatch(name)):
            self.report(REACHES_INTERNALS, node)

    # ---- one judge for each kind of node

    def _attribute(self, node: nodes.Getattr) -> None:
        self._report_name(node.attr, node)
        if node.attr.startswith("_") and not node.attr.startswith("__"):
            self.report(REACHES_INTERNALS, node, severity="medium")

    def _item(self, node: nodes.Getitem) -> None:
        name = fold(node.arg, self.known)
        self._report_name(name, node)
        if name is None and self._makes_text(node.arg):
            self.report(COMPUTED_NAME, node, severity="medium")

    def _filter(self, node: nodes.Filter) -> None:
        self._built(node)
        values = [fold(argument, self.known) for argument in node.args]
        named = [fold(pair.value, self.known) for pair in node.kwargs if pair.key == "attribute"]
        if node.name == "attr" or (node.name in _NAMED_FILTER and "attr" in values):
            for value in values:
                self._report_name(value, node)
            known_name = all(isinstance(argument, nodes.Const) for argument in node.args)
            self.report(COMPUTED_NAME, node, severity="medium" if known_name else None)
        elif node.name in _ATTRIBUTE_ARGUMENT:
            for value in (*values[:1], *named):
                for part in value.split(".") if isinstance(value, str) else ():
                    self._report_name(part, node)
            if None in named or (node.name in _NAMED_FILTER and values[:1] == [None]):
                self.report(COMPUTED_NAME, node, severity="medium")
        elif node.name in {"center", "indent", "wordwrap", "batch", "slice"} and _larger(values, _MOST_LETTERS):
            self.report(EXHAUSTS, node)

    def _call(self, node: nodes.Call) -> None:
        self._built(node)
        values = [fold(argument, self.known) for argument in node.args]
        if isinstance(node.node, nodes.Name):
            name = node.node.name
            if _ACTING_NAMES.fullmatch(name):
                self.report(CALLS_SYSTEM, node)
            if name == "range" and _larger(values, _MOST_ROUNDS):
                self.report(EXHAUSTS, node)
            if name == "lipsum" and _larger([*values, *(fold(pair.value, self.known) for pair in node.kwargs)], 1000):
                self.report(EXHAUSTS, node)
        elif isinstance(node.node, nodes.Getattr):
            owner = node.node.node
            if _ACTING.fullmatch(node.node.attr) or (
                isinstance(owner, nodes.Name) and _ACTING_NAMES.fullmatch(owner.name)
            ):
                self.report(CALLS_SYSTEM, node)
            if node.node.attr in {"ljust", "rjust", "center", "zfill"} and _larger(values, _MOST_LETTERS):
                self.report(EXHAUSTS, node)

    def _built(self, node: nodes.Node) -> None:
        """A text or number put together from pieces."""
        value = fold(node, self.known)
        if isinstance(value, str) and _KNOWN_INTERNAL.fullmatch(value):
            self.report(REACHES_INTERNALS, node, f"builds {value}")
        if isinstance(node, nodes.Pow) and (value is None or _larger([value], 2**63)):
            self.report(EXHAUSTS, node)
        elif isinstance(node, nodes.Mul):
            factors = [fold(node.left, self.known), fold(node.right, self.known)]
            if _larger(factors, _MOST_LETTERS) and not all(isinstance(factor, int) for factor in factors):
                self.report(EXHAUSTS, node)

    def _constant(self, node: nodes.Const) -> None:
        if not isinstance(node.value, str):
            return
        if _KNOWN_INTERNAL.fullmatch(node.value):
            self.report(REACHES_INTERNALS, node, severity="high")
        elif _DUNDER_IN_PLACE.search(node.value):
            self.report(COMPUTED_NAME, node)
        elif re.search(r"%0?\d{8,}", node.value):
            self.report(EXHAUSTS, node)

    def _comparison(self, node: nodes.Compare) -> None:
        """`'words' in message.content` lets whoever wrote the template react to what a user says."""
        words = node.expr.value if isinstance(node.expr, nodes.Const) else None
        looks_in_message = any(operand.op in {"in", "notin"} for operand in node.ops)
        if isinstance(words, str) and looks_in_message and " " in words and _WORDS.fullmatch(words):
            self.report(REACTS_TO_WORDS, node, repr(words))

    def _output(self, node: nodes.TemplateData) -> None:
        for address in re.findall(r"https?://[\w.-]+[^\s\"'<>)]*", node.data)[:20]:
            self.report(NAMES_ADDRESS, node, address)

    def _loop(self, node: nodes.For) -> None:
        """Loops within loops whose rounds are constant multiply."""
        rounds, waiting = 0, [(node, 1)]
        while waiting and rounds <= _MOST_NESTED_ROUNDS:
            loop, outside = waiting.pop()
            rounds = outside * self._rounds(loop.iter)
            waiting.extend((inner, rounds) for inner in _loops_within(loop))
        if rounds > _MOST_NESTED_ROUNDS:
            self.report(EXHAUSTS, node)

    def _rounds(self, iterated: nodes.Node) -> int:
        """How often a loop runs at least, as far as that is constant."""
        if isinstance(iterated, nodes.Call) and isinstance(iterated.node, nodes.Name) and iterated.node.name == "range":
            numbers = [value for argument in iterated.args if isinstance(value := fold(argument, self.known), int)]
            return max([1, *numbers])
        return 1

    def _other_file(self, node: nodes.Node) -> None:
        self.report(READS_FILE, node)


def _walk(tree: nodes.Node) -> list[nodes.Node]:
    found, waiting = [], [tree]
    while waiting:
        node = waiting.pop()
        found.append(node)
        waiting.extend(reversed(list(node.iter_child_nodes())))
    return found


def _loops_within(loop: nodes.For) -> list[nodes.For]:
    """The loops directly inside a loop."""
    found: list[nodes.For] = []
    waiting: list[nodes.Node] = list(loop.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, nodes.For):
            found.append(node)
        else:
            waiting.extend(node.iter_child_nodes())
    return found


def _larger(values: list[Value], limit: int) -> bool:
    return any(isinstance(value, int) and value > limit for value in values)
