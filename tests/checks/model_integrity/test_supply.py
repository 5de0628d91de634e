"""`supply.aibom` and `supply.vulnerabilities` on real folders."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.checks.running import InProcessRun
from tests.system.made import describe, make
from touchstone.checks.declaration import Check, Measurement
from touchstone.checks.model_integrity.bill_of_materials import bill_of_materials
from touchstone.checks.model_integrity.vulnerabilities import vulnerabilities
from touchstone.errors import UnavailableError

NEEDS_SCIPY = b"\x80\x04\x8c\x11scipy.sparse._csr\x8c\ncsr_matrix\x93."
WHOLE = {"version": "1.17", "supplier": "SciPy", "origin": "US", "licence": "BSD-3-Clause"}


def _measure(
    check: Check, folder: Path, components: list[dict[str, Any]], content: bytes = NEEDS_SCIPY
) -> tuple[Measurement, InProcessRun]:
    description = describe(columns=["a"], format_="onnx", file="model.onnx", more_files=["pre.pkl"])
    description["system"]["supplier"]["country"] = "CN"
    description["components"] = components
    run = InProcessRun()
    subject = make(folder, description, {"model.onnx": b"", "pre.pkl": content})
    measurement = check.function(subject, check.parameters(), run)
    assert all(control.passed for control in measurement.controls)
    assert [(m.id, m.unit) for m in measurement.metrics] == [(m.id, m.unit) for m in check.metrics]
    return measurement, run


def _values(measurement: Measurement) -> dict[str, float]:
    return {metric.id: float(metric.value) for metric in measurement.metrics}


def test_a_complete_bill_is_complete(tmp_path: Path) -> None:
    measurement, _ = _measure(bill_of_materials, tmp_path, [{"name": "SciPy", "kind": "library", **WHOLE}])
    assert _values(measurement) == {
        "required_field_completeness": 1,
        "loaded_but_undeclared": 0,
        "licences_not_identified": 0,
        "licence_conflicts": 0,
    }
    assert measurement.warnings == ()


def test_a_part_that_is_not_declared_is_named(tmp_path: Path) -> None:
    measurement, run = _measure(bill_of_materials, tmp_path, [])
    assert _values(measurement)["loaded_but_undeclared"] == 1
    assert "pre.pkl names the library scipy" in measurement.warnings[0].text.en
    assert json.loads(run.kept["bill.json"])["undeclared"] == [{"kind": "library", "name": "scipy", "where": "pre.pkl"}]


def test_a_package_url_declares_too(tmp_path: Path) -> None:
    component = {"name": "numerics", "kind": "library", "package": "pkg:pypi/scipy@1.17.0", **WHOLE}
    assert _values(_measure(bill_of_materials, tmp_path, [component])[0])["loaded_but_undeclared"] == 0


@pytest.mark.parametrize("field", ["version", "supplier", "origin", "licence"])
def test_each_missing_field_counts(tmp_path: Path, field: str) -> None:
    component = {"name": "SciPy", "kind": "library", **{name: text for name, text in WHOLE.items() if name != field}}
    measurement, _ = _measure(bill_of_materials, tmp_path, [component])
    assert _values(measurement)["required_field_completeness"] == 0.8
    assert f"SciPy: {field}" in measurement.warnings[0].text.en


def test_a_licence_in_words_is_not_identified(tmp_path: Path) -> None:
    component = {"name": "SciPy", "kind": "library", **WHOLE, "licence": "free for research"}
    assert _values(_measure(bill_of_materials, tmp_path, [component])[0])["licences_not_identified"] == 1


def test_a_chip_needs_no_licence(tmp_path: Path) -> None:
    chip = {"name": "chip", "kind": "chip", "version": "1", "supplier": "x", "origin": "CN"}
    scipy = {"name": "scipy", "kind": "library", **WHOLE}
    assert _values(_measure(bill_of_materials, tmp_path, [chip, scipy])[0])["licences_not_identified"] == 0


def test_known_weaknesses_and_malicious_releases_are_counted(tmp_path: Path) -> None:
    components = [
        {"name": "PyTorch", "kind": "framework", "package": "pkg:pypi/torch@2.5.1"},
        {"name": "triton", "kind": "library", "package": "pkg:pypi/torchtriton@2.0.0"},
        {"name": "unnamed", "kind": "library"},
    ]
    measurement, run = _measure(vulnerabilities, tmp_path, components)
    values = _values(measurement)
    assert values["known_malicious"] == 1
    assert values["critical_open_over_15_days"] >= 1
    texts = " ".join(note.text.en for note in measurement.warnings)
    assert "CVE-2025-32434" in texts
    assert "were not looked up: unnamed" in texts
    listing = json.loads(run.kept["vulnerabilities.json"])
    assert listing["not_looked_up"] == ["unnamed"]
    assert {package["name"] for package in listing["packages"]} >= {"torch", "torchtriton"}


def test_a_release_that_is_fixed_is_quiet(tmp_path: Path) -> None:
    component = {"name": "PyTorch", "kind": "framework", "package": "pkg:pypi/torch@2.13.0"}
    assert set(_values(_measure(vulnerabilities, tmp_path, [component])[0]).values()) == {0}


def test_a_high_weakness_is_shown_but_not_counted_as_critical(tmp_path: Path) -> None:
    component = {"name": "PyTorch", "kind": "framework", "package": "pkg:pypi/torch@2.9.0"}
    measurement, _ = _measure(vulnerabilities, tmp_path, [component])
    assert _values(measurement)["critical_open_over_15_days"] == 0
    assert "CVE-2026-24747" in " ".join(note.text.en for note in measurement.warnings)


def test_without_components_there_is_nothing_to_look_up(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="no component"):
        _measure(vulnerabilities, tmp_path, [], b"\x80\x04N.")
