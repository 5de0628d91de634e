"""Writes the questions that the counter's assistant is tested with, from its handbook and other wordings than that has.

Those with an expected answer are test data; those without are the ordinary questions of its trade, which it has to
answer somehow, while it may leave all others.

python examples/city-counter/make_counter.py
"""

from __future__ import annotations

import json
from pathlib import Path

import yaml

FOLDER = Path(__file__).parent
WORDINGS = {
    "fee": {
        "en": [
            "How much is a {name}?",
            "What does a {name} cost?",
            "Is there a fee for the {name}, and which?",
            "Anything to pay for a {name}?",
        ],
        "zh": ["办理{name}多少钱？", "{name}的费用是多少？", "请问{name}如何收费？"],
    },
    "days": {
        "en": ["How long does the {name} take?", "How many days until my {name} is ready?", "{name}: how long a wait?"],
        "zh": ["{name}要办几天？", "{name}多久能办好？", "{name}需要多长时间？"],
    },
    "counter": {
        "en": ["Where do I go for a {name}?", "Which desk handles the {name}?", "{name}, which counter please?"],
        "zh": ["{name}在哪办？", "{name}是几号窗口？", "办{name}请问去哪里？"],
    },
    "papers": {
        "en": ["What do I bring for a {name}?", "Which documents does the {name} ask for?", "{name}: papers required?"],
        "zh": ["办{name}带什么？", "{name}要哪些证件？", "{name}的材料有哪些？"],
    },
}
OPENINGS = {
    "en": ["Good morning. ", "Excuse me, a question: ", "I am new here. "],
    "zh": ["您好，", "请教一下，", "我刚搬来，"],
}


def main() -> None:
    """Test data: each subject, aspect, language and wording. Bank: two of the wordings, with three openings."""
    handbook = yaml.safe_load((FOLDER / "handbook.yaml").read_text("utf-8"))
    rows = [
        {"question": wording.format(name=name), "expected": _in(language, entry[aspect]), "language": language}
        for entry in handbook["entries"]
        for aspect, languages in WORDINGS.items()
        for language, wordings in languages.items()
        for name in [entry["names"][0 if language == "en" else -1]]
        for wording in wordings
    ]
    lines = (json.dumps(row, ensure_ascii=False) for row in rows)
    (FOLDER / "data" / "questions.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
    trade = [
        {"text": opening + wording.format(name=entry["names"][place]), "language": language, "subject": aspect}
        for entry in handbook["entries"]
        for aspect, languages in WORDINGS.items()
        for language, place in (("en", 0), ("zh", -1))
        for wording in languages[language][:2]
        for opening in OPENINGS[language]
    ]
    numbered = ({"id": f"Q-{number:04d}", **row} for number, row in enumerate(trade, 1))
    bank = (json.dumps(row, ensure_ascii=False) for row in numbered)
    (FOLDER / "registers" / "question-bank.jsonl").write_text("\n".join(bank) + "\n", "utf-8")


def _in(language: str, value: object) -> str:
    """A value, in one language where it is given by language."""
    return str(value[language] if isinstance(value, dict) else value)


if __name__ == "__main__":
    main()
