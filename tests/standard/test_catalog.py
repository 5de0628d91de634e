"""The loader refuses what no defensible verdict can rest on, and says where and what to do."""

from __future__ import annotations

import pytest

from touchstone.errors import StandardError, UserError
from touchstone.records import Basis, Profile
from touchstone.standard.catalog import load_standard
from touchstone.text import Text

PACK = """\
schema: touchstone.pack/v1
catalog:
  id: small
  edition: "1"
  as_of: "2026-01-01"
  heads:
    DS: {en: Data, zh: 数据}
  levels:
    AL1: {en: low, zh: 低}
    AL2: {en: high, zh: 高}
  decision_rules: []
facts:
  data.personal:
    values: bool
    question: {en: "Personal?", zh: 含个人信息？}
  model.task:
    values: [classification, other]
    question: {en: "Task?", zh: 任务？}
references:
  law:
    title: {en: A law, zh: 一部法律}
    kind: law
    confidence: A
documents:
  policy: {en: Policy, zh: 方针}
controls:
- id: DS-01
  head: DS
  title: {en: One, zh: 一}
  what: {en: First control, zh: 第一项控制}
  methods: [T]
  automation: full
  checks: [data.one]
  documents: [policy]
  applies_when: data.personal
  lifecycle: [evaluate]
  severity: high
  gate: true
  min_level: AL1
  limits:
  - {metric: leak, op: "<=", value: 0.5, unit: share, bound: upper, params: {far: 0.25}, basis: {kind: pilot}}
  - {metric: reach, op: ">=", value: 0.5, unit: share, bound: lower,
     basis: {kind: law, ref: law, at: Art. 2, note: {en: our reading, zh: 系本标准的解读}}}
  cross_references: [[law, "Art. 1", int, A]]
- id: DS-02
  head: DS
  title: {en: Two, zh: 二}
  what: {en: Second control, zh: 第二项控制}
  methods: [I]
  automation: none
  documents: [policy]
  applies_when: "true"
  lifecycle: [govern]
  severity: low
  gate: false
  min_level: AL2
profiles:
- id: whole
  title: {en: Whole, zh: 整体}
  scope: {en: All, zh: 全部}
  level: AL1
  controls: [DS-01, DS-02]
  assumed_facts: {data.personal: true}
  overrides:
  - {control: DS-01, metric: leak, op: "<=", value: 0.4, bound: upper, basis: {kind: pilot}}
  - {control: DS-01, metric: fresh, op: "<=", value: 3, unit: count, bound: exact, basis: {kind: pilot}}
- id: part
  title: {en: Part, zh: 部分}
  scope: {en: Some, zh: 部分}
  part_of: whole
  documents: false
  controls: [DS-01]
  left_out: {DS-01: {reach: {en: too hard, zh: 过难}}}
- id: larger
  title: {en: Larger, zh: 更大}
  scope: {en: More, zh: 更多}
  imports: part
  level: AL2
  add: [DS-02]
  drop: {DS-01: {en: not here, zh: 此处不适用}}
  operating_domain: {time: [day, night], lens: [dirty]}
- id: largest
  title: {en: Largest, zh: 最大}
  scope: {en: Most, zh: 最多}
  imports: larger
  operating_domain: {lens: [dirty, wet]}
conditions:
  day: {title: {en: Day, zh: 日间}}
  night: {title: {en: Night, zh: 夜间}, faults: {image: [[dark, 3], [noise, 1]]}}
  dirty: {title: {en: Dirty, zh: 脏污}, faults: {image: [[dirt, 2]], tabular: [[noise, 4]]}}
  wet: {title: {en: Wet, zh: 潮湿}, faults: {image: [[blur, 5]]}}
"""


def load(folder, pack: str):
    (folder / "pack.yaml").write_text(pack, encoding="utf-8")
    return load_standard(folder)


