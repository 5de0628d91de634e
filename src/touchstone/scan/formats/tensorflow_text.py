"""TensorFlow graphs written as text (`.pbtxt`): the operators they use.

Source: the messages of `tensorflow.py`, in the text format of protocol buffers.
"""

from __future__ import annotations

from typing import Final

from touchstone.scan.examination import Examination
from touchstone.scan.external_paths import leads_out
from touchstone.scan.formats.tensorflow_operators import (
    PATH_LEADS_OUT,
    RULE_OF,
    UNKNOWN_OPERATOR,
    is_harmless_setting,
    operators,
)
from touchstone.scan.operator_packs import HOLDS_ENGINE, engine_not_read
from touchstone.scan.prototext import Event, events
from touchstone.scan.source import Source

_LARGEST: Final = 16 * 2**20
_NODES: Final = frozenset({"node", "node_def"})


def read_text(source: Source, examination: Examination) -> None:
    """Go through the whole text."""
    examination.fact("framework", "tensorflow")
    examination.runs_code()
    reading = _Reading(examination)
    for event in events(source.whole(_LARGEST).decode("utf-8", "replace"), examination.budget):
        reading.take(event)
    reading.finish()


class _Reading:
    """One text."""

    def __init__(self, examination: Examination) -> None:
        self._examination = examination
        self._within: list[str] = []
        """Messages we are in."""
        self._operator = ""
        self._setting = ""
        self._operators: dict[str, int] = {}
        self._functions: set[str] = set()
        self._paths: dict[str, int] = {}
        """Constants that would lead out as paths."""

    def take(self, event: Event) -> None:
        """One event."""
        if event.kind == "begin":
            self._within.append(event.name)
        elif event.kind == "end":
            self._within.pop()
        else:
            self._value(event)

    def _value(self, event: Event) -> None:
        inside = self._within[-1] if self._within else ""
        if event.name == "op" and inside in _NODES:
            self._operator = event.value
            self._operators.setdefault(event.value, event.offset)
        elif event.name == "name" and inside == "signature":
            self._functions.add(event.value)
        elif event.name == "key" and inside == "attr":
            self._setting = event.value
        elif event.name == "s" and self._setting in operators().attributes.get(self._operator, {}):
            if not is_harmless_setting(self._setting, event.value):
                rule = RULE_OF[operators().attributes[self._operator][self._setting]]
                fact = f"{self._operator}({self._setting}={event.value!r})"
                self._examination.report(rule, fact, offset=event.offset)
        elif event.name == "string_val" and leads_out(event.value):
            self._paths.setdefault(event.value, event.offset)

    def finish(self) -> None:
        """Judge the operators, when all functions are known."""
        lists = operators()
        for operator, offset in self._operators.items():
            what = lists.does.get(operator)
            if what == HOLDS_ENGINE:
                self._examination.gap(engine_not_read(operator), "format")
            elif what is not None:
                self._examination.report(RULE_OF[what], operator, offset=offset)
            elif operator not in lists.known and operator not in lists.libraries and operator not in self._functions:
                self._examination.report(UNKNOWN_OPERATOR, operator, offset=offset)
        if any(operator in lists.take_paths for operator in self._operators):
            for path, offset in self._paths.items():
                self._examination.report(PATH_LEADS_OUT, path, offset=offset)
