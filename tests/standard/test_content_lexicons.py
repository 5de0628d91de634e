from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest

from touchstone.documents import parse_yaml
from touchstone.errors import StandardError
from touchstone.standard.content_lexicons import LexiconPack, content_lexicons, read_lexicon
from touchstone.standard.content_risks import content_risks

PACK = Path(str(files("touchstone.standard").joinpath("packs", "content", "lexicon-zh.yaml")))
packs = pytest.mark.parametrize("pack", content_lexicons(), ids=lambda pack: pack.language)


def test_both_languages_have_the_same_topics_of_the_same_risks() -> None:
    english, chinese = content_lexicons()
    assert (english.language, chinese.language) == ("en", "zh")
    assert {name: (topic.risk, topic.hazard) for name, topic in english.lexicons.items()} == {
        name: (topic.risk, topic.hazard) for name, topic in chinese.lexicons.items()
    }


@packs
def test_every_risk_and_every_hazard_has_a_lexicon(pack: LexiconPack) -> None:
    assert {topic.risk for topic in pack.lexicons.values()} == set(content_risks().risks)
    assert {topic.hazard for topic in pack.lexicons.values()} - {None} == set(content_risks().hazards)


@packs
def test_every_list_of_words_is_used_and_holds_no_word_twice(pack: LexiconPack) -> None:
    used = {name for topic in pack.lexicons.values() for pattern in topic.patterns for name in pattern}
    used |= {name for topic in pack.lexicons.values() for name in (*topic.unless, *topic.compounds)}
    assert used == set(pack.words)
    for name, words in [*pack.words.items(), *((name, topic.terms) for name, topic in pack.lexicons.items())]:
        assert len(set(words)) == len(words), name


@packs
def test_every_topic_can_be_found(pack: LexiconPack) -> None:
    assert all(topic.terms or topic.patterns for topic in pack.lexicons.values())


@pytest.mark.parametrize(
    ("line", "wrong", "said"),
    [
        ("    risk: subversion", "    risk: bad-luck", "unknown risk 'bad-luck'"),
        ("    hazard: self-harm", "    hazard: misery", "unknown hazard of this risk 'misery'"),
        ("    patterns: [[reviews, paid]]", "    patterns: [[reviews, unpaid]]", "unknown list of words 'unpaid'"),
        ("    unless: [counter, law]", "    unless: [no-news, law]", "unknown list of words 'no-news'"),
    ],
)
def test_a_lexicon_whose_parts_do_not_fit_is_refused_with_the_line(line: str, wrong: str, said: str) -> None:
    content = PACK.read_text(encoding="utf-8").replace(line, wrong, 1)
    at = content.splitlines().index(wrong) + 1
    with pytest.raises(StandardError) as refused:
        read_lexicon(parse_yaml(content.encode(), "lexicon.yaml"), content_risks())
    assert said in refused.value.what.en
    assert refused.value.where == f"lexicon.yaml:{at}"