def test_the_small_standard_resolves(tmp_path):
    standard = load(tmp_path, PACK)
    whole = standard.profile("whole")
    one, two = whole.requirements
    assert [(limit.metric, str(limit.value)) for limit in one.limits] == [
        ("leak", "0.4"),
        ("reach", "0.5"),
        ("fresh", "3"),
    ]
    assert one.limits[0].params == {"far": "0.25"}
    assert one.limits[1].basis == Basis(kind="law", ref="law", at="Art. 2", note=Text("our reading", "系本标准的解读"))
    assert (one.required, two.required) == (True, False)
    part = standard.profile("part")
    assert part.outside_scope == ("DS-02",)
    assert part.requirements[0].left_out["reach"].zh == "过难"
    assert part.requirements[0].evidence == ()
    assert whole.assumed_facts == {"data.personal": True}
    assert part.assumed_facts == {}
    larger = standard.profile("larger")
    assert [requirement.control for requirement in larger.requirements] == ["DS-02"]
    assert larger.requirements[0].required
    assert larger.documents["policy"].en == "Policy"


def test_a_profile_holds_what_its_operating_conditions_are_made_of(tmp_path):
    standard = load(tmp_path, PACK)
    assert standard.profile("whole").conditions == {}
    larger, largest = standard.profile("larger"), standard.profile("largest")
    assert list(larger.conditions) == ["night", "dirty"], "the day is ordinary: there is nothing to simulate"
    assert larger.conditions["night"].title.zh == "夜间"
    assert larger.conditions["night"].faults == {"image": (("dark", 3), ("noise", 1))}
    assert list(largest.conditions) == ["night", "dirty", "wet"], "inherited first"
    assert Profile.from_bytes(largest.to_bytes(), "profile") == largest
    assert "conditions" not in standard.profile("whole").to_json(), "older profiles keep their digest"


def test_a_system_may_declare_only_conditions_that_are_described(tmp_path):
    standard = load(tmp_path, PACK)
    standard.require_operating_condition("night", "system.yaml:3")
    with pytest.raises(StandardError, match="nigth") as refusal:
        standard.require_operating_condition("nigth", "system.yaml:3")
    assert "night" in refusal.value.render("en")


OVERRIDE = '{control: DS-01, metric: fresh, op: "<=", value: 3'
REACH = '{metric: reach, op: ">=", value: 0.5, unit: share, bound: lower'
LIMITS = "  limits:"
TWO = "- id: DS-02\n  head: DS\n  title: {en: Two"


def test_an_override_keeps_what_it_does_not_set(tmp_path):
    spare = '  - {metric: spare, op: "<=", value: 0.7, unit: auc, bound: upper, fallback_for: leak, power: true,\n'
    spare += "     applies_when: data.personal, params: {size: 3}, basis: {kind: pilot}}\n"
    pack = PACK.replace("  cross_references:", spare + "  cross_references:", 1)
    pack = pack.replace('metric: leak, op: "<=", value: 0.4,', 'metric: spare, op: "<=", value: 0.6,')
    (limit,) = [each for each in load(tmp_path, pack).profile("whole").requirements[0].limits if each.metric == "spare"]
    assert str(limit.value) == "0.6"
    assert (limit.unit, limit.fallback_for, limit.power) == ("auc", "leak", True)
    assert (limit.applies_when, limit.params) == ("data.personal", {"size": 3})


