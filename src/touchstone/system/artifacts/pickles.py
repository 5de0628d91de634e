"""What a pickle would do, found by following its opcodes without doing any of it.

A pickle is a program for a small stack machine (CPython `Lib/pickletools.py` is its specification). The machine
below follows every opcode of protocols 0 to 5 on symbols instead of objects: an import becomes a name, a call
becomes a record of what would have been called with what. Judgement falls when the opcode is met, so that a call
counts even if its result is thrown away or the stream breaks afterwards.
"""

from __future__ import annotations

import codecs
import re
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal as Exactly

from touchstone.system.artifacts.constructs import Construct, Kind, Severity, shown
from touchstone.system.artifacts.symbols import standing
from touchstone.text import Text

MOST_OPCODES = 5_000_000
MOST_CONSTRUCTS = 500
MOST_STREAMS = 1000
LONGEST_LITERAL = 4096
"""Bytes of a string that are looked at; longer ones are stepped over and shown by their beginning."""
MOST_KEPT = 64
"""Elements of a container that are kept for showing; the others are judged, then forgotten."""
LARGEST_MEMO_INDEX = 2**26
LARGEST_ALLOCATION = 2**28

_TORCH_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
_TORCH_LEGACY_STREAMS = 5
"""Magic number, protocol, machine, object and storage keys; raw storages follow (torch/serialization.py)."""


@dataclass(frozen=True, slots=True)
class Literal:
    """A value written in the stream. Long ones keep only their beginning (`whole` is then false)."""

    value: bool | int | float | str | bytes | None
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Global:
    """An imported name."""

    module: str
    name: str


@dataclass(slots=True)
class Container:
    """A list, tuple, dictionary (keys and values in turn) or set."""

    kind: Exactly["list", "tuple", "dict", "set", "frozenset"]
    items: list[Value] = field(default_factory=list)
    size: int = 0
    special_keys: list[str] = field(default_factory=list)
    """Dictionary keys such as `__class__`, which change what an object is when it takes them as its state."""

    def extend(self, values: list[Value]) -> None:
        self.items.extend(values[: max(0, MOST_KEPT - len(self.items))])
        self.size += len(values)
        if self.kind == "dict":
            for key in values[::2]:
                if isinstance(key, Literal) and isinstance(key.value, str) and key.value.startswith("__"):
                    self.special_keys.append(key.value)


@dataclass(frozen=True, slots=True)
class Call:
    """The result of calling something."""

    function: Value
    arguments: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Opaque:
    """A value that comes from outside the stream."""

    what: str


Value = Literal | Global | Container | Call | Opaque


@dataclass(frozen=True, slots=True)
class Reading:
    """What one pickle stream does, as far as it could be followed."""

    constructs: tuple[Construct, ...]
    calls: int
    """Calls of any kind, known ones included."""
    end: int
    """First byte after the stream."""
    stopped: bool
    """Whether the stream ended properly; otherwise `problems` says why not."""
    truncated: bool
    raw_arrays: bool
    """Whether raw arrays were stepped over that only joblib knows to step over."""
    result: Value | None
    problems: tuple[Text, ...]


def screen_pickle(data: memoryview, where: str, *, persistent: bool = False) -> tuple[list[Construct], list[Text]]:
    """Constructs in a file of one or more pickles, and what in it was not understood.

    `persistent` allows references to storages beside the pickle, as PyTorch's archives have them.
    """
    constructs: list[Construct] = []
    problems: list[Text] = []
    position = streams = 0
    legacy = False
    while position < len(data):
        reading = interpret(data, where, position, persistent=persistent or (legacy and streams == 3))
        if streams and not reading.stopped and not reading.constructs:
            problems.append(
                Text(
                    f"{len(data) - position} bytes follow the pickle and are none",
                    f"pickle 之后还有 {len(data) - position} 字节，且不是 pickle",
                )
            )
            break
        constructs.extend(reading.constructs)
        if reading.raw_arrays:
            # Any other loader takes the arrays' bytes for opcodes.
            plain = interpret(data, where, position, persistent=persistent, joblib=False)
            constructs.extend(construct for construct in plain.constructs if construct not in reading.constructs)
        problems.extend(reading.problems)
        position = reading.end
        streams += 1
        if streams == 1:
            legacy = isinstance(reading.result, Literal) and reading.result.value == _TORCH_LEGACY_MAGIC
        if not reading.stopped or (legacy and streams == _TORCH_LEGACY_STREAMS):
            break
        if streams == MOST_STREAMS or len(constructs) >= MOST_CONSTRUCTS:
            problems.append(Text("holds more streams or constructs than are followed", "流或构造的数量超过追踪上限"))
            break
    return constructs, problems


