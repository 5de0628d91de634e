"""`touchstone corpus sample`: the sheet, filled in, is the register that the check counts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.checks.running import InProcessRun, codes, metric
from tests.cli.program import run
from tests.system.made import data_set, describe, make
from touchstone.checks.data_security.corpus_content import CorpusSamples, corpus_content
from touchstone.errors import DescriptionError
from touchstone.system.subject import open_system

Capture = pytest.CaptureFixture[str]
MODEL: dict[str, Any] = {"task": "generation", "endpoint": "http://127.0.0.1:9", "endpoint_model": "assistant"}


def corpus(folder: Path, **data: Any) -> dict[str, Any]:
    rows = [{"text": f"第{number}段\n讲河流。", "from": "ab"[number % 2]} for number in range(60)]
    content = "\n".join(json.dumps(row) for row in rows).encode()
    declared = {"train": data_set("corpus.jsonl", "jsonl", features="text", site="from"), **data}
    description = describe(kind="text", output="text", format_="http", access="labels", data=declared, **MODEL)
    del description["model"]["output"]["labels"]
    make(folder, description, {"corpus.jsonl": content})
    return description


def test_a_sheet_that_was_filled_in_is_the_register(capsys: Capture, tmp_path: Path) -> None:
    description = corpus(tmp_path)
    sheet = tmp_path / "review.jsonl"
    finished = run(capsys, "corpus", "sample", tmp_path, "--rows", "20", "-o", sheet)
    assert finished.code == 0, finished.err
    assert "20 rows to read" in finished.out
    lines = [json.loads(line) for line in sheet.read_text(encoding="utf-8").splitlines()]
    filled = [line | {"reviewer": "P-1", "verdict": "pass", "day": "2026-11-03"} for line in lines]
    sheet.write_text("\n".join(json.dumps(line) for line in filled), encoding="utf-8")
    description["registers"] = {"corpus-review": "review.jsonl"}
    (tmp_path / "system.yaml").write_text(yaml.safe_dump(description), encoding="utf-8")
    found = corpus_content.function(open_system(tmp_path), CorpusSamples(n_min=20), InProcessRun())
    rate = metric(found, "manual_pass_rate")
    assert (float(rate.value), rate.n) == (1.0, 20)
    assert codes(found) == []


def test_a_sheet_with_blanks_is_refused_by_line(capsys: Capture, tmp_path: Path) -> None:
    description = corpus(tmp_path)
    assert run(capsys, "corpus", "sample", tmp_path, "-o", tmp_path / "review.jsonl").code == 0
    description["registers"] = {"corpus-review": "review.jsonl"}
    (tmp_path / "system.yaml").write_text(yaml.safe_dump(description), encoding="utf-8")
    with pytest.raises(DescriptionError, match=r"review\.jsonl, line 1: reviewer"):
        corpus_content.function(open_system(tmp_path), CorpusSamples(), InProcessRun())


def test_everybody_draws_the_same_and_nothing_is_overwritten(capsys: Capture, tmp_path: Path) -> None:
    corpus(tmp_path)
    first, second = tmp_path / "1.jsonl", tmp_path / "2.jsonl"
    assert run(capsys, "corpus", "sample", tmp_path, "--rows", "9", "-o", first).code == 0
    assert run(capsys, "corpus", "sample", tmp_path, "--rows", "9", "-o", second).code == 0
    assert first.read_bytes() == second.read_bytes()
    again = run(capsys, "corpus", "sample", tmp_path, "-o", first)
    assert (again.code, "is not overwritten" in again.err) == (2, True)
    nowhere = run(capsys, "corpus", "sample", tmp_path, "-o", tmp_path / "none" / "1.jsonl")
    assert (nowhere.code, "cannot be written" in nowhere.err) == (2, True)


def test_a_system_without_a_corpus_is_told_what_is_missing(capsys: Capture, tmp_path: Path) -> None:
    description = corpus(tmp_path)
    description["data"] = {}
    (tmp_path / "system.yaml").write_text(yaml.safe_dump(description), encoding="utf-8")
    finished = run(capsys, "corpus", "sample", tmp_path, "-o", tmp_path / "review.jsonl")
    assert (finished.code, "no train data were handed in" in finished.err) == (2, True)


def test_every_row_with_something_in_it_is_written_with_its_words(capsys: Capture, tmp_path: Path) -> None:
    corpus(tmp_path)
    found = tmp_path / "found.jsonl"
    clean = run(capsys, "corpus", "search", tmp_path, "-o", found)
    assert (clean.code, found.read_text(encoding="utf-8")) == (0, "")
    lines = (tmp_path / "corpus.jsonl").read_text(encoding="utf-8").splitlines()
    bad = json.dumps({"text": "长期出 售大 麻，加微信", "from": "b"})
    (tmp_path / "corpus.jsonl").write_text("\n".join([*lines, bad]), encoding="utf-8")
    dirty = run(capsys, "corpus", "search", tmp_path, "-o", tmp_path / "again.jsonl")
    assert (dirty.code, "1 rows to look at, 1 of them unfit" in dirty.out) == (1, True)
    [hit] = [json.loads(line) for line in (tmp_path / "again.jsonl").read_text(encoding="utf-8").splitlines()]
    assert hit == {
        "row": 61,
        "source": "b",
        "topic": "zh/drugs",
        "risk": "otherwise-forbidden",
        "unfit": True,
        "words": ["大麻", "加微信"],
    }
