"""`touchstone standard` as a person types it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


def touchstone(
    *arguments: str, language: str = "en", installed: Path | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from touchstone.cli import main; main()", "standard", *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={
            **os.environ,
            "TOUCHSTONE_LANG": language,
            "COLUMNS": "200",
            "PYTHONIOENCODING": "utf-8",
            "PYTHONPATH": "" if installed is None else str(installed),
        },
        check=False,
        timeout=60,
    )


def test_lists_profiles_and_controls():
    profiles = json.loads(touchstone("list", "--format", "json").stdout)
    assert len(profiles) == 10
    controls = json.loads(touchstone("list", "--controls", "--format", "json").stdout)
    assert len(controls) == 60
    assert controls[0]["id"] == "DS-01"
    text = touchstone("list", language="zh").stdout
    assert "数字医疗—技术筛查" in text


def test_shows_a_control_with_basis_and_cross_references():
    shown = touchstone("show", "SR-01")
    assert shown.returncode == 0
    assert "blackbox_asr" in shown.stdout
    assert "pilot limit, our own starting value" in shown.stdout
    assert "whitebox_asr" in shown.stdout
    assert "overlaps; no statement of compliance" in shown.stdout
    assert "compliant" not in shown.stdout
    assert json.loads(touchstone("show", "SR-01", "--format", "json").stdout)["id"] == "SR-01"


def test_a_basis_is_explained_in_the_language_of_the_reader():
    assert "best published simple defence there is about 7 %" in touchstone("show", "SR-05").stdout
    shown = touchstone("show", "SR-05", language="zh").stdout
    assert "该文公布的最佳简单防御约为 7 %" in shown
    assert "published" not in shown
    limits = json.loads(touchstone("show", "SR-05", "--format", "json").stdout)["limits"]
    (note,) = [limit["basis"]["note"] for limit in limits if limit["basis"]["note"]]
    assert set(note) == {"en", "zh"}


def test_shows_a_profile_with_what_it_leaves_out():
    shown = touchstone("show", "smart-city-traffic-screening", language="zh").stdout
    assert "略去：plate_accuracy_day" in shown
    assert "属于 smart-city-traffic 的一部分；其中 49 项控制不在本档案内" in shown
    whole = json.loads(touchstone("show", "smart-city-traffic", "--format", "json").stdout)
    assert len(whole["requirements"]) == 60


def test_compares_two_profiles():
    found = json.loads(touchstone("diff", "baseline", "intelligent-manufacturing", "--format", "json").stdout)
    assert found["added"] == ["SR-03", "SR-09", "SR-10", "SR-13", "GA-13"]
    assert found["removed"] == []
    changes = {(change["control"], change["metric"]): change for change in found["limits"]}
    tightened = changes[("SR-02", "mean_relative_drop_s1_s3")]
    assert (tightened["before"]["value"], tightened["after"]["value"]) == ("0.15", "0.1")
    assert changes[("MI-09", "false_reject_rate")]["change"] == "added"
    assert "no limit changed" in touchstone("diff", "baseline", "baseline").stdout


@pytest.mark.parametrize("arguments", [("show", "SR-99"), ("diff", "baseline", "bassline")])
def test_an_unknown_name_is_one_clear_message(arguments):
    refused = touchstone(*arguments)
    assert refused.returncode == 2
    assert refused.stderr.startswith("error: no ")
    assert "Traceback" not in refused.stderr


OWN_PROFILE = """\
schema: touchstone.pack/v1
profiles:
- id: harbour-screening
  title: {en: Harbour, zh: 港口}
  scope: {en: Cranes, zh: 起重机}
  part_of: intelligent-manufacturing-screening
  controls: [MI-01]
"""


def install_pack(folder: Path, package: str) -> Path:
    """A distribution as an installer leaves it: a package with a pack, and metadata with the entry point."""
    (folder / "harbour").mkdir()
    (folder / "harbour" / "__init__.py").write_text("")
    (folder / "harbour" / "profiles.yaml").write_text(OWN_PROFILE, encoding="utf-8")
    metadata = folder / "harbour-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: harbour\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(f"[touchstone.packs]\nharbour = {package}\n")
    return folder


def test_a_pack_of_someone_else_adds_a_profile(tmp_path):
    shown = touchstone("show", "harbour-screening", "--format", "json", installed=install_pack(tmp_path, "harbour"))
    assert [each["control"] for each in json.loads(shown.stdout)["requirements"]] == ["MI-01"]


def test_a_pack_that_is_not_there_is_one_clear_message(tmp_path):
    refused = touchstone("list", installed=install_pack(tmp_path, "harbor"))
    assert refused.returncode == 2
    assert "harbor" in refused.stderr
    assert "Traceback" not in refused.stderr
