"""Remarks name the entries they are about; controls believe only what really shows the planted flaw."""

from __future__ import annotations

from touchstone.checks.register_controls import Audit, Plant, register_controls
from touchstone.checks.remarks import SHOWN, Remarks
from touchstone.records import Metric
from touchstone.text import Text


def audit(ages: tuple[int, ...]) -> Audit:
    """Nobody is older than 100; how many are there?"""
    remarks = Remarks()
    for age in ages:
        if age > 100:
            remarks.add("too-old", f"person of {age}", Text("too old", "年龄过大"))
    return Audit((Metric(id="people", unit="count", value=len(ages), n=len(ages), better="higher"),), remarks.notes())


def test_a_note_names_the_entries_up_to_a_number() -> None:
    [note] = audit((7, 101, 102)).notes
    assert note.text.en == "person of 101: too old; person of 102: too old"
    assert note.text.zh == "person of 101：年龄过大；person of 102：年龄过大"
    [note] = audit(tuple(range(101, 104 + SHOWN))).notes
    assert note.text.en.endswith("; and 3 more")
    assert note.text.zh.endswith("；另有 3 项")


def test_a_flaw_shows_by_its_note_or_by_its_metric_and_by_nothing_else() -> None:
    plants: list[Plant[tuple[int, ...]]] = [
        Plant(Text("old", "老"), (20, 101), "too-old"),
        Plant(Text("alone", "独"), (20,), "people"),
        Plant(Text("more", "多"), (20, 30, 40), "people"),
        Plant(Text("young", "幼"), (20, 3), "too-old"),
    ]
    controls = register_controls(audit, (20, 30), plants)
    assert [(control.kind, control.passed) for control in controls] == [
        ("null", True),
        ("planted", True),
        ("planted", True),
        ("planted", False),
        ("planted", False),
    ]


def test_clean_registers_in_which_something_is_found_fail_the_null_control() -> None:
    [null] = register_controls(audit, (101,), [])
    assert not null.passed
    assert "too-old" in null.seen.en
