"""How well and how fast is personal information found, beside Presidio?

A labelled corpus of our own making, English and Chinese, half of the sentences with something personal and half with
numbers that only look alike; an item counts as found when a finding of any kind overlaps it, a finding as right when it
overlaps an item. Presidio 2 runs as it comes, with the spaCy model named on the command line or a blank one where none
can be had (then it knows no names), and for Chinese with the recognisers that need no language.

    OMP_NUM_THREADS=1 python benchmarks/personal_information.py [PRESIDIO_PYTHON] [SPACY_MODEL]

The made sentences and the recognisers share an author, so ours is flattered there. Beside them stands a small corpus
written by hand and never tuned on (`personal_information_corpus.py`): expect less of ours on it, and wide bounds.
Presidio takes every date, place and link for personal, which counts against its precision here.
"""

from __future__ import annotations

import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from personal_information_corpus import CHINESE, ENGLISH, HARMLESS_CHINESE, HARMLESS_ENGLISH
from record import keep

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.checks.running import InProcessRun
from tests.system.made import data_set, describe, make

from touchstone.checks.data_security.pii_scan import pii_scan
from touchstone.checks.data_security.recognisers import installed_scanner
from touchstone.methods.privacy.personal.made import Labelled, Language, sentence
from touchstone.methods.privacy.personal.scanner import Scanner
from touchstone.statistics import proportion_bounds

CLAIM = (
    "F1 of at least 0.95 on the made corpus in both languages, and at least 20 MB per second of CPU: of running prose, "
    "and of short sentences half of which hold something personal."
)
SENTENCES = 2000
TIMES = 15
FILE_MEGABYTES = 100
BY_HAND = {"en": (*ENGLISH, *HARMLESS_ENGLISH), "zh": (*CHINESE, *HARMLESS_CHINESE)}
Spans = list[tuple[int, int]]

PEER = """
import json, sys, time, warnings
warnings.filterwarnings("ignore")
import spacy
from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
from presidio_analyzer.nlp_engine import SpacyNlpEngine
from presidio_analyzer.predefined_recognizers import SpacyRecognizer
corpus, model = json.load(open(sys.argv[1])), sys.argv[2]
class Engine(SpacyNlpEngine):
    def __init__(self):
        super().__init__(models=[{"lang_code": "en", "model_name": model or "blank"}])
        self.nlp = {"en": spacy.load(model) if model else spacy.blank("en")}
    def load(self):
        pass
    def is_loaded(self):
        return True
analyzer = AnalyzerEngine(nlp_engine=Engine(), supported_languages=["en"])
analyzer.analyze("warm up", language="en")
start = time.process_time()
found = [[(r.start, r.end) for r in analyzer.analyze(text, language="en")] for text in corpus]
json.dump({"found": found, "seconds": time.process_time() - start}, sys.stdout)
"""


def main() -> None:
    peer = sys.argv[1] if len(sys.argv) > 1 else None
    model = sys.argv[2] if len(sys.argv) > 2 else ""
    scanner = installed_scanner()
    measured: dict[str, Any] = {}
    for language in ("en", "zh"):
        generator = np.random.default_rng([2026, ord(language[0])])
        corpus = [sentence(generator, language, personal=number % 2 == 0) for number in range(SENTENCES)]
        ours, seconds = scanned(scanner, corpus)
        measured[f"touchstone/{language}"] = {**quality(corpus, ours), **speed(corpus, seconds)}
        if peer:
            theirs, seconds = presidio(peer, model, corpus)
            measured[f"presidio/{language}"] = {**quality(corpus, theirs), **speed(corpus, seconds)}
        by_hand = [labelled(text) for text in BY_HAND[language]]
        ours, _ = scanned(scanner, by_hand)
        measured[f"touchstone/{language}/by_hand"] = quality(by_hand, ours)
        if peer:
            measured[f"presidio/{language}/by_hand"] = quality(by_hand, presidio(peer, model, by_hand)[0])
    measured["touchstone/running_prose"] = prose()
    measured["touchstone/file_through_the_check"] = file_through_the_check()
    measured["presidio_model"] = (model or "blank (no spaCy model could be had offline)") if peer else "not run"
    keep("personal_information", CLAIM, measured)


def labelled(marked: str) -> Labelled:
    """A sentence without its brackets, and where they stood."""
    text, items = "", []
    for number, piece in enumerate(re.split(r"\[\[|\]\]", marked)):
        if number % 2:
            items.append(("any", len(text), len(text) + len(piece)))
        text += piece
    return Labelled(text, tuple(items))


