"""One try at a goal: an instruction, worded, disguised, framed, and delivered in one turn or several, or in a paper."""

from __future__ import annotations

from dataclasses import astuple, dataclass, replace
from itertools import combinations
from typing import Final, Literal

import numpy as np

from touchstone.conversation import Conversation, Message
from touchstone.methods.language.deliveries import DELIVERIES, Turns
from touchstone.methods.language.disguises import DISGUISES
from touchstone.methods.language.frames import FRAMES, framed
from touchstone.methods.language.goals import Goal
from touchstone.methods.language.wording import OTHER, worded

CHAT: Final = "chat"
"""The carrier of direct attacks: the attacker's own turn."""


@dataclass(frozen=True, slots=True)
class Arm:
    """A technique, or several of different sorts, one on top of the other; none at all is the bare instruction."""

    tongue: Literal["other-language", "mixed-languages"] | None = None
    """Whether the instruction, or only what is around it, is in the language that nobody else speaks here."""
    disguise: str | None = None
    frame: str | None = None
    delivery: str | None = None

    @property
    def name(self) -> str:
        """The names of its techniques."""
        return " + ".join(filter(None, astuple(self))) or "bare"

    def with_other(self, other: Arm) -> Arm | None:
        """Both, where they are of different sorts."""
        pairs = list(zip(astuple(self), astuple(other), strict=True))
        if any(mine and theirs for mine, theirs in pairs):
            return None
        return Arm(*(mine or theirs for mine, theirs in pairs))


def single_arms(*, in_papers: bool) -> list[Arm]:
    """Every technique by itself. What takes several turns is not for a remark in a paper."""
    arms = [Arm(), Arm(tongue="other-language"), Arm(tongue="mixed-languages")]
    arms += [Arm(disguise=name) for name in DISGUISES]
    arms += [Arm(frame=name) for name in FRAMES]
    return arms if in_papers else arms + [Arm(delivery=name) for name in DELIVERIES]


def combined(arms: list[Arm]) -> list[Arm]:
    """All pairs that are of different sorts."""
    return [both for one, other in combinations(arms, 2) if (both := one.with_other(other)) is not None]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try: what stands before the attack, and what is said in each turn of it."""

    goal: Goal
    arm: Arm
    carrier: str
    start: Conversation
    turns: Turns

    @property
    def given(self) -> tuple[Message, ...]:
        """Everything the assistant is given that it did not say itself."""
        return (*self.start.messages, *(message for turn in self.turns for message in turn))


def attempt(goal: Goal, arm: Arm, carrier: str, generator: np.random.Generator) -> Attempt:
    """A try at the goal with these techniques."""
    text = _instruction(goal, arm, generator)
    if goal.errand is not None:
        errand = goal.errand.carrying(carrier, text)
        whole = errand.conversation(generator, goal.rules, goal.tools)
        return Attempt(goal, arm, carrier, replace(whole, messages=whole.messages[:1]), (whole.messages[1:],))
    start = Conversation((Message("system", goal.rules),), goal.tools)
    if arm.delivery is None:
        return Attempt(goal, arm, carrier, start, ((Message("user", text),),))
    return Attempt(goal, arm, carrier, start, DELIVERIES[arm.delivery](text, goal.language, generator))


def _instruction(goal: Goal, arm: Arm, generator: np.random.Generator) -> str:
    around = OTHER[goal.language] if arm.tongue is not None else goal.language
    inner = around if arm.tongue == "other-language" else goal.language
    disguise = None if arm.disguise is None else DISGUISES[arm.disguise]
    if disguise is not None and disguise.latin:
        inner = "en"
    text = goal.wish.said(generator, inner)
    if disguise is not None:
        text = worded(generator, disguise.around, around, text=disguise.change(text))
    frame = "override" if arm.tongue == "mixed-languages" and arm.frame is None else arm.frame
    return text if frame is None else framed(frame, text, around, generator)
