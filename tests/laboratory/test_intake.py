"""What a description says in the words of the standard has to be words of the standard."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.checks.system_resilience.systems import picture_system
from touchstone.errors import DescriptionError
from touchstone.laboratory.intake import open_declared
from touchstone.standard.catalog import load_standard


def declared(folder: Path, words: str) -> Path:
    picture_system(folder, gap=0.1, n=4)
    description = folder / "system.yaml"
    description.write_text(description.read_text(encoding="utf-8") + f"\n{words}\n", encoding="utf-8")
    return description


def test_conditions_of_the_standard_are_accepted(tmp_path: Path) -> None:
    subject = open_declared(declared(tmp_path, "operating_domain: [night, fog]"), load_standard())
    assert subject.description.operating_domain == ["night", "fog"]


def test_a_misspelt_condition_is_refused_at_its_line_with_the_right_word(tmp_path: Path) -> None:
    description = declared(tmp_path, "operating_domain:\n- fog\n- nigth")
    with pytest.raises(DescriptionError) as refusal:
        open_declared(description, load_standard())
    [problem] = refusal.value.problems
    line = len(description.read_text(encoding="utf-8").splitlines())
    assert str(problem.where).endswith(f":{line}")
    assert "nigth" in problem.what.en
    assert problem.remedy is not None
    assert "night" in problem.remedy.en


def test_a_system_that_declares_nothing_keeps_its_digest(tmp_path: Path) -> None:
    silent = picture_system(tmp_path / "silent", gap=0.1, n=4)
    spoken = open_declared(declared(tmp_path / "spoken", "operating_domain: [fog]"), load_standard())
    assert "operating_domain" not in silent.description.model_dump(mode="json")
    assert silent.digest != spoken.digest