def interpret(
    data: memoryview,
    where: str,
    start: int = 0,
    *,
    persistent: bool = False,
    joblib: bool = True,
    most_opcodes: int = MOST_OPCODES,
) -> Reading:
    """Follow one stream from `start`, as joblib's unpickler or the plain one would. Never raises."""
    return _Machine(data, where, start, persistent=persistent, joblib=joblib, most_opcodes=most_opcodes).run()


def reads_as_pickle(head: bytes, *, whole: bool) -> bool:
    """Whether bytes begin a pickle: by the protocol mark, or because they call something or end as a pickle does.

    `whole` says that `head` is the entire file.
    """
    if len(head) > 1 and head[0] == 0x80 and head[1] <= 5:
        return True
    reading = interpret(memoryview(head), "", most_opcodes=len(head) + 1)
    if reading.calls:
        return True
    if reading.stopped:
        return whole and reading.end == len(head)
    return reading.truncated and not whole


class _Malformed(Exception):  # noqa: N818 - ends a reading, is not an error of ours
    def __init__(self, problem: Text, *, truncated: bool = False) -> None:
        super().__init__(problem.en)
        self.problem = problem
        self.truncated = truncated


class _Stopped(Exception):  # noqa: N818 - the STOP opcode
    pass


class _Machine:
    """The pickle machine on symbols. One instance follows one stream."""

    def __init__(
        self, data: memoryview, where: str, start: int, *, persistent: bool, joblib: bool, most_opcodes: int
    ) -> None:
        self.data = data
        self.where = where
        self.position = start
        self.opcode_at = start
        self.persistent = persistent
        self.joblib = joblib
        self.most_opcodes = most_opcodes
        self.frame_end: int | None = None
        self.stack: list[Value] = []
        self.below_marks: list[list[Value]] = []
        self.memo: dict[int, Value] = {}
        self.calls = 0
        self.raw_arrays = False
        self.constructs: list[Construct] = []
        self.unreviewed: dict[Global, int] = {}
        self.called: set[Global] = set()
        self.problems: dict[str, Text] = {}

    def run(self) -> Reading:
        stopped = truncated = False
        result: Value | None = None
        try:
            for _ in range(self.most_opcodes):
                self._step()
            self._problem(Text(f"has more than {self.most_opcodes} opcodes", f"操作码超过 {self.most_opcodes} 个"))
        except _Stopped:
            stopped = True
            result = self.stack[-1]
        except _Malformed as broken:
            truncated = broken.truncated
            at = Text(f"breaks at byte {self.opcode_at}: {{why}}", f"在第 {self.opcode_at} 字节处中断：{{why}}")
            self._problem(Text(at.en.format(why=broken.problem.en), at.zh.format(why=broken.problem.zh)))
        self._report_references()
        return Reading(
            constructs=tuple(self.constructs[:MOST_CONSTRUCTS]),
            calls=self.calls,
            end=self.position,
            stopped=stopped,
            truncated=truncated,
            raw_arrays=self.raw_arrays,
            result=result,
            problems=tuple(self.problems.values()),
        )

    def _step(self) -> None:
        self.opcode_at = self.position
        if self.frame_end is not None and self.position >= self.frame_end:
            self.frame_end = None
        code = self._take(1)[0]
        act = _OPCODES.get(code)
        if act is None:
            raise _Malformed(Text(f"0x{code:02x} is no opcode", f"0x{code:02x} 不是操作码"))
        act(self)

    # ---- reading arguments

    def _take(self, count: int) -> memoryview:
        end = self.position + count
        if end > len(self.data):
            raise _Malformed(Text("the file ends inside an opcode", "文件在操作码中间结束"), truncated=True)
        if self.frame_end is not None and end > self.frame_end:
            self._straddles()
        taken = self.data[self.position : end]
        self.position = end
        return taken

    def _line(self) -> bytes:
        """Bytes up to the next newline, without it; long lines keep one byte more than is looked at."""
        start = self.position
        while True:
            chunk = bytes(self.data[self.position : self.position + 65536])
            if not chunk:
                raise _Malformed(Text("the file ends inside a line", "文件在一行中间结束"), truncated=True)
            found = chunk.find(b"\n")
            self.position += len(chunk) if found < 0 else found + 1
            if found >= 0:
                break
        if self.frame_end is not None and self.position > self.frame_end:
            self._straddles()
        return bytes(self.data[start : min(self.position - 1, start + LONGEST_LITERAL + 1)])

    def _unsigned(self, width: int) -> int:
        return int.from_bytes(self._take(width), "little")

    def _straddles(self) -> None:
        """The C and the Python unpickler disagree about an argument that crosses the end of a frame."""
        self.frame_end = None
        self._construct(
            "parser-differential",
            "critical",
            "FRAME",
            Text(
                "an opcode crosses the end of its frame: unpicklers read different programs from these bytes",
                "操作码跨越帧边界：不同的反序列化器会从这些字节读出不同的程序",
            ),
        )

    # ---- the stack

    def _push(self, value: Value) -> None:
        self.stack.append(value)

    def _pop(self) -> Value:
        if not self.stack:
            raise _Malformed(Text("the stack is empty", "栈为空"))
        return self.stack.pop()

    def _top(self) -> Value:
        if not self.stack:
            raise _Malformed(Text("the stack is empty", "栈为空"))
        return self.stack[-1]

    def _pop_to_mark(self) -> list[Value]:
        if not self.below_marks:
            raise _Malformed(Text("there is no mark on the stack", "栈中没有标记"))
        values = self.stack
        self.stack = self.below_marks.pop()
        return values

    def _remember(self, index: int) -> None:
        if index > LARGEST_MEMO_INDEX:
            self._construct(
                "resource-bomb",
                "high",
                f"memo[{index}]",
                Text("makes the unpickler allocate a huge memo", "使反序列化器分配巨大的备忘表"),
            )
        self.memo[index] = self._top()

    def _recall(self, index: int) -> None:
        if index not in self.memo:
            raise _Malformed(Text(f"memo {index} was never written", f"备忘 {index} 从未写入"))
        self._push(self.memo[index])

    # ---- judgement

    def _problem(self, problem: Text) -> None:
        self.problems.setdefault(problem.en, problem)

    def _construct(self, kind: Kind, severity: Severity, what_runs: str, what: Text) -> None:
        if len(self.constructs) < MOST_CONSTRUCTS:
            self.constructs.append(Construct(kind, severity, self.where, self.opcode_at, what_runs, what))
        else:
            self._problem(Text("holds more constructs than are listed", "构造数量超过列出上限"))

    def _import(self, module: str, name: str) -> None:
        imported = Global(module, name)
        if standing(module, name) != "known":
            self.unreviewed.setdefault(imported, self.opcode_at)
        self._push(imported)

    def _import_lines(self) -> tuple[str, str]:
        try:
            return self._line().decode("utf-8"), self._line().decode("utf-8")
        except UnicodeDecodeError:
            raise _Malformed(Text("a name is not UTF-8", "名称不是 UTF-8")) from None

    def _call(self, function: Value, arguments: Value | list[Value]) -> Value:
        """Judge the call of `function` and answer its symbolic result."""
        self.calls += 1
        given = tuple(arguments) if isinstance(arguments, list) else _arguments(arguments)
        call = Call(function, given)
        if not isinstance(function, Global):
            self._construct(
                "code-execution",
                "critical",
                render(call),
                Text("calls something that is computed while loading", "加载时调用由计算得到的对象"),
            )
            return call
        trust = standing(function.module, function.name)
        if trust == "known":
            self._judge_arguments(function, given, call)
            return call
        self.called.add(function)
        if trust == "dangerous":
            self._construct(
                "code-execution",
                "critical",
                render(call),
                Text("runs this when the file is loaded", "加载文件时会执行该调用"),
            )
        else:
            self._construct(
                "unknown-global",
                "high",
                render(call),
                Text(
                    "calls a function or class that nobody reviewed when the file is loaded",
                    "加载文件时会调用未经审查的函数或类",
                ),
            )
        return call

    def _judge_arguments(self, function: Global, given: tuple[Value, ...], call: Call) -> None:
        """The few known names that are harmless only with harmless arguments."""
        first = given[0].value if given and isinstance(given[0], Literal) else None
        if (
            function.name in {"bytes", "bytearray"}
            and isinstance(first, int)
            and not isinstance(first, bool)
            and first > LARGEST_ALLOCATION
        ):
            self._construct("resource-bomb", "high", render(call), Text("allocates a huge buffer", "分配巨大的缓冲区"))
        if function == Global("_codecs", "encode") and given[1:] not in (
            (Literal("latin1"),),
            (Literal("latin-1"),),
        ):
            self._construct(
                "unknown-global",
                "high",
                render(call),
                Text("calls a codec other than the one pickles use for bytes", "调用了 pickle 字节编码以外的编解码器"),
            )

    def _report_references(self) -> None:
        for reference, offset in self.unreviewed.items():
            if reference in self.called:
                continue
            self.opcode_at = offset
            dangerous = standing(reference.module, reference.name) == "dangerous"
            self._construct(
                "code-execution" if dangerous else "unknown-global",
                "high",
                render(reference),
                Text(
                    "imports a name that nobody reviewed; importing a module runs it",
                    "导入未经审查的名称；导入模块即会运行它",
                ),
            )

    def _judge_change(self, target: Value, change: str) -> None:
        """Changing an imported object changes the program that loads the file."""
        if isinstance(target, Global):
            self._construct(
                "code-execution",
                "critical",
                change,
                Text("changes an imported object of the loading program", "修改加载程序中被导入的对象"),
            )

    # ---- opcodes: constants

    def _literal(self, value: bool | int | float | None) -> None:
        self._push(Literal(value))

    def int_line(self) -> None:
        line = self._line()
        if line in (b"00", b"01"):
            return self._literal(line == b"01")
        return self._push(_decimal(line))

    def long_line(self) -> None:
        self._push(_decimal(self._line().removesuffix(b"L")))

    def long(self, width: int) -> None:
        length = self._unsigned(width)
        raw = self._take(length)
        if length > LONGEST_LITERAL:
            self._push(Literal(0, whole=False))
        else:
            self._literal(int.from_bytes(raw, "little", signed=True))

    def float_line(self) -> None:
        try:
            self._literal(float(self._line()))
        except ValueError:
            raise _Malformed(Text("a float is not one", "浮点数格式错误")) from None

    def string_line(self) -> None:
        line = self._line()
        quoted = line.strip()
        if len(line) > LONGEST_LITERAL:
            self._push(Literal(quoted[1:].decode("latin-1"), whole=False))
        elif len(quoted) >= 2 and quoted[:1] == quoted[-1:] and quoted[:1] in (b"'", b'"'):
            try:
                self._push(Literal(codecs.escape_decode(quoted[1:-1])[0].decode("latin-1")))
            except ValueError:
                raise _Malformed(Text("a string escape is wrong", "字符串转义错误")) from None
        else:
            raise _Malformed(Text("a string is not quoted", "字符串缺少引号"))

    def unicode_line(self) -> None:
        line = self._line()
        whole = len(line) <= LONGEST_LITERAL
        self._push(Literal(line.decode("raw_unicode_escape", errors="replace"), whole=whole))

    def text(self, width: int, encoding: str) -> None:
        length = self._unsigned(width)
        raw = bytes(self._take(length)[: LONGEST_LITERAL + 1])
        self._push(Literal(raw.decode(encoding, errors="replace"), whole=length <= LONGEST_LITERAL))

    def blob(self, width: int) -> None:
        length = self._unsigned(width)
        self._push(Literal(bytes(self._take(length)[:LONGEST_LITERAL]), whole=length <= LONGEST_LITERAL))

    # ---- opcodes: containers

    def collect(self, kind: Exactly["list", "tuple", "dict", "set", "frozenset"]) -> None:
        self._contain(kind, self._pop_to_mark())

    def _contain(self, kind: Exactly["list", "tuple", "dict", "set", "frozenset"], values: list[Value]) -> None:
        container = Container(kind)
        container.extend(values)
        self._push(container)

    def tuple_of(self, count: int) -> None:
        values = [self._pop() for _ in range(count)]
        self._contain("tuple", values[::-1])

    def add(self, values: list[Value]) -> None:
        target = self._top()
        if isinstance(target, Container):
            target.extend(values)
        else:
            self._judge_change(target, f"{render(target)} += {render(Container('list', values[:4]))}")

    def set_item(self) -> None:
        value, key = self._pop(), self._pop()
        self.add([key, value])

    # ---- opcodes: stack and memo

    def pop(self) -> None:
        if self.stack:
            self.stack.pop()
        else:
            self._pop_to_mark()

    def mark(self) -> None:
        self.below_marks.append(self.stack)
        self.stack = []

    def memo_line(self, act: Callable[[int], None]) -> None:
        index = _decimal(self._line()).value
        if not isinstance(index, int) or index < 0:
            raise _Malformed(Text("a memo index is wrong", "备忘索引错误"))
        act(index)

    # ---- opcodes: imports and calls

    def import_from_stack(self) -> None:
        name, module = self._pop(), self._pop()
        if (
            isinstance(name, Literal)
            and isinstance(module, Literal)
            and isinstance(name.value, str)
            and isinstance(module.value, str)
            and name.whole
            and module.whole
        ):
            self._import(module.value, name.value)
            return
        self._construct(
            "code-execution",
            "critical",
            f"import {render(module)}.{render(name)}",
            Text("imports a name that is computed while loading", "导入在加载时计算得到的名称"),
        )
        self._push(Opaque("computed name"))

    def extension(self, width: int) -> None:
        code = self._unsigned(width)
        self._construct(
            "unknown-global",
            "high",
            f"copyreg extension {code}",
            Text("imports a name that only the loading program's registry knows", "导入仅由加载程序注册表确定的名称"),
        )
        self._push(Opaque(f"extension {code}"))

    def reduce(self) -> None:
        arguments, function = self._pop(), self._pop()
        self._push(self._call(function, arguments))

    def instance(self) -> None:
        module, name = self._import_lines()
        arguments = self._pop_to_mark()
        self._import(module, name)
        self._push(self._call(self._pop(), arguments))

    def object_on_stack(self) -> None:
        values = self._pop_to_mark()
        if not values:
            raise _Malformed(Text("there is no class to call", "没有可调用的类"))
        self._push(self._call(values[0], values[1:]))

    def new_object(self) -> None:
        arguments, function = self._pop(), self._pop()
        self._push(self._call(function, arguments))

    def new_object_with_keywords(self) -> None:
        keywords, arguments, function = self._pop(), self._pop(), self._pop()
        self._push(self._call(function, [*_arguments(arguments), keywords]))

    def build(self) -> None:
        state = self._pop()
        target = self._top()
        self._judge_change(target, f"{render(target)}.__setstate__({render(state)})")
        for part in (state, *(state.items if isinstance(state, Container) and state.kind == "tuple" else ())):
            if isinstance(part, Container) and part.kind == "dict" and part.special_keys:
                self._construct(
                    "code-execution",
                    "critical",
                    f"{render(target)}.{shown(part.special_keys[0], 60)} = ...",
                    Text("replaces a special attribute of an object", "替换对象的特殊属性"),
                )
        wrapper = Global("joblib.numpy_pickle", "NumpyArrayWrapper")
        if self.joblib and isinstance(target, Call) and target.function == wrapper:
            self._skip_joblib_array(state)

    def _skip_joblib_array(self, state: Value) -> None:
        """Step over the raw array that joblib writes into the stream (joblib/numpy_pickle.py, NumpyArrayWrapper)."""
        self.raw_arrays = True
        if self.position == self.frame_end:
            self.frame_end = None
        fields = _as_dictionary(state)
        dtype, shape = fields.get("dtype"), fields.get("shape")
        element = _element_size(dtype)
        if element is None or not isinstance(shape, Container) or shape.size > MOST_KEPT:
            raise _Malformed(Text("a joblib array cannot be measured", "无法确定 joblib 数组的大小"))
        if element == 0:
            inner = interpret(self.data, self.where, self.position, joblib=False, most_opcodes=self.most_opcodes)
            self.calls += inner.calls
            self.constructs.extend(inner.constructs)
            for problem in inner.problems:
                self._problem(problem)
            self.position = inner.end
            return
        length = element
        for axis in shape.items:
            if not isinstance(axis, Literal) or not isinstance(axis.value, int) or axis.value < 0:
                raise _Malformed(Text("a joblib array cannot be measured", "无法确定 joblib 数组的大小"))
            length *= axis.value
        if "numpy_array_alignment_bytes" in fields:
            self._take(self._unsigned(1))
        self._take(length)

    def persistent_line(self) -> None:
        self._persistent(Literal(self._line().decode("latin-1")))

    def persistent_on_stack(self) -> None:
        self._persistent(self._pop())

    def _persistent(self, identifier: Value) -> None:
        if not self.persistent:
            self._problem(Text("refers to objects that are not in the file", "引用了文件之外的对象（persistent id）"))
        self._push(Opaque(f"persistent {render(identifier)}"))

    def next_buffer(self) -> None:
        self._problem(Text("refers to buffers that are not in the file", "引用了文件之外的缓冲区"))
        self._push(Opaque("buffer"))

    # ---- opcodes: the stream

    def protocol(self) -> None:
        number = self._unsigned(1)
        if number > 5:
            raise _Malformed(Text(f"protocol {number} does not exist", f"协议 {number} 不存在"))

    def frame(self) -> None:
        if self.frame_end is not None:
            self._straddles()
        length = self._unsigned(8)
        if length > len(self.data) - self.position:
            raise _Malformed(Text("a frame is longer than the file", "帧长度超过文件"), truncated=True)
        self.frame_end = self.position + length

    def stop(self) -> None:
        self._top()
        raise _Stopped


