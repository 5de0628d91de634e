"""What a Python file does, judged call by call on its syntax tree."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Literal

from touchstone.scan.examination import Examination
from touchstone.scan.findings import SEVERITIES, Rule, Severity
from touchstone.scan.formats import python as rules
from touchstone.scan.python_calls import (
    said,
    severity_of_evaluation,
    severity_of_loading,
    severity_of_native,
    severity_of_process,
)
from touchstone.scan.python_names import Bindings, Category, bindings_of, category_of
from touchstone.scan.python_structure import (
    Line,
    all_nodes,
    called_on_import,
    docstrings_of,
    is_main_guard,
    lines_of,
    only_declares,
)
from touchstone.scan.python_taint import Taint, taint_of
from touchstone.scan.source import MemorySource, Unreadable
from touchstone.scan.text_encoding import Decoded, Encoding

When = Literal["import", "program", "call"]
"""Code runs when its module is imported · when the file is run as a program · when somebody calls the function."""

_MODULE_NAME: Final = re.compile(
    r"(__init__|setup|conftest|handler|service|model|pipeline|(modeling|configuration|tokenization|processing|image_processing"
    r"|feature_extraction|pipeline)_\w+)\.py"
)
"""Files that others import by these names."""
_ACTING_MODULES: Final = frozenset(
    {"os", "posix", "nt", "subprocess", "pty", "builtins", "ctypes", "importlib", "runpy", "marshal", "pickle"}
)
_WATCHED_MODULES: Final = _ACTING_MODULES | {"sys", "socket", "shutil", "code", "imp", "requests", "urllib.request"}
_EXPRESSION_MODULES: Final = _WATCHED_MODULES | {"pathlib", "glob", "torch", "numpy", "monai", "json", "math"}
_INTERNALS: Final = frozenset(
    {"__subclasses__", "__globals__", "__builtins__", "f_globals", "f_builtins", "gi_frame", "cr_frame", "tb_frame"}
)
_LOOKING: Final = frozenset({"builtins.hasattr", "builtins.getattr", "builtins.isinstance", "builtins.issubclass"})
"""Functions that look at their first argument and hand it to nobody."""
_ENCODED: Final = re.compile(r"[A-Za-z0-9+/=_\-\s$]{2000,}")
_PRIVATE_PATH: Final = re.compile(
    r"/etc/(passwd|shadow|sudoers|crontab)|\.ssh/|id_rsa|\.aws/|\.netrc|\.git-credentials|\.kube/config|\.docker/config"
    r"|\.bash_history|\.bashrc|\.gnupg|authorized_keys|Login Data|Cookies|wallet\.dat|\.huggingface/token|LaunchAgents"
    r"|CurrentVersion\\Run|/proc/self/environ"
)
_SHELL: Final = re.compile(r"(/bin/)?(ba|z|k|da)?sh|cmd(\.exe)?|powershell(\.exe)?")

_RULES: Final[dict[Category, Rule]] = {
    "process": rules.RUNS_PROGRAM,
    "evaluation": rules.EVALUATES,
    "native": rules.NATIVE_CODE,
    "loading": rules.UNSAFE_LOADING,
    "network": rules.NETWORK,
    "deletion": rules.CHANGES_FILES,
    "interpreter": rules.INTERPRETER,
    "secrets": rules.SECRETS,
}


@dataclass(frozen=True, slots=True)
class _Place:
    """A node, when it runs, and what part it plays in the one above it."""

    node: ast.AST
    when: When
    role: Literal["", "base", "function"] = ""


@dataclass(slots=True)
class PythonJudge:
    """Judges one file, cell or expression."""

    decoded: Decoded
    examination: Examination
    file_name: str = ""
    is_expression: bool = False
    nested: int = 0
    """How many texts that are themselves run as code this lies within."""
    bindings: Bindings = field(default_factory=Bindings)
    taint: Taint = field(default_factory=lambda: Taint(Bindings()))
    seen: set[str] = field(default_factory=set)
    """Categories met, and what only counts together with others: `socket`, `shell`, `environment`, `os.dup2`."""
    lines: list[Line] = field(default_factory=list)

    def judge(self, tree: ast.Module) -> None:
        """Report what the code does."""
        self.lines = lines_of(self.decoded)
        nodes = all_nodes(tree)
        self.examination.budget.check_time()
        assumed = _EXPRESSION_MODULES if self.is_expression else frozenset()
        self.bindings = bindings_of(nodes, frozenset(assumed))
        self._state_imports()
        if not self.nested and not only_declares(tree):
            self.examination.report(rules.PROGRAM, self._summary())
        self.taint = taint_of(nodes, self.bindings)
        docstrings = docstrings_of(nodes)
        called_early = _functions_in(nodes) if self.file_name == "setup.py" else called_on_import(tree)
        first = self._first_when(tree)
        waiting = [_Place(node, first) for node in reversed(tree.body)]
        while waiting:
            place = waiting.pop()
            self.examination.budget.check_time()
            if id(place.node) in docstrings:
                continue
            waiting.extend(reversed(list(self._visit(place, called_early))))
        self._judge_together()

    def _first_when(self, tree: ast.Module) -> When:
        """Whether the statements of the file run on import: a file without a class is taken for a script."""
        is_module = any(isinstance(node, ast.ClassDef) for node in tree.body) or _MODULE_NAME.fullmatch(self.file_name)
        return "import" if is_module else "program"

    # ---- walking

    def _visit(self, place: _Place, called_early: frozenset[str]) -> Iterator[_Place]:
        """Judge a node, and answer the parts of it that remain to be judged."""
        node, when = place.node, place.when
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                inner: When = when if node.name in called_early else "call"
                yield from (_Place(part, when) for part in (*node.decorator_list, node.args))
                yield from self._annotation(node.returns, when)
                yield from (_Place(part, inner) for part in node.body)
            case ast.Lambda():
                yield _Place(node.args, when)
                yield _Place(node.body, "call")
            case ast.If() if is_main_guard(node.test):
                yield from (_Place(part, "program") for part in node.body)
                yield from (_Place(part, when) for part in node.orelse)
            case ast.arg():
                yield from self._annotation(node.annotation, when)
            case ast.AnnAssign():
                yield from self._annotation(node.annotation, when)
                yield from (_Place(part, when) for part in (node.target, node.value) if part is not None)
            case ast.Compare():
                yield from (_Place(part, when, "base") for part in (node.left, *node.comparators))
            case ast.Call():
                yield from self._call(node, place)
            case ast.Name() | ast.Attribute() | ast.Subscript():
                yield from self._mention(node, place)
            case ast.Constant():
                self._constant(node, when)
            case _:
                yield from (_Place(part, when) for part in ast.iter_child_nodes(node))

    def _annotation(self, node: ast.expr | None, when: When) -> Iterator[_Place]:
        """Names in annotations are not used, but calls in them run."""
        for part in all_nodes(node) if node is not None else ():
            if isinstance(part, ast.Call):
                yield _Place(part, when)

    def _call(self, node: ast.Call, place: _Place) -> Iterator[_Place]:
        names = self.bindings.names(node.func)
        judged = {category: name for name in sorted(names) if (category := category_of(name)) is not None}
        for category, name in judged.items():
            self._judge_call(category, name, node, place.when)
        self._judge_lookup(node, names, place.when)
        self._judge_keywords(node, names)
        if judged:
            inner = node.func
            while isinstance(inner, ast.Attribute):  # the arguments of earlier calls in the chain
                inner = inner.value
            if not isinstance(inner, ast.Name):
                yield _Place(inner, place.when, "base")
        else:
            yield _Place(node.func, place.when, "function")
        looks_only = bool(
            names & {"builtins.hasattr", "builtins.getattr", "builtins.isinstance", "builtins.issubclass"}
        )
        for number, argument in enumerate(node.args):
            is_class = looks_only and number == 1 and isinstance(argument, ast.Name | ast.Attribute | ast.Tuple)
            if not is_class:
                yield _Place(argument, place.when, "base" if looks_only and number == 0 else "")
        yield from (_Place(keyword.value, place.when) for keyword in node.keywords)

    def _mention(self, node: ast.Name | ast.Attribute | ast.Subscript, place: _Place) -> Iterator[_Place]:
        """A name that is not called here: handed on, stored, or part of a longer one."""
        names = self.bindings.names(node)
        if isinstance(node.ctx, ast.Store):
            names = frozenset()  # a target; what is bound to it is judged where it stands
        for name in sorted(names):
            category = category_of(name)
            if category in {None, "loading", "decoding"} or self._is_shadowed(node, name):
                continue
            self._note(category, name)
            severity: Severity | None = "low" if category in {"network", "deletion"} else None
            if name not in {"builtins.__import__", "importlib.import_module"} or not place.role:
                self._report(_RULES[category], node, name, place.when, severity)
            return
        if isinstance(node, ast.Attribute) and node.attr in _INTERNALS:
            self._report(rules.REACHES_INTERNALS, node, node.attr, place.when)
        if names & _WATCHED_MODULES and not place.role:
            severity = None if names & _ACTING_MODULES else "medium"
            self._report(rules.HIDDEN_LOOKUP, node, f"hands on the module {min(names)}", place.when, severity)
        if "os.environ" in names:
            self._environment(node, place)
        if isinstance(node, ast.Attribute):
            yield _Place(node.value, place.when, "base")
        elif isinstance(node, ast.Subscript):
            yield _Place(node.value, place.when, "base")
            yield _Place(node.slice, place.when)

    def _is_shadowed(self, node: ast.expr, name: str) -> bool:
        """Whether a builtin's name is also a variable or function of this file, as `eval` and `compile` often are."""
        return name.startswith("builtins.") and isinstance(node, ast.Name) and node.id in self.bindings.own

    def _environment(self, node: ast.expr, place: _Place) -> None:
        """All of the environment is a secret; single variables are, when they are called like one."""
        if place.role == "":
            self.seen.add("environment")
            self._report(rules.SECRETS, node, "os.environ", place.when, "low")

    def _constant(self, node: ast.Constant, when: When) -> None:
        value = node.value
        text = value.decode("latin-1") if isinstance(value, bytes) else value
        if not isinstance(text, str):
            return
        private = _PRIVATE_PATH.search(text) if len(text) < 10_000 else None
        if private:
            self.seen.add("private")
            self._report(rules.SECRETS, node, private.group(), when)
        if _SHELL.fullmatch(text):
            self.seen.add("shell")
        escaped = isinstance(value, bytes) and len(value) >= 500 and sum(byte >= 127 for byte in value) * 4 > len(value)
        if escaped or (len(text) >= 2000 and _ENCODED.search(text)):
            self._encoded(node, text)

    def _encoded(self, node: ast.Constant, text: str) -> None:
        """A long encoded literal: reported, and examined when it decodes to a program."""
        from touchstone.scan.python_values import decoded_literal
        from touchstone.scan.recognise import recognise

        self._report(rules.ENCODED_LITERAL, node, f"{len(text)} characters: {text[:40]}", "call")
        for data in decoded_literal(node.value):
            kind = recognise(MemorySource(data))
            if kind in {"elf", "pe", "mach-o", "java-class", "wasm", "python", "script", "pickle"}:
                self.examination.examine(MemorySource(data), f"line {node.lineno}", kind)

    # ---- judging calls

    def _judge_call(self, category: Category, name: str, node: ast.Call, when: When) -> None:
        if category == "decoding":
            return
        shown = f"{name}({', '.join(said(self.bindings.constant(part)) for part in node.args[:3])})"
        severity: Severity | None = None
        if category == "process":
            severity = severity_of_process(name, node, self.bindings)
            self._examine_command(node)
        elif category == "evaluation":
            severity = severity_of_evaluation(name, node, self.bindings)
            if name in {"builtins.eval", "builtins.exec", "builtins.compile"} and self._judge_text(node):
                severity = None  # its text is known and was judged
        elif category == "loading":
            severity = severity_of_loading(name, node, self.bindings)
            severity = "high" if severity and self.taint.reaches(node) else severity
        elif category == "native":
            severity = severity_of_native(name, node, self.bindings)
        else:
            severity = _RULES[category].severity
        if severity is None:
            return
        self._note(category, name)
        if category == "evaluation" and severity == "high" and self.taint.reaches(node):
            self._report(rules.HIDDEN_CODE, node, shown, when)
            return
        if isinstance(node.func, ast.Name) and self._is_shadowed(node.func, name):
            severity = "medium"
        self._report(_RULES[category], node, shown, when, severity)

    def _judge_text(self, node: ast.Call) -> bool:
        """Judge a text that is run as code; answer whether it stands there in the open."""
        value = self.bindings.constant(node.args[0]) if node.args else None
        text = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
        if not isinstance(text, str) or self.nested >= 4:
            return False
        inner = self.examination.inside(f"line {node.lineno}")
        place = Encoding("utf-8", max(self._offset(node), 0))
        try:
            rules.examine_python(Decoded(text.strip(), place), inner, nested=self.nested + 1)
        except Unreadable as unreadable:
            inner.gap(unreadable.why)
        return not self.taint.reaches(node)

    def _examine_command(self, node: ast.Call) -> None:
        from touchstone.scan.formats.script import examine_commands

        command = self.bindings.constant(node.args[0]) if node.args else None
        words = [word for word in command if isinstance(word, str)] if isinstance(command, list) else [command]
        if words and isinstance(words[0], str):
            examine_commands(" ".join(map(str, words)), self.examination, offset=self._offset(node))

    def _judge_lookup(self, node: ast.Call, names: frozenset[str], when: When) -> None:
        """`getattr(os, name)` with a name that is made up on the way."""
        if "builtins.getattr" not in names or len(node.args) < 2:
            return
        owners = self.bindings.names(node.args[0])
        attribute = self.bindings.constant(node.args[1])
        acting = owners & _WATCHED_MODULES
        if acting and attribute is None:
            self._report(rules.HIDDEN_LOOKUP, node, f"getattr({min(acting)}, ?)", when)
        elif isinstance(attribute, str) and not isinstance(node.args[1], ast.Constant):
            found = [f"{owner}.{attribute}" for owner in owners if category_of(f"{owner}.{attribute}")]
            if found:
                self._report(rules.HIDDEN_LOOKUP, node, found[0], when)
        if isinstance(attribute, str) and attribute in _INTERNALS:
            self._report(rules.REACHES_INTERNALS, node, attribute, when)

    def _judge_keywords(self, node: ast.Call, names: frozenset[str]) -> None:
        for keyword in node.keywords:
            is_true = isinstance(keyword.value, ast.Constant) and keyword.value.value is True
            if keyword.arg == "trust_remote_code" and is_true:
                self._report(rules.TRUSTS_CODE, node, "trust_remote_code=True", "call")
            elif keyword.arg == "cmdclass" and names & {"setuptools.setup", "distutils.core.setup"}:
                commands = self.bindings.names(keyword.value)
                values = keyword.value.values if isinstance(keyword.value, ast.Dict) else [keyword.value]
                known = all(
                    any(name.startswith(("torch.utils.cpp_extension.", "setuptools.")) for name in self._base(value))
                    for value in values
                )
                if not known or commands:
                    self._report(rules.INSTALL_HOOK, node, "cmdclass", "call")
        self.seen.update(names & {"os.dup2"})
        if names & {"os.environ.items", "os.environ.values", "os.environ.copy"}:
            self.seen.add("environment")

    def _base(self, value: ast.expr) -> frozenset[str]:
        """`BuildExtension.with_options(…)` is still `BuildExtension`."""
        return self.bindings.names(value.func if isinstance(value, ast.Call) else value)

    # ---- what several calls come to together

    def _note(self, category: Category, name: str) -> None:
        self.seen.add(category)
        if name.startswith("socket."):
            self.seen.add("socket")

    def _judge_together(self) -> None:
        secret = self.seen & {"environment", "private", "secrets"}
        if "network" in self.seen and secret:
            self.examination.report(rules.SENDS_SECRETS, f"network and {', '.join(sorted(secret))}")
        if "socket" in self.seen and ({"process", "shell"} <= self.seen or "os.dup2" in self.seen):
            self.examination.report(rules.REMOTE_SHELL, "a socket becomes the input of a program")

    # ---- reporting

    def _report(self, rule: Rule, node: ast.AST, said: str, when: When, severity: Severity | None = None) -> None:
        severity = severity or rule.severity
        if when == "import" and rule.nature == "threat" and rule not in {rules.HIDDEN_CODE, rules.SECRETS}:
            severity = SEVERITIES[max(SEVERITIES.index(severity) - 1, 0)]
        line = self._line(node)
        written = self.decoded.text[line.start : line.end][:2000].strip()
        shown = f"line {getattr(node, 'lineno', 1)}: {said} in {written[:120]}"
        self.examination.report(rule, shown, offset=self._offset(node), severity=severity)

    def _line(self, node: ast.AST) -> Line:
        return self.lines[min(getattr(node, "lineno", 1), len(self.lines)) - 1]

    def _offset(self, node: ast.AST) -> int:
        """The byte at which a node stands; of texts in other encodings than UTF-8, that of its line."""
        column = getattr(node, "col_offset", 0) if self.decoded.encoding.name == "utf-8" else 0
        return self._line(node).offset + column

    def _state_imports(self) -> None:
        for module in self.bindings.imports:
            self.examination.fact("imports", module)

    def _summary(self) -> str:
        modules = sorted({module.split(".")[0] for module in self.bindings.imports if not module.startswith(".")})
        return f"imports {', '.join(modules)}" if modules else "imports nothing"


def _functions_in(nodes: list[ast.AST]) -> frozenset[str]:
    """All functions: whatever stands in a setup.py may run during the installation."""
    return frozenset(node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
