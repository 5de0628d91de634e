"""UCI Adult: the figures its authors and its users publish, from the file itself."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import numpy as np
import pytest

from touchstone.methods.group_fairness import groups_by_attribute, rate_gap, rate_ratio
from touchstone.methods.groups import membership

DATA = Path(os.environ.get("TOUCHSTONE_DATA", Path(__file__).parents[3] / "shared" / "data")) / "adult" / "adult.data"

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not DATA.is_file(), reason=f"{DATA} is not there")]


def test_base_rates_to_the_third_decimal() -> None:
    """30,162 complete rows of the training part: 24.9 % earn more than 50K, 31.4 % of men and 11.4 % of women."""
    with DATA.open(newline="", encoding="utf-8") as stream:
        rows = [{key.strip(): value.strip() for key, value in row.items()} for row in csv.DictReader(stream)]
    assert len(rows) == 30_162
    income = next(name for name in rows[0] if {row[name].rstrip(".") for row in rows} == {"<=50K", ">50K"})
    sex = next(name for name in rows[0] if {row[name] for row in rows} == {"Female", "Male"})
    rich = np.array([row[income].startswith(">") for row in rows])
    assert round(float(rich.mean()), 3) == 0.249
    members = membership(np.array([row[sex] for row in rows]))
    women, men = groups_by_attribute(rich, rich, {"sex": members})[("sex",)]
    assert (women.samples, men.samples) == (9782, 20_380)
    shares = [group.share("selection_rate") for group in (women, men)]
    assert [round(share.value, 3) for share in shares] == [0.114, 0.314]
    assert round(rate_gap(shares, family=2).value, 3) == 0.2
    assert round(rate_ratio(shares, family=2).value, 3) == 0.362
