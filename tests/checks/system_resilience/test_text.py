import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.checks.running import METHOD_CODE, InProcessRun, codes, metric
from tests.checks.system_resilience.text_systems import characters, text_system, words
from touchstone.checks.declaration import Measurement
from touchstone.checks.system_resilience import text_controls
from touchstone.checks.system_resilience.text import text_robustness
from touchstone.checks.system_resilience.text_attacker import TextParameters
from touchstone.checks.system_resilience.text_evidence import marked
from touchstone.errors import UnavailableError
from touchstone.methods.attacks.text import FAMILIES, TextResult, TextThreat, attack_texts
from touchstone.methods.attacks.text.changes import Change
from touchstone.methods.attacks.text.lock_step import Ask
from touchstone.records import StoppingLimit
from touchstone.system.subject import Subject

LIMIT = StoppingLimit(metric="text_asr", op="<=", value=Decimal("0.3"), bound="upper")


def measure(subject: Subject, run: InProcessRun | None = None, **parameters: Any) -> Measurement:
    run = run or InProcessRun(limits=[LIMIT])
    return text_robustness.function(subject, TextParameters(**parameters), run)


def test_a_model_of_words_is_broken(tmp_path: Path) -> None:
    run = InProcessRun(limits=[LIMIT])
    measured = measure(text_system(tmp_path), run)
    rate = metric(measured, "text_asr")
    assert rate.low is not None
    assert rate.low > Decimal("0.3")
    assert rate.n < 100  # stopped as soon as the limit was missed
    assert metric(measured, "text_asr_at_share", "share=0.4").value > Decimal("0.7")
    assert [(control.kind, control.passed) for control in measured.controls] == [("planted", True), ("null", True)]
    assert all(METHOD_CODE.fullmatch(each.method) for each in measured.metrics)
    assert {"lower-bound", "readability-not-judged", "cost"} == set(codes(measured))
    assert run.fraction > 0


def test_hardening_is_seen(tmp_path: Path) -> None:
    """Training on perturbed copies, attacked as hard as before: the attack asks the hardened model."""
    rates = {}
    for hardened in (False, True):
        folder = tmp_path / str(hardened)
        folder.mkdir()
        measured = measure(text_system(folder, hardened=hardened, n=100), InProcessRun())
        assert all(control.passed for control in measured.controls)
        rates[hardened] = metric(measured, "text_asr")
    assert rates[False].n > 90
    assert rates[True].high < rates[False].low


def test_the_curve_never_falls_and_families_are_told_apart(tmp_path: Path) -> None:
    measured = measure(text_system(tmp_path))
    curve = [each for each in measured.metrics if each.id == "text_asr_at_share"]
    assert [each.slice for each in curve] == ["share=0.05", "share=0.1", "share=0.2", "share=0.4"]
    assert [each.value for each in curve] == sorted(each.value for each in curve)
    families = [each.slice for each in measured.metrics if each.id == "text_asr_by_family"]
    assert set(families) <= {f"family={name}" for name in FAMILIES}
    assert {"family=typo", "family=homoglyph", "family=homophone", "family=separation"} <= set(families)


def test_what_was_broken_is_shown_with_its_marks_and_can_be_checked(tmp_path: Path) -> None:
    subject, run = text_system(tmp_path), InProcessRun(limits=[LIMIT])
    measured = measure(subject, run)
    report = json.loads(run.kept["attack_report.json"])
    shown = json.loads(run.kept["perturbed_texts.json"])["texts"]
    assert len(report["broken"]) == len(shown) >= 20
    test = subject.data("test")
    for each, counted in zip(shown, report["broken"], strict=True):
        assert each["original"].replace("⟦", "").replace("⟧", "") == test.inputs[each["row"]]
        assert each["perturbed"].count("⟦") == counted["units_changed"] <= max(1, 0.2 * counted["units"])
        answer = subject.model().labels(np.array([each["text"]], dtype=object))
        assert answer.tolist() == [each["label_after"]] != [each["label_before"]]
    assert {exhibit.name for exhibit in measured.exhibits} == set(run.kept)


def test_texts_of_persons_are_not_shown(tmp_path: Path) -> None:
    run = InProcessRun(limits=[LIMIT])
    subject = text_system(tmp_path, personal=True)
    measure(subject, run)
    assert set(run.kept) == {"threat_model.json", "attack_report.json"}
    assert not any(str(text).encode() in b"".join(run.kept.values()) for text in subject.data("test").inputs)


def test_equal_runs_give_equal_results(tmp_path: Path) -> None:
    subject = text_system(tmp_path, characters, n=30)
    first, second = InProcessRun(limits=[LIMIT]), InProcessRun(limits=[LIMIT])
    assert measure(subject, first) == measure(subject, second)
    assert first.kept == second.kept


def test_labels_alone(tmp_path: Path) -> None:
    measured = measure(text_system(tmp_path, words, access="labels", n=40), InProcessRun(), queries_per_text=150)
    assert metric(measured, "text_asr").value > Decimal("0.2")
    assert not [each for each in measured.metrics if each.id == "text_asr_by_family"]
    assert "labels-only" in codes(measured)
    assert all(control.passed for control in measured.controls)


def test_nothing_right_nothing_to_attack(tmp_path: Path) -> None:
    measured = measure(text_system(tmp_path, truth=lambda y: 1 - y))
    assert measured.metrics == ()
    assert codes(measured) == ["nothing-to-attack"]


def test_other_scripts_are_not_tested(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="Latin letters or Chinese"):
        measure(text_system(tmp_path, texts=["السلام عليكم", "12345", "привет", "γειά"]))


def test_an_attack_without_power_is_not_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def weak(ask: Ask, texts: list[str], y: Any, seeds: list[int], threat: TextThreat) -> list[TextResult]:
        return attack_texts(ask, texts, y, seeds, replace(threat, families=("casing",)))

    monkeypatch.setattr(text_controls, "attack_texts", weak)
    controls = measure(text_system(tmp_path)).controls
    assert [(control.kind, control.passed) for control in controls] == [("planted", False), ("null", True)]


def test_marks() -> None:
    changes = [Change(3, 4, "女子", "components"), Change(0, 2, "a\u200bb", "split")]
    assert marked("ab 好!", changes) == ("⟦ab⟧ ⟦好⟧!", "⟦a\\u200bb⟧ ⟦女子⟧!")