def scanned(scanner: Scanner, corpus: list[Labelled]) -> tuple[list[Spans], float]:
    """What is found in all sentences together, as the check searches them, and the median of the CPU seconds."""
    texts, columns, times = [each.text for each in corpus], [""] * len(corpus), []
    for _ in range(TIMES):
        start = time.process_time()
        found = scanner.scan_all(texts, columns)
        times.append(time.process_time() - start)
    spans = [[(each.start, each.end) for each in found.get(number, [])] for number in range(len(texts))]
    return spans, statistics.median(times)


def presidio(python: str, model: str, corpus: list[Labelled]) -> tuple[list[Spans], float]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "corpus.json"
        file.write_text(json.dumps([each.text for each in corpus]), encoding="utf-8")
        done = subprocess.run([python, "-c", PEER, str(file), model], check=True, capture_output=True, text=True)
    answer = json.loads(done.stdout)
    return [[tuple(span) for span in spans] for spans in answer["found"]], answer["seconds"]


def quality(corpus: list[Labelled], found: list[Spans]) -> dict[str, Any]:
    items, missed, right, wrong = Counter[str](), Counter[str](), 0, 0
    for each, spans in zip(corpus, found, strict=True):
        for kind, low, high in each.items:
            items[kind] += 1
            missed[kind] += not any(start < high and low < end for start, end in spans)
        for start, end in spans:
            hit = any(start < high and low < end for _, low, high in each.items)
            right, wrong = right + hit, wrong + (not hit)
    recall = 1 - missed.total() / items.total()
    low, high = proportion_bounds(items.total() - missed.total(), items.total())
    precision = right / max(1, right + wrong)
    return {
        "items": items.total(),
        "precision": round(precision, 4),
        "recall": round(recall, 4),
        "recall_bounds_95_percent": [round(low, 3), round(high, 3)],
        "f1": round(2 * precision * recall / max(1e-12, precision + recall), 4),
        "recall_by_kind": {kind: round(1 - missed[kind] / items[kind], 3) for kind in sorted(items)},
    }


def speed(corpus: list[Labelled], seconds: float) -> dict[str, float]:
    megabytes = sum(len(each.text.encode()) for each in corpus) / 1e6
    return {"cpu_seconds": round(seconds, 4), "megabytes_per_second": round(megabytes / seconds, 3)}


def prose() -> dict[str, float]:
    """Our own documentation, as one text: what speed is where little is to be found."""
    docs = Path(__file__).parents[1] / "docs"
    text = "\n".join(path.read_text(encoding="utf-8") for path in sorted(docs.rglob("*.md")))
    _, seconds = scanned(installed_scanner(), [Labelled(text, ())])
    megabytes = len(text.encode()) / 1e6
    return {
        "megabytes": round(megabytes, 2),
        "share_chinese_characters": round(sum("\u4e00" <= each <= "\u9fff" for each in text) / len(text), 3),
        "median_megabytes_per_second": round(megabytes / seconds, 1),
    }


def file_through_the_check() -> dict[str, float]:
    """A file of lines of two sentences, one sentence in ten with something personal: reading, searching, counting."""
    generator = np.random.default_rng(2026)
    languages: tuple[Language, ...] = ("en", "zh")
    pool = [sentence(generator, languages[number % 2], personal=number % 10 < 1).text for number in range(50_000)]
    lines, size = [], 0
    while size < FILE_MEGABYTES * 1e6:
        lines.append(" ".join(pool[place] for place in generator.integers(len(pool), size=2)))
        size += len(lines[-1].encode()) + 1
    description = describe(columns=["a"], format_="onnx", file="model.onnx", data={"train": data_set("t.csv", "csv")})
    description["documents"] = [{"path": "lines.txt", "controls": ["DS-03"], "title": "lines"}]
    files = {"model.onnx": b"model", "t.csv": b"a\n1\n", "lines.txt": "\n".join(lines).encode()}
    with tempfile.TemporaryDirectory() as folder:
        subject, run = make(Path(folder), description, files), InProcessRun(budget="full")
        start = time.process_time()
        measurement = pii_scan.function(subject, pii_scan.parameters(), run)
        seconds = time.process_time() - start
    rate = next(each for each in measurement.metrics if each.id == "undeclared_pi_rate")
    return {
        "megabytes": round(size / 1e6, 1),
        "records": rate.n or 0,
        "records_with_something_personal": round(float(rate.value), 4),
        "cpu_seconds": round(seconds, 2),
        "megabytes_per_second": round(size / 1e6 / seconds, 1),
    }


if __name__ == "__main__":
    main()
