"""The memo: values a stream may come back to.

Picklers number them 0, 1, 2 and so on, so they lie in a list; other numbers, which only hostile or optimised pickles
use, lie in a dictionary. What a fast run stepped over is remembered by the run, and looked up when somebody asks.
Old entries lose their details now and then, so that millions of objects do not fill memory.
"""

from __future__ import annotations

from typing import Final

from touchstone.scan.budget import LimitReached
from touchstone.scan.pickle_machine.runs import Run
from touchstone.scan.pickle_machine.values import (
    FORGOTTEN_TEXT,
    Call,
    Container,
    Global,
    Value,
    without_arguments,
    without_details,
)
from touchstone.text import Text

MOST_ENTRIES: Final = 16 * 2**20
_KEPT_WHOLE: Final = 50_000
"""Entries between two moments of forgetting."""
_SHORT_TEXTS_KEPT: Final = 1_000_000
"""Entries whose texts are not forgotten if they are short: they may be names."""


class Memo:
    """Values by number."""

    def __init__(self) -> None:
        self._dense: list[Value | Run] = []
        self._sparse: dict[int, Value | Run] = {}
        self._forgotten_up_to = 0
        self._forgotten_calls: dict[tuple[Global, tuple[Value, ...]], Call] = {}

    def __len__(self) -> int:
        return len(self._dense) + len(self._sparse)

    def append(self, value: Value) -> None:
        """Keep a value under the next number, which is the count of values there are."""
        if self._sparse:
            self.put(len(self), value)
            return
        dense = self._dense
        dense.append(value)
        if len(dense) - self._forgotten_up_to > _KEPT_WHOLE:
            self._forget()

    def append_run(self, run: Run, count: int) -> None:
        """Keep a run under the next `count` numbers, for the values it will have when somebody asks."""
        self._dense.extend([run] * count)
        self._check_size()

    @property
    def takes_runs(self) -> bool:
        """Whether the next numbers follow on each other."""
        return not self._sparse

    def put(self, index: int, value: Value) -> None:
        """Keep a value under a number."""
        dense = self._dense
        if index < len(dense):
            dense[index] = value
        elif index == len(dense) and index not in self._sparse:
            dense.append(value)
            if len(dense) - self._forgotten_up_to > _KEPT_WHOLE:
                self._forget()
        else:
            self._sparse[index] = value
            if len(self._sparse) % _KEPT_WHOLE == 0:
                self._check_size()

    def get(self, index: int) -> Value | Run:
        """The value under a number. Raises `LookupError` when there is none."""
        if index < len(self._dense):
            return self._dense[index]
        return self._sparse[index]

    def _forget(self) -> None:
        """Take the details from entries that have been there for a while."""
        self._check_size()
        dense = self._dense
        for index in range(self._forgotten_up_to, len(dense)):
            value = dense[index]
            if isinstance(value, Call):
                dense[index] = self._shared(value)
            elif isinstance(value, Container):
                dense[index] = without_details(value)
            elif isinstance(value, str | bytes):
                dense[index] = without_details(value) if index < _SHORT_TEXTS_KEPT else FORGOTTEN_TEXT
        self._forgotten_up_to = len(dense)

    def _shared(self, call: Call) -> Call:
        """One record for all results of one function: a million instances of a class take the place of one."""
        summary = without_arguments(call)
        if not isinstance(call.function, Global) or call.of_objects:
            return summary
        key = (call.function, summary.arguments)
        return self._forgotten_calls.setdefault(key, summary)

    def _check_size(self) -> None:
        if len(self) > MOST_ENTRIES:
            raise LimitReached(Text(f"remembers more than {MOST_ENTRIES} values", f"备忘表超过 {MOST_ENTRIES} 项"))


class RunMemo(Memo):
    """The memo as a run saw it that is followed once more: what the run memoizes goes to the places it stands for."""

    def __init__(self, whole: Memo, run: Run) -> None:
        super().__init__()
        self._dense, self._sparse = whole._dense, whole._sparse
        self._run = run
        self._next = run.first

    def append(self, value: Value) -> None:
        """Keep a value under the run's next number, unless another value was put there since."""
        if self._dense[self._next] is self._run:
            self._dense[self._next] = value
        self._next += 1
