"""What the text check leaves behind: threat model, report, perturbed texts with the changed spots marked, remarks."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from decimal import Decimal

import numpy as np

from touchstone.canonical import canonical_json
from touchstone.checks.declaration import Run
from touchstone.checks.system_resilience.attack_findings import unconfirmed
from touchstone.checks.system_resilience.inputs import may_be_shown
from touchstone.checks.system_resilience.text_attacker import Find, TextAttacker
from touchstone.methods.attacks.text.changes import Change
from touchstone.methods.attacks.text.segments import units
from touchstone.records import Exhibit, Note, number, plain
from touchstone.system.subject import Subject
from touchstone.text import Text

MOST_SHOWN = 500
MARK = ("⟦", "⟧")
"""Around each changed spot; what has no shape of its own is written as its code point."""


def exhibits(subject: Subject, attacker: TextAttacker, run: Run) -> tuple[Exhibit, ...]:
    """Threat model and report without a word of any text; perturbed texts only where the test data may be shown."""
    finds = sorted(attacker.finds, key=lambda find: find.index)
    kept = {"threat_model.json": _threat_json(attacker), "attack_report.json": _report_json(attacker, finds)}
    if finds and may_be_shown(subject):
        kept["perturbed_texts.json"] = {
            "schema": "touchstone.perturbed-texts/v1",
            "marks": {"en": "changed spots stand between ⟦ and ⟧", "zh": "改动之处以 ⟦ ⟧ 标出"},
            "texts": [_text_json(attacker, find) for find in finds[:MOST_SHOWN]],
        }
    return tuple(run.exhibit(name, "application/json", canonical_json(content)) for name, content in kept.items())


def remarks(attacker: TextAttacker) -> tuple[Note, ...]:
    """What a reader of the numbers has to know."""
    notes = [_LOWER_BOUND, _READABILITY, _cost(attacker)]
    if not attacker.scored:
        notes.append(_LABELS_ONLY)
    if attacker.unconfirmed:
        notes.append(unconfirmed(attacker.unconfirmed))
    foreign = sum(not units(attacker.texts[row]) for row in attacker.attacked)
    if foreign:
        notes.append(_foreign(foreign))
    return tuple(notes)


def marked(text: str, changes: Sequence[Change]) -> tuple[str, str]:
    """Original and perturbed text with the changed spots marked.

    >>> marked("good day", [Change(0, 4, "go od", "split")])
    ('⟦good⟧ day', '⟦go od⟧ day')
    """
    before, after, place = [], [], 0
    for change in sorted(changes, key=lambda change: change.start):
        same = text[place : change.start]
        before += [same, MARK[0], text[change.start : change.end], MARK[1]]
        after += [same, MARK[0], _visible(change.replacement), MARK[1]]
        place = change.end
    return "".join([*before, text[place:]]), "".join([*after, text[place:]])


def _visible(text: str) -> str:
    return "".join(f"\\u{ord(c):04x}" if unicodedata.category(c) == "Cf" else c for c in text)


def _text_json(attacker: TextAttacker, find: Find) -> dict[str, object]:
    original, perturbed = marked(attacker.texts[find.index], find.result.changes)
    return {
        "row": int(attacker.order[find.index]),
        "original": original,
        "perturbed": perturbed,
        "text": find.result.text,
        "label_before": int(attacker.y[find.index]),
        "label_after": find.answer,
    }


def _threat_json(attacker: TextAttacker) -> dict[str, object]:
    threat = attacker.threat()
    return {
        "schema": "touchstone.text-threat-model/v1",
        "knowledge": "scores" if attacker.scored else "labels",
        "targeted": False,
        "share_of_units": plain(attacker.parameters.edit_share),
        "queries_per_text": threat.queries,
        "beam": threat.beam,
        "families": list(threat.families),
        "kept": ["first-letters-in-typos", "numbers", "addresses"],
    }


def _report_json(attacker: TextAttacker, finds: Sequence[Find]) -> dict[str, object]:
    return {
        "schema": "touchstone.text-attack-report/v1",
        "texts": len(attacker.correct),
        "answered_correctly": len(attacker.attacked),
        "queries": attacker.queries,
        "broken": [
            {
                "row": int(attacker.order[find.index]),
                "seed": str(attacker.seeds[find.index]),
                "families": sorted(change.family for change in find.result.changes),
                "units": find.result.units,
                "units_changed": len(find.result.changes),
                "characters_changed": find.result.edits,
                "queries": find.result.queries,
                "label_before": int(attacker.y[find.index]),
                "label_after": find.answer,
            }
            for find in finds
        ],
    }


def _cost(attacker: TextAttacker) -> Note:
    used, available, asked = len(attacker.correct), attacker.available, attacker.queries
    en = f"{used} of {available} texts were used, and the search asked {asked} questions"
    zh = f"在 {available} 条文本中使用 {used} 条；搜索共询问 {asked} 次"
    if attacker.finds:
        spots = plain(number(Decimal(repr(float(np.median([len(find.result.changes) for find in attacker.finds]))))))
        en += f"; half of the broken texts needed at most {spots} changed words or characters"
        zh += f"；被攻破的文本中有一半改动不超过 {spots} 个词或字"
    return Note(code="cost", text=Text(en, zh))


_LOWER_BOUND = Note(
    code="lower-bound",
    text=Text(
        "the success rate is a lower bound: attacks prove that a text can be turned, never that it cannot",
        "攻击成功率只是下界：攻击能证明文本可被翻转，不能证明其不可被翻转",
    ),
)
_READABILITY = Note(
    code="readability-not-judged",
    text=Text(
        "the changes are of kinds that readers see through, but no person judged whether these texts still say the "
        "same; look at the perturbed texts before acting on the rate",
        "所用改动均属读者通常能看懂的类型，但未经人工判断改动后的文本是否仍表达原意；采取措施前请查看改动后的文本",
    ),
)
_LABELS_ONLY = Note(
    code="labels-only",
    text=Text(
        "the model answers with labels only, so the search had no direction and finds less than with probabilities; "
        "rates by kind of perturbation are left out",
        "模型仅返回标签，搜索缺少方向，所得成功率低于可获得概率时；未按扰动类型分别测量",
    ),
)


def _foreign(count: int) -> Note:
    return Note(
        code="other-scripts",
        text=Text(
            f"{count} texts hold neither words in Latin letters nor Chinese characters; they count as not broken",
            f"{count} 条文本既无拉丁字母词语也无汉字，按未攻破计",
        ),
    )
