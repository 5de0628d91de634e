"""References that lead nowhere are found, wherever they stand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.evidence.projections.made import source
from touchstone.evidence.projections import project_all
from touchstone.evidence.projections.cyclonedx.references import broken_bom_references
from touchstone.evidence.projections.oscal.references import broken_references

NOWHERE = "00000000-0000-5000-8000-000000000000"


def references(value: Any, place: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Path of every reference in a document."""
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
        here = (*place, key)
        if isinstance(inner, dict | list):
            yield from references(inner, here)
        elif isinstance(key, str) and (key.endswith("-uuid") or (key == "href" and str(inner).startswith("#"))):
            yield here


def put(value: Any, place: tuple[str | int, ...], new: str) -> None:
    for key in place[:-1]:
        value = value[key]
    value[place[-1]] = new


OSCAL = {name: content for name, content in project_all(source()).items() if "oscal" in name}


@pytest.mark.parametrize("name", OSCAL)
def test_every_single_reference_is_followed(name: str) -> None:
    places = list(references(json.loads(OSCAL[name])))
    assert len(places) > 4
    for place in places:
        document = json.loads(OSCAL[name])
        put(document, place, "#" + NOWHERE if place[-1] == "href" else NOWHERE)
        assert [broken.place for broken in broken_references(document)] == ["/".join(map(str, place))]


def test_a_reference_must_lead_to_the_right_kind_of_thing() -> None:
    document = json.loads(OSCAL["projections/oscal/assessment-results.json"])
    result = document["assessment-results"]["results"][0]
    result["findings"][0]["related-observations"][0]["observation-uuid"] = result["findings"][1]["uuid"]
    (broken,) = broken_references(document)
    assert broken.place == "assessment-results/results/0/findings/0/related-observations/0/observation-uuid"
    assert broken.target == result["findings"][1]["uuid"]


def test_a_name_given_twice_is_broken() -> None:
    document = json.loads(OSCAL["projections/oscal/assessment-results.json"])
    findings = document["assessment-results"]["results"][0]["findings"]
    findings[1]["uuid"] = findings[0]["uuid"]
    assert {broken.target for broken in broken_references(document)} == {findings[0]["uuid"]}


def test_an_undefined_role_is_broken() -> None:
    document = json.loads(OSCAL["projections/oscal/assessment-plan.json"])
    document["assessment-plan"]["metadata"]["responsible-parties"][0]["role-id"] = "nobody"
    (broken,) = broken_references(document)
    assert broken.target == "nobody"


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["uuid", "href", "roles", "role-id", "id", "party-uuids", "subject-uuid", "components"]
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=20,
    )
)
def test_no_json_makes_the_search_fall_over(document: Any) -> None:
    broken_references(document)
    broken_bom_references(document)


def test_a_lost_or_doubled_name_in_a_bill_of_materials_is_found() -> None:
    text = project_all(source())["projections/cyclonedx/bom-1.6.cdx.json"].decode()
    assert broken_bom_references(json.loads(text)) == ()
    assert broken_bom_references(json.loads(text.replace('"target":"system"', '"target":"gone"', 1))) == ("gone",)
    assert broken_bom_references(json.loads(text.replace('"bom-ref":"data:test"', '"bom-ref":"model"'))) == (
        "data:test",
        "model",
    )
