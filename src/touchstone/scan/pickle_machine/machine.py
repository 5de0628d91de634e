"""A machine that follows the opcodes of one pickle stream without doing what they say.

CPython's `Lib/pickletools.py` and `Lib/pickle.py` are the specification. The machine follows every opcode of protocols
0 to 5 on symbols instead of objects: an import becomes a name, a call becomes a record of what would have been called
with what. `judgement` judges each at the opcode.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from touchstone.scan.budget import Budget, LimitReached
from touchstone.scan.pickle_machine import rules
from touchstone.scan.pickle_machine.arrays import (
    array_bytes,
    hides_objects,
    is_array_wrapper,
    is_dtype,
    is_file_wrapper,
    mark_objects,
)
from touchstone.scan.pickle_machine.judgement import Judge, Lookup
from touchstone.scan.pickle_machine.literals import LiteralMachine
from touchstone.scan.pickle_machine.memo import RunMemo
from touchstone.scan.pickle_machine.notes import Evidence, Notes
from touchstone.scan.pickle_machine.rendering import render
from touchstone.scan.pickle_machine.runs import Run
from touchstone.scan.pickle_machine.stack import Inexact
from touchstone.scan.pickle_machine.stream import Malformed
from touchstone.scan.pickle_machine.torch_tensors import MOST_TENSORS, TorchTensor, tensor_of
from touchstone.scan.pickle_machine.values import (
    FORGOTTEN_TEXT,
    Call,
    Container,
    Global,
    Outside,
    Slot,
    Value,
    as_dictionary,
)
from touchstone.scan.source import Source
from touchstone.scan.symbols import Right, standing
from touchstone.text import Text


@dataclass(frozen=True, slots=True)
class Loader:
    """Which unpickler is imagined: they differ in what they do with the same bytes."""

    joblib: bool = True
    """Steps over the raw arrays that joblib writes into its streams."""
    persistent: bool = False
    """Resolves persistent ids, as PyTorch does."""
    fast: bool = True
    """Whether runs of harmless opcodes may be stepped over together. It never changes the answer."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How far a stream could be followed."""

    end: int
    """First byte after the stream."""
    stopped: bool
    """Whether the stream ended properly; otherwise the notes say why not."""
    truncated: bool
    limited: bool
    """Whether a limit of ours ended the reading."""
    raw_arrays: bool
    """Whether raw arrays were stepped over that only joblib knows to step over."""
    object_arrays: bool
    """Whether arrays of objects were, which are pickles of their own within the stream."""
    result: Value
    storages: dict[str, tuple[Global, int]] = field(default_factory=dict)
    """Of PyTorch, by key: type and number of elements."""
    tensors: list[TorchTensor] = field(default_factory=list)
    """Of PyTorch: those that are entries of dictionaries."""


class _Stopped(Exception):  # noqa: N818 - the STOP opcode
    pass


