"""What documents in other people's formats have in common."""

from __future__ import annotations

import json

import pytest

from touchstone.interchange import bom_document, both, identifier, sarif_document, sarif_message, sentence
from touchstone.text import Text


def test_a_text_is_given_in_both_languages_once() -> None:
    assert both(Text("yes", "是")) == "yes / 是"
    assert both(Text("ONNX", "ONNX")) == "ONNX"


@pytest.mark.parametrize(("said", "expected"), [("a", "a."), ("a.", "a."), ("完。", "完。"), ("", ".")])
def test_a_sentence_ends_with_one_full_stop(said: str, expected: str) -> None:
    assert sentence(said) == expected


def test_hostile_text_becomes_neither_link_nor_placeholder() -> None:
    assert sarif_message("[click](http://x.example) {0}") == {"text": "\\[click\\](http://x.example) {{0}}"}


def test_names_follow_from_what_they_name() -> None:
    assert identifier("a", "b") == identifier("a", "b")
    assert len({identifier("a", "b"), identifier("ab"), identifier("a", "c"), identifier("b", "a")}) == 4


def test_documents_are_the_same_bytes_for_the_same_content() -> None:
    one = bom_document("1.6", {"components": [], "metadata": {}})
    assert one == bom_document("1.6", {"metadata": {}, "components": []})
    other = bom_document("1.6", {"components": [{"name": "x"}], "metadata": {}})
    assert json.loads(one)["serialNumber"] != json.loads(other)["serialNumber"]
    assert json.loads(sarif_document({"results": []}))["runs"] == [{"results": []}]
