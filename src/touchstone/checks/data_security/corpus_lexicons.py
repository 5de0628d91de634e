"""The lexicons of content that the installed standard declares, ready to search with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from touchstone.methods.content.lexicon import Lexicon, LexiconScanner
from touchstone.standard.content_lexicons import LexiconEntry, LexiconPack, content_lexicons
from touchstone.standard.content_risks import UNFIT, content_risks


@dataclass(frozen=True, slots=True)
class Topic:
    """One lexicon, and what it means for a text that something of it is found."""

    name: str
    language: str
    entry: LexiconEntry

    @property
    def unfit(self) -> bool:
        """Whether one occurrence makes a text unfit for training."""
        return content_risks().risks[self.entry.risk].severity in UNFIT


@dataclass(frozen=True, slots=True)
class Hit:
    """A topic that was found in text number `text`."""

    text: int
    topic: Topic
    words: tuple[str, ...]
    """What was found, as it was read."""
    excused: bool
    """Whether words of law, news, teaching or warning stand beside it."""


class ContentScanner:
    """All installed lexicons in one search."""

    def __init__(self, packs: Sequence[LexiconPack]) -> None:
        self.topics = {topic.name: topic for pack in packs for topic in _topics(pack)}
        self._scanner = LexiconScanner(_compiled(topic, pack) for pack in packs for topic in _topics(pack))

    def scan(self, texts: Sequence[str], *, excused: bool = False) -> list[Hit]:
        """Every topic found in each of the texts, in order of the texts; on request the excused ones as well."""
        found = self._scanner.scan(texts, excused=excused)
        return [Hit(each.text, self.topics[each.lexicon], each.words, each.excused) for each in found]


@cache
def installed_content_scanner() -> ContentScanner:
    """Compiled once for each process."""
    return ContentScanner(content_lexicons())


def _topics(pack: LexiconPack) -> Iterator[Topic]:
    return (Topic(f"{pack.language}/{name}", pack.language, entry) for name, entry in pack.lexicons.items())


def _compiled(topic: Topic, pack: LexiconPack) -> Lexicon:
    entry = topic.entry
    return Lexicon(
        name=topic.name,
        terms=entry.terms,
        patterns=tuple(tuple(pack.words[name] for name in pattern) for pattern in entry.patterns),
        within=entry.within or pack.within,
        unless=tuple(word for name in entry.unless for word in pack.words[name]),
        compounds=tuple(word for name in entry.compounds for word in pack.words[name]),
    )
