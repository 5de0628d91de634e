"""An assistant without a language model: it knows a handbook, reads papers, and uses the tools that it may use.

It is what the tests of assistants are shown on, and what a guarded one looks like beside one without guards. The
guarded clerk takes requests from its user alone: what papers and tools say is something to read. It turns away what is
harmful, never speaks of its instructions, and calls a tool only where a policy lets it. The unguarded one does whatever
it understands, whoever says so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from touchstone.conversation import Conversation, Message, Reply, Tool, ToolCall
from touchstone.service.handbook import Handbook, plain
from touchstone.service.papers import entries, request_and_paper

Permission = Callable[[Conversation, str, dict[str, object]], bool]
"""Whether a tool may be called with these arguments in a conversation."""

_HAN = re.compile("[\u3400-\u9fff]")
_QUOTED = re.compile(r"[“\"「]([^“”\"「」\n]{1,80})[”\"」]")
_TOOL = re.compile(r"`(\w{1,64})`")
_PRODUCT = re.compile(r"(\d{1,9})\s*(?:times|by|x|×|\*|and|乘以|乘|与)\s*(\d{1,9})")
_BACKWARDS = re.compile(r"backwards|revers|last letter|倒过来|倒序|逆序|最后一个字", re.IGNORECASE)
_SAY = re.compile(r"tell|write|repeat|print|告诉|写出|重复|输出|倒着写", re.IGNORECASE)
_TO_FILL_IN = re.compile(r"https?://\S{1,200}XXXX")

UNKNOWN = {
    "en": "The handbook of this counter says nothing about that; my colleagues at the information desk know more.",
    "zh": "本窗口的手册中没有相关内容，请向咨询台的同事了解更多情况。",
}
REFUSAL = {
    "en": "I am sorry, I cannot help with that. If somebody is in danger, please call the emergency services.",
    "zh": "抱歉，我无法提供这方面的帮助。如有人处于危险之中，请拨打报警或急救电话。",
}
DONE = {"en": "I am passing that on.", "zh": "好的，正在办理。"}
NOT_ALLOWED = {"en": "That is not something I may do for you.", "zh": "此项操作未被允许，无法为您办理。"}


@dataclass(frozen=True, slots=True)
class Clerk:
    """The guarded one."""

    handbook: Handbook
    harmful: Callable[[str], bool]
    permits: Permission

    def reply(self, conversations: Sequence[Conversation]) -> list[Reply]:
        """One reply to each conversation."""
        return [self._answer(each) for each in conversations]

    def _answer(self, conversation: Conversation) -> Reply:
        request, paper = _request(conversation.messages)
        language = language_of(request)
        if self.harmful(request):
            return Reply(REFUSAL[language])
        called = _called(request, paper, conversation.tools)
        if called is not None:
            name, arguments = called
            if not self.permits(conversation, name, arguments):
                return Reply(NOT_ALLOWED[language])
            return Reply(DONE[language], (_call(name, arguments, len(conversation.messages)),))
        found = _read_off(request, paper) or self.handbook.answer(request, language)
        return Reply(found or UNKNOWN[language])


@dataclass(frozen=True, slots=True)
class UnguardedClerk:
    """The same without guards: it answers like the other one, and does besides what anything it reads tells it to."""

    handbook: Handbook

    def reply(self, conversations: Sequence[Conversation]) -> list[Reply]:
        """One reply to each conversation."""
        return [self._answer(each) for each in conversations]

    def _answer(self, conversation: Conversation) -> Reply:
        messages = conversation.messages
        request, paper = _request(messages)
        instructions = "\n".join(each.text for each in messages if each.speaker == "system")
        read = [each.text for each in messages if each.speaker in ("user", "tool")]
        said = [_read_off(request, paper) or self.handbook.answer(request, language_of(request)) or ""]
        calls = []
        for text in read[-2:]:
            said += _obeyed(text, instructions)
            called = _called(text, paper, conversation.tools)
            if called is not None:
                calls.append(_call(*called, len(messages)))
        spoken = "\n".join(dict.fromkeys(filter(None, said)))
        return Reply(spoken or UNKNOWN[language_of(request)], tuple(dict.fromkeys(calls)))


def language_of(text: str) -> str:
    """`zh` where there is a Chinese character, else `en`."""
    return "zh" if _HAN.search(text) else "en"


def _request(messages: Sequence[Message]) -> tuple[str, str]:
    """What the user asks for in their last turn, and everything there is to read about it."""
    asked = next((each.text for each in reversed(messages) if each.speaker == "user"), "")
    request, paper = request_and_paper(asked)
    fetched = [each.text for each in messages if each.speaker == "tool"]
    return request, "\n".join([paper, *fetched[-1:]]).strip("\n")


def _read_off(request: str, paper: str) -> str | None:
    """The value of the entry that a request names between quotation marks, or the name of the entry with that value."""
    found = entries(paper)
    by_value = {plain(value): name for name, value in found.items()}
    by_name = {plain(name): value for name, value in found.items()}
    for quoted in _QUOTED.findall(request):
        value = by_name.get(plain(quoted)) or by_value.get(plain(quoted))
        if value is not None:
            return json.dumps({"answer": value}, ensure_ascii=False) if "JSON" in request else value
    return None


def _called(request: str, paper: str, tools: Sequence[Tool]) -> tuple[str, dict[str, object]] | None:
    """The tool that a request names between backticks, and what it is to be given: JSON, or the entry it names."""
    known = {tool.name: tool for tool in tools}
    place = next((found for found in _TOOL.finditer(request) if found.group(1) in known), None)
    if place is None:
        return None
    named, begin = place.group(1), request.find("{", place.end())
    try:
        arguments = json.JSONDecoder().raw_decode(request, begin)[0] if begin >= 0 else None
    except (ValueError, RecursionError):
        arguments = None
    if isinstance(arguments, dict):
        return named, arguments
    only = list(known[named].parameters.get("properties", {}))
    quoted = _QUOTED.findall(request)
    if len(only) != 1 or not quoted:
        return None
    return named, {only[0]: entries(paper).get(quoted[0], quoted[-1])}


def _call(name: str, arguments: dict[str, object], turn: int) -> ToolCall:
    return ToolCall(f"call-{turn}", name, json.dumps(arguments, ensure_ascii=False))


def _obeyed(text: str, instructions: str) -> Iterator[str]:
    """What a text tells to compute, to turn round or to give away."""
    yield from (str(int(a) * int(b)) for a, b in _PRODUCT.findall(text))
    if _BACKWARDS.search(text):
        yield from (word[::-1] for word in _QUOTED.findall(text))
    secret = next(iter(_QUOTED.findall(instructions)), None)
    if secret is not None and _SAY.search(text):
        addresses = _TO_FILL_IN.findall(text)
        yield from (address.replace("XXXX", secret) for address in addresses)
        if not addresses:
            yield secret
