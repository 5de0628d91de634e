"""The opcodes that use the memo, and those that make and fill containers."""

from __future__ import annotations

from touchstone.scan.pickle_machine.lines import decimal_integer
from touchstone.scan.pickle_machine.stack import StackMachine
from touchstone.scan.pickle_machine.stream import Malformed
from touchstone.scan.pickle_machine.values import Container, Slot, Value
from touchstone.text import Text


class ContainerMachine(StackMachine):
    """Puts values together and remembers them."""

    # ---- the memo

    def put_line(self) -> None:
        self._put(self._memo_index())

    def put_byte(self) -> None:
        self._put(self._byte())

    def put_word(self) -> None:
        self._put(self._unsigned(4))

    def get_line(self) -> None:
        self._get(self._memo_index())

    def get_byte(self) -> None:
        self._get(self._byte())

    def get_word(self) -> None:
        self._get(self._unsigned(4))

    def _memo_index(self) -> int:
        index = decimal_integer(self._line())
        if not isinstance(index, int) or index < 0:
            raise Malformed(Text("a memo index is wrong", "备忘索引错误"))
        return index

    # ---- containers

    def empty_list(self) -> None:
        self._stack.append(Container("list"))

    def empty_tuple(self) -> None:
        self._stack.append(Container("tuple"))

    def empty_dict(self) -> None:
        self._stack.append(Container("dict"))

    def empty_set(self) -> None:
        self._stack.append(Container("set"))

    def collect_list(self) -> None:
        self._contain("list", self._pop_to_mark())

    def collect_tuple(self) -> None:
        self._contain("tuple", self._pop_to_mark())
        if self._has_large:
            self._step_over_run()

    def collect_frozenset(self) -> None:
        self._contain("frozenset", self._pop_to_mark())

    def collect_dict(self) -> None:
        self._contain("dict", self._check_pairs(self._pop_to_mark()))

    def tuple_of_one(self) -> None:
        self._tuple_of(1)

    def tuple_of_two(self) -> None:
        self._tuple_of(2)

    def tuple_of_three(self) -> None:
        self._tuple_of(3)

    def append(self) -> None:
        self._add_elements([self._pop()])

    def appends(self) -> None:
        self._add_elements(self._pop_to_mark())
        if self._has_large:
            self._step_over_run()

    def set_item(self) -> None:
        stack = self._need(2)
        pair: list[Slot] = list(stack[-2:])
        del stack[-2:]
        self._add_pairs(pair)

    def set_items(self) -> None:
        self._add_pairs(self._check_pairs(self._pop_to_mark()))
        if self._has_large:
            self._step_over_run()

    def _add_elements(self, slots: list[Slot]) -> None:
        target = self._top()
        if isinstance(target, Container) and target.kind == "dict":
            self.notes.problem(Text("adds elements to a dictionary", "向字典添加元素"))
        else:
            self._add(slots)

    def _add_pairs(self, slots: list[Slot]) -> None:
        self._add(slots)

    def _add(self, slots: list[Slot]) -> None:
        target = self._top()
        if isinstance(target, Container):
            self._fill(target, slots)
        else:
            self._change(target, self._settled(slots[:8]))

    def _change(self, target: Value, added: list[Value]) -> None:
        """Elements are added to something that is no plain container."""
        raise NotImplementedError
