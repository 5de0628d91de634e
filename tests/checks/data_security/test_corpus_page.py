"""What the page about corpora says is so: its register is read, its risks exist, its lot is the one that is drawn."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from touchstone.checks.data_security.corpus_content import CorpusSamples
from touchstone.standard.catalog import load_standard
from touchstone.standard.content_risks import content_risks
from touchstone.system.description import SystemDescription
from touchstone.system.registers.corpus_review import RowReview
from touchstone.system.registers.reading import parse_register

PAGE = (Path(__file__).parents[3] / "docs/how-to/corpus-content.md").read_text(encoding="utf-8")
BLOCKS = dict(re.findall(r"```yaml\n# (\S+)\n(.*?)```", PAGE, re.DOTALL))


def test_the_description_on_the_page_is_one() -> None:
    system = {"name": "a", "version": "1", "supplier": {"name": "b"}, "intended_use": "c", "sector": "other"}
    document = {"schema": "touchstone.system/v1", "system": system, **yaml.safe_load(BLOCKS["system.yaml"])}
    description = SystemDescription.model_validate(document)
    assert description.registers == {RowReview.register: "review.jsonl"}


def test_the_register_on_the_page_is_read() -> None:
    passed, failed = parse_register(BLOCKS["corpus-review"].encode(), "review.yaml", RowReview)
    assert (passed.verdict, failed.verdict) == ("pass", "fail")
    assert failed.risk in content_risks().risks


def test_the_page_lists_every_risk_under_its_group() -> None:
    rows = re.findall(r"^\| A\.(\d) [^|]*\| (.*) \|$", PAGE, re.MULTILINE)
    listed = {f"A.{number}": tuple(re.findall(r"`([a-z-]+)`", names)) for number, names in rows}
    pack = content_risks()
    assert listed == {group.at: pack.of_group(name) for name, group in pack.groups.items()}


def test_the_sheet_has_as_many_rows_as_the_standard_asks_for() -> None:
    [limit] = [limit for limit in load_standard().control("DS-04").limits if limit.metric == "manual_pass_rate"]
    assert limit.params["n_min"] == CorpusSamples().n_min == 4000
    assert "4,000 rows" in PAGE
