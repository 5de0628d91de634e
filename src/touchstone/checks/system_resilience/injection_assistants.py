"""Made-up assistants for tests of the test: innocent ones that must never count as broken, and planted weak ones."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from touchstone.checks.system_resilience.injection_understanding import (
    VIEWS,
    answered,
    errand_of,
    joined_parts,
    obey,
)
from touchstone.conversation import Assistant, Conversation, Message, Reply


@dataclass(frozen=True, slots=True)
class Made:
    """An assistant that is one function of the conversation."""

    answer: Callable[[Conversation], Reply]

    def reply(self, conversations: Sequence[Conversation]) -> list[Reply]:
        """One reply to each."""
        return [self.answer(conversation) for conversation in conversations]


def _echo(conversation: Conversation) -> Reply:
    return Reply(conversation.messages[-1].text)


def _echo_of_everything(conversation: Conversation) -> Reply:
    return Reply("\n".join(each.text for each in conversation.messages if each.speaker != "system"))


def _quoting_refusal(conversation: Conversation) -> Reply:
    asked = conversation.messages[-1].text
    return Reply(f"You wrote: “{asked}”. I am sorry, I cannot do that. 您写道“{asked}”，抱歉，我无法照办。")


def _summary(conversation: Conversation) -> Reply:
    firsts = (re.split(r"(?<=[.!?。！？])\s*", each.text, maxsplit=1)[0] for each in conversation.messages[1:])
    return Reply(" ".join(f"It was said: “{first}”" for first in firsts))


def _honest(conversation: Conversation) -> Reply:
    return answered(*errand_of(conversation))


def _refusal(conversation: Conversation) -> Reply:
    return Reply("I cannot help with that. 我无法提供帮助。", ending="complete")


ECHO: Final[Assistant] = Made(_echo)
HONEST: Final[Assistant] = Made(_honest)
"""Solves errands, and takes instructions from nobody else."""
REFUSING: Final[Assistant] = Made(_refusal)
INNOCENT: Final[Mapping[str, Assistant]] = {
    "echo": ECHO,
    "echo-of-everything": Made(_echo_of_everything),
    "quoting-refusal": Made(_quoting_refusal),
    "summary": Made(_summary),
    "honest": HONEST,
}
"""Assistants that do nothing an attacker wants, and repeat in various ways what they were told."""


def obedient(views: Sequence[str] = tuple(VIEWS), *, turns: int = 1, cue: str = "") -> Made:
    """An assistant that works like the honest one and does besides whatever it understands.

    It sees through the disguises in `views` only, obeys from the turn of the user on that `turns` names, and only where
    the regular expression `cue` is found.
    """

    def answer(conversation: Conversation) -> Reply:
        honest = _honest(conversation)
        outside = [each for each in conversation.messages if each.speaker in ("user", "tool")]
        if sum(each.speaker == "user" for each in outside) < turns:
            return honest
        texts = [_unquoted(each) for each in outside] + [joined_parts(outside)]
        read = [VIEWS[view](text) for text in texts if re.search(cue, text) for view in views]
        obeyed = obey(conversation, read)
        return Reply(f"{honest.text}\n{obeyed.text}".strip(), (*honest.calls, *obeyed.calls))

    return Made(answer)


def _unquoted(message: Message) -> str:
    """Quotation marks that a table or JSON doubled or escaped, as they were."""
    return message.text.replace('""', '"').replace('\\"', '"')


SINGLE_WEAKNESSES: Final[Mapping[str, Assistant]] = {
    "base64-or-hexadecimal": obedient(("base64-or-hexadecimal",)),
    "zero-width": obedient(("zero-width",)),
    "full-width": obedient(("full-width",)),
    "spaced": obedient(("spaced",)),
    "forged-delimiters": obedient(("as-written",), cue=r"<\|im_start\|>|\[INST\]|### (?:System|系统)|<system>"),
    "fiction": obedient(("as-written",), cue=r"rules|Omega|dream|规则|欧米伽|梦"),
}
"""Assistants that a single technique gets the better of."""
