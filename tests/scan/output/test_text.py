"""What a person reads at a terminal: everything that matters, short, and nothing that steers the terminal."""

from __future__ import annotations

import re

import pytest

from tests.scan.made import every_kind, file, finding, gap, result
from touchstone.scan.findings import SEVERITIES, VERDICTS
from touchstone.scan.output import words
from touchstone.scan.output.text import conclusion, to_text
from touchstone.scan.walk import LINK_OUT


def test_a_finding_is_told_with_its_place_the_call_and_what_to_do() -> None:
    text = to_text(every_kind(), "en")
    assert "✗ unsafe  models/<b>evil.pkl  (pickle, 100 B)" in text
    assert "critical: os.system('id')" in text
    assert "models/<b>evil.pkl, byte 7–9  [link/leads-out]" in text
    assert "models/<b>evil.pkl!inner/data.pkl, byte 3–5" in text
    assert f"→ {LINK_OUT.remedy.en}" in text
    assert "models/<b>evil.pkl!second: no reader for format psd" in text


def test_the_worst_comes_first_and_the_coverage_last() -> None:
    lines = to_text(every_kind(), "en").splitlines()
    verdicts = [line.split()[1] for line in lines if line[:1] in words.MARKS.values() and "(" in line]
    assert verdicts == ["unsafe", "to", "incomplete", "accepted", "clean"]
    assert lines[-1] == ("5 files, 500 B; read to the last byte 2, not 3 (format not understood 2, limit reached 1)")


def test_what_is_accepted_and_what_became_of_the_allow_file_is_told() -> None:
    text = to_text(every_kind(), "en")
    assert "models/known.pkl: os.system('id') – reviewed <by> us (A. Person, until 2027-01-31)" in text
    assert "models/known.pkl: no reader for format psd – a drawing (until 2027-01-31)" in text
    assert "! allow.yaml:9: expired" in text


def test_information_is_told_only_to_those_who_ask() -> None:
    assert "note: x" not in to_text(every_kind(), "en")
    assert "note: x" in to_text(every_kind(), "en", verbose=True)


def test_chinese_says_the_same() -> None:
    text = to_text(every_kind(), "zh")
    assert "✗ 危险  models/<b>evil.pkl" in text
    assert "严重：os.system('id')" in text
    assert "共 5 个文件，500 B；完整读取 2 个，未完整读取 3 个（格式无法识别 2，达到上限 1）" in text
    english = {title.en for title in (*words.VERDICTS.values(), *words.SEVERITIES.values(), *words.GAPS.values())}
    assert [word for word in english - {"clean"} if re.search(rf"\b{word}\b", text)] == []  # a file is called so


def test_a_thousand_files_stay_short_until_all_are_asked_for() -> None:
    files = [file(f"clean{number}.bin") for number in range(990)]
    files += [file(f"odd{number}.psd", gaps=(gap(f"odd{number}.psd"),)) for number in range(10)]
    text = to_text(result(*files), "en")
    assert len(text.splitlines()) < 10
    assert "odd0.psd, odd1.psd, odd2.psd, 7 more (--verbose lists them)" in text
    assert "10 incomplete, 990 clean" in text
    assert len(to_text(result(*files), "en", verbose=True).splitlines()) > 1000


def test_of_many_findings_the_worst_are_told() -> None:
    found = [finding("x", shown=f"a.b{number}", severity="low") for number in range(50)] + [finding("x", shown="c.d")]
    text = to_text(result(file("x", findings=tuple(found))), "en")
    assert "critical: c.d" in text
    assert "46 more (--verbose lists them)" in text
    assert text.count(LINK_OUT.remedy.en) == 1


def test_few_files_are_listed_even_when_clean() -> None:
    assert "✓ clean  model.onnx" in to_text(result(file("model.onnx")), "en")


@pytest.mark.parametrize("colour", [False, True])
def test_colour_is_used_only_where_it_was_asked_for(colour: bool) -> None:
    assert ("\x1b[" in to_text(every_kind(), "en", colour=colour)) is colour
    assert ("\x1b[" in conclusion(every_kind(), "en", colour=colour)) is colour


def test_every_verdict_severity_and_gap_has_a_name() -> None:
    assert list(words.MARKS) == list(words.VERDICTS) == list(words.MEANINGS) == list(VERDICTS)
    assert list(words.SEVERITIES) == list(SEVERITIES)