# What is wrong: the text that is sound, what stands in its place, and the line on which the refusal has to point.
DEFECTS = {
    "limit without a basis": ("params: {far: 0.25}, basis: {kind: pilot}", "params: {far: 0.25}", "far: 0.25"),
    "basis that dangles": ("ref: law, at", "ref: lax, at", "metric: reach"),
    "basis without a document": ("kind: law, ref: law, at", "kind: law, at", "metric: reach"),
    "cross-walk that dangles": ('[[law, "Art. 1"', '[[lax, "Art. 1"', "[[lax"),
    "override of an unknown metric": (f"{OVERRIDE}, unit: count", OVERRIDE, OVERRIDE),
    "override of an unknown control": ("DS-01, metric: fresh", "DS-09, metric: fresh", "DS-09, metric: fresh"),
    "override of a control not chosen": ("controls: [DS-01, DS-02]", "controls: [DS-02]", "DS-01, metric: leak"),
    "override without a basis": ("bound: exact, basis: {kind: pilot}", "bound: exact", "metric: fresh"),
    "profile with an unknown control": ("controls: [DS-01, DS-02]", "controls: [DS-01, DS-03]", "DS-03"),
    "part with a control its whole has not": ("  controls: [DS-01]", "  controls: [DS-01, DS-07]", "DS-07"),
    "unknown base": ("imports: part", "imports: pert", "imports: pert"),
    "base that is built on itself": ("imports: part", "imports: larger", "- id: larger"),
    "both import and part": ("  imports: part\n", "  imports: part\n  part_of: whole\n", "- id: larger"),
    "unknown head": ("- id: DS-02\n  head: DS", "- id: DS-02\n  head: DX", "head: DX"),
    "unknown severity": ("severity: low", "severity: mild", "severity: mild"),
    "unknown level of a control": ("min_level: AL2", "min_level: AL7", "min_level: AL7"),
    "unknown level of a profile": ("  level: AL1\n", "  level: AL9\n", "level: AL9"),
    "control that nobody tests": ("  automation: none\n  documents: [policy]\n", "  automation: none\n", "- id: DS-02"),
    "unknown kind of document": ("none\n  documents: [policy]", "none\n  documents: [polity]", "[polity]"),
    "unknown way of testing": ("methods: [I]", "methods: [X]", "methods: [X]"),
    "duplicate control": (TWO, TWO.replace("DS-02", "DS-01"), TWO.replace("DS-02", "DS-01")),
    "duplicate profile": ("- id: part", "- id: whole", "- id: whole\n  title: {en: Part"),
    "unreadable condition": ("applies_when: data.personal", "applies_when: data.personal and", "personal and"),
    "unknown fact in a condition": ("applies_when: data.personal", "applies_when: data.weather", "data.weather"),
    "unknown value in a condition": ("applies_when: data.personal", "applies_when: model.task == chess", "chess"),
    "value for a yes-or-no fact": ("applies_when: data.personal", "applies_when: data.personal == big", "== big"),
    "list fact used as yes or no": ("applies_when: data.personal", "applies_when: model.task", "when: model.task"),
    "unknown fact in a limit": (REACH, REACH + ", applies_when: data.weather", "data.weather"),
    "unknown assumed fact": ("facts: {data.personal: true}", "facts: {data.weather: true}", "data.weather"),
    "assumed value of the wrong kind": ("facts: {data.personal: true}", "facts: {data.personal: big}", ": big}"),
    "no Chinese text": ("title: {en: Two, zh: 二}", "title: {en: Two}", "title: {en: Two}"),
    "basis note without Chinese": ("note: {en: our reading, zh: 系本标准的解读}", "note: {en: our reading}", "note:"),
    "basis note without English": ("note: {en: our reading, ", "note: {", "note:"),
    "basis note with empty Chinese": ("zh: 系本标准的解读", 'zh: ""', "note:"),
    "basis note in one language": ("note: {en: our reading, zh: 系本标准的解读}", "note: our reading", "note:"),
    "no English text": ("title: {en: Two, zh: 二}", "title: {zh: 二}", "title: {zh: 二}"),
    "empty text": ("title: {en: Two, zh: 二}", 'title: {en: Two, zh: ""}', "title: {en: Two"),
    "limits that exclude each other": (REACH, REACH.replace("reach", "leak").replace("0.5", "0.6"), LIMITS),
    "limit stated twice": (REACH, '{metric: leak, op: "<=", value: 0.6, unit: share, bound: upper', LIMITS),
    "optimistic bound": ("unit: share, bound: lower", "unit: share, bound: upper", "metric: reach"),
    "fallback for nothing": ("params: {far: 0.25}", "fallback_for: nothing", LIMITS),
    "fallback for itself": ("params: {far: 0.25}", "fallback_for: leak", LIMITS),
    "unknown operator": (REACH, REACH.replace(">=", ">"), "metric: reach"),
    "unknown field": ("  gate: false", "  gates: false", "- id: DS-02"),
    "left out but not there": ("left_out: {DS-01: {reach:", "left_out: {DS-01: {touch:", "left_out"),
    "left out of a control not there": ("left_out: {DS-01: {reach:", "left_out: {DS-02: {reach:", "left_out"),
    "omission without a Chinese reason": ("{en: too hard, zh: 过难}", "{en: too hard}", "left_out"),
    "limit that is no number": ("value: 0.4", "value: often", "often"),
    "profile without a level": ("  level: AL1\n", "", "- id: whole"),
    "unknown operating condition": ("time: [day, night]", "time: [day, nigth]", "time: [day, nigth]"),
    "condition in one language": ("title: {en: Wet, zh: 潮湿}", "title: {en: Wet}", "title: {en: Wet}"),
    "severity beyond five": ("[[blur, 5]]", "[[blur, 6]]", "  wet:"),
    "condition of nothing": ("[[blur, 5]]", "[]", "  wet:"),
    "condition for an unknown kind of input": ("{image: [[blur, 5]]}", "{smell: [[blur, 5]]}", "  wet:"),
    "another schema": ("touchstone.pack/v1", "touchstone.pack/v9", "schema"),
}


