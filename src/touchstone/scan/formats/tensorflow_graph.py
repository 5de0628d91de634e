"""Graphs and function libraries of TensorFlow: which operators they use, and which fixed texts reach paths.

An operator that saves or restores a checkpoint is in every SavedModel, and harmless with the path its caller gives.
Whether a path is fixed in the file instead is followed through the few operators that pass texts on, and through
calls of functions.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from touchstone.scan.examination import Examination
from touchstone.scan.external_paths import leads_out
from touchstone.scan.formats.tensorflow_operators import (
    COMPUTED_PATH,
    PATH_LEADS_OUT,
    RECURSION,
    RULE_OF,
    UNKNOWN_OPERATOR,
    is_harmless_setting,
    operators,
)
from touchstone.scan.operator_packs import HOLDS_ENGINE, engine_not_read
from touchstone.scan.protobuf import MOST_NAMES, Message
from touchstone.scan.protobuf_schema import Walk
from touchstone.text import Text

_STRING: Final = 7
"""DT_STRING"""
_GIVEN: Final = frozenset({"Placeholder", "PlaceholderV2", "ReadVariableOp"})
"""Operators that hand over what a caller or a checkpoint gives."""
_PASSES_TEXT_ON: Final[dict[str, slice]] = {
    "Const": slice(0),
    "ConcatV2": slice(-1),
    "Fill": slice(1, 2),
    "Select": slice(1, 3),
    "SelectV2": slice(1, 3),
    **dict.fromkeys(("StringJoin", "Pack", "IdentityN", "Merge"), slice(None)),
    **dict.fromkeys(("Identity", "PlaceholderWithDefault", "StopGradient", "Switch", "Enter", "Exit"), slice(1)),
    **dict.fromkeys(("ShardedFilename", "ExpandDims", "Reshape", "StridedSlice", "Squeeze"), slice(1)),
}
"""Operators whose result is, or is put together from, the texts of some of their inputs."""
_CALLS: Final = frozenset({"PartitionedCall", "StatefulPartitionedCall"})
"""Operators that hand their inputs to a function as its arguments, in this order."""
_MOST_TEXTS: Final = 16
_MOST_STEPS: Final = 256


@dataclass(frozen=True, slots=True)
class _Node:
    """A node that a text may pass through, or that takes a path."""

    operator: str
    inputs: tuple[str, ...]
    texts: tuple[str, ...] | None
    """Of a constant; `None` when it is none of text, or of too many."""
    offset: int


@dataclass(slots=True)
class _Scope:
    """A graph or one function of a library."""

    name: str
    arguments: list[str] = field(default_factory=list)
    nodes: dict[str, _Node] = field(default_factory=dict)
    paths: list[_Node] = field(default_factory=list)
    """Nodes of which some input is a path."""


class GraphReading:
    """Collects the nodes of all graphs of one file, and judges them at the end."""

    def __init__(self, examination: Examination) -> None:
        self._examination = examination
        self._scope = _Scope("")
        """Where nodes are met at present."""
        self._scopes = [self._scope]
        self._calls: dict[str, list[tuple[_Scope, _Node]]] = {}
        self._uses: list[tuple[_Scope, str]] = []
        """Functions that a function uses."""
        self._named: list[str] = []
        """Functions that the node at hand names."""
        self._met: dict[str, int] = {}
        """Each operator used anywhere, and where it is used first."""
        self._functions: set[str] = set()
        self._kept = 0
        """Nodes that are remembered."""
        self._told: set[str] = set()
        """Operators of which a call was shown; they are not listed once more by name."""

    def graph(self, message: Message, walk: Walk) -> None:
        """GraphDef: a scope of its own."""
        with self._new_scope():
            for _, each in walk.fields(message, "GraphDef"):
                walk.enter(each)

    def function(self, message: Message, walk: Walk) -> None:
        """FunctionDef: a scope with arguments, which others call by its name."""
        with self._new_scope() as scope:
            for name, each in walk.fields(message, "FunctionDef"):
                if name == "signature":
                    self._signature(each.message(), scope)
                walk.enter(each)
            self._functions.add(scope.name)

    @contextmanager
    def _new_scope(self) -> Iterator[_Scope]:
        outer = self._scope
        self._scope = _Scope("")
        self._scopes.append(self._scope)
        yield self._scope
        self._scope = outer

    def _signature(self, message: Message, scope: _Scope) -> None:
        for each in message.fields():
            if each.number == 1:
                scope.name = each.name()
            elif each.number == 2:
                scope.arguments += [inner.name() for inner in each.message().fields() if inner.number == 1]

    def function_name(self, message: Message, walk: Walk) -> None:
        """NameAttrList: an attribute that is a function."""
        for name, each in walk.fields(message, "NameAttrList"):
            if name == "name":
                self._named.append(each.name())
            walk.enter(each)

    def node(self, message: Message, walk: Walk) -> None:
        """NodeDef."""
        self._named = []
        title = operator = ""
        inputs: list[str] = []
        attributes: list[Message] = []
        for name, each in walk.fields(message, "NodeDef"):
            match name:
                case "name":
                    title = each.name()
                case "op":
                    operator = each.name()
                case "input":
                    inputs.append(each.name())
                case "attr":
                    attributes.append(each.message())
                    walk.enter(each)
                case _:
                    walk.enter(each)
        lists = operators()
        if len(self._met) < MOST_NAMES or operator in lists.does:
            self._met.setdefault(operator, message.start)
        if operator in lists.attributes:
            self._settings(operator, attributes, message.start)
        called = self._named
        if operator not in lists.known and operator not in lists.does:
            # A function of the library may be called by its name, like an operator.
            called = [operator, *called]
        if operator in lists.take_paths or operator in _PASSES_TEXT_ON or operator in _GIVEN or called:
            texts = _texts(attributes) if operator == "Const" else None
            if operator != "Const" or texts is not None:
                self._remember(title, _Node(operator, tuple(inputs), texts, message.start), called)

    def _remember(self, title: str, node: _Node, called: list[str]) -> None:
        """Keep a node that a text may pass through."""
        self._kept += 1
        if self._kept > MOST_NAMES:
            self._examination.gap(Text("has more paths than are followed", "路径数量超过解析上限"), "limit")
            return
        self._scope.nodes[title] = node
        if node.operator in operators().take_paths:
            self._scope.paths.append(node)
        for function in called:
            self._calls.setdefault(function, []).append((self._scope, node))
            self._uses.append((self._scope, function))

    def _settings(self, operator: str, attributes: list[Message], offset: int) -> None:
        """Attributes that name files, addresses or Python functions."""
        named = operators().attributes[operator]
        for key, value in map(_entry, attributes):
            if key not in named or value is None:
                continue
            for text in _strings(value):
                if not is_harmless_setting(key, text):
                    self._told.add(operator)
                    self._examination.report(RULE_OF[named[key]], f"{operator}({key}={text!r})", offset=offset)

    def finish(self) -> None:
        """Judge everything, when all functions and calls are known."""
        self._judge_paths()
        self._judge_calls()
        lists = operators()
        for operator, offset in self._met.items():
            what = lists.does.get(operator)
            if what == HOLDS_ENGINE:
                self._examination.gap(engine_not_read(operator), "format")
            elif what is not None:
                if operator not in self._told:
                    self._examination.report(RULE_OF[what], operator, offset=offset)
            elif operator in lists.libraries:
                self._examination.fact("dependency", lists.libraries[operator])
            elif operator not in lists.known and operator not in self._functions:
                self._examination.report(UNKNOWN_OPERATOR, operator, offset=offset)

    def _judge_paths(self) -> None:
        """Report fixed paths."""
        lists = operators()
        for scope in self._scopes:
            for node in scope.paths:
                self._examination.budget.spend_opcodes(_MOST_STEPS)
                what = lists.does.get(node.operator)
                texts, _ = self._arriving(scope, node.inputs)
                for text in texts:
                    call = f"{node.operator}({text!r})"
                    if what in RULE_OF:
                        self._told.add(node.operator)
                        self._examination.report(RULE_OF[what], call, offset=node.offset)
                    elif leads_out(text):
                        self._examination.report(PATH_LEADS_OUT, call, offset=node.offset)
                if what is None:
                    self._judge_computed(scope, node)

    def _judge_computed(self, scope: _Scope, node: _Node) -> None:
        """Report a path that is not fixed, not given by a caller, and not put together from such."""
        positions = operators().take_paths[node.operator]
        _, computing = self._arriving(scope, tuple(node.inputs[at] for at in positions if at < len(node.inputs)))
        if computing:
            self._examination.report(
                COMPUTED_PATH, f"{node.operator}({', '.join(sorted(computing)[:8])})", offset=node.offset
            )

    def _judge_calls(self) -> None:
        """Report functions that call themselves, directly or through others."""
        calls: dict[str, list[str]] = {}
        for scope, called in self._uses:
            if called in self._functions:
                calls.setdefault(scope.name, []).append(called)
        done: set[str] = set()
        for start in calls:
            path = [(start, iter(calls.get(start, ())))] if start not in done else []
            within = {start}
            while path:
                following = next(path[-1][1], None)
                if following is None:
                    within.discard(path[-1][0])
                    done.add(path.pop()[0])
                elif following in within:
                    self._examination.report(RECURSION, following)
                    done.add(following)
                    within.discard(following)
                elif following not in done:
                    within.add(following)
                    path.append((following, iter(calls.get(following, ()))))

    def _arriving(self, scope: _Scope, inputs: tuple[str, ...]) -> tuple[list[str], set[str]]:
        """Texts fixed in the file that may arrive at some inputs, and nodes that compute what arrives."""
        waiting = [(scope, each) for each in inputs[:_MOST_TEXTS] if not each.startswith("^")]
        seen: set[tuple[int, str]] = set()
        found: dict[str, None] = {}
        computing: set[str] = set()
        while waiting and len(seen) < _MOST_STEPS and len(found) < _MOST_TEXTS:
            scope, reference = waiting.pop()
            source = reference.split(":", 1)[0]
            if (id(scope), source) in seen:
                continue
            seen.add((id(scope), source))
            feeding = scope.nodes.get(source)
            if feeding is None and source in scope.arguments:
                waiting += self._given(scope, scope.arguments.index(source))
            elif feeding is None:
                computing.add(source)
            elif feeding.operator in _PASSES_TEXT_ON:
                found |= dict.fromkeys(feeding.texts or ())
                given = [each for each in feeding.inputs if not each.startswith("^")]
                waiting += [(scope, each) for each in given[_PASSES_TEXT_ON[feeding.operator]]]
            elif feeding.operator not in _GIVEN:
                computing.add(source)
        return list(found), computing

    def _given(self, scope: _Scope, index: int) -> Iterator[tuple[_Scope, str]]:
        """What callers give a function as one of its arguments; loops and branches may give any of their inputs."""
        for caller, call in self._calls.get(scope.name, ()) if scope.name else ():
            if call.operator in _CALLS or call.operator == scope.name:
                yield from ((caller, each) for each in call.inputs[index : index + 1])
            else:
                yield from ((caller, each) for each in call.inputs[:_MOST_TEXTS])


def _entry(message: Message) -> tuple[str, Message | None]:
    """One entry of a node's attributes: its name and AttrValue."""
    key, value = "", None
    for each in message.fields():
        if each.number == 1:
            key = each.text()
        elif each.number == 2:
            value = each.message()
    return key, value


def _strings(value: Message) -> Iterator[str]:
    """Texts of an AttrValue: one, or those of a list."""
    for each in value.fields():
        if each.number == 2:
            yield each.text()
        elif each.number == 1:
            for index, inner in enumerate(each.message().fields()):
                if inner.number == 2 and index < _MOST_TEXTS:
                    yield inner.text()


def _texts(attributes: list[Message]) -> tuple[str, ...] | None:
    """Texts of a constant: short ones, a few at most; a constant of many is a vocabulary, not a path."""
    for key, value in map(_entry, attributes):
        if key != "value" or value is None:
            continue
        for each in value.fields():
            if each.number == 8:
                return _texts_of_tensor(each.message())
    return None


def _texts_of_tensor(tensor: Message) -> tuple[str, ...] | None:
    texts = []
    for each in tensor.fields():
        if each.number == 1 and each.integer() != _STRING:
            return None
        if each.number == 8 and each.length <= 4096:
            texts.append(each.text())
        if len(texts) > _MOST_TEXTS:
            return None
    # Serialised messages are texts as well; they begin with a tag, which no path does.
    return tuple(text for text in texts if text[:1].isprintable() and text)
