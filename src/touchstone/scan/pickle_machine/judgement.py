"""Judges what a stream does with the names it imports, at the moment it does it.

A call counts even if its result is thrown away or the stream breaks afterwards.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from touchstone.scan.budget import LimitReached
from touchstone.scan.findings import Rule, Severity, shown
from touchstone.scan.pickle_machine import rules
from touchstone.scan.pickle_machine.contracts import (
    CONTRACTS,
    MAKES_BUILDABLE,
    MAKES_INSTANCES_OF_FIRST,
    Forgotten,
    Use,
    bytes_in,
)
from touchstone.scan.pickle_machine.notes import Evidence, Notes
from touchstone.scan.pickle_machine.rendering import render
from touchstone.scan.pickle_machine.values import (
    Call,
    Container,
    Global,
    Outside,
    Value,
    arguments_of,
)
from touchstone.scan.symbols import Right, Standing, standing
from touchstone.text import Text

Lookup = Callable[[str, str], Standing]

MOST_NAMES: Final = 100_000

_CLASS_SHAPED: Final = re.compile(r"_*[A-Z]\w*")
_PLAUSIBLE: Final = re.compile(r"[^\W\d][\w.<>-]*")
"""What a module or name that exists could be called; `<locals>` and `my-script` included."""
_MAKES_FUNCTIONS: Final = re.compile(
    r"CodeType|FunctionType|CellType|_(create|make|fill)_\w*|_function_\w*|_class_setstate|_import_module|_unmarshal"
    r"|_(get)?attribute|loads?|_builtin_type"
)
_BOUNDS: Final = frozenset({"bounded-allocation", "bounded-range", "bounded-shape"})
_PICKLES_FUNCTIONS: Final = frozenset({"dill", "cloudpickle", "marshal"})


class Judge:
    """Judges the imports, calls and changes of one stream."""

    def __init__(self, notes: Notes, lookup: Lookup = standing) -> None:
        self.notes = notes
        self._lookup = lookup
        self._names: dict[tuple[str, str, bool], Global] = {}
        self._first_seen: dict[Global, int] = {}
        """Where names that are not known were first imported."""
        self._accused: set[Global] = set()
        """Names that were called, so that mentioning them is no news."""

    # ---- names

    def imported(self, module: str, name: str, protocol: int, offset: int) -> Global:
        """The record of a name. Whether it is merely mentioned is known at the end of the stream."""
        key = (module, name, protocol < 3)
        known = self._names.get(key)
        if known is not None:
            return known
        if len(self._names) == MOST_NAMES:
            raise LimitReached(Text(f"imports more than {MOST_NAMES} names", f"导入的名称超过 {MOST_NAMES} 个"))
        found = self._names[key] = Global(module, name, self._standing(module, name, protocol))
        self.notes.modules.setdefault(module)
        if found.standing.trust != "known":
            self._first_seen[found] = offset
        return found

    def _standing(self, module: str, name: str, protocol: int) -> Standing:
        """Up to protocol 2, Python 3 looks for the present names of modules that were called otherwise in Python 2."""
        written = self._lookup(module, name)
        if protocol >= 3 or written.trust == "dangerous":
            return written
        present = _python_3_name(module, name)
        return written if present == (module, name) else self._lookup(*present)

    def finish(self) -> None:
        """Report names that are mentioned and not called: whatever the object is given to may call them."""
        for name, offset in self._first_seen.items():
            if name in self._accused:
                continue
            if self._walks_attributes(name):
                self._accuse(rules.ATTRIBUTE_WALK, name, name, offset, severity="high")
            elif name.standing.trust == "dangerous":
                self._accuse(rules.DANGEROUS_IMPORT, name, name, offset)
            else:
                self._accuse(rules.UNREVIEWED_IMPORT, name, name, offset)

    # ---- calls

    def called(self, function: Value, arguments: Value, right: Right, offset: int) -> Value:
        """Judge a call and answer the record of its result."""
        if isinstance(arguments, Container) and arguments.kind == "tuple":
            items = arguments.items
            call = Call(function, tuple(items), arguments.heavy + len(items) + 1)
            if arguments.forgotten or arguments.size > len(items):
                call.forgotten = True
        else:
            call = Call(function, (arguments,))
        if not isinstance(function, Global):
            evidence = Evidence.OBJECT if isinstance(function, Call | Outside) else Evidence.SHAPE
            self.notes.notice(rules.COMPUTED_CALL, render(call), offset, evidence=evidence)
            return call
        if function.standing.trust == "known":
            return self._known_called(function, call, right, offset)
        self._accused.add(function)
        self._accuse(self._rule_of(function), function, call, offset)
        return call

    def _known_called(self, function: Global, call: Call, right: Right, offset: int) -> Value:
        if right not in function.standing.rights:
            self._accuse(rules.UNREVIEWED_USE, function, call, offset)
            return call
        contract = function.standing.contract
        if not contract:
            return call
        if not self._keeps(contract, right, function, call, call.arguments):
            broken = rules.BOMB if contract in _BOUNDS else rules.BROKEN_CONTRACT
            self._accuse(broken, function, call, offset)
            return call
        return self._result_under(contract, call, offset)

    def _keeps(self, contract: str, right: Right, function: Global, call: Call, arguments: tuple[Value, ...]) -> bool:
        check = CONTRACTS.get(contract)
        if check is None:
            return False
        try:
            kept = check(Use(right, function, arguments, self._lookup))
        except Forgotten:
            kept = True
            call.forgotten = True
        if call.forgotten:
            self.notes.problem(
                Text("has a call with too many arguments to judge", "存在参数过多而无法判断的调用"), "limit"
            )
        return kept

    def _result_under(self, contract: str, call: Call, offset: int) -> Value:
        """The few calls whose result or effect has to be followed further."""
        arguments = call.arguments
        if contract == "codecs-latin1" and arguments and isinstance(arguments[0], str):
            return arguments[0].encode("latin-1", "replace")
        if contract == "enum-getattr" and len(arguments) == 2:
            of, attribute = arguments
            if isinstance(of, Global) and isinstance(attribute, str):
                name = f"{of.name}.{attribute}"
                found = self._lookup(of.module, name)
                return Global(of.module, name, found) if found.trust == "known" else call
        if contract == "calls-argument" and len(arguments) == 4:
            self.called(arguments[0], arguments[2], "call", offset)
            self._look_at_state(call, arguments[3], offset)
        if contract == "nested-file" and arguments:
            content = bytes_in(arguments[0])
            if content is not None:
                self.notes.payload(offset, content)
        return call

    def _rule_of(self, function: Global) -> Rule:
        """What the call of a name is that is not known."""
        if _makes_functions(function):
            return rules.CODE_OBJECT
        if self._walks_attributes(function):
            return rules.ATTRIBUTE_WALK
        return rules.DANGEROUS_CALL if function.standing.trust == "dangerous" else rules.UNREVIEWED_CALL

    def _walks_attributes(self, name: Global) -> bool:
        """Whether a dotted name leads through more than classes within classes: `_os.getpid`, but not `Outer.Inner`.

        A method of a known class is such a walk as well; the few that pickles need are known by their full name.
        """
        *path, last = name.name.split(".")
        if not path:
            return False
        if last.startswith("__") or not all(_CLASS_SHAPED.fullmatch(step) for step in path):
            return True
        return not _CLASS_SHAPED.fullmatch(last) and self._lookup(name.module, ".".join(path)).trust != "unknown"

    # ---- changes

    def built(self, target: Value, state: Value, offset: int) -> None:
        """Judge an object being given its state."""
        if isinstance(target, Global | Outside):
            self.notes.notice(rules.CHANGES_IMPORT, _shown_state(target, state), offset, evidence=Evidence.OBJECT)
        elif isinstance(target, Call) and isinstance(target.function, Global):
            self._judge_state_of(target, target.function, state, offset)
        self._look_at_state(target, state, offset)

    def _judge_state_of(self, target: Call, function: Global, state: Value, offset: int) -> None:
        if function.standing.trust != "known":
            return
        contract = function.standing.contract
        made = function
        if contract in MAKES_INSTANCES_OF_FIRST and target.arguments and isinstance(target.arguments[0], Global):
            made = target.arguments[0]
        if "build" not in made.standing.rights and contract not in MAKES_BUILDABLE:
            self._accuse(rules.UNREVIEWED_USE, function, _shown_state(target, state), offset)
        elif contract and not self._keeps(contract, "build", function, Call(target, (state,)), arguments_of(state)):
            self._accuse(rules.BROKEN_CONTRACT, function, _shown_state(target, state), offset)

    def _look_at_state(self, target: Value, state: Value, offset: int) -> None:
        """A state is a dictionary, or a tuple with dictionaries in it: attributes and slots."""
        if isinstance(state, Container) and state.special_keys:
            key = state.special_keys[0]
            change = f"{render(target, 120)}.{shown(key, 60)} = ..."
            self.notes.notice(rules.SPECIAL_ATTRIBUTE, change, offset, about=key, evidence=Evidence.OBJECT)

    def changed(self, target: Value, added: list[Value], offset: int) -> None:
        """Judge elements or entries being added to something that is no plain container."""
        if isinstance(target, Global | Outside):
            change = f"{render(target, 80)} += {render(_as_list(added))}"
            self.notes.notice(rules.CHANGES_IMPORT, change, offset, evidence=Evidence.OBJECT)
        elif isinstance(target, Call):
            target.filled = True

    # ---- accusing

    def _accuse(
        self, rule: Rule, name: Global, fact: Global | Call | str, offset: int, severity: Severity | None = None
    ) -> None:
        self.notes.notice(
            rule,
            fact if isinstance(fact, str) else render(fact),
            offset,
            about=f"{name.module}.{name.name}",
            severity=severity,
            evidence=_evidence_of(name),
        )


def _evidence_of(name: Global) -> Evidence:
    """Random bytes that are taken for opcodes import nothing that could really be called so."""
    if name.standing.trust == "dangerous":
        return Evidence.DANGER
    plausible = _PLAUSIBLE.fullmatch(name.module) is not None and _PLAUSIBLE.fullmatch(name.name) is not None
    return Evidence.NAME if plausible else Evidence.SHAPE


def _makes_functions(function: Global) -> bool:
    """Whether the call rebuilds compiled code: dill and cloudpickle under whatever name they are bundled."""
    if _MAKES_FUNCTIONS.fullmatch(function.name) is None:
        return False
    if function.module == "types":
        return True
    return not _PICKLES_FUNCTIONS.isdisjoint(function.module.split(".")) and "loads" not in function.name


def _shown_state(target: Value, state: Value) -> str:
    return f"{render(target, 120)}.__setstate__({render(state)})"


def _as_list(values: list[Value]) -> Container:
    shown_values = Container("list")
    shown_values.extend(values[:4])
    return shown_values


def _python_3_name(module: str, name: str) -> tuple[str, str]:
    from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING

    if (module, name) in NAME_MAPPING:
        present: tuple[str, str] = NAME_MAPPING[module, name]
        return present
    return IMPORT_MAPPING.get(module, module), name
