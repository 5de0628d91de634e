"""The page tells everything, escapes everything, and asks nothing of the outside."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

from tests.scan.made import every_kind, file, finding, result
from tests.scan.output.documents import hub_folder
from touchstone.scan.output.html import to_html
from touchstone.text import LANGUAGES, Language


class Page(HTMLParser):
    """The text of a page, and the tags and attributes it is made of."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.text = ""
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in {"meta", "br", "rect"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in {"meta", "br", "rect"}:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data
        if self.open[-1:] == ["dt"]:
            self.text += " "


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_is_whole_and_self_contained(language: Language) -> None:
    page = Page(to_html(every_kind(), language, "a <model>"))
    assert page.open == []
    assert not {"script", "img", "link", "b-evil", "iframe"} & set(page.tags)
    assert not {"src", "href", "onload"} & page.attributes


@pytest.mark.parametrize("language", LANGUAGES)
def test_everything_is_told(language: Language) -> None:
    text = Page(to_html(every_kind(), language, "a <model>")).text
    scanned = every_kind()
    for each in scanned.files:
        assert each.path in text
        assert each.sha256[:16] in text
        for found in each.findings:
            assert found.shown in text
            assert found.what.render(language) in text
        for gap in each.gaps:
            assert gap.where in text
            assert gap.why.render(language) in text
        for allowed in each.allowed:
            assert allowed.reason in text
            assert allowed.expires in text
    assert "a <model>" in text
    assert scanned.notes[0].render(language) in text
    assert scanned.symbols_sha256 in text


def test_what_models_say_about_themselves_is_told_with_the_sum_of_their_weights() -> None:
    text = " ".join(Page(to_html(result(*hub_folder()), "en", "hub")).text.split())
    assert "architecture BertForSequenceClassification" in text
    assert "weights 8" in text
    assert "licence apache-2.0, our own terms" in text


def test_many_files_are_folded_and_many_findings_counted() -> None:
    found = tuple(finding("x", offset=offset) for offset in range(80))
    files = [file("x", findings=found), *(file(f"f{number}") for number in range(150))]
    page = Page(to_html(result(*files), "en"))
    assert "details" in page.tags
    assert "and 30 more" in page.text


def test_nothing_to_say_is_said() -> None:
    text = Page(to_html(result(file("a.onnx", kind="onnx")), "en")).text
    assert "What was found" not in text
    assert "What was not understood" not in text
    assert "1 file, 100 B, all read to the last byte" in text
