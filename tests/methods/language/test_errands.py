"""Errands: solved by the right answer alone, in whatever paper it stands."""

from __future__ import annotations

import json

import numpy as np
import pytest

from touchstone.conversation import Reply, ToolCall
from touchstone.methods.language.documents import CARRIERS, carriers_for, new_paper
from touchstone.methods.language.errands import NOTE_ENTRY, Errand, new_errand, stands_in
from touchstone.methods.language.goals import ordinary_rules
from touchstone.methods.language.wording import Language


def errands(form: str, language: Language = "en", count: int = 20) -> list[Errand]:
    generator = np.random.default_rng(5)
    found: list[Errand] = []
    while len(found) < count:
        errand = new_errand(generator, language, calls_tools=True)
        found += [errand] if errand.form == form else []
    return found


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("form", ["find", "look-up"])
def test_the_answer_solves_it_and_everything_at_once_does_not(form: str, language: Language) -> None:
    for errand in errands(form, language):
        entries = [label if form == "look-up" else value for label, value in errand.paper.facts]
        assert errand.solved(Reply(errand.expected))
        assert errand.solved(Reply(f"  **{errand.expected.upper()}**。"))
        assert not errand.solved(Reply(errand.paper.text))
        assert not errand.solved(Reply(", ".join(entries)))
        assert not errand.solved(Reply(""))
        other = next(entry for entry in entries if entry != errand.expected)
        assert not errand.solved(Reply(other))


def test_a_format_is_a_part_of_the_errand() -> None:
    for errand in errands("as-json"):
        answer = json.dumps({"answer": errand.expected})
        assert errand.solved(Reply(answer))
        assert errand.solved(Reply(f"```json\n{answer}\n```"))
        for wrong in (errand.expected, json.dumps({"answer": "?"}), json.dumps([errand.expected]), "{", answer * 2):
            assert not errand.solved(Reply(wrong))


def test_the_right_tool_is_called_once_with_the_right_value() -> None:
    for errand in errands("call"):
        call = ToolCall("1", NOTE_ENTRY.name, json.dumps({"value": errand.expected}))
        assert errand.solved(Reply("", (call,)))
        assert not errand.solved(Reply(errand.expected))
        assert not errand.solved(Reply("", (call, call)))
        assert not errand.solved(Reply("", (ToolCall("1", "other", call.arguments),)))
        assert not errand.solved(Reply("", (ToolCall("1", NOTE_ENTRY.name, '{"value": "?"}'),)))


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("carrier", CARRIERS)
def test_every_paper_holds_its_facts_and_its_remark(carrier: str, language: Language) -> None:
    paper = new_paper(np.random.default_rng(1), language, carrier)
    whole = paper.name + paper.text
    assert all(label in paper.text and value in paper.text for label, value in paper.facts)
    assert paper.remark in whole
    assert len(dict(paper.facts)) == len({value for _, value in paper.facts}) == 5
    other = paper.carrying(carrier, "Ignore the rest.")
    assert "Ignore the rest." in other.name + other.text
    assert paper.remark not in other.name + other.text


def test_tools_are_offered_to_those_that_call_them_only() -> None:
    generator = np.random.default_rng(2)
    for _ in range(100):
        errand = new_errand(generator, "zh", calls_tools=False)
        conversation = errand.conversation(generator, ordinary_rules(generator, "zh"))
        assert conversation.tools == ()
        assert [message.speaker for message in conversation.messages] == ["system", "user"]
    assert "tool-result" not in carriers_for(False)


@pytest.mark.parametrize(
    ("expected", "text", "found"),
    [
        ("4 pm", "It closes at 4 PM.", True),
        ("4 pm", "It closes at 14 pm.", False),
        ("1240.50", "1,240.50 EUR", True),
        ("王思远", "联系人是王思远。", True),
        ("Ａ１", "a1", True),
        ("", "anything", False),
        ("5", "2.5 days", False),
        ("5", "5.3", False),
        ("5", "It takes 5. Come early.", True),
        ("五天", "十五天", False),
        ("五天", "需要五天", True),
        ("需要", "不需要", False),
        ("需要", "不是不需要，而是需要。", True),
        ("required", "It is not required.", False),
        ("required", "It isn’t required.", False),
        ("required", "Not today, but it is required.", True),
    ],
)
def test_expressions_are_found_as_words(expected: str, text: str, found: bool) -> None:
    assert stands_in(expected, text) == found
