"""The families of perturbations by name, and what each can make of one unit of a text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from touchstone.methods.attacks.text import chinese, english
from touchstone.methods.attacks.text.changes import Change
from touchstone.methods.attacks.text.segments import Script, Unit

VARIANTS = 3
"""Variants of one unit that are tried in each family."""


@dataclass(frozen=True, slots=True)
class Family:
    """One kind of perturbation, of the units of one script."""

    script: Script
    variants: Callable[[str], list[str]]
    between: str | None = None
    """For what happens between a unit and the next: the text that must lie there. It goes away."""


FAMILIES: dict[str, Family] = {
    "typo": Family("word", english.typos),
    "homoglyph": Family("word", english.homoglyphs),
    "split": Family("word", english.splits),
    "join": Family("word", lambda word: [word], between=" "),
    "casing": Family("word", english.casings),
    "leetspeak": Family("word", english.leetspeak),
    "word_drop": Family("word", english.drops),
    "homophone": Family("han", chinese.homophones),
    "look_alike": Family("han", chinese.look_alike_characters),
    "components": Family("han", chinese.components),
    "separation": Family("han", chinese.separations, between=""),
    "variant_form": Family("han", chinese.variant_forms),
    "pinyin": Family("han", chinese.pinyin),
    "particle_drop": Family("han", chinese.drops),
}


def changes_of(
    text: str, units: Sequence[Unit], place: int, families: Sequence[str], generator: np.random.Generator
) -> list[Change]:
    """What the families can make of the unit at `place`: at most `VARIANTS` of each, drawn at random.

    Changes of different units never overlap.
    """
    return [change for name in families for change in _drawn(_changes(text, units, place, name), generator)]


def can_change(text: str, units: Sequence[Unit], place: int, families: Sequence[str]) -> bool:
    """Whether any of the families has something for the unit at `place`."""
    return any(next(_changes(text, units, place, name), None) is not None for name in families)


def _changes(text: str, units: Sequence[Unit], place: int, name: str) -> Iterator[Change]:
    unit, family = units[place], FAMILIES[name]
    if unit.script != family.script:
        return
    end = unit.end
    if family.between is not None:
        following = units[place + 1] if place + 1 < len(units) else None
        if following is None or text[end : following.start] != family.between or following.script != family.script:
            return
        end = following.start
    for variant in family.variants(unit.text):
        yield Change(unit.start, end, variant, name)


def _drawn(changes: Iterator[Change], generator: np.random.Generator) -> list[Change]:
    every = list(changes)
    if len(every) <= VARIANTS:
        return every
    return [every[index] for index in generator.permutation(len(every))[:VARIANTS]]