class Machine(LiteralMachine):
    """Follows one stream, from `start`."""

    def __init__(
        self,
        source: Source,
        start: int,
        notes: Notes,
        budget: Budget,
        loader: Loader = Loader(),
        lookup: Lookup = standing,
    ) -> None:
        super().__init__(source, start, notes, budget, fast=loader.fast)
        self._loader = loader
        self._lookup = lookup
        self._judge = Judge(notes, lookup)
        self._handlers = _UP_TO_PROTOCOL_3
        self._protocol = 0
        self._raw_arrays = self._object_arrays = False
        self._storages: dict[str, tuple[Global, int]] = {}
        self._tensors: list[TorchTensor] = []

    def run(self, most_opcodes: int | None = None) -> Reading:
        """Follow the stream to its end, or so many opcodes. Never raises. `notes` must be fresh."""
        try:
            return self._run(most_opcodes)
        except Inexact:
            self.notes.clear()
            slow = replace(self._loader, fast=False)
            return Machine(self.source, self._start, self.notes, self._budget, slow, self._lookup).run(most_opcodes)

    def _run(self, most_opcodes: int | None) -> Reading:
        stopped = truncated = limited = False
        result: Value = None
        try:
            self._follow(most_opcodes)
            limited = True
        except _Stopped:
            stopped = True
            result = self._top()
            self._stops_in_frame()
            self._look_at_what_is_left()
        except Malformed as broken:
            truncated = broken.truncated
            at = self.opcode_at
            self.notes.problem(
                Text(f"breaks at byte {at}: {broken.problem.en}", f"在第 {at} 字节处中断：{broken.problem.zh}")
            )
        except LimitReached as limit:
            limited = True
            self.notes.problem(limit.why, "limit")
        self._judge.finish()
        return Reading(
            end=self.position,
            stopped=stopped,
            truncated=truncated,
            limited=limited,
            raw_arrays=self._raw_arrays,
            object_arrays=self._object_arrays,
            result=result,
            storages=self._storages,
            tensors=self._tensors,
        )

    def _follow_again(self, run: Run) -> list[Value]:
        loader = replace(self._loader, fast=False)
        up_to_end = self.source.part(0, run.end)
        again = Machine(up_to_end, run.start, Notes(), self._budget, loader, self._lookup)
        again._handlers = _ALL
        again._memo = RunMemo(self._memo, run)
        while again.position < run.end:
            again._steps(1)
        return again._settled(again._stack)

    # ---- containers

    def _add_pairs(self, slots: list[Slot]) -> None:
        super()._add_pairs(slots)
        if self._loader.persistent and len(self._tensors) < MOST_TENSORS:
            self._note_tensors(slots)

    def _note_tensors(self, slots: list[Slot]) -> None:
        for name, value in zip(slots[::2], slots[1::2], strict=True):
            if isinstance(value, Call):
                tensor = tensor_of(self._value_of(name), value)
                if tensor is not None:
                    self._tensors.append(tensor)

    def _change(self, target: Value, added: list[Value]) -> None:
        self._judge.changed(target, added, self.opcode_at)

    # ---- imports and calls

    def global_lines(self) -> None:
        self._import_lines("utf-8")

    def _import_lines(self, encoding: str) -> None:
        at = self.opcode_at
        module, name = self._line(), self._line()
        try:
            self._import(module.decode(encoding), name.decode(encoding), at)
        except UnicodeDecodeError:
            raise Malformed(Text("a name is not UTF-8", "名称不是 UTF-8")) from None

    def _import(self, module: str, name: str, offset: int) -> None:
        self._stack.append(self._judge.imported(module, name, self._protocol, offset))

    def global_from_stack(self) -> None:
        stack = self._need(2)
        name, module = stack.pop(), stack.pop()
        if isinstance(name, str) and isinstance(module, str):
            self._import(module, name, self.opcode_at)
            return
        if name is FORGOTTEN_TEXT or module is FORGOTTEN_TEXT:
            self.notes.problem(Text("imports a name that was forgotten", "导入了已不再保留的名称"), "limit")
        else:
            computed = any(isinstance(part, Call | Outside) for part in (name, module))
            evidence = Evidence.OBJECT if computed else Evidence.SHAPE
            fact = f"import {render(module)}.{render(name)}"
            self.notes.notice(rules.COMPUTED_NAME, fact, self.opcode_at, about="computed", evidence=evidence)
        self._stack.append(Outside("computed name"))

    def extension_byte(self) -> None:
        self._extension(self._unsigned(1))

    def extension_two_bytes(self) -> None:
        self._extension(self._unsigned(2))

    def extension_word(self) -> None:
        self._extension(self._unsigned(4))

    def _extension(self, code: int) -> None:
        self.notes.notice(rules.EXTENSION_CODE, f"copyreg extension {code}", self.opcode_at, about=str(code))
        self._stack.append(Outside(f"extension {code}"))

    def reduce(self) -> None:
        stack = self._need(2)
        arguments, function = stack.pop(), stack.pop()
        self._call(function, arguments, "call")

    def new_object(self) -> None:
        stack = self._need(2)
        arguments, function = stack.pop(), stack.pop()
        self._call(function, arguments, "new")

    def new_object_with_keywords(self) -> None:
        stack = self._need(3)
        keywords, arguments, function = stack.pop(), stack.pop(), stack.pop()
        given = Container("tuple")
        given.extend([*(arguments.items if isinstance(arguments, Container) else [arguments]), keywords])
        self._call(function, given, "new")

    def instance(self) -> None:
        self._import_lines("utf-8")
        function = self._pop()
        self._call_with(function, self._settled(self._pop_to_mark()))

    def object_on_stack(self) -> None:
        values = self._settled(self._pop_to_mark())
        if not values:
            raise Malformed(Text("there is no class to call", "没有可调用的类"))
        self._call_with(values[0], values[1:])

    def _call_with(self, function: Value, arguments: list[Value]) -> None:
        given = Container("tuple")
        given.extend(arguments)
        self._call(function, given, "call")

    def _call(self, function: Value, arguments: Value, right: Right) -> None:
        result = self._judge.called(function, arguments, right, self.opcode_at)
        if isinstance(function, Global) and is_dtype(function) and isinstance(result, Call):
            mark_objects(result)
        self._stack.append(result)

    def build(self) -> None:
        stack = self._need(2)
        state = stack.pop()
        target = stack[-1]
        self._judge.built(target, state, self.opcode_at)
        if not isinstance(target, Call) or not isinstance(target.function, Global):
            return
        if is_dtype(target.function):
            target.state = state
            mark_objects(target)
            if hides_objects(target):
                self.notes.notice(rules.DTYPE_LIE, render(target), self.opcode_at, about="dtype")
        elif self._loader.joblib and is_array_wrapper(target.function):
            self._step_over_array(state)
        elif is_file_wrapper(target.function):
            self._note_file(state)
        else:
            self._note_version(state)

    def _note_version(self, state: Value) -> None:
        """scikit-learn writes its version at the end of every estimator's state."""
        if isinstance(state, Container) and state.items[-2:-1] == ["_sklearn_version"]:
            version = state.items[-1]
            if isinstance(version, str):
                self.notes.facts.setdefault("framework", f"scikit-learn {version}")

    def _note_file(self, state: Value) -> None:
        """Old versions of joblib wrote each array into a file of its own."""
        name = as_dictionary(state).get("filename")
        if isinstance(name, str):
            self.notes.files.setdefault(name, self.opcode_at)
        else:
            self.notes.problem(Text("loads an array from a file without a name", "从未命名的文件加载数组"))

    # ---- what is not in the stream

    def persistent_line(self) -> None:
        self._persistent(self._line().decode("latin-1"))

    def persistent_on_stack(self) -> None:
        self._persistent(self._pop())

    def _persistent(self, identifier: Value) -> None:
        known = self._persistent_of_torch(identifier) if self._loader.persistent else None
        if known is None:
            self.notes.notice(rules.PERSISTENT, render(identifier), self.opcode_at, about="persistent")
        self._stack.append(known or Outside("persistent", identifier))

    def _persistent_of_torch(self, identifier: Value) -> Value:
        """What PyTorch answers: a storage beside the pickle, or a class that comes with its source text."""
        if not isinstance(identifier, Container) or len(identifier.items) < 2:
            return None
        kind, type_ = identifier.items[:2]
        if kind == "module" and isinstance(type_, Global):
            return type_
        if kind != "storage" or not isinstance(type_, Global) or len(identifier.items) < 5:
            return None
        key, _, elements = identifier.items[2:5]
        if isinstance(elements, int):
            if len(self._storages) == MOST_TENSORS:
                raise LimitReached(Text(f"has more than {MOST_TENSORS} storages", f"存储超过 {MOST_TENSORS} 个"))
            self._storages[str(key)] = (type_, elements)
        return Outside("persistent", identifier)

    def next_buffer(self) -> None:
        self.notes.notice(rules.OUT_OF_BAND, "NEXT_BUFFER", self.opcode_at, about="buffer")
        self._stack.append(Outside("buffer"))

    def readonly_buffer(self) -> None:
        self._top()

    def _step_over_array(self, state: Value) -> None:
        """Step over the raw array that joblib writes into the stream behind this opcode."""
        self._raw_arrays = True
        self._leave_frame()
        array = array_bytes(state)
        if array is None:
            raise Malformed(Text("a joblib array cannot be measured", "无法确定 joblib 数组的大小"))
        if array.pickled:
            self._object_arrays = True
            notes = Notes()
            inner = Machine(self.source, self.position, notes, self._budget, Loader(joblib=False), self._lookup).run()
            self.notes.add(notes)
            if inner.limited or not inner.stopped:
                raise Malformed(Text("an array of objects in it breaks", "其中的对象数组中断"))
            self._go_to(inner.end)
            return
        if array.aligned:
            self._step_over(self._unsigned(1), "bytes")
        self._step_over(array.length, "bytes")

    # ---- the stream

    def protocol(self) -> None:
        number = self._unsigned(1)
        if number > 5:
            raise Malformed(Text(f"protocol {number} does not exist", f"协议 {number} 不存在"))
        self._protocol = number
        self._may_memoize = number >= 4
        self._handlers = _ALL if self._may_memoize else _UP_TO_PROTOCOL_3
        self._look_again()

    def frame(self) -> None:
        self._enter_frame(self._unsigned(8))

    def stop(self) -> None:
        self._top()
        raise _Stopped

    def newer_opcode(self) -> None:
        """An opcode of protocol 4 or 5 in a stream that did not declare it."""
        self.notes.notice(rules.NEWER_OPCODE, f"protocol {self._protocol} declared", self.opcode_at, about="newer")
        self._may_memoize = True
        self._handlers = _ALL
        self._look_again()
        _ALL[self._data[self._at - 1]](self)

    def no_opcode(self) -> None:
        code = self._data[self._at - 1]
        raise Malformed(Text(f"0x{code:02x} is no opcode", f"0x{code:02x} 不是操作码"))


