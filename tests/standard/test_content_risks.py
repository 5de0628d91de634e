from __future__ import annotations

from collections import Counter
from importlib.resources import files
from pathlib import Path

import pytest

from touchstone.documents import parse_yaml
from touchstone.errors import StandardError
from touchstone.standard.content_risks import content_risks, read_content_risks

PACK = Path(str(files("touchstone.standard").joinpath("packs", "content", "risks.yaml")))


def test_the_appendix_has_31_risks_in_five_groups() -> None:
    pack = content_risks()
    assert [pack.groups[name].at for name in pack.groups] == ["A.1", "A.2", "A.3", "A.4", "A.5"]
    assert Counter(risk.group for risk in pack.risks.values()) == {
        "core-values": 8,
        "discrimination": 9,
        "commercial": 5,
        "rights": 7,
        "reliability": 2,
    }


def test_places_run_through_each_group_in_its_order() -> None:
    pack = content_risks()
    for name, group in pack.groups.items():
        places = [pack.risks[risk].at for risk in pack.of_group(name)]
        assert places == [f"{group.at} {letter})" for letter in "abcdefghi"[: len(places)]]


def test_every_international_hazard_is_one_of_the_risks() -> None:
    pack = content_risks()
    named = {risk for hazard in pack.hazards.values() for risk in hazard.risks}
    assert named <= set(pack.risks)
    assert {"child-safety", "self-harm", "weapons", "cyber-abuse", "hate", "sexual-content", "fraud"} <= set(
        pack.hazards
    )


@pytest.mark.parametrize(
    ("line", "wrong", "said"),
    [
        ("group: core-values", "group: no-values", "unknown group of risks 'no-values'"),
        ("risks: [health-harm]", "risks: [bad-luck]", "unknown risk 'bad-luck'"),
        ("reference: tc260_003", "reference: tc260_999", "unknown reference 'tc260_999'"),
    ],
)
def test_a_pack_whose_parts_do_not_fit_is_refused_with_the_line(line: str, wrong: str, said: str) -> None:
    content = PACK.read_text(encoding="utf-8").replace(line, wrong, 1)
    at = next(number for number, each in enumerate(content.splitlines(), 1) if wrong in each)
    with pytest.raises(StandardError) as refused:
        read_content_risks(parse_yaml(content.encode(), "risks.yaml"))
    assert said in refused.value.what.en
    assert refused.value.where == f"risks.yaml:{at}"
