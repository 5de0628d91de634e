"""R's serialization (`.rds`, `.RData`): a stream of objects, some of which are programs.

Data are vectors and lists. Functions, bytecode and promises travel in the same stream; a promise that has no value yet
runs its expression when somebody looks at it, which is how reading a file came to run code (CVE-2024-27322, fixed in
R 4.4). Source: R Internals, section 1.8 "Serialization formats", and `serialize.c` of R 4.4.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from touchstone.scan.examination import Examination
from touchstone.scan.r_rules import (
    ACTIVE_BINDING,
    BYTECODE,
    CALL,
    FUNCTION,
    HIDDEN_BYTES,
    HOOK,
    MAPPED_FILE,
    PROMISE,
    PROMISE_IN_FRAME,
    RULES,
    UNKNOWN_CLASS,
)
from touchstone.scan.r_stream import RStream, open_stream
from touchstone.scan.source import Source, Unreadable
from touchstone.text import Text

__all__ = ["RULES", "read_rds"]

# Types of objects (R Internals, 1.1) and marks that only exist in streams (`serialize.c`).
_SYMBOL, _PAIRS, _CLOSURE, _ENVIRONMENT, _PROMISE, _CALL = 1, 2, 3, 4, 5, 6
_SPECIAL, _BUILTIN, _CHARACTERS, _LOGICAL, _INTEGER, _REAL, _COMPLEX, _TEXTS = 7, 8, 9, 10, 13, 14, 15, 16
_DOTS, _LIST, _EXPRESSIONS, _BYTECODE, _POINTER, _WEAK, _RAW, _S4 = 17, 19, 20, 21, 22, 23, 24, 25
_REFERENCE, _UNBOUND, _NAMESPACE, _PACKAGE, _PERSISTENT, _ALTREP = 255, 252, 249, 248, 247, 238
_BC_DEFINITION, _BC_REFERENCE, _ATTRIBUTED_CALL, _ATTRIBUTED_PAIRS = 244, 243, 240, 239
_SINGLE_VALUES: Final = frozenset({0, 254, 253, 252, 251, 250, 242, 241})

_WIDTHS: Final = {_LOGICAL: 4, _INTEGER: 4, _REAL: 8, _COMPLEX: 16, _RAW: 1}
_HAS_ATTRIBUTES: Final = 0x200
_HAS_TAG: Final = 0x400
_ACTIVE: Final = 1 << 15
_HOOKS: Final = frozenset({".First", ".First.sys", ".Last", ".Last.sys"})
_BASE_VECTORS: Final = frozenset(
    {"compact_intseq", "compact_realseq", "deferred_string", "wrap_integer", "wrap_real", "wrap_logical",
     "wrap_complex", "wrap_raw", "wrap_string", "wrap_list"}
)  # fmt: skip
_MAPPED_VECTORS: Final = frozenset({"mmap_integer", "mmap_real"})
_ACTING: Final = frozenset(
    {
        "system", "system2", "shell", "shell.exec", "pipe", "fifo", "socketConnection", "url", "download.file",
        "source", "sys.source", "unlink", "file.remove", "file.rename", "file.copy", "writeBin", "dyn.load",
        "library.dynam", "Sys.setenv", "Sys.chmod", "install.packages", "browseURL", "quit",
    }
)  # fmt: skip
"""Functions of base R that the kept call of a model is never made of. Of functions, all of which are for somebody to
review, it only says what they call."""
_BASE_PACKAGES: Final = frozenset({"base", "stats", "methods", "utils", "graphics", "grDevices", "datasets"})
_MOST_REFERENCES: Final = 1_000_000
_MOST_CALLED: Final = 12


def read_rds(source: Source, examination: Examination) -> None:
    """Walk the whole stream."""
    stream = open_stream(source)
    examination.fact("framework", f"R {stream.writer}")
    _Walk(stream, examination).all_objects()
    if stream.left:
        at = source.size - stream.left
        examination.report(HIDDEN_BYTES, f"{stream.left} bytes", offset=at, length=stream.left)
        examination.examine(source.part(at, stream.left), "bytes behind the last object")


@dataclass(slots=True)
class _Seen:
    """What was noticed inside of one object that is judged when it has been read."""

    offset: int
    in_frame: bool
    value: int = -1
    """Type of a promise's value."""
    words: list[str] = field(default_factory=list)
    """First symbols and texts within."""


