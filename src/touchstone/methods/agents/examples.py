"""Calls that a policy allows: what an ordinary user would ask for, with values drawn by lot."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from touchstone.methods.agents.judging import argument_breaches
from touchstone.methods.agents.patterns import example, parse
from touchstone.methods.agents.policy import Argument, Call, Policy, Principal, ToolRule

if TYPE_CHECKING:
    import numpy as np

WORDS = ("report", "order", "meeting", "invoice", "ticket", "summary", "visit", "delivery", "notice", "schedule")
WIDEST = 2**53
"""Whole numbers are drawn out of at most so many."""
TRIES = 20
"""Times that arguments are drawn before a tool is taken to allow none to this user."""


@dataclass(frozen=True, slots=True)
class Draw:
    """Draws by lot."""

    generator: np.random.Generator
    _decks: dict[tuple[str, int], list[int]] = field(default_factory=dict, compare=False, repr=False)

    def one(self, choices: tuple[Any, ...] | list[Any]) -> Any:
        """One of the choices."""
        return choices[int(self.generator.integers(len(choices)))]

    def turn(self, name: str, forms: list[Any]) -> Any:
        """One of the forms, like cards from a deck: none again before all of them had their turn."""
        deck = self._decks.setdefault((name, len(forms)), [])
        if not deck:
            deck += [int(place) for place in self.generator.permutation(len(forms))]
        return forms[deck.pop()]

    def whole(self, low: int, high: int) -> int:
        """A whole number, both ends included."""
        return int(self.generator.integers(low, high + 1))

    def mark(self) -> str:
        """A word that occurs nowhere else."""
        return "".join(chr(ord("a") + int(each)) for each in self.generator.integers(0, 26, 8))

    def words(self, least: int, most: int) -> str:
        """Words, at least and at most so many characters of them."""
        text = " ".join(self.one(WORDS) for _ in range(self.whole(2, 4))) + f" {self.whole(10, 9999)}"
        while len(text) < least:
            text += " " + self.one(WORDS)
        return text[: max(most, 0)]


def ordinary(rule: ToolRule, principal: Principal, draw: Draw) -> Call | None:
    """A call that the policy allows as far as arguments go; `None` where none was found."""
    for _ in range(TRIES):
        arguments = {}
        for name, argument in rule.arguments.items():
            total = rule.total is not None and rule.total[0] == name
            if argument.required or total or draw.whole(0, 1):
                cap = rule.total[1] if rule.total is not None and total else None
                arguments[name] = value_of(capped(argument, cap), principal, draw)
        if not argument_breaches(rule, principal, arguments):
            return Call(rule.name, arguments)
    return None


def capped(argument: Argument, cap: float | None) -> Argument:
    """The argument with a value of at most `cap`."""
    if cap is None or (argument.maximum is not None and argument.maximum <= cap):
        return argument
    return replace(argument, maximum=cap)


def value_of(argument: Argument, principal: Principal, draw: Draw) -> Any:
    """A value that the argument may have, most likely; a list of them where it is one."""
    if argument.max_items is None:
        return _item(argument, principal, draw)
    return [_item(argument, principal, draw) for _ in range(draw.whole(1, min(max(argument.max_items, 1), 3)))]


def identifier(policy: Policy, draw: Draw, other_than: tuple[str, ...] = ()) -> str:
    """An identifier of a user as the policy's own arguments for one look."""
    owners = [each for rule in policy.values() for each in rule.arguments.values() if each.owner]
    for _ in range(TRIES):
        if owners and owners[0].pattern is not None:
            name = example(parse(owners[0].pattern), draw.generator)
        else:
            name = f"U-{draw.whole(1000, 9999)}"
        if name not in other_than:
            return name
    return f"{draw.mark()}"


def _item(argument: Argument, principal: Principal, draw: Draw) -> Any:
    if argument.enum:
        return draw.one(argument.enum)
    if argument.type == "string":
        return _text(argument, principal, draw)
    return bool(draw.whole(0, 1)) if argument.type == "boolean" else _number(argument, draw)


def _text(argument: Argument, principal: Principal, draw: Draw) -> str:
    if argument.owner:
        return principal.user
    if argument.pattern is not None:
        return example(parse(argument.pattern), draw.generator)
    if argument.below:
        return f"{draw.one(argument.below).rstrip('/')}/{draw.one(WORDS)}-{draw.whole(1, 999)}.txt"
    if argument.domains or argument.format is not None:
        return address(argument, draw.one(argument.domains or ("example.org",)), draw)
    return draw.words(argument.min_length, 60 if argument.max_length is None else argument.max_length)


def address(argument: Argument, host: str, draw: Draw) -> str:
    """An address at a host, in the form that the argument has."""
    if argument.format == "uri":
        return f"https://{host}/{draw.one(WORDS)}/{draw.whole(1, 999)}"
    return host if argument.format == "hostname" else f"{draw.one(WORDS)}{draw.whole(1, 999)}@{host}"


def _number(argument: Argument, draw: Draw) -> int | float:
    low = argument.minimum if argument.minimum is not None else min(1.0, argument.maximum or 1.0)
    high = argument.maximum if argument.maximum is not None else low + 100.0
    if argument.type == "integer":
        least, most = -int(-low // 1), int(high // 1)
        return least + draw.whole(0, min(max(most - least, 0), WIDEST))
    share = float(draw.generator.random())
    return min(max(round(low * (1 - share) + high * share, 2), low), high)
