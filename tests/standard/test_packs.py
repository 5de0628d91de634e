"""The content of our own standard: what is promised about it has to be in it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from importlib.resources import files

import pytest
from pydantic import BaseModel

from touchstone.canonical import canonical_json
from touchstone.checks.registry import installed_checks
from touchstone.documents import parse_yaml
from touchstone.records import Profile
from touchstone.standard.applicability import parse
from touchstone.standard.catalog import load_standard
from touchstone.standard.pack import Bilingual, Placed
from touchstone.text import Text

SCREENING = {
    "baseline-screening": "baseline",
    "smart-city-traffic-screening": "smart-city-traffic",
    "intelligent-manufacturing-screening": "intelligent-manufacturing",
    "digital-healthcare-screening": "digital-healthcare",
}
GENERATION = {"MI-09", "SR-05", "SR-06", "SR-07", "SR-08", "EM-03", "EM-04", "EM-05", "GA-07"}
SCREENED = {"DS-07", "DS-08", "MI-01", "MI-09", "SR-01", "SR-02", "SR-04", "EM-03", "EM-04", "EM-05", "GA-05"}
AUTOMATED = {
    "data.manifest",
    "privacy.membership_inference",
    "model.format_scan",
    "model.performance",
    "model.answers",
    "model.weak_slices",
    "robust.adversarial",
    "robust.corruption",
    "robust.ood",
    "robust.calibration",
    "robust.text",
    "fair.group_metrics",
    "method.statistics",
    "method.tool_qualification",
    "method.rerun",
}
CHINESE = re.compile("[\u4e00-\u9fff]")
CLAUSE = r"([A-Z]\.?)?[0-9]+([.-][0-9]+)*(\([0-9a-z]\))?"
LOCATOR = re.compile(rf"(Art\. )?{CLAUSE}(, {CLAUSE})*")

standard = load_standard()
profiles = [standard.profile(name) for name in standard.profiles]


def test_sixty_controls_in_five_heads_and_ten_profiles():
    counts = dict.fromkeys(standard.catalog.heads, 0)
    for control in standard.controls.values():
        counts[control.entry.head] += 1
    assert counts == {"DS": 13, "MI": 11, "SR": 14, "EM": 8, "GA": 14}
    assert set(standard.profiles) == {"baseline-quick", "generation-screening", *SCREENING, *SCREENING.values()}


def texts(value: object, where: str) -> Iterator[tuple[str, Bilingual | Text]]:
    """Every bilingual text inside an entry, a record or a collection of them, with the way to it."""
    if isinstance(value, Bilingual | Text):
        yield where, value
    elif isinstance(value, Placed):
        yield from texts(value.entry, where)
    elif isinstance(value, BaseModel) or is_dataclass(value):
        for name in type(value).model_fields if isinstance(value, BaseModel) else [each.name for each in fields(value)]:
            yield from texts(getattr(value, name), f"{where}.{name}")
    elif isinstance(value, Mapping):
        for name, part in value.items():
            yield from texts(part, f"{where}.{name}")
    elif isinstance(value, tuple):
        for position, part in enumerate(value):
            yield from texts(part, f"{where}.{position}")


def packs() -> Iterator[object]:
    """The packs of the standard as they are written."""
    for pack in files("touchstone.standard").joinpath("packs").iterdir():
        if pack.name.endswith(".yaml"):
            yield parse_yaml(pack.read_bytes(), pack.name).value


def notes_of_bases(value: object) -> int:
    """How often a basis has a note."""
    if isinstance(value, list):
        return sum(map(notes_of_bases, value))
    if not isinstance(value, dict):
        return 0
    basis = value.get("basis")
    return (isinstance(basis, dict) and "note" in basis) + sum(map(notes_of_bases, value.values()))


def test_every_text_for_people_is_in_english_and_in_chinese():
    found = [*texts(standard, "standard"), *(pair for profile in profiles for pair in texts(profile, profile.id))]
    read = sum(where.startswith("standard.") and where.endswith(".basis.note") for where, _ in found)
    assert read == sum(map(notes_of_bases, packs())) > 0  # none is out of the walk's reach
    assert {where for where, text in found if not text.en.strip() or CHINESE.search(text.en)} == set()
    assert {where for where, text in found if not CHINESE.search(text.zh)} == set()


def test_the_place_in_a_document_is_a_locator_and_no_remark():
    entries = [control.entry.limits for control in standard.controls.values()]
    entries += [profile.entry.overrides for profile in standard.profiles.values()]
    places = [entry.basis.at for several in entries for entry in several if entry.basis.at is not None]
    assert len(places) > 20
    assert [place for place in places if not LOCATOR.fullmatch(place)] == []


@pytest.mark.parametrize("profile", profiles, ids=lambda profile: profile.id)
def test_a_profile_is_a_self_contained_record(profile):
    again = Profile.from_bytes(profile.to_bytes(), "profile")
    assert again == profile
    assert again.own_digest() == profile.own_digest()
    canonical_json(profile.to_json())
    for requirement in profile.requirements:
        assert requirement.head in profile.heads
        assert all(kind in profile.documents for kind in requirement.evidence)
        named = [cross.ref for cross in requirement.cross_references]
        named += [limit.basis.ref for limit in requirement.limits if limit.basis.ref]
        assert all(reference in profile.references for reference in named)
        for condition in (requirement.applies_when, *(limit.applies_when or "true" for limit in requirement.limits)):
            assert set(parse(condition).facts) <= set(profile.questions)


@pytest.mark.parametrize(("name", "whole"), SCREENING.items())
def test_screening_is_a_part_of_its_whole_profile(name, whole):
    part, full = standard.profile(name), standard.profile(whole)
    assert part.whole_profile == whole
    assert part.whole_title == full.title
    assert part.edition == full.edition == "2026.1-draft"
    assert {requirement.control for requirement in part.requirements} == SCREENED
    assert set(part.outside_scope) == {requirement.control for requirement in full.requirements} - SCREENED
    demanded = {requirement.control: requirement for requirement in full.requirements}
    for requirement in part.requirements:
        assert requirement.evidence == ()
        before = demanded[requirement.control]
        kept = tuple(limit for limit in before.limits if limit.metric not in requirement.left_out)
        assert requirement.limits == kept
        assert all(CHINESE.search(reason.zh) for reason in requirement.left_out.values())


def test_what_writes_texts_has_a_screening_of_its_own():
    part = standard.profile("generation-screening")
    assert part.whole_profile == "baseline"
    assert {requirement.control for requirement in part.requirements} == GENERATION
    assert all(requirement.evidence == () for requirement in part.requirements)


def test_screening_uses_every_automated_check_and_no_other():
    for name in SCREENING:
        used = {check for requirement in standard.profile(name).requirements for check in requirement.checks}
        assert used == AUTOMATED


def test_every_control_that_says_it_is_automated_has_its_checks_installed():
    checks = installed_checks()
    automated = [control.entry for control in standard.controls.values() if control.entry.automation != "none"]
    assert {control.automation for control in automated} == {"full", "part"}
    for control in automated:
        assert control.checks
        assert set(control.checks) <= set(checks), control.id


def test_a_limit_that_cannot_fail_is_none():
    adversarial = standard.control("SR-01")
    assert adversarial.report_only == ("whitebox_asr",)
    assert [limit.metric for limit in adversarial.limits] == ["blackbox_asr", "constrained_asr", "text_asr"]
    for control in standard.controls.values():
        for limit in control.entry.limits:
            if limit.unit.startswith("share"):
                assert (limit.op, limit.value) not in {("<=", 1), (">=", 0)}


def test_sector_metrics_are_asked_for_only_where_they_mean_something():
    for name, metric in (
        ("smart-city-traffic", "plate_accuracy_night"),
        ("intelligent-manufacturing", "miss_rate_safety_critical_defect"),
        ("digital-healthcare", "sensitivity"),
    ):
        (performance,) = [
            requirement for requirement in standard.profile(name).requirements if requirement.control == "MI-09"
        ]
        (limit,) = [limit for limit in performance.limits if limit.metric == metric]
        assert limit.applies_when is not None


def test_overrides_reach_the_screening_profile():
    def limit(profile: str, control: str, metric: str) -> str:
        (requirement,) = [each for each in standard.profile(profile).requirements if each.control == control]
        (found,) = [each for each in requirement.limits if each.metric == metric]
        return str(found.value)

    assert limit("baseline-screening", "SR-01", "blackbox_asr") == "0.3"
    assert limit("digital-healthcare-screening", "SR-01", "blackbox_asr") == "0.2"
    assert limit("intelligent-manufacturing-screening", "SR-02", "mean_relative_drop_s1_s3") == "0.1"


@pytest.mark.parametrize("sector", ["smart-city-traffic", "intelligent-manufacturing", "digital-healthcare"])
def test_every_sector_can_simulate_its_conditions_on_every_kind_of_input(sector):
    conditions = standard.profile(sector).conditions
    for kind in ("image", "tabular", "timeseries"):
        assert any(kind in condition.faults for condition in conditions.values()), kind
    assert standard.profile(f"{sector}-screening").conditions == conditions


def test_every_condition_occurs_in_a_profile():
    named = {
        name
        for profile in standard.profiles.values()
        for names in profile.entry.operating_domain.values()
        for name in names
    }
    assert named == set(standard.conditions)


def test_monitoring_is_mandatory_only_from_the_third_level():
    def required(profile: str) -> bool:
        (monitoring,) = [each for each in standard.profile(profile).requirements if each.control == "SR-10"]
        return monitoring.required

    assert required("smart-city-traffic")
    assert not required("intelligent-manufacturing")


@pytest.mark.parametrize("name", [*SCREENING, "generation-screening"])
def test_what_screening_limits_its_checks_measure_in_the_same_unit_and_sense(name):
    checks = installed_checks()
    for requirement in standard.profile(name).requirements:
        declared = {metric.id: metric for check in requirement.checks for metric in _metrics(checks, check)}
        for limit in requirement.limits:
            assert limit.metric in declared, (requirement.control, limit.metric)
            metric = declared[limit.metric]
            assert (metric.unit, metric.better) == (limit.unit, "lower" if limit.op == "<=" else "higher")
        assert set(requirement.report_only) <= set(declared)


def _metrics(checks, check_id):
    return checks[check_id].metrics if check_id in checks else ()


@pytest.mark.parametrize("profile", sorted(load_standard().profiles))
def test_whatever_is_asked_for_has_a_title_in_both_languages(profile: str) -> None:
    """A reader of a report is shown no id: where no check of the control measures it, the pack gives a title."""
    checks = installed_checks()
    for requirement in load_standard().profile(profile).requirements:
        measured = {metric.id for check in requirement.checks for metric in checks[check].metrics}
        asked = {limit.metric for limit in requirement.limits} | {*requirement.report_only, *requirement.left_out}
        assert not asked - measured - requirement.titles.keys(), requirement.control