@pytest.mark.parametrize("defect", DEFECTS)
def test_refused_with_place_and_remedy(tmp_path, defect):
    sound, broken, pointed_at = DEFECTS[defect]
    assert sound in PACK
    pack = PACK.replace(sound, broken, 1)
    with pytest.raises(StandardError) as refusal:
        load(tmp_path, pack)
    error = refusal.value
    assert error.remedy is not None
    assert error.what.zh != error.what.en
    line = pack[: pack.index(pointed_at)].count("\n") + 1
    assert error.where == f"{tmp_path / 'pack.yaml'}:{line}"


def test_exactly_one_pack_holds_the_catalog(tmp_path):
    first, rest = PACK.split("facts:\n", 1)
    (tmp_path / "rest.yaml").write_text("schema: touchstone.pack/v1\nfacts:\n" + rest, encoding="utf-8")
    with pytest.raises(StandardError, match="no pack holds the catalog"):
        load_standard(tmp_path)
    (tmp_path / "catalog.yaml").write_text(first, encoding="utf-8")
    assert len(load_standard(tmp_path).controls) == 2
    (tmp_path / "catalog-again.yaml").write_text(first, encoding="utf-8")
    with pytest.raises(StandardError, match="defined twice"):
        load_standard(tmp_path)


def test_the_same_id_in_two_files_names_both(tmp_path):
    (tmp_path / "first.yaml").write_text(PACK, encoding="utf-8")
    (tmp_path / "second.yaml").write_text(
        "schema: touchstone.pack/v1\ndocuments:\n  policy: {en: Other, zh: 其他}\n", encoding="utf-8"
    )
    with pytest.raises(StandardError) as refusal:
        load_standard(tmp_path)
    assert "second.yaml:3" in str(refusal.value.where)
    assert "first.yaml" in refusal.value.what.en


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(StandardError):
        load_standard(tmp_path)


@pytest.mark.parametrize("content", ["", "[]", "3", "schema: [", "schema: &a touchstone.pack/v1"])
def test_what_is_no_pack_is_refused(tmp_path, content):
    with pytest.raises(UserError):
        load(tmp_path, content)


def test_unknown_names_are_refused_with_the_known_ones(tmp_path):
    standard = load(tmp_path, PACK)
    with pytest.raises(StandardError) as refusal:
        standard.profile("hole")
    assert "whole" in refusal.value.render("en")
    with pytest.raises(StandardError):
        standard.control("DS-09")


def test_stated_facts_are_held_against_the_vocabulary(tmp_path):
    standard = load(tmp_path, PACK)
    standard.require_facts({"data.personal": "unknown", "model.task": ["other"]}, "system.yaml")
    for facts in (
        {"data.persona": True},
        {"data.personal": "yes"},
        {"model.task": "chess"},
        {"model.task": True},
        {"model.task": []},
    ):
        with pytest.raises(StandardError):
            standard.require_facts(facts, "system.yaml")
