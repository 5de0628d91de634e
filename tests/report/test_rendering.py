"""Reports of a real assessment of a small system whose names are hostile."""

import json
import re
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, ClassVar
from xml.etree import ElementTree

import pytest

from tests.building import prediction_system
from touchstone.api import assess
from touchstone.laboratory.recording import read_recorded
from touchstone.laboratory.rejudging import find_bundle
from touchstone.records import Verdict
from touchstone.report.words import VERDICTS

HOSTILE = "<script>alert(1)</script>{{7*7}}\"'&"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("report")
    identity = {
        "name": HOSTILE,
        "version": "1",
        "supplier": {"name": HOSTILE},
        "intended_use": HOSTILE,
        "sector": "other",
        "synthetic": True,
    }
    risk = {"id": "R-1", "title": HOSTILE, "identified": "2020-03-02", "owner": "P-1", "treatment": "accept"}
    (base / "system").mkdir()
    (base / "system" / "risks.jsonl").write_text(json.dumps(risk | {"residual": "low"}), "utf-8")
    system = prediction_system(
        base / "system",
        system=identity,
        facts={"deploy.affects_individuals": True, "data.personal": False},
        registers={"risks": "risks.jsonl"},
    )
    assess(system, output=base / "out")
    return base / "out"


class Reader(HTMLParser):
    """Collects what a browser would fetch or run, checks nesting, and keeps the text."""

    VOID: ClassVar = {"meta", "img", "br", "rect", "line", "circle"}

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.addresses: list[str] = []
        self.ids: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            assert not name.startswith("on"), name
            if name in {"href", "src"}:
                self.addresses.append(value)
            if name == "id":
                self.ids.append(value)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] != ["style"]:
            self.text.append(data)


def read(folder: Path, language: str) -> Reader:
    reader = Reader()
    reader.feed((folder / f"report.{language}.html").read_text("utf-8"))
    assert reader.open == []
    return reader


@pytest.mark.parametrize("language", ["en", "zh"])
def test_nothing_is_fetched_and_nothing_runs(folder: Path, language: str) -> None:
    reader = read(folder, language)
    assert "script" not in reader.tags
    assert all(address.startswith(("#", "data:image/png;base64,")) for address in reader.addresses)
    assert {address[1:] for address in reader.addresses if address.startswith("#")} <= set(reader.ids)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_hostile_names_are_shown_as_text(folder: Path, language: str) -> None:
    assert HOSTILE in "".join(read(folder, language).text)


@pytest.mark.parametrize(
    ("language", "wanted"),
    [
        ("en", ["outside the scope of this test", "pilot values", "synthetic", "What it cannot tell", "Baseline"]),
        ("zh", ["不在本次测评范围内", "试点值", "合成", "不能说明的内容", "基线"]),
    ],
)
def test_what_must_not_be_hidden_is_there(folder: Path, language: str, wanted: list[str]) -> None:
    text = "".join(read(folder, language).text)
    assert not [phrase for phrase in wanted if phrase not in text]
    assert VERDICTS[Verdict.NOT_TESTED].zh in text if language == "zh" else "not tested" in text


def test_the_chinese_report_is_chinese(folder: Path) -> None:
    sentences = [text.strip() for text in read(folder, "zh").text if len(text.strip()) > 60]
    english = [text for text in sentences if not re.search("[\u4e00-\u9fff]", text) and text.count(" ") > 8]
    quoted = [HOSTILE, "touchstone verify", "operating-system"]
    assert not [text for text in english if not any(word in text for word in quoted)]


def test_registers_that_ended_long_ago_are_remarked_on_and_their_days_kept(folder: Path) -> None:
    age = (date.fromisoformat(assessed_on(folder)) - date(2020, 3, 2)).days
    assert f"The registers end on 2020-03-02, {age} days before the assessment" in "".join(read(folder, "en").text)
    assert f"登记记录止于 2020-03-02，早于测评 {age} 天" in "".join(read(folder, "zh").text)
    assert json.loads((folder / "report.json").read_text("utf-8"))["register_days"] == {"risks": "2020-03-02"}
    circumstances = read_recorded(find_bundle(folder)).circumstances
    assert circumstances.register_days == {"risks": date(2020, 3, 2)}


def assessed_on(folder: Path) -> str:
    return max(execution.started for execution in read_recorded(find_bundle(folder)).executions.values())[:10]


def test_junit_never_shows_green_for_what_nobody_looked_at(folder: Path) -> None:
    root = ElementTree.fromstring((folder / "junit.xml").read_text("utf-8"))  # noqa: S314 - our own output
    cases = {case.get("name", "").split()[0]: case for case in root.iter("testcase")}
    assert cases["MI-09"].find("failure") is None
    assert cases["SR-01"].find("skipped") is not None
    for suite in root.iter("testsuite"):
        assert int(suite.get("tests", "")) == len(suite.findall("testcase"))
        assert int(suite.get("skipped", "")) == len(suite.findall("testcase/skipped"))