@dataclass(frozen=True, slots=True)
class _Task:
    """Something that is still to be read. Tasks lie on a stack, so that no depth of objects costs recursion."""

    kind: str
    count: int = 0
    in_frame: bool = False
    """Whether the object is the content of an environment."""
    role: str = ""
    seen: _Seen | None = None


class _Walk:
    def __init__(self, stream: RStream, examination: Examination) -> None:
        self._stream = stream
        self._examination = examination
        self._references: list[str] = []
        self._tasks: list[_Task] = []
        self._open: list[_Seen] = []
        """Promises that are being read."""
        self._tag = ""
        self._functions = 0
        self._compiled = 0
        self._in_functions = 0
        self._acting: dict[str, None] = {}
        """Acting functions that functions call."""

    def all_objects(self) -> None:
        self._push(_Task("item", role="table" if self._stream.is_table else "root"))
        handlers: dict[str, Callable[[_Task], None]] = {
            "promise_end": self._promise_end,
            "function_end": self._function_end,
            "hook": self._hook,
            "bytecode": self._bytecode,
            "constants": self._constants,
            "constant": self._constant,
            "language": self._language,
        }
        done = 0
        while self._tasks:
            done += 1
            if done % 1024 == 0:
                self._examination.budget.spend_opcodes(1024)
            task = self._tasks.pop()
            if task.kind == "item":
                self._item(task)
            elif task.kind == "items":
                rest = [_Task("items", task.count - 1, task.in_frame, task.role)] if task.count > 1 else []
                self._push(_Task("item", in_frame=task.in_frame, role=task.role), *rest)
            else:
                handlers[task.kind](task)
        if self._functions:
            self._examination.runs_code()
            calls = f"; they call {', '.join(self._acting)}" if self._acting else ""
            what = f"{self._functions} functions, {self._compiled} of them compiled{calls}"
            self._examination.report(FUNCTION, what)

    def _push(self, *tasks: _Task) -> None:
        """The first of these is read first."""
        self._tasks.extend(reversed(tasks))

    # ---- objects

    def _item(self, task: _Task) -> None:
        offset = self._stream.at
        flags = self._stream.integer() & 0xFFFFFFFF
        kind = flags & 0xFF
        if task.seen is not None and task.role == "value":
            task.seen.value = kind
        if kind in _SINGLE_VALUES:
            return
        attributes = [_Task("item", role="root-attributes" if task.role == "root" else "")]
        attributes = attributes if flags & _HAS_ATTRIBUTES else []
        if kind == _REFERENCE:
            self._reference(flags >> 8, task)
        elif kind == _SYMBOL:
            self._symbol(task)
        elif kind in {_PAIRS, _CLOSURE, _PROMISE, _CALL, _DOTS}:
            self._pairs(kind, flags, offset, task)
        elif kind == _CHARACTERS:
            self._word(self._stream.text())
            self._push(*attributes)
        elif kind in _WIDTHS:
            self._stream.skip_vector(kind, _WIDTHS[kind], self._stream.length())
            self._push(*attributes)
        elif kind == _TEXTS:
            self._texts(task)
            self._push(*attributes)
        elif kind in {_LIST, _EXPRESSIONS}:
            self._push(*self._counted(self._stream.length(), task), *attributes)
        else:
            self._rare(kind, task, offset, attributes)

    def _counted(self, count: int, task: _Task) -> list[_Task]:
        """Elements of a list. The list of an environment's buckets has the role of a frame, and so have they."""
        self._stream.must_hold(count)
        role = "frame" if task.role == "frame" else ""
        return [_Task("items", count, task.in_frame, role)] if count else []

    def _rare(self, kind: int, task: _Task, offset: int, attributes: list[_Task]) -> None:
        if kind == _ENVIRONMENT:
            self._stream.integer()
            self._refer("")
            frame = _Task("item", in_frame=True, role="frame")
            self._push(_Task("item"), frame, frame, _Task("item"))
        elif kind in {_SPECIAL, _BUILTIN}:
            self._word(self._stream.text())
            self._push(*attributes)
        elif kind == _BYTECODE:
            if task.role == "body":
                self._compiled += 1
            else:
                self._examination.runs_code()
                self._examination.report(BYTECODE, "bytecode", offset=offset)
            self._stream.integer()
            self._push(_Task("bytecode"), *attributes)
        elif kind == _POINTER:
            self._refer("")
            self._push(_Task("item"), _Task("item"), *attributes)
        elif kind == _WEAK:
            self._refer("")
            self._push(*attributes)
        elif kind == _S4:
            self._push(*attributes)
        elif kind in {_NAMESPACE, _PACKAGE, _PERSISTENT}:
            self._names(kind)
        elif kind == _ALTREP:
            self._push(_Task("item", role="altrep"), _Task("item"), _Task("item"))
        else:
            raise Unreadable(Text(f"has an object of unknown type {kind}", f"对象类型 {kind} 未知"))

    def _refer(self, name: str) -> None:
        if len(self._references) >= _MOST_REFERENCES:
            raise Unreadable(Text("has too many references", "引用过多"))
        self._references.append(name)

    def _reference(self, packed: int, task: _Task) -> None:
        index = packed or self._stream.integer()
        if not 1 <= index <= len(self._references):
            raise Unreadable(Text("refers to an object that is not there", "引用的对象不存在"))
        self._named(self._references[index - 1], task)

    def _symbol(self, task: _Task) -> None:
        if self._stream.integer() & 0xFF != _CHARACTERS:
            raise Unreadable(Text("has a symbol without a name", "符号没有名称"))
        name = self._stream.text()
        self._refer(name)
        self._named(name, task)

    def _named(self, name: str, task: _Task) -> None:
        self._word(name)
        if task.role == "tag":
            self._tag = name
        elif task.role == "altrep":
            self._vector_class(name)
        elif task.role == "head" and name in _ACTING:
            self._called(name)

    def _called(self, name: str) -> None:
        """A call of a function that acts: kept as data, or part of a function."""
        if self._in_functions:
            self._acting[name] = None
        elif not self._open:
            self._examination.report(CALL, f"{name}(...)", offset=self._stream.at)

    def _word(self, word: str) -> None:
        for seen in self._open:
            if len(seen.words) < _MOST_CALLED and word:
                seen.words.append(word[:80])

    def _pairs(self, kind: int, flags: int, offset: int, task: _Task) -> None:
        """A cell of a pairlist, and everything that is stored like one: attributes, tag, first, rest."""
        tag = [_Task("item", role="tag")] if flags & _HAS_TAG else []
        attributes = [_Task("item")] if flags & _HAS_ATTRIBUTES else []
        if kind == _PROMISE:
            seen = _Seen(offset, task.in_frame)
            self._open.append(seen)
            value = _Task("item", role="value", seen=seen)
            self._push(*attributes, *tag, value, _Task("item", role="body"), _Task("promise_end", seen=seen))
            return
        if kind == _CLOSURE:
            self._functions += 1
            self._in_functions += 1
            body = _Task("item", in_frame=task.in_frame, role="body")
            self._push(*attributes, *tag, _Task("item", in_frame=task.in_frame), body, _Task("function_end"))
            return
        if flags >> 12 & _ACTIVE and kind == _PAIRS and task.role == "frame":
            self._examination.runs_code()
            self._examination.report(ACTIVE_BINDING, "active binding", offset=offset)
        if task.role == "altrep":
            self._push(*attributes, *tag, _Task("item", role="altrep"), _Task("item"))
            return
        in_chain = kind == _PAIRS and task.role in {"table", "frame", "root-attributes"}
        first_role = "head" if kind == _CALL else f"{task.role}-value" if in_chain else ""
        first = _Task("item", in_frame=task.in_frame, role=first_role)
        rest = _Task("item", in_frame=task.in_frame, role=task.role if in_chain else "")
        hook = [_Task("hook", count=offset)] if task.role == "table" else []
        self._push(*attributes, *tag, *hook, first, rest)

    def _promise_end(self, task: _Task) -> None:
        seen = task.seen
        if seen is None:
            return
        self._open.remove(seen)
        if seen.in_frame and seen.value != _UNBOUND:
            return
        rule = PROMISE_IN_FRAME if seen.in_frame else PROMISE
        self._examination.runs_code()
        self._examination.report(rule, "promise: " + " ".join(seen.words), offset=seen.offset)

    def _function_end(self, _task: _Task) -> None:
        self._in_functions -= 1

    def _hook(self, task: _Task) -> None:
        """A name of a saved table of objects."""
        if self._tag in _HOOKS:
            self._examination.runs_code()
            self._examination.report(HOOK, self._tag, offset=task.count)

    def _texts(self, task: _Task) -> None:
        count = self._stream.length()
        self._stream.must_hold(count)
        if task.role == "root-attributes-value" and self._tag == "class" and count <= 100:
            words = self._stream.texts(count)
            if words:
                self._examination.fact("architecture", words[0])
        elif self._open:
            for word in self._stream.texts(min(count, _MOST_CALLED)):
                self._word(word)
            self._stream.skip_texts(count - min(count, _MOST_CALLED), self._examination.budget)
        else:
            self._stream.skip_texts(count, self._examination.budget)

    def _names(self, kind: int) -> None:
        """A namespace or package that is looked up by name when the stream is read."""
        if self._stream.integer() != 0:
            raise Unreadable(Text("has names in a stream that R does not write", "流中的名称格式异常"))
        count = self._stream.length()
        if count > _MOST_CALLED:
            raise Unreadable(Text("has names in a stream that R does not write", "流中的名称格式异常"))
        words = self._stream.texts(count)
        self._refer("")
        if words and words[0] not in _BASE_PACKAGES and kind != _PERSISTENT:
            self._examination.fact("dependency", f"cran:{words[0]}")

    def _vector_class(self, name: str) -> None:
        """The first symbol of an alternative representation is its class, the second the package it is from."""
        if name in _MAPPED_VECTORS:
            self._examination.report(MAPPED_FILE, name)
        elif name not in _BASE_VECTORS and name != "base":
            self._examination.report(UNKNOWN_CLASS, name)

    # ---- bytecode: read to its end, not understood

    def _bytecode(self, _task: _Task) -> None:
        self._push(_Task("item"), _Task("constants"))

    def _constants(self, _task: _Task) -> None:
        count = self._stream.length()
        self._stream.must_hold(count)
        if count:
            self._push(_Task("constant", count))

    def _constant(self, task: _Task) -> None:
        kind = self._stream.integer()
        rest = [_Task("constant", task.count - 1)] if task.count > 1 else []
        if kind == _BYTECODE:
            self._push(_Task("bytecode"), *rest)
        elif kind in {_CALL, _PAIRS, _BC_DEFINITION, _BC_REFERENCE, _ATTRIBUTED_CALL, _ATTRIBUTED_PAIRS}:
            self._push(_Task("language", kind), *rest)
        else:
            self._push(_Task("item"), *rest)

    def _language(self, task: _Task) -> None:
        """A call among the constants. A kind of 0 means that the kind comes first."""
        kind = task.count or self._stream.integer()
        if kind == _BC_REFERENCE:
            self._stream.integer()
            return
        if kind == _BC_DEFINITION:
            self._stream.integer()
            kind = self._stream.integer()
        if kind not in {_CALL, _PAIRS, _ATTRIBUTED_CALL, _ATTRIBUTED_PAIRS}:
            self._push(_Task("item"))
            return
        attributes = [_Task("item")] if kind in {_ATTRIBUTED_CALL, _ATTRIBUTED_PAIRS} else []
        self._push(*attributes, _Task("item"), _Task("language"), _Task("language"))