Handler = Callable[[Machine], None]

_OPCODES: Final[dict[int, Handler]] = {
    ord("I"): Machine.int_line,
    ord("J"): Machine.int_word,
    ord("K"): Machine.int_byte,
    ord("M"): Machine.int_two_bytes,
    ord("L"): Machine.long_line,
    0x8A: Machine.long_short,
    0x8B: Machine.long_long,
    ord("S"): Machine.string_line,
    ord("T"): Machine.string_word,
    ord("U"): Machine.string_short,
    ord("V"): Machine.unicode_line,
    ord("X"): Machine.text_word,
    0x8C: Machine.text_short,
    0x8D: Machine.text_long,
    ord("B"): Machine.bytes_word,
    ord("C"): Machine.bytes_short,
    0x8E: Machine.bytes_long,
    0x96: Machine.bytes_long,
    0x97: Machine.next_buffer,
    0x98: Machine.readonly_buffer,
    ord("N"): Machine.none,
    0x88: Machine.true,
    0x89: Machine.false,
    ord("F"): Machine.float_line,
    ord("G"): Machine.float_binary,
    ord("]"): Machine.empty_list,
    ord("a"): Machine.append,
    ord("e"): Machine.appends,
    ord("l"): Machine.collect_list,
    ord(")"): Machine.empty_tuple,
    ord("t"): Machine.collect_tuple,
    0x85: Machine.tuple_of_one,
    0x86: Machine.tuple_of_two,
    0x87: Machine.tuple_of_three,
    ord("}"): Machine.empty_dict,
    ord("d"): Machine.collect_dict,
    ord("s"): Machine.set_item,
    ord("u"): Machine.set_items,
    0x8F: Machine.empty_set,
    0x90: Machine.appends,
    0x91: Machine.collect_frozenset,
    ord("0"): Machine.pop,
    ord("2"): Machine.duplicate,
    ord("("): Machine.mark,
    ord("1"): Machine.pop_mark,
    ord("p"): Machine.put_line,
    ord("q"): Machine.put_byte,
    ord("r"): Machine.put_word,
    0x94: Machine.memoize,
    ord("g"): Machine.get_line,
    ord("h"): Machine.get_byte,
    ord("j"): Machine.get_word,
    ord("c"): Machine.global_lines,
    0x93: Machine.global_from_stack,
    0x82: Machine.extension_byte,
    0x83: Machine.extension_two_bytes,
    0x84: Machine.extension_word,
    ord("R"): Machine.reduce,
    ord("b"): Machine.build,
    ord("i"): Machine.instance,
    ord("o"): Machine.object_on_stack,
    0x81: Machine.new_object,
    0x92: Machine.new_object_with_keywords,
    0x80: Machine.protocol,
    ord("."): Machine.stop,
    0x95: Machine.frame,
    ord("P"): Machine.persistent_line,
    ord("Q"): Machine.persistent_on_stack,
}
_ALL: Final[list[Handler]] = [_OPCODES.get(code, Machine.no_opcode) for code in range(256)]
_UP_TO_PROTOCOL_3: Final[list[Handler]] = [
    Machine.newer_opcode if 0x8C <= code <= 0x98 else handler for code, handler in enumerate(_ALL)
]
