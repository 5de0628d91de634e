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
    LONGEST_SHORT,
    Call,
    Container,
    Global,
    Value,
    without_arguments,
    without_details,
)
from touchstone.text import Text

MOST_ENTRIES: Final = 16 * 2**20
MOST_SPARSE: Final = 200_000
"""Entries with numbers out of order, which no pickler writes."""
_KEPT_WHOLE: Final = 50_000
"""Entries between two moments of forgetting."""
_SHORT_TEXTS_KEPT: Final = 1_000_000
"""Entries whose texts are not forgotten if they are short: they may be names."""


class Memo:
    """Values by number."""

    def __init__(self) -> None:
        self.dense: list[Value | Run] = []
        """Values 0, 1, 2 and so on. May be appended to directly while the memo is dense."""
        self._sparse: dict[int, Value | Run] = {}
        self._fresh_from = 0
        """First entry since the last run or the last forgetting."""
        self._fresh_spans: list[tuple[int, int]] = []
        """Entries between runs since the last forgetting."""
        self._fresh_in_spans = 0
        self._forgotten_calls: dict[tuple[Global, tuple[Value, ...], bool], Call] = {}

    def __len__(self) -> int:
        return len(self.dense) + len(self._sparse)

    @property
    def is_dense(self) -> bool:
        """Whether the next numbers follow on each other."""
        return not self._sparse

    def append(self, value: Value) -> None:
        """Keep a value under the next number, which is the count of values there are."""
        if self._sparse:
            self.put(len(self), value)
        else:
            self.dense.append(value)

    def append_run(self, run: Run, count: int) -> None:
        """Keep a run under the next `count` numbers, for the values it will have when somebody asks."""
        if len(self.dense) > self._fresh_from:
            self._fresh_spans.append((self._fresh_from, len(self.dense)))
            self._fresh_in_spans += len(self.dense) - self._fresh_from
        self.dense.extend([run] * count)
        self._fresh_from = len(self.dense)

    def put(self, index: int, value: Value) -> None:
        """Keep a value under a number."""
        if index < len(self.dense):
            self.dense[index] = value
        elif index == len(self.dense) and not self._sparse:
            self.dense.append(value)
        else:
            self._sparse[index] = value
            if len(self._sparse) > MOST_SPARSE:
                raise LimitReached(Text("numbers what it remembers without order", "备忘编号杂乱"))

    def get(self, index: int) -> Value | Run:
        """The value under a number. Raises `LookupError` when there is none."""
        if index < len(self.dense):
            return self.dense[index]
        return self._sparse[index]

    def forget_old(self) -> None:
        """Now and then, take the details from entries that have been there for a while."""
        if len(self) > MOST_ENTRIES:
            raise LimitReached(Text(f"remembers more than {MOST_ENTRIES} values", f"备忘表超过 {MOST_ENTRIES} 项"))
        if self._fresh_in_spans + len(self.dense) - self._fresh_from <= _KEPT_WHOLE:
            return
        spans = [*self._fresh_spans, (self._fresh_from, len(self.dense))]
        dense = self.dense
        for start, stop in spans:
            for index, value in enumerate(dense[start:stop], start):
                if isinstance(value, Container):
                    dense[index] = without_details(value)
                elif isinstance(value, Call):
                    dense[index] = self._shared(value)
                elif isinstance(value, (str, bytes)) and (index > _SHORT_TEXTS_KEPT or len(value) > LONGEST_SHORT):
                    dense[index] = FORGOTTEN_TEXT
        self._fresh_from, self._fresh_spans, self._fresh_in_spans = len(dense), [], 0

    def _shared(self, call: Call) -> Call:
        """One record for all results of one function: a million instances of a class take the place of one."""
        summary = without_arguments(call)
        if not isinstance(call.function, Global) or call.of_objects:
            return summary
        key = (call.function, summary.arguments, summary.filled)
        return self._forgotten_calls.setdefault(key, summary)


class RunMemo(Memo):
    """The memo as a run saw it that is followed once more: what the run memoizes goes to the places it stands for."""

    def __init__(self, whole: Memo, run: Run) -> None:
        super().__init__()
        self.dense, self._sparse = whole.dense, whole._sparse
        self._run = run
        self._next = run.first

    @property
    def is_dense(self) -> bool:
        """What is memoized next does not go to the end."""
        return False

    def append(self, value: Value) -> None:
        """Keep a value under the run's next number, unless another value was put there since."""
        if self.dense[self._next] is self._run:
            self.dense[self._next] = value
        self._next += 1
