"""The stack and the memo of the pickle machine, the containers on it, and the loop over the opcodes.

Runs of opcodes that only push plain data are stepped over together (`runs`). On the stack such a run stands for all
its values. It is followed opcode by opcode as soon as one of them is wanted alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, cast

from touchstone.scan.budget import Budget, LimitReached
from touchstone.scan.pickle_machine import rules, runs
from touchstone.scan.pickle_machine.memo import Memo
from touchstone.scan.pickle_machine.notes import Notes
from touchstone.scan.pickle_machine.payloads import SHORTEST_TEXT
from touchstone.scan.pickle_machine.runs import Later, Run
from touchstone.scan.pickle_machine.stream import Malformed, OpcodeStream
from touchstone.scan.pickle_machine.values import LITERALS, MOST_KEPT, Container, ContainerKind, Slot, Value
from touchstone.scan.source import Source
from touchstone.text import Text

LARGEST_MEMO_INDEX: Final = 2**26
FAN_OUT: Final = 10**8
"""Elements a structure of a few bytes may expand to when nothing of it is shared: `[[[a, a], [a, a]], ...]`."""
DEEPEST_SHARING: Final = 5
DEEPEST_NESTING: Final = 2_000
"""Containers in containers. Python's own pickler gives up at half of that."""
MOST_DUPLICATES: Final = 1_000
"""DUP is an opcode that no pickler writes."""
MOST_LEFT_OVER: Final = 10_000
"""Values on the stack when the stream stops: picklers leave one."""
MOST_MARKS: Final = 100_000
MOST_IDLE_MEMO: Final = 10_000
"""Entries of the memo beyond one for every two bytes: picklers memoize a value once, and there must be one first."""
_DEEP_STACK: Final = 4_000
_LONGEST_ON_DEEP_STACK: Final = 1_500_000
_SPENT_TOGETHER: Final = 4_096
_BYTES_OF_A_STEP: Final = 64
"""Bytes of a run that cost about as much as following one opcode."""
_SHORTEST_WAIT: Final = 3
_LONGEST_WAIT: Final = 251
"""Opcodes followed one by one before somebody looks for a run; odd, lest it is always the middle of an element."""
_BYTES_IN_PLACE: Final = 8
"""Bytes followed in place for each opcode asked for, before somebody looks again whether there is a run."""
_PATIENCE: Final = 8
"""For so many bytes that were looked at in vain, one byte is followed opcode by opcode before the next look."""
_ELEMENT: Final = 192
"""A run that ends so close before the end of the window or frame may go on behind it."""
_LONG_STREAM: Final = 256 * 1024


_MEMOIZE: Final = 0x94
_BINGET: Final = ord("h")
_SHORT_BINUNICODE: Final = 0x8C
_BININT1: Final = ord("K")
_CONSTANTS: Final = {ord("N"): None, 0x88: True, 0x89: False}
_LAZY: Final = frozenset({Run, Later})
"""What stands on the stack for values."""
_EMPTY: Final = Text("the stack is empty", "栈为空")
_ADDING: Final = frozenset({b"e", b"u", b"\x90"})
"""The opcodes that add everything above the mark to the container below it."""


class Inexact(Exception):  # noqa: N818 - an answer, not an error of ours
    """A judgement depends on something that was stepped over: follow the stream again, opcode by opcode."""


