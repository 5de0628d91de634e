"""How much unfit content the search of a corpus finds, plain and in disguise, what it reports wrongly, and how fast.

    OMP_NUM_THREADS=1 python benchmarks/corpus_content.py [AHOCORASICK_PYTHON]

Sentences of all 31 risks, and ordinary ones on the same subjects, stand in `corpus_content_texts.yaml`. They were
written by the authors of the lexicons, but after them, and the lexicons were not changed to find more of them: what
others write will be found less often. A third kind holds words of the subjects that meet by chance. Each sentence
stands among neutral ones, as in a corpus. Speed is processor time on one core; beside it, where a Python with it is
named, pyahocorasick, an automaton in C, which looks for the same words in the same texts and does nothing else: it
undoes no disguise, joins no words to patterns and knows no context.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from record import keep
from touchstone.checks.data_security.corpus_lexicons import ContentScanner, installed_content_scanner
from touchstone.methods.content.disguise import DISGUISES
from touchstone.standard.content_lexicons import content_lexicons
from touchstone.statistics import proportion_bounds

TEXTS = yaml.safe_load((Path(__file__).parent / "corpus_content_texts.yaml").read_text(encoding="utf-8"))
LANGUAGES = ("en", "zh")
CLAIM = (
    "Of unfit sentences written apart from the lexicons at least 0.8 are found in either language, in disguise as well"
    " as plain; at most 0.05 of ordinary ones on the same subjects are reported; ordinary prose is searched at 20 MB"
    " per second of CPU or more."
)
TIMES = 5
"""How often every sentence stands in the corpus, each time among others."""
MEGABYTES = 16
ROW_SENTENCES = 12
PEER = """
import ahocorasick, json, sys, time
words, rows = json.load(sys.stdin)
automaton = ahocorasick.Automaton()
for word in words:
    automaton.add_word(word.lower(), word)
automaton.make_automaton()
started = time.process_time()
found = sum(1 for row in rows for _ in automaton.iter(row.lower()))
print(time.process_time() - started)
"""


def main() -> None:
    scanner = installed_content_scanner()
    generator = np.random.default_rng(0)
    measured = {
        "sentences": {language: _sizes(language) for language in LANGUAGES},
        "found": {language: _found(scanner, language, generator) for language in LANGUAGES},
        "megabytes_per_second": {
            language: {
                "ordinary_prose": _speed(scanner, TEXTS["neutral"][language], generator),
                "half_on_the_subjects_of_the_lexicons": _speed(
                    scanner, [*TEXTS["neutral"][language] * 5, *TEXTS["ordinary"][language]], generator
                ),
            }
            for language in LANGUAGES
        },
    }
    keep("corpus_content", CLAIM, measured)


def _sizes(language: str) -> dict[str, int]:
    unfit = sum(len(by_language[language]) for by_language in TEXTS["unfit"].values())
    return {"unfit": unfit} | {kind: len(TEXTS[kind][language]) for kind in ("ordinary", "alike")}


def _found(scanner: ContentScanner, language: str, generator: np.random.Generator) -> dict[str, Any]:
    sentences = [(risk, text) for risk, texts in TEXTS["unfit"].items() for text in texts[language]]
    plain = _reported(scanner, language, [text for _, text in sentences], generator)
    by_risk: dict[str, list[bool]] = defaultdict(list)
    for (risk, _), found in zip(sentences, plain, strict=True):
        by_risk[risk].append(found)
    ordinary, alike = (_reported(scanner, language, TEXTS[kind][language], generator) for kind in ("ordinary", "alike"))
    return {
        "recall": _share(plain),
        "false_alarms_on_ordinary": _share(ordinary),
        "false_alarms_where_words_meet_by_chance": _share(alike),
        "precision_of_all": round(sum(plain) / sum([*plain, *ordinary, *alike]), 3),
        "recall_in_disguise": {
            disguise.__name__: _share(
                _reported(scanner, language, [text for _, text in sentences], generator, disguise)
            )
            for disguise in DISGUISES[language]
        },
        "recall_by_risk": {risk: f"{sum(found)} of {len(found)}" for risk, found in by_risk.items()},
    }


def _reported(
    scanner: ContentScanner,
    language: str,
    sentences: Sequence[str],
    generator: np.random.Generator,
    disguise: Callable[[str], str] = str,
) -> list[bool]:
    """Whether each sentence is reported wherever it stands."""
    rows = [_among_others(disguise(text), language, generator) for text in sentences for _ in range(TIMES)]
    found = np.zeros(len(rows), dtype=bool)
    found[[hit.text for hit in scanner.scan(rows)]] = True
    return [bool(times.all()) for times in found.reshape(-1, TIMES)]


def _among_others(text: str, language: str, generator: np.random.Generator) -> str:
    others = [str(each) for each in generator.choice(TEXTS["neutral"][language], 4)]
    return (" " if language == "en" else "").join([*others[:2], text, *others[2:]])


def _share(found: Sequence[bool]) -> dict[str, Any]:
    low, high = proportion_bounds(sum(found), len(found))
    return {"value": round(sum(found) / len(found), 3), "low": round(low, 3), "high": round(high, 3), "n": len(found)}


def _speed(scanner: ContentScanner, sentences: Sequence[str], generator: np.random.Generator) -> dict[str, float]:
    sentence_bytes = sum(len(text.encode()) for text in sentences) / len(sentences)
    rows = [
        " ".join(map(str, generator.choice(sentences, ROW_SENTENCES)))
        for _ in range(int(MEGABYTES * 1e6 / sentence_bytes / ROW_SENTENCES))
    ]
    megabytes = sum(len(row.encode()) for row in rows) / 1e6
    scanner.scan(rows[:100])
    started = time.process_time()
    scanner.scan(rows)
    measured = {"search": round(megabytes / (time.process_time() - started), 1)}
    if len(sys.argv) > 1:
        asked = json.dumps([_words(), rows])
        answer = subprocess.run([sys.argv[1], "-c", PEER], input=asked, capture_output=True, text=True, check=True)
        measured["pyahocorasick"] = round(megabytes / float(answer.stdout), 1)
    return measured


def _words() -> list[str]:
    lists = [
        each
        for pack in content_lexicons()
        for entry in pack.lexicons.values()
        for each in (entry.terms, *(pack.words[name] for pattern in entry.patterns for name in pattern))
    ]
    return sorted({word.removesuffix("*") for each in lists for word in each})


if __name__ == "__main__":
    main()
