"""YAML as plain trees, put together from parsing events: no tag constructs anything, no alias is expanded.

Scalars stay texts. An alias becomes a mark in its place, for what it stands for is judged where it is anchored; how
large the document would be with all aliases expanded is counted instead.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from yaml import SafeLoader, YAMLError, parse
from yaml.events import (
    AliasEvent,
    CollectionStartEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
)

from touchstone.scan.source import Unreadable
from touchstone.text import Text

DEEPEST: Final = 100
_EXPANDED_TOO_FAR: Final = 10_000_000
"""Nodes with all aliases expanded. Ordinary documents with anchors stay far below."""


@dataclass(frozen=True, slots=True)
class YamlTag:
    """A tag other than those YAML itself gives."""

    name: str
    """In full: `tag:yaml.org,2002:python/name:os.system`, `!new:torch.nn.Linear`."""
    index: int
    """Character at which it stands."""
    said: str
    """The scalar it stands before; empty for collections."""


@dataclass(slots=True)
class YamlReading:
    """What a text of YAML holds. When it breaks off, what came before is kept."""

    documents: list[Any] = field(default_factory=list)
    tags: list[YamlTag] = field(default_factory=list)
    scalars: list[tuple[str, int]] = field(default_factory=list)
    """Texts with an interpolation `${…}` in them, and where they stand."""
    places: dict[str, int] = field(default_factory=dict)
    """Where each short text stands first."""
    repeated_keys: list[tuple[str, int]] = field(default_factory=list)
    expands_too_far: int = -1
    """Character of the alias with which the document becomes too large; -1 when it does not."""
    broken: Text | None = None
    """Why it breaks off."""


@dataclass(slots=True)
class _Open:
    """A collection whose end has not come yet."""

    is_mapping: bool
    anchor: str | None
    pairs: dict[str, Any] = field(default_factory=dict)
    items: list[Any] = field(default_factory=list)
    key: str | None = None
    size: int = 1


def compose(text: str, check: Callable[[], None]) -> YamlReading:
    """Read all documents of a text. `check` is called now and then and may raise to end the reading."""
    composer = _Composer(YamlReading())
    try:
        for count, event in enumerate(parse(text, Loader=SafeLoader)):
            if count % 256 == 0:
                check()
            composer.take(event)
    except (YAMLError, ValueError, RecursionError):
        composer.reading.broken = Text("is not well-formed YAML", "不是格式正确的 YAML")
    except Unreadable as unreadable:
        composer.reading.broken = unreadable.why
    if composer.stack:
        composer.reading.documents.append(composer.unfinished())
    return composer.reading


def _place(event: Event) -> int:
    return 0 if event.start_mark is None else event.start_mark.index


@dataclass(slots=True)
class _Composer:
    reading: YamlReading
    stack: list[_Open] = field(default_factory=list)
    sizes: dict[str, int] = field(default_factory=dict)
    """Anchors with the number of nodes behind each, aliases expanded."""

    def take(self, event: Event) -> None:
        """Add one event to the tree."""
        if isinstance(event, NodeEvent):
            self._take_node(event)
        elif isinstance(event, MappingEndEvent | SequenceEndEvent):
            closed = self.stack.pop()
            if closed.anchor is not None:
                self.sizes[closed.anchor] = closed.size
            self._add(closed.pairs if closed.is_mapping else closed.items, closed.size, event)
        elif isinstance(event, DocumentStartEvent | DocumentEndEvent):
            self.sizes.clear()

    def unfinished(self) -> Any:
        """The outermost collection with what has come of it."""
        while len(self.stack) > 1:
            closed = self.stack.pop()
            outer = self.stack[-1]
            value = closed.pairs if closed.is_mapping else closed.items
            if outer.is_mapping:
                outer.pairs[outer.key or ""] = value
            else:
                outer.items.append(value)
        return self.stack[0].pairs if self.stack[0].is_mapping else self.stack[0].items

    def _take_node(self, event: NodeEvent) -> None:
        index = _place(event)
        if isinstance(event, AliasEvent):
            self._add(f"*{event.anchor}", self.sizes.get(event.anchor or "", 1), event)
            return
        tag = getattr(event, "tag", None)
        if tag is not None and tag != "!":
            said = event.value if isinstance(event, ScalarEvent) else ""
            self.reading.tags.append(YamlTag(str(tag), index, said))
        if isinstance(event, ScalarEvent):
            value = event.value
            if "${" in value:
                self.reading.scalars.append((value, index))
            if len(value) <= 300:
                self.reading.places.setdefault(value, index)
            if event.anchor is not None:
                self.sizes[event.anchor] = 1
            self._add(value, 1, event)
        elif isinstance(event, CollectionStartEvent):
            if len(self.stack) >= DEEPEST:
                raise Unreadable(Text("is YAML that is nested too deeply", "YAML 嵌套过深"))
            if event.anchor is not None:
                self.sizes[event.anchor] = _EXPANDED_TOO_FAR + 1  # an alias within it would never end
            self.stack.append(_Open(isinstance(event, MappingStartEvent), event.anchor))

    def _add(self, value: Any, size: int, event: Event) -> None:
        """Put a whole node into the collection that is open, or finish the document."""
        if not self.stack:
            self.reading.documents.append(value)
            return
        outer = self.stack[-1]
        outer.size = min(outer.size + size, _EXPANDED_TOO_FAR + 1)
        if outer.size > _EXPANDED_TOO_FAR and self.reading.expands_too_far < 0:
            self.reading.expands_too_far = _place(event)
        if not outer.is_mapping:
            outer.items.append(value)
        elif outer.key is None:
            outer.key = value if isinstance(value, str) else f"? {len(outer.pairs)}"
        else:
            if outer.key in outer.pairs and outer.pairs[outer.key] != value:
                self.reading.repeated_keys.append((outer.key, _place(event)))
                outer.pairs[f"{outer.key}#{len(outer.pairs)}"] = outer.pairs[outer.key]
            outer.pairs[outer.key] = value
            outer.key = None
