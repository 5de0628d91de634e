"""A machine that follows the opcodes of one pickle stream without doing what they say.

CPython's `Lib/pickletools.py` is the specification. The machine follows every opcode of protocols 0 to 5 on symbols
instead of objects: an import becomes a name, a call becomes a record of what would have been called with what.
Judgement falls when the opcode is met, so that a call counts even if its result is thrown away or the stream breaks
afterwards.
"""

from __future__ import annotations

import codecs
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal as Exactly

from touchstone.system.artifacts.constructs import Construct, Kind, Severity, shown
from touchstone.system.artifacts.pickle_values import (
    MOST_KEPT,
    Call,
    Container,
    Global,
    Literal,
    Opaque,
    Value,
    arguments_of,
    as_dictionary,
    element_size,
    render,
)
from touchstone.system.artifacts.symbols import standing
from touchstone.text import Text

MOST_OPCODES = 5_000_000
MOST_CONSTRUCTS = 500
LONGEST_LITERAL = 4096
"""Bytes of a string that are looked at; longer ones are stepped over and shown by their beginning."""
LARGEST_MEMO_INDEX = 2**26
LARGEST_ALLOCATION = 2**28


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
        given = tuple(arguments) if isinstance(arguments, list) else arguments_of(arguments)
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
        self._push(self._call(function, [*arguments_of(arguments), keywords]))

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
        fields = as_dictionary(state)
        dtype, shape = fields.get("dtype"), fields.get("shape")
        element = element_size(dtype)
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
