"""The registers the page on data flows shows pass the checks it describes, and its Python runs."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path
from typing import Any

import pytest

from tests.checks.governance.registered import registered
from tests.checks.running import InProcessRun, codes, metric
from touchstone.checks.declaration import Check, Parameters
from touchstone.checks.governance.cross_border import cross_border
from touchstone.checks.governance.incident_clock import incident_clock
from touchstone.checks.governance.obligations import obligations
from touchstone.documents import parse_yaml
from touchstone.system.registers.kinds import REGISTERS
from touchstone.system.registers.reading import parse_register

PAGE = (Path(__file__).parents[3] / "docs/how-to/record-data-flows.md").read_text(encoding="utf-8")
BLOCKS = dict(re.findall(r"```yaml\n# ([^\n]+)\n(.*?)```", PAGE, re.DOTALL))
FACTS = {
    "deploy.public_facing": True,
    "deploy.affects_individuals": False,
    "model.generative": False,
    "data.sensitive_personal": True,
    "data.faces_stored": "none",
    "org.network_products_in_china": False,
}


def shown(name: str) -> Any:
    return parse_yaml(BLOCKS[name].encode(), name).value


def test_every_register_shown_can_be_read() -> None:
    declared = shown("system.yaml")["registers"]
    assert set(declared) <= set(REGISTERS)
    for name in declared:
        assert parse_register(BLOCKS[name].encode(), f"{name}.yaml", REGISTERS[name])


@pytest.mark.parametrize(
    ("check", "counted"),
    [
        (cross_border, ["flows_without_valid_basis"]),
        (obligations, ["undecided_conflicts", "overdue_filings"]),
        (incident_clock, ["duties_without_owner"]),
    ],
    ids=lambda value: value.id if isinstance(value, Check) else "",
)
def test_the_example_is_in_order(tmp_path: Path, check: Check, counted: list[str]) -> None:
    system = shown("system.yaml")
    registers = {name: shown(name) for name in system["registers"]}
    subject = registered(tmp_path, registers, facts=FACTS | system["facts"], deployment=system["deployment"])
    found = check.function(subject, Parameters(), InProcessRun())
    assert [metric(found, name).value for name in counted] == [0] * len(counted)
    assert codes(found) == ["confidence-of-the-law"]
    if check is incident_clock:
        assert float(metric(found, "drill_minutes_over_shortest_clock").value) == pytest.approx(100 / 240)


def test_a_decision_shown_is_one(tmp_path: Path) -> None:
    record = {**shown("obligations"), "decisions": shown("a decision, under `decisions`")}
    registered(tmp_path, {"obligations": record}).register(REGISTERS["obligations"])


def test_the_python_shown_prints_the_shortest_clock_first() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(code, {})  # noqa: S102 - our own page
    lines = printed.getvalue().splitlines()
    assert lines[0] == "0 personal-information-department pipl Art. 57 B []"
    assert "60 public-security incident_rep Art. 4 A []" in lines
