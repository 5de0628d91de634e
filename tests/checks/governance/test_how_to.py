"""The registers of the how-to page are read, fit together, and are what the page says of them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.checks.governance.registered import MODEL, registered
from tests.checks.running import InProcessRun, codes, metric
from touchstone.canonical import digest_of
from touchstone.checks.declaration import Measurement
from touchstone.checks.registry import installed_check
from touchstone.documents import parse_yaml
from touchstone.statistics import proportion_bounds
from touchstone.system.registers.kinds import REGISTERS

PAGE = (Path(__file__).parents[3] / "docs/how-to/record-governance.md").read_text(encoding="utf-8")
BLOCKS = dict(re.findall(r"```yaml\n# (\S+)\n(.*?)```", PAGE, re.DOTALL))
KINDS = sorted(BLOCKS.keys() - {"system.yaml"})
EXPECTED: dict[str, list[str]] = {
    "gov.committee": [],
    "gov.risk_register": [],
    "gov.oversight": ["overseer-not-tested", "no-better-than-chance", "too-few-samples"],
    "gov.disclosure": ["advisory-not-readable"],
    "gov.surveillance": [],
}
"""What has to be said of each: three cases are no exercise, and the page hands in no advisory."""


def measured(folder: Path, check: str) -> Measurement:
    fitting = re.sub(r"sha256:[0-9a-f]{64}", digest_of(MODEL), PAGE)
    blocks = dict(re.findall(r"```yaml\n# (\S+)\n(.*?)```", fitting, re.DOTALL))
    registers: dict[str, Any] = {kind: parse_yaml(blocks[kind].encode(), kind).value for kind in KINDS}
    system = {"name": "made", "version": "1.4.0", "supplier": {"name": "Example AI"}, "intended_use": "tests"}
    subject = registered(folder, registers, system=system | {"sector": "healthcare"})
    declared = installed_check(check)
    parameters = declared.parameters.model_validate({"n_min": 50} if check == "gov.oversight" else {})
    return declared.function(subject, parameters, InProcessRun())


def test_every_register_that_is_declared_on_the_page_is_shown_there() -> None:
    assert set(yaml.safe_load(BLOCKS["system.yaml"])["registers"]) == set(KINDS) <= REGISTERS.keys()


@pytest.mark.parametrize("check", EXPECTED)
def test_the_registers_fit_together(tmp_path: Path, check: str) -> None:
    found = measured(tmp_path, check)
    assert codes(found) == EXPECTED[check]
    assert all(control.passed for control in found.controls)


def test_the_numbers_on_the_page_are_right(tmp_path: Path) -> None:
    assert float(metric(measured(tmp_path, "gov.disclosure"), "acknowledge_days").value) == 2
    assert proportion_bounds(54, 60)[0] == pytest.approx(0.81, abs=0.005)
    assert proportion_bounds(53, 60)[0] < 0.8
    assert proportion_bounds(0, 3)[1] == pytest.approx(0.63, abs=0.005)