_OPCODES: dict[int, Callable[[_Machine], None]] = {
    ord("I"): _Machine.int_line,
    ord("J"): lambda m: m._push(Literal(int.from_bytes(m._take(4), "little", signed=True))),
    ord("K"): lambda m: m._push(Literal(m._unsigned(1))),
    ord("M"): lambda m: m._push(Literal(m._unsigned(2))),
    ord("L"): _Machine.long_line,
    0x8A: lambda m: m.long(1),
    0x8B: lambda m: m.long(4),
    ord("S"): _Machine.string_line,
    ord("T"): lambda m: m.text(4, "latin-1"),
    ord("U"): lambda m: m.text(1, "latin-1"),
    ord("V"): _Machine.unicode_line,
    ord("X"): lambda m: m.text(4, "utf-8"),
    0x8C: lambda m: m.text(1, "utf-8"),
    0x8D: lambda m: m.text(8, "utf-8"),
    ord("B"): lambda m: m.blob(4),
    ord("C"): lambda m: m.blob(1),
    0x8E: lambda m: m.blob(8),
    0x96: lambda m: m.blob(8),
    0x97: _Machine.next_buffer,
    0x98: lambda m: m._push(m._pop()),
    ord("N"): lambda m: m._literal(None),
    0x88: lambda m: m._literal(True),
    0x89: lambda m: m._literal(False),
    ord("F"): _Machine.float_line,
    ord("G"): lambda m: m._literal(struct.unpack(">d", m._take(8))[0]),
    ord("]"): lambda m: m._contain("list", []),
    ord("a"): lambda m: m.add([m._pop()]),
    ord("e"): lambda m: m.add(m._pop_to_mark()),
    ord("l"): lambda m: m.collect("list"),
    ord(")"): lambda m: m._contain("tuple", []),
    ord("t"): lambda m: m.collect("tuple"),
    0x85: lambda m: m.tuple_of(1),
    0x86: lambda m: m.tuple_of(2),
    0x87: lambda m: m.tuple_of(3),
    ord("}"): lambda m: m._contain("dict", []),
    ord("d"): lambda m: m.collect("dict"),
    ord("s"): _Machine.set_item,
    ord("u"): lambda m: m.add(m._pop_to_mark()),
    0x8F: lambda m: m._contain("set", []),
    0x90: lambda m: m.add(m._pop_to_mark()),
    0x91: lambda m: m.collect("frozenset"),
    ord("0"): _Machine.pop,
    ord("2"): lambda m: m._push(m._top()),
    ord("("): _Machine.mark,
    ord("1"): lambda m: m._pop_to_mark().clear(),
    ord("p"): lambda m: m.memo_line(m._remember),
    ord("q"): lambda m: m._remember(m._unsigned(1)),
    ord("r"): lambda m: m._remember(m._unsigned(4)),
    0x94: lambda m: m._remember(len(m.memo)),
    ord("g"): lambda m: m.memo_line(m._recall),
    ord("h"): lambda m: m._recall(m._unsigned(1)),
    ord("j"): lambda m: m._recall(m._unsigned(4)),
    ord("c"): lambda m: m._import(*m._import_lines()),
    0x93: _Machine.import_from_stack,
    0x82: lambda m: m.extension(1),
    0x83: lambda m: m.extension(2),
    0x84: lambda m: m.extension(4),
    ord("R"): _Machine.reduce,
    ord("b"): _Machine.build,
    ord("i"): _Machine.instance,
    ord("o"): _Machine.object_on_stack,
    0x81: _Machine.new_object,
    0x92: _Machine.new_object_with_keywords,
    0x80: _Machine.protocol,
    ord("."): _Machine.stop,
    0x95: _Machine.frame,
    ord("P"): _Machine.persistent_line,
    ord("Q"): _Machine.persistent_on_stack,
}


