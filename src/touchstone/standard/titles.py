"""What checks call themselves and what they measure, from the cards that travel with the evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from touchstone.canonical import parse_array
from touchstone.records import CheckCard, Requirement
from touchstone.text import Text


@dataclass(frozen=True, slots=True)
class Titles:
    """The titles that hold for one control; a name that no card knows is said as the words it is made of."""

    cards: Mapping[str, CheckCard]
    requirement: Requirement
    """The control. Its own checks are asked first: another may measure something else under the same name."""

    def metric(self, name: str) -> Text:
        """What the metric `name` is called."""
        own = [self.cards[check] for check in self.requirement.checks if check in self.cards]
        titles = (card.metrics[name] for card in (*own, *self.cards.values()) if name in card.metrics)
        return next(titles, self.requirement.titles.get(name, in_words(name)))

    def check(self, name: str) -> Text:
        """What the check `name` is called; an id stays as it is."""
        return self.cards[name].title if name in self.cards else Text(name, name)


def cards_by_check(data: bytes, where: str) -> dict[str, CheckCard]:
    """The cards of a bundle, by check. Raises `EvidenceError` naming `where` when they are no list of cards."""
    cards = (CheckCard.from_json(each, where) for each in parse_array(data, where))
    return {card.id: card for card in cards}


def in_words(name: str) -> Text:
    """The id of a metric or unit as words: `attack auc`."""
    words = name.replace("_", " ")
    return Text(words, words)
