"""Tests of the attack on texts: with nothing to change it breaks nothing, and a model of single words falls to it."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from touchstone.checks.declaration import Run
from touchstone.checks.system_resilience.text_attacker import TextAttacker
from touchstone.methods.attacks.text import FAMILIES, attack_texts
from touchstone.methods.attacks.text.families import can_change
from touchstone.methods.attacks.text.segments import units
from touchstone.records import ControlRun, Tally
from touchstone.text import Text

CONTROL_SAMPLES = 50
ALONE = tuple(name for name, family in FAMILIES.items() if family.between is None)
"""Families that need nothing but the word: signs between characters leave the characters as they are."""
POWER = 0.95
"""Share of the texts that the attack must turn against the planted model."""


def text_controls(attacker: TextAttacker, run: Run) -> tuple[ControlRun, ...]:
    """The planted and the null control, on the first texts that were attacked."""
    rows = attacker.attacked[:CONTROL_SAMPLES]
    return _planted(attacker, rows, run), _null(attacker, rows)


def _planted(attacker: TextAttacker, rows: NDArray[np.int64], run: Run) -> ControlRun:
    texts = [attacker.texts[row] for row in rows]
    generator = run.generator("planted")
    keywords = {word for text in texts if (word := _keyword(text, generator)) is not None}
    fallible = [text for text in texts if keywords & {unit.text for unit in units(text)}]
    seeds = generator.integers(2**62, size=len(fallible)).tolist()
    target = np.ones(len(fallible), dtype=np.int64)
    model = _keyword_model(keywords, scored=attacker.scored)
    results = attack_texts(model, fallible, target, seeds, attacker.threat(Decimal(1)))
    broken, total = sum(result.succeeded for result in results), len(results)
    return ControlRun(
        kind="planted",
        expected=Text(
            f"a model that looks for single words of these texts is turned for at least {POWER:.0%} of them when "
            "every word may be changed",
            f"对只匹配这些文本中个别词语的模型，若允许改动全部词语，至少 {POWER:.0%} 的文本应被翻转",
        ),
        seen=Text(f"{broken} of {total} turned", f"{total} 条中翻转 {broken} 条"),
        passed=total > 0 and broken >= POWER * total,
        unlimited=Tally(found=broken, of=total),
    )


def _keyword(text: str, generator: np.random.Generator) -> str | None:
    """A word or character of the text that some family changes by itself, wherever it stands."""
    found = units(text)
    places = [place for place in range(len(found)) if can_change(text, found, place, ALONE)]
    return found[generator.choice(places)].text if places else None


def _keyword_model(keywords: set[str], *, scored: bool) -> Callable[[list[str]], NDArray[np.float64]]:
    """Class 1 for texts with one of the keywords, spelled exactly so."""

    def model(texts: list[str]) -> NDArray[np.float64]:
        found = np.array([sum(unit.text in keywords for unit in units(text)) for text in texts], dtype=np.float64)
        return np.stack([np.full(len(texts), 0.5), found], axis=1) if scored else (found > 0).astype(np.int64)

    return model


def _null(attacker: TextAttacker, rows: NDArray[np.int64]) -> ControlRun:
    nothing = len(attacker.attack(rows, attacker.threat(Decimal(0))))
    return ControlRun(
        kind="null",
        expected=Text("with no word to change the attack breaks nothing", "不允许改动任何词语时，攻击不应攻破任何样本"),
        seen=Text(f"{nothing} of {len(rows)} broken", f"{len(rows)} 个样本中攻破 {nothing} 个"),
        passed=nothing == 0,
    )
