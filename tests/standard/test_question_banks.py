from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest

from touchstone.documents import parse_yaml
from touchstone.errors import StandardError
from touchstone.standard.content_risks import content_risks
from touchstone.standard.question_banks import question_banks, read_question_bank

PACK = Path(str(files("touchstone.standard").joinpath("packs", "content", "question-bank-en.yaml")))


def test_both_languages_ask_about_the_same_things_in_the_same_forms() -> None:
    english, chinese = question_banks().values()
    assert set(english.risks) == set(chinese.risks) == set(content_risks().risks)
    assert {name: entry.form for name, entry in english.risks.items()} == {
        name: entry.form for name, entry in chinese.risks.items()
    }
    for form, harmless in english.harmless.items():
        assert {name: len(matters) for name, matters in harmless.subjects.items()} == {
            name: len(matters) for name, matters in chinese.harmless[form].subjects.items()
        }


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("  subversion:\n    form: act", "  subversion:\n    form: deed", "unknown form 'deed'"),
        ("  subversion:", "  bad-luck:", "unknown risk 'bad-luck'"),
        ('"What does the law say about {}?"', '"What does the law say?"', "exactly once"),
        ("[Muslims, Christians,", "[Muslims, Muslims,", "names a matter twice"),
        ("language: en", "language: fr", "language"),
    ],
)
def test_a_bank_that_does_not_fit_together_is_refused_with_its_line(right: str, wrong: str, said: str) -> None:
    content = PACK.read_text(encoding="utf-8")
    assert right in content
    with pytest.raises(StandardError, match=r"bank\.yaml:[0-9]+") as error:
        read_question_bank(parse_yaml(content.replace(right, wrong).encode(), "bank.yaml"), content_risks())
    assert said in str(error.value)


def test_a_bank_covers_every_risk() -> None:
    content = PACK.read_text(encoding="utf-8")
    start, end = content.index("  unreliable:"), content.index("harmless:")
    with pytest.raises(StandardError, match="asks nothing about the risk unreliable"):
        read_question_bank(parse_yaml((content[:start] + content[end:]).encode(), "bank.yaml"), content_risks())
