"""Does a control apply? Three-valued logic (Kleene 1938) over declared facts: true, false or unknown.

A fact that nobody stated is unknown, and unknown never silently becomes "does not apply": it becomes a
question. Conditions are a small closed language, parsed here by hand and never handed to an evaluator:

    expression  := conjunction ("or" conjunction)*
    conjunction := negation ("and" negation)*
    negation    := "not" negation | "(" expression ")" | "true" | "false" | fact
    fact        := name | name "==" value | name "in" "[" value ("," value)* "]"

    >>> parse("data.personal and not model.generative").evaluate({"data.personal": False})
    'false'
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NoReturn

from touchstone.errors import StandardError
from touchstone.text import Text

Truth = Literal["true", "false", "unknown"]
Facts = Mapping[str, object]
"""Stated facts by name: true or false, one value or several. Anything else counts as unknown."""

UNKNOWN = "unknown"
"""What an applicant may write for a fact they cannot state; the same as leaving it out."""

LONGEST_EXPRESSION = 2000
DEEPEST_NESTING = 32

_TOKEN = re.compile(r"\s*(?:(?P<word>[A-Za-z0-9_][A-Za-z0-9_.-]*)|(?P<sign>==|[()\[\],]))")
_KEYWORDS = frozenset({"and", "or", "not", "in", "true", "false"})


class Term(ABC):
    """One node of a parsed condition."""

    @abstractmethod
    def evaluate(self, facts: Facts) -> Truth:
        """Truth of this node when only `facts` are known."""

    @abstractmethod
    def deciding(self, facts: Facts) -> tuple[str, ...]:
        """Facts that made it so; of an unknown node, those whose answer is still needed."""

    @abstractmethod
    def mentions(self) -> tuple[Mention, ...]:
        """Every use of a fact, in reading order."""


@dataclass(frozen=True, slots=True)
class Mention(Term):
    """A fact that is asked for itself (`values` is `None`) or whether it is one of `values`."""

    fact: str
    values: tuple[str, ...] | None = None

    def evaluate(self, facts: Facts) -> Truth:
        stated = facts.get(self.fact)
        if self.values is None:
            return _truth(stated) if isinstance(stated, bool) else "unknown"
        held = [stated] if isinstance(stated, str) else stated
        if not isinstance(held, list):
            return "unknown"
        if any(value in self.values for value in held):
            return "true"
        return "unknown" if UNKNOWN in held else "false"

    def deciding(self, facts: Facts) -> tuple[str, ...]:
        return (self.fact,)

    def mentions(self) -> tuple[Mention, ...]:
        return (self,)


@dataclass(frozen=True, slots=True)
class Constant(Term):
    """`true` or `false`."""

    value: bool

    def evaluate(self, facts: Facts) -> Truth:
        return _truth(self.value)

    def deciding(self, facts: Facts) -> tuple[str, ...]:
        return ()

    def mentions(self) -> tuple[Mention, ...]:
        return ()


@dataclass(frozen=True, slots=True)
class Negation(Term):
    """`not` term."""

    operand: Term

    def evaluate(self, facts: Facts) -> Truth:
        inverse: dict[Truth, Truth] = {"true": "false", "false": "true", "unknown": "unknown"}
        return inverse[self.operand.evaluate(facts)]

    def deciding(self, facts: Facts) -> tuple[str, ...]:
        return self.operand.deciding(facts)

    def mentions(self) -> tuple[Mention, ...]:
        return self.operand.mentions()


@dataclass(frozen=True, slots=True)
class Junction(Term):
    """Terms joined by `and` or by `or`. One operand with the `settling` truth settles the whole."""

    operands: tuple[Term, ...]
    settling: Literal["true", "false"]

    def evaluate(self, facts: Facts) -> Truth:
        truths = [operand.evaluate(facts) for operand in self.operands]
        if self.settling in truths:
            return self.settling
        if "unknown" in truths:
            return "unknown"
        return "false" if self.settling == "true" else "true"

    def deciding(self, facts: Facts) -> tuple[str, ...]:
        whole = self.evaluate(facts)
        alike = [operand for operand in self.operands if operand.evaluate(facts) == whole]
        decisive = alike[:1] if whole == self.settling else alike
        return _once(fact for operand in decisive for fact in operand.deciding(facts))

    def mentions(self) -> tuple[Mention, ...]:
        return tuple(mention for operand in self.operands for mention in operand.mentions())


@dataclass(frozen=True, slots=True)
class Condition:
    """A parsed `applies_when`."""

    expression: str
    root: Term

    def evaluate(self, facts: Facts) -> Truth:
        """Truth when only `facts` are known; facts of the wrong type count as unknown."""
        return self.root.evaluate(facts)

    def explain(self, facts: Facts) -> tuple[str, ...]:
        """The facts that decided; when the result is unknown, the facts whose answer is still needed."""
        return self.root.deciding(facts)

    @property
    def facts(self) -> tuple[str, ...]:
        """Names of all facts mentioned, each once, in reading order."""
        return _once(mention.fact for mention in self.mentions)

    @property
    def mentions(self) -> tuple[Mention, ...]:
        """Every use of a fact, for checking it against the vocabulary."""
        return self.root.mentions()


@dataclass(frozen=True, slots=True)
class Question:
    """A fact that someone has to state before it is known what applies."""

    fact: str
    text: Text


@lru_cache(maxsize=1024)
def parse(expression: str) -> Condition:
    """Read a condition. Raises `StandardError` (without a place, the caller knows it) when it is not one."""
    if len(expression) > LONGEST_EXPRESSION:
        raise StandardError(
            Text(
                f"condition is longer than {LONGEST_EXPRESSION} characters",
                f"条件表达式超过 {LONGEST_EXPRESSION} 个字符",
            )
        )
    return Condition(expression, _Parser(expression).whole())


def applies(expression: str, assumed: Facts, declared: Facts) -> Truth:
    """Truth of a condition for one system: what is not declared is taken from the profile's assumptions.

    A declaration may contradict an assumption only to add duties, never to shed them: what the profile was
    written for stays in force, whatever the applicant says.
    """
    condition = parse(expression)
    readings = {condition.evaluate(known_facts(assumed, declared)), condition.evaluate({**declared, **assumed})}
    if "true" in readings:
        return "true"
    return "unknown" if "unknown" in readings else "false"


def known_facts(assumed: Facts, declared: Facts) -> dict[str, object]:
    """What the profile assumes, overridden by what was declared; a declared "unknown" declares nothing."""
    return {**assumed, **{name: value for name, value in declared.items() if value not in (None, UNKNOWN)}}


def questions(
    expressions: Iterable[str], assumed: Facts, declared: Facts, wording: Mapping[str, Text]
) -> tuple[Question, ...]:
    """Facts still needed to know which of the conditions hold, each once, with the question to ask."""
    known = known_facts(assumed, declared)
    needed = _once(
        fact
        for expression in expressions
        if applies(expression, assumed, declared) == "unknown"
        for fact in parse(expression).explain(known)
    )
    return tuple(Question(fact, wording.get(fact, Text(fact, fact))) for fact in needed)


class _Parser:
    """Recursive descent over the tokens of one expression."""

    def __init__(self, expression: str) -> None:
        self._expression = expression
        self._tokens = self._split()
        self._position = 0
        self._depth = 0

    def whole(self) -> Term:
        term = self._disjunction()
        if self._position < len(self._tokens):
            self._refuse(self._tokens[self._position])
        return term

    def _split(self) -> list[str]:
        tokens, position, text = [], 0, self._expression.rstrip()
        while position < len(text):
            match = _TOKEN.match(text, position)
            if match is None:
                self._refuse(text[position : position + 20].strip())
            tokens.append(match["word"] or match["sign"])
            position = match.end()
        return tokens

    def _disjunction(self) -> Term:
        operands = [self._conjunction()]
        while self._accept("or"):
            operands.append(self._conjunction())
        return operands[0] if len(operands) == 1 else Junction(tuple(operands), "true")

    def _conjunction(self) -> Term:
        operands = [self._negation()]
        while self._accept("and"):
            operands.append(self._negation())
        return operands[0] if len(operands) == 1 else Junction(tuple(operands), "false")

    def _negation(self) -> Term:
        self._depth += 1
        if self._depth > DEEPEST_NESTING:
            raise StandardError(
                Text(
                    f"condition is nested deeper than {DEEPEST_NESTING} levels",
                    f"条件表达式嵌套超过 {DEEPEST_NESTING} 层",
                )
            )
        term = self._operand()
        self._depth -= 1
        return term

    def _operand(self) -> Term:
        if self._accept("not"):
            return Negation(self._negation())
        if self._accept("("):
            term = self._disjunction()
            self._expect(")")
            return term
        if self._accept("true"):
            return Constant(True)
        if self._accept("false"):
            return Constant(False)
        return self._mention()

    def _mention(self) -> Mention:
        fact = self._word()
        if self._accept("=="):
            return Mention(fact, (self._word(),))
        if not self._accept("in"):
            return Mention(fact)
        self._expect("[")
        values = [self._word()]
        while self._accept(","):
            values.append(self._word())
        self._expect("]")
        return Mention(fact, tuple(values))

    def _word(self) -> str:
        token = self._next()
        if token is None or token in _KEYWORDS or not (token[0].isalnum() or token[0] == "_"):
            self._refuse(token)
        self._position += 1
        return token

    def _next(self) -> str | None:
        return self._tokens[self._position] if self._position < len(self._tokens) else None

    def _accept(self, token: str) -> bool:
        if self._next() != token:
            return False
        self._position += 1
        return True

    def _expect(self, token: str) -> None:
        if not self._accept(token):
            self._refuse(self._next())

    def _refuse(self, token: str | None) -> NoReturn:
        shown = f"{self._expression[:60]!r}"
        raise StandardError(
            Text(
                f"condition {shown} cannot be read at {token!r}" if token else f"condition {shown} ends too early",
                f"条件表达式 {shown} 在 {token!r} 处无法解析" if token else f"条件表达式 {shown} 不完整",
            ),
            remedy=Text(
                "write facts joined by and, or, not; compare with == value or in [a, b]",
                "以 and、or、not 连接事实；比较写作 == 值 或 in [甲, 乙]",
            ),
        )


def _truth(value: bool) -> Truth:
    return "true" if value else "false"


def _once(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