class StackMachine(OpcodeStream):
    """Everything of the machine that does not depend on what values mean."""

    def __init__(self, source: Source, start: int, notes: Notes, budget: Budget, *, fast: bool) -> None:
        super().__init__(source, start, notes)
        self._start = start
        self._budget = budget
        self._handlers: Sequence[Callable[[Any], None]] = ()
        self._stack: list[Slot] = []
        self._below: list[list[Slot]] = []
        """The stacks below each mark."""
        self._count_below = 0
        self._memo = Memo()
        self._duplicates = 0
        self._fast = fast
        self._has_large = False
        """Whether there were more values at once than are kept of a container, so that there may be runs."""
        self._has_stepped = False
        """Whether there was any run yet."""
        self._no_run_before = 0
        """Place before which nobody looks for a run, because looking took long and brought little."""
        self._may_memoize = False
        """Whether the stream may use MEMOIZE, so that texts in a run can be counted."""
        self._spent = 0
        self._on_deep_stack = 0

    # ---- the loop

    def _follow(self, most_opcodes: int | None) -> None:
        """Follow opcodes until one of them raises, or so many were followed."""
        left = 2**62 if most_opcodes is None else most_opcodes
        wait = _LONGEST_WAIT
        while left > 0:
            count = min(left, wait)
            self._steps(count)
            left -= count
            self._spend(count)
            self._has_large |= self._count_below + len(self._stack) >= MOST_KEPT
            wait = _SHORTEST_WAIT if self._step_over_run() else min(2 * wait, _LONGEST_WAIT)

    def _steps(self, count: int) -> None:
        """Follow about so many opcodes: those that make up two thirds of every pickle in place, others by handlers.

        In place only the ordinary happens: the argument lies within the window, and is no part of a run. Handlers
        that change the window or the table of handlers call `_look_again`.
        """
        at, data, limit, handlers = self._at, self._data, self._limit, self._handlers
        stepped, newer = self._has_stepped, self._may_memoize
        stack: list[Any] = self._stack
        dense = self._memo.dense
        done = 0
        while done < count:
            stop = min(limit, at + _BYTES_IN_PLACE * count)
            while at < stop:
                code = data[at]
                if code == _MEMOIZE and newer and stack:
                    value = stack[-1]
                    if stepped and isinstance(value, (Run, Later)):
                        break
                    dense.append(value)
                    at += 1
                elif code == _BINGET and data[at + 1] < len(dense):
                    value = dense[data[at + 1]]
                    if stepped and isinstance(value, Run):
                        break
                    stack.append(value)
                    at += 2
                elif code == _SHORT_BINUNICODE and newer and data[at + 1] < SHORTEST_TEXT:
                    start = at + 2
                    at = start + data[at + 1]
                    stack.append(data[start:at].decode("utf-8", "surrogateescape"))
                elif code == _BININT1:
                    stack.append(data[at + 1])
                    at += 2
                elif code in _CONSTANTS:
                    stack.append(_CONSTANTS[code])
                    at += 1
                else:
                    break
                done += 1
            if at >= self._bound:
                self._at = at
                self._move_on()
                at, data, handlers, newer = self._at, self._data, self._handlers, self._may_memoize
            self._opcode = at
            self._at = at + 1
            handlers[data[at]](self)
            at, stack, limit, stepped = self._at, self._stack, self._limit, self._has_stepped
            done += 1

    def _move_on(self) -> None:
        super()._move_on()
        if not self._memo.is_dense:
            self._limit = 0

    def _spend(self, opcodes: int) -> None:
        self._spent += opcodes
        if self._spent < _SPENT_TOGETHER:
            return
        spent, self._spent = self._spent, 0
        self._budget.spend_opcodes(spent)
        self._memo.forget_old()
        if self._count_below + len(self._stack) <= _DEEP_STACK:
            self._on_deep_stack = 0
            return
        self._on_deep_stack += spent
        if self._on_deep_stack > _LONGEST_ON_DEEP_STACK:
            raise LimitReached(Text("keeps too much on its stack", "栈中保留的值过多"))

    def _bomb(self, fact: str, about: str) -> None:
        self.notes.notice(rules.BOMB, fact, self.opcode_at, about=about)

    def _look_at_what_is_left(self) -> None:
        """What a stream leaves behind when it stops."""
        left_over = self._count_below + len(self._stack) - 1
        slots = [*self._stack, *(slot for below in self._below for slot in below)] if self._has_stepped else []
        if left_over + sum(slot.length for slot in slots if isinstance(slot, Run)) > MOST_LEFT_OVER and slots:
            raise Inexact
        if left_over > MOST_LEFT_OVER:
            self._bomb(f"{left_over} values left on the stack", "left over")
        length = self.position - self._start
        if len(self._memo) > length // 2 + MOST_IDLE_MEMO:
            self._bomb(f"{len(self._memo)} values memoized in {length} bytes", "memo size")

    # ---- runs

    def _step_over_run(self, *, only_whole: bool = False) -> bool:
        """Step over the run that begins here, if its values do not matter one by one; answers whether there was one.

        They do not matter when the container they go into has as many elements already as are kept. `only_whole`
        asks for runs that end where they are added to it, or are long.
        """
        if not self._fast or not self._below or self._at >= self._bound:
            return False
        below = self._below[-1]
        target = below[-1] if below and isinstance(below[-1], Container) else None
        if len(self._stack) < MOST_KEPT and (target is None or target.size < MOST_KEPT):
            return False
        if self.position < self._no_run_before:
            return False
        if self._may_memoize and self._data[self._at] == _MEMOIZE:
            # Belongs to the element before.
            self._opcode = self._at
            self._at += 1
            self.memoize()
        if self._data[self._at : self._at + 1] not in runs.BEGINNINGS or not self._memo.is_dense:
            return False
        filling: runs.Filling = "pairs" if target is not None and target.kind == "dict" else "elements"
        if filling == "pairs" and len(self._stack) % 2:
            return False  # between a key and its value
        kinds: Sequence[runs.Kind] = runs.NUMBERS
        if self._may_memoize:
            kinds = runs.CONTAINERS if self.source.size - self.position > _LONG_STREAM else runs.LITERALS
        last = len(self._data) if self._frame_end is None else min(len(self._data), self._frame_end - self._base)
        found = runs.find_run(self._data, self._at, last, filling, kinds, self._is_literal)
        usable = found.end > self._at and (not only_whole or self._is_whole(found.end, last))
        self._no_run_before = self.position + (found.looked - (found.end if usable else self._at)) // _PATIENCE
        if usable:
            self._add_run(found, filling)
        return usable

    def _is_whole(self, end: int, last: int) -> bool:
        """Whether a run ends where its values are added, or where no more of it can be seen."""
        return self._data[end : end + 1] in _ADDING or last - end < _ELEMENT

    def _add_run(self, found: runs.Found, filling: runs.Filling) -> None:
        self._has_stepped = True
        run = Run(self.position, self._base + found.end, len(self._memo), filling, found.flat)
        self._stack.append(run)
        if filling == "pairs":
            self._stack.append(run)
        self._memo.append_run(run, found.memoized)
        self._at = found.end
        self._spend(run.length // _BYTES_OF_A_STEP)

    def _is_literal(self, index: int) -> bool:
        """Whether a literal that is no special key is kept under a number of the memo."""
        try:
            value = self._memo.get(index)
        except LookupError:
            return False
        if isinstance(value, Run):
            if value.flat:
                return True
            value = self._value_of(Later(value, index))
        return type(value) in LITERALS and not (isinstance(value, str) and value.startswith("__"))

    def _values_of(self, run: Run) -> list[Value]:
        if run.values is None:
            run.values = self._follow_again(run)
        return run.values

    def _value_of(self, slot: Slot) -> Value:
        if isinstance(slot, Later):
            self._values_of(slot.run)
            value = self._memo.get(slot.index)
            if isinstance(value, Run):
                raise Inexact
            return value
        if isinstance(slot, Run):
            raise Inexact
        return slot

    def _follow_again(self, run: Run) -> list[Value]:
        """Follow a run opcode by opcode, which also puts its values into the memo."""
        raise NotImplementedError

    def _settled(self, slots: list[Slot]) -> list[Value]:
        """All values that these stand for."""
        values: list[Value] = []
        previous: Slot = None
        for slot in slots:
            if not isinstance(slot, Run):
                values.append(self._value_of(slot))
            elif slot is not previous or slot.filling == "elements":
                values.extend(self._values_of(slot))
            previous = slot
        return values

    # ---- the stack

    def _need(self, count: int) -> list[Value]:
        """The stack, after it was made sure that so many values lie on top of it."""
        stack = self._stack
        if self._has_stepped and not _LAZY.isdisjoint(map(type, stack[-count:])):
            self._settle(count)
        if len(stack) < count:
            raise Malformed(_EMPTY)
        return cast("list[Value]", stack)

    def _settle(self, count: int) -> None:
        """Replace runs among the topmost slots by their values, and values nobody has looked at by themselves."""
        stack = self._stack
        top: list[Value] = []
        while stack and len(top) < count:
            slot = stack.pop()
            if isinstance(slot, Run):
                if slot.filling == "pairs":
                    stack.pop()
                top[:0] = self._values_of(slot)
            else:
                top.insert(0, self._value_of(slot))
        stack.extend(top)

    def _pop(self) -> Value:
        return self._need(1).pop()

    def _top(self) -> Value:
        return self._need(1)[-1]

    def _pop_to_mark(self) -> list[Slot]:
        if not self._below:
            raise Malformed(Text("there is no mark on the stack", "栈中没有标记"))
        slots = self._stack
        self._stack = self._below.pop()
        self._count_below -= len(self._stack)
        return slots

    def mark(self) -> None:
        if len(self._below) >= MOST_MARKS:
            self._bomb(f"{MOST_MARKS} marks", "marks")
            raise LimitReached(Text(f"has more than {MOST_MARKS} marks", f"标记超过 {MOST_MARKS} 个"))
        self._below.append(self._stack)
        self._count_below += len(self._stack)
        self._stack = []
        if self._has_large:
            self._step_over_run(only_whole=True)

    def pop(self) -> None:
        if self._stack:
            self._pop()
        else:
            self._pop_to_mark()

    def pop_mark(self) -> None:
        self._pop_to_mark()

    def duplicate(self) -> None:
        self._stack.append(self._top())
        self._duplicates += 1
        if self._duplicates == MOST_DUPLICATES:
            self._bomb(f"{MOST_DUPLICATES} DUP opcodes", "duplicates")

    # ---- the memo

    def memoize(self) -> None:
        self._memo.append(self._top())

    def _put(self, index: int) -> None:
        if index > LARGEST_MEMO_INDEX:
            self._bomb(f"memo[{index}]", "memo")
        self._memo.put(index, self._top())
        if not self._memo.is_dense:
            self._look_again()

    def _get(self, index: int) -> None:
        try:
            value = self._memo.get(index)
        except LookupError:
            raise Malformed(Text(f"memo {index} was never written", f"备忘 {index} 从未写入")) from None
        self._stack.append(self._gotten(value, index) if isinstance(value, Run) else value)

    def _gotten(self, run: Run, index: int) -> Slot:
        later = Later(run, index)
        return later if run.flat else self._value_of(later)

    # ---- containers

    def _contain(self, kind: ContainerKind, slots: list[Slot]) -> None:
        if len(slots) <= MOST_KEPT and kind != "dict" and not self._has_stepped:
            container = Container(kind, cast("list[Value]", slots))
        else:
            container = Container(kind)
            container.extend(self._with_kept_settled(slots, MOST_KEPT))
        self._stack.append(container)
        if container.height > DEEPEST_SHARING:
            self._measure(container)

    def _tuple_of(self, count: int) -> None:
        """Make a tuple of the topmost values."""
        stack = self._need(count)
        container = Container("tuple", stack[-count:])
        stack[-count:] = [container]
        if container.height > DEEPEST_SHARING:
            self._measure(container)

    def _fill(self, target: Container, slots: list[Slot]) -> None:
        if target.forgotten:
            self.notes.problem(Text("changes a value that was forgotten", "修改了已不再保留的值"), "limit")
            return
        target.extend(self._with_kept_settled(slots, MOST_KEPT - target.size) if self._has_stepped else slots)
        if target.height > DEEPEST_SHARING:
            self._measure(target)
        if target.size >= MOST_KEPT:
            self._has_large = True

    def _with_kept_settled(self, slots: list[Slot], kept: int) -> list[Slot]:
        """The same elements, those that the container will keep looked at."""
        if kept <= 0:
            return slots
        kinds = set(map(type, slots[:kept]))
        if Run in kinds:
            return list(self._settled(slots))
        return [*map(self._value_of, slots[:kept]), *slots[kept:]] if Later in kinds else slots

    def _check_pairs(self, slots: list[Slot]) -> list[Slot]:
        """Keys and values in turn, so there is an even number of them."""
        loose = self._has_stepped and Run in set(map(type, slots))
        if loose and any(isinstance(slot, Run) and slot.filling == "elements" for slot in slots):
            slots = list(self._settled(slots))
        if len(slots) % 2:
            raise Malformed(Text("a key has no value", "字典的键缺少值"))
        return slots

    def _measure(self, container: Container) -> None:
        if container.expanded <= FAN_OUT and container.height <= DEEPEST_NESTING:
            return
        if container.inexact:
            raise Inexact
        if container.expanded > FAN_OUT:
            self._bomb(f"a {container.kind} that expands to {container.expanded} elements", "fan-out")
        if container.height > DEEPEST_NESTING:
            self._bomb(f"containers nested {container.height} levels deep", "nesting")
