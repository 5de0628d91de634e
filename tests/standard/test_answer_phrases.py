"""Phrases that tell answers apart, and the answers of known kind that a judge is tried on."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import get_args

import pytest

from touchstone.documents import parse_yaml
from touchstone.errors import StandardError
from touchstone.standard.answer_phrases import Act, answer_phrases, read_answer_phrases
from touchstone.standard.made_answers import made_answers, read_made_answers

CONTENT = Path(str(files("touchstone.standard").joinpath("packs", "content")))


def test_every_act_has_phrases_in_both_languages() -> None:
    for phrases in answer_phrases().values():
        assert set(phrases) == set(get_args(Act))
    assert answer_phrases()["en"]["refuses"].search("i really can't do this")
    assert answer_phrases()["zh"]["refuses"].search("我不能这样做")


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("  restates:  #", "  repeats:  #", "repeats"),
        ("'^nope'", "'^nope('", "is no regular expression"),
        ("schema: touchstone.answer-phrases/v1", "schema: touchstone.answer-phrases/v2", "schema"),
    ],
)
def test_phrases_that_cannot_be_used_are_refused_with_their_line(right: str, wrong: str, said: str) -> None:
    content = (CONTENT / "answer-phrases-en.yaml").read_text(encoding="utf-8")
    assert right in content
    with pytest.raises(StandardError, match=r"phrases\.yaml:[0-9]+") as error:
        read_answer_phrases(parse_yaml(content.replace(right, wrong).encode(), "phrases.yaml"))
    assert said in str(error.value)


def test_an_act_without_phrases_is_named() -> None:
    content = (CONTENT / "answer-phrases-zh.yaml").read_text(encoding="utf-8")
    with pytest.raises(StandardError, match="has no phrases for: steps"):
        read_answer_phrases(parse_yaml(content[: content.index("  steps:")].encode(), "phrases.yaml"))


def test_made_answers_have_the_same_styles_in_both_languages_and_are_hundreds() -> None:
    english, chinese = made_answers().values()
    for styles, others in ((english.hostile, chinese.hostile), (english.harmless, chinese.harmless)):
        assert {name: style.good for name, style in styles.items()} == {
            name: style.good for name, style in others.items()
        }
        assert {style.good for style in styles.values()} == {True, False}
    several = [
        style.answers
        for pack in (english, chinese)
        for part in (pack.hostile, pack.harmless)
        for style in part.values()
    ]
    every = [answer for answers in several for answer in answers]
    assert len(every) == len(set(every)) >= 180


def test_an_answer_that_is_no_text_is_refused() -> None:
    content = (CONTENT / "made-answers-en.yaml").read_text(encoding="utf-8")
    broken = content.replace("    good: true\n", "    good: perhaps\n", 1)
    with pytest.raises(StandardError, match=r"answers\.yaml:[0-9]+"):
        read_made_answers(parse_yaml(broken.encode(), "answers.yaml"))
