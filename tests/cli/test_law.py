"""`touchstone law`: the same decisions as in an assessment, for one file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.checks.governance.test_cross_border import CONTRACT, FLOW, LARGE
from tests.cli.program import run
from touchstone.system.registers import reading


def written(path: Path, value: Any) -> Path:
    path.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
    return path


def test_flows_are_decided_with_their_article(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    finished = run(capsys, "law", "flows", written(tmp_path / "flows.yaml", [FLOW]))
    assert finished.code == 0
    assert finished.out.splitlines()[0] == "F-1  exempt  R18 cbdf2024 Art. 5(1)(iv) [A]"
    assert "not legal advice" in finished.out


def test_a_flow_without_its_filing_is_said_to_be_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flows = written(tmp_path / "flows.yaml", [LARGE])
    alone = run(capsys, "law", "flows", flows)
    assert alone.code == 1
    assert "no valid basis: names the filing SC-1, which is not there" in alone.out
    filings = written(tmp_path / "filings.yaml", [CONTRACT | {"receipt": "elsewhere.pdf"}])
    assert run(capsys, "law", "flows", flows, "--filings", filings).code == 0


def test_what_is_unknown_is_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flows = written(tmp_path / "flows.yaml", [{name: value for name, value in FLOW.items() if name != "important"}])
    finished = run(capsys, "--lang", "zh", "law", "flows", flows, "--format", "json")
    assert finished.code == 1
    (flow,) = json.loads(finished.out)["flows"]
    assert (flow["outcome"], [each["fact"] for each in flow["questions"]]) == ("ask", ["data.important"])
    told = run(capsys, "--lang", "zh", "law", "flows", flows)
    assert "无有效依据：data.important：该出境流是否包含重要数据" in told.out
    assert "不构成法律意见" in told.out


def test_an_empty_register_says_nothing_and_is_no_fault(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "law", "flows", written(tmp_path / "flows.yaml", [])).code == 0


def test_duties_are_listed_with_the_shortest_clock_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    facts = {
        "deploy.cii": True,
        "incident.grade": "major",
        "incident.personal_data": False,
        "org.network_products_in_china": False,
    }
    finished = run(capsys, "law", "duties", written(tmp_path / "facts.yaml", facts), "--format", "json")
    assert finished.code == 0
    duties = json.loads(finished.out)["duties"]
    assert [(duty["recipient"], duty["within_minutes"]) for duty in duties] == [
        ("protection-department", 60),
        ("public-security", 60),
    ]


def test_a_missing_fact_is_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    facts = written(tmp_path / "facts.yaml", {"incident.grade": "larger", "deploy.cii": True})
    finished = run(capsys, "law", "duties", facts, "--in", "CN", "--in", "FR")
    assert finished.code == 1
    assert "at once  department that performs duties" in finished.out
    assert "if incident.personal_data: Was personal information leaked" in finished.out
    assert "4320 min  data protection authority  (Regulation (EU) 2016/679 (GDPR), Art. 33) [B]" in finished.out


@pytest.mark.parametrize(
    ("facts", "options", "said"),
    [
        ({"incident.grade": "lager"}, (), "facts.yaml:1: incident.grade cannot take this value; use general"),
        ({"incident.colour": True}, (), "is a fact that no pack asks for"),
        ({"incident.grade": []}, (), "incident.grade cannot take this value"),
        ({"deploy.cii": 1}, (), "use true, false"),
        (["deploy.cii"], (), "is not a mapping of facts"),
        ({}, ("--in", "US"), "there is no pack of law for US"),
    ],
)
def test_wrong_input_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], facts: Any, options: tuple[str, ...], said: str
) -> None:
    finished = run(capsys, "law", "duties", written(tmp_path / "facts.yaml", facts), *options)
    assert finished.code == 2
    assert said in finished.err


def test_a_register_that_cannot_be_read_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    finished = run(capsys, "law", "flows", written(tmp_path / "flows.yaml", [FLOW | {"way": "by post"}]))
    assert finished.code == 2
    assert "way: expected one of sent, read-from-abroad" in finished.err
    assert run(capsys, "law", "flows", tmp_path / "none.yaml").code == 2


def test_a_register_is_read_whole_or_not_at_all(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What stands beyond the most that is read must not be passed over in silence."""
    line = json.dumps(FLOW, ensure_ascii=False).encode() + b"\n"
    flows = tmp_path / "flows.jsonl"
    flows.write_bytes(line + json.dumps(LARGE, ensure_ascii=False).encode() + b"\n")
    monkeypatch.setattr(reading, "LARGEST_BYTES", len(line))
    finished = run(capsys, "law", "flows", flows)
    assert (finished.code, "is larger than" in finished.err) == (2, True)