def _decimal(line: bytes) -> Literal:
    if len(line) > 4000:
        return Literal(0, whole=False)
    try:
        return Literal(int(line, 0) if line.strip() else 0)
    except ValueError:
        raise _Malformed(Text("an integer is not one", "整数格式错误")) from None


def _arguments(value: Value) -> tuple[Value, ...]:
    return tuple(value.items) if isinstance(value, Container) and value.kind == "tuple" else (value,)


def _as_dictionary(value: Value) -> dict[str, Value]:
    if not isinstance(value, Container) or value.kind != "dict":
        return {}
    return {
        key.value: item
        for key, item in zip(value.items[::2], value.items[1::2], strict=False)
        if isinstance(key, Literal) and isinstance(key.value, str)
    }


_PLAIN_DTYPE = re.compile(r"([biufcSUVmM])(\d{1,9})")


def _element_size(dtype: Value | None) -> int | None:
    """Bytes of one element of a plain numpy dtype; 0 for objects, which are pickled; `None` when not plain."""
    if not isinstance(dtype, Call) or dtype.function != Global("numpy", "dtype") or not dtype.arguments:
        return None
    code = dtype.arguments[0]
    if not isinstance(code, Literal) or not isinstance(code.value, str):
        return None
    if code.value.startswith("O"):
        return 0
    plain = _PLAIN_DTYPE.fullmatch(code.value)
    if plain is None or int(plain[2]) == 0:
        return None
    return int(plain[2]) * (4 if plain[1] == "U" else 1)


