"""Texts with a place for metadata: HTML (`meta`), Markdown (front matter), JSON (a member of the outermost object)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from typing import Any

from touchstone.canonical import parse_json
from touchstone.documents import parse_yaml
from touchstone.errors import UserError
from touchstone.methods.content.entities import with_readable_numbers
from touchstone.methods.labelling.fields import AIGC, LONGEST_VALUE, DamagedError, Field, UnsupportedError

_FRONT_MATTER = re.compile(r"\A---[ \t]*\r?\n(.*?)^---[ \t]*(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE)
_UNRENDERED = re.compile(r"<!--.*?(?:-->|\Z)|^[ ]{0,3}\[[^\]\n]{1,999}\]:[^\n]*$", re.DOTALL | re.MULTILINE)
"""Comments, and definitions of links, which no reader of Markdown sees (CommonMark 0.31, 4.6 and 4.7)."""
_UNSEEN = ("script", "style", "title", "template", "noscript", "head")
_HIDING = re.compile(r"(?:^|;)\s*(?:display\s*:\s*none|visibility\s*:\s*hidden|(?:font-size|opacity)\s*:\s*0(?![.\d]))")
_EMPTY = ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr")
"""Elements without a content that could be hidden."""
_LINES = re.compile(r"address|article|aside|blockquote|br|d[dlt]|div|fig\w+|footer|form|h[1-6r]|header|li"
                    r"|main|nav|[ou]l|p|pre|section|su[bp]|t(able|[dhr])")  # fmt: skip
"""Elements that begin a line of their own."""
_LARGEST = 8 * 1024 * 1024
_CLOSING = {"<!--": "-->", "<script": "</script", "<style": "</style"}
_RAW = re.compile(r"<!--|<script(?![^\s/>])|<style(?![^\s/>])")
_SMALL = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}
_UNCLOSED = re.compile(r"<[^<>]*(?=<|\Z)")
_MOST_WORK = 200_000_000
"""Tags without an end times characters of the page: for each of them the parser looks through all that follows."""


def html_fields(text: str) -> Iterator[Field]:
    """Every `meta` with a name. Raises `DamagedError`, and `UnsupportedError` for what would take too long to read."""
    return iter(_page(text).fields)


def html_text(text: str) -> str:
    """What a reader of the page sees, a line for each block. Raises as `html_fields` does."""
    return "".join(_page(text).text)


def _page(text: str) -> _Page:
    page = _Page()
    if len(text) > _LARGEST:
        raise DamagedError
    text = with_readable_numbers(_without_raw_parts(text))
    if len(_UNCLOSED.findall(text)) * len(text) > _MOST_WORK:
        raise UnsupportedError
    try:
        page.feed(text)
        page.close()
    except AssertionError:  # a declaration that nobody knows
        raise DamagedError from None
    return page


def _without_raw_parts(text: str) -> str:
    """The page without comments, scripts and styles; one that never ends goes on to the end, as in browsers."""
    folded = text.translate(_SMALL)  # of the same length
    pieces, at = [], 0
    while found := _RAW.search(folded, at):
        pieces.append(text[at : found.start()])
        closing = _CLOSING[found[0]]
        end = folded.find(closing, found.end())
        if end < 0:
            return "".join(pieces)
        at = end + len(closing) if closing == "-->" else folded.find(">", end) + 1 or len(text)
    return "".join([*pieces, text[at:]])


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.fields: list[Field] = []
        self.text: list[str] = []
        self._hidden: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "meta" and found.get("name"):
            self.fields.append(Field("html meta", found["name"] or "", found.get("content") or ""))
        elif tag == "body":
            self._hidden.clear()
        elif tag in _UNSEEN or tag in self._hidden[-1:] or (tag not in _EMPTY and _hides(found)):
            self._hidden.append(tag)
        if _LINES.fullmatch(tag):
            self.text.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._hidden:
            while self._hidden.pop() != tag:
                pass
        if _LINES.fullmatch(tag):
            self.text.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.text.append(data)


def _hides(attributes: Mapping[str, str | None]) -> bool:
    """Whether an element says of itself that it is not shown; what style sheets say of it is not read."""
    return "hidden" in attributes or _HIDING.search((attributes.get("style") or "").casefold()) is not None


def markdown_fields(text: str) -> Iterator[Field]:
    """Every entry of the front matter; a mapping comes as its JSON. Raises `DamagedError` where it is not YAML."""
    found = _FRONT_MATTER.match(text)
    if found is None:
        return
    try:
        value = parse_yaml(found[1].encode(), "front matter").value
    except UserError:
        raise DamagedError from None
    if isinstance(value, dict):
        for name, entry in value.items():
            yield Field("markdown front matter", name, _as_text(entry))


def markdown_text(text: str) -> str:
    """The text without its front matter, comments and definitions of links."""
    found = _FRONT_MATTER.match(text)
    return _UNRENDERED.sub("", text if found is None else text[found.end() :])


def json_fields(content: bytes) -> Iterator[Field]:
    """Members of the outermost object. Raises `DamagedError`."""
    value = _json(content)
    if isinstance(value, dict):
        for name, entry in value.items():
            yield Field("json member", name, _as_text(entry))


def json_text(content: bytes) -> str:
    """All texts in it but for a label for machines, a line each. Raises `DamagedError`."""
    value = _json(content)
    return "\n".join(_strings({**value, AIGC: None} if isinstance(value, dict) else value))


def _json(content: bytes) -> Any:
    try:
        return parse_json(content, "json", largest=_LARGEST, any_number=True)
    except UserError:
        raise DamagedError from None


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _strings(inner)


def _as_text(value: Any) -> str:
    """A text as it is, anything else as JSON, numbers in it as texts: `Label: 1` is how people write YAML."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        value = {name: entry if isinstance(entry, str) else str(entry) for name, entry in value.items()}
    text = json.dumps(value, ensure_ascii=False, default=str)
    if len(text) > LONGEST_VALUE:
        raise DamagedError
    return text
