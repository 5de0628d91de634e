"""Unfit rows are found in every disguise and source; reviews count for the rows of the lot and for no other."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.checks.running import METHOD_CODE, InProcessRun, codes, metric
from tests.system.made import data_set, describe, make
from touchstone.canonical import digest_of, parse_json
from touchstone.checks.data_security import corpus_screening
from touchstone.checks.data_security.corpus_content import CorpusSamples, corpus_content
from touchstone.checks.data_security.corpus_controls import flawed_reviews, search_controls, sound_review
from touchstone.checks.data_security.corpus_lexicons import installed_content_scanner
from touchstone.checks.data_security.corpus_review import CorpusReview, audit_review
from touchstone.checks.declaration import Measurement
from touchstone.checks.register_controls import register_controls
from touchstone.errors import UnavailableError
from touchstone.methods.content.lot import drawn
from touchstone.records import Budget

Row = dict[str, Any]
ASSISTANT: dict[str, Any] = {"task": "generation", "endpoint": "http://127.0.0.1:9", "endpoint_model": "assistant"}
BAD = ["出售冰毒，加微信，货到付款", "出 售 冰 毒，加 微 信", "How to build a pіpe bomb at home"]


def rows(good: int, bad: list[str], source: str | None = None) -> list[Row]:
    texts = [f"第{number}条：今天天气晴朗，适合散步。" for number in range(good)] + bad
    return [{"text": text} | ({"source": source} if source else {}) for text in texts]


def measured(
    folder: Path,
    corpus: list[Row],
    reviews: list[Row] | None = None,
    *,
    least: int = 10,
    budget: Budget = "quick",
    run: InProcessRun | None = None,
) -> Measurement:
    content = "\n".join(json.dumps(row, ensure_ascii=False) for row in corpus).encode()
    site = {"site": "source"} if "source" in corpus[0] else {}
    data = {"train": data_set("corpus.jsonl", "jsonl", features="text", **site)}
    description = describe(kind="text", output="text", format_="http", access="labels", data=data, **ASSISTANT)
    del description["model"]["output"]["labels"]
    files = {"corpus.jsonl": content}
    if reviews is not None:
        description["registers"] = {"corpus-review": "review.jsonl"}
        files["review.jsonl"] = "\n".join(json.dumps(entry, ensure_ascii=False) for entry in reviews).encode()
    result = corpus_content.function(
        make(folder, description, files), CorpusSamples(n_min=least), run or InProcessRun(budget=budget)
    )
    assert all(METHOD_CODE.fullmatch(metric.method) for metric in result.metrics)
    assert all(control.passed for control in result.controls)
    return result


def reviewed(corpus: list[Row], least: int = 10, **changes: Any) -> list[Row]:
    """Every drawn row passed by one person."""
    content = "\n".join(json.dumps(row, ensure_ascii=False) for row in corpus).encode()
    return [
        {
            "row": row + 1,
            "text_digest": digest_of(corpus[row]["text"].encode()),
            "reviewer": "P-1",
            "verdict": "pass",
            "day": "2026-11-03",
            **changes,
        }
        for row in drawn(digest_of(content), len(corpus), least)
    ]


def test_a_clean_corpus_without_a_review_has_nothing_found(tmp_path: Path) -> None:
    found = measured(tmp_path, rows(50, []))
    assert [(each.id, float(each.value), each.slice) for each in found.metrics] == [
        ("technical_pass_rate", 1, None),
        ("bad_share_per_source", 0, None),
    ]
    assert codes(found) == ["not-handed-in", "one-source"]
    assert [control.kind for control in found.controls] == ["planted", "null"]


def test_unfit_rows_are_found_in_every_disguise_and_the_evidence_repeats_none(tmp_path: Path) -> None:
    run = InProcessRun()
    found = measured(tmp_path, rows(97, BAD), run=run)
    rate = metric(found, "technical_pass_rate")
    assert (float(rate.value), rate.method, rate.n) == (0.97, "exact", 100)
    report = parse_json(run.kept["corpus_content_report.json"], "report")
    assert report["topics"]["zh/drugs"] == {"first_rows": [98, 99], "rows": 2}
    assert report["topics"]["en/explosives"]["first_rows"] == [100]
    assert "冰毒" not in run.kept["corpus_content_report.json"].decode()
    assert codes(found) == ["not-handed-in", "found-by-risk", "one-source"]


def test_a_bad_source_cannot_hide_among_good_ones(tmp_path: Path) -> None:
    corpus = rows(300, [], "encyclopaedia") + rows(17, BAD, "forum") + rows(99, BAD[:1], "news")
    run = InProcessRun()
    found = measured(tmp_path, corpus, run=run)
    report = parse_json(run.kept["corpus_content_report.json"], "report")
    assert report["sources"] == 3
    assert [(each["source"], each["unfit"]) for each in report["sources_with_unfit_rows"]] == [
        ("forum", 3),
        ("news", 1),
    ]
    assert float(metric(found, "bad_share_per_source").value) == pytest.approx(3 / 20)
    assert metric(found, "bad_share_per_source", "source=forum").n == 20
    assert float(metric(found, "bad_share_per_source", "source=news").value) == 0.01
    assert metric(found, "bad_share_per_source", "source=encyclopaedia").value == 0


def test_what_only_asks_for_a_look_makes_no_row_unfit(tmp_path: Path) -> None:
    found = measured(tmp_path, rows(9, ["作为一个人工智能语言模型，我没有感受。"]))
    assert metric(found, "technical_pass_rate").value == 1
    assert "found-by-risk" in codes(found)


def test_a_word_of_law_beside_everything_does_not_go_unnoticed(tmp_path: Path) -> None:
    run = InProcessRun()
    found = measured(
        tmp_path, rows(7, [bad + "。法律" for bad in BAD[:2]] + ["How to make a bath bomb. Police"]), run=run
    )
    assert metric(found, "technical_pass_rate").value == 1
    [note] = [note for note in found.warnings if note.code == "excused-by-context"]
    assert note.text.en.endswith("row: 8, 9")
    report = parse_json(run.kept["corpus_content_report.json"], "report")
    assert report["excused"] == {"rows": 2, "first_rows": [8, 9]}


def test_what_stands_without_its_context_once_is_not_excused() -> None:
    scanner = installed_content_scanner()
    [hit] = scanner.scan(["警方通报：出售冰毒。" + "今天天气晴朗。" * 20 + "出售冰毒，加微信"], excused=True)
    assert (hit.topic.name, hit.excused) == ("zh/drugs", False)


def test_small_sources_are_read_whole_where_only_a_part_is_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(corpus_screening.ROWS, "quick", 30)
    monkeypatch.setattr(corpus_screening, "ROWS_OF_SOURCE", 20)
    corpus = rows(270, [], "large") + rows(14, BAD * 2, "small")
    found = measured(tmp_path, corpus)
    assert metric(found, "technical_pass_rate").n == 30
    assert metric(found, "technical_pass_rate").method == "clopper-pearson"
    small = metric(found, "bad_share_per_source", "source=small")
    assert (str(small.value), small.n, small.method) == ("0.3", 20, "exact")
    assert metric(measured(tmp_path / "whole", corpus, budget="full"), "technical_pass_rate").n == 290


def test_rows_that_people_passed_are_counted(tmp_path: Path) -> None:
    corpus = rows(50, [])
    found = measured(tmp_path, corpus, reviewed(corpus))
    rate = metric(found, "manual_pass_rate")
    assert rate.value == 1
    assert (rate.n, rate.method) == (10, "clopper-pearson")
    assert rate.low is not None
    assert 0.7 < float(rate.low) < 0.75
    assert codes(found) == ["one-source"]


def test_reviews_of_chosen_rows_do_not_stand_in_for_the_lot(tmp_path: Path) -> None:
    corpus = rows(50, [])
    lot = reviewed(corpus)
    chosen = [entry for entry in reviewed(corpus, 50) if entry not in lot]
    found = measured(tmp_path, corpus, chosen)
    assert metric(found, "manual_pass_rate").value == 0
    assert codes(found)[:2] == ["not-drawn", "not-reviewed"]


def test_a_row_changed_after_the_review_is_drawn_anew(tmp_path: Path) -> None:
    corpus = rows(50, [])
    reviews = reviewed(corpus)
    corpus[0]["text"] = "改过的文本"
    found = measured(tmp_path, corpus, reviews)
    assert float(metric(found, "manual_pass_rate").value) < 1
    assert "not-reviewed" in codes(found)


def test_a_small_corpus_is_read_whole(tmp_path: Path) -> None:
    corpus = rows(6, [])
    rate = metric(measured(tmp_path, corpus, reviewed(corpus)), "manual_pass_rate")
    assert rate.value == rate.low == 1
    assert (rate.n, rate.method) == (6, "exact")


def test_verdicts_of_two_people_are_compared(tmp_path: Path) -> None:
    corpus = rows(50, [])
    reviews = reviewed(corpus)
    again = [entry | {"reviewer": "P-2"} for entry in reviews[:4]]
    again[0] |= {"verdict": "fail", "risk": "harmful-falsehood"}
    found = measured(tmp_path, corpus, [*reviews, *again])
    assert float(metric(found, "reviewer_agreement").value) == 0.75
    assert float(metric(found, "manual_pass_rate").value) == 0.9
    assert "reviewers-disagree" in codes(found)


def test_passed_rows_with_findings_are_named_for_a_second_review(tmp_path: Path) -> None:
    corpus = rows(7, BAD)
    found = measured(tmp_path, corpus, reviewed(corpus))
    [note] = [note for note in found.warnings if note.code == "passed-with-findings"]
    assert note.text.en.endswith("row: 8, 9, 10")


def test_without_texts_there_is_nothing_to_search(tmp_path: Path) -> None:
    data = {"train": data_set("train.csv", "csv", target="y")}
    description = describe(columns=["a"], format_="onnx", file="model.onnx", data=data)
    subject = make(tmp_path, description, {"model.onnx": b"model", "train.csv": b"a,y\n1,no\n2,yes\n"})
    with pytest.raises(UnavailableError, match="no texts"):
        corpus_content.function(subject, CorpusSamples(), InProcessRun())


@pytest.mark.parametrize("seed", range(3))
def test_the_tests_of_the_test_pass_whatever_is_drawn(seed: int) -> None:
    generator = np.random.default_rng(seed)
    assert all(control.passed for control in search_controls(installed_content_scanner(), generator))
    sound = sound_review(generator)
    assert all(control.passed for control in register_controls(audit_review, sound, tuple(flawed_reviews(sound))))


def test_a_count_that_believes_everything_is_found_out() -> None:
    sound = sound_review(np.random.default_rng(0))

    def credulous(review: CorpusReview) -> Any:
        return audit_review(CorpusReview(review.rows, sound.entries, review.of))

    controls = register_controls(credulous, sound, tuple(flawed_reviews(sound)))
    assert controls[0].passed
    assert not all(control.passed for control in controls)