def render(value: Value, longest: int = 200) -> str:
    """A value as one would write it in Python, bounded in length and depth, in printable ASCII."""
    pieces: list[str] = []
    _render(value, pieces, [longest], 6)
    return shown("".join(pieces), longest)


_BRACKETS = {
    "list": ("[", "]"),
    "tuple": ("(", ")"),
    "dict": ("{", "}"),
    "set": ("{", "}"),
    "frozenset": ("frozenset({", "})"),
}


def _render(value: Value, pieces: list[str], left: list[int], depth: int) -> None:
    def write(piece: str) -> None:
        pieces.append(piece)
        left[0] -= len(piece)

    if left[0] <= 0 or depth == 0:
        write("...")
    elif isinstance(value, Literal):
        write(_render_literal(value))
    elif isinstance(value, Global):
        write(f"{shown(value.module, 80)}.{shown(value.name, 80)}")
    elif isinstance(value, Opaque):
        write(f"<{value.what}>")
    elif isinstance(value, Call):
        _render(value.function, pieces, left, depth - 1)
        write("(")
        _render_items(value.arguments, pieces, left, depth)
        write(")")
    else:
        opening, closing = _BRACKETS[value.kind]
        write(opening)
        _render_items(value.items, pieces, left, depth, mapping=value.kind == "dict")
        write("," + closing if value.kind == "tuple" and value.size == 1 else closing)


def _render_items(
    items: Sequence[Value], pieces: list[str], left: list[int], depth: int, *, mapping: bool = False
) -> None:
    for index, item in enumerate(items):
        if index:
            pieces.append(": " if mapping and index % 2 else ", ")
            left[0] -= 2
        if left[0] <= 0:
            pieces.append("...")
            return
        _render(item, pieces, left, depth - 1)


def _render_literal(literal: Literal) -> str:
    value = literal.value
    if isinstance(value, str | bytes):
        cut = value[:120]
        return ascii(cut) + ("" if literal.whole and len(cut) == len(value) else "...")
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10**40:
        return hex(value)[:40] + "..."
    return repr(value) if literal.whole else "<long integer>"
