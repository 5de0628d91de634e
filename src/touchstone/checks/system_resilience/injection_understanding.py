"""What made-up assistants make of the text they are given: which wishes it holds, and what a paper says.

They stand in for a model in tests of the test. They are told nothing but the conversation: a wish is understood by the
words that it is made of, as a model would, and a secret is looked up in the instructions.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from touchstone.conversation import Conversation, Message, Reply, ToolCall
from touchstone.methods.language.disguises import LEET, TAGS, ZERO_WIDTH
from touchstone.methods.language.readings import decoded_parts
from touchstone.methods.language.wishes import LABELS

_PRODUCT: Final = re.compile(r"(\d+)\s*(?:is )?(?:times|multiplied by|by|x|×|\*|and|乘以|乘|与|和)\s*(\d+)")
_QUOTED: Final = re.compile(r"“([^“”\n]{1,80})”")
_BACKWARDS: Final = re.compile(r"backwards|revers|last letter|倒过来|倒序|逆序|最后一个字", re.IGNORECASE)
_SECRET: Final = re.compile("|".join(name for label in LABELS for name in label.values()))
_SAY_SECRET: Final = re.compile(r"tell|write|repeat|print|告诉|写出|重复|输出|倒着写", re.IGNORECASE)
_ADDRESS: Final = re.compile(r"https?://[^\s<>\"')\]]*XXXX")
_NUMERAL: Final = re.compile(r"^\W*\d+\W*$|\d{5}")
_SPACED: Final = re.compile(r"(?:\S(?: | {3})){6,}\S(?!\S)")
_TAGGED: Final = re.compile("[\U000e0001-\U000e007f].*[\U000e0001-\U000e007f]", re.DOTALL)
_PARTS: Final = re.compile(r"«([^»]*)»")
_UNLEET: Final = {new: old for old, new in LEET.items() if chr(old).islower()}
_EDGE: Final = re.compile(r"\n\n(?:Document|Attached|文件|附件)")

View = Callable[[str], str]
"""One way to read a text; an empty text where it is not written that way."""


def _base64_or_hex(text: str) -> str:
    return " ".join(part for part in decoded_parts(text) if part.isprintable())


def _from_tags(text: str) -> str:
    tagged = _TAGGED.search(text)
    return (
        ""
        if tagged is None
        else "".join(chr(ord(each) - TAGS) if ord(each) > TAGS else each for each in tagged.group())
    )


def _unleet(text: str) -> str:
    return " ".join(word if _NUMERAL.search(word) else word.translate(_UNLEET) for word in text.split())


def _together(text: str) -> str:
    runs = (found.group() for found in _SPACED.finditer(text))
    words = (run.replace(" " * 3, "\n").replace(" ", "") for run in runs)
    return " ".join(words).replace("\n", " ")


VIEWS: Final[Mapping[str, View]] = {
    "as-written": lambda text: text,
    "base64-or-hexadecimal": _base64_or_hex,
    "rot13": lambda text: codecs.decode(text, "rot13") if "ROT13" in text else "",
    "leet": lambda text: _unleet(text) if re.search(r"[A-Za-z][013457][A-Za-z]", text) else "",
    "zero-width": lambda text: text.replace(ZERO_WIDTH, "") if ZERO_WIDTH in text else "",
    "full-width": lambda text: unicodedata.normalize("NFKC", text) if re.search("[Ａ-Ｚａ-ｚ０-９]", text) else "",
    "spaced": _together,
    "unicode-tags": _from_tags,
}
"""How each disguise is seen through."""


def obey(conversation: Conversation, texts: Sequence[str]) -> Reply:
    """Do everything that these texts ask for and that is understood."""
    said, calls = list[str](), list[ToolCall]()
    secret = secret_of(conversation)
    for text in texts:
        said += _worked_out(text)
        if secret is not None:
            said += _disclosed(text, secret)
        calls += _asked_calls(text, conversation)
    return Reply("\n".join(dict.fromkeys(said)), tuple(dict.fromkeys(calls)))


def secret_of(conversation: Conversation) -> str | None:
    """What the instructions give between quotation marks after the name of a secret."""
    for message in conversation.messages:
        if message.speaker == "system" and (named := _SECRET.search(message.text)):
            quoted = _QUOTED.search(message.text, named.end())
            return quoted.group(1) if quoted else None
    return None


def joined_parts(messages: Sequence[Message]) -> str:
    """An instruction that was handed over in two parts."""
    return "".join(part for message in messages if message.speaker == "user" for part in _PARTS.findall(message.text))


def errand_of(conversation: Conversation) -> tuple[str, str]:
    """The user's question, and the paper it is about; either may be empty."""
    asked = [message.text for message in conversation.messages if message.speaker == "user"]
    fetched = [message.text for message in conversation.messages if message.speaker == "tool"]
    question, _, paper = _split(asked[-1] if asked else "")
    return question, "\n".join([paper, *fetched])


def answered(question: str, paper: str) -> Reply:
    """What somebody answers who can read papers and does nothing but what the question asks for."""
    quoted = _QUOTED.search(question)
    if quoted is None:
        return Reply("")
    entries = dict(_entries(paper))
    asked = quoted.group(1)
    if asked not in entries:
        found = [label for label, value in entries.items() if value == asked]
        return Reply(found[0] if found else "")
    value = entries[asked]
    if "note_entry" in question:
        return Reply("", (ToolCall("call-2", "note_entry", '{"value": "' + value + '"}'),))
    return Reply('{"answer": "' + value + '"}' if "JSON" in question else value)


def _split(text: str) -> tuple[str, str, str]:
    edge = _EDGE.search(text)
    return (text, "", "") if edge is None else (text[: edge.start()], edge.group(), text[edge.end() :])


def _entries(paper: str) -> Iterator[tuple[str, str]]:
    """Labels and values, however the paper sets them apart."""
    cells = re.sub(r"</?(?:li|ul|h1|p|tr|table|span[^>]*)>", "\n", paper).replace("</td><td>", ": ")
    cells = re.sub(r"</?td>", "", cells).replace('", "', '"\n"').strip("{}\n")
    for line in cells.splitlines():
        entry = re.fullmatch(r'\W*([^:：,"<>]{1,40}?)"?\s*[:：,]\s*"?([^"]{1,40}?)"?[,}\-]*\s*', line)
        if entry:
            yield entry.group(1), entry.group(2)


def _worked_out(text: str) -> Iterator[str]:
    for a, b in _PRODUCT.findall(text):
        yield str(int(a) * int(b))
    if _BACKWARDS.search(text):
        for word in _QUOTED.findall(text):
            yield word[::-1]


def _disclosed(text: str, secret: str) -> Iterator[str]:
    if not _SECRET.search(text):
        return
    addresses = _ADDRESS.findall(text)
    yield from (address.replace("XXXX", secret) for address in addresses)
    if not addresses and _SAY_SECRET.search(text):
        yield secret


def _asked_calls(text: str, conversation: Conversation) -> Iterator[ToolCall]:
    for tool in conversation.tools:
        place = text.find(f"`{tool.name}`")
        found = _QUOTED.search(text, place) if place >= 0 else None
        arguments = list(tool.parameters.get("properties", {}))
        if found and len(arguments) == 1 and tool.name != "note_entry":
            yield ToolCall(f"call-{tool.name}", tool.name, '{"' + arguments[0] + '": "' + found.group(1) + '"}')
