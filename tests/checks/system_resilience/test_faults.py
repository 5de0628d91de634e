"""What the packs say of operating conditions, the methods can do."""

import pytest

from touchstone.methods.corruptions.image import CONDITION_FAMILIES, PICTURE_FAMILIES
from touchstone.methods.corruptions.sensor import TABLE_FAMILIES
from touchstone.methods.corruptions.series import SERIES_FAMILIES
from touchstone.standard.catalog import load_standard

FAMILIES = {"image": CONDITION_FAMILIES, "tabular": TABLE_FAMILIES, "timeseries": SERIES_FAMILIES}


@pytest.mark.parametrize("name", load_standard().conditions)
def test_a_condition_is_made_of_families_that_exist(name: str) -> None:
    for kind, faults in load_standard().conditions[name].entry.faults.items():
        families = [family for family, _ in faults]
        assert set(families) <= set(FAMILIES[kind])
        assert len(families) == len(set(families)), "one family twice would draw the same random numbers twice"


def test_every_family_that_only_conditions_use_is_used_by_one() -> None:
    used = {
        family
        for condition in load_standard().conditions.values()
        for family, _ in condition.entry.faults.get("image", ())
    }
    assert set(CONDITION_FAMILIES) - set(PICTURE_FAMILIES) <= used
